//! From bytes to packages.
//!
//! * [`oci`]: manifests, indexes and configs.
//! * [`layer`]: one layer's archive, streamed and verified, becomes [`layer::LayerContents`]: what
//!   it adds and hides, as far as package readers care.
//! * [`combine`](fn@combine): layers become an inventory of disjoint package sets;
//!   [`scan_layers`] does both for an image, each layer at most once.
//! * [`image`]: OCI layouts and `docker save` archives on disk.
//! * [`rootfs`]: a directory, or this machine.
//! * [`sbom`]: CycloneDX documents.
//! * [`arf`]: results of security checklists.
//!
//! To add a package reader: a folder with a `claims` and a `read` function, a variant of
//! [`reader::ReaderKind`], a row of its table, and a higher [`parapet_model::READER_VERSION`].
//!
//! What has to be read here and there (programs, archives, databases) goes into `reader::SPOOLED`
//! and gets a `blob::Blob` instead of bytes.
//!
//! Input is hostile everywhere: memory and depth are bounded by [`Limits`], and what could not be
//! read is part of the result, never left out. Nothing is written to disk but files without a name
//! for members that do not fit into memory.

pub mod apk;
pub mod arf;
mod blob;
mod combine;
pub mod conan;
pub mod conda;
pub mod dart;
pub mod distro;
pub mod dotnet;
pub mod dpkg;
#[cfg(test)]
mod fixtures;
mod foreign;
mod format;
pub mod go;
mod gobuild;
mod graph;
pub mod hex;
pub mod homebrew;
pub mod image;
mod java;
pub mod layer;
mod limits;
pub mod nix;
pub mod npm;
pub mod oci;
mod path;
pub mod php;
mod program;
pub mod python;
pub mod r;
pub mod reader;
mod root;
pub mod rootfs;
mod rpm;
pub mod ruby;
pub mod rust;
#[cfg(test)]
mod samples;
pub mod sbom;
mod scan;
pub mod swift;
#[cfg(test)]
mod testing;

pub use combine::combine;
pub use limits::Limits;
pub use path::RootedPath;
pub use scan::{LayerCache, NoCache, ScanError, scan_layers};
