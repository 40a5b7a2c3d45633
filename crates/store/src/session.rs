//! A connection inside a transaction: what every query of the crate is a method of.
//!
//! [`Store::read`](crate::Store::read) gives a `Session` that sees one consistent state and cannot
//! write; a [`Tx`](crate::Tx) is a `Session` that can. So a lookup is written once and serves both
//! "answer this page" and "check, then write".

use sqlx::{AssertSqlSafe, Postgres, Sqlite, Transaction};

use crate::error::{Error, Result};
use crate::sql::{Bulk, Row, Value, bind_postgres, bind_sqlite};

enum Conn {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// See the module documentation. Dropping it ends its transaction.
pub struct Session {
    conn: Conn,
    /// Rows written so far.
    written: u64,
    /// A statement failed; PostgreSQL would refuse all further ones, so SQLite does too (rule 6).
    spent: bool,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("written", &self.written).field("spent", &self.spent).finish()
    }
}

/// Runs one sqlx call on whichever engine, `$sql` being a text or `AssertSqlSafe`.
macro_rules! run {
    ($session:ident, $sql:expr, $args:expr, $method:ident) => {
        match &mut $session.conn {
            Conn::Sqlite(tx) => {
                let query = sqlx::query_with($sql, bind_sqlite($args)?);
                Outcome::Sqlite(query.$method(&mut **tx).await)
            }
            Conn::Postgres(tx) => {
                let query = sqlx::query_with($sql, bind_postgres($args)?);
                Outcome::Postgres(query.$method(&mut **tx).await)
            }
        }
    };
}

enum Outcome<S, P> {
    Sqlite(sqlx::Result<S>),
    Postgres(sqlx::Result<P>),
}

impl Session {
    pub(crate) fn sqlite(tx: Transaction<'static, Sqlite>) -> Self {
        Self { conn: Conn::Sqlite(tx), written: 0, spent: false }
    }

    pub(crate) fn postgres(tx: Transaction<'static, Postgres>) -> Self {
        Self { conn: Conn::Postgres(tx), written: 0, spent: false }
    }

    /// Rows inserted, updated and deleted so far.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// Whether the engine takes numbered parameters only.
    fn numbered(&self) -> bool {
        matches!(self.conn, Conn::Postgres(_))
    }

    fn usable(&self) -> Result<()> {
        if self.spent { Err(Error::Spent) } else { Ok(()) }
    }

    fn note<T>(&mut self, result: sqlx::Result<T>) -> Result<T> {
        result.map_err(|e| {
            self.spent = true;
            Error::Sql(e)
        })
    }

