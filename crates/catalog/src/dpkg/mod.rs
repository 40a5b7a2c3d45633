//! dpkg: Debian, Ubuntu and all that is made of them.
//!
//! * `var/lib/dpkg/status`: one stanza for each package known, installed or not.
//! * `var/lib/dpkg/status.d/NAME`: one file for each package, as distroless images have it; without
//!   a `Status` field, and with `NAME.md5sums` as list of files.
//! * `var/lib/dpkg/info/*.list`: the files of each package.
//! * `var/lib/dpkg/diversions`: which of them lie elsewhere.
//!
//! The same below another directory is the database of a system inside of this one (a chroot).
//!
//! A vendor's own package in the database (`vendor.rs`) has the ecosystem `dpkg:VENDOR`: the
//! distribution's feed says nothing of it, and what it brings along counts for itself.
//!
//! Source of the rules: dpkg's manual pages *deb-control(5)* (fields, `Source: name (version)`) and
//! *dpkg(1)*, "Package states".

#[cfg(test)]
mod tests;
mod vendor;

use parapet_model::PackageKey;

use crate::path::split;
use crate::reader::{Reading, clean_text, short};
use crate::root;

/// Ecosystem of packages until the distribution's release is known.
pub(crate) const FAMILY: &str = "dpkg";

/// Where dpkg keeps its databases, in the image's root or in one inside of it.
const PLACE: &[u8] = b"var/lib/dpkg/";

/// A path of dpkg's below [`PLACE`].
fn inside(path: &[u8]) -> Option<&[u8]> {
    root::split_at(path, PLACE)?.1.get(PLACE.len()..)
}

/// Whether the path is a database of dpkg.
pub(crate) fn claims(path: &[u8]) -> bool {
    match inside(path) {
        Some(b"status") => true,
        Some(file) => split(file).0 == b"status.d" && !file.ends_with(b".md5sums"),
        None => false,
    }
}

/// The status file itself, or the directory of one-package files.
pub(crate) fn database(path: &[u8]) -> &[u8] {
    if path.ends_with(b"/status") { path } else { split(path).0 }
}

/// Whether the path lists the files of a package, or tells of diversions.
pub(crate) fn lists_files(path: &[u8]) -> bool {
    let Some(file) = inside(path) else { return false };
    let directory = split(file).0;
    (directory == b"info" && file.ends_with(b".list"))
        || (directory == b"status.d" && file.ends_with(b".md5sums"))
        || is_diversions(path)
}

/// Whether the path tells of diversions.
pub(crate) fn is_diversions(path: &[u8]) -> bool {
    inside(path) == Some(b"diversions")
}

/// The diversions in that file, three lines each: from, to, by whom.
pub(crate) fn diversions(bytes: &[u8]) -> impl Iterator<Item = [&[u8]; 3]> {
    let mut lines = lines(bytes);
    std::iter::from_fn(move || Some([lines.next()?, lines.next()?, lines.next()?]))
}

/// A package that lists its files: the root of its database, and its name.
pub(crate) type Owner<'a> = (&'a [u8], &'a [u8]);

/// The package whose files the list at `path` names: `info/NAME.list`, `info/NAME:ARCH.list` or
/// `status.d/NAME.md5sums`.
pub(crate) fn owner(path: &[u8]) -> Owner<'_> {
    let file = split(path).1;
    let name = file.strip_suffix(b".list").or_else(|| file.strip_suffix(b".md5sums")).unwrap_or(file);
    (root::of_database(path), name.split(|&byte| byte == b':').next().unwrap_or(name))
}

/// The vendors' own packages in the database at `path`: no feed of a distribution speaks for what
/// they bring along, so their files are nobody's.
pub(crate) fn of_vendors<'a>(path: &'a [u8], reading: &'a Reading) -> impl Iterator<Item = Owner<'a>> {
    let foreign = reading.packages.iter().filter(|p| p.ecosystem != FAMILY);
    foreign.map(|p| (root::of_database(path), p.name.as_bytes()))
}

/// The paths in a list of files: one on each line, in `.md5sums` behind the sum and two spaces.
pub(crate) fn owned_paths<'a>(list: &[u8], bytes: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let sums = list.ends_with(b".md5sums");
    lines(bytes)
        .map(move |line| match sums {
            true => line.get(34..).unwrap_or_default(),
            false => line,
        })
        .filter(|path| !path.is_empty())
}

