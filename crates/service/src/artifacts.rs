//! Where finished exports lie: a folder, or a bucket of an S3 service.
//!
//! An artifact is always written into a folder first, whole and durable. With a bucket it is then
//! uploaded, its provenance before it, and the copies in the folder are removed: a bucket without
//! the file never has it half, and one that cannot be reached costs a retry of the job and nothing
//! else. The row of an artifact keeps its place in full (a path, or `s3://bucket/key`), so files
//! made before the place was changed are still found where they are.

use std::path::{Path, PathBuf};
use std::pin::Pin;

use parapet_export::{Finished, provenance_name};
use parapet_fetch::{Bucket, BucketOptions, Client};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncSeekExt as _};

use crate::error::{Error, Result};

/// Where finished exports are to be kept.
#[derive(Debug, Clone)]
pub enum ArtifactPlace {
    /// A folder.
    Folder(PathBuf),
    /// A bucket; the folder is where files are written before they are uploaded.
    Bucket {
        /// The bucket.
        bucket: BucketOptions,
        /// The folder.
        staging: PathBuf,
    },
}

/// The bytes of an artifact.
pub type ArtifactBody = Pin<Box<dyn AsyncRead + Send>>;

/// See the module.
#[derive(Debug)]
pub(crate) struct Artifacts {
    folder: PathBuf,
    bucket: Option<Bucket>,
}

impl Artifacts {
    /// Makes the folder. A bucket is not asked for anything yet, so that the service may be away
    /// while the server starts.
    pub(crate) async fn open(place: ArtifactPlace, client: &Client) -> Result<Self> {
        let (folder, bucket) = match place {
            ArtifactPlace::Folder(folder) => (folder, None),
            ArtifactPlace::Bucket { bucket, staging } => (staging, Some(Bucket::new(client, bucket)?)),
        };
        tokio::fs::create_dir_all(&folder).await.map_err(|e| Error::file(&folder, e))?;
        Ok(Self { folder, bucket })
    }

    /// Where artifacts are written.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Brings a finished artifact with its provenance to its place, which is returned.
    pub(crate) async fn keep(&self, finished: &Finished) -> Result<String> {
        let path = &finished.path;
        let Some(bucket) = &self.bucket else { return Ok(path.to_string_lossy().into_owned()) };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let beside = provenance_name(&name);
        let uploaded = async {
            bucket.put_file(&beside, &path.with_file_name(&beside)).await?;
            bucket.put_file(&name, path).await
        }
        .await;
        for file in [path.clone(), path.with_file_name(&beside)] {
            remove_file(&file).await;
        }
        uploaded?;
        Ok(bucket.url(&name))
    }

    /// Bytes `start` to `start + length` of an artifact.
    pub(crate) async fn read(&self, place: &str, start: u64, length: u64) -> Result<ArtifactBody> {
        match self.object(place)? {
            Some((bucket, name)) => Ok(bucket.read(name, start, length).await?),
            None => {
                let path = Path::new(place);
                let mut file = tokio::fs::File::open(path).await.map_err(|error| match error.kind() {
                    std::io::ErrorKind::NotFound => Error::NotFound("file".to_owned()),
                    _ => Error::file(path, error),
                })?;
                file.seek(std::io::SeekFrom::Start(start)).await.map_err(|e| Error::file(path, e))?;
                Ok(Box::pin(file.take(length)))
            }
        }
    }

    /// Removes an artifact and its provenance. What cannot be removed is logged: its row is gone, so
    /// a later sweep finds it.
    pub(crate) async fn remove(&self, place: &str) {
        match self.object(place) {
            Ok(Some((bucket, name))) => {
                for name in [name, provenance_name(name).as_str()] {
                    if let Err(error) = bucket.delete(name).await {
                        tracing::warn!(place, %error, "an expired file stays");
                    }
                }
            }
            Ok(None) => {
                let path = Path::new(place);
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                remove_file(path).await;
                remove_file(&path.with_file_name(provenance_name(&name))).await;
            }
            Err(error) => tracing::warn!(place, %error, "an expired file stays"),
        }
    }

    /// The bucket, and the names of everything in it.
    pub(crate) async fn objects(&self) -> Result<Option<(&Bucket, Vec<String>)>> {
        let Some(bucket) = &self.bucket else { return Ok(None) };
        Ok(Some((bucket, bucket.names().await?)))
    }

    /// The object at a place; `None` for a path.
    fn object<'p>(&self, place: &'p str) -> Result<Option<(&Bucket, &'p str)>> {
        if !place.starts_with("s3://") {
            return Ok(None);
        }
        let found = self.bucket.as_ref().and_then(|bucket| Some((bucket, bucket.name_of(place)?)));
        let elsewhere = || {
            Error::Conflict(format!("the file lies at {place}, which is not where artifacts are kept now"))
        };
        found.map(Some).ok_or_else(elsewhere)
    }
}

async fn remove_file(path: &Path) {
    if let Err(error) = tokio::fs::remove_file(path).await
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(file = %path.display(), %error, "a file that is not needed any more stays");
    }
}
