//! Java archives and what is inside of them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parapet_catalog::reader::read_file;

fuzz_target!(|bytes: &[u8]| {
    let _ = read_file(b"opt/app/app-1.0.jar", bytes);
});
