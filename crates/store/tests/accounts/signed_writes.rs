//! Signed writes.

use parapet_model::Digest;
use parapet_store::accounts::Reply;

use crate::support::{TestStore, on_both_stores};

#[test]
fn a_signed_write_is_claimed_once_and_keeps_its_first_answer() {
    on_both_stores(async |t: TestStore| {
        let head = t.store.read().await.unwrap().head().await.unwrap();
        let (first, other) = (Digest::of(b"first"), Digest::of(b"other"));
        assert_eq!(t.store.read().await.unwrap().signed_write(&first).await.unwrap(), None);

        let mut side = t.store.side().await.unwrap();
        assert!(side.claim_signed_write(&first, 10, 100).await.unwrap());
        assert!(!side.claim_signed_write(&first, 10, 100).await.unwrap());
        side.commit().await.unwrap();
        assert_eq!(t.again().await.read().await.unwrap().signed_write(&first).await.unwrap(), Some(None));

        let reply = |body: &[u8]| Reply {
            status: 200,
            content_type: "application/json".to_owned(),
            body: body.to_vec(),
        };
        let mut side = t.store.side().await.unwrap();
        side.answer_signed_write(&first, &reply(b"{\"task_id\": 1}")).await.unwrap();
        side.answer_signed_write(&first, &reply(b"late")).await.unwrap();
        side.commit().await.unwrap();
        let kept = t.again().await.read().await.unwrap().signed_write(&first).await.unwrap();
        assert_eq!(
            kept,
            Some(Some(reply(b"{\"task_id\": 1}"))),
            "the first answer stays, for another process too"
        );

        let mut side = t.store.side().await.unwrap();
        assert!(!side.claim_signed_write(&first, 99, 200).await.unwrap());
        assert!(side.claim_signed_write(&other, 100, 200).await.unwrap());
        assert!(side.claim_signed_write(&first, 100, 200).await.unwrap(), "forgotten to the millisecond");
        side.commit().await.unwrap();
        assert_eq!(t.store.read().await.unwrap().head().await.unwrap(), head, "no facts");
    });
}
