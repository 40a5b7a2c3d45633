//! SHA-256.
//!
//! `ring` is used because its assembly is 1.6 times as fast as `sha2` on machines without SHA
//! instructions, and hashing is half of the cost of reading a layer.

use std::io::{self, Write};

use parapet_model::Digest;
use ring::digest::{Context, SHA256};

/// A SHA-256 in the making.
pub(crate) struct Sha256(Context);

impl Sha256 {
    pub(crate) fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(self) -> Digest {
        let digest = self.0.finish();
        Digest(std::array::from_fn(|i| digest.as_ref().get(i).copied().unwrap_or(0)))
    }
}

impl Write for Sha256 {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
