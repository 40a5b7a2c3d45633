//! Records of Conda.

use super::*;

#[test]
fn a_record_names_its_package() {
    let reading =
        read(br#"{"name": "openssl", "version": "1.1.1k", "build": "h27cfd23_0", "subdir": "linux-64"}"#);
    let [package] = reading.packages.as_slice() else { panic!("{reading:?}") };
    assert_eq!(
        (package.ecosystem.as_str(), package.name.as_str(), package.version.as_str()),
        ("conda", "openssl", "1.1.1k")
    );
    assert_eq!(package.arch, "linux-64");
    assert!(read(br#"{"name": "a"}"#).problem.is_some());
    assert!(claims(b"opt/conda/envs/x/conda-meta/a-1-0.json"));
    assert!(!claims(b"opt/conda/conda-meta/history") && !claims(b"opt/conda/pkgs/a/info/index.json"));
}
