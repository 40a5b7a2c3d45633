//! `requirements.txt`: what `pip install -r` is to install.
//!
//! Only `name==version` (or `===`) is one package. Everything else that is asked for is named as not
//! judged. Files for development (`requirements-dev.txt`) do not count, nor does what a marker keeps
//! to other systems, nor the project's own directories.
//!
//! Source: pip's documentation, *Requirements File Format*; PEP 508.

use super::{add, is_elsewhere, unjudged};
use crate::format::text;
use crate::graph::is_development;
use crate::path::split;
use crate::reader::{Gathered, Reading};

/// Whether the path is a requirements file of production: `requirements.txt`,
/// `requirements-prod.txt`, `requirements/base.txt`.
pub(crate) fn claims(path: &[u8]) -> bool {
    let Some(stem) = path.strip_suffix(b".txt") else { return false };
    let (directory, name) = split(stem);
    let rest = match name.strip_prefix(b"requirements") {
        Some(rest) => rest,
        None if split(directory).1 == b"requirements" => name,
        None => return false,
    };
    let Ok(rest) = std::str::from_utf8(rest) else { return false };
    !rest.split(['-', '_', '.']).any(is_development)
}

/// Reads a requirements file.
pub fn read(bytes: &[u8]) -> Reading {
    let text = match text(bytes) {
        Ok(text) => text,
        Err(why) => return Reading::unreadable(why),
    };
    let mut out = Gathered::default();
    let mut joined = String::new();
    for line in text.lines() {
        if out.is_full() {
            break;
        }
        let line = line.trim_end();
        if let Some(begun) = line.strip_suffix('\\') {
            joined.push_str(begun);
            joined.push(' ');
            continue;
        }
        if joined.is_empty() {
            requirement(line, &mut out);
        } else {
            joined.push_str(line);
            requirement(&std::mem::take(&mut joined), &mut out);
        }
    }
    requirement(&joined, &mut out);
    out.finish()
}

fn requirement(line: &str, out: &mut Gathered) {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return;
    }
    let line = line.split(" #").next().unwrap_or(line).trim();
    if line.starts_with('-') {
        return option(line, out);
    }
    // Options of one requirement, its hashes above all.
    let line = line.split(" --").next().unwrap_or(line).trim();
    let end = line
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
        .unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    let rest = rest.trim_start();
    if line.starts_with(['.', '/']) || rest.starts_with('/') {
        // A directory or file of the project.
        return;
    }
    if name.is_empty() {
        return out.complain(format!("{:?} is no requirement", short(line)));
    }
    if rest.starts_with(':') || rest.starts_with('+') {
        return address(line, out);
    }
    let rest = match rest.strip_prefix('[').map(|extras| extras.split_once(']')) {
        None => rest,
        Some(Some((_, rest))) => rest.trim_start(),
        Some(None) => return out.complain(format!("{:?} is no requirement", short(line))),
    };
    let (wanted, marker) = rest.split_once(';').unwrap_or((rest, ""));
    if is_elsewhere(marker) {
        return;
    }
    let wanted = wanted.trim().trim_start_matches('(').trim_end_matches(')').trim();
    let exact = wanted.strip_prefix("===").or_else(|| wanted.strip_prefix("=="));
    match exact.map(str::trim) {
        Some(version) if is_one_version(version) => add(out, name, version),
        _ if wanted.is_empty() || wanted.starts_with(['=', '<', '>', '~', '!', '@']) => {
            unjudged(out, name, short(wanted));
        }
        _ => out.complain(format!("{:?} is no requirement", short(line))),
    }
}

fn is_one_version(text: &str) -> bool {
    !text.is_empty() && !text.contains(['*', ',', ' ', '<', '>', '=', '!', '~'])
}

fn option(line: &str, out: &mut Gathered) {
    let (option, value) = line.split_once([' ', '=']).unwrap_or((line, ""));
    let value = value.trim();
    match option {
        // Whether that file is there, and what it is called, is another matter.
        "-r" | "--requirement" if !claims(value.as_bytes()) => {
            out.unjudged("PyPI", short(value), "a further list");
        }
        "-e" | "--editable" if value.contains("://") => address(value, out),
        _ => {}
    }
}

/// `git+https://…#egg=name`, or the address of a file.
fn address(text: &str, out: &mut Gathered) {
    let egg = text.split_once("#egg=").map(|(_, name)| name.split(['&', '[']).next().unwrap_or(name));
    match egg {
        Some(name) if !name.is_empty() => unjudged(out, name, "from an address"),
        _ => out.unjudged("PyPI", short(text), "from an address"),
    }
}

/// The start of a text that came from the file.
fn short(text: &str) -> &str {
    let end = text.char_indices().nth(80).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or(text)
}
