//! Files that appear whole or not at all.
//!
//! An artifact is written under a temporary name in the directory it will live in. Only after its
//! bytes are on disk does it get its name, and only after the directory is on disk too does
//! [`ArtifactWriter::finish`] return: from then on it survives a loss of power. A writer that is
//! dropped removes its file; one that is killed leaves a temporary file that carries the id of its
//! job, for [`sweep`](crate::sweep) to find.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use parapet_model::Digest;
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use crate::provenance::{Provenance, SUFFIX, Sidecar, provenance_name};
use crate::writeback::Writeback;

/// What the name of an unfinished artifact begins with.
pub(crate) const TEMPORARY_PREFIX: &str = ".parapet-";
/// What it ends in.
pub(crate) const TEMPORARY_SUFFIX: &str = ".part";

/// From so many bytes on, a thread that hashes them beside the writing pays.
const LARGE: usize = 128 << 10;

/// Why an artifact was not made. Through [`Write`] it arrives inside an [`io::Error`], from which
/// [`ArtifactError::of`] takes it out again.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The file system is full.
    #[error("the disk is full: {path} was given up after {written} bytes and nothing was kept", path = path.display())]
    DiskFull {
        /// The directory.
        path: PathBuf,
        /// Bytes written before.
        written: u64,
    },
    /// The artifact outgrew what its owner may still use.
    #[error("the file would be larger than the {limit} bytes that are left of the quota; nothing was kept")]
    OverQuota {
        /// Bytes that were left.
        limit: u64,
    },
    /// The name cannot be used.
    #[error("{name:?} cannot be used as a file name: {why}")]
    BadName {
        /// As given.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A write failed earlier, so the file has a hole.
    #[error("an earlier write failed, so the file is not complete; nothing was kept")]
    Incomplete,
    /// Anything else the file system said.
    #[error("{action} {path}: {source}", path = path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What came back.
        source: io::Error,
    },
}

impl ArtifactError {
    /// The artifact error inside an I/O error that came through a sink, if there is one.
    ///
    /// # Errors
    /// Gives the I/O error back when it holds none.
    pub fn of(error: io::Error) -> Result<Self, io::Error> {
        error.downcast()
    }
}

impl From<ArtifactError> for io::Error {
    fn from(error: ArtifactError) -> Self {
        let kind = match &error {
            ArtifactError::DiskFull { .. } => io::ErrorKind::StorageFull,
            ArtifactError::OverQuota { .. } => io::ErrorKind::QuotaExceeded,
            ArtifactError::BadName { .. } => io::ErrorKind::InvalidInput,
            ArtifactError::Incomplete => io::ErrorKind::Other,
            ArtifactError::Io { source, .. } => source.kind(),
        };
        Self::new(kind, error)
    }
}

/// A finished artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// The digest of its bytes.
    pub sha256: Digest,
}

/// Writes an artifact. See the module.
#[derive(Debug)]
pub struct ArtifactWriter {
    directory: PathBuf,
    job: String,
    sink: Sink<NamedTempFile>,
    writeback: Writeback,
}

impl ArtifactWriter {
    /// Begins an artifact in `directory`, which must exist. `job` is the id of the job that makes it:
    /// up to 64 letters, digits, `-` and `_`. The file gets the mode that the umask allows.
    ///
    /// # Errors
    /// A job id that cannot be part of a file name, or what the file system says.
    pub fn create(directory: &Path, job: &str) -> Result<Self, ArtifactError> {
        check_job(job)?;
        let file =
            temporary(directory, job).map_err(|source| failure("cannot write in", directory, 0, source))?;
        let sink = Sink::new(file, directory);
        Ok(Self {
            directory: directory.to_owned(),
            job: job.to_owned(),
            sink,
            writeback: Writeback::default(),
        })
    }

    /// The same writer, refusing to write more than `limit` bytes.
    #[must_use]
    pub fn with_quota(mut self, limit: u64) -> Self {
        self.sink.limit = Some(limit);
        self
    }

    /// Bytes written so far.
    pub fn size(&self) -> u64 {
        self.sink.size
    }