/// Reads a status file or the file of one package.
///
/// A status file that ends within a line was cut, as dpkg itself says ("missing final newline");
/// the stanza it ends in is not believed. One-package files are written by other programs, which do
/// not all end the last line.
pub fn read(bytes: &[u8]) -> Reading {
    let mut reading = Reading::default();
    let mut problems = 0;
    let mut stanza = Stanza::default();
    for (number, line) in lines(bytes).enumerate() {
        match line.first() {
            None => stanza.finish(&mut reading, &mut problems),
            // The continuation of a field that is of no interest; those of interest have one line.
            Some(b' ' | b'\t') => {}
            Some(_) => match memchr::memchr(b':', line) {
                Some(colon) => {
                    let (name, value) = line.split_at(colon);
                    stanza.field(name, value.get(1..).unwrap_or_default().trim_ascii());
                }
                None => reading.complain(&mut problems, || {
                    format!("line {} is no field: {:?}", number + 1, short(line))
                }),
            },
        }
    }
    if stanza.started && !stanza.status.is_empty() && !bytes.ends_with(b"\n") {
        reading.complain(&mut problems, || {
            format!("the file ends within the entry of package {:?}", short(stanza.package))
        });
    } else {
        stanza.finish(&mut reading, &mut problems);
    }
    reading.database().sum_up(problems)
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|&b| b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// The fields of one stanza that matter.
#[derive(Default)]
struct Stanza<'a> {
    started: bool,
    package: &'a [u8],
    status: &'a [u8],
    version: &'a [u8],
    architecture: &'a [u8],
    source: &'a [u8],
    maintainer: &'a [u8],
}

impl<'a> Stanza<'a> {
    fn field(&mut self, name: &[u8], value: &'a [u8]) {
        self.started = true;
        let slot = match name.first().map(u8::to_ascii_lowercase) {
            Some(b'p') if name.eq_ignore_ascii_case(b"package") => &mut self.package,
            Some(b's') if name.eq_ignore_ascii_case(b"status") => &mut self.status,
            Some(b's') if name.eq_ignore_ascii_case(b"source") => &mut self.source,
            Some(b'v') if name.eq_ignore_ascii_case(b"version") => &mut self.version,
            Some(b'm') if name.eq_ignore_ascii_case(b"maintainer") => &mut self.maintainer,
            Some(b'a') if name.eq_ignore_ascii_case(b"architecture") => &mut self.architecture,
            _ => return,
        };
        *slot = value;
    }

    fn finish(&mut self, reading: &mut Reading, problems: &mut u32) {
        let stanza = std::mem::take(self);
        if !stanza.started || !stanza.is_installed() {
            return;
        }
        match stanza.key() {
            Ok(key) => reading.packages.push(key),
            Err(why) => reading.complain(problems, || why),
        }
    }

    /// The third word of `Status` is the state. Packages whose files are gone do not count; those
    /// half-way in or out do. One-package files have no status: they are there because installed.
    fn is_installed(&self) -> bool {
        let state = self.status.rsplit(u8::is_ascii_whitespace).next().unwrap_or_default();
        !matches!(state, b"not-installed" | b"config-files")
    }

    fn key(&self) -> Result<PackageKey, String> {
        let name = clean_text(self.package).map_err(|e| format!("a package's name {e}"))?;
        let of = |field, e| format!("the {field} of package {name} {e}");
        let version = clean_text(self.version).map_err(|e| of("version", e))?;
        let mut key = PackageKey::new(FAMILY, name, version);
        if let Some(vendor) = vendor::of_maintainer(&String::from_utf8_lossy(self.maintainer)) {
            key.ecosystem = format!("{FAMILY}:{vendor}");
        }
        if !self.architecture.is_empty() {
            clean_text(self.architecture).map_err(|e| of("architecture", e))?.clone_into(&mut key.arch);
        }
        if !self.source.is_empty() {
            let source = clean_text(self.source).map_err(|e| of("source", e))?;
            let (source, own_version) = match source.split_once('(') {
                Some((source, rest)) => (source.trim_end(), rest.trim_end_matches(')').trim()),
                None => (source, ""),
            };
            source.clone_into(&mut key.source_name);
            if !own_version.is_empty() {
                own_version.clone_into(&mut key.source_version);
            }
        }
        Ok(key)
    }
}
