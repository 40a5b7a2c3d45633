//! Conda environments: `conda-meta/NAME-VERSION-BUILD.json`, one for each package. OSV has no ecosystem
//! for them; they go by the type of their package URLs. Python distributions that Conda installed
//! have their own metadata and are judged by that.
//!
//! Source: conda's documentation, *conda-meta*.

#[cfg(test)]
mod tests;

use serde::Deserialize;

use crate::format::json;
use crate::path::{file_name, split};
use crate::reader::{Reading, one};

/// Ecosystem of the packages.
pub(crate) const ECOSYSTEM: &str = "conda";

/// Whether the path is the record of an installed package.
pub(crate) fn claims(path: &[u8]) -> bool {
    path.ends_with(b".json") && file_name(split(path).0) == b"conda-meta"
}

#[derive(Deserialize)]
struct Record {
    name: String,
    version: String,
    #[serde(default)]
    subdir: String,
}

/// Reads a record.
pub fn read(bytes: &[u8]) -> Reading {
    let record: Record = match json::read(bytes) {
        Ok(record) => record,
        Err(why) => return Reading::unreadable(why),
    };
    let mut reading = one(ECOSYSTEM, &record.name, &record.version);
    if let Some(key) = reading.packages.first_mut()
        && parapet_model::package::is_clean(&record.subdir)
    {
        key.arch = record.subdir;
    }
    reading
}
