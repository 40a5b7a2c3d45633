//! Compliance: policies, controls, technologies, and how hosts stand with them.
//!
//! How the parts divide:
//!
//! * `policies`, `controls`, `technologies` are what a benchmark says; the newer document has the word;
//! * `documents` knows which documents were read, and when the world was looked at;
//! * `record` puts the results of a document in, a batch to a transaction;
//! * `results` reads them, a page at a time, `as_of` as they stood once; `evidence` keeps what was found.
//!
//! A whole document is recorded as: `put_policy`, `put_technology`, `put_controls` in batches;
//! [`Tx::begin_document`](crate::Tx::begin_document); `record_control_results` in batches;
//! [`Tx::end_document`](crate::Tx::end_document), which comes last and makes it count. A document that was
//! left half-way is simply recorded again. Followers find `Kind::ControlResults` with the number of the host
//! for every batch that changed something.

mod as_of;
mod controls;
mod documents;
mod evidence;
mod policies;
mod record;
mod results;
mod technologies;

use parapet_model::{Digest, Millis};

pub use as_of::Past;
pub use controls::NewControl;
pub use documents::{Arrival, Document};
pub use policies::NewPolicy;
pub use record::{NewResult, RecordedResults};
pub use results::{Ranges, ResultFilter};

use crate::error::{Error, Result};

/// Longest identifier of a benchmark, profile, rule, platform or instance, in bytes.
pub const MAX_NAME: usize = 512;

/// Which document words were taken from. Of two, the greater has the word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Said {
    /// When the document's host was looked at.
    pub observed: Millis,
    /// Its digest, which decides between documents of one instant.
    pub content: Digest,
}

/// Refuses an identifier that no index can hold.
fn check_name(what: &str, text: &str) -> Result<()> {
    if text.len() > MAX_NAME || text.contains('\0') {
        let start: String = text.chars().take(60).collect();
        return Err(Error::Invalid(format!("{what} has a NUL or more than {MAX_NAME} bytes: {start:?}")));
    }
    Ok(())
}