    /// Gives the file its name; a file that had it is replaced in one step.
    ///
    /// # Errors
    /// A bad name, a write that failed before, or what the file system says. Nothing is kept then.
    pub fn finish(self, name: &str) -> Result<Finished, ArtifactError> {
        self.publish(name, None)
    }

    /// The same, with its provenance beside it (see [`provenance_name`]). The provenance gets its
    /// name first, so an artifact that exists always has one.
    ///
    /// # Errors
    /// As [`ArtifactWriter::finish`].
    pub fn finish_with(self, name: &str, provenance: &Provenance) -> Result<Finished, ArtifactError> {
        self.publish(name, Some(provenance))
    }

    fn publish(self, name: &str, provenance: Option<&Provenance>) -> Result<Finished, ArtifactError> {
        check_name(name)?;
        if self.sink.failed {
            return Err(ArtifactError::Incomplete);
        }
        let Self { directory, job, sink, writeback } = self;
        let (size, sha256) = (sink.size, Digest(sink.hash.finalize().into()));
        let path = directory.join(name);
        let sidecar = provenance.map(|provenance| Sidecar::new(name, size, sha256, provenance));

        let mut named = Vec::new();
        let stored =
            writeback.end().and_then(|()| store(&directory, &job, sink.inner, &path, sidecar, &mut named));
        if let Err(source) = stored {
            for path in &named {
                let _ = std::fs::remove_file(path);
            }
            return Err(failure("cannot store a file in", &directory, size, source));
        }
        Ok(Finished { path, size, sha256 })
    }
}

impl Write for ArtifactWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.sink.write(bytes)?;
        self.writeback.reached(self.sink.inner.as_file(), self.sink.size)?;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

/// Puts file and sidecar on disk and gives them their names; `named` collects those already given.
fn store(
    directory: &Path,
    job: &str,
    file: NamedTempFile,
    path: &Path,
    sidecar: Option<Sidecar<'_>>,
    named: &mut Vec<PathBuf>,
) -> io::Result<()> {
    file.as_file().sync_all()?;
    if let Some(sidecar) = sidecar {
        let mut beside = temporary(directory, job)?;
        let mut text = serde_json::to_vec_pretty(&sidecar)?;
        text.push(b'\n');
        beside.write_all(&text)?;
        beside.as_file().sync_all()?;
        let path = directory.join(provenance_name(sidecar.file));
        beside.persist(&path)?;
        named.push(path);
    }
    file.persist(path)?;
    named.push(path.to_owned());
    sync_directory(directory)
}

fn temporary(directory: &Path, job: &str) -> io::Result<NamedTempFile> {
    let prefix = format!("{TEMPORARY_PREFIX}{job}-");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(TEMPORARY_SUFFIX);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(directory)
}

/// Makes the names in a directory durable. Only Unix has a way to ask for it.
fn sync_directory(directory: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}

fn failure(action: &'static str, path: &Path, written: u64, source: io::Error) -> ArtifactError {
    let path = path.to_owned();
    match source.kind() {
        // Quotas of the file system and limits of the process, not ours.
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            ArtifactError::DiskFull { path, written }
        }
        _ => ArtifactError::Io { action, path, source },
    }
}

fn check_job(job: &str) -> Result<(), ArtifactError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if job.is_empty() || job.len() > 64 || !job.chars().all(fits) {
        return Err(bad_name(job, "a job id is 1 to 64 letters, digits, '-' and '_'"));
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), ArtifactError> {
    if name.is_empty() || name.len() > 200 {
        return Err(bad_name(name, "it must have 1 to 200 bytes"));
    }
    if name.contains(|c: char| matches!(c, '/' | '\\') || c.is_control()) {
        return Err(bad_name(name, "it has a slash, a backslash or a control character"));
    }
    if name.starts_with('.') || name.ends_with(SUFFIX) {
        return Err(bad_name(name, "names of hidden files and of provenance files are taken"));
    }
    Ok(())
}

fn bad_name(name: &str, why: &'static str) -> ArtifactError {
    ArtifactError::BadName { name: name.chars().take(200).collect(), why }
}

