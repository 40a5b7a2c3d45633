//! SBOMs that are attached to an image in its registry.
//!
//! Asked is the list of referrers (OCI distribution specification 1.1, *Listing Referrers*) of the
//! platform's manifest and of the index that led to it; a registry without such a list may have the
//! same index under the tag `sha256-HEX`. They are a second witness: that a registry has no referrers,
//! or will not tell, is no failure of the scan, and what could not be read is a line of the inventory.

use parapet_catalog::oci::{ImageDescription, MAX_DOCUMENT, media};
use parapet_catalog::sbom::witness;
use parapet_model::Digest;
use parapet_model::inventory::{DatabaseRead, Inventory, ReadOutcome};
use reqwest::header::{self, HeaderValue};
use serde::Deserialize;

use super::{Registry, require_repository};
use crate::error::FetchError;
use crate::exchange::Request;

/// Most SBOMs read of one image.
const MAX_ATTACHED: usize = 4;

/// Largest SBOM, in bytes.
const MAX_SBOM: u64 = 16 << 20;

/// In which field of an in-toto layer stands what the statement says.
const PREDICATE: &str = "in-toto.io/predicate-type";

/// An index or a manifest, as far as it says what is attached.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    #[serde(default)]
    manifests: Vec<Attached>,
    #[serde(default)]
    layers: Vec<Attached>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attached {
    #[serde(default)]
    media_type: String,
    #[serde(default)]
    artifact_type: Option<String>,
    digest: Digest,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    annotations: Option<std::collections::BTreeMap<String, String>>,
}

impl Attached {
    fn kind(&self) -> &str {
        self.artifact_type.as_deref().unwrap_or_default()
    }

    /// Whether it is an SBOM, or a statement that holds one.
    fn is_sbom(&self) -> bool {
        let predicate = self.annotations.as_ref().and_then(|all| all.get(PREDICATE));
        [self.media_type.as_str(), predicate.map_or("", String::as_str)].into_iter().any(names_sbom)
    }
}

/// `application/vnd.cyclonedx+json`, `application/spdx+json`, `https://spdx.dev/Document`, …
fn names_sbom(kind: &str) -> bool {
    kind.contains("cyclonedx") || kind.contains("spdx")
}

impl Registry {
    /// Adds what SBOMs attached to the image name and its inventory does not.
    pub async fn add_attached(
        &self,
        repository: &str,
        image: &ImageDescription,
        mut inventory: Inventory,
    ) -> Inventory {
        let mut left = MAX_ATTACHED;
        for subject in image.facts.manifest_digests.iter().take(2) {
            for referrer in self.referrers(repository, subject).await {
                if left == 0 {
                    return inventory;
                }
                left -= 1;
                match self.sboms(repository, &referrer).await {
                    Ok(documents) => {
                        for (digest, bytes) in documents {
                            witness::attach(&mut inventory, &digest, &bytes);
                        }
                    }
                    Err(e) => inventory.databases.push(DatabaseRead {
                        kind: "sbom".to_owned(),
                        path: format!("sbom:{}", referrer.digest),
                        packages: 0,
                        outcome: ReadOutcome::Unreadable(e.to_string()),
                    }),
                }
            }
        }
        inventory.databases.sort_unstable();
        inventory
    }

    /// The SBOMs and statements that refer to a manifest; none where the registry does not tell.
    async fn referrers(&self, repository: &str, subject: &Digest) -> Vec<Attached> {
        let places = [format!("referrers/{subject}"), format!("manifests/sha256-{}", subject.hex())];
        for place in places {
            if let Ok(index) = self.wire(repository, &place, media::OCI_INDEX).await {
                let wanted = |one: &Attached| names_sbom(one.kind()) || one.kind().contains("in-toto");
                return index.manifests.into_iter().filter(wanted).collect();
            }
        }
        Vec::new()
    }

    /// The documents of one referrer.
    async fn sboms(
        &self,
        repository: &str,
        referrer: &Attached,
    ) -> Result<Vec<(Digest, Vec<u8>)>, FetchError> {
        let place = format!("manifests/{}", referrer.digest);
        let manifest = self.wire(repository, &place, media::OCI_MANIFEST).await?;
        let by_kind = names_sbom(referrer.kind());
        let mut documents = Vec::new();
        for layer in manifest.layers.into_iter().filter(|layer| by_kind || layer.is_sbom()).take(MAX_ATTACHED)
        {
            let what = format!("SBOM {}/{repository}@{}", self.name(), layer.digest);
            if layer.size > MAX_SBOM {
                return Err(FetchError::TooLarge { what, limit: MAX_SBOM });
            }
            let request = self.blob_request(repository, &layer.digest)?;
            let bytes = self
                .client
                .with_retries(async || {
                    self.ask(&request, repository, &what).await?.bytes(&what, MAX_SBOM).await
                })
                .await?;
            super::manifest::require_digest(&what, layer.digest, Digest::of(&bytes))?;
            documents.push((layer.digest, bytes));
        }
        Ok(documents)
    }

    /// One attempt at a small document of a repository.
    async fn wire(&self, repository: &str, place: &str, accepted: &'static str) -> Result<Wire, FetchError> {
        require_repository(repository)?;
        let mut request = Request::get(self.address(&format!("/v2/{repository}/{place}"), ""));
        request.headers.append(header::ACCEPT, HeaderValue::from_static(accepted));
        let what = format!("{}/{repository}/{place}", self.name());
        let bytes = self.ask(&request, repository, &what).await?.bytes(&what, MAX_DOCUMENT as u64).await?;
        serde_json::from_slice(&bytes).map_err(|e| FetchError::malformed(what, e.to_string()))
    }
}
