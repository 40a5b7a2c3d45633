//! `mix.lock`, an Elixir map with an entry on each line:
//! `"name": {:hex, :name, "1.0.0", …}` or `{:git, …}`. Nothing is evaluated.
//!
//! Source: Hex's documentation, *mix deps*, and what mix writes.

use crate::format::text;
use crate::path::file_name;
use crate::reader::{Gathered, Reading};

/// Whether the path is a lock file of mix.
pub(crate) fn claims(path: &[u8]) -> bool {
    file_name(path) == b"mix.lock"
}

/// Reads a lock file.
pub fn read(bytes: &[u8]) -> Reading {
    let text = match text(bytes) {
        Ok(text) => text.trim_start(),
        Err(why) => return Reading::unreadable(why),
    };
    let mut out = Gathered::default();
    let whole = matches!(text.lines().map(str::trim_end).rfind(|line| !line.is_empty()), Some("}" | "%{}"));
    if !text.starts_with("%{") || !whole {
        out.complain("it is no whole map of Elixir".to_owned());
    }
    // Mix ends each entry on its line.
    let whole = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    for line in whole.map(str::trim) {
        let Some((key, entry)) = line.split_once(": {:").filter(|_| line.starts_with('"')) else { continue };
        let mut parts = entry.split(',').map(str::trim);
        match (parts.next(), parts.next(), parts.next()) {
            (Some("hex"), Some(name), Some(version)) => match closed(version) {
                Some(version) => out.add("Hex", name.trim_start_matches(':').trim_matches('"'), version),
                None => out.complain(format!("the entry {key} has no version")),
            },
            (Some("hex"), ..) => out.complain(format!("the entry {key} is cut short")),
            (Some(from), ..) => out.unjudged("Hex", key.trim_matches('"'), &format!("from {from}")),
            (None, ..) => {}
        }
    }
    out.finish()
}

/// A text between quotes, both of them there.
fn closed(text: &str) -> Option<&str> {
    text.strip_prefix('"')?.strip_suffix('"')
}
