//! The small files in `fixtures/readers`, which tests of other crates and the fuzz targets begin with.
//!
//! They are written by the writers of the readers' own tests, with `PARAPET_WRITE_FIXTURES` set; without
//! it they are compared with what those would write.

use std::path::Path;

use crate::java::tests::Jar;
use crate::reader::read_file;
use crate::{gobuild, program, rpm, rust};

/// Path in an image, name of the fixture, and its bytes.
fn all() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let list =
        "path\texample.com/tool\nmod\texample.com/tool\tv1.0.0\t\ndep\tgolang.org/x/net\tv0.17.0\th1:x=\n";
    let info = gobuild::tests::inline("go1.21.5", list);
    let crates = r#"{"packages":[{"name":"tool","version":"0.1.0","source":"local","dependencies":[1],"root":true},
        {"name":"time","version":"0.1.43","source":"crates.io"}]}"#;
    let lock = "version = 4\n\n[[package]]\nname = \"smallvec\"\nversion = \"1.6.0\"\n\
        source = \"registry+https://github.com/rust-lang/crates.io-index\"\n";
    let library = Jar::default().maven("org.example", "library", "2.0").finish();
    let archive = Jar::default()
        .maven("org.apache.logging.log4j", "log4j-core", "2.14.1")
        .stored("BOOT-INF/lib/library-2.0.jar", library)
        .finish();
    let sbom = r#"{"spdxVersion":"SPDX-2.3","packages":[{"SPDXID":"SPDXRef-1","name":"redis","versionInfo":"7.0.1",
        "externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:bitnami/redis@7.0.1"}]}]}"#;
    let headers = rpm::tests::small_headers();
    vec![
        ("usr/local/bin/tool", "tool-go", program::tests::elf(&[(".go.buildinfo", &info)])),
        ("usr/local/bin/other", "tool-rust", rust::tests::auditable(crates)),
        ("srv/app/Cargo.lock", "Cargo.lock", lock.as_bytes().to_vec()),
        ("opt/app/app.jar", "app.jar", archive),
        ("opt/bitnami/redis/.spdx-redis.spdx", "redis.spdx", sbom.as_bytes().to_vec()),
        ("var/lib/rpm/rpmdb.sqlite", "rpmdb.sqlite", rpm::tests::sqlite_file(&headers)),
        ("usr/lib/sysimage/rpm/Packages.db", "Packages.db", rpm::tests::ndb_file(&headers)),
        ("var/lib/rpm/Packages", "Packages", rpm::tests::bdb_file(&headers, crate::blob::Endian::Little)),
    ]
}

#[test]
fn the_fixtures_are_what_the_writers_write() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/readers");
    for (path, name, bytes) in all() {
        if std::env::var_os("PARAPET_WRITE_FIXTURES").is_some() {
            std::fs::write(folder.join(name), &bytes).unwrap();
        }
        assert!(std::fs::read(folder.join(name)).unwrap() == bytes, "{name} is not what is written today");
        let reading = read_file(path.as_bytes(), &bytes).unwrap();
        assert!(!reading.packages.is_empty() && reading.problem.is_none(), "{name}: {reading:?}");
    }
}
