//! The bounded cache of row tails: the part of a row that depends on (package, vulnerability) alone. Where a
//! package has the same findings on every asset, its tails are kept together, as one entry. Other writers of
//! rows keep other parts in it that are made from little.
//!
//! Popular packages sit in base layers and come back with every image, so their tails are formatted
//! once and copied. All tails of a large estate would be hundreds of megabytes, so the cache keeps
//! two generations of half the limit each: a new tail goes into the young one, a tail found in the
//! old one is copied over, and when the young one is full it becomes the old one and the old one is
//! emptied. What is asked for at least once per generation stays; the rest goes. That is close to
//! least-recently-used at the price of one comparison per row.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use parapet_model::{PackageNo, VulnerabilityNo};

/// Bytes of text that both generations hold together. A tail is some 200 bytes with the default
/// columns, so it is enough for those of 100,000 matches.
pub(crate) const LIMIT: usize = 32 << 20;

/// What an entry is reckoned to take besides its text.
const ENTRY: usize = 32;

/// Longest tail that is kept. One giant text must not push out a thousand ordinary ones.
const LONGEST: usize = 32 << 10;
/// The same of all tails of a package, of which a kernel may have thousands.
const LONGEST_BLOCK: usize = 1 << 20;

/// Tails by a number that stands for the pair, or for the package alone. See the module: memory is bounded, and
/// a tail may be gone at any time.
#[derive(Debug)]
pub struct Tails {
    limit: usize,
    young: Generation,
    old: Generation,
    /// What is on its way from the old one to the young one.
    moved: Vec<u8>,
}

#[derive(Debug, Default)]
struct Generation {
    arena: Vec<u8>,
    entries: HashMap<u64, Place, BuildHasherDefault<NumberHasher>>,
}

/// Where a tail lies in the arena.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: u32,
    length: u32,
}

impl Generation {
    fn get(&self, key: u64) -> Option<&[u8]> {
        self.at(*self.entries.get(&key)?)
    }

    fn at(&self, Place { start, length }: Place) -> Option<&[u8]> {
        self.arena.get(start as usize..)?.get(..length as usize)
    }

    fn weight(&self) -> usize {
        self.arena.len() + self.entries.len() * ENTRY
    }

    fn clear(&mut self) {
        self.arena.clear();
        self.entries.clear();
    }
}

impl Default for Tails {
    fn default() -> Self {
        Self::new(LIMIT)
    }
}

impl Tails {
    /// A cache that holds about `limit` bytes, its index included.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, young: Generation::default(), old: Generation::default(), moved: Vec::new() }
    }

    /// The tail under a key, if it was kept and is still there.
    pub fn get(&mut self, key: u64) -> Option<&[u8]> {
        self.find(key)
    }

    /// Keeps a tail, if it is not too long to be worth it. One that was kept under the key before counts no
    /// more.
    pub fn keep(&mut self, key: u64, tail: &[u8]) {
        if tail.len() <= LONGEST.min(self.limit / 128) {
            self.insert(key, tail);
        }
    }

    /// All tails of a package, in order.
    pub(crate) fn block(&mut self, package: PackageNo) -> Option<Block<'_>> {
        self.find(key_of(package, WHOLE)).map(Block)
    }

    /// Keeps all tails of a package, if they are not too long to be worth it.
    pub(crate) fn keep_block(&mut self, package: PackageNo, block: &[u8]) {
        if block.len() <= LONGEST_BLOCK.min(self.limit / 8) {
            self.insert(key_of(package, WHOLE), block);
        }
    }

    fn find(&mut self, key: u64) -> Option<&[u8]> {
        let place = match self.young.entries.get(&key) {
            Some(place) => *place,
            None => {
                self.moved.clear();
                self.moved.extend_from_slice(self.old.get(key)?);
                let tail = std::mem::take(&mut self.moved);
                let place = self.insert(key, &tail);
                self.moved = tail;
                place
            }
        };
        self.young.at(place)
    }

    fn insert(&mut self, key: u64, tail: &[u8]) -> Place {
        let half = self.limit / 2;
        if self.young.weight() + tail.len() + ENTRY > half {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
        // Both fit: the arena is never longer than half the limit.
        let place = Place { start: self.young.arena.len() as u32, length: tail.len() as u32 };
        self.young.arena.extend_from_slice(tail);
        self.young.entries.insert(key, place);
        place
    }
}

