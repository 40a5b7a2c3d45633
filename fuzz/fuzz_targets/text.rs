//! Files that are read whole: the first byte chooses the reader.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parapet_catalog::reader::read_file;

const PATHS: [&str; 9] = [
    "var/lib/dpkg/status",
    "lib/apk/db/installed",
    "usr/lib/python3/dist-packages/x-1.dist-info/METADATA",
    "srv/node_modules/a/package.json",
    "app/package-lock.json",
    "app/Cargo.lock",
    "var/lib/rpmmanifest/container-manifest-2",
    "app/app.cdx.json",
    "app/app.spdx.json",
];

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    let path = PATHS[usize::from(*first) % PATHS.len()];
    assert!(read_file(path.as_bytes(), rest).is_some(), "{path} has a reader");
});
