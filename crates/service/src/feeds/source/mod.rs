//! Where advisory data comes from on disk: OSV and CSAF records one by one, in directories and in
//! archives; Debian's security tracker; `updateinfo.xml`; the KEV catalogue and EPSS scores. Everything streams; a
//! full OSV set has 630,000 records, a full set of VEX documents some gigabytes.

mod archive;

use std::fs::File;
use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

use parapet_matching::advisory::{self, csaf, debian_tracker, updateinfo};
use parapet_model::advisory::Advisory;

use super::zipped::Zipped;
use crate::error::{Error, Result};

/// Most bytes of a single record that are read; one that has them all is refused as too large.
const MAX_RECORD: u64 = advisory::MAX_RECORD as u64 + 1;
/// Most entries of one archive or directory.
const MAX_RECORDS: usize = 5_000_000;
/// How much of the first record is looked at to tell its format.
const HEAD: u64 = 64 << 10;

/// What a path holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedFormat {
    /// OSV records.
    Osv,
    /// CSAF advisories.
    Csaf,
    /// CSAF documents of the profile VEX, which list what has no fix too.
    Vex,
    /// The file of Debian's security tracker.
    DebianTracker,
    /// The `updateinfo.xml` of an rpm repository.
    UpdateInfo,
    /// CISA's Known Exploited Vulnerabilities catalogue.
    Kev,
    /// EPSS scores.
    Epss,
}

impl FeedFormat {
    /// The word under which feeds are kept and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Osv => "osv",
            Self::Csaf => "csaf",
            Self::Vex => VEX,
            Self::DebianTracker => "debian-tracker",
            Self::UpdateInfo => "updateinfo",
            Self::Kev => "kev",
            Self::Epss => "epss",
        }
    }
}

/// The word of feeds that list what has no fix, whatever their publisher's bulletins do.
pub(crate) const VEX: &str = "vex";

/// One record of a feed.
pub(super) enum Record<'r> {
    /// The text of a record.
    Text {
        /// Its file's name without extension.
        name: &'r str,
        /// As published.
        bytes: &'r [u8],
    },
    /// A piece of a file that is a whole feed.
    Read(Box<Advisory>),
}

/// A feed on disk.
#[derive(Debug, Clone)]
pub struct FeedSource {
    /// What it holds.
    pub format: FeedFormat,
    /// Its name: the file's or directory's name without extension; `kev`, `epss`.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

impl FeedSource {
    /// Recognises what lies at `path` by looking inside.
    pub fn recognise(path: &Path) -> Result<Self> {
        std::fs::metadata(path).map_err(|e| Error::file(path, e))?;
        let mut source = Self { format: FeedFormat::Osv, name: stem(path), path: path.to_owned() };
        if !path.is_dir() && archive::is_file(path)? {
            let mut head = Vec::new();
            let error = |e| Error::file(path, e);
            source.reader()?.take(HEAD).read_to_end(&mut head).map_err(error)?;
            let text = String::from_utf8_lossy(&head);
            source.format = if text.starts_with("#model_version") || text.starts_with("cve,epss") {
                FeedFormat::Epss
            } else if text.contains("\"catalogVersion\"") {
                FeedFormat::Kev
            } else if debian_tracker::is_tracker(&text) {
                FeedFormat::DebianTracker
            } else if updateinfo::is_updateinfo(&text) {
                FeedFormat::UpdateInfo
            } else if text.trim_start().starts_with('{') {
                of_record(&head)
            } else {
                return Err(Error::Invalid(format!(
                    "{}: not a feed; OSV and CSAF records in zips, tar archives and directories, Debian's \
                     security tracker, updateinfo.xml, the KEV catalogue and EPSS scores are read",
                    path.display()
                )));
            };
        } else {
            source.format = source.first_record()?.map_or(FeedFormat::Osv, |head| of_record(&head));
        }
        match source.format {
            format @ (FeedFormat::Kev | FeedFormat::Epss) => source.name = format.as_str().to_owned(),
            format @ FeedFormat::DebianTracker => source.name = format.as_str().to_owned(),
            _ => {}
        }
        Ok(source)
    }

    /// The beginning of the first record.
    fn first_record(&self) -> Result<Option<Vec<u8>>> {
        let mut first = None;
        let outcome = self.each_text(&mut |_, bytes| {
            first = bytes.get(..bytes.len().min(HEAD as usize)).map(<[u8]>::to_vec);
            Err(Error::Conflict("seen enough".to_owned()))
        });
        if first.is_none() { outcome.map(|()| None) } else { Ok(first) }
    }

    /// Whether one file is the whole feed.
    fn is_one_file(&self) -> bool {
        matches!(self.format, FeedFormat::DebianTracker | FeedFormat::UpdateInfo)
    }

    /// Whether this is everything the publisher has, so that what is not in it is gone.
    pub(super) fn is_whole(&self) -> Result<bool> {
        Ok(self.is_one_file() || self.path.is_dir() || !archive::is_file(&self.path)?)
    }

