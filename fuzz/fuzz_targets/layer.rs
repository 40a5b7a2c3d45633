//! A whole layer: the archive, and every reader behind it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parapet_catalog::layer::{self, LayerContents};
use parapet_catalog::oci::LayerDescriptor;
use parapet_catalog::{Limits, combine};
use parapet_model::Digest;

fuzz_target!(|bytes: &[u8]| {
    let digest = Digest::of(bytes);
    let size = bytes.len() as u64;
    let descriptor = LayerDescriptor { digest, media_type: String::new(), size, diff_id: digest };
    if let Ok(contents) = layer::read(bytes, &descriptor, &Limits::default()) {
        let stored = contents.to_bytes().expect("what was read can be stored");
        let again = LayerContents::from_bytes(&stored).expect("and comes back");
        let _ = combine(&[(digest.to_string(), std::sync::Arc::new(again))]);
    }
});