    /// Runs a statement; the number of rows it wrote.
    pub(crate) async fn execute(&mut self, sql: &'static str, args: &[Value<'_>]) -> Result<u64> {
        self.usable()?;
        let rows = match run!(self, sql, args, execute) {
            Outcome::Sqlite(r) => self.note(r)?.rows_affected(),
            Outcome::Postgres(r) => self.note(r)?.rows_affected(),
        };
        self.written += rows;
        Ok(rows)
    }

    /// Runs a statement and reads all its rows. Callers bound the result: by key, or by `LIMIT`.
    pub(crate) async fn fetch(&mut self, sql: &'static str, args: &[Value<'_>]) -> Result<Vec<Row>> {
        self.usable()?;
        Ok(match run!(self, sql, args, fetch_all) {
            Outcome::Sqlite(r) => self.note(r)?.into_iter().map(Row::Sqlite).collect(),
            Outcome::Postgres(r) => self.note(r)?.into_iter().map(Row::Postgres).collect(),
        })
    }

    /// Runs a statement and reads its first row.
    pub(crate) async fn fetch_one(&mut self, sql: &'static str, args: &[Value<'_>]) -> Result<Option<Row>> {
        self.usable()?;
        Ok(match run!(self, sql, args, fetch_optional) {
            Outcome::Sqlite(r) => self.note(r)?.map(Row::Sqlite),
            Outcome::Postgres(r) => self.note(r)?.map(Row::Postgres),
        })
    }

    /// Runs a writing statement with `RETURNING` and reads its first row.
    pub(crate) async fn write_one(&mut self, sql: &'static str, args: &[Value<'_>]) -> Result<Option<Row>> {
        let row = self.fetch_one(sql, args).await?;
        self.written += u64::from(row.is_some());
        Ok(row)
    }

    /// Runs a writing statement with `RETURNING` and reads all its rows.
    pub(crate) async fn write_many(&mut self, sql: &'static str, args: &[Value<'_>]) -> Result<Vec<Row>> {
        let rows = self.fetch(sql, args).await?;
        self.written += u64::try_from(rows.len()).unwrap_or(u64::MAX);
        Ok(rows)
    }

    /// Runs a statement over many rows; the number of rows it wrote.
    pub(crate) async fn bulk<const N: usize>(
        &mut self,
        statement: &Bulk<N>,
        rows: &[[Value<'_>; N]],
    ) -> Result<u64> {
        let mut written = 0;
        for chunk in Bulk::<N>::chunks(rows, self.numbered()) {
            self.usable()?;
            let sql = AssertSqlSafe(statement.text(chunk.len(), self.numbered()));
            written += match run!(self, sql, chunk.as_flattened(), execute) {
                Outcome::Sqlite(r) => self.note(r)?.rows_affected(),
                Outcome::Postgres(r) => self.note(r)?.rows_affected(),
            };
        }
        self.written += written;
        Ok(written)
    }

    /// Looks up many rows, in the order of the statement for each [`Bulk::ROWS`] of them.
    pub(crate) async fn bulk_fetch<const N: usize>(
        &mut self,
        statement: &Bulk<N>,
        rows: &[[Value<'_>; N]],
    ) -> Result<Vec<Row>> {
        self.look_up(statement, rows, true).await
    }

    /// Looks up many rows; what is found comes in no order.
    pub(crate) async fn bulk_find<const N: usize>(
        &mut self,
        statement: &Bulk<N>,
        rows: &[[Value<'_>; N]],
    ) -> Result<Vec<Row>> {
        self.look_up(statement, rows, self.numbered()).await
    }

    async fn look_up<const N: usize>(
        &mut self,
        statement: &Bulk<N>,
        rows: &[[Value<'_>; N]],
        few: bool,
    ) -> Result<Vec<Row>> {
        let mut out = Vec::new();
        for chunk in Bulk::<N>::chunks(rows, few) {
            self.usable()?;
            let sql = AssertSqlSafe(statement.text(chunk.len(), self.numbered()));
            match run!(self, sql, chunk.as_flattened(), fetch_all) {
                Outcome::Sqlite(r) => out.extend(self.note(r)?.into_iter().map(Row::Sqlite)),
                Outcome::Postgres(r) => out.extend(self.note(r)?.into_iter().map(Row::Postgres)),
            }
        }
        Ok(out)
    }

    /// Runs a whole script of statements without parameters (a migration).
    pub(crate) async fn script(&mut self, sql: &'static str) -> Result<()> {
        self.usable()?;
        let result = match &mut self.conn {
            Conn::Sqlite(tx) => sqlx::raw_sql(sql).execute(&mut **tx).await.map(|_| ()),
            Conn::Postgres(tx) => sqlx::raw_sql(sql).execute(&mut **tx).await.map(|_| ()),
        };
        self.note(result)
    }

    pub(crate) async fn commit(self) -> Result<()> {
        self.usable()?;
        match self.conn {
            Conn::Sqlite(tx) => tx.commit().await?,
            Conn::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }

    pub(crate) async fn rollback(self) -> Result<()> {
        match self.conn {
            Conn::Sqlite(tx) => tx.rollback().await?,
            Conn::Postgres(tx) => tx.rollback().await?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parapet_model::{SeededIds, TestClock};

    use super::*;
    use crate::sql::args;
    use crate::{Options, Store, StoreUrl};

    const WRITE: &str = "INSERT INTO meta (name, value) VALUES ($1, $2)";
    const READ: &str = "SELECT value FROM meta WHERE name = $1";

    async fn store(dir: &std::path::Path) -> Store {
        let url = StoreUrl::Sqlite(dir.join("store.db"));
        let options = Options {
            url,
            clock: Arc::new(TestClock::at(0)),
            ids: Arc::new(SeededIds::default()),
            small: false,
        };
        Store::open(options).await.unwrap()
    }

    #[tokio::test]
    async fn a_read_session_refuses_to_write() {
        let dir = tempfile::tempdir().unwrap();
        let mut read = store(dir.path()).await.read().await.unwrap();
        let refused = read.execute(WRITE, args!["a", "b"]).await.unwrap_err();
        assert!(refused.to_string().contains("readonly"), "{refused}");
    }

    #[tokio::test]
    async fn nothing_runs_after_a_failed_statement_and_nothing_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path()).await;
        let mut tx = store.begin().await.unwrap();
        tx.execute(WRITE, args!["a", "b"]).await.unwrap();
        assert!(matches!(tx.execute(WRITE, args!["a", "c"]).await, Err(Error::Sql(_))));
        assert!(matches!(tx.fetch(READ, args!["a"]).await, Err(Error::Spent)));
        assert!(matches!(tx.commit().await, Err(Error::Spent)));
        assert!(store.read().await.unwrap().fetch(READ, args!["a"]).await.unwrap().is_empty());
        assert_eq!(store.begin().await.unwrap().seq(), 1);
    }
}
