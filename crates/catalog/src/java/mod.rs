//! Java: archives with classes (jar, war, ear and the like), and the archives inside of them.
//!
//! An archive says what it is, most trustworthy first, by
//!
//! 1. `META-INF/maven/GROUP/ARTIFACT/pom.properties`, one for each artifact that was built or shaded
//!    into it; a `pom.xml` alone will do,
//! 2. its manifest and the name of the file (`identity.rs`).
//!
//! One that has classes and says nothing is noted with its SHA-1, by which Maven Central can be asked;
//! nobody can judge it, and that is said. Archives inside are read in place, or unpacked one at a
//! time; how deep, how many and how much is bounded for the outermost archive as a whole.

mod identity;
mod pom;
#[cfg(test)]
pub(crate) mod tests;
mod zip;

use std::collections::BTreeMap;
use std::io::Read;

use parapet_model::PackageKey;
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};

use self::zip::{Archive, Body, Entry};
use crate::blob::{Blob, Part, Spool};
use crate::path::{file_name, lossy, split};
use crate::reader::{Reading, clean_text};

/// OSV's name.
const ECOSYSTEM: &str = "Maven";

/// Endings of Java archives.
const ENDINGS: [&[u8]; 9] =
    [b".jar", b".war", b".ear", b".jpi", b".hpi", b".par", b".sar", b".kar", b".lpkg"];

/// How deep archives may lie in each other: a library in a module in an application is two.
const MAX_DEPTH: usize = 5;

/// Most archives inside of one.
const MAX_INSIDE: u32 = 20_000;

/// Most bytes unpacked, and read of directories, for one archive: this many, and so many for each byte
/// of its own. Members may lie on each other, so the size alone bounds nothing.
const UNPACKED: u64 = 64 << 20;
const UNPACKED_EACH: u64 = 20;

/// Largest file unpacked to disk, in bytes.
const MAX_SPOOLED: u64 = 1 << 30;

/// Largest file of text read, in bytes.
const MAX_TEXT: u64 = 4 << 20;

/// Most artifacts one archive may claim to be.
const MAX_ARTIFACTS: usize = 20_000;

/// Most bytes kept of a member's name, from its end.
const MAX_NAME: usize = 512;

/// Whether the path is that of a Java archive.
pub(crate) fn claims(path: &[u8]) -> bool {
    // Every path of an image is asked for.
    ENDINGS.iter().any(|ending| {
        let end = path.len().checked_sub(ending.len()).filter(|&length| length > 0);
        end.and_then(|at| path.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(ending))
    })
}

/// The directory that holds archives; one at the root stands for itself.
pub(crate) fn database(path: &[u8]) -> &[u8] {
    match split(path) {
        (b"", _) => path,
        (directory, _) => directory,
    }
}

/// Reads an archive. Its own name is not known here: `name` is what its path ends with.
pub(crate) fn read(blob: &dyn Blob, name: &[u8]) -> Reading {
    let mut reader = Reader {
        reading: Reading::default(),
        problems: 0,
        unknown: Vec::new(),
        further: 0,
        inside: 0,
        left: UNPACKED.saturating_add(blob.size().saturating_mul(UNPACKED_EACH)),
    };
    reader.archive(blob, name, 0);
    reader.finish()
}

struct Reader {
    reading: Reading,
    problems: u32,
    /// Archives that do not say what they are.
    unknown: Vec<String>,
    further: usize,
    inside: u32,
    /// Bytes that may still be unpacked.
    left: u64,
}

/// What Maven left of one artifact.
#[derive(Default)]
struct Poms {
    properties: Option<Entry>,
    xml: Option<Entry>,
}

/// What the directory of one archive shows.
#[derive(Default)]
struct Shown {
    /// By group and artifact.
    poms: BTreeMap<(Vec<u8>, Vec<u8>), Poms>,
    manifest: Option<Entry>,
    inside: Vec<(Vec<u8>, Entry)>,
    classes: identity::Classes,
}

