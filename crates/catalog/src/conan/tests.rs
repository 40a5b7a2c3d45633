//! Lock files and package information of Conan.

use super::*;
use crate::testing::{named, unjudged};

#[test]
fn both_versions_lock_what_goes_into_the_program() {
    let old = br#"{"version": "0.4", "graph_lock": {"nodes": {"0": {"path": "../conanfile.py", "ref": "own/0.1"},
        "1": {"ref": "zlib/1.2.11#0a", "context": "host"}, "2": {"ref": "cmake/3.20", "context": "build"}}}}"#;
    let new = br#"{"version": "0.5", "requires": ["zlib/1.2.11@user/stable#0a%1675278126.0"], "build_requires": ["cmake/3.20"]}"#;
    assert_eq!(named(&lock::read(old)), ["zlib 1.2.11"]);
    assert_eq!(named(&lock::read(new)), ["zlib 1.2.11"]);
    assert!(lock::read(b"{}").problem.is_some());
}

#[test]
fn open_versions_are_named_as_not_judged() {
    let text = "[requires]\nzlib/1.2.Z\nopenssl/3.1.0\n\n[options]\nshared=False\n";
    let reading = info::read(text.as_bytes());
    assert_eq!(named(&reading), ["openssl 3.1.0"]);
    assert_eq!(unjudged(&reading), ["zlib (1.2.Z)"]);
}
