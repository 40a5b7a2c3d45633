//! `packages.config`, of projects from before `PackageReference`.
//!
//! Source: NuGet's documentation, *packages.config reference*.

use crate::format::xml;
use crate::path::file_name;
use crate::reader::{Gathered, Reading};

/// Whether the path is such a file.
pub(crate) fn claims(path: &[u8]) -> bool {
    file_name(path).eq_ignore_ascii_case(b"packages.config")
}

/// Reads the list. Packages for development only are left out.
pub fn read(bytes: &[u8]) -> Reading {
    let mut out = Gathered::default();
    let read = xml::children(bytes, ["id", "version", "developmentDependency"], |name, values| {
        let [id, version, development] = values.map(Option::unwrap_or_default);
        if name == "package" && !development.eq_ignore_ascii_case("true") {
            out.add("NuGet", &id, &version);
        }
    });
    if let Err(why) = read {
        out.complain(why);
    }
    out.finish()
}
