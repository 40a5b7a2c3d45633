//! Objects in an S3 bucket: put whole files, read ranges, list, delete.
//!
//! Signing and retries are those of the `object_store` crate; its connections are made by the one
//! [`Client`], so the address policy holds here too. That policy refuses metadata services, which is
//! why credentials come from the caller and are never asked of the machine.

use std::io;
use std::path::Path as FilePath;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::{HttpClient, HttpConnector};
use object_store::path::Path;
use object_store::{
    BackoffConfig, GetOptions, GetRange, ObjectStore, ObjectStoreExt as _, RetryConfig, WriteMultipart,
};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio_util::io::StreamReader;

use crate::client::Client;
use crate::error::FetchError;

/// Bytes of a part of an upload; S3 allows 10,000 parts, so objects up to 160 GB.
const PART: usize = 16 << 20;
/// Parts under way at once; with the one being filled this bounds the memory of an upload.
const PARTS_AT_ONCE: usize = 2;
/// Bytes read from the file at once.
const CHUNK: usize = 1 << 20;

/// What it takes to reach a bucket.
#[derive(Clone)]
pub struct BucketOptions {
    /// Name of the bucket.
    pub bucket: String,
    /// What the keys of all objects begin with, without slashes at its ends; may be empty.
    pub prefix: String,
    /// `http(s)://host[:port]` of the service; `None` is Amazon's own of the region.
    pub endpoint: Option<String>,
    /// Region.
    pub region: String,
    /// Access key id.
    pub access_key: String,
    /// Secret access key.
    pub secret_key: String,
    /// Token of temporary credentials.
    pub session_token: Option<String>,
}

/// Everything but the secrets.
impl std::fmt::Debug for BucketOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { bucket, prefix, endpoint, region, .. } = self;
        write!(
            f,
            "BucketOptions {{ bucket: {bucket:?}, prefix: {prefix:?}, endpoint: {endpoint:?}, region: {region:?} }}"
        )
    }
}

/// A bucket, or the part of it below a prefix.
#[derive(Debug, Clone)]
pub struct Bucket {
    store: Arc<AmazonS3>,
    name: String,
    prefix: String,
}

/// Bytes on their way from a bucket.
pub type ObjectBody = Pin<Box<dyn AsyncRead + Send>>;

/// Lends the connections of our client.
#[derive(Debug)]
struct Connector(Client);

impl HttpConnector for Connector {
    fn connect(&self, _: &object_store::ClientOptions) -> object_store::Result<HttpClient> {
        let failed = |error| object_store::Error::Generic { store: "bucket", source: Box::new(error) };
        Ok(HttpClient::new(self.0.http().map_err(failed)?.clone()))
    }
}

