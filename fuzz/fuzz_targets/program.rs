//! Programs: ELF, PE, Mach-O; Go and Rust lists in them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parapet_catalog::reader::read_file;

fuzz_target!(|bytes: &[u8]| {
    let _ = read_file(b"usr/bin/program", bytes);
});
