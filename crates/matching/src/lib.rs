//! See the crate's README in ARCHITECTURE.md.
