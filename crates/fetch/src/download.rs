//! Downloads of feeds: streamed into a temporary file, only when they changed.

use std::io::Write;
use std::path::Path;

use parapet_model::Digest;
use reqwest::StatusCode;
use reqwest::header::{self, HeaderName, HeaderValue};
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;
use url::Url;

use crate::client::Client;
use crate::error::{FetchError, show};
use crate::exchange::Request;

/// What a server said about the version it gave; asked with the next time (RFC 9110, 13.1).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Validators {
    /// `ETag`, verbatim.
    pub etag: Option<String>,
    /// `Last-Modified`, verbatim.
    pub last_modified: Option<String>,
}

/// What became of a download.
#[derive(Debug)]
pub enum Download {
    /// The version known is the current one.
    NotModified,
    /// There is a new version.
    File(DownloadedFile),
}

/// A downloaded file.
#[derive(Debug)]
pub struct DownloadedFile {
    /// The bytes as sent. Deleted when dropped; `persist` keeps it.
    pub file: NamedTempFile,
    /// What to ask with the next time.
    pub validators: Validators,
    /// Digest of the bytes.
    pub sha256: Digest,
    /// How many.
    pub bytes: u64,
}

/// Downloads `url` into a temporary file in `directory`, unless it is still the version that
/// `known` describes. At most `limit` bytes are taken. The bytes are stored as sent: a zip stays a
/// zip, and no content encoding is asked for.
///
/// # Errors
/// [`FetchError`]. A transfer that breaks off is started again within the client's retry policy.
/// Nothing is left in `directory` after an error.
pub async fn download(
    client: &Client,
    url: &Url,
    known: &Validators,
    directory: &Path,
    limit: u64,
) -> Result<Download, FetchError> {
    let mut request = Request::get(url.clone());
    for (name, value) in
        [(header::IF_NONE_MATCH, &known.etag), (header::IF_MODIFIED_SINCE, &known.last_modified)]
    {
        // A value that does not fit into a header cannot have come from one: ask without it.
        if let Some(value) = value.as_deref().and_then(|v| HeaderValue::from_str(v).ok()) {
            request.headers.insert(name, value);
        }
    }
    client.with_retries(|| once(client, &request, directory, limit)).await
}

async fn once(
    client: &Client,
    request: &Request,
    directory: &Path,
    limit: u64,
) -> Result<Download, FetchError> {
    let what = show(&request.url);
    let response = client.attempt(request).await?;
    if response.status() == StatusCode::NOT_MODIFIED && !request.headers.is_empty() {
        return Ok(Download::NotModified);
    }
    let mut response = response.require(StatusCode::OK, &what).await?;
    let promised = response.content_length();
    if promised.is_some_and(|length| length > limit) {
        return Err(FetchError::TooLarge { what, limit });
    }
    let text = |name: HeaderName| response.header(&name).map(str::to_owned);
    let validators = Validators { etag: text(header::ETAG), last_modified: text(header::LAST_MODIFIED) };
    let mut file = NamedTempFile::new_in(directory)?;
    let (mut hash, mut bytes) = (Sha256::new(), 0_u64);
    while let Some(chunk) = response.chunk().await? {
        bytes = bytes.saturating_add(chunk.len() as u64);
        if bytes > limit {
            return Err(FetchError::TooLarge { what, limit });
        }
        hash.update(&chunk);
        // Pieces are some kilobytes, into the page cache: not worth a thread of their own.
        file.write_all(&chunk)?;
    }
    file.flush()?;
    Ok(Download::File(DownloadedFile { file, validators, sha256: Digest(hash.finalize().into()), bytes }))
}
