//! An image in a tar file: what `docker save` and `podman save` write.
//!
//! Two forms exist, and new Docker versions write both into one file: an OCI layout, which is
//! preferred, and `manifest.json` with one `layer.tar` for each layer. Nothing is unpacked: the
//! members are found once and then read in place.
//!
//! Source: *Docker Image Specification v1.2*, "Combined Image JSON + Filesystem Changeset Format".

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use parapet_model::Digest;
use serde::Deserialize;

use super::OpenError;
use super::resolve::{Blobs, available, names_tag, resolve};
use crate::Limits;
use crate::layer::hash::Sha256;
use crate::layer::tar::{EntryKind, Tar};
use crate::oci::{
    self, Descriptor, Document, ImageConfig, ImageDescription, LayerDescriptor, Manifest, Platform, describe,
    media,
};
use crate::path::{RootedPath, lossy, split};

/// An opened archive.
#[derive(Debug)]
pub struct Archive {
    file: Arc<File>,
    members: BTreeMap<Vec<u8>, Member>,
    layers: HashMap<Digest, Section>,
}

#[derive(Debug, Clone)]
enum Member {
    File { at: u64, size: u64 },
    Link(Vec<u8>),
}

/// A stretch of the file as a reader of its own.
#[derive(Debug, Clone)]
pub struct Section {
    file: Arc<File>,
    at: u64,
    left: u64,
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.file.read_at(buffer.get_mut(..n).unwrap_or_default(), self.at)?;
        self.at += read as u64;
        self.left -= read as u64;
        Ok(read)
    }
}

/// Opens the image with a tag (or the only one) for a platform.
///
/// # Errors
/// [`OpenError`].
pub fn open(
    file: File,
    tag: Option<&str>,
    platform: &Platform,
    limits: &Limits,
) -> Result<(ImageDescription, Archive), OpenError> {
    let file = Arc::new(file);
    let members = list(&file, limits)?;
    let mut archive = Archive { file, members, layers: HashMap::new() };
    if let Some(bytes) = archive.read(b"index.json")? {
        let Document::Index(contents) = Document::parse(&bytes, Some(media::OCI_INDEX))? else {
            return Err(OpenError::NotAnImage("index.json is no index".to_owned()));
        };
        let image = resolve(&contents, tag, platform, &archive)?;
        for layer in &image.layers {
            let missing = || OpenError::Missing { what: "layer", digest: layer.digest };
            let section = archive.section(&blob(&layer.digest)).ok_or_else(missing)?;
            archive.layers.insert(layer.digest, section);
        }
        return Ok((image, archive));
    }
    let Some(bytes) = archive.read(b"manifest.json")? else {
        let why = "neither index.json nor manifest.json is in the archive: it holds no image";
        return Err(OpenError::NotAnImage(why.to_owned()));
    };
    let image = archive.saved(&bytes, tag)?;
    Ok((image, archive))
}

impl Archive {
    /// The stored bytes of a layer.
    ///
    /// # Errors
    /// When the archive has no such layer.
    pub fn open_layer(&self, layer: &LayerDescriptor) -> io::Result<Section> {
        self.layers.get(&layer.digest).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Finds a member, through links: older Docker versions store equal layers once.
    fn section(&self, path: &[u8]) -> Option<Section> {
        let mut path = path.to_vec();
        for _ in 0..8 {
            match self.members.get(&path)? {
                Member::File { at, size } => {
                    return Some(Section { file: Arc::clone(&self.file), at: *at, left: *size });
                }
                Member::Link(target) => path.clone_from(target),
            }
        }
        None
    }

    /// The bytes of a member that is a document; `None` when it is not there.
    fn read(&self, path: &[u8]) -> Result<Option<Vec<u8>>, OpenError> {
        let Some(section) = self.section(path) else { return Ok(None) };
        let mut bytes = Vec::new();
        section
            .take(oci::MAX_DOCUMENT as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(OpenError::io(lossy(path)))?;
        if bytes.len() > oci::MAX_DOCUMENT {
            return Err(oci::OciError::TooLong { what: "document", size: bytes.len() }.into());
        }
        Ok(Some(bytes))
    }

    /// Describes an image of `manifest.json`.
    fn saved(&mut self, bytes: &[u8], tag: Option<&str>) -> Result<ImageDescription, OpenError> {
        let malformed = |e: serde_json::Error| {
            OpenError::from(oci::OciError::Malformed { what: "manifest.json", why: e.to_string() })
        };
        let images: Vec<Saved> = serde_json::from_slice(bytes).map_err(malformed)?;
        let saved = pick(&images, tag)?;
        let path = RootedPath::new(saved.config.as_bytes());
        let missing = |path: &RootedPath| {
            OpenError::NotAnImage(format!("{}, which manifest.json names, is missing", path.display()))
        };
        let bytes = self.read(path.as_bytes())?.ok_or_else(|| missing(&path))?;
        let config_digest = Digest::of(&bytes);
        let config = ImageConfig::parse(&bytes)?;
        if saved.layers.len() > oci::MAX_LAYERS {
            return Err(oci::OciError::TooManyLayers(saved.layers.len()).into());
        }
        let mut layers = Vec::new();
        for (number, name) in saved.layers.iter().enumerate() {
            let path = RootedPath::new(name.as_bytes());
            let section = self.section(path.as_bytes()).ok_or_else(|| missing(&path))?;
            let descriptor = describe_layer(&section, config.diff_ids.get(number))
                .map_err(OpenError::io(name.as_str()))?;
            self.layers.insert(descriptor.digest, section);
            layers.push(descriptor);
        }
        let config_descriptor = descriptor(media::DOCKER_CONFIG, config_digest, bytes.len() as u64);
        Ok(describe(Vec::new(), &Manifest { config: config_descriptor, layers }, config)?)
    }
}

impl Blobs for Archive {
    fn document(&self, what: &'static str, digest: &Digest) -> Result<Vec<u8>, OpenError> {
        self.read(&blob(digest))?.ok_or(OpenError::Missing { what, digest: *digest })
    }
}

fn blob(digest: &Digest) -> Vec<u8> {
    format!("blobs/sha256/{}", digest.hex()).into_bytes()
}

#[derive(Deserialize)]
struct Saved {
    #[serde(rename = "Config")]
    config: String,
    #[serde(rename = "RepoTags", default)]
    tags: Option<Vec<String>>,
    #[serde(rename = "Layers")]
    layers: Vec<String>,
}

fn pick<'a>(images: &'a [Saved], tag: Option<&str>) -> Result<&'a Saved, OpenError> {
    let tags = |image: &'a Saved| image.tags.iter().flatten().map(String::as_str);
    let found: Vec<&Saved> =
        images.iter().filter(|image| tag.is_none_or(|tag| tags(image).any(|t| names_tag(t, tag)))).collect();
    match found.as_slice() {
        [only] => Ok(only),
        several => {
            let why = match (several, tag) {
                ([], Some(tag)) => format!("no image has the tag {tag:?}"),
                ([], None) => "there is no image".to_owned(),
                _ => "there are several images, name a tag".to_owned(),
            };
            Err(OpenError::Tag { why, available: available(images.iter().flat_map(tags)) })
        }
    }
}

