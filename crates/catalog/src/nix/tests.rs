//! Paths of a Nix store.

use super::*;
use crate::testing::named;

const HASH: &str = "0123456789abcdfghijklmnpqrsvwxyz";

#[test]
fn names_are_split_as_nix_does() {
    let cases = [
        ("openssl-3.0.7", vec!["openssl 3.0.7"]),
        ("openssl-3.0.7-bin", vec!["openssl 3.0.7"]),
        ("python3.10-requests-2.28.1", vec!["python3.10-requests 2.28.1"]),
        ("glibc-2.35-224", vec!["glibc 2.35-224"]),
        ("bash-interactive-5.1-p16", vec!["bash-interactive 5.1-p16"]),
        ("hook", vec![]),
        ("-1.0", vec![]),
    ];
    for (name, expected) in cases {
        assert_eq!(named(&of_path(format!("nix/store/{HASH}-{name}").as_bytes())), expected, "{name}");
    }
}

#[test]
fn anything_below_shows_the_path_in_the_store() {
    let path = format!("nix/store/{HASH}-openssl-3.0.7/lib/libssl.so");
    assert_eq!(store_path(path.as_bytes()), Some(&path.as_bytes()[..path.len() - "/lib/libssl.so".len()]));
    for other in ["nix/store/.links/0a", "nix/store/short-1.0/x", "nix/var/nix/db/db.sqlite"] {
        assert_eq!(store_path(other.as_bytes()), None, "{other}");
    }
    assert_eq!(store_path(format!("nix/store/{HASH}-a-1.0.drv").as_bytes()), None);
}
