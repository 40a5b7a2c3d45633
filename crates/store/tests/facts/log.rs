//! The log: order, gaps, clock, epoch, locks.

use parapet_store::{Error, Kind};

use crate::support::{TestStore, on_both_stores};

#[test]
fn a_transaction_that_changes_nothing_uses_no_position() {
    on_both_stores(async |t: TestStore| {
        let tx = t.store.begin().await.unwrap();
        let done = tx.commit().await.unwrap();
        assert_eq!((done.seq, done.rows), (0, 0));
        assert_eq!(t.store.head().await.unwrap().seq, 0);

        let mut tx = t.store.begin().await.unwrap();
        tx.ensure_project("other").await.unwrap();
        let done = tx.commit().await.unwrap();
        assert_eq!(done.seq, 1);
        let mut read = t.store.read().await.unwrap();
        let log = read.log_since(0, 10).await.unwrap().unwrap();
        assert_eq!(
            log.iter().map(|e| (e.seq, e.kind, e.subject)).collect::<Vec<_>>(),
            [(1, Kind::Project, 2)]
        );
    });
}

#[test]
fn a_second_server_is_refused() {
    on_both_stores(async |t: TestStore| {
        let mut lock = t.store.lock_server().await.unwrap();
        assert!(lock.is_held().await);
        let refused = t.again().await.lock_server().await.unwrap_err();
        assert!(matches!(refused, Error::Locked(_)) && refused.to_string().contains("another server"));
        drop(lock);
    });
}
