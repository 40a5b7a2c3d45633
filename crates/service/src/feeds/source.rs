//! Where advisory data comes from on disk: OSV zips and directories, single records, the KEV
//! catalogue and EPSS scores. Everything streams; a full OSV set has 630,000 records.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

use super::zipped::Zipped;
use crate::error::{Error, Result};

/// Largest single record that is read, in bytes. The largest of the real ones has under 2 MB.
const MAX_RECORD: u64 = 16 << 20;
/// Most entries of one zip or directory.
const MAX_RECORDS: usize = 5_000_000;

/// What a path holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedFormat {
    /// OSV records.
    Osv,
    /// CISA's Known Exploited Vulnerabilities catalogue.
    Kev,
    /// EPSS scores.
    Epss,
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
        let meta = std::fs::metadata(path).map_err(|e| Error::file(path, e))?;
        let stem = stem(path);
        if meta.is_dir() {
            return Ok(Self { format: FeedFormat::Osv, name: stem, path: path.to_owned() });
        }
        let mut head = vec![0; 4096];
        let mut file = open(path)?;
        let n = read_up_to(&mut file, &mut head).map_err(|e| Error::file(path, e))?;
        head.truncate(n);
        let text = String::from_utf8_lossy(&head);
        let (format, name) = if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
            (FeedFormat::Osv, stem)
        } else if text.starts_with("#model_version") || text.starts_with("cve,epss") {
            (FeedFormat::Epss, "epss".to_owned())
        } else if text.contains("\"catalogVersion\"") {
            (FeedFormat::Kev, "kev".to_owned())
        } else if text.trim_start().starts_with('{') {
            (FeedFormat::Osv, stem)
        } else {
            return Err(Error::Invalid(format!(
                "{}: not a feed; OSV zips, directories and records, the KEV catalogue and EPSS scores are read",
                path.display()
            )));
        };
        Ok(Self { format, name, path: path.to_owned() })
    }

    /// Calls `each` with the stem of every record's file name and its bytes. Names without `.json`
    /// are passed over. Stops at the first error of `each`.
    pub fn each_record(&self, each: &mut dyn FnMut(&str, &[u8]) -> Result<()>) -> Result<()> {
        let error = |e| Error::file(&self.path, e);
        if self.path.is_dir() {
            return each_in_directory(&self.path, each);
        }
        let mut head = [0; 2];
        let n = read_up_to(&mut open(&self.path)?, &mut head).map_err(error)?;
        if &head[..n] != b"PK" {
            let mut bytes = Vec::new();
            self.reader()?.take(MAX_RECORD).read_to_end(&mut bytes).map_err(error)?;
            return each(&stem(&self.path), &bytes);
        }
        let mut archive =
            Zipped::open(open(&self.path)?, MAX_RECORD).map_err(|e| zip_error(&self.path, e))?;
        if archive.len() > MAX_RECORDS {
            return Err(Error::Invalid(format!("{}: more than {MAX_RECORDS} entries", self.path.display())));
        }
        let mut bytes = Vec::new();
        for index in 0..archive.len() {
            let file = archive.name(index).and_then(|name| name.rsplit('/').next());
            let Some(id) = file.and_then(|file| file.strip_suffix(".json")).map(str::to_owned) else {
                continue;
            };
            archive.read(index, &mut bytes).map_err(|e| zip_error(&self.path, e))?;
            each(&id, &bytes)?;
        }
        Ok(())
    }

    /// The whole content, decompressed when it is gzip. For KEV and EPSS.
    pub fn reader(&self) -> Result<Box<dyn BufRead>> {
        let mut buffered = BufReader::with_capacity(1 << 16, open(&self.path)?);
        let gzip = buffered.fill_buf().map_err(|e| Error::file(&self.path, e))?.starts_with(&[0x1f, 0x8b]);
        Ok(if gzip { Box::new(BufReader::new(GzDecoder::new(buffered))) } else { Box::new(buffered) })
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

fn each_in_directory(dir: &Path, each: &mut dyn FnMut(&str, &[u8]) -> Result<()>) -> Result<()> {
    for path in files_of(dir)? {
        if path.extension().is_some_and(|e| e == "json") {
            let mut bytes = Vec::new();
            open(&path)?.take(MAX_RECORD).read_to_end(&mut bytes).map_err(|e| Error::file(&path, e))?;
            each(&stem(&path), &bytes)?;
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

fn read_up_to(reader: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..])? {
            0 => break,
            n => filled += n,
        }
    }
    Ok(filled)
}

fn zip_error(path: &Path, error: zip::result::ZipError) -> Error {
    Error::Invalid(format!("{}: damaged zip: {error}", path.display()))
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
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
            .each_record(&mut |id, bytes| {
                seen.push((id.to_owned(), bytes.len()));
                Ok(())
            })
            .unwrap();
        assert_eq!(seen, [("A-1".to_owned(), 8), ("A-2".to_owned(), 15)]);
    }
}
