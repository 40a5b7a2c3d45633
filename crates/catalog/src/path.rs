//! Paths inside of an image: bytes, relative to the root, without leading slash.
//!
//! A path here is only ever compared, never opened, so what matters is that one place in the file
//! system has one spelling.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A normalised path. The root itself is empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RootedPath(Vec<u8>);

impl RootedPath {
    /// Normalises a path as an archive gives it: `/a`, `./a`, `a/`, `a//.` and `b/../a` are all
    /// `a`. A path that climbs above the root stays below it, as inside of a `chroot`.
    pub fn new(raw: &[u8]) -> Self {
        let mut out = Vec::with_capacity(raw.len());
        normalise(raw, &mut out);
        Self(out)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, for good.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// For people; bytes that are no text become replacement characters.
    pub fn display(&self) -> String {
        lossy(&self.0)
    }
}

impl Serialize for RootedPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for RootedPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(Bytes).map(Self)
    }
}

/// Reads a byte string, which `Vec<u8>` itself would read as a sequence of numbers.
pub(crate) struct Bytes;

impl serde::de::Visitor<'_> for Bytes {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }
}

/// A path or other bytes for people, with NUL made visible and cut to a sane length.
pub(crate) fn lossy(bytes: &[u8]) -> String {
    let cut = bytes.get(..bytes.len().min(4096)).unwrap_or_default();
    String::from_utf8_lossy(cut).replace('\0', "\u{fffd}")
}

/// Writes the normal form of `raw` into `out`, replacing what was there. See [`RootedPath::new`].
pub(crate) fn normalise(raw: &[u8], out: &mut Vec<u8>) {
    out.clear();
    for part in raw.split(|&b| b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                let parent = memchr::memrchr(b'/', out).unwrap_or(0);
                out.truncate(parent);
            }
            name => {
                if !out.is_empty() {
                    out.push(b'/');
                }
                out.extend_from_slice(name);
            }
        }
    }
}

/// The last component.
pub(crate) fn file_name(path: &[u8]) -> &[u8] {
    split(path).1
}

/// Directory (empty for the root) and last component.
pub(crate) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memrchr(b'/', path) {
        Some(slash) => {
            let (dir, name) = path.split_at(slash);
            (dir, name.get(1..).unwrap_or_default())
        }
        None => (&[], path),
    }
}

/// `path` and all directories above it, without the root.
pub(crate) fn with_ancestors(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::successors(Some(path), |p| Some(split(p).0)).take_while(|p| !p.is_empty())
}

/// A stable 64-bit hash of a path (FNV-1a): kept in the layer cache, so it may never change without
/// a new reader version.
pub(crate) fn hash(path: &[u8]) -> u64 {
    path.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_place_becomes_one() {
        for raw in ["a/b", "/a/b", "./a/b", "a//b/", "a/./b/.", "x/../a/b", "../../a/b", "/../a/c/../b"] {
            assert_eq!(RootedPath::new(raw.as_bytes()).display(), "a/b", "{raw}");
        }
        assert_eq!(RootedPath::new(b"./").as_bytes(), b"");
        assert_eq!(RootedPath::new(b"../..").as_bytes(), b"");
    }

    #[test]
    fn ancestors_end_before_the_root() {
        let all: Vec<&[u8]> = with_ancestors(b"a/b/c").collect();
        assert_eq!(all, [b"a/b/c".as_slice(), b"a/b", b"a"]);
        assert_eq!(split(b"a"), (b"".as_slice(), b"a".as_slice()));
    }
}
