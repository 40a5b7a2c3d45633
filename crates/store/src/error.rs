//! What can go wrong in the store.
//!
//! "Not found" is no error here: lookups return `Option`. A caller can tell three things apart:
//! the store cannot be used as it stands (`Locked`, `Schema…`, `Url`), the input cannot be stored
//! (`Nul`, `Invalid`, `Taken`, `Exhausted`), and the store itself is broken or unreachable (the rest).

/// Result of a store function.
pub type Result<T> = std::result::Result<T, Error>;

/// See the module documentation.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine or the connection failed.
    #[error("database: {0}")]
    Sql(#[from] sqlx::Error),
    /// A file beside the database could not be used.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The address of the store cannot be read.
    #[error("not a store address: {0:?}; use a path or postgres://…")]
    Url(String),
    /// Another server holds the store.
    #[error("another server is running on this store ({0}); stop it first")]
    Locked(String),
    /// The store was written by a newer program.
    #[error("the store has schema {found}, this program knows {known}; use a newer program")]
    SchemaNewer {
        /// Version in the store.
        found: i64,
        /// Newest version this program knows.
        known: i64,
    },
    /// The store needs migrating, but a running server must not be disturbed.
    #[error(
        "the store has schema {found}, this program needs {known}, and a server is running on it: stop the server, then try again"
    )]
    SchemaInUse {
        /// Version in the store.
        found: i64,
        /// Version wanted.
        known: i64,
    },
    /// A migration that was applied is not the one in this program.
    #[error("migration {0} in the store differs from this program's")]
    SchemaAltered(i64),
    /// A text with a NUL character; refused on every engine because one of them cannot store it.
    #[error("text with a NUL character cannot be stored: {0:?}")]
    Nul(String),
    /// The input breaks a rule of the fact.
    #[error("{0}")]
    Invalid(String),
    /// A name that must be unique is in use.
    #[error("a {what} named {name:?} exists already")]
    Taken {
        /// What the name is of.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// The job was cancelled, ended, or given to another worker: this attempt must stop, and may
    /// write nothing more.
    #[error("job {0} is no longer this worker's")]
    Fenced(u32),
    /// A secret could not be sealed or opened.
    #[error(transparent)]
    Seal(#[from] crate::seal::SealError),
    /// All `u32` numbers of a kind are used up.
    #[error("no more numbers for {0}")]
    Exhausted(&'static str),
    /// A row that the program's own rules exclude.
    #[error("inconsistent row in {table}, column {column}, row {row}")]
    Inconsistent {
        /// Table.
        table: &'static str,
        /// Column.
        column: &'static str,
        /// The row's first column.
        row: String,
    },
    /// A statement was given to a transaction in which an earlier one failed.
    #[error("the transaction failed earlier and must be given up")]
    Spent,
}

impl Error {
    /// Whether the same call may succeed a little later: the database was busy or out of reach.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Sql(sqlx::Error::Database(e)) => {
                // SQLITE_BUSY (5, 261, 517); PostgreSQL class 08, 53, 57 (connection, resources,
                // operator intervention).
                e.code().is_some_and(|code| {
                    matches!(code.as_ref(), "5" | "261" | "517")
                        || ["08", "53", "57"].iter().any(|class| code.len() == 5 && code.starts_with(class))
                })
            }
            Self::Sql(sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut) => true,
            _ => false,
        }
    }
}
