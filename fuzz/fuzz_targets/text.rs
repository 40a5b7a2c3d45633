//! Files that are read whole: the first line is the path, which chooses the reader.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parapet_catalog::reader::read_file;

fuzz_target!(|bytes: &[u8]| {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return };
    let _ = read_file(&bytes[..end], &bytes[end + 1..]);
});
