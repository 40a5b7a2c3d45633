//! From a real file to an explained row, once for each ecosystem that is read. `docs/accuracy.md` lists the same.
//!
//! The advisories list their versions one by one, so that each is found whatever order the ecosystem
//! has.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::{Fixture, Server};

/// The bytes of a fixture that the readers' own tests write.
macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../../catalog/fixtures/readers/", $name))
    };
}

/// A system by its `os-release`. Each has one database of packages at most, and a name of its own.
struct System {
    name: &'static str,
    release: &'static str,
}

const DEBIAN: System = System { name: "debian", release: "ID=debian\nVERSION_ID=12\n" };
const ALPINE: System = System { name: "alpine", release: "ID=alpine\nVERSION_ID=3.18.4\n" };
const SQLITE: System = System { name: "sqlite", release: ALMA };
const NDB: System = System { name: "ndb", release: ALMA };
const BERKELEY: System = System { name: "berkeley", release: ALMA };
const AZURE: System = System { name: "azure", release: "ID=azurelinux\nVERSION_ID=\"3.0\"\n" };
const ALMA: &str = "ID=almalinux\nVERSION_ID=9.1\n";
const SYSTEMS: [&System; 6] = [&DEBIAN, &ALPINE, &SQLITE, &NDB, &BERKELEY, &AZURE];

/// A file of an ecosystem, the package in it that an advisory speaks of, and where.
struct Case {
    system: &'static System,
    ecosystem: &'static str,
    package: &'static str,
    version: &'static str,
    file: &'static str,
    bytes: &'static [u8],
}

