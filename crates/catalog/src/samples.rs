//! One sound file of each reader, the way its program writes it, with the packages that it names.

use crate::testing::{STATUS, metadata, status};

/// A file as its program writes it.
pub(crate) struct Sample {
    pub(crate) path: &'static str,
    pub(crate) text: String,
    /// `name version`, sorted.
    pub(crate) found: &'static [&'static str],
    /// Whether the file may end anywhere between two entries and still be a sound one.
    pub(crate) ends_anywhere: bool,
}

fn sample(path: &'static str, text: impl Into<String>, found: &'static [&'static str]) -> Sample {
    Sample { path, text: text.into(), found, ends_anywhere: false }
}

fn open_ended(path: &'static str, text: impl Into<String>, found: &'static [&'static str]) -> Sample {
    Sample { ends_anywhere: true, ..sample(path, text, found) }
}

const TWO: &[&str] = &["aa 1.22.333", "bb 4.55.666"];

/// All that are text. Python's eggs in one file come in `python/tests.rs`, programs, archives and
/// databases of rpm in `combine/hostile.rs`.
pub(crate) fn all() -> Vec<Sample> {
    [databases(), npm(), python(), others(), libraries(), witnesses()].into_iter().flatten().collect()
}

fn databases() -> Vec<Sample> {
    vec![
        open_ended(
            STATUS,
            status(&["glass 1.22.333-4", "stone 2:5.66-7", "wood 8.99"]),
            &["glass 1.22.333-4", "stone 2:5.66-7", "wood 8.99"],
        ),
        open_ended(
            "lib/apk/db/installed",
            "P:musl\nV:1.22.333-r4\nA:x\n\nP:zlib\nV:5.66-r7\nA:x\n\n",
            &["musl 1.22.333-r4", "zlib 5.66-r7"],
        ),
        open_ended(
            "var/lib/rpmmanifest/container-manifest-2",
            "aa\t1.22.333-4.azl3\t1\t1\tMicrosoft Corporation\t(none)\t9\tx86_64\t0\taa-1.22.333-4.azl3.src.rpm\n\
             bb\t5.66-7.azl3\t1\t1\tMicrosoft Corporation\t2\t9\tnoarch\t2\tbb-5.66-7.azl3.src.rpm\n",
            &["aa 1.22.333-4.azl3", "bb 2:5.66-7.azl3"],
        ),
    ]
}

fn npm() -> Vec<Sample> {
    let lock = r#"{"lockfileVersion": 3, "packages": {"": {"name": "p", "version": "0.0.1"},
        "node_modules/aa": {"version": "1.22.333"}, "node_modules/bb": {"version": "4.55.666"}}}"#;
    let tree = r#"{"lockfileVersion": 1, "dependencies": {"aa": {"version": "1.22.333",
        "dependencies": {"bb": {"version": "4.55.666"}}}}}"#;
    let yarn = "# yarn lockfile v1\n\n\naa@^1:\n  version \"1.22.333\"\n  resolved \"https://r.example/aa\"\n\n\
                \"bb@>=4 <5\":\n  version \"4.55.666\"\n";
    let berry = "__metadata:\n  version: 8\n\n\"aa@npm:^1\":\n  version: 1.22.333\n  resolution: \"aa@npm:1.22.333\"\n  \
                 linkType: hard\n\n\"bb@npm:^4\":\n  version: 4.55.666\n  resolution: \"bb@npm:4.55.666\"\n  \
                 linkType: hard\n";
    let pnpm = "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n      aa:\n        specifier: ^1\n        \
                version: 1.22.333\n\npackages:\n\n  aa@1.22.333:\n    resolution: {integrity: x}\n\n  \
                bb@4.55.666:\n    resolution: {integrity: y}\n\nsnapshots:\n\n  aa@1.22.333:\n    dependencies:\n      \
                bb: 4.55.666\n\n  bb@4.55.666: {}\n";
    let bun = "{\n  \"lockfileVersion\": 1,\n  \"workspaces\": {\n    \"\": {\n      \"name\": \"p\",\n      \
               \"dependencies\": {\n        \"aa\": \"^1\",\n      },\n    },\n  },\n  \"packages\": {\n    \
               \"aa\": [\"aa@1.22.333\", \"\", { \"dependencies\": { \"bb\": \"^4\" } }, \"sha512-x\"],\n\n    \
               \"bb\": [\"bb@4.55.666\", \"\", {}, \"sha512-y\"],\n  }\n}\n";
    vec![
        sample(
            "srv/node_modules/@scope/aa/package.json",
            r#"{"name": "@scope/aa", "version": "1.22.333", "main": "a.js"}"#,
            &["@scope/aa 1.22.333"],
        ),
        sample("app/package-lock.json", lock, TWO),
        sample("app/package-lock.json", tree, TWO),
        open_ended("app/yarn.lock", yarn, TWO),
        open_ended("app/yarn.lock", berry, TWO),
        open_ended("app/pnpm-lock.yaml", pnpm, TWO),
        sample("app/bun.lock", bun, TWO),
    ]
}

