//! A root file system: a mounted image, a chroot, or this very machine.
//!
//! The tree is walked without following a link, and read by the same readers as a layer. Left out
//! are the kernel's own file systems and the storage of container engines, whose images and
//! containers are assets of their own. What cannot be read is listed, not skipped in silence.

mod host;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parapet_model::inventory::{DatabaseRead, Inventory, ReadOutcome};

pub use host::{HostIdentity, host_facts};

use crate::blob::{Blob, OnDisk};
use crate::layer::LayerError;
use crate::layer::collect::{Collector, Want};
use crate::layer::tar::EntryKind;
use crate::path::lossy;
use crate::{Limits, combine, program, reader};

/// Directories that are not the system's own software.
const LEFT_OUT: [&[u8]; 9] = [
    b"proc",
    b"sys",
    b"dev",
    b"run",
    b"var/run",
    b"var/lib/docker",
    b"var/lib/containerd",
    b"var/lib/containers/storage",
    b"var/lib/kubelet/pods",
];

/// How many unreadable places are listed one by one.
const LISTED: usize = 20;

/// Why a root file system cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum RootfsError {
    /// The directory itself cannot be read.
    #[error("{path} cannot be read: {error}")]
    Root {
        /// The directory.
        path: PathBuf,
        /// The reason.
        #[source]
        error: io::Error,
    },
    /// It holds more than the limits allow.
    #[error("the file system is over a limit: {0}")]
    OverLimit(String),
}

/// Reads the packages below a directory.
///
/// # Errors
/// [`RootfsError`]. Files and directories below that cannot be read are part of the inventory.
pub fn read(root: &Path, limits: &Limits) -> Result<Inventory, RootfsError> {
    let failed = |error| RootfsError::Root { path: root.to_owned(), error };
    let root = root.canonicalize().map_err(failed)?;
    fs::read_dir(&root).map_err(failed)?;
    let mut walk = Walk {
        root: &root,
        limits,
        collector: Collector::new(limits),
        directories: vec![Vec::new()],
        programs: Vec::new(),
        entries: 0,
        unread: Vec::new(),
        further: 0,
    };
    while let Some(directory) = walk.directories.pop() {
        if !walk.directory(&directory)? {
            break;
        }
    }
    walk.search_programs()?;
    Ok(walk.finish())
}

struct Walk<'a> {
    root: &'a Path,
    limits: &'a Limits,
    collector: Collector<'a>,
    directories: Vec<Vec<u8>>,
    /// Executable files, searched when it is known which of them packages own.
    programs: Vec<Vec<u8>>,
    entries: u64,
    unread: Vec<DatabaseRead>,
    further: usize,
}

