//! Metadata of Python distributions, and lists of them.

use std::io::Write as _;

use proptest::prelude::*;

use super::*;
use crate::testing::{metadata, named, unjudged};

#[test]
fn name_and_version_come_from_the_headers_alone() {
    let reading =
        read(b"Metadata-Version: 2.1\r\nName: Zope.Interface_x\r\nVersion: 5.4.0\r\n\r\nName: other\n");
    assert_eq!(reading.packages, [PackageKey::new("PyPI", "zope-interface-x", "5.4.0")]);
    assert_eq!(reading.problem, None);
}

#[test]
fn metadata_without_version_is_unreadable() {
    assert_eq!(read(b"Name: a\n\nVersion: 1\n").problem.as_deref(), Some("the version of a is empty"));
    assert_eq!(read(b"").problem.as_deref(), Some("the name is empty"));
}

#[test]
fn a_distribution_belongs_to_its_directory() {
    assert_eq!(database(b"usr/lib/site-packages/a-1.dist-info/METADATA"), b"usr/lib/site-packages");
    for path in ["s/a.egg-info", "s/a-1.egg-info/PKG-INFO", "s/a-1-py3.egg/EGG-INFO/PKG-INFO"] {
        assert!(egg::claims(path.as_bytes()), "{path}");
        assert_eq!(egg::database(path.as_bytes()), b"s", "{path}");
    }
    for path in ["s/PKG-INFO", "s/a.egg-info/SOURCES.txt", "s/EGG-INFO/PKG-INFO"] {
        assert!(!egg::claims(path.as_bytes()), "{path}");
    }
}

/// An egg as one file with these members.
fn egg_file(members: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in members {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn an_egg_in_one_file_is_opened() {
    let egg = egg_file(&[("a/__init__.py", ""), ("EGG-INFO/PKG-INFO", &metadata("Foo_Bar", "1.0"))]);
    assert_eq!(named(&egg::read_file(&egg)), ["foo-bar 1.0"]);
    assert!(egg::read_file(&egg_file(&[("a", "")])).problem.is_some());
    for end in 0..egg.len() {
        assert!(egg::read_file(&egg[..end]).problem.is_some(), "cut at {end}");
    }
    let many: Vec<String> = (0..20_001).map(|n| n.to_string()).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "")).collect();
    assert!(egg::read_file(&egg_file(&many)).problem.unwrap().contains("more than"));
    let large = metadata("a", "1") + &"x".repeat(8 << 20);
    assert_eq!(named(&egg::read_file(&egg_file(&[("EGG-INFO/PKG-INFO", &large)]))), ["a 1"]);
}

#[test]
fn only_exact_requirements_are_packages() {
    let text = "# a comment\n--index-url https://x.example\n-r base.txt\n-r requirements-base.txt\nDjango==2.2.0 ; python_version >= '3'\n\
                requests[security] == 2.19.1 \\\n  --hash=sha256:0a \\\n  --hash=sha256:0b\nexact===1.0+local\nflask>=1.0,<2  # why\n\
                anything\nwild==1.*\npywin32==300 ; sys_platform == 'win32'\nboth==1 ; sys_platform == 'win32' or os_name == 'posix'\n\
                ./own\n../own.whl\n-e .\ngit+https://git.example/x.git@main#egg=from-git&x=1\nnamed @ https://files.example/n-1.whl\n\
                -e git+https://git.example/y.git#egg=why\n";
    let reading = requirements::read(text.as_bytes());
    assert_eq!(reading.problem, None);
    assert_eq!(named(&reading), ["both 1", "django 2.2.0", "exact 1.0+local", "requests 2.19.1"]);
    assert_eq!(
        unjudged(&reading),
        [
            "anything (any version)",
            "base.txt (a further list)",
            "flask (>=1.0,<2)",
            "from-git (from an address)",
            "named (@ https://files.example/n-1.whl)",
            "why (from an address)",
            "wild (==1.*)"
        ]
    );
    assert!(requirements::read(b"<html>not a list</html>\n").problem.is_some());
    for path in
        ["requirements.txt", "a/requirements-prod.txt", "requirements/base.txt", "requirements_web.txt"]
    {
        assert!(requirements::claims(path.as_bytes()), "{path}");
    }
    for path in [
        "requirements-dev.txt",
        "requirements/test.txt",
        "a/b.txt",
        "requirements.in",
        "docs_requirements.txt",
    ] {
        assert!(!requirements::claims(path.as_bytes()), "{path}");
    }
}