impl Reader {
    fn complain(&mut self, place: &[u8], why: &str) {
        let place = lossy(place);
        self.reading.complain(&mut self.problems, || match place.as_str() {
            "" => why.to_owned(),
            place => format!("{place}: {why}"),
        });
    }

    fn archive(&mut self, blob: &dyn Blob, name: &[u8], depth: usize) {
        let inner = if depth == 0 { &b""[..] } else { name };
        let shown = Archive::open(blob).and_then(|archive| Ok((self.directory(&archive)?, archive)));
        let (shown, archive) = match shown {
            Ok(both) => both,
            Err(why) => return self.complain(inner, &why),
        };
        let before = self.reading.packages.len();
        self.artifacts(&archive, &shown, inner);
        if self.reading.packages.len() == before {
            self.by_manifest(&archive, &shown, name, blob);
        }
        for (path, entry) in shown.inside {
            self.inside(&archive, &path, entry, depth);
        }
    }

    fn directory(&mut self, archive: &Archive<'_>) -> Result<Shown, String> {
        self.left = self
            .left
            .checked_sub(archive.directory_size())
            .ok_or("too much to read for an archive of its size")?;
        let mut shown = Shown::default();
        let mut room = MAX_INSIDE.saturating_sub(self.inside);
        archive.entries(&mut |name, entry| {
            if name.ends_with(b".class") {
                shown.classes.add(name);
            } else if name == b"META-INF/MANIFEST.MF" {
                shown.manifest = Some(entry);
            } else if let Some((group, artifact, file)) = pom_of(name) {
                if shown.poms.len() < MAX_ARTIFACTS && name.len() <= MAX_NAME {
                    let poms = shown.poms.entry((group.to_vec(), artifact.to_vec())).or_default();
                    let slot = if file == b"pom.properties" { &mut poms.properties } else { &mut poms.xml };
                    *slot = Some(entry);
                }
            } else if claims(name) && room > 0 {
                room -= 1;
                let end = name.get(name.len().saturating_sub(MAX_NAME)..).unwrap_or_default();
                shown.inside.push((end.to_vec(), entry));
            }
            true
        })?;
        if room == 0 {
            return Err(format!("more than {MAX_INSIDE} archives inside"));
        }
        Ok(shown)
    }

    /// Takes all artifacts that were built into an archive.
    fn artifacts(&mut self, archive: &Archive<'_>, shown: &Shown, place: &[u8]) {
        for ((group, artifact), poms) in &shown.poms {
            let by_properties = poms.properties.map(|entry| {
                let text = self.text(archive, entry)?;
                Ok(pom::properties(&text))
            });
            let found = match by_properties {
                Some(Ok(Some(found))) => Some(Ok(found)),
                Some(Err(why)) => Some(Err(why)),
                _ => poms.xml.and_then(|entry| match self.text(archive, entry) {
                    Ok(text) => {
                        pom::version(&text).map(|version| Ok((lossy(group), lossy(artifact), version)))
                    }
                    Err(why) => Some(Err(why)),
                }),
            };
            match found
                .map(|found| found.and_then(|(group, artifact, version)| key(&group, &artifact, &version)))
            {
                Some(Ok(key)) => self.reading.packages.push(key),
                Some(Err(why)) => self.complain(place, &why),
                None => {}
            }
        }
    }

    fn by_manifest(&mut self, archive: &Archive<'_>, shown: &Shown, name: &[u8], blob: &dyn Blob) {
        if shown.classes.count() == 0 {
            return;
        }
        let manifest = match shown.manifest.map(|entry| self.text(archive, entry)) {
            Some(Ok(text)) => identity::Manifest::parse(&text),
            _ => identity::Manifest::default(),
        };
        let found = identity::of(&manifest, file_name(name), &shown.classes);
        match found.and_then(|(group, artifact, version)| key(&group, &artifact, &version).ok()) {
            Some(key) => self.reading.packages.push(key),
            None => self.note(name, blob),
        }
    }

