//! What a killed process left in a directory of artifacts, and its removal.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::artifact::{TEMPORARY_PREFIX, TEMPORARY_SUFFIX};
use crate::provenance::SUFFIX;

/// A file in the directory, as the caller is asked about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leftover<'a> {
    /// An artifact that never got its name. To be kept while its job runs.
    Unfinished {
        /// Id of the job that wrote it.
        job: &'a str,
    },
    /// An artifact under its name, or its provenance. To be kept when it is recorded; a process
    /// killed between naming and recording leaves one that is not.
    Finished {
        /// Name of the artifact.
        name: &'a str,
    },
}

/// Removes what `keep` does not want and returns the paths removed. Looks at ordinary files right
/// in `directory` only; other hidden files and names that are not UTF-8 are not ours and stay. A
/// directory that does not exist holds nothing.
///
/// # Errors
/// What the file system says; files removed before that stay removed.
pub fn sweep(directory: &Path, keep: impl Fn(Leftover<'_>) -> bool) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut removed = Vec::new();
    for entry in entries {
        let entry = entry?;
        if !entry.file_type()?.is_file() {
            continue;
        }
        let name = entry.file_name();
        if name.to_str().and_then(classify).is_some_and(|leftover| !keep(leftover)) {
            fs::remove_file(entry.path())?;
            removed.push(entry.path());
        }
    }
    removed.sort_unstable();
    Ok(removed)
}

fn classify(name: &str) -> Option<Leftover<'_>> {
    if !name.starts_with('.') {
        return Some(Leftover::Finished { name: name.strip_suffix(SUFFIX).unwrap_or(name) });
    }
    let middle = name.strip_prefix(TEMPORARY_PREFIX)?.strip_suffix(TEMPORARY_SUFFIX)?;
    // Behind the last dash are the random letters that make the name unique.
    let (job, _) = middle.rsplit_once('-')?;
    Some(Leftover::Unfinished { job })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        assert_eq!(classify(".parapet-job-7-Xy12Zz.part"), Some(Leftover::Unfinished { job: "job-7" }));
        assert_eq!(classify("a.csv"), Some(Leftover::Finished { name: "a.csv" }));
        assert_eq!(classify("a.csv.provenance.json"), Some(Leftover::Finished { name: "a.csv" }));
        assert_eq!(classify(".gitignore"), None);
        assert_eq!(classify(".parapet-.part"), None);
    }
}