/// Stands for all vulnerabilities of a package; no vulnerability has this number.
const WHOLE: VulnerabilityNo = VulnerabilityNo(u32::MAX);

/// Tails one behind the other, each after its length.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block<'a>(&'a [u8]);

impl Block<'_> {
    /// Appends a tail to a block that is being made.
    pub(crate) fn push(block: &mut Vec<u8>, tail: &[u8]) {
        block.extend_from_slice(&(tail.len() as u32).to_le_bytes());
        block.extend_from_slice(tail);
    }
}

impl<'a> Iterator for Block<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.0.split_first_chunk::<4>()?;
        let (tail, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        self.0 = rest;
        Some(tail)
    }
}

/// The key of a pair.
pub(crate) fn key_of(package: PackageNo, vulnerability: VulnerabilityNo) -> u64 {
    u64::from(package.0) << 32 | u64::from(vulnerability.0)
}

/// A hasher for keys that are numbers given out by ourselves: one multiplication.
#[derive(Debug, Default)]
pub(crate) struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        let mixed = (self.0 ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = mixed ^ (mixed >> 32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(tails: &mut Tails, package: u32) -> Option<Vec<u8>> {
        tails.get(key_of(PackageNo(package), VulnerabilityNo(1))).map(<[u8]>::to_vec)
    }

    fn keep(tails: &mut Tails, package: u32) {
        tails.keep(key_of(PackageNo(package), VulnerabilityNo(1)), format!("tail {package}").as_bytes());
    }

    #[test]
    fn a_kept_tail_is_there() {
        let mut tails = Tails::new(LIMIT);
        keep(&mut tails, 7);
        assert_eq!(get(&mut tails, 7), Some(b"tail 7".to_vec()));
        assert_eq!(get(&mut tails, 8), None);
    }

    #[test]
    fn popular_tails_stay_and_the_cache_does_not_grow() {
        let mut tails = Tails::new(16 << 10);
        keep(&mut tails, 0);
        for package in 1..50_000 {
            keep(&mut tails, package);
            assert_eq!(get(&mut tails, 0), Some(b"tail 0".to_vec()), "after {package}");
            assert!(tails.young.weight() + tails.old.weight() <= 16 << 10);
        }
        assert_eq!(get(&mut tails, 1), None, "what nobody asked for is gone");
    }

    #[test]
    fn a_block_gives_back_its_tails() {
        let mut tails = Tails::new(LIMIT);
        let mut block = Vec::new();
        for tail in [&b"one"[..], b"", b"three, with\nmore"] {
            Block::push(&mut block, tail);
        }
        tails.keep_block(PackageNo(7), &block);
        tails.keep_block(PackageNo(8), &[]);
        let kept: Vec<&[u8]> = tails.block(PackageNo(7)).unwrap().collect();
        assert_eq!(kept, [&b"one"[..], b"", b"three, with\nmore"]);
        assert_eq!(tails.block(PackageNo(8)).unwrap().count(), 0, "a package may have no row at all");
        assert!(tails.block(PackageNo(9)).is_none());
    }

    #[test]
    fn a_giant_tail_is_not_kept() {
        let mut tails = Tails::new(16 << 10);
        keep(&mut tails, 1);
        tails.keep(key_of(PackageNo(2), VulnerabilityNo(1)), &[b'x'; 8 << 10]);
        assert_eq!(get(&mut tails, 2), None);
        assert!(get(&mut tails, 1).is_some());
    }
}
