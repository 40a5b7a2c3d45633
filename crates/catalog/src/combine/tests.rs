//! What several layers amount to.

use std::collections::BTreeMap;

use parapet_model::inventory::ReadOutcome;
use proptest::prelude::*;

use super::*;
use crate::testing::{DEBIAN, STATUS, TarBuilder, metadata, read_layer, status};

pub(super) fn inventory(archives: Vec<TarBuilder>) -> Inventory {
    let layers: Vec<(String, Arc<LayerContents>)> = archives
        .into_iter()
        .enumerate()
        .map(|(n, tar)| (format!("layer{n}"), Arc::new(read_layer(&tar.finish()).unwrap())))
        .collect();
    combine(&layers)
}

/// `layer: name version` for each package.
pub(super) fn lines(inventory: &Inventory) -> Vec<String> {
    let layers = inventory.layers.iter();
    layers
        .flat_map(|l| {
            l.set.packages.iter().map(|p| format!("{}: {} {}", l.layer, p.package.name, p.package.version))
        })
        .collect()
}

pub(super) fn tar() -> TarBuilder {
    TarBuilder::default()
}

/// Ecosystem, name and version of all that was found.
pub(super) fn ecosystems(inventory: &Inventory) -> Vec<String> {
    let packages = inventory.packages().map(|p| &p.package);
    let mut lines: Vec<String> =
        packages.map(|p| format!("{} {} {}", p.ecosystem, p.name, p.version)).collect();
    lines.sort();
    lines
}

#[test]
fn a_package_belongs_to_the_layer_since_which_it_stands() {
    let found = inventory(vec![
        tar().file("etc/os-release", DEBIAN).file(STATUS, status(&["a 1", "b 1", "gone 1"])),
        tar().file("srv/nothing", "of interest"),
        tar().file(STATUS, status(&["a 1", "b 2", "c 1"])),
        tar().file(STATUS, status(&["a 1", "b 1", "c 1"])),
    ]);
    assert_eq!(lines(&found), ["layer0: a 1", "layer2: c 1", "layer3: b 1"]);
    assert!(
        found
            .packages()
            .all(|p| p.package.ecosystem == "Debian:12" && p.paths == [STATUS.as_bytes().to_vec()])
    );
    assert_eq!(found.databases.len(), 1);
    assert_eq!((found.databases[0].packages, &found.databases[0].outcome), (3, &ReadOutcome::Read));
}

#[test]
fn a_removed_database_starts_afresh() {
    let found = inventory(vec![
        tar().file(STATUS, status(&["a 1"])),
        tar().file("var/lib/dpkg/.wh.status", ""),
        tar().file(STATUS, status(&["a 1"])),
    ]);
    assert_eq!(lines(&found), ["layer2: a 1"]);
    assert_eq!(found.packages().next().unwrap().package.ecosystem, "dpkg");
}

fn module(path: &str, name: &str) -> (String, String) {
    module_in(&format!("app/node_modules/{path}"), name)
}

fn module_in(directory: &str, name: &str) -> (String, String) {
    (format!("{directory}/package.json"), format!("{{\"name\":\"{name}\",\"version\":\"1.0.0\"}}"))
}

#[test]
fn whiteouts_and_opaque_directories_hide_lower_layers_only() {
    let (lodash, text) = module("lodash", "lodash");
    let (inner, inner_text) = module("lodash/node_modules/inner", "inner");
    let (minimist, minimist_text) = module("minimist", "minimist");
    let found = inventory(vec![
        tar().file(&lodash, &text).file(&inner, inner_text).file(&minimist, minimist_text),
        tar()
            .file(&lodash, text.replace("1.0.0", "2.0.0"))
            .file("app/node_modules/lodash/.wh..wh..opq", "")
            .file("app/node_modules/.wh.minimist", ""),
    ]);
    assert_eq!(lines(&found), ["layer1: lodash 2.0.0"]);
}

