//! What a user of the exports would notice.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![expect(clippy::print_stderr, reason = "says what was left out")]

mod artifact;
mod documents;
mod estate;
mod findings;
mod golden;
mod parquet;
mod xlsx;
mod zip;
