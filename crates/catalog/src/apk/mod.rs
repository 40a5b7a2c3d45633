//! apk: Alpine, Wolfi, Chainguard.
//!
//! `lib/apk/db/installed` (below `usr` where `lib` was merged): stanzas of lines `LETTER:value`,
//! ended by an empty line. `P` name, `V` version, `A` architecture, `o` origin (the source package),
//! `F` a directory and `R` a file in it. Source: Alpine's wiki, *Apk spec*.

#[cfg(test)]
mod tests;

use parapet_model::PackageKey;

use crate::reader::{Reading, clean_text, short};
use crate::root;

/// Ecosystem of packages until the distribution's release is known.
pub(crate) const FAMILY: &str = "apk";

/// First bytes of apk's binary form. apk 3 uses it for indexes and packages; the list of what is
/// installed is text with it, too.
const ADB: &[u8] = b"ADB";

/// Whether the path is a database of apk.
pub(crate) fn claims(path: &[u8]) -> bool {
    path.ends_with(b"/apk/db/installed") && root::split_at(path, b"lib/apk/db/").is_some()
}

/// Reads the list of installed packages. One that ends within a line was cut; the package it ends in
/// is not believed.
pub fn read(bytes: &[u8]) -> Reading {
    if bytes.starts_with(ADB) {
        return Reading::unreadable("a database in the binary form of apk 3 (ADB), which is not read");
    }
    let mut reading = Reading::default();
    let mut problems = 0;
    let mut stanza = Stanza::default();
    for (number, line) in bytes.split(|&b| b == b'\n').enumerate() {
        match line {
            [] => stanza.finish(&mut reading, &mut problems),
            [letter, b':', value @ ..] => stanza.line(*letter, value, &mut reading),
            _ => reading
                .complain(&mut problems, || format!("line {} is no field: {:?}", number + 1, short(line))),
        }
    }
    if stanza.started && !bytes.ends_with(b"\n") {
        reading.complain(&mut problems, || {
            format!("the file ends within the entry of package {:?}", short(stanza.name))
        });
    } else {
        stanza.finish(&mut reading, &mut problems);
    }
    reading.database().sum_up(problems)
}

#[derive(Default)]
struct Stanza<'a> {
    started: bool,
    name: &'a [u8],
    version: &'a [u8],
    arch: &'a [u8],
    origin: &'a [u8],
    directory: &'a [u8],
}

impl<'a> Stanza<'a> {
    fn line(&mut self, letter: u8, value: &'a [u8], reading: &mut Reading) {
        self.started = true;
        match letter {
            b'P' => self.name = value,
            b'V' => self.version = value,
            b'A' => self.arch = value,
            b'o' => self.origin = value,
            b'F' => self.directory = value,
            b'R' => reading.owned.push([self.directory, b"/", value].concat()),
            _ => {}
        }
    }

    fn finish(&mut self, reading: &mut Reading, problems: &mut u32) {
        let stanza = std::mem::take(self);
        if !stanza.started {
            return;
        }
        match stanza.key() {
            Ok(key) => reading.packages.push(key),
            Err(why) => reading.complain(problems, || why),
        }
    }

    fn key(&self) -> Result<PackageKey, String> {
        let name = clean_text(self.name).map_err(|e| format!("a package's name {e}"))?;
        let of = |field, e| format!("the {field} of package {name} {e}");
        let version = clean_text(self.version).map_err(|e| of("version", e))?;
        let mut key = PackageKey::new(FAMILY, name, version);
        if !self.arch.is_empty() {
            clean_text(self.arch).map_err(|e| of("architecture", e))?.clone_into(&mut key.arch);
        }
        if !self.origin.is_empty() {
            clean_text(self.origin).map_err(|e| of("origin", e))?.clone_into(&mut key.source_name);
        }
        Ok(key)
    }
}
