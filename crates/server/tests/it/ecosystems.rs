//! From a real file to an explained row, once for each ecosystem of text formats.
//!
//! The advisories list their versions one by one, so that each is found whatever order the ecosystem
//! has.

use crate::support::{Fixture, Server};

/// A file of an ecosystem, the package in it that an advisory speaks of, and where.
struct Case {
    ecosystem: &'static str,
    package: &'static str,
    version: &'static str,
    file: &'static str,
    text: &'static str,
}

const CASES: [Case; 10] = [
    Case {
        ecosystem: "RubyGems",
        package: "rack",
        version: "2.2.3",
        file: "usr/local/bundle/specifications/rack-2.2.3.gemspec",
        text: "# -*- encoding: utf-8 -*-\n# stub: rack 2.2.3 ruby lib\n\nGem::Specification.new do |s|\n  s.name = \"rack\".freeze\n  \
               s.version = \"2.2.3\"\nend\n",
    },
    Case {
        ecosystem: "Packagist",
        package: "twig/twig",
        version: "v1.42.0",
        file: "srv/shop/vendor/composer/installed.json",
        text: r#"{"packages": [{"name": "twig/twig", "version": "v1.42.0", "type": "library"}], "dev": false}"#,
    },
    Case {
        ecosystem: "NuGet",
        package: "Newtonsoft.Json",
        version: "12.0.1",
        file: "app/Shop.deps.json",
        text: r#"{"runtimeTarget": {"name": ".NETCoreApp,Version=v6.0"}, "libraries": {"Shop/1.0.0": {"type": "project"},
            "Newtonsoft.Json/12.0.1": {"type": "package", "serviceable": true}}}"#,
    },
    Case {
        ecosystem: "Pub",
        package: "http",
        version: "0.13.0",
        file: "srv/dart/pubspec.lock",
        text: "packages:\n  http:\n    dependency: \"direct main\"\n    description:\n      name: http\n      url: \"https://pub.example\"\n    \
               source: hosted\n    version: \"0.13.0\"\nsdks:\n  dart: \">=2.12.0 <3.0.0\"\n",
    },
    Case {
        ecosystem: "Hex",
        package: "phoenix",
        version: "1.6.2",
        file: "srv/elixir/mix.lock",
        text: "%{\n  \"phoenix\": {:hex, :phoenix, \"1.6.2\", \"0a\", [:mix], [], \"hexpm\", \"0b\"},\n}\n",
    },
    Case {
        ecosystem: "CRAN",
        package: "commonmark",
        version: "1.7",
        file: "usr/local/lib/R/site-library/commonmark/DESCRIPTION",
        text: "Package: commonmark\nVersion: 1.7\nTitle: x\nRepository: CRAN\nBuilt: R 4.2.2; ; 2023; unix\n",
    },
    Case {
        ecosystem: "ConanCenter",
        package: "zlib",
        version: "1.2.11",
        file: "srv/native/conan.lock",
        text: r#"{"version": "0.5", "requires": ["zlib/1.2.11#0a%1675278126.0"], "build_requires": []}"#,
    },
    Case {
        ecosystem: "SwiftURL",
        package: "github.com/vapor/vapor",
        version: "4.40.0",
        file: "srv/swift/Package.resolved",
        text: r#"{"pins": [{"identity": "vapor", "kind": "remoteSourceControl", "location": "https://github.com/vapor/vapor.git",
            "state": {"revision": "0a", "version": "4.40.0"}}], "version": 2}"#,
    },
    Case {
        ecosystem: "npm",
        package: "minimist",
        version: "1.2.0",
        file: "srv/node/pnpm-lock.yaml",
        text: "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n      minimist:\n        specifier: ^1\n        \
               version: 1.2.0\n\npackages:\n\n  minimist@1.2.0:\n    resolution: {integrity: x}\n\nsnapshots:\n\n  minimist@1.2.0: {}\n",
    },
    Case {
        ecosystem: "PyPI",
        package: "jinja2",
        version: "2.10.1",
        file: "srv/python/poetry.lock",
        text: "[[package]]\nname = \"Jinja2\"\nversion = \"2.10.1\"\noptional = false\n\n[metadata]\nlock-version = \"2.0\"\n",
    },
];

#[test]
fn each_ecosystem_leads_from_a_file_to_an_explained_row() {
    let fixture = Fixture::new();
    for (number, case) in CASES.iter().enumerate() {
        fixture.write(&format!("root/{}", case.file), case.text);
        let (ecosystem, package, version) = (case.ecosystem, case.package, case.version);
        let record = format!(
            "{{\"id\": \"GHSA-test-{number:04}\", \"modified\": \"2026-11-01T00:00:00Z\", \"aliases\": [\"CVE-2026-1{number:03}\"], \
             \"affected\": [{{\"package\": {{\"ecosystem\": \"{ecosystem}\", \"name\": \"{package}\"}}, \"versions\": [\"{version}\"]}}]}}"
        );
        fixture.record(&format!("GHSA-test-{number:04}"), &record);
    }
    fixture.fill();
    let server = Server::start(&fixture);
    for (number, case) in CASES.iter().enumerate() {
        let found =
            server.get(&format!("/api/v1/findings?where=vulnerability%20%3D%20CVE-2026-1{number:03}"));
        let [finding] = found["findings"].as_array().unwrap().as_slice() else {
            panic!("{}: {found}", case.ecosystem)
        };
        assert_eq!(
            (finding["package"].as_str(), finding["version"].as_str()),
            (Some(case.package), Some(case.version))
        );
        let asset = finding["asset_id"].as_str().unwrap();
        let why = server
            .get(&format!("/api/v1/findings/explain?asset={asset}&vulnerability=CVE-2026-1{number:03}"));
        assert_eq!(why["evidence"][0]["paths"][0], case.file, "{why}");
        assert_eq!(why["statements"][0]["advisory"], format!("GHSA-test-{number:04}"), "{why}");
    }
}
