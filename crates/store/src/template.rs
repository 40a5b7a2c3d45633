//! What a temporary store begins with: a database as a new store has it, epoch and first project included.
//!
//! To create some hundred tables and indexes takes longer than to read a small image. The file may be
//! older than the newest migrations: the rest is applied as to any store, which costs some milliseconds
//! each time. It is made anew by `PARAPET_WRITE_TEMPLATE=1 cargo test -p parapet-store template`.

use std::path::Path;

use crate::error::{Error, Result};

const EMPTY: &[u8] = include_bytes!("../migrations/empty.db.zst");

/// More bytes than it has.
const LARGEST: usize = 8 << 20;

/// Writes it to `path`, unless something is there.
pub(crate) fn write(path: &Path) -> Result<()> {
    let failed = |source| Error::File { path: path.display().to_string(), source };
    if path.exists() {
        return Ok(());
    }
    let bytes = zstd::bulk::decompress(EMPTY, LARGEST).map_err(failed)?;
    std::fs::write(path, bytes).map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parapet_model::{SeededIds, TestClock};

    use crate::db::Db;
    use crate::sql::args;
    use crate::store::create;
    use crate::{Options, Store, StoreUrl};

    const OBJECTS: &str =
        "SELECT type || ' ' || name || ': ' || COALESCE(sql, '') FROM sqlite_master ORDER BY 1";
    const STEPS: &str = "SELECT number || ' ' || hash FROM schema_migration ORDER BY number";
    const PROJECTS: &str = "SELECT name FROM project";

    async fn lines(store: &Store, sql: &'static str) -> Vec<String> {
        let rows = store.read().await.unwrap().fetch(sql, args![]).await.unwrap();
        rows.iter().map(|row| row.fields("line").text().unwrap()).collect()
    }

    async fn write_template() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("empty.db");
        let db = Db::open(&StoreUrl::Sqlite(path.clone()), false).await.unwrap();
        create(&db, &SeededIds::default()).await.unwrap();
        db.vacuum().await;
        db.close().await;
        let packed = zstd::encode_all(std::fs::File::open(&path).unwrap(), 19).unwrap();
        let place = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/empty.db.zst");
        std::fs::write(place, packed).unwrap();
    }

    #[tokio::test]
    async fn a_temporary_store_is_like_one_that_stays() {
        if std::env::var_os("PARAPET_WRITE_TEMPLATE").is_some() {
            return write_template().await;
        }
        let dir = tempfile::tempdir().unwrap();
        let open = async |url| {
            let options = Options {
                url,
                clock: Arc::new(TestClock::at(0)),
                ids: Arc::new(SeededIds::default()),
                small: false,
            };
            Store::open(options).await.unwrap()
        };
        let temporary = open(StoreUrl::Temporary(dir.path().join("a.db"))).await;
        let stays = open(StoreUrl::Sqlite(dir.path().join("b.db"))).await;
        for sql in [OBJECTS, STEPS, PROJECTS] {
            assert_eq!(lines(&temporary, sql).await, lines(&stays, sql).await);
        }
        let tx = temporary.begin().await.unwrap();
        assert_eq!(tx.seq(), 1);
        tx.commit().await.unwrap();
        let side = temporary.side().await.unwrap();
        side.commit().await.unwrap();
    }
}
