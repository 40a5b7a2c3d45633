//! Numbers as runs and bit-packed groups: the encoding of levels and dictionary indexes.
//!
//! Source: Apache Parquet, *Encodings*, "Run Length Encoding / Bit-Packing Hybrid (RLE = 3)".

use super::thrift::put_varint;

/// A run this long is written as one; shorter ones are packed in groups of eight.
const RUN: usize = 8;

/// Bits that the numbers below `count` take; at least one, which every reader knows.
pub(super) fn width_of(count: usize) -> u8 {
    (usize::BITS - count.saturating_sub(1).leading_zeros()).max(1) as u8
}

/// Appends the numbers, each in `width` bits, 1 to 32.
pub(super) fn put(out: &mut Vec<u8>, numbers: &[u32], width: u8) {
    let mut packed_from = 0;
    let mut at = 0;
    while at < numbers.len() {
        let run = run_at(numbers, at);
        // Groups are whole: what lies before a run is filled up to eight from the run itself.
        let filled = (RUN - (at - packed_from) % RUN) % RUN;
        if run < RUN + filled {
            at += run;
            continue;
        }
        at += filled;
        put_packed(out, numbers.get(packed_from..at).unwrap_or_default(), width);
        let run = run - filled;
        put_varint(out, (run as u64) << 1);
        let value = numbers.get(at).copied().unwrap_or_default().to_le_bytes();
        out.extend_from_slice(value.get(..usize::from(width.div_ceil(8))).unwrap_or_default());
        at += run;
        packed_from = at;
    }
    put_packed(out, numbers.get(packed_from..).unwrap_or_default(), width);
}

/// How many numbers from `at` on are the same.
fn run_at(numbers: &[u32], at: usize) -> usize {
    let rest = numbers.get(at..).unwrap_or_default();
    let first = rest.first();
    rest.iter().take_while(|&number| Some(number) == first).count()
}

/// Groups of eight; the last one is filled with zeros.
fn put_packed(out: &mut Vec<u8>, numbers: &[u32], width: u8) {
    if numbers.is_empty() {
        return;
    }
    let groups = numbers.len().div_ceil(8);
    put_varint(out, (groups as u64) << 1 | 1);
    let end = out.len() + groups * usize::from(width);
    let (mut bits, mut held) = (0_u64, 0);
    for &number in numbers {
        bits |= u64::from(number) << held;
        held += u32::from(width);
        while held >= 8 {
            out.push(bits as u8);
            bits >>= 8;
            held -= 8;
        }
    }
    if held > 0 {
        out.push(bits as u8);
    }
    out.resize(end, 0);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a reader makes of it.
    fn read(mut bytes: &[u8], count: usize, width: u8) -> Vec<u32> {
        let mut numbers = Vec::new();
        while numbers.len() < count {
            let (mut header, mut shift) = (0_u64, 0);
            loop {
                let byte = bytes[0];
                bytes = &bytes[1..];
                header |= u64::from(byte & 0x7F) << shift;
                shift += 7;
                if byte < 0x80 {
                    break;
                }
            }
            if header & 1 == 0 {
                let (value, rest) = bytes.split_at(usize::from(width.div_ceil(8)));
                let number = value.iter().rev().fold(0, |sum, &byte| sum << 8 | u32::from(byte));
                numbers.extend(std::iter::repeat_n(number, (header >> 1) as usize));
                bytes = rest;
            } else {
                let length = (header >> 1) as usize * usize::from(width);
                let (packed, rest) = bytes.split_at(length);
                for index in 0..(header >> 1) as usize * 8 {
                    let bit = |n: usize| u32::from(packed[n / 8] >> (n % 8) & 1);
                    let from = index * usize::from(width);
                    numbers.push((0..usize::from(width)).fold(0, |sum, n| sum | bit(from + n) << n));
                }
                bytes = rest;
            }
        }
        assert!(bytes.is_empty(), "nothing is left over");
        numbers.truncate(count);
        numbers
    }

    #[test]
    fn widths_hold_every_index() {
        assert_eq!([0, 1, 2, 3, 4, 5, 256, 257].map(width_of), [1, 1, 1, 2, 2, 3, 8, 9]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn runs_and_groups_come_back(
            runs in prop::collection::vec((any::<u32>(), 1_usize..40), 0..40),
            width in 1_u8..=32,
        ) {
            let mask = u32::MAX >> (32 - width);
            let numbers: Vec<u32> =
                runs.iter().flat_map(|&(number, run)| std::iter::repeat_n(number & mask, run)).collect();
            let mut out = Vec::new();
            put(&mut out, &numbers, width);
            prop_assert_eq!(read(&out, numbers.len(), width), numbers);
        }
    }
}
