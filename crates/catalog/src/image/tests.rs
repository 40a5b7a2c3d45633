//! Layouts and archives on disk.

use std::fs::{self, File};
use std::path::Path;

use parapet_model::Digest;

use super::*;
use crate::oci::{LayerDescriptor, Platform, media};
use crate::testing::{STATUS, TarBuilder, gzip, status};
use crate::{Limits, NoCache, scan_layers};

/// An image: its documents and layers by digest, and the descriptor of its manifest.
struct Image {
    blobs: Vec<Vec<u8>>,
    manifest: String,
}

fn json(media_type: &str, bytes: &[u8], more: &str) -> String {
    format!(
        "{{\"mediaType\":\"{media_type}\",\"digest\":\"{}\",\"size\":{}{more}}}",
        Digest::of(bytes),
        bytes.len()
    )
}

fn config(archive: &[u8]) -> Vec<u8> {
    let diff_id = Digest::of(archive);
    format!("{{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{{\"type\":\"layers\",\"diff_ids\":[\"{diff_id}\"]}}}}").into_bytes()
}

fn archive_of(package: &str) -> Vec<u8> {
    TarBuilder::default().file(STATUS, status(&[package])).finish()
}

fn image(package: &str, more: &str) -> Image {
    let archive = archive_of(package);
    let (layer, config) = (gzip(&archive), config(&archive));
    let manifest = format!(
        "{{\"schemaVersion\":2,\"mediaType\":\"{}\",\"config\":{},\"layers\":[{}]}}",
        media::OCI_MANIFEST,
        json(media::OCI_CONFIG, &config, ""),
        json(media::OCI_LAYER_GZIP, &layer, "")
    )
    .into_bytes();
    Image { manifest: json(media::OCI_MANIFEST, &manifest, more), blobs: vec![layer, config, manifest] }
}

fn tagged(tag: &str) -> String {
    format!(",\"annotations\":{{\"org.opencontainers.image.ref.name\":\"{tag}\"}}")
}

fn index(entries: &[&str]) -> Vec<u8> {
    format!("{{\"schemaVersion\":2,\"manifests\":[{}]}}", entries.join(",")).into_bytes()
}

fn write_layout(directory: &Path, images: &[Image], index: &[u8]) {
    fs::create_dir_all(directory.join("blobs/sha256")).unwrap();
    for blob in images.iter().flat_map(|image| &image.blobs) {
        fs::write(directory.join("blobs/sha256").join(Digest::of(blob).hex()), blob).unwrap();
    }
    fs::write(directory.join("index.json"), index).unwrap();
}

fn amd64() -> Platform {
    "linux/amd64".parse().unwrap()
}

fn packages_of_layout(directory: &Path, tag: Option<&str>) -> Result<Vec<String>, String> {
    let (image, layout) = layout::open(directory, tag, &amd64()).map_err(|e| e.to_string())?;
    names(&image, |layer| layout.open_layer(layer))
}

fn names<R: std::io::Read>(
    image: &crate::oci::ImageDescription,
    open: impl FnMut(&LayerDescriptor) -> std::io::Result<R>,
) -> Result<Vec<String>, String> {
    let inventory = scan_layers(image, open, &NoCache, &Limits::default()).map_err(|e| e.to_string())?;
    Ok(inventory.packages().map(|p| p.package.name.clone()).collect())
}

#[test]
fn a_layout_is_read_by_tag() {
    let directory = tempfile::tempdir().unwrap();
    let (one, two) = (image("one 1", &tagged("1")), image("two 2", &tagged("host:5000/team/two:2")));
    let index = index(&[&one.manifest, &two.manifest]);
    write_layout(directory.path(), &[one, two], &index);
    assert_eq!(packages_of_layout(directory.path(), Some("1")).unwrap(), ["one"]);
    assert_eq!(packages_of_layout(directory.path(), Some("2")).unwrap(), ["two"]);
    assert_eq!(
        packages_of_layout(directory.path(), None).unwrap_err(),
        "there are several images, name a tag; available: 1, host:5000/team/two:2"
    );
    assert_eq!(
        packages_of_layout(directory.path(), Some("3")).unwrap_err(),
        "no image has the tag \"3\"; available: 1, host:5000/team/two:2"
    );
}