#[test]
fn what_takes_the_place_of_a_directory_hides_it() {
    let meta = metadata("x", "1");
    let base = || tar().file("opt/app/x-1.dist-info/METADATA", &meta);
    assert_eq!(lines(&inventory(vec![base(), tar().symlink("opt/app", "/srv")])), Vec::<String>::new());
    assert_eq!(lines(&inventory(vec![base(), tar().file("opt", "")])), Vec::<String>::new());
    assert_eq!(
        lines(&inventory(vec![base(), tar().dir("opt/app/x-1.dist-info/METADATA")])),
        Vec::<String>::new()
    );
    assert_eq!(lines(&inventory(vec![base(), tar().dir("opt/app")])), ["layer0: x 1"]);
    assert_eq!(lines(&inventory(vec![base(), tar().file(".wh..wh..opq", "")])), Vec::<String>::new());
}

#[test]
fn a_package_in_two_layers_is_listed_once() {
    let meta = metadata("x", "1");
    let found = inventory(vec![
        tar().file("a/x-1.dist-info/METADATA", &meta).file("b/x-1.dist-info/METADATA", &meta),
        tar().file("c/x-1.dist-info/METADATA", &meta),
    ]);
    assert_eq!(lines(&found), ["layer0: x 1"]);
    assert_eq!(found.layers[0].set.packages[0].paths.len(), 2);
}

#[test]
fn language_packages_of_the_distribution_are_its_own() {
    let owned = "usr/lib/python3/dist-packages/six-1.dist-info/METADATA";
    let found = inventory(vec![
        tar()
            .file(STATUS, status(&["python3-six 1"]))
            .file(
                "var/lib/dpkg/info/python3-six.list",
                format!("/.\n/usr\n/{owned}\n/usr/share/java/a.jar\n"),
            )
            .file(owned, metadata("six", "1"))
            .file("usr/share/java/a.jar", "")
            .file("usr/local/lib/requests-2.dist-info/METADATA", metadata("requests", "2")),
        tar().file("lib/apk/db/installed", "P:py\nV:1\nF:opt\nR:y-1.dist-info/METADATA\n\n"),
        tar().file("opt/y-1.dist-info/METADATA", metadata("y", "1")),
    ]);
    assert_eq!(lines(&found), ["layer0: requests 2", "layer0: python3-six 1", "layer1: py 1"]);
    assert!(found.databases.iter().all(|d| d.outcome == ReadOutcome::Read), "{:?}", found.databases);
    // When the list goes, the files stay behind as somebody else's.
    let found = inventory(vec![
        tar().file("var/lib/dpkg/info/six.list", format!("/{owned}\n")).file(owned, metadata("six", "1")),
        tar().file("var/lib/dpkg/info/.wh.six.list", ""),
    ]);
    assert_eq!(lines(&found), ["layer0: six 1"]);
}

#[test]
fn a_lock_file_counts_where_nothing_is_installed() {
    let lock = r#"{"packages":{"node_modules/a":{"version":"1.0.0"}}}"#;
    let (path, text) = module("b", "b");
    let yarn = "# yarn lockfile v1\n\na@^1:\n  version \"1.0.0\"\n";
    let base = || tar().file("app/package-lock.json", lock).file("app/yarn.lock", yarn);
    let alone = inventory(vec![base()]);
    assert_eq!(lines(&alone), ["layer0: a 1.0.0"]);
    assert_eq!(alone.databases.len(), 2);
    let installed = inventory(vec![base(), tar().file(&path, text)]);
    assert_eq!(lines(&installed), ["layer1: b 1.0.0"]);
    assert_eq!(installed.databases.len(), 1);
    let removed = inventory(vec![
        base(),
        tar().file(&path, "{\"name\":\"b\",\"version\":\"1\"}"),
        tar().file("app/.wh.node_modules", ""),
    ]);
    assert_eq!(lines(&removed), ["layer0: a 1.0.0"]);
}

#[test]
fn unread_and_unreadable_things_are_said() {
    let found = inventory(vec![
        tar()
            .file(STATUS, status(&["a 1"]))
            .file("lib/apk/db/installed", "rubbish")
            .file("opt/app.jar", "PK")
            .file("srv/x-1.dist-info/METADATA", ""),
    ]);
    let said: Vec<String> =
        found.databases.iter().map(|d| format!("{} {} {:?}", d.kind, d.path, d.outcome)).collect();
    assert_eq!(
        said,
        [
            "apk lib/apk/db/installed Unreadable(\"line 1 is no field: \\\"rubbish\\\"\")",
            "dpkg var/lib/dpkg/status Read",
            "java opt Unreadable(\"opt/app.jar: it has no directory of a ZIP archive\")",
            "python srv Unreadable(\"srv/x-1.dist-info/METADATA: the name is empty\")",
        ]
    );
    assert_eq!(lines(&found), ["layer0: a 1"]);
}

