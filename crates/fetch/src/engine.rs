//! A container engine that speaks Docker's API over its unix socket: Docker, and Podman's
//! compatible service. Only what exists is asked for; nothing is changed there.
//!
//! An engine is not ours, so its answers are read leniently: a field that is missing, null or of
//! another type is empty, and an entry without an id is left out.

use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use parapet_model::sensor::{EngineContainer, EngineImage};
use parapet_model::{Digest, Millis};
use reqwest::StatusCode;
use serde_json::Value;
use url::Url;

use crate::body::Response;
use crate::error::FetchError;
use crate::exchange::transport_error;

/// Longest list of an engine, in bytes.
const MAX_LIST: u64 = 64 << 20;
/// Largest image that is exported, in bytes.
const MAX_IMAGE: u64 = 16 << 30;
/// Longest wait for the next byte.
const READ_TIMEOUT: Duration = Duration::from_secs(120);
/// Most labels taken over, and most bytes of a name, a label's key and its value.
const MAX_LABELS: usize = 64;
const MAX_NAME: usize = 500;
const MAX_LABEL: usize = 1000;
/// Most names or digests of one thing.
const MAX_NAMES: usize = 64;

/// An engine.
#[derive(Debug, Clone)]
pub struct Engine {
    http: reqwest::Client,
    socket: PathBuf,
}

impl Engine {
    /// The engine behind a socket. Nothing is asked yet.
    ///
    /// # Errors
    /// [`FetchError::BadOption`] when no client can be made.
    pub fn new(socket: &Path) -> Result<Self, FetchError> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(crate::tls::configuration(None)?)
            .unix_socket(socket)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .read_timeout(READ_TIMEOUT)
            .build()
            .map_err(|e| FetchError::BadOption { what: "the engine's socket", why: e.to_string() })?;
        Ok(Self { http, socket: socket.to_owned() })
    }

    /// Name and version, for people.
    ///
    /// # Errors
    /// [`FetchError`] when the engine does not answer.
    pub async fn version(&self) -> Result<String, FetchError> {
        let version = self.document(&["version"], &[]).await?;
        let named = list(&version, "Components").iter().find_map(|part| part.get("Name")?.as_str());
        let name = named.unwrap_or("engine");
        Ok(short(&format!("{name} {}", text(&version, "Version")), 200).trim_end().to_owned())
    }

    /// All images, and all containers with every digest by which the engine names their image.
    ///
    /// # Errors
    /// [`FetchError`]; [`FetchError::Malformed`] when an answer is no list.
    pub async fn list(&self) -> Result<(Vec<EngineImage>, Vec<EngineContainer>), FetchError> {
        let what = "the engine's list of images";
        let images: Vec<EngineImage> =
            entries(self.document(&["images", "json"], &[]).await?, what)?.iter().filter_map(image).collect();
        let what = "the engine's list of containers";
        let containers = entries(self.document(&["containers", "json"], &[("all", "1")]).await?, what)?;
        let containers = containers.iter().filter_map(|value| container(value, &images)).collect();
        Ok((images, containers))
    }

    /// An image as `docker save` writes it, in a file without a name, read from its start.
    ///
    /// # Errors
    /// [`FetchError`]; [`FetchError::TooLarge`] beyond 16 GiB.
    pub async fn export(&self, image: &str) -> Result<File, FetchError> {
        let what = format!("the engine's image {image}");
        let mut response = self.get(&["images", image, "get"], &[]).await?;
        response = response.require(StatusCode::OK, &what).await?;
        let (mut file, mut bytes) = (tempfile::tempfile()?, 0_u64);
        while let Some(chunk) = response.chunk().await? {
            bytes = bytes.saturating_add(chunk.len() as u64);
            if bytes > MAX_IMAGE {
                return Err(FetchError::TooLarge { what, limit: MAX_IMAGE });
            }
            file.write_all(&chunk)?;
        }
        file.rewind()?;
        Ok(file)
    }

    async fn document(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Value, FetchError> {
        let what = format!("the engine's {}", path.join("/"));
        let response = self.get(path, query).await?.require(StatusCode::OK, &what).await?;
        let bytes = response.bytes(&what, MAX_LIST).await?;
        serde_json::from_slice(&bytes).map_err(|e| FetchError::Malformed { what, why: e.to_string() })
    }

    async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Response, FetchError> {
        let bad = || FetchError::BadUrl { url: self.socket.display().to_string(), why: "no engine address" };
        let mut url = Url::parse("http://engine/").map_err(|_| bad())?;
        url.path_segments_mut().map_err(|()| bad())?.clear().extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let sent = self.http.get(url.clone()).send().await;
        let response = sent.map_err(|error| match transport_error(&url, error) {
            FetchError::Connect { why, .. } => {
                FetchError::Connect { url: self.socket.display().to_string(), why }
            }
            other => other,
        })?;
        Ok(Response::new(response, url, false, None))
    }
}

fn entries(document: Value, what: &str) -> Result<Vec<Value>, FetchError> {
    match document {
        Value::Array(entries) => Ok(entries),
        Value::Null => Ok(Vec::new()),
        _ => Err(FetchError::Malformed { what: what.to_owned(), why: "it is no list".to_owned() }),
    }
}