    /// Calls `each` with every record. Files that are not named `.json` are passed over, and so is
    /// what publishers put beside their records. Stops at the first error of `each`.
    pub(super) fn each_record(&self, each: &mut dyn FnMut(Record<'_>) -> Result<()>) -> Result<()> {
        if !self.is_one_file() {
            return self.each_text(&mut |name, bytes| each(Record::Text { name, bytes }));
        }
        let mut outcome = Ok(());
        let mut give = |advisory| {
            outcome = each(Record::Read(Box::new(advisory)));
            outcome.is_ok()
        };
        let read = match self.format {
            FeedFormat::UpdateInfo => updateinfo::read(self.reader()?, &mut give),
            _ => debian_tracker::read(self.reader()?, &mut give),
        };
        outcome.and(read.map_err(|e| Error::Invalid(format!("{}: {e}", self.path.display()))))
    }

    fn each_text(&self, each: &mut dyn FnMut(&str, &[u8]) -> Result<()>) -> Result<()> {
        let error = |e| Error::file(&self.path, e);
        if self.path.is_dir() {
            return each_in_directory(&self.path, each);
        }
        match archive::kind(&self.path)? {
            archive::Kind::Zip => self.each_zipped(each),
            archive::Kind::Tar => archive::each_in_tar(&self.path, each),
            archive::Kind::File => {
                let mut bytes = Vec::new();
                self.reader()?.take(MAX_RECORD).read_to_end(&mut bytes).map_err(error)?;
                each(&stem(&self.path), &bytes)
            }
        }
    }

    fn each_zipped(&self, each: &mut dyn FnMut(&str, &[u8]) -> Result<()>) -> Result<()> {
        let mut archive =
            Zipped::open(open(&self.path)?, MAX_RECORD).map_err(|e| zip_error(&self.path, e))?;
        if archive.len() > MAX_RECORDS {
            return Err(Error::Invalid(format!("{}: more than {MAX_RECORDS} entries", self.path.display())));
        }
        let mut bytes = Vec::new();
        for index in 0..archive.len() {
            let Some(id) = archive.name(index).and_then(record_name).map(str::to_owned) else { continue };
            archive.read(index, &mut bytes).map_err(|e| zip_error(&self.path, e))?;
            each(&id, &bytes)?;
        }
        Ok(())
    }

    /// The whole content, unpacked when it is gzip or zstd.
    pub fn reader(&self) -> Result<Box<dyn BufRead>> {
        archive::unpacked(&self.path)
    }

    /// SHA-256 over the content; for a directory over names, sizes and modification times, so that
    /// an unchanged one is recognised without reading it.
    pub fn fingerprint(&self) -> Result<[u8; 32]> {
        use sha2::{Digest as _, Sha256};
        let mut hash = Sha256::new();
        if self.path.is_dir() {
            for path in files_of(&self.path)? {
                let meta = std::fs::metadata(&path).map_err(|e| Error::file(&path, e))?;
                let changed = meta.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
                hash.update(path.as_os_str().as_encoded_bytes());
                hash.update(meta.len().to_le_bytes());
                hash.update(changed.map_or(0, |d| d.as_nanos()).to_le_bytes());
            }
        } else {
            let mut file = open(&self.path)?;
            let mut buffer = vec![0; 1 << 18];
            loop {
                match file.read(&mut buffer).map_err(|e| Error::file(&self.path, e))? {
                    0 => break,
                    n => hash.update(&buffer[..n]),
                }
            }
        }
        Ok(hash.finalize().into())
    }
}

fn of_record(head: &[u8]) -> FeedFormat {
    match advisory::is_csaf(head) {
        true if csaf::is_vex(head) => FeedFormat::Vex,
        true => FeedFormat::Csaf,
        false => FeedFormat::Osv,
    }
}

/// The name of a record's file without folders and extension; `None` for what is no record: other
/// files, and what publishers of CSAF put beside their documents.
fn record_name(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next()?.strip_suffix(".json")?;
    let is_beside =
        matches!(name, "provider-metadata" | "changes" | "index") || name.starts_with("csaf-feed-");
    (!is_beside).then_some(name)
}

fn each_in_directory(dir: &Path, each: &mut dyn FnMut(&str, &[u8]) -> Result<()>) -> Result<()> {
    for path in files_of(dir)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if let Some(name) = record_name(&name) {
            let mut bytes = Vec::new();
            open(&path)?.take(MAX_RECORD).read_to_end(&mut bytes).map_err(|e| Error::file(&path, e))?;
            each(name, &bytes)?;
        }
    }
    Ok(())
}

/// The files of a directory and its subdirectories, sorted; links are not followed.
fn files_of(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut waiting = vec![dir.to_owned()];
    while let Some(dir) = waiting.pop() {
        for entry in std::fs::read_dir(&dir).map_err(|e| Error::file(&dir, e))? {
            let entry = entry.map_err(|e| Error::file(&dir, e))?;
            let kind = entry.file_type().map_err(|e| Error::file(&dir, e))?;
            if kind.is_dir() {
                waiting.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
            if files.len() > MAX_RECORDS {
                return Err(Error::Invalid(format!("{}: more than {MAX_RECORDS} files", dir.display())));
            }
        }
    }
    files.sort_unstable();
    Ok(files)
}

fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|e| Error::file(path, e))
}

