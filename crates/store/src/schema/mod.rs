//! Migrations: numbered SQL files, one table family each, in two folders with the same names. An
//! applied file is never edited; a change is a new file.

mod accounts;
mod facts;

use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};
use crate::session::Session;
use crate::sql::args;

/// One step of the schema, in both dialects.
pub(crate) struct Migration {
    /// Number; steps apply in this order. Facts own 1–99, accounts and jobs 100–199.
    pub(crate) number: i64,
    /// File name without `.sql`.
    pub(crate) name: &'static str,
    /// Text for SQLite.
    pub(crate) sqlite: &'static str,
    /// Text for PostgreSQL.
    pub(crate) postgres: &'static str,
}

/// `migration!(3, "0003_package_set")`.
macro_rules! migration {
    ($number:literal, $name:literal) => {
        $crate::schema::Migration {
            number: $number,
            name: $name,
            sqlite: include_str!(concat!("../../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../../migrations/postgres/", $name, ".sql")),
        }
    };
}
pub(crate) use migration;

const CREATE_MIGRATIONS: &str = "CREATE TABLE IF NOT EXISTS schema_migration \
     (number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, hash TEXT NOT NULL)";
const READ_MIGRATIONS: &str = "SELECT number, hash FROM schema_migration ORDER BY number";
const WRITE_MIGRATION: &str = "INSERT INTO schema_migration (number, name, hash) VALUES ($1, $2, $3)";
const SET_SCHEMA: &str = "UPDATE log_head SET schema_version = $1 WHERE one = 1";

/// All steps in order.
pub(crate) fn migrations() -> impl Iterator<Item = &'static Migration> {
    facts::MIGRATIONS.iter().chain(accounts::MIGRATIONS)
}

/// The schema this program writes: the number of its steps. (Not the highest number, because two
/// ranges grow.)
pub(crate) fn version() -> i64 {
    i64::try_from(migrations().count()).unwrap_or(i64::MAX)
}

/// Applies what is missing. The session holds the store's write lock, so two programs that start
/// together do it once.
pub(crate) async fn migrate(session: &mut Session, postgres: bool) -> Result<()> {
    session.execute(CREATE_MIGRATIONS, args![]).await?;
    let mut applied = std::collections::BTreeMap::new();
    for row in session.fetch(READ_MIGRATIONS, args![]).await? {
        let mut f = row.fields("schema_migration");
        applied.insert(f.i64()?, f.text()?);
    }
    for step in migrations() {
        let text = if postgres { step.postgres } else { step.sqlite };
        let hash = hash(text);
        match applied.get(&step.number) {
            Some(known) if *known == hash => {}
            Some(_) => return Err(Error::SchemaAltered(step.number)),
            None => {
                session.script(text).await?;
                session.execute(WRITE_MIGRATION, args![step.number, step.name, &hash]).await?;
            }
        }
    }
    session.execute(SET_SCHEMA, args![version()]).await?;
    Ok(())
}

fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