/// One step of a layer. Places are numbers into [`PLACES`].
#[derive(Debug, Clone)]
enum Step {
    Package(usize, u8),
    Plain(usize),
    Link(usize),
    Directory(usize),
    Whiteout(usize),
    Opaque(usize),
}

/// Directories and packages that get into each other's way; packages end in METADATA.
const PLACES: [&str; 11] = [
    "a",
    "a/b",
    "a/b/c",
    "d",
    "a/p.dist-info",
    "a/p.dist-info/METADATA",
    "a/b/q.dist-info/METADATA",
    "a/b/c/r.dist-info/METADATA",
    "d/s.dist-info/METADATA",
    "d/t.dist-info/METADATA",
    "u.dist-info/METADATA",
];

/// Places from here on are packages.
const PACKAGES: usize = 5;

fn step() -> impl Strategy<Value = Step> {
    let package = PACKAGES..PLACES.len();
    let directory = 0..PACKAGES;
    let any = 0..PLACES.len();
    prop_oneof![
        6 => (package, 1..3_u8).prop_map(|(place, version)| Step::Package(place, version)),
        1 => directory.clone().prop_map(Step::Plain),
        1 => any.clone().prop_map(Step::Link),
        1 => directory.clone().prop_map(Step::Directory),
        2 => any.prop_map(Step::Whiteout),
        1 => directory.prop_map(Step::Opaque),
    ]
}

/// What the naive file system holds at a path: for packages, who wrote which version; 0 is none.
#[derive(Clone)]
enum Node {
    Directory,
    File(Vec<(usize, u8)>),
}

/// A file system that does what a container engine would.
#[derive(Default)]
struct Naive(BTreeMap<String, Node>);

impl Naive {
    fn remove_below(&mut self, path: &str) {
        self.0.retain(|p, _| !p.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')));
    }

    fn make_directories(&mut self, path: &str) {
        for (slash, _) in path.match_indices('/') {
            self.directory(&path[..slash]);
        }
    }

    fn directory(&mut self, path: &str) {
        if !matches!(self.0.get(path), Some(Node::Directory)) {
            self.0.insert(path.to_owned(), Node::Directory);
        }
    }

    fn write(&mut self, path: &str, layer: usize, version: u8) {
        self.make_directories(path);
        self.remove_below(path);
        let mut history = match self.0.remove(path) {
            Some(Node::File(history)) => history,
            _ => Vec::new(),
        };
        history.retain(|(by, _)| *by != layer);
        history.push((layer, version));
        self.0.insert(path.to_owned(), Node::File(history));
    }

    fn apply(&mut self, layer: usize, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Whiteout(place) => {
                    self.0.remove(PLACES[*place]);
                    self.remove_below(PLACES[*place]);
                }
                Step::Opaque(place) => self.remove_below(PLACES[*place]),
                _ => {}
            }
        }
        for step in steps {
            match step {
                Step::Package(place, version) => self.write(PLACES[*place], layer, *version),
                Step::Plain(place) | Step::Link(place) => self.write(PLACES[*place], layer, 0),
                Step::Directory(place) => {
                    self.make_directories(PLACES[*place]);
                    self.directory(PLACES[*place]);
                }
                Step::Whiteout(_) | Step::Opaque(_) => {}
            }
        }
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (path, node) in &self.0 {
            let Node::File(history) = node else { continue };
            let (mut layer, version) = *history.last().unwrap();
            if version == 0 || !path.ends_with("METADATA") {
                continue;
            }
            for (by, _) in history.iter().rev().take_while(|(_, v)| *v == version) {
                layer = *by;
            }
            let name = PLACES.iter().position(|place| place == path).unwrap();
            lines.push(format!("layer{layer}: p{name} {version}"));
        }
        lines.sort();
        lines
    }
}

