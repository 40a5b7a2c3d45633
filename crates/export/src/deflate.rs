//! Deflate (RFC 1951) for the text of rows: as small as zlib's fastest level and about twice as fast.
//!
//! Rows repeat the ones before them in long stretches, so the work is a few steps a row and each step
//! counts. At every place that is not inside a match four bytes are hashed and the last place with the
//! same hash is looked at; what is equal there becomes a match, however long. Places inside a match are
//! not entered: the next row begins its stretches where this one did. Symbols have the fixed codes
//! (3.2.6), which are tables made at compile time, so that a match is one lookup for its length and some
//! shifts for its distance.

/// Bits of a hash.
const HASH_BITS: u32 = 14;
/// The farthest a match may lie back (3.2.5).
const WINDOW: usize = 32 << 10;
/// The longest a match may be (3.2.5).
const LONGEST: usize = 258;
/// The shortest that is looked for.
const SHORTEST: usize = 4;
/// Bytes that are read at once.
const WORD: usize = 8;
/// Most bytes of a stored block (3.2.4).
const STORED: usize = u16::MAX as usize;
/// Header of a block that is not the last and has the fixed codes (3.2.3).
const FIXED_BLOCK: u64 = 0b010;
/// An empty stored block behind its three bits of header: lengths of 0, from a byte on.
const EMPTY_STORED: u64 = 0xffff_0000;

/// A code as it is written, lowest bit first, and how many bits it has.
#[derive(Debug, Clone, Copy)]
struct Code {
    bits: u16,
    length: u8,
}

/// By byte.
const LITERALS: [Code; 256] = literals();
/// By the length of the match, 3 to 258; extra bits are in the code.
const LENGTHS: [Code; LONGEST + 1] = lengths();

/// Packs chunks, each by itself.
#[derive(Debug)]
pub(crate) struct Deflate {
    /// The last place with each hash.
    places: Vec<u32>,
    bits: Bits,
}

impl Deflate {
    pub(crate) fn new() -> Self {
        Self { places: vec![0; 1 << HASH_BITS], bits: Bits::default() }
    }

    /// Packs a chunk into blocks of which none is the last and which end on a byte, so that packed chunks
    /// may stand behind each other. A chunk has less than 4 GiB.
    pub(crate) fn pack(&mut self, chunk: &[u8]) -> Vec<u8> {
        self.places.fill(0);
        self.bits.begin(chunk.len());
        self.bits.put(FIXED_BLOCK, 3);
        let mut at = 0;
        while let Some(word) = word(chunk, at) {
            // The four bytes here, alone in the upper half: the product's top bits depend on all of them.
            let place = ((word << 32).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - HASH_BITS)) as usize;
            let found = std::mem::replace(&mut self.places[place], at as u32) as usize;
            let distance = at - found;
            let equal = match distance {
                1..=WINDOW => equal(&chunk[found..], &chunk[at..]),
                _ => 0,
            };
            if equal >= SHORTEST {
                self.bits.put_match(equal, distance);
                at += equal;
            } else {
                self.bits.put_literal(word as u8);
                at += 1;
            }
        }
        chunk[at..].iter().for_each(|&byte| self.bits.put_literal(byte));
        let packed = self.bits.finish();
        if packed.len() > chunk.len() + chunk.len() / STORED * 5 { stored(chunk) } else { packed.to_vec() }
    }
}

/// The eight bytes at a place.
#[inline(always)]
fn word(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + WORD)?.first_chunk().map(|word| u64::from_le_bytes(*word))
}

/// How many bytes are equal from the beginning on, in whole words when all of `here` is.
#[inline(always)]
fn equal(before: &[u8], here: &[u8]) -> usize {
    let (here, _) = here.as_chunks::<WORD>();
    let (before, _) = before.as_chunks::<WORD>();
    for (i, (a, b)) in before.iter().zip(here).enumerate() {
        let differ = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
        if differ != 0 {
            return i * WORD + differ.trailing_zeros() as usize / 8;
        }
    }
    here.len() * WORD
}

