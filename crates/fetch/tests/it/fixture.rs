//! Small images of our own, and a peer that serves them.

use std::collections::BTreeMap;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use parapet_model::Digest;

use crate::peer::{Answer, Seen, answer, status};

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// A layer: the archive and its compressed form.
#[derive(Clone)]
pub(crate) struct Layer {
    pub(crate) blob: Vec<u8>,
    pub(crate) diff_id: Digest,
}

impl Layer {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let mut archive = tar::Builder::new(Vec::new());
        for (path, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            archive.append_data(&mut header, path, content.as_bytes()).unwrap();
        }
        let archive = archive.into_inner().unwrap();
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&archive).unwrap();
        Self { blob: packed.finish().unwrap(), diff_id: Digest::of(&archive) }
    }

    /// Debian 12 with one package.
    pub(crate) fn debian(package: &str) -> Self {
        let status = format!(
            "Package: {package}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0-1\nDescription: x\n\n"
        );
        Self::new(&[
            ("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian 12\"\n"),
            ("var/lib/dpkg/status", &status),
        ])
    }

    pub(crate) fn digest(&self) -> Digest {
        Digest::of(&self.blob)
    }
}

/// What a repository holds.
#[derive(Clone, Default)]
pub(crate) struct Repository {
    pub(crate) blobs: BTreeMap<String, Vec<u8>>,
    /// By tag and by digest: media type and bytes.
    pub(crate) manifests: BTreeMap<String, (String, Vec<u8>)>,
    /// By digest of the subject: the index of what refers to it.
    pub(crate) referrers: BTreeMap<String, Vec<u8>>,
}

impl Repository {
    /// One image under a tag; its manifest digest.
    pub(crate) fn image(&mut self, tag: &str, layers: &[Layer]) -> Digest {
        let layers_json: Vec<String> = layers
            .iter()
            .map(|l| descriptor(LAYER, &l.blob, r#","urls":["http://169.254.169.254/layer"]"#))
            .collect();
        let diff_ids: Vec<String> = layers.iter().map(|l| format!("\"{}\"", l.diff_id)).collect();
        let config = format!(
            r#"{{"os":"linux","architecture":"amd64","created":"2026-01-02T03:04:05Z","rootfs":{{"type":"layers","diff_ids":[{}]}}}}"#,
            diff_ids.join(",")
        )
        .into_bytes();
        let manifest = format!(
            r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{},"layers":[{}]}}"#,
            descriptor("application/vnd.oci.image.config.v1+json", &config, ""),
            layers_json.join(",")
        );
        for blob in layers.iter().map(|l| &l.blob).chain([&config]) {
            self.blobs.insert(Digest::of(blob).to_string(), blob.clone());
        }
        self.manifest(tag, MANIFEST, manifest.into_bytes())
    }

    /// An index over manifests that are already there.
    pub(crate) fn index(&mut self, tag: &str, entries: &[(&str, Digest)]) -> Digest {
        let entries: Vec<String> = entries
            .iter()
            .map(|(architecture, digest)| {
                let (media_type, bytes) = &self.manifests[&digest.to_string()];
                let platform = format!(r#","platform":{{"os":"linux","architecture":"{architecture}"}}"#);
                descriptor(media_type, bytes, &platform)
            })
            .collect();
        let index = format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, entries.join(","));
        self.manifest(tag, INDEX, index.into_bytes())
    }

    pub(crate) fn manifest(&mut self, tag: &str, media_type: &str, bytes: Vec<u8>) -> Digest {
        let digest = Digest::of(&bytes);
        self.manifests.insert(tag.to_owned(), (media_type.to_owned(), bytes.clone()));
        self.manifests.insert(digest.to_string(), (media_type.to_owned(), bytes));
        digest
    }

    /// Answers as a registry would.
    pub(crate) fn answer(&self, seen: &Seen) -> Answer {
        let (folder, name) = seen.path().strip_prefix("/v2/a/b/").unwrap().split_once('/').unwrap();
        match folder {
            "blobs" => match self.blobs.get(name) {
                Some(blob) => answer(200, &[], blob.clone()),
                None => status(404),
            },
            "manifests" => match self.manifests.get(name) {
                Some((media_type, bytes)) => {
                    let digest = Digest::of(bytes).to_string();
                    let headers =
                        [("content-type", media_type.as_str()), ("docker-content-digest", digest.as_str())];
                    answer(200, &headers, bytes.clone())
                }
                None => answer(
                    404,
                    &[],
                    r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#,
                ),
            },
            // The list of referrers, where the repository has one.
            "referrers" => match self.referrers.get(name) {
                Some(bytes) => answer(200, &[("content-type", INDEX)], bytes.clone()),
                None => status(404),
            },
            other => panic!("{other}"),
        }
    }

    /// Attaches a document to a manifest: the index that lists it.
    pub(crate) fn attach(&mut self, kind: &str, document: &[u8]) -> Vec<u8> {
        let manifest = format!(
            r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","artifactType":"{kind}","config":{},"layers":[{}]}}"#,
            descriptor("application/vnd.oci.empty.v1+json", b"{}", ""),
            descriptor(kind, document, "")
        )
        .into_bytes();
        self.blobs.insert(Digest::of(document).to_string(), document.to_vec());
        let index = format!(
            r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{}]}}"#,
            descriptor(MANIFEST, &manifest, &format!(r#","artifactType":"{kind}""#))
        );
        self.manifest("attached", MANIFEST, manifest);
        index.into_bytes()
    }
}

fn descriptor(media_type: &str, bytes: &[u8], more: &str) -> String {
    format!(r#"{{"mediaType":"{media_type}","digest":"{}","size":{}{more}}}"#, Digest::of(bytes), bytes.len())
}
