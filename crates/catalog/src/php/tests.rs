//! What Composer installed and locked.

use super::*;
use crate::testing::named;

#[test]
fn both_forms_of_the_list_are_read() {
    let old = br#"[{"name": "Twig/Twig", "version": "v1.42.0", "version_normalized": "1.42.0.0"}]"#;
    let new = br#"{"packages": [{"name": "twig/twig", "version": "v1.42.0"}], "dev": true, "dev-package-names": []}"#;
    assert_eq!(named(&read(old)), ["twig/twig v1.42.0"]);
    assert_eq!(read(old), read(new));
    assert!(read(br#"{"dev": true}"#).problem.is_some());
    assert_eq!(project(b"srv/app/vendor/composer/installed.json"), b"srv/app");
    assert_eq!(project(b"vendor/composer/installed.json"), b"");
}

#[test]
fn a_lock_file_leaves_out_development() {
    let text = br#"{"packages": [{"name": "a/b", "version": "1.0"}, {"name": "c/d", "version": "dev-main"}],
        "packages-dev": [{"name": "phpunit/phpunit", "version": "9.0"}]}"#;
    assert_eq!(named(&lock::read(text)), ["a/b 1.0", "c/d dev-main"]);
}
