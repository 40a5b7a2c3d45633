//! Exports straight to a file of the caller's choice, and the care of finished ones.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

use parapet_export::{ArtifactWriter, Leftover, Provenance, sweep};
use parapet_model::{Permission, Principal};
use uuid::Uuid;

use super::Exports;
use super::request::ExportRequest;
use super::run::{artifact_error, count, io_error, provenance, write};
use crate::accounts::require;
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
            for path in &expired {
                let path = Path::new(path);
                let provenance = path.with_file_name(format!(
                    "{}.provenance.json",
                    path.file_name().unwrap_or_default().to_string_lossy()
                ));
                for file in [path, provenance.as_path()] {
                    if let Err(error) = std::fs::remove_file(file)
                        && error.kind() != std::io::ErrorKind::NotFound
                    {
                        tracing::warn!(file = %file.display(), %error, "an expired file stays");
                    }
                }
            }
            if expired.len() < BATCH as usize {
                return Ok(());
            }
        }
    }

    /// Removes files that no artifact knows: what a killed process left. For a server at start, which
    /// knows that nobody writes artifacts yet.
    pub(crate) async fn sweep_leftovers(&self) -> Result<()> {
        let directory = self.0.artifacts.clone();
        let mut named: Vec<Uuid> = Vec::new();
        for entry in std::fs::read_dir(&directory).map_err(|e| Error::file(&directory, e))?.flatten() {
            let name = entry.file_name();
            let stem = name.to_string_lossy().split('.').next().map(Uuid::try_parse);
            if let Some(Ok(job)) = stem {
                named.push(job);
            }
        }
        let known: BTreeSet<Uuid> = self.0.store.read().await?.jobs_with_files(&named).await?;
        let removed = sweep(&directory, |leftover| match leftover {
            Leftover::Unfinished { .. } => false,
            Leftover::Finished { name } => name
                .split('.')
                .next()
                .and_then(|stem| Uuid::try_parse(stem).ok())
                .is_none_or(|id| known.contains(&id)),
        })
        .map_err(|e| Error::file(&directory, e))?;
        for path in removed {
            tracing::info!(path = %path.display(), "removed what a killed export left");
        }
        Ok(())
    }
}
