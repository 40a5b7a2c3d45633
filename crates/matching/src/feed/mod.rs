//! Enrichment feeds: what is known of a CVE beside its advisories.

pub mod epss;
pub mod kev;

/// Why a feed was refused.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// Reading failed.
    #[error("could not read the feed: {0}")]
    Io(#[from] std::io::Error),
    /// Not JSON, or not of the feed's shape.
    #[error("the feed is not valid: {0}")]
    Json(#[from] serde_json::Error),
    /// A line that does not hold what it should; lines count from 1.
    #[error("line {line}: {what}")]
    Line {
        /// Number of the line.
        line: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// An entry that does not hold what it should; entries count from 1.
    #[error("entry {entry}: {what}")]
    Entry {
        /// Number of the entry.
        entry: u64,
        /// What is wrong.
        what: &'static str,
    },
}
