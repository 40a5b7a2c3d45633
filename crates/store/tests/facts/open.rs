//! Opening: creation, the server's lock, other schemas.

use parapet_model::TestClock;
use parapet_store::{Error, Store, StoreUrl};

use crate::estate::raw;
use crate::support::{TestStore, on_both_stores, options};

#[test]
fn a_second_server_is_refused_until_the_first_is_gone() {
    on_both_stores(async |t: TestStore| {
        let mut lock = t.store.lock_server().await.unwrap();
        assert!(lock.is_held().await);
        let other = t.again().await;
        let refused = other.lock_server().await.unwrap_err();
        assert!(matches!(refused, Error::Locked(_)) && refused.to_string().contains("another server"));
        // A short writer works beside the server.
        let mut tx = other.begin().await.unwrap();
        tx.ensure_project("from the command line").await.unwrap();
        tx.commit().await.unwrap();
        drop(lock);
        // PostgreSQL notices the closed connection a moment later.
        for _ in 0..200 {
            match other.lock_server().await {
                Ok(_) => return,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    });
}

#[test]
fn a_new_store_has_a_default_project_and_division() {
    on_both_stores(async |t: TestStore| {
        let mut read = t.store.read().await.unwrap();
        let projects = read.projects().await.unwrap();
        assert_eq!(projects.len(), 1);
        assert_eq!(projects[0].name, "default");
        assert!(projects[0].id.len() == 32 && projects[0].id.bytes().all(|b| b.is_ascii_hexdigit()));
        assert_eq!(read.project_by_id(&projects[0].id).await.unwrap().as_ref(), projects.first());
        assert_eq!(read.enterprise_project_by_id("0").await.unwrap().unwrap().name, "default");
        assert_eq!(read.project_by_name("none").await.unwrap(), None);
    });
}

#[test]
fn stores_of_another_schema_are_refused() {
    on_both_stores(async |t: TestStore| {
        let open = async || Store::open(options(&t.url, &t.clock)).await;
        raw(&t, "UPDATE log_head SET schema_version = 10000").await;
        let newer = open().await.unwrap_err();
        assert!(newer.to_string().contains("use a newer program"), "{newer}");
        // Also a program that opened the store before somebody migrated it.
        let late = t.store.begin().await.unwrap_err();
        assert!(matches!(late, Error::SchemaNewer { found: 10_000, .. }), "{late}");

        // An older store is migrated, but not under a running server.
        raw(&t, "UPDATE log_head SET schema_version = 0").await;
        let lock = t.store.lock_server().await.unwrap();
        let served = open().await.unwrap_err();
        assert!(served.to_string().contains("stop the server"), "{served}");
        drop(lock);
        open().await.unwrap();
        t.store.begin().await.unwrap();

        raw(
            &t,
            "UPDATE log_head SET schema_version = 0; UPDATE schema_migration SET hash = 'x' WHERE number = 1",
        )
        .await;
        let altered = open().await.unwrap_err();
        assert!(matches!(altered, Error::SchemaAltered(1)), "{altered}");
    });
}

#[test]
fn a_path_to_the_store_is_made() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let dir = tempfile::tempdir().unwrap();
        let url = StoreUrl::Sqlite(dir.path().join("deep/er/store.db"));
        Store::open(options(&url, &TestClock::at(0))).await.unwrap();
        let file = StoreUrl::Sqlite(dir.path().join("deep/er/store.db/inside"));
        let refused = Store::open(options(&file, &TestClock::at(0))).await.unwrap_err();
        assert!(matches!(refused, Error::File { .. }), "{refused}");
    });
}

