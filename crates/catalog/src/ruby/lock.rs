//! `Gemfile.lock` (and `gems.locked`): the gems below `specs:`, four blanks in. Gems of a `PATH` are
//! the project's own. Which are for development only it does not say.
//!
//! Source: Bundler's `LockfileParser`.

use crate::format::text;
use crate::path::file_name;
use crate::reader::{Gathered, Reading};

/// Whether the path is a lock file of Bundler.
pub(crate) fn claims(path: &[u8]) -> bool {
    matches!(file_name(path), b"Gemfile.lock" | b"gems.locked")
}

/// Reads a lock file.
pub fn read(bytes: &[u8]) -> Reading {
    let text = match text(bytes) {
        Ok(text) => text,
        Err(why) => return Reading::unreadable(why),
    };
    let mut out = Gathered::default();
    let (mut section, mut specs, mut sections) = ("", false, 0);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let Some(line) = line.strip_suffix('\n') else {
            out.complain(format!("the file ends within line {}", number + 1));
            break;
        };
        let line = line.trim_end();
        if matches!(line, "<<<<<<<" | "=======" | ">>>>>>>") || line.starts_with("<<<<<<< ") {
            out.complain(format!("line {} is a merge conflict", number + 1));
        } else if !line.starts_with(' ') {
            (section, specs) = (line, false);
            sections += usize::from(is_section(line));
        } else if line == "  specs:" {
            specs = true;
        } else if specs
            && section != "PATH"
            && let Some(gem) = line.strip_prefix("    ").filter(|gem| !gem.starts_with(' '))
        {
            match of_line(gem) {
                Some((name, version)) => out.add("RubyGems", name, version),
                None => out.complain(format!("line {} names no gem", number + 1)),
            }
        }
    }
    if sections == 0 {
        out.complain("it has no section of a lock file".to_owned());
    }
    out.finish()
}

fn is_section(line: &str) -> bool {
    matches!(line, "GEM" | "GIT" | "PATH" | "PLUGIN SOURCE" | "PLATFORMS" | "DEPENDENCIES" | "CHECKSUMS")
}

/// `nokogiri (1.15.4-x86_64-linux)`: versions hold no hyphen, what follows is a platform.
fn of_line(gem: &str) -> Option<(&str, &str)> {
    let (name, rest) = gem.split_once(" (")?;
    let version = rest.trim_end_matches('!').strip_suffix(')')?;
    Some((name, version.split('-').next().unwrap_or(version)))
}