#[test]
fn lock_files_leave_out_development_and_the_project() {
    let pipenv = br#"{"_meta": {}, "default": {"a": {"version": "==1.0"}, "b": {"git": "https://git.example/b", "ref": "0a"},
        "own": {"path": "."}, "win": {"version": "==1", "markers": "sys_platform == 'win32'"}}, "develop": {"t": {"version": "==3"}},
        "web": {"w": {"version": "==4.0"}}}"#;
    let reading = pipenv::read(pipenv);
    assert_eq!(
        (named(&reading), unjudged(&reading)),
        (vec!["a 1.0".into(), "w 4.0".into()], vec!["b (https://git.example/b)".into()])
    );

    let poetry = |extra: &str| {
        format!(
            "[[package]]\nname = \"A_b\"\nversion = \"1.0\"\n{extra}\n[metadata]\nlock-version = \"2.0\"\n"
        )
    };
    let named_by = |extra: &str| named(&poetry::read(poetry(extra).as_bytes()));
    for counts in [
        "",
        "category = \"main\"\n",
        "groups = [\"main\", \"dev\"]\n",
        "groups = [\"web\"]\nmarkers = \"x == 'y'\"\n",
        "groups = [\"main\"]\nmarkers = {main = \"x\"}\n",
    ] {
        assert_eq!(named_by(counts), ["a-b 1.0"], "{counts}");
    }
    for not in [
        "category = \"dev\"\n",
        "groups = [\"dev\", \"docs\"]\n",
        "markers = \"sys_platform == \\\"win32\\\"\"\n",
        "[package.source]\ntype = \"directory\"\nurl = \".\"\n",
    ] {
        assert!(named_by(not).is_empty(), "{not}");
    }
    let text = poetry("");
    assert!(poetry::read(&text.as_bytes()[..text.find("[metadata]").unwrap()]).problem.is_some());

    let pdm = "[metadata]\nlock_version = \"4.4\"\n[[package]]\nname = \"a\"\nversion = \"1.0\"\ngroups = [\"default\", \"dev\"]\n\
               [[package]]\nname = \"t\"\nversion = \"2\"\ngroups = [\"test\"]\n[[package]]\nname = \"own\"\nversion = \"3\"\npath = \".\"\n";
    assert_eq!(named(&pdm::read(pdm.as_bytes())), ["a 1.0"]);

    let pylock = "lock-version = \"1.0\"\n[[packages]]\nname = \"a\"\nversion = \"1.0\"\n[[packages]]\nname = \"t\"\nversion = \"2\"\n\
                  marker = \"'dev' in dependency_groups\"\n[[packages]]\nname = \"own\"\n[packages.directory]\npath = \".\"\n[[packages]]\nname = \"v\"\n\
                  [packages.vcs]\ntype = \"git\"\n";
    let reading = pylock::read(pylock.as_bytes());
    assert_eq!(
        (named(&reading), unjudged(&reading)),
        (vec!["a 1.0".into()], vec!["v (from an address)".into()])
    );
    assert!(
        pylock::claims(b"pylock.toml")
            && pylock::claims(b"pylock.web.toml")
            && !pylock::claims(b"pylock.dev.toml")
    );
}

#[test]
fn uv_counts_what_the_project_needs() {
    let text = "version = 1\n[[package]]\nname = \"app\"\nversion = \"0.1\"\nsource = { virtual = \".\" }\ndependencies = [{ name = \"a\" }, \
                { name = \"win\", marker = \"sys_platform == 'win32'\" }]\n[package.optional-dependencies]\nx = [{ name = \"b\" }]\n\
                [package.dev-dependencies]\ndev = [{ name = \"t\" }]\n\
                [[package]]\nname = \"a\"\nversion = \"1\"\nsource = { registry = \"r\" }\ndependencies = [{ name = \"c\" }]\n\
                [[package]]\nname = \"b\"\nversion = \"2\"\nsource = { registry = \"r\" }\n\
                [[package]]\nname = \"c\"\nversion = \"3\"\nsource = { git = \"g\" }\ndependencies = [{ name = \"a\" }]\n\
                [[package]]\nname = \"t\"\nversion = \"4\"\nsource = { registry = \"r\" }\n\
                [[package]]\nname = \"win\"\nversion = \"5\"\nsource = { registry = \"r\" }\n";
    assert_eq!(named(&uv::read(text.as_bytes())), ["a 1", "b 2", "c 3"]);
}

proptest! {
    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..500), line in "[-a-z0-9.=<>~!;@#'\" /\\\\\\[\\]]{0,60}") {
        let _ = read(&bytes);
        let _ = egg::read_file(&bytes);
        let _ = (requirements::read(&bytes), requirements::read(line.as_bytes()));
    }

    #[test]
    fn normalising_twice_changes_nothing(name in "[A-Za-z0-9._-]{1,30}") {
        let once = normalised(&name);
        prop_assert_eq!(normalised(&once), once);
    }
}
