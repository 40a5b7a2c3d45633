//! Installed and locked packages of R.

use super::*;
use crate::testing::{named, unjudged};

#[test]
fn an_installed_package_says_what_it_was_built_with() {
    let text = "Package: commonmark\nType: Package\nVersion: 1.7\nDescription: Version: 9 is text\n  Version: 8\nRepository: CRAN\n\
                Built: R 4.2.2; x86_64; 2023-01-01 00:00:00 UTC; unix\n";
    assert_eq!(read(text.as_bytes()).packages, [parapet_model::PackageKey::new("CRAN", "commonmark", "1.7")]);
    let bioc = text.replace("Repository: CRAN", "biocViews: Sequencing");
    assert_eq!(read(bioc.as_bytes()).packages[0].ecosystem, "Bioconductor");
    let source = text.replace("Built:", "Packaged:");
    assert_eq!(read(source.as_bytes()), Reading::default());
    assert!(
        claims(b"usr/lib/R/site-library/a/DESCRIPTION")
            && claims(b"app/renv/library/R-4.2/x86_64/a/DESCRIPTION")
    );
    assert!(!claims(b"src/a/DESCRIPTION"));
}

#[test]
fn a_lock_file_tells_registries_from_the_rest() {
    let text = br#"{"Packages": {"a": {"Package": "a", "Version": "1.0", "Source": "Repository", "Repository": "CRAN"},
        "b": {"Package": "b", "Version": "2.0", "Source": "GitHub", "RemoteRepo": "b"},
        "c": {"Package": "c", "Version": "3.0", "Source": "Local"}}}"#;
    let reading = renv::read(text);
    assert_eq!(named(&reading), ["a 1.0"]);
    assert_eq!(unjudged(&reading), ["b (from GitHub)"]);
}
