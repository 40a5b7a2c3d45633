//! Opening: creation, the server's lock, other schemas.

use parapet_model::TestClock;
use parapet_store::{Error, Store, StoreUrl};
use sqlx::ConnectOptions as _;

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
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/er/store.db");
        let url = StoreUrl::Sqlite(path.clone());
        let clock = TestClock::at(0);
        let store = Store::open(options(&url, &clock)).await.unwrap();
        let mut connection =
            sqlx::sqlite::SqliteConnectOptions::new().filename(&path).connect().await.unwrap();

        sqlx::query("UPDATE log_head SET schema_version = 10000").execute(&mut connection).await.unwrap();
        let newer = Store::open(options(&url, &clock)).await.unwrap_err();
        assert!(newer.to_string().contains("use a newer program"), "{newer}");
        // Also a program that opened the store before somebody migrated it.
        let late = store.begin().await.unwrap_err();
        assert!(matches!(late, Error::SchemaNewer { found: 10_000, .. }), "{late}");

        // An older store is migrated, but not under a running server.
        sqlx::query("UPDATE log_head SET schema_version = 0").execute(&mut connection).await.unwrap();
        let lock = store.lock_server().await.unwrap();
        let served = Store::open(options(&url, &clock)).await.unwrap_err();
        assert!(served.to_string().contains("stop the server"), "{served}");
        drop(lock);
        Store::open(options(&url, &clock)).await.unwrap();
        store.begin().await.unwrap();

        sqlx::raw_sql(
            "UPDATE log_head SET schema_version = 0; UPDATE schema_migration SET hash = 'x' WHERE number = 1",
        )
        .execute(&mut connection)
        .await
        .unwrap();
        let altered = Store::open(options(&url, &clock)).await.unwrap_err();
        assert!(matches!(altered, Error::SchemaAltered(1)), "{altered}");
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
