//! Databases of rpm: SQLite, ndb, Berkeley DB, told by their first bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parapet_catalog::reader::read_file;

fuzz_target!(|bytes: &[u8]| {
    let _ = read_file(b"var/lib/rpm/Packages", bytes);
});
