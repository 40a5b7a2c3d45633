//! Metadata of Python distributions.

use proptest::prelude::*;

use super::*;

#[test]
fn name_and_version_come_from_the_headers_alone() {
    let reading =
        read(b"Metadata-Version: 2.1\r\nName: Zope.Interface_x\r\nVersion: 5.4.0\r\n\r\nName: other\n");
    assert_eq!(reading.packages, [PackageKey::new("PyPI", "zope-interface-x", "5.4.0")]);
    assert_eq!(reading.problem, None);
}

#[test]
fn metadata_without_version_is_unreadable() {
    assert_eq!(read(b"Name: a\n\nVersion: 1\n").problem.as_deref(), Some("the version of a is empty"));
    assert_eq!(read(b"").problem.as_deref(), Some("the name is empty"));
}

#[test]
fn a_distribution_belongs_to_its_directory() {
    assert_eq!(database(b"usr/lib/site-packages/a-1.dist-info/METADATA"), b"usr/lib/site-packages");
}

proptest! {
    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
        let _ = read(&bytes);
    }

    #[test]
    fn normalising_twice_changes_nothing(name in "[A-Za-z0-9._-]{1,30}") {
        let once = normalised(&name);
        prop_assert_eq!(normalised(&once), once);
    }
}
