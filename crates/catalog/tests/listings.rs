//! What is read is what the ecosystems' own programs list: `pip list`, `npm ls`, `gem list`, Bundler's
//! parser, `composer show`. Each where the environment names the peer.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use parapet_catalog::{Limits, rootfs};
use parapet_model::inventory::ReadOutcome;
use serde_json::Value;

/// The value of a variable that names a peer; without it the test is left out, which is an error
/// where all peers are required.
fn peer(variable: &str, what: &str) -> Option<String> {
    let value = std::env::var(variable).ok();
    if value.is_none() {
        assert!(std::env::var_os("PARAPET_REQUIRE_PEERS").is_none(), "{variable} must be set here");
        eprintln!("left out: {what}, set {variable}");
    }
    value
}

/// What is read below a directory of one ecosystem: `name version`. All of it must be readable.
fn ours(root: &Path, ecosystem: &str) -> BTreeSet<String> {
    ours_at(root, ecosystem, |_| true)
}

/// The same of files at some paths only.
fn ours_at(root: &Path, ecosystem: &str, at: impl Fn(&[u8]) -> bool) -> BTreeSet<String> {
    let inventory = rootfs::read(root, &Limits::default()).unwrap();
    let of_it = inventory.packages().filter(|p| p.package.ecosystem == ecosystem);
    let of_it = of_it.filter(|p| p.paths.iter().any(|path| at(path))).map(|p| &p.package);
    let names = of_it.map(|p| format!("{} {}", p.name, p.version)).collect();
    let damaged: Vec<_> =
        inventory.databases.iter().filter(|d| matches!(d.outcome, ReadOutcome::Unreadable(_))).collect();
    assert!(damaged.is_empty(), "{damaged:?}");
    names
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn write(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn distributions_are_those_of_pip_list() {
    let Some(python) = peer("PARAPET_PYTHON", "pip's own list") else { return };
    let script = "import json, sys, sysconfig, importlib.metadata as m; p = sysconfig.get_path('purelib'); \
                  print(json.dumps([p, [[d.metadata['Name'], d.version] for d in m.distributions(path=[p])]]))";
    let by_metadata: Value =
        serde_json::from_str(&output(Command::new(&python).args(["-c", script]))).unwrap();
    let site = by_metadata[0].as_str().unwrap();
    let list = output(Command::new(&python).args(["-m", "pip", "list", "--format=json", "--path", site]));
    let by_pip: Value = serde_json::from_str(&list).unwrap();
    let canonical = |name: &str| name.to_lowercase().replace(['_', '.'], "-").replace("--", "-");
    let line = |name: &Value, version: &Value| {
        format!("{} {}", canonical(name.as_str().unwrap()), version.as_str().unwrap())
    };
    let pip: BTreeSet<String> =
        by_pip.as_array().unwrap().iter().map(|p| line(&p["name"], &p["version"])).collect();
    let metadata: BTreeSet<String> =
        by_metadata[1].as_array().unwrap().iter().map(|p| line(&p[0], &p[1])).collect();
    // pip does not name what a distribution brings along inside of itself (`setuptools/_vendor`); we do.
    let directly = |path: &[u8]| path.iter().filter(|&&b| b == b'/').count() == 1;
    let ours = ours_at(Path::new(site), "PyPI", directly);
    assert!(pip.len() > 20, "{pip:?}");
    assert_eq!(ours, metadata);
    assert_eq!(ours, pip);
}

/// All modules of a tree that `npm ls` printed.
fn modules(node: &Value, out: &mut BTreeSet<String>) {
    for (name, module) in node["dependencies"].as_object().into_iter().flatten() {
        if let Some(version) = module["version"].as_str() {
            out.insert(format!("{name} {version}"));
        }
        modules(module, out);
    }
}

#[test]
fn modules_are_those_of_npm_ls_and_of_the_lock_file() {
    let Some(folder) = peer("PARAPET_NODE_HUAWEI", "npm's own list") else { return };
    let project = Path::new(&folder).parent().unwrap();
    let list = output(Command::new("npm").args(["ls", "--all", "--json"]).current_dir(project));
    let mut npm = BTreeSet::new();
    modules(&serde_json::from_str(&list).unwrap(), &mut npm);
    assert!(npm.len() > 5, "{npm:?}");
    assert_eq!(ours(project, "npm"), npm, "installed");
    let alone = tempfile::tempdir().unwrap();
    fs::copy(project.join("package-lock.json"), alone.path().join("package-lock.json")).unwrap();
    assert_eq!(ours(alone.path(), "npm"), npm, "the lock file alone");
}

/// The lines of `gem list`: `json (default: 2.6.1, 2.6.0)`.
fn gem_list() -> BTreeSet<String> {
    let list = output(Command::new("gem").args(["list", "--local", "--all"]));
    let lines = list.lines().filter_map(|line| line.strip_suffix(')')?.split_once(" ("));
    let gems = lines.flat_map(|(name, versions)| {
        let versions = versions.split(", ").map(|version| version.trim_start_matches("default: "));
        versions.map(move |version| format!("{name} {}", version.split(' ').next().unwrap_or(version)))
    });
    gems.collect()
}

#[test]
fn gems_are_those_of_gem_list() {
    if peer("PARAPET_GEM", "gem's own list").is_none() {
        return;
    }
    let directories = output(Command::new("ruby").args(["-e", "puts Gem::Specification.dirs"]));
    let mut found = BTreeSet::new();
    for directory in directories.lines().map(Path::new).filter(|directory| directory.is_dir()) {
        found.extend(ours(directory.parent().unwrap(), "RubyGems"));
    }
    let listed = gem_list();
    assert!(listed.len() > 20, "{listed:?}");
    assert_eq!(found, listed);
}

const GEMFILE_LOCK: &str = "GIT
  remote: https://git.example/x.git
  revision: 0123456789abcdef0123456789abcdef01234567
  specs:
    x (0.3.0)

GEM
  remote: https://rubygems.example/
  specs:
    nokogiri (1.15.4-x86_64-linux)
      racc (~> 1.4)
    racc (1.7.1)
    rails (7.1.0.beta1)
      nokogiri (>= 1.8.5)

PLATFORMS
  x86_64-linux

DEPENDENCIES
  rails (= 7.1.0.beta1)
  x!

BUNDLED WITH
   2.4.10
";

#[test]
fn locked_gems_are_those_of_bundlers_parser() {
    if peer("PARAPET_GEM", "Bundler's parser").is_none() {
        return;
    }
    let project = tempfile::tempdir().unwrap();
    write(project.path(), "Gemfile.lock", GEMFILE_LOCK);
    // Bundler looks for one.
    write(project.path(), "Gemfile", "");
    let script = "Bundler::LockfileParser.new(File.read('Gemfile.lock')).specs.each { |s| puts \"#{s.name} #{s.version}\" }";
    let list = output(Command::new("ruby").args(["-rbundler", "-e", script]).current_dir(project.path()));
    let listed: BTreeSet<String> = list.lines().map(str::to_owned).collect();
    assert_eq!(listed.len(), 4);
    assert_eq!(ours(project.path(), "RubyGems"), listed);
}

fn composer(project: &Path, arguments: &[&str]) -> BTreeSet<String> {
    let list = output(
        Command::new("composer")
            .args(["show", "--format=json", "--no-plugins", "--no-interaction", "--no-ansi"])
            .args(arguments)
            .env("COMPOSER_ALLOW_SUPERUSER", "1")
            .env("COMPOSER_HOME", project.join(".home"))
            .current_dir(project),
    );
    let list: Value = serde_json::from_str(&list).unwrap();
    let key = if arguments.contains(&"--locked") { "locked" } else { "installed" };
    let packages = list[key].as_array().unwrap_or_else(|| panic!("{list}"));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    packages.iter().map(|p| format!("{} {}", text(&p["name"]), text(&p["version"]))).collect()
}

#[test]
fn php_packages_are_those_of_composer_show() {
    if peer("PARAPET_COMPOSER", "Composer's own list").is_none() {
        return;
    }
    let package = |name: &str, version: &str| {
        format!(
            "{{\"name\": \"{name}\", \"version\": \"{version}\", \"version_normalized\": \"{version}.0\", \"type\": \"library\", \
                 \"dist\": {{\"type\": \"zip\", \"url\": \"https://files.example/p.zip\", \"reference\": \"0a\", \"shasum\": \"\"}}}}"
        )
    };
    let list = [package("twig/twig", "1.42.0"), package("psr/log", "3.0.0")].join(",");
    let require = r#"{"name": "own/app", "require": {"twig/twig": "1.42.0", "psr/log": "3.0.0"}}"#;

    let locked = tempfile::tempdir().unwrap();
    write(locked.path(), "composer.json", require);
    let lock = format!(
        "{{\"content-hash\": \"x\", \"packages\": [{list}], \"packages-dev\": [{}], \"aliases\": [], \
         \"minimum-stability\": \"stable\", \"stability-flags\": [], \"prefer-stable\": false, \
         \"prefer-lowest\": false, \"platform\": [], \"platform-dev\": []}}",
        package("phpunit/phpunit", "9.0.0")
    );
    write(locked.path(), "composer.lock", &lock);
    let listed = composer(locked.path(), &["--locked", "--no-dev"]);
    assert_eq!(listed.len(), 2);
    assert_eq!(ours(locked.path(), "Packagist"), listed);

    for text in [
        format!("[{list}]"),
        format!("{{\"packages\": [{list}], \"dev\": false, \"dev-package-names\": []}}"),
    ] {
        let installed = tempfile::tempdir().unwrap();
        write(installed.path(), "composer.json", require);
        write(installed.path(), "vendor/composer/installed.json", &text);
        // Composer forgets packages whose directory is gone.
        write(installed.path(), "vendor/twig/twig/README", "");
        write(installed.path(), "vendor/psr/log/README", "");
        let listed = composer(installed.path(), &[]);
        assert_eq!(listed.len(), 2);
        assert_eq!(ours(installed.path(), "Packagist"), listed);
    }
}
