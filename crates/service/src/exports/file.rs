//! Exports straight to a file of the caller's choice, and the care of finished ones.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

use parapet_export::{ArtifactWriter, Leftover, Provenance, sweep};
use parapet_model::{Permission, Principal};
use parapet_store::artifacts::Artifact;
use uuid::Uuid;

use super::Exports;
use super::request::ExportRequest;
use super::run::{artifact_error, count, io_error, provenance, write};
use crate::accounts::require;
use crate::artifacts::ArtifactBody;
use crate::error::{Error, Result};

/// Expired artifacts removed in one go.
const BATCH: u32 = 1000;

/// A file that was written.
#[derive(Debug, Clone)]
pub struct WrittenFile {
    /// Where.
    pub path: PathBuf,
    /// Rows.
    pub rows: u64,
    /// Bytes.
    pub size: u64,
    /// SHA-256 in hex digits.
    pub sha256: String,
}

impl Exports<'_> {
    /// Writes an export to `path`, without a job; its provenance lies beside it.
    pub async fn write_file(
        &self,
        who: &Principal,
        request: &ExportRequest,
        path: &Path,
    ) -> Result<WrittenFile> {
        require(who, Permission::ExportsCreate)?;
        let app = self.0;
        request.check(app)?;
        let name = path.file_name().and_then(|name| name.to_str()).map(ToOwned::to_owned);
        let name = name.ok_or_else(|| Error::Invalid(format!("{} names no file", path.display())))?;
        let folder = match path.parent() {
            Some(parent) if parent != Path::new("") => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let view = app.findings().view(request.as_of, None).await?;
        let scope = who.scope();
        let draft = provenance(app, &view, &scope, request).await?;
        let (request, job) = (request.clone(), app.ids.uuid().simple().to_string());
        let (finished, rows) = tokio::task::spawn_blocking(move || {
            let promised = count(&view, &scope, &request);
            let artifact = ArtifactWriter::create(&folder, &job).map_err(artifact_error)?;
            let done = AtomicU64::new(0);
            let (artifact, written) =
                write(&view, &scope, &request, None, artifact, &done, &|| false).map_err(io_error)?;
            if written.rows != promised {
                return Err(Error::internal(anyhow::anyhow!(
                    "counted {promised} rows, wrote {}",
                    written.rows
                )));
            }
            let provenance = Provenance { rows: written.rows, columns: written.columns, ..draft };
            let finished = artifact.finish_with(&name, &provenance).map_err(artifact_error)?;
            Ok((finished, written.rows))
        })
        .await??;
        Ok(WrittenFile { path: finished.path, rows, size: finished.size, sha256: finished.sha256.hex() })
    }

    /// The rows of an export in memory, for the small ones of a stand-alone scan.
    pub async fn to_bytes(&self, who: &Principal, request: &ExportRequest) -> Result<Vec<u8>> {
        require(who, Permission::ExportsCreate)?;
        request.check(self.0)?;
        let view = self.0.findings().view(request.as_of, None).await?;
        let (scope, request) = (who.scope(), request.clone());
        tokio::task::spawn_blocking(move || {
            let done = AtomicU64::new(0);
            let written = write(&view, &scope, &request, None, Vec::new(), &done, &|| false);
            written.map(|(bytes, _)| bytes).map_err(io_error)
        })
        .await?
    }

    /// Removes expired artifacts.
    pub(crate) async fn expire(&self) -> Result<()> {
        let app = self.0;
        loop {
            let mut tx = app.store.begin().await?;
            let expired = tx.expire_artifacts(app.now(), BATCH).await?;
            tx.commit().await?;
            for place in &expired {
                app.artifacts.remove(place).await;
            }
            if expired.len() < BATCH as usize {
                return Ok(());
            }
        }
    }

    /// Opens a part of a finished file, from byte `start` on.
    pub async fn open(&self, artifact: &Artifact, start: u64, length: u64) -> Result<ArtifactBody> {
        self.0.artifacts.read(&artifact.path, start, length).await
    }

    /// Removes files in the folder that no artifact knows: what a killed process left. For a server at
    /// start, which knows that nobody writes artifacts yet.
    pub(crate) async fn sweep_folder(&self) -> Result<()> {
        let directory = self.0.artifacts.folder();
        let mut names = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(|e| Error::file(directory, e))?.flatten() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
        let known = self.known(&names).await?;
        let removed = sweep(directory, |leftover| match leftover {
            Leftover::Unfinished { .. } => false,
            Leftover::Finished { name } => is_kept(name, &known),
        })
        .map_err(|e| Error::file(directory, e))?;
        for path in removed {
            tracing::info!(path = %path.display(), "removed what a killed export left");
        }
        Ok(())
    }

    /// The same in the bucket, at any time: what is there before the jobs are asked for belongs to
    /// one that runs, to one that has its artifact, or to none.
    pub(crate) async fn sweep_bucket(&self) -> Result<()> {
        let Some((bucket, names)) = self.0.artifacts.objects().await? else { return Ok(()) };
        let known = self.known(&names).await?;
        for name in names.iter().filter(|name| !is_kept(name, &known)) {
            bucket.delete(name).await?;
            tracing::info!(object = bucket.url(name), "removed what a killed export left");
        }
        Ok(())
    }

    /// Of the jobs that these files are named after, those whose files are kept.
    async fn known(&self, names: &[String]) -> Result<BTreeSet<Uuid>> {
        let jobs: Vec<Uuid> = names.iter().filter_map(|name| job_of(name)).collect();
        Ok(self.0.store.read().await?.jobs_with_files(&jobs).await?)
    }
}

/// The job a file is named after.
fn job_of(name: &str) -> Option<Uuid> {
    Uuid::try_parse(name.split('.').next()?).ok()
}

/// Files that are named after no job are not ours.
fn is_kept(name: &str, known: &BTreeSet<Uuid>) -> bool {
    job_of(name).is_none_or(|job| known.contains(&job))
}