fn archive(steps: &[Step]) -> TarBuilder {
    let parents =
        |tar: TarBuilder, path: &str| path.match_indices('/').fold(tar, |tar, (at, _)| tar.dir(&path[..at]));
    steps.iter().fold(tar(), |tar, step| match step {
        Step::Package(place, version) => {
            let text = metadata(&format!("p{place}"), &version.to_string());
            parents(tar, PLACES[*place]).file(PLACES[*place], text)
        }
        Step::Plain(place) => parents(tar, PLACES[*place]).file(PLACES[*place], "x"),
        Step::Link(place) => parents(tar, PLACES[*place]).symlink(PLACES[*place], "elsewhere"),
        Step::Directory(place) => parents(tar, PLACES[*place]).dir(PLACES[*place]),
        Step::Whiteout(place) => {
            let (directory, name) = PLACES[*place].rsplit_once('/').unwrap_or((".", PLACES[*place]));
            tar.file(&format!("{directory}/.wh.{name}"), "")
        }
        Step::Opaque(place) => tar.file(&format!("{}/.wh..wh..opq", PLACES[*place]), ""),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_stack_of_layers_shows_what_a_file_system_would(
        stack in proptest::collection::vec(proptest::collection::vec(step(), 0..8), 1..6),
    ) {
        let mut naive = Naive::default();
        for (layer, steps) in stack.iter().enumerate() {
            naive.apply(layer, steps);
        }
        let found = inventory(stack.iter().map(|steps| archive(steps)).collect());
        let mut shown = lines(&found);
        shown.sort();
        prop_assert_eq!(shown, naive.lines());
    }
}

#[test]
fn what_a_vendors_package_brings_along_counts_for_itself() {
    let stanza = |name: &str, maintainer: &str| {
        format!("Package: {name}\nStatus: install ok installed\nVersion: 1\nMaintainer: {maintainer}\n\n")
    };
    let databases =
        stanza("nodejs", "Support <support@nodesource.com>") + &stanza("npm", "A Team <team@debian.org>");
    let npm = module_in("usr/lib/node_modules/npm", "npm");
    let corepack = module_in("usr/lib/node_modules/corepack", "corepack");
    let found = inventory(vec![
        tar()
            .file("etc/os-release", DEBIAN)
            .file(STATUS, databases)
            .file("var/lib/dpkg/info/npm.list", format!("/{}\n", npm.0))
            .file("var/lib/dpkg/info/nodejs.list", format!("/{}\n", corepack.0))
            .file(&npm.0, &npm.1)
            .file(&corepack.0, &corepack.1),
    ]);
    let mut named: Vec<String> =
        found.packages().map(|p| format!("{} {}", p.package.ecosystem, p.package.name)).collect();
    named.sort();
    assert_eq!(named, ["Debian:12 npm", "dpkg:NodeSource nodejs", "npm corepack"]);
}

/// A Go program, built from `m.example/tool`.
pub(super) fn program() -> Vec<u8> {
    let info = crate::gobuild::tests::inline("go1.21.5", "mod\tm.example/tool\tv1.0.0\n");
    crate::program::tests::elf(&[(".go.buildinfo", &info)])
}

/// Where that program was found.
pub(super) fn programs(inventory: &Inventory) -> Vec<String> {
    let found = inventory.packages().filter(|p| p.package.name == "m.example/tool");
    found.flat_map(|p| p.paths.iter().map(|path| String::from_utf8_lossy(path).into_owned())).collect()
}

#[test]
fn programs_of_the_distribution_are_its_own_and_those_of_vendors_are_not() {
    let stanza = |name: &str, maintainer: &str| {
        format!("Package: {name}\nStatus: install ok installed\nVersion: 1\nMaintainer: {maintainer}\n\n")
    };
    let databases =
        stanza("podman", "A Team <team@debian.org>") + &stanza("docker-ce", "Docker <support@docker.com>");
    let base = || {
        tar()
            .file("usr/bin/podman", program())
            .file("usr/bin/dockerd", program())
            .file(STATUS, &databases)
            .file("var/lib/dpkg/info/podman.list", "/usr/bin/podman\n")
            .file("var/lib/dpkg/info/docker-ce.list", "/usr/bin/dockerd\n")
    };
    assert_eq!(programs(&inventory(vec![base()])), ["usr/bin/dockerd"]);
    // The same file written again by a later layer is still the package's.
    assert_eq!(
        programs(&inventory(vec![base(), tar().file("usr/bin/podman", program())])),
        ["usr/bin/dockerd"]
    );
    assert_eq!(
        programs(&inventory(vec![base(), tar().file("opt/podman", program())])),
        ["usr/bin/dockerd"],
        "a package of two layers is put down to the lower one"
    );
}

const BOM: &str = r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[
    {"type":"library","name":"a","version":"1","purl":"pkg:deb/debian/a@1?arch=amd64"},
    {"type":"library","name":"x","version":"2","purl":"pkg:pypi/x@2"},
    {"type":"library","name":"y","version":"3","purl":"pkg:pypi/y@3"},
    {"type":"library","name":"redis","version":"7.0","purl":"pkg:bitnami/redis@7.0"},
    {"type":"library","name":"nothing"}]}"#;

#[test]
fn an_sbom_inside_adds_what_no_reader_found() {
    let base = || {
        tar()
            .file("etc/os-release", DEBIAN)
            .file(STATUS, status(&["a 1"]))
            .file("srv/x-2.dist-info/METADATA", metadata("x", "2"))
    };
    let found = inventory(vec![base(), tar().file("opt/app/app.cdx.json", BOM)]);
    assert_eq!(lines(&found), ["layer0: a 1", "layer0: x 2", "layer1: redis 7.0", "layer1: y 3"]);
    let y = found.packages().find(|p| p.package.name == "y").unwrap();
    assert_eq!((y.database.as_str(), y.paths.clone()), ("sbom", vec![b"opt/app/app.cdx.json".to_vec()]));
    let said: Vec<&ReadOutcome> =
        found.databases.iter().filter(|d| d.kind == "sbom").map(|d| &d.outcome).collect();
    assert!(matches!(said[1], ReadOutcome::Read), "{said:?}");
    assert!(
        matches!(said[0], ReadOutcome::NotRead(why) if why.contains("1 without a package URL")),
        "{said:?}"
    );
    // One that belongs to a package of the distribution speaks of that.
    let owned = inventory(vec![
        base(),
        tar().file("opt/app/app.cdx.json", BOM).file("var/lib/dpkg/info/a.list", "/opt/app/app.cdx.json\n"),
    ]);
    assert_eq!(lines(&owned), ["layer0: a 1", "layer0: x 2"]);
}

#[test]
fn an_sbom_attached_to_an_image_adds_what_no_reader_found() {
    let mut found = inventory(vec![tar().file("etc/os-release", DEBIAN).file(STATUS, status(&["a 1"]))]);
    let digest = parapet_model::Digest::of(BOM.as_bytes());
    let statement = format!(r#"{{"_type":"https://in-toto.io/Statement/v1","predicate":{BOM}}}"#);
    crate::sbom::witness::attach(&mut found, &digest, statement.as_bytes());
    assert_eq!(
        lines(&found),
        [
            "layer0: a 1".to_owned(),
            format!("{digest}: redis 7.0"),
            format!("{digest}: x 2"),
            format!("{digest}: y 3")
        ]
    );
    crate::sbom::witness::attach(&mut found, &digest, b"{}");
    let problem = found.databases.iter().find(|d| matches!(d.outcome, ReadOutcome::Unreadable(_))).unwrap();
    assert_eq!(problem.path, format!("sbom:{digest}"));
}

#[test]
fn spdx_says_the_same_as_cyclonedx() {
    let spdx = r#"{"spdxVersion":"SPDX-2.3","documentDescribes":["SPDXRef-image"],"packages":[
        {"SPDXID":"SPDXRef-image","name":"the image"},
        {"SPDXID":"SPDXRef-1","name":"redis","versionInfo":"7.0","externalRefs":[
            {"referenceCategory":"SECURITY","referenceType":"cpe23Type","referenceLocator":"cpe:2.3:a:redis"},
            {"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:bitnami/redis@7.0"}]},
        {"SPDXID":"SPDXRef-2","name":"nothing","versionInfo":"1"}]}"#;
    let reading = crate::sbom::witness::read(spdx.as_bytes());
    assert_eq!(reading.packages, [PackageKey::new("Bitnami", "redis", "7.0")]);
    assert_eq!((reading.problem, reading.unknown.as_deref()), (None, Some("1 without a package URL")));
    assert!(crate::sbom::witness::read(b"SPDXVersion: SPDX-2.3\n").unknown.is_some());
}