/// Bytes as they are, in stored blocks (3.2.4).
fn stored(chunk: &[u8]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(chunk.len() + chunk.len() / STORED * 5 + 5);
    for part in chunk.chunks(STORED) {
        let length = part.len() as u16;
        packed.push(0);
        packed.extend_from_slice(&length.to_le_bytes());
        packed.extend_from_slice(&(!length).to_le_bytes());
        packed.extend_from_slice(part);
    }
    packed
}

/// Bits on their way out, lowest first (3.1.1).
#[derive(Debug, Default)]
struct Bits {
    /// Room for the worst case, so that nothing is made larger on the way.
    out: Vec<u8>,
    at: usize,
    /// Bits that are not out yet, and how many.
    waiting: u64,
    count: u32,
}

impl Bits {
    /// Begins anew, with room for that many bytes of plain text: at nine bits each, and a little.
    fn begin(&mut self, plain: usize) {
        let room = plain + plain / 8 + 4 * WORD;
        if self.out.len() < room {
            self.out.resize(room, 0);
        }
        (self.at, self.waiting, self.count) = (0, 0, 0);
    }

    /// Appends up to 56 bits.
    #[inline(always)]
    fn put(&mut self, bits: u64, count: u32) {
        self.waiting |= bits << self.count;
        self.count += count;
        if let Some(out) = self.out[self.at..].first_chunk_mut() {
            *out = self.waiting.to_le_bytes();
        }
        self.at += self.count as usize / 8;
        self.waiting >>= self.count & !7;
        self.count &= 7;
    }

    #[inline(always)]
    fn put_literal(&mut self, byte: u8) {
        let Code { bits, length } = LITERALS[byte as usize];
        self.put(u64::from(bits), u32::from(length));
    }

    /// Appends a match of any length, as several where it must be.
    #[inline(always)]
    fn put_match(&mut self, mut length: usize, distance: usize) {
        let (distance_bits, distance_count) = distance_code(distance);
        loop {
            // What is left over must be long enough for a match, too.
            let part = match length {
                ..=LONGEST => length,
                259..=260 => LONGEST - 3,
                _ => LONGEST,
            };
            let code = LENGTHS[part];
            let count = u32::from(code.length);
            self.put(u64::from(code.bits) | distance_bits << count, count + distance_count);
            length -= part;
            if length == 0 {
                return;
            }
        }
    }

    /// Ends the block, and with an empty one the byte (as zlib's sync flush does).
    fn finish(&mut self) -> &[u8] {
        // The end-of-block code is seven zeros; so is the header of a stored block, to its three.
        self.put(0, 7 + 3);
        self.put(0, (8 - self.count) & 7);
        self.put(EMPTY_STORED, 32);
        &self.out[..self.at]
    }
}

/// 3.2.5: a distance's code of five bits and its extra bits behind it.
#[inline(always)]
fn distance_code(distance: usize) -> (u64, u32) {
    let from = distance as u32 - 1;
    if from < 4 {
        return (u64::from(reversed(from, 5)), 5);
    }
    // Two codes for each power of two: the code names the two top bits, the extra bits are the rest.
    let extra = from.ilog2() - 1;
    let code = 2 * (extra + 1) + (from >> extra & 1);
    let rest = from & ((1 << extra) - 1);
    (u64::from(reversed(code, 5) | rest << 5), 5 + extra)
}

/// Codes are written from their highest bit (3.1.1).
const fn reversed(code: u32, length: u32) -> u32 {
    code.reverse_bits() >> (32 - length)
}

/// 3.2.6: the fixed code of a literal or length symbol.
const fn fixed(symbol: u32) -> Code {
    let (code, length) = match symbol {
        0..=143 => (0x30 + symbol, 8),
        144..=255 => (0x190 + symbol - 144, 9),
        256..=279 => (symbol - 256, 7),
        _ => (0xc0 + symbol - 280, 8),
    };
    Code { bits: reversed(code, length) as u16, length: length as u8 }
}

const fn literals() -> [Code; 256] {
    let mut codes = [fixed(0); 256];
    let mut byte = 0;
    while byte < codes.len() {
        codes[byte] = fixed(byte as u32);
        byte += 1;
    }
    codes
}

