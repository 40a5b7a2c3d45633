//! Builds archives, layers and images in memory for tests.

use std::io::Write;

use parapet_model::Digest;

use crate::Limits;
use crate::layer::{self, LayerContents, LayerError};
use crate::oci::{LayerDescriptor, media};

/// Writes a tar archive, entry by entry.
#[derive(Default)]
pub(crate) struct TarBuilder(Vec<u8>);

impl TarBuilder {
    pub(crate) fn entry(mut self, kind: u8, path: &[u8], link: &[u8], body: &[u8]) -> Self {
        let mut header = [0_u8; 512];
        header[..path.len().min(100)].copy_from_slice(&path[..path.len().min(100)]);
        header[100..108].copy_from_slice(b"0000644\0");
        header[124..136].copy_from_slice(format!("{:011o}\0", body.len()).as_bytes());
        header[156] = kind;
        header[157..157 + link.len().min(100)].copy_from_slice(&link[..link.len().min(100)]);
        header[257..265].copy_from_slice(b"ustar\x0000");
        seal(&mut header);
        self.0.extend_from_slice(&header);
        self.0.extend_from_slice(body);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub(crate) fn file(self, path: &str, body: impl AsRef<[u8]>) -> Self {
        self.entry(b'0', path.as_bytes(), b"", body.as_ref())
    }

    pub(crate) fn dir(self, path: &str) -> Self {
        self.entry(b'5', path.as_bytes(), b"", b"")
    }

    pub(crate) fn symlink(self, path: &str, target: &str) -> Self {
        self.entry(b'2', path.as_bytes(), target.as_bytes(), b"")
    }

    pub(crate) fn hard_link(self, path: &str, target: &str) -> Self {
        self.entry(b'1', path.as_bytes(), target.as_bytes(), b"")
    }

    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.0.extend_from_slice(&[0; 1024]);
        self.0
    }
}

/// Puts the checksum into a header.
pub(crate) fn seal(header: &mut [u8; 512]) {
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|&b| u32::from(b)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The descriptor that fits to the bytes of a layer, stored and unpacked.
pub(crate) fn descriptor(stored: &[u8], unpacked: &[u8]) -> LayerDescriptor {
    LayerDescriptor {
        digest: Digest::of(stored),
        media_type: media::OCI_LAYER_GZIP.to_owned(),
        size: stored.len() as u64,
        diff_id: Digest::of(unpacked),
    }
}

/// Reads an archive as a layer, without compression.
pub(crate) fn read_layer(archive: &[u8]) -> Result<LayerContents, LayerError> {
    layer::read(archive, &descriptor(archive, archive), &Limits::default())
}

/// A status file of dpkg with these packages, `name version` each.
pub(crate) fn status(packages: &[&str]) -> String {
    let stanza = |package: &&str| {
        let (name, version) = package.split_once(' ').unwrap();
        format!("Package: {name}\nStatus: install ok installed\nArchitecture: all\nVersion: {version}\n\n")
    };
    packages.iter().map(stanza).collect()
}

/// The metadata of a Python distribution.
pub(crate) fn metadata(name: &str, version: &str) -> String {
    format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\ntext\n")
}

pub(crate) const STATUS: &str = "var/lib/dpkg/status";
pub(crate) const DEBIAN: &str = "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian 12\"\n";

/// `name version` of the packages of a reading.
pub(crate) fn named(reading: &crate::reader::Reading) -> Vec<String> {
    reading.packages.iter().map(|p| format!("{} {}", p.name, p.version)).collect()
}

/// `name (what is asked for)` of what cannot be judged.
pub(crate) fn unjudged(reading: &crate::reader::Reading) -> Vec<String> {
    reading.unjudged.iter().map(|p| format!("{} ({})", p.name, p.version)).collect()
}
