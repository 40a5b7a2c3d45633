//! `conaninfo.txt` of a built package: the packages it was made with. The list with full versions
//! counts (`full_requires` of Conan 1); in `requires` parts of a version may be left open (`1.2.Z`),
//! and such a line is named as not judged.
//!
//! Source: Conan's documentation, *Package metadata files*.

use super::add;
use crate::format::text;
use crate::path::file_name;
use crate::reader::{Gathered, Reading};

/// Whether the path is such a file.
pub(crate) fn claims(path: &[u8]) -> bool {
    file_name(path) == b"conaninfo.txt"
}

/// Reads the lists.
pub fn read(bytes: &[u8]) -> Reading {
    let text = match text(bytes) {
        Ok(text) => text,
        Err(why) => return Reading::unreadable(why),
    };
    let section = |wanted: &'static str| {
        let mut inside = false;
        let whole = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
        whole.map(str::trim).filter(move |line| {
            if line.starts_with('[') {
                inside = line.strip_prefix('[').and_then(|name| name.strip_suffix(']')) == Some(wanted);
                return false;
            }
            inside && !line.is_empty() && !line.starts_with('#')
        })
    };
    let mut out = Gathered::default();
    if !text.lines().any(|line| line.trim_start().starts_with('[')) {
        out.complain("it has no section".to_owned());
    }
    if !text.ends_with('\n') {
        out.complain("the file ends within a line".to_owned());
    }
    let full = section("full_requires").next().is_some();
    for reference in section(if full { "full_requires" } else { "requires" }) {
        let plain = reference.split(['#', ':', '@']).next().unwrap_or(reference);
        match plain.split_once('/') {
            Some((name, version)) if version.ends_with(".Z") || version.contains(".Y") => {
                out.unjudged("ConanCenter", name, version);
            }
            _ => add(&mut out, reference),
        }
    }
    out.finish()
}
