//! Numbers packed into blobs: LEB128 of the count, then of each difference to the number before.
//! A set of 400 neighbours takes some 500 bytes.

/// Packs ascending numbers.
pub(crate) fn pack(numbers: impl ExactSizeIterator<Item = u32>) -> Vec<u8> {
    let mut out = Vec::with_capacity(numbers.len() * 2 + 5);
    put(&mut out, u32::try_from(numbers.len()).unwrap_or(u32::MAX));
    let mut before = 0;
    for number in numbers {
        put(&mut out, number.wrapping_sub(before));
        before = number;
    }
    out
}

/// Unpacks; `None` when the blob is not one of ours.
pub(crate) fn unpack(mut blob: &[u8]) -> Option<Vec<u32>> {
    let count = take(&mut blob)? as usize;
    // A number takes at least one byte, so a wrong count cannot ask for much memory.
    if count > blob.len() {
        return None;
    }
    let mut out = Vec::with_capacity(count);
    let mut before = 0_u32;
    for _ in 0..count {
        before = before.wrapping_add(take(&mut blob)?);
        out.push(before);
    }
    blob.is_empty().then_some(out)
}

/// Appends one number.
pub(crate) fn put(out: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        out.push((number as u8) | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends bytes with their length.
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    out.extend_from_slice(bytes);
}

/// Takes one number off the front.
pub(crate) fn take(blob: &mut &[u8]) -> Option<u32> {
    let mut number = 0_u32;
    for shift in [0, 7, 14, 21, 28] {
        let (&byte, rest) = blob.split_first()?;
        *blob = rest;
        if shift == 28 && byte > 0x0f {
            return None;
        }
        number |= u32::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// Takes bytes with their length off the front.
pub(crate) fn take_bytes<'b>(blob: &mut &'b [u8]) -> Option<&'b [u8]> {
    let length = take(blob)? as usize;
    let (bytes, rest) = blob.split_at_checked(length)?;
    *blob = rest;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(mut numbers: Vec<u32>) {
            numbers.sort_unstable();
            prop_assert_eq!(unpack(&pack(numbers.iter().copied())), Some(numbers));
        }

        #[test]
        fn garbage_never_panics(blob: Vec<u8>) {
            let _ = unpack(&blob);
            let _ = take_bytes(&mut blob.as_slice());
        }
    }
}
