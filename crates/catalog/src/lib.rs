//! From bytes to packages.
//!
//! * [`oci`]: manifests, indexes and configs.
//! * [`layer`]: one layer's archive, streamed and verified, becomes [`layer::LayerContents`]: what
//!   it adds and hides, as far as package readers care.
//!
//! Input is hostile everywhere: memory and depth are bounded by [`Limits`], nothing is written to
//! disk, and what could not be read is part of the result, never left out.

pub mod layer;
mod limits;
pub mod oci;

pub use limits::Limits;
