//! One test body, two stores.
//!
//! [`on_both_stores`] runs a body on a fresh SQLite file, and, when `PARAPET_POSTGRES` names a
//! server, on a fresh PostgreSQL database copied from a migrated template.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Once};

use parapet_model::{RandomIds, SeededIds, TestClock};
use parapet_store::{Options, Store, StoreUrl};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};

/// A fresh store with hands on its clock.
pub(crate) struct TestStore {
    /// The store.
    pub(crate) store: Store,
    /// Starts at 1,000,000 ms.
    pub(crate) clock: TestClock,
    /// Where it is, to open it again.
    pub(crate) url: StoreUrl,
}

impl TestStore {
    async fn open(url: StoreUrl) -> Self {
        let clock = TestClock::at(1_000_000);
        let store = Store::open(options(&url, &clock)).await.expect("the store opens");
        Self { store, clock, url }
    }

    /// The same store opened once more, as another process would.
    pub(crate) async fn again(&self) -> Store {
        let ids = Arc::new(RandomIds);
        Store::open(Options { ids, ..options(&self.url, &self.clock) }).await.expect("the store opens again")
    }
}

/// Options with predictable ids.
pub(crate) fn options(url: &StoreUrl, clock: &TestClock) -> Options {
    Options {
        url: url.clone(),
        clock: Arc::new(clock.clone()),
        ids: Arc::new(SeededIds::default()),
        small: false,
    }
}

/// Runs `body` on SQLite, then on PostgreSQL when a server is named.
pub(crate) fn on_both_stores(body: impl AsyncFn(TestStore)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    runtime.block_on(async {
        let url = StoreUrl::Sqlite(dir.path().join("store.db"));
        body(TestStore::open(url).await).await;
    });
    let Some(server) = postgres_server() else { return };
    let name = runtime.block_on(fresh_database(&server));
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            let url = StoreUrl::Postgres(format!("{server}/{name}"));
            body(TestStore::open(url).await).await;
        });
    }));
    runtime.block_on(administer(&server, &format!("DROP DATABASE {name} WITH (FORCE)")));
    if let Err(panic) = outcome {
        eprintln!("failed on PostgreSQL");
        resume_unwind(panic);
    }
}

/// The server's URL without a database name.
fn postgres_server() -> Option<String> {
    static SAID: Once = Once::new();
    match std::env::var("PARAPET_POSTGRES") {
        Ok(url) if !url.is_empty() => {
            let url = url.trim_end_matches('/');
            let authority = url.find("://").map_or(0, |at| at + 3);
            Some(match url[authority..].find('/') {
                Some(slash) => url[..authority + slash].to_owned(),
                None => url.to_owned(),
            })
        }
        _ => {
            assert!(std::env::var_os("PARAPET_REQUIRE_PEERS").is_none(), "PARAPET_POSTGRES must be set here");
            SAID.call_once(|| eprintln!("left out: PostgreSQL, set PARAPET_POSTGRES to a server's URL"));
            None
        }
    }
}

/// A database copied from the template.
async fn fresh_database(server: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let template = template(server).await;
    let name = format!("parapet_test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
    administer(server, &format!("DROP DATABASE IF EXISTS {name}")).await;
    administer(server, &format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
    name
}

/// A migrated, empty database, made once per schema and kept for the next run.
async fn template(server: &str) -> String {
    let name = format!("parapet_template_{:016x}", schema_hash());
    let mut connection = connect(server).await;
    // Several test processes may start together.
    sqlx::query("SELECT pg_advisory_lock(71)").execute(&mut connection).await.unwrap();
    let ready: Option<bool> = sqlx::query_scalar("SELECT datistemplate FROM pg_database WHERE datname = $1")
        .bind(&name)
        .fetch_optional(&mut connection)
        .await
        .unwrap();
    if ready != Some(true) {
        administer(server, &format!("DROP DATABASE IF EXISTS {name}")).await;
        administer(server, &format!("CREATE DATABASE {name}")).await;
        let url = StoreUrl::Postgres(format!("{server}/{name}"));
        // Random ids, so that those of the copies' stores do not meet them.
        let with = Options { ids: Arc::new(RandomIds), ..options(&url, &TestClock::at(0)) };
        Store::open(with).await.unwrap().close().await;
        administer(server, &format!("ALTER DATABASE {name} WITH IS_TEMPLATE true")).await;
    }
    connection.close().await.unwrap();
    name
}

/// Changes whenever a migration does.
fn schema_hash() -> u64 {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("migrations/postgres");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.hash(&mut hasher);
        std::fs::read(&file).unwrap().hash(&mut hasher);
    }
    hasher.finish()
}

/// Runs one statement on the server's own database.
async fn administer(server: &str, sql: &str) {
    let mut connection = connect(server).await;
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    connection.close().await.unwrap();
}

async fn connect(server: &str) -> PgConnection {
    let options: sqlx::postgres::PgConnectOptions = format!("{server}/postgres").parse().unwrap();
    options.connect().await.expect("PARAPET_POSTGRES answers")
}
