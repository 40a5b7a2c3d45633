//! One error for every use case. It knows nothing of HTTP; each wire family turns it into its own
//! shape at the edge.

use parapet_model::Permission;

/// What went wrong, in words for the person who asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The thing does not exist, or is not the asker's to see.
    #[error("{0} not found")]
    NotFound(String),
    /// The right is missing.
    #[error("the permission {} is needed", .0.as_str())]
    Forbidden(Permission),
    /// Somebody, by name, has rights on enterprise projects that the asker does not see.
    #[error("{0} has rights on enterprise projects that are not granted to you")]
    EnterpriseProject(String),
    /// The input is wrong; nothing was changed.
    #[error("{0}")]
    Invalid(String),
    /// The input is right but the present state forbids it.
    #[error("{0}")]
    Conflict(String),
    /// Name or password is wrong, a token is unknown or expired. On purpose without detail.
    #[error("the credentials were not accepted")]
    Unauthenticated,
    /// Too many attempts; try again after so many seconds.
    #[error("too many failed attempts; try again in {0} s")]
    Throttled(u64),
    /// The remote side of a fetch failed.
    #[error(transparent)]
    Fetch(#[from] parapet_fetch::FetchError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] parapet_store::Error),
    /// Reading or writing a file failed.
    #[error("{path}: {error}")]
    File {
        /// Which file.
        path: String,
        /// How.
        error: std::io::Error,
    },
    /// A defect of ours; logged in full, shown without detail.
    #[error("internal error")]
    Internal(#[source] anyhow::Error),
}

/// Result of a use case.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A file error with its path.
    pub fn file(path: &std::path::Path, error: std::io::Error) -> Self {
        Self::File { path: path.display().to_string(), error }
    }

    /// A defect.
    pub fn internal(error: impl Into<anyhow::Error>) -> Self {
        Self::Internal(error.into())
    }

    /// Whether trying the same again later may help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Fetch(error) => !error.is_permanent(),
            Self::Store(_) | Self::Throttled(_) => true,
            _ => false,
        }
    }
}

impl From<tokio::task::JoinError> for Error {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::internal(error)
    }
}