/// Counts and hashes what goes through, and remembers whether a write failed.
#[derive(Debug)]
struct Sink<W> {
    inner: W,
    /// Where `inner` writes, for errors.
    directory: PathBuf,
    hash: Sha256,
    size: u64,
    limit: Option<u64>,
    failed: bool,
}

impl<W: Write> Sink<W> {
    fn new(inner: W, directory: &Path) -> Self {
        let directory = directory.to_owned();
        Self { inner, directory, hash: Sha256::new(), size: 0, limit: None, failed: false }
    }

    fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.failed {
            return Err(ArtifactError::Incomplete.into());
        }
        match self.limit {
            Some(limit) if bytes.len() as u64 > limit.saturating_sub(self.size) => {
                return Err(ArtifactError::OverQuota { limit }.into());
            }
            _ => {}
        }
        match self.inner.write(bytes) {
            Err(source) if source.kind() == io::ErrorKind::Interrupted => Err(source),
            Err(source) => Err(failure("cannot write in", &self.directory, self.size, source).into()),
            Ok(taken) => Ok(taken),
        }
    }
}

impl<W: Write> Write for Sink<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() < LARGE {
            let written = self.try_write(bytes);
            return self.note(written, |hash, taken| hash.update(bytes.get(..taken).unwrap_or(bytes)));
        }
        // Hashing costs about as much as writing, and neither waits for the other.
        let mut hash = self.hash.clone();
        let (written, hash) = std::thread::scope(|scope| {
            let hashing = scope.spawn(|| {
                hash.update(bytes);
                hash
            });
            let written = self.try_write(bytes);
            (written, hashing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        self.note(written, |before, taken| match bytes.get(..taken) {
            Some(short) if short.len() < bytes.len() => before.update(short),
            _ => *before = hash,
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<W> Sink<W> {
    /// Notes what was taken, or that a write failed.
    fn note(
        &mut self,
        written: io::Result<usize>,
        hash: impl FnOnce(&mut Sha256, usize),
    ) -> io::Result<usize> {
        match &written {
            Ok(taken) => {
                hash(&mut self.hash, *taken);
                self.size += *taken as u64;
            }
            Err(error) => self.failed |= error.kind() != io::ErrorKind::Interrupted,
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes some bytes and then has no room left.
    struct Small(Vec<u8>);

    impl Write for Small {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let room = 10 - self.0.len();
            if room == 0 {
                return Err(io::Error::from_raw_os_error(28));
            }
            let taken = bytes.len().min(room);
            self.0.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_said_clearly_and_remembered() {
        let mut sink = Sink::new(Small(Vec::new()), Path::new("/exports"));
        let error = sink.write_all(b"twelve bytes").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        let text = "the disk is full: /exports was given up after 10 bytes and nothing was kept";
        assert_eq!(error.to_string(), text);
        assert!(sink.failed);
        assert!(sink.write(b"more").is_err(), "no hole is written over");
    }

    #[test]
    fn short_writes_are_counted_and_hashed_once() {
        let mut sink = Sink::new(Small(Vec::new()), Path::new("/exports"));
        assert_eq!(sink.write(&[b'x'; 2 * LARGE]).unwrap(), 10);
        assert_eq!(Digest(sink.hash.clone().finalize().into()), Digest::of(b"xxxxxxxxxx"));

        let mut sink = Sink::new(Vec::new(), Path::new("/exports"));
        sink.write_all(&[b'x'; 2 * LARGE]).unwrap();
        sink.write_all(b"y").unwrap();
        let all: Vec<u8> = [b'x'; 2 * LARGE].into_iter().chain([b'y']).collect();
        assert_eq!((sink.size, Digest(sink.hash.finalize().into())), (all.len() as u64, Digest::of(&all)));

        let mut sink = Sink::new(Small(Vec::new()), Path::new("/exports"));
        assert_eq!(sink.write(b"twelve bytes").unwrap(), 10);
        assert_eq!(sink.size, 10);
        assert_eq!(Digest(sink.hash.finalize().into()), Digest::of(b"twelve byt"));
    }
}