#[test]
fn a_nested_index_leads_to_the_platform_and_its_digest_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let platform = |name: &str| format!(",\"platform\":{{\"os\":\"linux\",\"architecture\":\"{name}\"}}");
    let (arm, amd) = (image("arm 1", &platform("arm64")), image("amd 1", &platform("amd64")));
    let inner = index(&[&arm.manifest, &amd.manifest]);
    let outer = index(&[&json(media::OCI_INDEX, &inner, &tagged("x"))]);
    let manifest = Digest::of(&amd.blobs[2]);
    let nested = Image { blobs: vec![inner.clone()], manifest: String::new() };
    write_layout(directory.path(), &[arm, amd, nested], &outer);
    let (image, _) = layout::open(directory.path(), None, &amd64()).unwrap();
    assert_eq!(image.facts.manifest_digests, [manifest, Digest::of(&inner)]);
    assert_eq!(packages_of_layout(directory.path(), None).unwrap(), ["amd"]);
}

#[test]
fn a_damaged_layout_says_what_is_wrong() {
    let directory = tempfile::tempdir().unwrap();
    let error = packages_of_layout(directory.path(), None).unwrap_err();
    assert!(error.ends_with("is no OCI layout: it has no index.json"), "{error}");
    let image = image("one 1", "");
    let blob = |bytes: &[u8]| directory.path().join("blobs/sha256").join(Digest::of(bytes).hex());
    let index = index(&[&image.manifest]);
    let [layer, config, manifest] = image.blobs.clone().try_into().unwrap();
    write_layout(directory.path(), &[image], &index);
    fs::write(blob(&config), "{}").unwrap();
    let error = packages_of_layout(directory.path(), None).unwrap_err();
    assert!(error.starts_with("config has digest "), "{error}");
    fs::write(blob(&config), &config).unwrap();
    fs::write(blob(&layer), &layer[..layer.len() - 1]).unwrap();
    let error = packages_of_layout(directory.path(), None).unwrap_err();
    assert!(error.contains("layer is cut short"), "{error}");
    fs::remove_file(blob(&manifest)).unwrap();
    let error = packages_of_layout(directory.path(), None).unwrap_err();
    assert!(error.starts_with("manifest sha256:") && error.ends_with(" is missing"), "{error}");
}

fn packages_of_archive(bytes: &[u8], tag: Option<&str>) -> Result<Vec<String>, String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes).unwrap();
    let opened = archive::open(File::open(file.path()).unwrap(), tag, &amd64(), &Limits::default());
    let (image, archive) = opened.map_err(|e| e.to_string())?;
    names(&image, |layer| archive.open_layer(layer))
}

#[test]
fn archives_of_old_docker_versions_are_read_in_place() {
    let (one, two) = (archive_of("one 1"), archive_of("two 2"));
    let manifest = r#"[{"Config":"a.json","RepoTags":["x:1"],"Layers":["a/layer.tar"]},
        {"Config":"b.json","RepoTags":["x:2","y:3"],"Layers":["b/layer.tar"]}]"#;
    let tar = TarBuilder::default()
        .file("store/one.tar", &one)
        .symlink("a/layer.tar", "../store/one.tar")
        .file("b/layer.tar", gzip(&two))
        .file("a.json", config(&one))
        .file("b.json", config(&two))
        .file("manifest.json", manifest)
        .finish();
    assert_eq!(packages_of_archive(&tar, Some("x:1")).unwrap(), ["one"]);
    assert_eq!(packages_of_archive(&tar, Some("3")).unwrap(), ["two"]);
    let error = packages_of_archive(&tar, None).unwrap_err();
    assert_eq!(error, "there are several images, name a tag; available: x:1, x:2, y:3");
    let error = packages_of_archive(&gzip(&tar), None).unwrap_err();
    assert_eq!(error, "the archive is compressed as a whole; decompress it first");
}

#[test]
fn archives_that_hold_a_layout_are_read_as_one() {
    let image = image("one 1", &tagged("1"));
    let index = index(&[&image.manifest]);
    let tar = image.blobs.iter().fold(TarBuilder::default(), |tar, blob| {
        tar.file(&format!("blobs/sha256/{}", Digest::of(blob).hex()), blob)
    });
    let tar = tar.file("./index.json", index).finish();
    assert_eq!(packages_of_archive(&tar, None).unwrap(), ["one"]);
    assert!(
        packages_of_archive(&TarBuilder::default().finish(), None).unwrap_err().contains("holds no image")
    );
    assert!(packages_of_archive(b"rubbish", None).unwrap_err().starts_with("the archive is damaged"));
}

#[test]
fn an_archive_whose_layer_is_not_the_one_of_its_config_is_refused() {
    let (one, two) = (archive_of("one 1"), archive_of("two 2"));
    let tar = TarBuilder::default()
        .file("a/layer.tar", &one)
        .file("a.json", config(&two))
        .file("manifest.json", r#"[{"Config":"a.json","RepoTags":null,"Layers":["a/layer.tar"]}]"#)
        .finish();
    let error = packages_of_archive(&tar, None).unwrap_err();
    assert!(error.contains("layer has digest"), "{error}");
}
