//! RubyGems: installed gems, `specifications/NAME-VERSION.gemspec`, those that come with Ruby itself
//! (`specifications/default`) included.
//!
//! The file is Ruby code that RubyGems wrote. Its second line, the *stub*, says name and version; very
//! old ones have assignments only. Nothing is run.
//!
//! Source: RubyGems, `Gem::Specification#to_ruby` and `Gem::StubSpecification`.

pub mod lock;
#[cfg(test)]
mod tests;

use crate::format::text;
use crate::path::{file_name, split};
use crate::reader::{Reading, one};
use crate::root;

/// Whether the path is the specification of an installed gem.
pub(crate) fn claims(path: &[u8]) -> bool {
    path.ends_with(b".gemspec") && {
        let directory = split(path).0;
        file_name(directory) == b"specifications"
            || (file_name(directory) == b"default" && file_name(split(directory).0) == b"specifications")
    }
}

/// The directory `specifications`.
pub(crate) fn database(path: &[u8]) -> &[u8] {
    let directory = split(path).0;
    if file_name(directory) == b"default" { split(directory).0 } else { directory }
}

/// Where the gems of these specifications are: `gems` beside them.
pub(crate) fn tree(path: &[u8]) -> Vec<u8> {
    root::join(split(database(path)).0, b"gems")
}

/// Reads a specification.
pub fn read(bytes: &[u8]) -> Reading {
    let text = match text(bytes) {
        Ok(text) => text,
        Err(why) => return Reading::unreadable(why),
    };
    let whole = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    let (mut name, mut version) = ("", "");
    for line in whole.map(str::trim) {
        if let Some(stub) = line.strip_prefix("# stub: ") {
            let mut words = stub.split(' ');
            return one("RubyGems", words.next().unwrap_or_default(), words.next().unwrap_or_default());
        }
        let Some((left, right)) = line.split_once('=') else { continue };
        match left.trim() {
            "s.name" if name.is_empty() => name = quoted(right),
            "s.version" if version.is_empty() => version = quoted(right),
            _ => {}
        }
    }
    one("RubyGems", name, version)
}

/// The first text between quotes.
fn quoted(code: &str) -> &str {
    let mut parts = code.split(['"', '\'']);
    parts.next();
    parts.next().unwrap_or_default()
}