fn python() -> Vec<Sample> {
    let poetry = "[[package]]\nname = \"aa\"\nversion = \"1.22.333\"\noptional = false\n\n[[package]]\nname = \"bb\"\n\
                  version = \"4.55.666\"\n\n[metadata]\nlock-version = \"2.0\"\n";
    let pdm = "[metadata]\nlock_version = \"4.5.0\"\n\n[[package]]\nname = \"aa\"\nversion = \"1.22.333\"\n\n\
               [[package]]\nname = \"bb\"\nversion = \"4.55.666\"\n";
    let uv = "version = 1\nrequires-python = \">=3.11\"\n\n[[package]]\nname = \"aa\"\nversion = \"1.22.333\"\n\
              source = { registry = \"https://pypi.example/simple\" }\n\n[[package]]\nname = \"bb\"\n\
              version = \"4.55.666\"\nsource = { registry = \"https://pypi.example/simple\" }\n";
    let pylock = "lock-version = \"1.0\"\ncreated-by = \"x\"\n\n[[packages]]\nname = \"aa\"\nversion = \"1.22.333\"\n\n\
                  [[packages]]\nname = \"bb\"\nversion = \"4.55.666\"\n";
    let pipenv = r#"{"_meta": {"hash": {"sha256": "x"}, "requires": {}, "sources": []},
        "default": {"aa": {"hashes": [], "version": "==1.22.333"}, "bb": {"version": "==4.55.666"}}, "develop": {}}"#;
    vec![
        open_ended(
            "usr/lib/python3/dist-packages/aa-1.dist-info/METADATA",
            metadata("aa", "1.22.333"),
            &["aa 1.22.333"],
        ),
        open_ended("opt/site-packages/aa.egg-info/PKG-INFO", metadata("aa", "1.22.333"), &["aa 1.22.333"]),
        open_ended("app/requirements.txt", "aa==1.22.333 \\\n    --hash=sha256:x\nbb==4.55.666 # why\n", TWO),
        sample("app/Pipfile.lock", pipenv, TWO),
        open_ended("app/poetry.lock", poetry, TWO),
        open_ended("app/pdm.lock", pdm, TWO),
        open_ended("app/uv.lock", uv, TWO),
        open_ended("app/pylock.toml", pylock, TWO),
    ]
}

fn others() -> Vec<Sample> {
    let gem_lock = "GEM\n  remote: https://rubygems.example/\n  specs:\n    aa (1.22.333)\n      bb (~> 4)\n    \
                    bb (4.55.666-x86_64-linux)\n\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n  aa\n";
    let composer = r#"{"packages": [{"name": "Vendor/aa", "version": "1.22.333"}], "packages-dev": []}"#;
    let deps = r#"{"runtimeTarget": {"name": ".NETCoreApp,Version=v8.0"}, "libraries": {"app/1.0.0": {"type": "project"},
        "aa/1.22.333": {"type": "package", "serviceable": true}, "bb/4.55.666": {"type": "package"}}}"#;
    let nuget = r#"{"version": 1, "dependencies": {"net8.0": {"aa": {"type": "Direct", "resolved": "1.22.333"},
        "bb": {"type": "Transitive", "resolved": "4.55.666"}}}}"#;
    let config = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<packages>\n  <package id=\"aa\" version=\"1.22.333\" />\n  \
                  <package id=\"bb\" version=\"4.55.666\" />\n</packages>\n";
    let dart = "packages:\n  aa:\n    dependency: \"direct main\"\n    description:\n      name: aa\n    source: hosted\n    \
                version: \"1.22.333\"\n  bb:\n    dependency: transitive\n    source: hosted\n    version: \"4.55.666\"\n\
                sdks:\n  dart: \">=3.0.0 <4.0.0\"\n";
    let mix = "%{\n  \"aa\": {:hex, :aa, \"1.22.333\", \"0a\", [:mix], [], \"hexpm\", \"0b\"},\n  \
               \"bb\": {:hex, :bb, \"4.55.666\", \"0c\", [:rebar3], [], \"hexpm\", \"0d\"},\n}\n";
    let rebar = "{\"1.2.0\",\n[{<<\"aa\">>,{pkg,<<\"aa\">>,<<\"1.22.333\">>},0},\n {<<\"bb\">>,{pkg,<<\"bb\">>,<<\"4.55.666\">>},1}]}.\n\
                 [\n{pkg_hash,[\n {<<\"aa\">>, <<\"0A\">>},\n {<<\"bb\">>, <<\"0B\">>}]}\n].\n";
    vec![
        open_ended(
            "usr/local/bundle/specifications/aa-1.22.333.gemspec",
            "# -*- encoding: utf-8 -*-\n# stub: aa 1.22.333 ruby lib\n\nGem::Specification.new do |s|\nend\n",
            &["aa 1.22.333"],
        ),
        open_ended("app/Gemfile.lock", gem_lock, TWO),
        sample("app/vendor/composer/installed.json", composer, &["vendor/aa 1.22.333"]),
        sample("app/composer.lock", composer, &["vendor/aa 1.22.333"]),
        sample("app/app.deps.json", deps, TWO),
        sample("src/obj/project.assets.json", deps, TWO),
        sample("src/packages.lock.json", nuget, TWO),
        sample("src/packages.config", config, TWO),
        open_ended("app/pubspec.lock", dart, TWO),
        sample("app/mix.lock", mix, TWO),
        sample("app/rebar.lock", rebar, TWO),
    ]
}

