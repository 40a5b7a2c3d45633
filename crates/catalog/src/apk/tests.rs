//! Packages, origins and files of an apk database.

use proptest::prelude::*;

use super::*;

#[test]
fn packages_origins_and_files_are_read() {
    let reading = read(
        b"C:Q1x\nP:libcrypto1.1\nV:1.1.1d-r3\nA:x86_64\no:openssl\nF:lib\nR:libcrypto.so.1.1\nZ:Q1y\n\n\
          P:musl\nV:1.1.24-r2\nF:lib\nR:ld-musl.so\nF:usr/lib\nR:libc.so\n\n",
    );
    assert_eq!(reading.problem, None);
    let [crypto, musl] = reading.packages.as_slice() else { panic!("{:?}", reading.packages) };
    assert_eq!((crypto.source_name.as_str(), crypto.arch.as_str()), ("openssl", "x86_64"));
    assert_eq!((musl.source_name.as_str(), musl.version.as_str()), ("musl", "1.1.24-r2"));
    assert_eq!(
        reading.owned,
        [b"lib/libcrypto.so.1.1".to_vec(), b"lib/ld-musl.so".to_vec(), b"usr/lib/libc.so".to_vec()]
    );
}

#[test]
fn a_package_without_version_is_a_problem_not_a_guess() {
    let reading = read(b"P:a\n\nP:b\nV:1\n");
    assert_eq!(reading.problem.as_deref(), Some("the version of package a is empty"));
    assert_eq!(reading.packages.len(), 1);
}

proptest! {
    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = read(&bytes);
    }
}
