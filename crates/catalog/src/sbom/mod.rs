//! Software bills of materials: lists of packages that somebody else read.

pub mod cyclonedx;
pub mod purl;
mod spdx;
#[cfg(test)]
mod tests;
pub mod witness;
mod write;