/// 3.2.5: four symbols for each number of extra bits, after eight without any; 258 has its own.
const fn lengths() -> [Code; LONGEST + 1] {
    let mut codes = [Code { bits: 0, length: 0 }; LONGEST + 1];
    let (mut symbol, mut extra, mut first) = (257, 0, 3);
    while symbol < 285 {
        let Code { bits, length } = fixed(symbol);
        let mut rest = 0;
        while rest < 1 << extra && first + rest < LONGEST {
            codes[first + rest] = Code { bits: bits | (rest as u16) << length, length: length + extra };
            rest += 1;
        }
        first += 1 << extra;
        symbol += 1;
        if symbol >= 265 && (symbol - 265) % 4 == 0 {
            extra += 1;
        }
    }
    codes[LONGEST] = fixed(285);
    codes
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::DeflateDecoder;
    use proptest::prelude::*;

    use super::*;

    /// What another program's inflater makes of chunks behind each other.
    fn inflated(chunks: &[&[u8]]) -> Vec<u8> {
        let mut deflate = Deflate::new();
        let mut packed: Vec<u8> = chunks.iter().flat_map(|chunk| deflate.pack(chunk)).collect();
        packed.extend_from_slice(&[0x03, 0x00]);
        let mut plain = Vec::new();
        DeflateDecoder::new(packed.as_slice()).read_to_end(&mut plain).unwrap();
        plain
    }

    #[test]
    fn matches_of_every_length_and_distance_come_back() {
        for length in 4..=600 {
            let mut text: Vec<u8> = (0..length).map(|n| (n * 7 % 251) as u8).collect();
            text.extend_from_within(..);
            text.extend_from_slice(b"the end of it");
            assert_eq!(inflated(&[&text]), text, "length {length}");
        }
        for distance in (1..100).chain((1..=WINDOW + 300).step_by(97)).chain(WINDOW - 2..WINDOW + 3) {
            let mut state = 1_u32;
            let mut noise = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            };
            let mut text: Vec<u8> = (0..distance).map(|_| noise()).collect();
            text.extend((0..40).map(|at| text[at % distance]).collect::<Vec<_>>());
            text.extend_from_slice(b"the end of it");
            assert_eq!(inflated(&[&text]), text, "distance {distance}");
        }
    }

    #[test]
    fn what_cannot_be_packed_hardly_grows() {
        let mut state = 1_u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let text: Vec<u8> = (0..200_000).map(|_| noise()).collect();
        assert_eq!(inflated(&[&text, b"behind it"]), [&text[..], b"behind it"].concat());
        assert!(Deflate::new().pack(&text).len() < text.len() + 50);
    }

    #[test]
    fn rows_become_as_small_as_by_zlib() {
        let row = |n: u32| {
            let id = n * 7 % 1000;
            format!(
                "host-{},{:032x},CVE-2024-{id},CVE-2024-{id},High,openssl,3.0.{}\r\n",
                n / 400,
                n / 400,
                n % 9
            )
        };
        let text: String = (0..5_000).map(row).collect();
        let mut zlib = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut zlib, text.as_bytes()).unwrap();
        let (ours, theirs) = (Deflate::new().pack(text.as_bytes()).len(), zlib.finish().unwrap().len());
        assert!(ours < theirs + theirs / 10, "{ours} against {theirs}");
    }

    proptest! {
        #[test]
        fn any_bytes_come_back(chunks in proptest::collection::vec(
            proptest::collection::vec(any::<u8>(), 0..3_000), 0..4,
        )) {
            let chunks: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
            prop_assert_eq!(inflated(&chunks), chunks.concat());
        }

        /// Few words in any order, so that nearly everything is a match.
        #[test]
        fn any_rows_come_back(rows in proptest::collection::vec(
            proptest::collection::vec("[a-c]{0,6}|CVE-202[0-9]{2}|漏洞|,{1,9}| {0,700}", 0..8), 0..200,
        )) {
            let text: String = rows.iter().map(|cells| cells.join(",") + "\r\n").collect();
            let (first, second) = text.as_bytes().split_at(text.len() / 2);
            prop_assert_eq!(inflated(&[first, second]), text.as_bytes());
        }
    }
}
