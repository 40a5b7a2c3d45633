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

#[test]
fn databases_of_apk_2_and_3_are_known_and_the_binary_form_is_said() {
    for path in ["lib/apk/db/installed", "usr/lib/apk/db/installed", "jail/lib/apk/db/installed"] {
        assert!(claims(path.as_bytes()), "{path}");
    }
    assert!(!claims(b"mylib/apk/db/installed") && !claims(b"lib/apk/db/scripts.tar"));
    // apk 3 adds fields, and directories' rights.
    let reading = read(b"C:Q2x=\nP:musl\nV:1.2.5-r21\nA:x86_64\nS:1\nI:2\nF:usr/lib\nM:0:0:755\nR:libc.so\na:0:0:755\nZ:Q2y=\n\n");
    assert_eq!((reading.packages.len(), reading.problem), (1, None));
    assert!(read(b"ADB.inst\0").problem.unwrap().contains("apk 3"));
}

proptest! {
    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = read(&bytes);
    }
}
