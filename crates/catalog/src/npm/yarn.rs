//! `yarn.lock`: the format of yarn 1, and the YAML of later ones (*berry*).
//!
//! Neither says which packages are for development only, so all count. The project's own workspaces
//! do not. The name is the one that was resolved: `a@npm:b@^1` is the module `b`.
//!
//! Source: yarn's documentation, *Lockfiles*, and what yarn 1.22 and 4 write.

use crate::format::{text, yaml};
use crate::path::file_name;
use crate::reader::{Gathered, Reading};

/// Whether the path is a lock file of yarn.
pub(crate) fn claims(path: &[u8]) -> bool {
    file_name(path) == b"yarn.lock"
}

/// Reads a lock file.
pub fn read(bytes: &[u8]) -> Reading {
    let text = match text(bytes) {
        Ok(text) => text,
        Err(why) => return Reading::unreadable(why),
    };
    if text.lines().any(|line| line.starts_with("__metadata:")) { berry(bytes) } else { classic(text) }
}

fn berry(bytes: &[u8]) -> Reading {
    let documents = match yaml::read(bytes) {
        Ok(documents) => documents,
        Err(why) => return Reading::unreadable(why),
    };
    let mut out = Gathered::default();
    for (wanted, entry) in documents.iter().flat_map(yaml::Node::entries) {
        if wanted == "__metadata" || entry.text_of("linkType") == Some("soft") {
            continue;
        }
        let resolution = entry.text_of("resolution").unwrap_or(wanted);
        match name_of(resolution) {
            Some(name) => out.add("npm", name, entry.text_of("version").unwrap_or_default()),
            None => out.complain(format!("{resolution:?} names no package")),
        }
    }
    out.finish()
}

/// Blocks of a line with what is asked for and indented lines with what was resolved.
fn classic(text: &str) -> Reading {
    let mut out = Gathered::default();
    let mut block: Option<Block<'_>> = None;
    let mut bare = true;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let Some(line) = line.strip_suffix('\n') else {
            out.complain(format!("the file ends within line {}", number + 1));
            block = None;
            break;
        };
        let line = line.strip_suffix('\r').unwrap_or(line);
        bare &= line.starts_with('#') || line.is_empty();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if !line.starts_with(' ') {
            finish(block.take(), &mut out);
            match line.strip_suffix(':') {
                Some(wanted) => block = Some(Block { wanted, version: "" }),
                None => out.complain(format!("line {} begins no entry", number + 1)),
            }
        } else if let Some(version) = line.strip_prefix("  version ")
            && let Some(block) = &mut block
        {
            block.version = version.trim_matches('"');
        }
    }
    finish(block, &mut out);
    if bare && !text.contains("yarn lockfile v1") {
        out.complain("it is no lock file of yarn".to_owned());
    }
    out.finish()
}

struct Block<'a> {
    /// `a@^1, "b@>=2 <3"`.
    wanted: &'a str,
    version: &'a str,
}

fn finish(block: Option<Block<'_>>, out: &mut Gathered) {
    let Some(block) = block else { return };
    // Names hold no comma; all specifications of a block are of one package.
    let first = block.wanted.split(',').next().unwrap_or_default().trim().trim_matches('"');
    match name_of(first) {
        Some(name) => out.add("npm", name, block.version),
        None => out.complain(format!("{first:?} names no package")),
    }
}

/// The module that `name@range` asks for; with `name@npm:real@range` it is the real one.
fn name_of(specification: &str) -> Option<&str> {
    let (name, range) = split_name(specification)?;
    match range.strip_prefix("npm:").and_then(split_name) {
        Some((real, _)) => Some(real),
        None => Some(name),
    }
}

/// Splits `@scope/name@range`; the scope's own mark is not the one.
pub(super) fn split_name(specification: &str) -> Option<(&str, &str)> {
    let start = usize::from(specification.starts_with('@'));
    let at = start + specification.get(start..)?.find('@')?;
    let (name, range) = specification.split_at(at);
    (name.len() > start).then(|| (name, range.get(1..).unwrap_or_default()))
}