/// A layer's type and digest. An archive does not name them: an uncompressed layer has the digest
/// that the config gives (reading it verifies that), a compressed one is hashed.
fn describe_layer(section: &Section, diff_id: Option<&Digest>) -> io::Result<Descriptor> {
    let size = section.left;
    let mut start = Vec::new();
    section.clone().take(4).read_to_end(&mut start)?;
    let media_type = match start.as_slice() {
        [0x1f, 0x8b, ..] => media::OCI_LAYER_GZIP,
        [0x28, 0xb5, 0x2f, 0xfd] => media::OCI_LAYER_ZSTD,
        _ => media::OCI_LAYER,
    };
    let digest = match diff_id {
        Some(diff_id) if media_type == media::OCI_LAYER => *diff_id,
        _ => {
            let mut hash = Sha256::new();
            io::copy(&mut section.clone(), &mut hash)?;
            hash.finish()
        }
    };
    Ok(descriptor(media_type, digest, size))
}

fn descriptor(media_type: &str, digest: Digest, size: u64) -> Descriptor {
    Descriptor {
        media_type: media_type.to_owned(),
        digest,
        size,
        platform: None,
        annotations: BTreeMap::new(),
    }
}

/// Lists the members of the archive with their places.
fn list(file: &Arc<File>, limits: &Limits) -> Result<BTreeMap<Vec<u8>, Member>, OpenError> {
    let length = file.metadata().map_err(OpenError::io("the archive"))?.len();
    let section = Section { file: Arc::clone(file), at: 0, left: length };
    let mut reader = Counted { reader: BufReader::with_capacity(1 << 20, section), consumed: 0 };
    let start = reader.fill_buf().map_err(OpenError::io("the archive"))?;
    if start.starts_with(&[0x1f, 0x8b]) || start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        let why = "the archive is compressed as a whole; decompress it first";
        return Err(OpenError::NotAnImage(why.to_owned()));
    }
    let mut tar = Tar::new(reader, limits.entries, limits.path);
    let mut members = BTreeMap::new();
    let unsound = |e| OpenError::NotAnImage(format!("the archive is damaged: {e}"));
    while let Some(head) = tar.next().map_err(unsound)? {
        let path = RootedPath::new(&head.path).into_bytes();
        let member = match head.kind {
            Some(EntryKind::File) => Member::File { at: 0, size: head.size },
            Some(EntryKind::HardLink) => Member::Link(RootedPath::new(&head.link).into_bytes()),
            Some(EntryKind::Symlink) => {
                let target = [split(&path).0, b"/", &head.link].concat();
                Member::Link(RootedPath::new(&target).into_bytes())
            }
            _ => continue,
        };
        let member = match member {
            Member::File { size, .. } => Member::File { at: tar.reader().consumed, size },
            link @ Member::Link(_) => link,
        };
        members.insert(path, member);
    }
    Ok(members)
}

/// Counts what was consumed, so that the places of members are known.
struct Counted<R> {
    reader: R,
    consumed: u64,
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    fn consume(&mut self, n: usize) {
        self.reader.consume(n);
        self.consumed += n as u64;
    }
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buffer)?;
        self.consumed += n as u64;
        Ok(n)
    }
}