const CASES: [Case; 29] = [
    Case {
        system: &DEBIAN,
        ecosystem: "Debian:12",
        package: "openssl",
        version: "3.0.9-1",
        file: "var/lib/dpkg/status",
        bytes: b"Package: libssl3\nStatus: install ok installed\nArchitecture: amd64\nSource: openssl\nVersion: 3.0.9-1\n\n",
    },
    Case {
        system: &ALPINE,
        ecosystem: "Alpine:v3.18",
        package: "openssl",
        version: "3.1.2-r0",
        file: "lib/apk/db/installed",
        bytes: b"P:libcrypto3\nV:3.1.2-r0\nA:x86_64\no:openssl\n\n",
    },
    Case {
        system: &SQLITE,
        ecosystem: "AlmaLinux:9",
        package: "openssl-libs",
        version: "1:3.0.1-41.el9_0",
        file: "var/lib/rpm/rpmdb.sqlite",
        bytes: fixture!("rpmdb.sqlite"),
    },
    Case {
        system: &NDB,
        ecosystem: "AlmaLinux:9",
        package: "openssl-libs",
        version: "1:3.0.1-41.el9_0",
        file: "usr/lib/sysimage/rpm/Packages.db",
        bytes: fixture!("Packages.db"),
    },
    Case {
        system: &BERKELEY,
        ecosystem: "AlmaLinux:9",
        package: "openssl-libs",
        version: "1:3.0.1-41.el9_0",
        file: "var/lib/rpm/Packages",
        bytes: fixture!("Packages"),
    },
    Case {
        system: &AZURE,
        ecosystem: "Azure Linux:3",
        package: "openssl-libs",
        version: "3.3.0-1.azl3",
        file: "var/lib/rpmmanifest/container-manifest-2",
        bytes: b"openssl-libs\t3.3.0-1.azl3\t1\t1\tMicrosoft Corporation\t(none)\t9\tx86_64\t0\topenssl-3.3.0-1.azl3.src.rpm\n",
    },
    Case {
        system: &DEBIAN,
        ecosystem: "PyPI",
        package: "requests",
        version: "2.19.1",
        file: "usr/local/lib/python3.11/site-packages/requests-2.19.1.dist-info/METADATA",
        bytes: b"Metadata-Version: 2.1\nName: requests\nVersion: 2.19.1\n\n",
    },
    Case {
        system: &DEBIAN,
        ecosystem: "npm",
        package: "lodash",
        version: "4.17.15",
        file: "srv/shop/node_modules/lodash/package.json",
        bytes: br#"{"name": "lodash", "version": "4.17.15", "main": "lodash.js"}"#,
    },
    Case {
        system: &DEBIAN,
        ecosystem: "Maven",
        package: "org.apache.logging.log4j:log4j-core",
        version: "2.14.1",
        file: "opt/app/app.jar",
        bytes: fixture!("app.jar"),
    },
    Case {
        system: &DEBIAN,
        ecosystem: "Maven",
        package: "org.example:library",
        version: "2.0",
        file: "opt/app/app.jar",
        bytes: fixture!("app.jar"),
    },
    Case {
        system: &DEBIAN,
        ecosystem: "Go",
        package: "golang.org/x/net",
        version: "0.17.0",
        file: "usr/local/bin/tool",
        bytes: fixture!("tool-go"),
    },
    Case {
        system: &DEBIAN,
        ecosystem: "Go",
        package: "stdlib",
        version: "1.21.5",
        file: "usr/local/bin/tool",
        bytes: fixture!("tool-go"),
    },
    Case {
        system: &DEBIAN,
        ecosystem: "Go",
        package: "golang.org/x/text",
        version: "0.3.7",
        file: "srv/go/go.mod",
        bytes: b"module example.com/app\n\ngo 1.20\n\nrequire golang.org/x/text v0.3.7\n",
    },
    Case {
        system: &DEBIAN,
        ecosystem: "crates.io",
        package: "time",
        version: "0.1.43",
        file: "usr/local/bin/other",
        bytes: fixture!("tool-rust"),
    },
    Case {
        system: &DEBIAN,
        ecosystem: "crates.io",
        package: "smallvec",
        version: "1.6.0",
        file: "srv/app/Cargo.lock",
        bytes: fixture!("Cargo.lock"),
    },
    Case {
        system: &DEBIAN,
        ecosystem: "RubyGems",
        package: "rack",
        version: "2.2.3",
        file: "usr/local/bundle/specifications/rack-2.2.3.gemspec",
        bytes: b"# -*- encoding: utf-8 -*-\n# stub: rack 2.2.3 ruby lib\n\nGem::Specification.new do |s|\n  s.name = \"rack\".freeze\n  \
               s.version = \"2.2.3\"\nend\n",
    },
    Case {
        system: &DEBIAN,
        ecosystem: "Packagist",
        package: "twig/twig",
        version: "v1.42.0",
        file: "srv/shop/vendor/composer/installed.json",
        bytes: br#"{"packages": [{"name": "twig/twig", "version": "v1.42.0", "type": "library"}], "dev": false}"#,
    },
    Case {
        system: &DEBIAN,
        ecosystem: "NuGet",
        package: "Newtonsoft.Json",
        version: "12.0.1",
        file: "app/Shop.deps.json",
        bytes: br#"{"runtimeTarget": {"name": ".NETCoreApp,Version=v6.0"}, "libraries": {"Shop/1.0.0": {"type": "project"},
            "Newtonsoft.Json/12.0.1": {"type": "package", "serviceable": true}}}"#,
    },
    Case {
        system: &DEBIAN,
        ecosystem: "Pub",
        package: "http",
        version: "0.13.0",
        file: "srv/dart/pubspec.lock",
        bytes: b"packages:\n  http:\n    dependency: \"direct main\"\n    description:\n      name: http\n      url: \"https://pub.example\"\n    \
               source: hosted\n    version: \"0.13.0\"\nsdks:\n  dart: \">=2.12.0 <3.0.0\"\n",
    },
    Case {
        system: &DEBIAN,
        ecosystem: "Hex",
        package: "phoenix",
        version: "1.6.2",
        file: "srv/elixir/mix.lock",
        bytes: b"%{\n  \"phoenix\": {:hex, :phoenix, \"1.6.2\", \"0a\", [:mix], [], \"hexpm\", \"0b\"},\n}\n",
    },
    Case {
        system: &DEBIAN,
        ecosystem: "CRAN",
        package: "commonmark",
        version: "1.7",
        file: "usr/local/lib/R/site-library/commonmark/DESCRIPTION",
        bytes: b"Package: commonmark\nVersion: 1.7\nTitle: x\nRepository: CRAN\nBuilt: R 4.2.2; ; 2023; unix\n",
    },
    Case {
        system: &DEBIAN,
        ecosystem: "ConanCenter",
        package: "zlib",
        version: "1.2.11",
        file: "srv/native/conan.lock",
        bytes: br#"{"version": "0.5", "requires": ["zlib/1.2.11#0a%1675278126.0"], "build_requires": []}"#,
    },
    Case {
        system: &DEBIAN,
        ecosystem: "SwiftURL",
        package: "github.com/vapor/vapor",
        version: "4.40.0",
        file: "srv/swift/Package.resolved",
        bytes: br#"{"pins": [{"identity": "vapor", "kind": "remoteSourceControl", "location": "https://github.com/vapor/vapor.git",
            "state": {"revision": "0a", "version": "4.40.0"}}], "version": 2}"#,
    },
    Case {
        system: &DEBIAN,
        ecosystem: "npm",
        package: "minimist",
        version: "1.2.0",
        file: "srv/node/pnpm-lock.yaml",
        bytes: b"lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n      minimist:\n        specifier: ^1\n        \
               version: 1.2.0\n\npackages:\n\n  minimist@1.2.0:\n    resolution: {integrity: x}\n\nsnapshots:\n\n  minimist@1.2.0: {}\n",
    },
    Case {
        system: &DEBIAN,
        ecosystem: "PyPI",
        package: "jinja2",
        version: "2.10.1",
        file: "srv/python/poetry.lock",
        bytes: b"[[package]]\nname = \"Jinja2\"\nversion = \"2.10.1\"\noptional = false\n\n[metadata]\nlock-version = \"2.0\"\n",
    },
    Case {
        system: &DEBIAN,
        ecosystem: "Bitnami",
        package: "redis",
        version: "7.0.1",
        file: "opt/bitnami/redis/.spdx-redis.spdx",
        bytes: fixture!("redis.spdx"),
    },
    Case {
        system: &DEBIAN,
        ecosystem: "conda",
        package: "openssl",
        version: "1.1.1k",
        file: "opt/conda/conda-meta/openssl-1.1.1k-h27cfd23_0.json",
        bytes: br#"{"name": "openssl", "version": "1.1.1k", "build": "h27cfd23_0", "subdir": "linux-64"}"#,
    },
    Case {
        system: &DEBIAN,
        ecosystem: "brew",
        package: "xz",
        version: "5.6.1",
        file: "home/linuxbrew/.linuxbrew/Cellar/xz/5.6.1/INSTALL_RECEIPT.json",
        bytes: br#"{"homebrew_version": "4.2.0", "source": {"spec": "stable"}}"#,
    },
    Case {
        system: &DEBIAN,
        ecosystem: "nix",
        package: "curl",
        version: "7.79.1",
        file: "nix/store/0c6kzph7l0dcbfmjap64f0czdafn3b7x-curl-7.79.1/bin/curl",
        bytes: b"\x7fELF",
    },
];

