//! The little of Thrift's compact protocol that Parquet's metadata takes.
//!
//! Source: Apache Thrift, *Thrift Compact protocol encoding*: variable-length integers, zig-zag for
//! signed ones, field numbers as differences.

/// Types of fields and of elements of lists.
const TRUE: u8 = 1;
const FALSE: u8 = 2;
pub(super) const I32: u8 = 5;
const I64: u8 = 6;
pub(super) const BINARY: u8 = 8;
const LIST: u8 = 9;
pub(super) const STRUCT: u8 = 12;

/// Appends a structure field by field; fields come in the order of their numbers.
pub(super) struct Struct<'a> {
    out: &'a mut Vec<u8>,
    last: i16,
}

impl<'a> Struct<'a> {
    /// Writes a structure: the outermost one, or an element of a list.
    pub(super) fn write(out: &mut Vec<u8>, fields: impl FnOnce(&mut Struct<'_>)) {
        let mut structure = Struct { out, last: 0 };
        fields(&mut structure);
        structure.out.push(0);
    }

    fn header(&mut self, field: i16, kind: u8) {
        match u8::try_from(field - self.last) {
            Ok(step @ 1..=15) => self.out.push(step << 4 | kind),
            _ => {
                self.out.push(kind);
                put_zigzag(self.out, i64::from(field));
            }
        }
        self.last = field;
    }

    pub(super) fn flag(&mut self, field: i16, flag: bool) {
        self.header(field, if flag { TRUE } else { FALSE });
    }

    pub(super) fn i32(&mut self, field: i16, number: i32) {
        self.header(field, I32);
        put_zigzag(self.out, i64::from(number));
    }

    pub(super) fn i64(&mut self, field: i16, number: i64) {
        self.header(field, I64);
        put_zigzag(self.out, number);
    }

    pub(super) fn text(&mut self, field: i16, text: &str) {
        self.header(field, BINARY);
        put_text(self.out, text);
    }

    pub(super) fn structure(&mut self, field: i16, fields: impl FnOnce(&mut Struct<'_>)) {
        self.header(field, STRUCT);
        Struct::write(self.out, fields);
    }

    /// A list of so many elements of one type, which `elements` appends.
    pub(super) fn list(&mut self, field: i16, kind: u8, length: usize, elements: impl FnOnce(&mut Vec<u8>)) {
        self.header(field, LIST);
        match u8::try_from(length) {
            Ok(length @ 0..15) => self.out.push(length << 4 | kind),
            _ => {
                self.out.push(0xF0 | kind);
                put_varint(self.out, length as u64);
            }
        }
        elements(self.out);
    }
}

pub(super) fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

pub(super) fn put_zigzag(out: &mut Vec<u8>, number: i64) {
    put_varint(out, (number << 1 ^ number >> 63) as u64);
}

pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_are_written_as_the_protocol_has_them() {
        let mut out = Vec::new();
        Struct::write(&mut out, |s| {
            s.i32(1, -1);
            s.text(3, "ab");
            s.flag(4, true);
            s.list(20, I32, 16, |out| (0..16).for_each(|n| put_zigzag(out, n)));
            s.structure(21, |s| s.i64(1, 300));
        });
        let mut expected = vec![0x15, 1, 0x28, 2, b'a', b'b', 0x11, 9, 40, 0xF5, 16];
        expected.extend((0..16).map(|n| n * 2));
        expected.extend([0x1C, 0x16, 0xD8, 0x04, 0, 0]);
        assert_eq!(out, expected);
    }
}
