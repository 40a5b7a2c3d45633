//! Homebrew: `Cellar/NAME/VERSION/INSTALL_RECEIPT.json`. Name and version with revision stand in the
//! path; the receipt says that the installation came to its end. OSV has no ecosystem for them.
//!
//! Source: Homebrew's documentation, *Formula Cookbook*, and `Tab` of its sources.

#[cfg(test)]
mod tests;

use serde::Deserialize;

use crate::format::json;
use crate::path::{file_name, split};
use crate::reader::{Reading, one};

/// Ecosystem of the packages.
pub(crate) const ECOSYSTEM: &str = "brew";

/// Whether the path is the receipt of an installed formula.
pub(crate) fn claims(path: &[u8]) -> bool {
    path.ends_with(b"/INSTALL_RECEIPT.json") && file_name(database(path)) == b"Cellar"
}

/// The Cellar.
pub(crate) fn database(path: &[u8]) -> &[u8] {
    split(split(split(path).0).0).0
}

#[derive(Deserialize)]
struct Receipt {
    #[serde(rename = "source")]
    _source: serde::de::IgnoredAny,
}

/// Reads a receipt, which names no package itself.
pub fn read(bytes: &[u8]) -> Reading {
    match json::read::<Receipt>(bytes) {
        Ok(_) => Reading::default(),
        Err(why) => Reading::unreadable(why),
    }
}

/// The formula that a path speaks of.
pub(crate) fn of_path(path: &[u8]) -> Reading {
    let (formula, version) = split(split(path).0);
    match (std::str::from_utf8(file_name(formula)), std::str::from_utf8(version)) {
        (Ok(name), Ok(version)) => one(ECOSYSTEM, name, version),
        _ => Reading::unreadable("the path is not UTF-8"),
    }
}
