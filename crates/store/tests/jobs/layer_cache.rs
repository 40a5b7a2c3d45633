//! The layer cache.

use parapet_model::{Digest, ProjectNo};
use parapet_store::layer_cache::{LARGEST, LayerKey};

use crate::DEFAULT;
use crate::support::{TestStore, on_both_stores};

fn key(layer: &[u8]) -> LayerKey {
    LayerKey { project: DEFAULT, digest: Digest::of(layer), reader_version: 2 }
}

/// Bytes that do not compress, so that sizes are what they seem.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

#[test]
fn a_layer_is_found_under_its_own_key_only() {
    on_both_stores(async |t: TestStore| {
        let content = vec![b'x'; 1_000_000];
        let mut side = t.store.side().await.unwrap();
        assert!(side.cache_layer(&key(b"a"), &content, 1).await.unwrap());
        assert!(side.cache_layer(&key(b"e"), &[], 1).await.unwrap());
        assert!(!side.cache_layer(&key(b"big"), &vec![0; LARGEST + 1], 1).await.unwrap());
        side.commit().await.unwrap();
        let mut read = t.store.read().await.unwrap();
        assert_eq!(read.cached_layer(&key(b"a")).await.unwrap().unwrap(), content);
        assert_eq!(read.cached_layer(&key(b"e")).await.unwrap().unwrap(), b"");
        for other in [
            key(b"b"),
            key(b"big"),
            LayerKey { project: ProjectNo(2), ..key(b"a") },
            LayerKey { reader_version: 3, ..key(b"a") },
        ] {
            assert_eq!(read.cached_layer(&other).await.unwrap(), None, "{other:?}");
        }
    });
}

#[test]
fn what_is_longest_not_used_goes_first() {
    on_both_stores(async |t: TestStore| {
        let mut side = t.store.side().await.unwrap();
        for (at, layer) in [(1, b"a"), (2, b"b"), (3, b"c")] {
            side.cache_layer(&key(layer), &noise(at, 10_000), at as i64).await.unwrap();
        }
        let old = LayerKey { reader_version: 1, ..key(b"a") };
        side.cache_layer(&old, b"by an older reader", 9).await.unwrap();
        side.touch_layer(&key(b"a"), 10).await.unwrap();
        assert_eq!(side.trim_layers(2, 21_000).await.unwrap(), 2, "the older reader's, and b");
        assert_eq!(side.trim_layers(2, 21_000).await.unwrap(), 0);
        side.commit().await.unwrap();
        let mut read = t.store.read().await.unwrap();
        assert!(read.cached_layer(&old).await.unwrap().is_none());
        assert!(read.cached_layer(&key(b"b")).await.unwrap().is_none());
        for kept in [b"a", b"c"] {
            assert!(read.cached_layer(&key(kept)).await.unwrap().is_some());
        }
    });
}