impl Walk<'_> {
    /// Looks at one directory; false when the limit of entries is reached.
    fn directory(&mut self, directory: &[u8]) -> Result<bool, RootfsError> {
        let entries = match fs::read_dir(self.absolute(directory)) {
            Ok(entries) => entries,
            Err(e) => {
                self.complain(directory, &e);
                return Ok(true);
            }
        };
        for entry in entries {
            self.entries += 1;
            if self.entries > self.limits.entries {
                let why = format!("more than {} files; the rest was not looked at", self.limits.entries);
                self.note(directory, ReadOutcome::Unreadable(why));
                return Ok(false);
            }
            let entry = match entry {
                Ok(entry) => entry,
                Err(e) => {
                    self.complain(directory, &e);
                    continue;
                }
            };
            let name = entry.file_name();
            let path = match directory {
                [] => name.as_bytes().to_vec(),
                _ => [directory, b"/", name.as_bytes()].concat(),
            };
            match entry.metadata() {
                Ok(metadata) => self.entry(path, &metadata)?,
                Err(e) => self.complain(&path, &e),
            }
        }
        Ok(true)
    }

    fn entry(&mut self, path: Vec<u8>, metadata: &Metadata) -> Result<(), RootfsError> {
        let kind = match metadata.file_type() {
            t if t.is_dir() => EntryKind::Directory,
            t if t.is_file() => EntryKind::File,
            t if t.is_symlink() => EntryKind::Symlink,
            _ => EntryKind::Other,
        };
        if kind == EntryKind::Directory {
            if path.len() > self.limits.path {
                self.note(&path, ReadOutcome::Unreadable("the path is too long".to_owned()));
            } else if !LEFT_OUT.contains(&path.as_slice()) {
                self.directories.push(path);
            }
            return Ok(());
        }
        let link = match kind {
            EntryKind::Symlink if reader::role(&path).is_some() => self.link(&path),
            _ => Vec::new(),
        };
        match self.collector.entry(&path, kind, metadata.len(), &link).map_err(over_limit)? {
            Want::Nothing => Ok(()),
            Want::Program => {
                if metadata.permissions().mode() & 0o111 != 0 {
                    self.programs.push(path);
                }
                Ok(())
            }
            Want::Spooled(reader) => match self.open(&path).and_then(OnDisk::new) {
                Ok(file) => self.collector.spooled(&path, reader, Ok(&file as &dyn Blob)).map_err(over_limit),
                Err(e) => {
                    self.complain(&path, &e);
                    Ok(())
                }
            },
            Want::Body(role) => match self.read_file(&path) {
                Ok(bytes) => self.collector.body(&path, role, &bytes).map_err(over_limit),
                Err(e) => {
                    self.complain(&path, &e);
                    Ok(())
                }
            },
        }
    }

    /// Where a link points to, as far as can be told.
    fn link(&self, path: &[u8]) -> Vec<u8> {
        let target = fs::read_link(self.absolute(path)).map(|target| target.into_os_string().into_vec());
        target.unwrap_or_else(|_| b"elsewhere".to_vec())
    }

    fn search_programs(&mut self) -> Result<(), RootfsError> {
        let programs = std::mem::take(&mut self.programs);
        for path in self.collector.of_others(programs) {
            match self.open(&path).and_then(OnDisk::new) {
                Ok(file) => {
                    if let Some((kind, reading)) = program::read(&file) {
                        self.collector.program(&path, kind, reading).map_err(over_limit)?;
                    }
                }
                Err(e) => self.complain(&path, &e),
            }
        }
        Ok(())
    }

    fn absolute(&self, path: &[u8]) -> PathBuf {
        self.root.join(OsString::from_vec(path.to_vec()))
    }

    /// Opens a regular file, and nothing that took its place since: neither a link nor a pipe. (A
    /// directory above it that becomes a link at this very instant is followed.)
    fn open(&self, path: &[u8]) -> io::Result<File> {
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(self.absolute(path))?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is no regular file any more"));
        }
        Ok(file)
    }

    fn read_file(&self, path: &[u8]) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open(path)?.take(self.limits.database + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > self.limits.database {
            return Err(io::Error::other("it grew over the limit"));
        }
        Ok(bytes)
    }

    fn complain(&mut self, path: &[u8], error: &io::Error) {
        // What went while we walked is not there, and that is all there is to say.
        if error.kind() == io::ErrorKind::NotFound {
            return;
        }
        self.note(path, ReadOutcome::Unreadable(error.to_string()));
    }

    fn note(&mut self, path: &[u8], outcome: ReadOutcome) {
        if self.unread.len() >= LISTED {
            self.further += 1;
            return;
        }
        self.unread.push(DatabaseRead { kind: "file".to_owned(), path: lossy(path), packages: 0, outcome });
    }

    fn finish(mut self) -> Inventory {
        if self.further > 0 {
            let outcome = ReadOutcome::Unreadable(format!("{} more files or directories", self.further));
            self.unread.push(DatabaseRead {
                kind: "file".to_owned(),
                path: String::new(),
                packages: 0,
                outcome,
            });
        }
        let mut inventory = combine(&[(String::new(), Arc::new(self.collector.finish()))]);
        inventory.databases.append(&mut self.unread);
        inventory.databases.sort_unstable();
        inventory
    }
}

fn over_limit(error: LayerError) -> RootfsError {
    match error {
        LayerError::OverLimit(what) => RootfsError::OverLimit(what),
        other => RootfsError::OverLimit(other.to_string()),
    }
}
