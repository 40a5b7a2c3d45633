//! R: installed packages, `library/NAME/DESCRIPTION`.
//!
//! The file is one stanza of Debian's form. Packages of Bioconductor say so by `biocViews`; the rest is
//! put down to CRAN.
//!
//! Source: *Writing R Extensions*, "The DESCRIPTION file".

pub mod renv;
#[cfg(test)]
mod tests;

use crate::format::without_mark;
use crate::path::{file_name, split};
use crate::reader::{Reading, one};

/// Whether the path is the description of an installed package.
pub(crate) fn claims(path: &[u8]) -> bool {
    let Some(package) = path.strip_suffix(b"/DESCRIPTION") else { return false };
    let library = split(package).0;
    matches!(file_name(library), b"library" | b"site-library")
        || memchr::memmem::find(library, b"renv/library/").is_some()
}

/// The library.
pub(crate) fn database(path: &[u8]) -> &[u8] {
    split(split(path).0).0
}

/// Reads a description. One without `Built` is of a package that was not installed yet and counts for
/// nothing.
pub fn read(bytes: &[u8]) -> Reading {
    // Some packages are written in older encodings; what is wanted is ASCII.
    let text = String::from_utf8_lossy(without_mark(bytes));
    let field = |name: &str| {
        let lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        let mut values = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        values.next().map(str::trim)
    };
    let package = field("Package").unwrap_or_default();
    if !package.is_empty() && field("Built").is_none() {
        return Reading::default();
    }
    let ecosystem = if field("biocViews").is_some() { "Bioconductor" } else { "CRAN" };
    one(ecosystem, package, field("Version").unwrap_or_default())
}
