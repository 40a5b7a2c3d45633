//! `composer.lock`. `packages-dev` is left out.

use serde::Deserialize;

use super::{Package, gather};
use crate::format::json;
use crate::path::file_name;
use crate::reader::Reading;

/// Whether the path is a lock file of Composer.
pub(crate) fn claims(path: &[u8]) -> bool {
    file_name(path) == b"composer.lock"
}

#[derive(Deserialize)]
struct Lock {
    packages: Vec<Package>,
}

/// Reads a lock file.
pub fn read(bytes: &[u8]) -> Reading {
    match json::read::<Lock>(bytes) {
        Ok(lock) => gather(&lock.packages),
        Err(why) => Reading::unreadable(why),
    }
}
