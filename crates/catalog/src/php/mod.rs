//! Composer: what is installed, `vendor/composer/installed.json`. Composer 1 writes a list, Composer 2
//! an object with that list. All of it is there, also what is for development, so all counts.
//!
//! Source: Composer, `Composer\Repository\InstalledFilesystemRepository`.

pub mod lock;
#[cfg(test)]
mod tests;

use serde::Deserialize;

use crate::format::json;
use crate::path::{file_name, split};
use crate::reader::{Gathered, Reading};

/// Whether the path is Composer's list of what is installed.
pub(crate) fn claims(path: &[u8]) -> bool {
    let (directory, name) = split(path);
    name == b"installed.json" && file_name(directory) == b"composer"
}

/// The directory of the project, above `vendor`.
pub(crate) fn project(path: &[u8]) -> &[u8] {
    split(split(split(path).0).0).0
}

#[derive(Deserialize)]
struct Package {
    name: String,
    #[serde(default)]
    version: String,
}

#[derive(Deserialize)]
struct Object {
    packages: Vec<Package>,
}

/// Reads the list.
pub fn read(bytes: &[u8]) -> Reading {
    let list = bytes.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'[');
    let packages = match list {
        true => json::read::<Vec<Package>>(bytes),
        false => json::read::<Object>(bytes).map(|object| object.packages),
    };
    match packages {
        Ok(packages) => gather(&packages),
        Err(why) => Reading::unreadable(why),
    }
}

/// Names are compared in lower case (Composer's documentation, *The composer.json schema*, `name`).
fn gather(packages: &[Package]) -> Reading {
    let mut out = Gathered::default();
    for package in packages {
        out.add("Packagist", &package.name.to_lowercase(), &package.version);
    }
    out.finish()
}