fn zip_error(path: &Path, error: zip::result::ZipError) -> Error {
    Error::Invalid(format!("{}: damaged zip: {error}", path.display()))
}

/// The name without extension, and without the one of the archive inside a packed one.
fn stem(path: &Path) -> String {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let inside = name.strip_suffix(".tar").or_else(|| name.strip_suffix(".xml"));
    inside.map_or(name.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn recognises_what_lies_there() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let kev = write("known.json", r#"{"catalogVersion": "1", "vulnerabilities": []}"#);
        let epss = write(
            "scores.csv",
            "#model_version:v1,score_date:2026-01-01T00:00:00+0000\ncve,epss,percentile\n",
        );
        let record = write("X-1.json", r#"{"id": "X-1"}"#);
        assert_eq!(FeedSource::recognise(&kev).unwrap().format, FeedFormat::Kev);
        assert_eq!(FeedSource::recognise(&epss).unwrap().format, FeedFormat::Epss);
        assert_eq!(FeedSource::recognise(&record).unwrap().name, "X-1");
        assert_eq!(FeedSource::recognise(dir.path()).unwrap().format, FeedFormat::Osv);
        let error = FeedSource::recognise(&write("notes.txt", "hello")).unwrap_err().to_string();
        assert!(error.ends_with("the KEV catalogue and EPSS scores are read"), "{error}");
    }

    #[test]
    fn reads_each_record_of_a_zip() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("Some.zip");
        let mut zip = zip::ZipWriter::new(File::create(&path).unwrap());
        for name in ["A-1.json", "folder/A-2.json", "README.md"] {
            zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(name.as_bytes()).unwrap();
        }
        zip.finish().unwrap();
        let source = FeedSource::recognise(&path).unwrap();
        let mut seen = Vec::new();
        source
            .each_text(&mut |id, bytes| {
                seen.push((id.to_owned(), bytes.len()));
                Ok(())
            })
            .unwrap();
        assert_eq!(seen, [("A-1".to_owned(), 8), ("A-2".to_owned(), 15)]);
        assert!(source.is_whole().unwrap());
    }

    #[test]
    fn archives_of_csaf_documents_are_read_whatever_packs_them() {
        let dir = tempfile::tempdir().unwrap();
        let document = r#"{"document": {"category": "csaf_vex", "csaf_version": "2.0"}}"#;
        let mut tar = tar::Builder::new(Vec::new());
        for (name, text) in [
            ("2026/cve-2026-1.json", document),
            ("2026/cve-2026-2.json", "{}"),
            ("changes.csv", "x"),
            ("provider-metadata.json", "{}"),
        ] {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, name, text.as_bytes()).unwrap();
        }
        let tar = tar.into_inner().unwrap();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&tar).unwrap();
        let gzip = gzip.finish().unwrap();
        let zstd = zstd::encode_all(tar.as_slice(), 1).unwrap();
        for (name, bytes) in [("vex.tar", &tar), ("vex.tar.gz", &gzip), ("vex.tar.zst", &zstd)] {
            let path = dir.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            let source = FeedSource::recognise(&path).unwrap();
            assert_eq!((source.format, source.name.as_str()), (FeedFormat::Vex, "vex"), "{name}");
            assert!(source.is_whole().unwrap());
            let mut seen = Vec::new();
            source
                .each_text(&mut |id, bytes| {
                    seen.push((id.to_owned(), bytes.len()));
                    Ok(())
                })
                .unwrap();
            assert_eq!(
                seen,
                [("cve-2026-1".to_owned(), document.len()), ("cve-2026-2".to_owned(), 2)],
                "{name}"
            );
        }
        std::fs::write(dir.path().join("vex.tar"), &tar[..700]).unwrap();
        let cut =
            FeedSource { format: FeedFormat::Vex, name: "vex".to_owned(), path: dir.path().join("vex.tar") };
        assert!(cut.each_text(&mut |_, _| Ok(())).is_err(), "an archive that ends early is no whole set");
    }

    #[test]
    fn debians_tracker_is_one_file_of_many_records() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("json");
        let text = r#"{"bash": {"CVE-2026-0001": {"releases": {"bookworm": {"status": "open"}}}},
            "zsh": {"CVE-2026-0002": {"releases": {"sid": {"status": "open"}}}}}"#;
        std::fs::write(&path, text).unwrap();
        let source = FeedSource::recognise(&path).unwrap();
        assert_eq!((source.format, source.name.as_str()), (FeedFormat::DebianTracker, "debian-tracker"));
        let mut ids = Vec::new();
        source
            .each_record(&mut |record| {
                if let Record::Read(advisory) = record {
                    ids.push(advisory.id);
                }
                Ok(())
            })
            .unwrap();
        assert_eq!(ids, ["DEBIAN-TRACKER-bash-CVE-2026-0001"]);
    }
}