    /// Notes an archive that does not say what it is.
    fn note(&mut self, name: &[u8], blob: &dyn Blob) {
        const NOTED: usize = 5;
        if self.unknown.len() >= NOTED {
            self.further += 1;
            return;
        }
        let sum = sha1(blob).unwrap_or_else(|| "unknown".to_owned());
        self.unknown.push(format!("{} SHA-1 {sum}", lossy(file_name(name))));
    }

    fn text(&mut self, archive: &Archive<'_>, entry: Entry) -> Result<Vec<u8>, String> {
        let text = archive.small(entry, MAX_TEXT.min(self.left))?;
        self.left -= text.len() as u64;
        Ok(text)
    }

    /// Reads an archive inside of another.
    fn inside(&mut self, archive: &Archive<'_>, path: &[u8], entry: Entry, depth: usize) {
        self.inside += 1;
        if depth + 1 >= MAX_DEPTH {
            return self.complain(path, &format!("archives inside of each other {MAX_DEPTH} deep"));
        }
        match archive.body(entry) {
            Ok(Body::Stored { at, size }) => {
                self.archive(&Part::new(archive.blob(), at, size), path, depth + 1);
            }
            Ok(Body::Deflated(packed)) => {
                let mut spool = Spool::new(MAX_SPOOLED);
                match self.unpack(&mut packed.inflated(), &mut spool) {
                    Ok(()) => match spool.blob() {
                        Ok(blob) => self.archive(&blob, path, depth + 1),
                        Err(why) => self.complain(path, &why),
                    },
                    Err(why) => self.complain(path, &why),
                }
            }
            Err(why) => self.complain(path, &why),
        }
    }

    fn unpack(&mut self, decoder: &mut dyn Read, spool: &mut Spool) -> Result<(), String> {
        let mut buffer = vec![0; 32 << 10];
        loop {
            let n = decoder.read(&mut buffer).map_err(|e| e.to_string())?;
            if n == 0 {
                return Ok(());
            }
            self.left =
                self.left.checked_sub(n as u64).ok_or("too much to unpack for an archive of its size")?;
            if !spool.write(buffer.get(..n).unwrap_or_default()) {
                return Ok(());
            }
        }
    }

    fn finish(mut self) -> Reading {
        self.reading.packages.sort_unstable();
        self.reading.packages.dedup();
        if !self.unknown.is_empty() {
            let more = if self.further > 0 { format!(" and {} more", self.further) } else { String::new() };
            self.reading.unknown = Some(format!("{}{more}", self.unknown.join(", ")));
        }
        self.reading.sum_up(self.problems)
    }
}

/// Group, artifact and file of `META-INF/maven/GROUP/ARTIFACT/pom.properties`.
fn pom_of(name: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let rest = name.strip_prefix(b"META-INF/maven/")?;
    let mut parts = rest.split(|&byte| byte == b'/');
    let (group, artifact, file) = (parts.next()?, parts.next()?, parts.next()?);
    let is_pom = matches!(file, b"pom.properties" | b"pom.xml") && parts.next().is_none();
    is_pom.then_some((group, artifact, file))
}

fn key(group: &str, artifact: &str, version: &str) -> Result<PackageKey, String> {
    let part = |what: &str, text: &str| -> Result<(), String> {
        clean_text(text.as_bytes()).map_err(|e| format!("its {what} {e}"))?;
        let is_word = !text.contains(|c: char| c.is_whitespace() || c == ':' || c == '$' || c == '{');
        if is_word { Ok(()) } else { Err(format!("its {what} {text:?} is none")) }
    };
    part("group", group)?;
    part("artifact", artifact)?;
    part("version", version)?;
    Ok(PackageKey::new(ECOSYSTEM, &format!("{group}:{artifact}"), version))
}

fn sha1(blob: &dyn Blob) -> Option<String> {
    let mut sum = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    let mut buffer = vec![0; 64 << 10];
    let mut at = 0;
    loop {
        let n = blob.read_at(at, &mut buffer).ok()?;
        if n == 0 {
            let digest = sum.finish();
            return Some(digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        sum.update(buffer.get(..n)?);
        at += n as u64;
    }
}
