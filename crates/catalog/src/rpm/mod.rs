//! rpm: Red Hat, SUSE, Amazon and all that is made of them.
//!
//! One file holds the headers of all installed packages, in one of three forms: SQLite
//! (`rpmdb.sqlite`), rpm's own (`Packages.db`), a hash of Berkeley DB (`Packages`). Each form has a
//! bounded reader of its own here, because the file comes from a stranger: sizes, offsets and chains
//! are followed only as far as the file goes, and one header at a time is in memory.
//!
//! * The version is `EPOCH:VERSION-RELEASE`, without the first where the package has no epoch:
//!   that it has none and that it is 0 are told apart.
//! * The vendor becomes a part of the ecosystem (`rpm:VENDOR`) until the distribution is known
//!   (`vendor.rs`); packages of other vendors own no files, so what they bring along counts for itself.
//! * `gpg-pubkey` is a key, no software.

mod bdb;
mod header;
pub(crate) mod manifest;
mod ndb;
mod sqlite;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod vendor;

use parapet_model::PackageKey;

use self::header::{Header, tag};
use crate::blob::Blob;
use crate::reader::{Reading, clean_text};
use crate::root;

/// Ecosystem of packages until the distribution's release is known.
pub(crate) const FAMILY: &str = "rpm";

/// Largest header of one package, in bytes.
const MAX_HEADER: usize = 32 << 20;

/// Most packages of one database.
const MAX_PACKAGES: usize = 500_000;

/// Where databases lie, in the image's root or in one inside of it; the last is that of rpm-ostree.
const HOMES: [&[u8]; 3] = [b"var/lib/rpm/", b"usr/lib/sysimage/rpm/", b"usr/share/rpm/"];

/// The path below the place of a database.
fn inside(path: &[u8]) -> Option<&[u8]> {
    HOMES.iter().find_map(|home| root::split_at(path, home)?.1.get(home.len()..))
}

/// Whether the path is a database of rpm.
pub(crate) fn claims(path: &[u8]) -> bool {
    matches!(inside(path), Some(b"Packages" | b"Packages.db" | b"rpmdb.sqlite"))
}

/// Whether the path is SQLite's log of changes that are not in the database yet.
pub(crate) fn claims_log(path: &[u8]) -> bool {
    inside(path) == Some(b"rpmdb.sqlite-wal")
}

/// A log is empty when rpm was done, and stays. Otherwise packages may be missing.
pub(crate) fn read_log(blob: &dyn Blob) -> Reading {
    match blob.size() {
        0 => Reading::default(),
        _ => Reading::unreadable("changes that are not in the database, because rpm was stopped within one"),
    }
}

/// Reads a database, whose form is told by its first bytes.
pub(crate) fn read(blob: &dyn Blob, owned: &mut dyn FnMut(&[u8])) -> Reading {
    let start = blob.array::<16>(0).unwrap_or_default();
    let mut found = Found { reading: Reading::default(), problems: 0, owned };
    let walked = if start.starts_with(sqlite::MAGIC) {
        sqlite::headers(blob, &mut |header| found.add(header))
    } else if start.starts_with(ndb::MAGIC) {
        ndb::headers(blob, &mut |header| found.add(header))
    } else if bdb::is_one(&start) {
        bdb::headers(blob, &mut |header| found.add(header))
    } else {
        Err("no form of rpm's database".to_owned())
    };
    if let Err(why) = walked {
        found.complain(why);
    }
    let Found { mut reading, problems, .. } = found;
    reading.packages.sort_unstable();
    reading.packages.dedup();
    reading.database().sum_up(problems)
}

struct Found<'a> {
    reading: Reading,
    problems: u32,
    owned: &'a mut dyn FnMut(&[u8]),
}

impl Found<'_> {
    fn complain(&mut self, why: String) {
        self.reading.complain(&mut self.problems, || why);
    }

    /// Takes the header of one package; false when there are too many.
    fn add(&mut self, header: Result<Vec<u8>, String>) -> bool {
        let key = header.and_then(|bytes| {
            let header = Header::parse(&bytes)?;
            let key = package(&header)?;
            if key.as_ref().is_some_and(|key| vendor::is_a_distribution(&key.ecosystem)) {
                header.files(self.owned);
            }
            Ok(key)
        });
        match key {
            Ok(Some(key)) => self.reading.packages.push(key),
            Ok(None) => {}
            Err(why) => self.complain(why),
        }
        if self.reading.packages.len() >= MAX_PACKAGES {
            self.complain(format!("more than {MAX_PACKAGES} packages"));
            return false;
        }
        true
    }
}

fn package(header: &Header<'_>) -> Result<Option<PackageKey>, String> {
    let name = clean_text(header.text(tag::NAME)).map_err(|e| format!("a package's name {e}"))?;
    if name == "gpg-pubkey" {
        return Ok(None);
    }
    let field =
        |tag, what| clean_text(header.text(tag)).map_err(|e| format!("the {what} of package {name} {e}"));
    let release = Release {
        epoch: header.number(tag::EPOCH),
        version: field(tag::VERSION, "version")?,
        release: field(tag::RELEASE, "release")?,
    };
    let optional = |tag, what| if header.text(tag).is_empty() { Ok("") } else { field(tag, what) };
    let mut key = PackageKey::new(
        &vendor::with_vendor(&String::from_utf8_lossy(header.text(tag::VENDOR))),
        name,
        &release.to_string(),
    );
    optional(tag::ARCH, "architecture")?.clone_into(&mut key.arch);
    optional(tag::MODULARITY_LABEL, "module")?.clone_into(&mut key.module);
    source(&mut key, &release, optional(tag::SOURCE_RPM, "source")?);
    Ok(Some(key))
}

/// The three parts of a version.
struct Release<'a> {
    epoch: Option<u32>,
    version: &'a str,
    release: &'a str,
}

impl std::fmt::Display for Release<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(epoch) = self.epoch {
            write!(f, "{epoch}:")?;
        }
        write!(f, "{}-{}", self.version, self.release)
    }
}

/// Takes name and version of the source from `NAME-VERSION-RELEASE.src.rpm`. The file's name has no
/// epoch; a source has the one of its packages.
fn source(key: &mut PackageKey, own: &Release<'_>, file: &str) {
    let Some(stem) = file.strip_suffix(".rpm").and_then(|stem| stem.rsplit_once('.')) else { return };
    let mut parts = stem.0.rsplitn(3, '-');
    let (Some(release), Some(version), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
        return;
    };
    name.clone_into(&mut key.source_name);
    key.source_version = Release { epoch: own.epoch, version, release }.to_string();
}