#[test]
fn programs_that_create_a_store_together_create_it_once() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let dir = tempfile::tempdir().unwrap();
        let url = StoreUrl::Sqlite(dir.path().join("store.db"));
        let opening: Vec<_> = (0..4)
            .map(|_| {
                let url = url.clone();
                tokio::spawn(async move { Store::open(options(&url, &TestClock::at(0))).await })
            })
            .collect();
        let mut epochs = std::collections::BTreeSet::new();
        for opened in opening {
            epochs.insert(opened.await.unwrap().unwrap().epoch());
        }
        assert_eq!(epochs.len(), 1);
    });
}

#[test]
fn a_row_that_cannot_be_is_named_with_table_and_column() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        crate::estate::host(&mut tx, 10, 1, &["bash"]).await;
        tx.commit().await.unwrap();
        for (damage, table, column) in [
            ("UPDATE asset SET kind = 77", "asset", "kind"),
            ("UPDATE asset SET kind = 2, pinned = 5", "asset", "pinned"),
            ("UPDATE asset SET pinned = 1, host_facts = '{'", "asset", "host_facts"),
            ("UPDATE asset SET host_facts = '{}'; UPDATE package SET coverage = -1", "package", "coverage"),
        ] {
            raw(&t, damage).await;
            let error = t.store.load_all().await.unwrap_err();
            let expected = format!("inconsistent row in {table}, column {column}, row 1");
            assert_eq!(error.to_string(), expected);
        }
    });
}

/// The certificate of the authority that vouches for the PostgreSQL server.
fn postgres_authority() -> Option<String> {
    let path = std::env::var("PARAPET_POSTGRES_CA").ok().filter(|path| !path.is_empty());
    if path.is_none() {
        assert!(std::env::var_os("PARAPET_REQUIRE_PEERS").is_none(), "PARAPET_POSTGRES_CA must be set here");
        eprintln!("left out: PostgreSQL over TLS, set PARAPET_POSTGRES_CA to its authority's certificate");
    }
    path
}

#[test]
fn postgres_over_tls_trusts_the_authority_that_is_named_and_no_other() {
    on_both_stores(async |t: TestStore| {
        let StoreUrl::Postgres(url) = &t.url else { return };
        let Some(authority) = postgres_authority() else { return };
        let open = async |ssl: String| {
            let url = StoreUrl::Postgres(format!("{url}?{ssl}"));
            Store::open(options(&url, &TestClock::at(1_000_000))).await
        };
        let trusted = open(format!("sslmode=verify-full&sslrootcert={authority}")).await.unwrap();
        trusted.close().await;
        let refused = open("sslmode=verify-full".to_owned()).await.unwrap_err().to_string();
        assert!(refused.contains("certificate"), "{refused}");
    });
}

/// Two programs on one store, one of which writes without a pause.
#[test]
fn a_writer_beside_a_busy_one_waits_for_one_transaction_not_for_all() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let dir = tempfile::tempdir().unwrap();
        let url = StoreUrl::Sqlite(dir.path().join("store.db"));
        let clock = TestClock::at(0);
        let (busy, other) = (
            Store::open(options(&url, &clock)).await.unwrap(),
            Store::open(options(&url, &clock)).await.unwrap(),
        );
        let begun = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
        let (count, stop) = (begun.clone(), std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false)));
        let stopped = stop.clone();
        let writing = tokio::spawn(async move {
            while !stopped.load(std::sync::atomic::Ordering::SeqCst) {
                let mut tx = busy.begin().await.unwrap();
                count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                tx.ensure_feed("busy", "osv").await.unwrap();
                tx.commit().await.unwrap();
            }
        });
        let mut waits = Vec::new();
        for _ in 0..50 {
            let before = begun.load(std::sync::atomic::Ordering::SeqCst);
            let tx = other.begin().await.unwrap();
            waits.push(begun.load(std::sync::atomic::Ordering::SeqCst) - before);
            drop(tx);
        }
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
        writing.await.unwrap();
        // The middle one, because the thread may have been off its core before it asked.
        waits.sort_unstable();
        assert!(waits[25] <= 3, "transactions of the busy writer before one of the other: {waits:?}");
    });
}