#[test]
fn the_documentation_lists_each_of_them() {
    let text = include_str!("../../../../docs/accuracy.md");
    for case in &CASES {
        let row = format!("| {} | `{}` | {} {} |", case.ecosystem, case.file, case.package, case.version);
        assert!(text.contains(&row), "docs/accuracy.md lacks {row}");
    }
}

#[test]
fn each_ecosystem_leads_from_a_file_to_an_explained_row() {
    let fixture = Fixture::new();
    let targets: Vec<String> =
        SYSTEMS.iter().map(|system| format!("rootfs:{}", fixture.path(system.name).display())).collect();
    for system in SYSTEMS {
        fixture.write(&format!("{}/etc/os-release", system.name), system.release);
        fixture.write(&format!("{}/etc/hostname", system.name), system.name);
    }
    for (number, case) in CASES.iter().enumerate() {
        let path = format!("{}/{}", case.system.name, case.file);
        fixture.write(&path, case.bytes);
        // A program is read where it may be run.
        std::fs::set_permissions(fixture.path(&path), Permissions::from_mode(0o755)).unwrap();
        let (ecosystem, package, version) = (case.ecosystem, case.package, case.version);
        let record = format!(
            "{{\"id\": \"GHSA-test-{number:04}\", \"modified\": \"2026-11-01T00:00:00Z\", \"aliases\": [\"CVE-2026-1{number:03}\"], \
             \"affected\": [{{\"package\": {{\"ecosystem\": \"{ecosystem}\", \"name\": \"{package}\"}}, \"versions\": [\"{version}\"]}}]}}"
        );
        fixture.record(&format!("GHSA-test-{number:04}"), &record);
    }
    let mut scan: Vec<&str> = vec!["scan", "--format", "json"];
    scan.extend(targets.iter().map(String::as_str));
    fixture.run(&scan);
    fixture.import();
    let server = Server::start(&fixture);
    for (number, case) in CASES.iter().enumerate() {
        let found =
            server.get(&format!("/api/v1/findings?where=vulnerability%20%3D%20CVE-2026-1{number:03}"));
        let findings = found["findings"].as_array().unwrap();
        let finding = findings.iter().find(|finding| finding["asset"] == case.system.name);
        let finding = finding.unwrap_or_else(|| panic!("{} in {}: {found}", case.ecosystem, case.file));
        assert_eq!(finding["ecosystem"], case.ecosystem);
        let asset = finding["asset_id"].as_str().unwrap();
        let why = server
            .get(&format!("/api/v1/findings/explain?asset={asset}&vulnerability=CVE-2026-1{number:03}"));
        assert_eq!(why["open"], true, "{why}");
        let package = why["package"].as_str().unwrap();
        // Distributions' records speak of source packages, the row of what is installed.
        assert!(package.ends_with(&format!(" {} ({})", case.version, case.ecosystem)), "{why}");
        // A folder of a Nix store is a package, whatever file is in it.
        let path = why["evidence"][0]["paths"][0].as_str().unwrap();
        assert!(case.file == path || case.ecosystem == "nix" && case.file.starts_with(path), "{why}");
        assert_eq!(why["statements"][0]["advisory"], format!("GHSA-test-{number:04}"), "{why}");
    }
}
