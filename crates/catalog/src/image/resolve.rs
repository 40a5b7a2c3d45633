//! From the table of contents of a layout to one image.

use parapet_model::Digest;

use super::OpenError;
use crate::oci::{
    self, Descriptor, Document, ImageConfig, ImageDescription, Index, OciError, Platform, describe, media,
};

/// Indexes nested deeper than this are nobody's images.
const MAX_NESTING: usize = 5;

/// Where the documents of an image come from.
pub(super) trait Blobs {
    /// The bytes of a document, at most [`oci::MAX_DOCUMENT`] and one more.
    fn document(&self, what: &'static str, digest: &Digest) -> Result<Vec<u8>, OpenError>;
}

/// Finds the image with a tag for a platform. Without a tag there must be one image only.
pub(super) fn resolve(
    contents: &Index,
    tag: Option<&str>,
    platform: &Platform,
    blobs: &impl Blobs,
) -> Result<ImageDescription, OpenError> {
    let mut descriptor = pick(contents, tag, platform)?;
    let mut digests = Vec::new();
    for _ in 0..MAX_NESTING {
        digests.insert(0, descriptor.digest);
        let bytes = verified(blobs, "manifest", &descriptor.digest)?;
        match Document::parse(&bytes, Some(&descriptor.media_type))? {
            Document::Index(index) => descriptor = index.choose(platform)?.clone(),
            Document::Manifest(manifest) => {
                manifest.require_image()?;
                let config = ImageConfig::parse(&verified(blobs, "config", &manifest.config.digest)?)?;
                return Ok(describe(digests, &manifest, config)?);
            }
        }
    }
    let why = format!("indexes are nested deeper than {MAX_NESTING}");
    Err(OciError::Malformed { what: "index", why }.into())
}

fn verified(blobs: &impl Blobs, what: &'static str, digest: &Digest) -> Result<Vec<u8>, OpenError> {
    let bytes = blobs.document(what, digest)?;
    if bytes.len() > oci::MAX_DOCUMENT {
        return Err(OciError::TooLong { what, size: bytes.len() }.into());
    }
    oci::verify(what, &bytes, digest)?;
    Ok(bytes)
}

fn pick(contents: &Index, tag: Option<&str>, platform: &Platform) -> Result<Descriptor, OpenError> {
    let fits = |d: &&Descriptor| tag.is_none_or(|tag| names(d).any(|name| names_tag(name, tag)));
    let images = |d: &&Descriptor| media::is_manifest(&d.media_type) || media::is_index(&d.media_type);
    let found: Vec<Descriptor> = contents.manifests.iter().filter(images).filter(fits).cloned().collect();
    if let [only] = found.as_slice() {
        return Ok(only.clone());
    }
    let all_tags = || available(contents.manifests.iter().flat_map(names));
    if found.is_empty() {
        let why =
            tag.map_or_else(|| "there is no image".to_owned(), |tag| format!("no image has the tag {tag:?}"));
        return Err(OpenError::Tag { why, available: all_tags() });
    }
    // The same name for several platforms, without an index to join them.
    let same_name = found.windows(2).all(|pair| match pair {
        [a, b] => names(a).eq(names(b)) && a.platform != b.platform,
        _ => true,
    });
    if same_name {
        return Ok(Index { manifests: found }.choose(platform)?.clone());
    }
    Err(OpenError::Tag { why: "there are several images, name a tag".to_owned(), available: all_tags() })
}

/// The names that tools give an image in a layout.
fn names(descriptor: &Descriptor) -> impl Iterator<Item = &str> {
    ["org.opencontainers.image.ref.name", "io.containerd.image.name"]
        .into_iter()
        .filter_map(|key| descriptor.annotations.get(key).map(String::as_str))
}

/// Whether a name is the tag, or a whole reference that ends in it.
pub(super) fn names_tag(name: &str, tag: &str) -> bool {
    name == tag || name.strip_suffix(tag).is_some_and(|rest| rest.ends_with(':'))
}

/// A list for an error message.
pub(super) fn available<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let list: Vec<String> = names.take(20).map(|name| name.chars().take(200).collect()).collect();
    if list.is_empty() { "none".to_owned() } else { list.join(", ") }
}