fn image(value: &Value) -> Option<EngineImage> {
    let id = value.get("Id")?.as_str().filter(|id| !id.is_empty() && id.len() <= MAX_NAME)?;
    let mut digests: Vec<Digest> = digest(id).into_iter().collect();
    // Podman says the manifest's; a Docker with containerd's store the one that was pulled.
    digests.extend(value.get("Digest").and_then(Value::as_str).and_then(digest));
    let repo_digests = list(value, "RepoDigests").iter().filter_map(Value::as_str);
    digests.extend(repo_digests.filter_map(|name| digest(name.rsplit_once('@')?.1)));
    let names = list(value, "RepoTags").iter().filter_map(Value::as_str);
    let names = names.filter(|name| !name.contains("<none>") && name.len() <= MAX_NAME);
    Some(EngineImage {
        id: id.to_owned(),
        digests: distinct(digests),
        names: names.take(MAX_NAMES).map(str::to_owned).collect(),
    })
}

fn container(value: &Value, images: &[EngineImage]) -> Option<EngineContainer> {
    let id = value.get("Id")?.as_str().filter(|id| !id.is_empty() && id.len() <= MAX_NAME)?;
    let image_id = text(value, "ImageID");
    let mut digests: Vec<Digest> = digest(image_id).into_iter().collect();
    let manifest = value.get("ImageManifestDescriptor").map(|m| text(m, "digest"));
    digests.extend(manifest.and_then(digest));
    if let Some(image) = images.iter().find(|image| image.id == image_id) {
        digests.extend(&image.digests);
    }
    let name = list(value, "Names").iter().find_map(Value::as_str).unwrap_or_default();
    let labels = value.get("Labels").and_then(Value::as_object).into_iter().flatten();
    let labels = labels.filter_map(|(key, value)| Some((short(key, 250), short(value.as_str()?, MAX_LABEL))));
    let created = value.get("Created").and_then(Value::as_i64).unwrap_or_default();
    Some(EngineContainer {
        id: id.to_owned(),
        name: short(name.trim_start_matches('/'), MAX_NAME),
        state: short(text(value, "State"), 40),
        created: Millis::max(created.saturating_mul(1000), 0),
        image_name: short(text(value, "Image"), MAX_NAME),
        image_digests: distinct(digests),
        labels: labels.take(MAX_LABELS).collect(),
    })
}

/// A digest with or without `sha256:`.
fn digest(text: &str) -> Option<Digest> {
    if text.starts_with("sha256:") { text.parse().ok() } else { format!("sha256:{text}").parse().ok() }
}

/// Each once, in order of appearance.
fn distinct(digests: Vec<Digest>) -> Vec<Digest> {
    let mut out: Vec<Digest> = Vec::with_capacity(digests.len());
    for digest in digests {
        if !out.contains(&digest) && out.len() < MAX_NAMES {
            out.push(digest);
        }
    }
    out
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The start of a text, without NUL.
fn short(text: &str, bytes: usize) -> String {
    let end = (0..=bytes.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or_default();
    text[..end].replace('\0', "")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_digest_an_engine_names_is_taken() {
        let (config, manifest, index) = (Digest::of(b"c"), Digest::of(b"m"), Digest::of(b"i"));
        // Podman: the id is the config's, without a prefix in older versions.
        let podman = image(&json!({
            "Id": config.hex(), "Digest": manifest, "RepoTags": ["localhost/a:1", "<none>:<none>"],
            "RepoDigests": [format!("localhost/a@{manifest}"), format!("localhost/a@{index}"), "odd", null]
        }));
        let podman = podman.unwrap();
        assert_eq!(podman.digests, [config, manifest, index]);
        assert_eq!(podman.names, ["localhost/a:1"]);
        // Docker with containerd's store: the id is the index's.
        let docker = image(&json!({"Id": index, "RepoTags": null, "RepoDigests": null})).unwrap();
        assert_eq!(docker.digests, [index]);
        let running = json!({
            "Id": "ab", "Names": ["/web"], "ImageID": index, "State": "running", "Created": 1_700_000_000,
            "ImageManifestDescriptor": {"digest": manifest}, "Labels": {"a": "b", "odd": 1}
        });
        let running = container(&running, &[docker]).unwrap();
        assert_eq!(running.image_digests, [index, manifest]);
        assert_eq!((running.name.as_str(), running.created), ("web", 1_700_000_000_000));
        assert_eq!(running.labels.len(), 1);
    }

    #[test]
    fn odd_entries_are_read_as_far_as_they_go() {
        for nothing in [json!({}), json!(null), json!(7), json!({"Id": ""}), json!({"Id": 7})] {
            assert!(image(&nothing).is_none() && container(&nothing, &[]).is_none(), "{nothing}");
        }
        let bare = container(&json!({"Id": "ab", "Names": "web", "Labels": [], "Created": -5}), &[]).unwrap();
        assert_eq!(bare, EngineContainer { id: "ab".to_owned(), ..EngineContainer::default() });
        assert_eq!(short("äöü", 3), "ä");
    }
}