fn libraries() -> Vec<Sample> {
    let renv = r#"{"R": {"Version": "4.3.1"}, "Packages": {"aa": {"Package": "aa", "Version": "1.22.333", "Source": "Repository"},
        "bb": {"Package": "bb", "Version": "4.55.666", "Source": "Bioconductor"}}}"#;
    let conan = r#"{"version": "0.5", "requires": ["aa/1.22.333#0a%1.0", "bb/4.55.666"], "build_requires": ["cmake/3.0"]}"#;
    let go =
        "module example.org/app\n\ngo 1.21\n\nrequire (\n\taa v1.22.333\n\tbb v4.55.666 // indirect\n)\n";
    let swift = r#"{"pins": [{"identity": "aa", "kind": "remoteSourceControl", "location": "https://git.example/aa.git",
        "state": {"revision": "0a", "version": "1.22.333"}}], "version": 2}"#;
    let cargo = "version = 4\n\n[[package]]\nname = \"aa\"\nversion = \"1.22.333\"\n\
                 source = \"registry+https://index.example/\"\ndependencies = [\n \"bb\",\n]\n\n[[package]]\nname = \"bb\"\n\
                 version = \"4.55.666\"\nsource = \"registry+https://index.example/\"\n";
    let pods = "PODS:\n  - aa (1.22.333):\n    - bb\n  - bb/Core (4.55.666)\n\nDEPENDENCIES:\n  - aa\n\nCOCOAPODS: 1.12.0\n";
    vec![
        open_ended(
            "usr/lib/R/library/aa/DESCRIPTION",
            "Package: aa\nVersion: 1.22.333\nTitle: x\nBuilt: R 4.3.1; ; 2023; unix\n",
            &["aa 1.22.333"],
        ),
        sample("app/renv.lock", renv, TWO),
        sample("app/conan.lock", conan, TWO),
        open_ended(
            "p/conaninfo.txt",
            "[settings]\n    os=Linux\n\n[full_requires]\n    aa/1.22.333:0a\n    bb/4.55.666#0b:0c\n",
            TWO,
        ),
        sample(
            "opt/conda/conda-meta/aa-1.22.333-0.json",
            r#"{"build": "0", "name": "aa", "subdir": "linux-64", "version": "1.22.333"}"#,
            &["aa 1.22.333"],
        ),
        sample(
            "home/linuxbrew/.linuxbrew/Cellar/aa/1.22.333_1/INSTALL_RECEIPT.json",
            r#"{"homebrew_version": "4.0", "source": {"spec": "stable"}}"#,
            &["aa 1.22.333_1"],
        ),
        open_ended("app/go.mod", go, TWO),
        sample("app/Package.resolved", swift, &["git.example/aa 1.22.333"]),
        open_ended("app/Podfile.lock", pods, TWO),
        open_ended("app/Cargo.lock", cargo, TWO),
    ]
}

fn witnesses() -> Vec<Sample> {
    let cyclonedx = r#"{"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [
        {"type": "library", "name": "aa", "version": "1.22.333", "purl": "pkg:pypi/aa@1.22.333"},
        {"type": "library", "name": "bb", "version": "4.55.666", "purl": "pkg:npm/bb@4.55.666"}]}"#;
    let spdx = r#"{"spdxVersion": "SPDX-2.3", "packages": [{"SPDXID": "SPDXRef-1", "name": "aa", "versionInfo": "1.22.333",
        "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:bitnami/aa@1.22.333"}]}]}"#;
    vec![
        sample("opt/app.cdx.json", cyclonedx, TWO),
        sample("opt/bitnami/aa/.spdx-aa.spdx", spdx, &["aa 1.22.333"]),
    ]
}

/// The samples as seeds of the fuzz targets: the path, a line's end, the file. With
/// `PARAPET_WRITE_SEEDS` they are written anew.
#[test]
fn the_fuzz_targets_begin_with_these_samples() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/text");
    let mut expected = std::collections::BTreeMap::new();
    for (number, sample) in all().into_iter().enumerate() {
        let name = sample.path.rsplit('/').next().unwrap_or_default();
        expected.insert(format!("{number:02}-{name}"), format!("{}\n{}", sample.path, sample.text));
    }
    if std::env::var_os("PARAPET_WRITE_SEEDS").is_some() {
        std::fs::remove_dir_all(&folder).unwrap();
        std::fs::create_dir_all(&folder).unwrap();
        for (name, text) in &expected {
            std::fs::write(folder.join(name), text).unwrap();
        }
    }
    let entries = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap());
    let found: std::collections::BTreeMap<String, String> = entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read_to_string(entry.path()).unwrap())
        })
        .collect();
    assert_eq!(found, expected, "write them with PARAPET_WRITE_SEEDS=1");
}
