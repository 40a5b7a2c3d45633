//! From a tag or digest to the description of one image.

use parapet_catalog::oci::{
    Document, ImageConfig, ImageDescription, MAX_DOCUMENT, Manifest, OciError, Platform, describe, media,
};
use parapet_model::Digest;
use reqwest::header::{self, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};

use super::auth::Scope;
use super::{Registry, require_repository};
use crate::body::Response;
use crate::error::FetchError;
use crate::exchange::Request;
use crate::reference::is_tag;

/// The header in which registries name the digest of a manifest.
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// How deep an index may lie in an index.
const MAX_NESTING: usize = 4;

/// What is asked of a repository.
#[derive(Debug, Clone)]
enum Target {
    Tag(String),
    Digest(Digest),
}

impl Registry {
    /// The digest a tag points to now, manifest or index: a cheap look whether it moved.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn digest(&self, repository: &str, tag: &str) -> Result<Digest, FetchError> {
        let target = parse_target(tag)?;
        let mut request = self.manifest_request(repository, &target)?;
        request.method = Method::HEAD;
        let what = self.image(repository, &target);
        let named = self
            .client
            .with_retries(async || {
                let response = self.ask(&request, repository, &what).await?;
                Ok(named_digest(&response))
            })
            .await?;
        match named {
            Some(digest) => Ok(digest),
            // The specification lets a registry leave the header out.
            None => self.manifest(repository, &target).await.map(|(_, digest)| digest),
        }
    }

    /// Resolves a tag or digest to one image: index → the platform's manifest → config.
    ///
    /// # Errors
    /// [`FetchError`]; [`FetchError::Image`] when what is there is no image for the platform.
    pub async fn describe(
        &self,
        repository: &str,
        tag_or_digest: &str,
        platform: &Platform,
    ) -> Result<ImageDescription, FetchError> {
        let target = parse_target(tag_or_digest)?;
        let what = self.image(repository, &target);
        let (manifest, digests) = self.resolve(repository, target, platform).await?;
        let refuse = |why| not_an_image(&what, why);
        manifest.require_image().map_err(refuse)?;
        let config = self.document_blob(repository, &manifest.config.digest, manifest.config.size).await?;
        let config = ImageConfig::parse(&config).map_err(refuse)?;
        describe(digests, &manifest, config).map_err(refuse)
    }

    /// Follows indexes down to the platform's manifest; its digests, innermost first.
    async fn resolve(
        &self,
        repository: &str,
        mut target: Target,
        platform: &Platform,
    ) -> Result<(Manifest, Vec<Digest>), FetchError> {
        let image = self.image(repository, &target);
        let mut digests = Vec::new();
        for _ in 0..MAX_NESTING {
            let (document, digest) = self.manifest(repository, &target).await?;
            digests.insert(0, digest);
            match document {
                Document::Manifest(manifest) => return Ok((manifest, digests)),
                Document::Index(index) => {
                    let chosen = index.choose(platform).map_err(|why| not_an_image(&image, why))?;
                    target = Target::Digest(chosen.digest);
                }
            }
        }
        Err(FetchError::malformed(image, format!("its indexes are nested more than {MAX_NESTING} deep")))
    }

    /// Fetches a manifest or index and proves its digest.
    async fn manifest(&self, repository: &str, target: &Target) -> Result<(Document, Digest), FetchError> {
        let request = self.manifest_request(repository, target)?;
        let what = self.image(repository, target);
        let (bytes, declared, digest) = self
            .client
            .with_retries(async || {
                let response = self.ask(&request, repository, &what).await?;
                let declared = response.header(&header::CONTENT_TYPE).map(str::to_owned);
                let named = named_digest(&response);
                let bytes = response.bytes(&what, MAX_DOCUMENT as u64).await?;
                let expected = match target {
                    Target::Digest(digest) => Some(*digest),
                    Target::Tag(_) => named,
                };
                let actual = Digest::of(&bytes);
                require_digest(&what, expected.unwrap_or(actual), actual)?;
                Ok((bytes, declared, actual))
            })
            .await?;
        let document =
            Document::parse(&bytes, declared.as_deref()).map_err(|why| not_an_image(&what, why))?;
        Ok((document, digest))
    }

    /// A small blob, whole, with size and digest proven.
    async fn document_blob(
        &self,
        repository: &str,
        digest: &Digest,
        size: u64,
    ) -> Result<Vec<u8>, FetchError> {
        let what = format!("{}/{repository}@{digest}", self.name());
        if size > MAX_DOCUMENT as u64 {
            return Err(FetchError::TooLarge { what, limit: MAX_DOCUMENT as u64 });
        }
        let request = self.blob_request(repository, digest)?;
        self.client
            .with_retries(async || {
                let bytes = self.ask(&request, repository, &what).await?.bytes(&what, size).await?;
                let actual = bytes.len() as u64;
                if actual != size {
                    return Err(FetchError::WrongSize { what: what.clone(), expected: size, actual });
                }
                require_digest(&what, *digest, Digest::of(&bytes))?;
                Ok(bytes)
            })
            .await
    }

    /// One attempt at something of a repository; its answer with status 200.
    pub(super) async fn ask(
        &self,
        request: &Request,
        repository: &str,
        what: &str,
    ) -> Result<Response, FetchError> {
        let scope = Scope::Repository(repository.to_owned());
        let response = self.auth.attempt(&self.client, request, &scope).await?;
        response.require(StatusCode::OK, what).await
    }

    pub(super) fn blob_request(&self, repository: &str, digest: &Digest) -> Result<Request, FetchError> {
        require_repository(repository)?;
        Ok(Request::get(self.address(&format!("/v2/{repository}/blobs/{digest}"), "")))
    }

    fn manifest_request(&self, repository: &str, target: &Target) -> Result<Request, FetchError> {
        require_repository(repository)?;
        let last = match target {
            Target::Tag(tag) => tag.clone(),
            Target::Digest(digest) => digest.to_string(),
        };
        let mut request = Request::get(self.address(&format!("/v2/{repository}/manifests/{last}"), ""));
        for accepted in media::ACCEPT {
            request.headers.append(header::ACCEPT, HeaderValue::from_static(accepted));
        }
        Ok(request)
    }

    /// An image for people, as in "there is no …".
    fn image(&self, repository: &str, target: &Target) -> String {
        match target {
            Target::Tag(tag) => format!("image {}/{repository}:{tag}", self.name()),
            Target::Digest(digest) => format!("image {}/{repository}@{digest}", self.name()),
        }
    }
}

fn parse_target(text: &str) -> Result<Target, FetchError> {
    if let Ok(digest) = text.parse() {
        return Ok(Target::Digest(digest));
    }
    if is_tag(text) {
        return Ok(Target::Tag(text.to_owned()));
    }
    let text: String = text.chars().take(200).collect();
    Err(FetchError::malformed(format!("{text:?}"), "it is neither a tag nor a sha256 digest"))
}

fn not_an_image(image: &str, why: OciError) -> FetchError {
    FetchError::Image { image: image.to_owned(), why: Box::new(why) }
}

/// The digest a registry says a manifest has; none when it says it by another algorithm.
fn named_digest(response: &Response) -> Option<Digest> {
    response.header(&CONTENT_DIGEST)?.parse().ok()
}

pub(super) fn require_digest(what: &str, expected: Digest, actual: Digest) -> Result<(), FetchError> {
    if expected == actual {
        Ok(())
    } else {
        Err(FetchError::WrongDigest { what: what.to_owned(), expected, actual })
    }
}
