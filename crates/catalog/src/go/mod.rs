//! Go: `go.mod` of a project.
//!
//! Since Go 1.17 it names every module that the build needs; before, those that its modules need are
//! missing, which is said. `go.sum` is not read: it lists what was looked at, not what is built.
//! Replacements count instead of what they replace; those by a directory are the project's own code.
//! Versions are kept as OSV writes them, without the letter `v`.
//!
//! Source: *Go Modules Reference*, "go.mod files".

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use crate::format::text;
use crate::path::file_name;
use crate::reader::{Gathered, Reading};

/// Whether the path is a module's file.
pub(crate) fn claims(path: &[u8]) -> bool {
    file_name(path) == b"go.mod"
}

/// What replaces a module: another one, or nothing that has a version.
type Replacement<'a> = Option<(&'a str, &'a str)>;

#[derive(Default)]
struct Module<'a> {
    is_one: bool,
    go: &'a str,
    required: BTreeMap<&'a str, &'a str>,
    /// By module and version; no version stands for all.
    replaced: HashMap<(&'a str, &'a str), Replacement<'a>>,
}

/// Reads the file.
pub fn read(bytes: &[u8]) -> Reading {
    let text = match text(bytes) {
        Ok(text) => text,
        Err(why) => return Reading::unreadable(why),
    };
    let mut module = Module::default();
    let mut out = Gathered::default();
    let mut block = None;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let Some(line) = line.strip_suffix('\n') else {
            out.complain(format!("the file ends within line {}", number + 1));
            break;
        };
        let line = line.split("//").next().unwrap_or_default().trim();
        let understood = match (block, line) {
            (_, "") => true,
            (Some(_), ")") => {
                block = None;
                true
            }
            (Some(directive), entry) => module.entry(directive, entry),
            (None, line) => match line.split_once([' ', '\t', '(']) {
                Some((directive, "")) if line.ends_with('(') => {
                    block = Some(directive);
                    true
                }
                Some((directive, rest)) if rest.trim() == "(" => {
                    block = Some(directive);
                    true
                }
                Some((directive, rest)) => module.entry(directive, rest.trim()),
                None => false,
            },
        };
        if !understood {
            out.complain(format!("line {} is not understood", number + 1));
        }
    }
    if block.is_some() {
        out.complain("the file ends within a block".to_owned());
    }
    module.finish(out)
}

impl<'a> Module<'a> {
    fn entry(&mut self, directive: &'a str, entry: &'a str) -> bool {
        let mut words = entry.split_whitespace().map(|word| word.trim_matches(['"', '`']));
        match directive {
            "module" => self.is_one = true,
            "go" => self.go = entry,
            "require" => {
                let (Some(path), Some(version)) = (words.next(), words.next()) else { return false };
                self.required.insert(path, version);
            }
            "replace" => {
                let words: Vec<&str> = words.collect();
                let Some(arrow) = words.iter().position(|word| *word == "=>") else { return false };
                let (old, new) = words.split_at(arrow);
                let Some(path) = old.first() else { return false };
                let by = match new {
                    [_, _] => None,
                    [_, path, version] => Some((*path, *version)),
                    _ => return false,
                };
                self.replaced.insert((path, old.get(1).copied().unwrap_or_default()), by);
            }
            // `exclude`, `retract`, `toolchain`, `godebug`, `tool` and what is to come name nothing.
            _ => {}
        }
        true
    }

    fn finish(self, mut out: Gathered) -> Reading {
        if !self.is_one {
            out.complain("it names no module".to_owned());
        }
        for (&path, &version) in &self.required {
            let replaced = self.replaced.get(&(path, version)).or_else(|| self.replaced.get(&(path, "")));
            let counts = match replaced {
                None => Some((path, version)),
                Some(by) => *by,
            };
            if let Some((path, version)) = counts {
                out.add("Go", path, version.strip_prefix('v').unwrap_or(version));
            }
        }
        if !self.required.is_empty() && !lists_all(self.go) {
            let before = if self.go.is_empty() { "before go 1.17" } else { self.go };
            out.unjudged("Go", "what its modules need", before);
        }
        out.finish()
    }
}

/// Whether a file of this version names every module.
fn lists_all(go: &str) -> bool {
    let mut parts = go.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (1, 17)
}