impl Bucket {
    /// A bucket; nothing is sent yet.
    ///
    /// # Errors
    /// [`FetchError::BadOption`], [`FetchError::BadUrl`] and what the address policy refuses.
    pub fn new(client: &Client, options: BucketOptions) -> Result<Self, FetchError> {
        let bad = |why: String| FetchError::BadOption { what: "the bucket", why };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&options.bucket)
            .with_region(&options.region)
            .with_access_key_id(&options.access_key)
            .with_secret_access_key(&options.secret_key)
            .with_http_connector(Connector(client.clone()))
            .with_retry(RetryConfig {
                backoff: BackoffConfig { max_backoff: Duration::from_secs(2), ..BackoffConfig::default() },
                max_retries: 3,
                retry_timeout: Duration::from_secs(30),
            });
        if let Some(token) = &options.session_token {
            builder = builder.with_token(token);
        }
        if let Some(endpoint) = &options.endpoint {
            let url =
                endpoint.parse().map_err(|e| bad(format!("its endpoint {endpoint:?} is no URL: {e}")))?;
            client.check(&url)?;
            builder =
                builder.with_endpoint(endpoint.trim_end_matches('/')).with_allow_http(url.scheme() == "http");
        }
        let store = builder.build().map_err(|e| bad(e.to_string()))?;
        Ok(Self { store: Arc::new(store), name: options.bucket, prefix: options.prefix })
    }

    /// `s3://bucket/prefix/name`.
    pub fn url(&self, name: &str) -> String {
        format!("s3://{}/{}", self.name, self.key(name))
    }

    /// The name of the object that [`Bucket::url`] gave this URL, if it is one of this bucket's.
    pub fn name_of<'u>(&self, url: &'u str) -> Option<&'u str> {
        let key = url.strip_prefix("s3://")?.strip_prefix(&self.name)?.strip_prefix('/')?;
        match self.prefix.as_str() {
            "" => Some(key),
            prefix => key.strip_prefix(prefix)?.strip_prefix('/'),
        }
    }

    fn key(&self, name: &str) -> Path {
        Path::from(format!("{}/{name}", self.prefix))
    }

    fn failed(&self, what: &'static str, name: &str, error: &object_store::Error) -> FetchError {
        FetchError::Bucket {
            what,
            url: self.url(name),
            // Refused credentials and missing buckets do not mend themselves; the rest may.
            permanent: matches!(
                error,
                object_store::Error::NotFound { .. }
                    | object_store::Error::PermissionDenied { .. }
                    | object_store::Error::Unauthenticated { .. }
            ),
            why: reason(error),
        }
    }

    /// Uploads a file, in parts. The object appears when the last part has arrived; what an upload
    /// that fails has sent is given up.
    ///
    /// # Errors
    /// [`FetchError::Bucket`], [`FetchError::Disk`].
    pub async fn put_file(&self, name: &str, file: &FilePath) -> Result<(), FetchError> {
        let failed = |error| self.failed("cannot store", name, &error);
        let mut input = tokio::fs::File::open(file).await?;
        let upload = self.store.put_multipart(&self.key(name)).await.map_err(failed)?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PART);
        let mut buffer = vec![0; CHUNK];
        let sent: Result<(), FetchError> = async {
            loop {
                let length = input.read(&mut buffer).await?;
                if length == 0 {
                    return Ok(());
                }
                upload.wait_for_capacity(PARTS_AT_ONCE).await.map_err(failed)?;
                upload.write(buffer.get(..length).unwrap_or_default());
            }
        }
        .await;
        match sent {
            Ok(()) => upload.finish().await.map(drop).map_err(failed),
            Err(error) => {
                // The first error is the one to tell; the service drops parts without an end itself.
                let _ = upload.abort().await;
                Err(error)
            }
        }
    }

    /// Reads `length` bytes of an object from `start` on.
    ///
    /// # Errors
    /// [`FetchError::Bucket`]; later ones come out of the reader.
    pub async fn read(&self, name: &str, start: u64, length: u64) -> Result<ObjectBody, FetchError> {
        if length == 0 {
            return Ok(Box::pin(tokio::io::empty()));
        }
        let range = GetRange::Bounded(start..start.saturating_add(length));
        let options = GetOptions { range: Some(range), ..GetOptions::default() };
        let got = self.store.get_opts(&self.key(name), options).await;
        let got = got.map_err(|error| self.failed("cannot read", name, &error))?;
        Ok(Box::pin(StreamReader::new(got.into_stream().map_err(io::Error::other).boxed())))
    }

    /// Deletes an object; one that is not there is deleted already.
    ///
    /// # Errors
    /// [`FetchError::Bucket`].
    pub async fn delete(&self, name: &str) -> Result<(), FetchError> {
        match self.store.delete(&self.key(name)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed("cannot delete", name, &error)),
        }
    }

    /// The names of all objects right below the prefix.
    ///
    /// # Errors
    /// [`FetchError::Bucket`].
    pub async fn names(&self) -> Result<Vec<String>, FetchError> {
        let prefix = Path::from(self.prefix.as_str());
        let list = self.store.list_with_delimiter(Some(&prefix)).await;
        let list = list.map_err(|error| self.failed("cannot list", "", &error))?;
        Ok(list.objects.iter().filter_map(|object| object.location.filename()).map(str::to_owned).collect())
    }
}

/// The innermost causes, which name what happened; the outer ones repeat it at length.
fn reason(error: &object_store::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = cause.to_string();
        source = cause.source();
    }
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}
