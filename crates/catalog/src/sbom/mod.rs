//! Software bills of materials: lists of packages that somebody else read.

pub mod cyclonedx;
pub mod purl;
#[cfg(test)]
mod tests;
mod write;
