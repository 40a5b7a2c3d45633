//! The laws of an order, over generated versions of each ecosystem; and, where an environment
//! variable names them, the programs that define an order as living oracles.
//!
//! | variable | asks |
//! |---|---|
//! | `PARAPET_DPKG=1` | `dpkg --compare-versions`, and `Dpkg::Version`, dpkg's own Perl |
//! | `PARAPET_RPM=1` | `rpm`, its built-in version comparison |
//! | `PARAPET_NODE_SEMVER=<folder>` | node's package `semver` in that folder, run by `node` |
//! | `PARAPET_PYTHON=<interpreter>` | the Python package `packaging` |
//! | `PARAPET_RUBY=<interpreter>` | `Gem::Version` |
//! | `PARAPET_MAVEN_ARTIFACT=<jar>` | Maven's `ComparableVersion`, run by `java` |
//! | `PARAPET_GO_SEMVER=<semver.go>` | Go's own semver, run by `go` |
//! | `PARAPET_COMPOSER_SEMVER=<autoload.php>` | Composer's semver, run by `php` |
//!
//! No program here defines the orders of NuGet, Dart, R or apk: those stand on their tables and laws.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

mod named;
mod nasty;

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use named::named;
use parapet_matching::Order;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

fn any_order() -> impl Strategy<Value = Order> {
    prop::sample::select(Order::ALL.to_vec())
}

fn versions(count: usize) -> impl Strategy<Value = (Order, Vec<String>)> {
    any_order().prop_flat_map(move |order| (Just(order), prop::collection::vec(nasty::lawful(order), count)))
}

fn compare(order: Order, a: &str, b: &str) -> Ordering {
    order.compare(a, b).unwrap_or_else(|| panic!("{order:?} cannot parse {a:?} or {b:?}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_version_equals_itself((order, v) in versions(1)) {
        prop_assert!(order.parses(&v[0]), "{:?} {}", order, v[0]);
        prop_assert_eq!(compare(order, &v[0], &v[0]), Ordering::Equal);
    }

    #[test]
    fn turning_a_comparison_round_turns_its_answer((order, v) in versions(2)) {
        prop_assert_eq!(compare(order, &v[0], &v[1]), compare(order, &v[1], &v[0]).reverse());
    }

    #[test]
    fn orders_are_transitive((order, mut v) in versions(3)) {
        // Sorting two pairs and then asking about the third finds any circle of three.
        for (i, j) in [(0, 1), (1, 2), (0, 1)] {
            if compare(order, &v[i], &v[j]).is_gt() {
                v.swap(i, j);
            }
        }
        prop_assert!(compare(order, &v[0], &v[1]).is_le(), "{:?} {:?}", order, v);
        prop_assert!(compare(order, &v[1], &v[2]).is_le(), "{:?} {:?}", order, v);
        prop_assert!(compare(order, &v[0], &v[2]).is_le(), "{:?} {:?}", order, v);
        if compare(order, &v[0], &v[2]).is_eq() {
            prop_assert!(compare(order, &v[0], &v[1]).is_eq(), "{:?} {:?}", order, v);
        }
    }

    #[test]
    fn sorting_does_not_depend_on_where_it_starts((order, v) in versions(12)) {
        let (mut forwards, mut backwards) = (v.clone(), v);
        backwards.reverse();
        forwards.sort_by(|a, b| compare(order, a, b));
        backwards.sort_by(|a, b| compare(order, a, b));
        for (a, b) in forwards.iter().zip(&backwards) {
            prop_assert_eq!(compare(order, a, b), Ordering::Equal);
        }
    }

    #[test]
    fn no_text_makes_an_order_panic(order in any_order(), a in "\\PC{0,40}", b in "[0-9a-z.~^+:_!-]{0,40}") {
        prop_assert_eq!(order.compare(&a, &b), order.compare(&b, &a).map(Ordering::reverse));
    }
}

/// How many versions an oracle compares, each with each: over a million pairs.
const VERSIONS: usize = 1024;

/// Different versions that are `asked` about, half of them neighbours that lack one character.
fn pool(order: Order, count: usize, asked: impl Fn(&str) -> bool) -> Vec<String> {
    let mut runner = TestRunner::deterministic();
    let strategy = (nasty::version(order), any::<prop::sample::Index>());
    let mut pool = BTreeSet::new();
    while pool.len() < count {
        let (version, place) = strategy.new_tree(&mut runner).unwrap().current();
        let place = place.index(version.len());
        let neighbour: String =
            version.chars().enumerate().filter_map(|(i, c)| (i != place).then_some(c)).collect();
        for version in [version, neighbour] {
            let is_bare = !version.is_empty() && version.trim() == version;
            if pool.len() < count && is_bare && order.parses(&version) && asked(&version) {
                pool.insert(version);
            }
        }
    }
    pool.into_iter().collect()
}

/// Asks a program about all pairs in one run: it gets one version per line, and answers one line
/// per version, of `<`, `=` or `>` for each version in turn.
fn check_against(order: Order, count: usize, asked: impl Fn(&str) -> bool, command: &mut Command) {
    let versions = pool(order, count, asked);
    let input: String = versions.iter().map(|version| format!("{version}\n")).collect();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "the oracle failed");
    let answers = String::from_utf8(output.stdout).unwrap();
    let rows: Vec<&str> = answers.lines().filter(|row| !row.is_empty()).collect();
    assert_eq!(rows.len(), versions.len(), "one line per version");
    let mut wrong = Vec::new();
    for (a, row) in versions.iter().zip(rows) {
        assert_eq!(row.len(), versions.len(), "one answer per pair");
        for (b, answer) in versions.iter().zip(row.chars()) {
            let ours = match compare(order, a, b) {
                Ordering::Less => '<',
                Ordering::Equal => '=',
                Ordering::Greater => '>',
            };
            if ours != answer {
                wrong.push(format!("{a} {ours} {b}, and the oracle says {answer}"));
            }
        }
    }
    let some = wrong.iter().take(20).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{order:?}: {} pairs differ:\n{some}", wrong.len());
}

#[test]
fn dpkg_agrees() {
    if named("PARAPET_DPKG", "comparing with dpkg").is_some() {
        // One process per comparison, so fewer of them.
        let script = r#"all=$(cat); for a in $all; do
            row=
            for b in $all; do
                if dpkg --compare-versions "$a" lt "$b"; then row="$row<"
                elif dpkg --compare-versions "$a" gt "$b"; then row="$row>"
                else row="$row="; fi
            done
            echo "$row"
        done"#;
        check_against(Order::Dpkg, 48, |_| true, Command::new("sh").args(["-c", script]));
    }
}

#[test]
fn dpkgs_own_perl_agrees() {
    if named("PARAPET_DPKG", "comparing with Dpkg::Version").is_some() {
        let script = r#"use Dpkg::Version;
            my @all = map { chomp; Dpkg::Version->new($_) } <STDIN>;
            for my $a (@all) {
                print join("", map { ("=", ">", "<")[version_compare_by($a, $_)] } @all), "\n";
            }
            sub version_compare_by { my ($a, $b) = @_; return $a <=> $b; }"#;
        // Perl's numbers end at 64 bits.
        let asked = |version: &str| !version.contains("18446744073709551616");
        check_against(Order::Dpkg, VERSIONS, asked, Command::new("perl").args(["-e", script]));
    }
}

#[test]
fn rpm_agrees() {
    if named("PARAPET_RPM", "comparing with rpm").is_some() {
        let script = r#"%{lua:
            local signs = { [-1] = "<", [0] = "=", [1] = ">" }
            local all = {}
            for line in io.lines("/dev/stdin") do all[#all + 1] = line end
            for _, a in ipairs(all) do
                local row = {}
                for i, b in ipairs(all) do row[i] = signs[rpm.vercmp(a, b)] end
                print(table.concat(row) .. "\n")
            end}"#;
        check_against(Order::Rpm, VERSIONS, |_| true, Command::new("rpm").args(["--eval", script]));
    }
}

#[test]
fn packaging_agrees() {
    if let Some(python) = named("PARAPET_PYTHON", "comparing with the Python package packaging") {
        let script = "import sys\n\
            from packaging.version import Version\n\
            all = [Version(line.strip()) for line in sys.stdin]\n\
            for a in all:\n    \
                print(''.join('<' if a < b else '>' if a > b else '=' for b in all))\n";
        check_against(Order::Pep440, VERSIONS, |_| true, Command::new(python).args(["-c", script]));
    }
}

/// Whether node's semver takes part: it wants all three numbers, and holds them in 53 bits, where
/// records and lock files also have `1.2`, and ours count on.
fn node_reads(version: &str) -> bool {
    let core = version.trim_start_matches(['=', 'v', ' ']);
    let core = core.split(|c: char| c != '.' && !c.is_ascii_digit()).next().unwrap_or_default();
    let numbers: Vec<&str> = core.split('.').collect();
    numbers.len() == 3 && numbers.iter().all(|number| number.len() <= 15)
}

fn node_agrees(order: Order, loose: bool) {
    let Some(folder) = named("PARAPET_NODE_SEMVER", "comparing with node's semver") else { return };
    let script = "const semver = require(process.argv[1]), loose = process.argv[2] === 'true';
        const lines = require('fs').readFileSync(0, 'utf8').trimEnd().split('\\n');
        const all = lines.map((line) => new semver.SemVer(line, loose));
        const sign = {'-1': '<', 0: '=', 1: '>'};
        for (const a of all) console.log(all.map((b) => sign[a.compare(b)]).join(''));";
    // A node that is not Debian's does not look for the package's own dependencies beside it.
    let beside = std::path::Path::new(&folder).parent().unwrap();
    let mut node = Command::new("node");
    node.env("NODE_PATH", beside).args(["-e", script, &folder, &loose.to_string()]);
    check_against(order, VERSIONS, node_reads, &mut node);
}

#[test]
fn npm_agrees() {
    node_agrees(Order::Npm, true);
}

#[test]
fn semver_agrees() {
    node_agrees(Order::Semver, false);
}

#[test]
fn ruby_agrees() {
    if let Some(ruby) = named("PARAPET_RUBY", "comparing with Gem::Version") {
        let script = "all = $stdin.each_line.map { |line| Gem::Version.new(line.strip) }
            all.each { |a| puts all.map { |b| '=><'[a <=> b] }.join }";
        check_against(Order::Gem, VERSIONS, |_| true, Command::new(ruby).args(["-e", script]));
    }
}

/// Before 3.9.2 Maven kept a word behind a dot apart from one behind a hyphen, and a word from the
/// number behind it. What stands here is the newer order, so an older Maven is asked only about
/// versions on which both agree: numbers and at most one word behind a hyphen, its number attached.
/// (`1.0-1` was equal to `1-1` too.)
fn old_maven_reads(version: &str) -> bool {
    let (numbers, word) = version.split_once('-').unwrap_or((version, ""));
    let has_numbers = !numbers.is_empty()
        && numbers.split('.').all(|n| !n.is_empty() && n.bytes().all(|c| c.is_ascii_digit()));
    let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
    let is_release = ["ga", "final", "release"].iter().any(|word| word.eq_ignore_ascii_case(letters));
    let has_word = letters.is_empty() == (version.len() == numbers.len());
    has_numbers && has_word && letters.bytes().all(|c| c.is_ascii_alphabetic()) && !is_release
}

#[test]
fn maven_agrees() {
    let Some(jar) = named("PARAPET_MAVEN_ARTIFACT", "comparing with Maven's ComparableVersion") else {
        return;
    };
    let jar = std::fs::canonicalize(jar).unwrap();
    let version = jar.file_stem().unwrap().to_string_lossy().into_owned();
    let version = version.rsplit('-').next().unwrap_or_default().to_owned();
    let is_new = Order::Maven.compare(&version, "3.9.2").is_some_and(Ordering::is_ge);
    let asked = |version: &str| is_new || old_maven_reads(version);
    let program = std::env::temp_dir().join(format!("parapet-maven-{}", std::process::id()));
    std::fs::create_dir_all(&program).unwrap();
    let source = program.join("Compare.java");
    let code = "import org.apache.maven.artifact.versioning.ComparableVersion;
        public class Compare {
            public static void main(String[] args) throws Exception {
                ComparableVersion[] all = new java.io.BufferedReader(new java.io.InputStreamReader(System.in))
                    .lines().map(ComparableVersion::new).toArray(ComparableVersion[]::new);
                for (ComparableVersion a : all) {
                    StringBuilder row = new StringBuilder();
                    for (ComparableVersion b : all) row.append(\"<=>\".charAt(1 + Integer.signum(a.compareTo(b))));
                    System.out.println(row);
                }
            }
        }";
    std::fs::write(&source, code).unwrap();
    let mut java = Command::new("java");
    java.arg("-cp").arg(classpath(&jar)).arg(&source);
    check_against(Order::Maven, VERSIONS, asked, &mut java);
    std::fs::remove_dir_all(&program).unwrap();
}

/// The jar, and commons-lang beside it, which older ones need.
fn classpath(jar: &std::path::Path) -> std::ffi::OsString {
    let mut all = jar.as_os_str().to_owned();
    all.push(":");
    all.push(jar.with_file_name("commons-lang3.jar"));
    all
}

#[test]
fn gos_semver_agrees() {
    let Some(source) = named("PARAPET_GO_SEMVER", "comparing with Go's semver") else { return };
    let module = std::env::temp_dir().join(format!("parapet-go-{}", std::process::id()));
    std::fs::create_dir_all(module.join("semver")).unwrap();
    std::fs::copy(source, module.join("semver/semver.go")).unwrap();
    std::fs::write(module.join("go.mod"), "module compare\n").unwrap();
    let code = "package main
        import (\"bufio\"; \"os\"; \"compare/semver\")
        func main() {
            var all []string
            in := bufio.NewScanner(os.Stdin)
            for in.Scan() { all = append(all, in.Text()) }
            out := bufio.NewWriter(os.Stdout)
            defer out.Flush()
            for _, a := range all {
                if !semver.IsValid(a) { panic(a) }
                for _, b := range all { out.WriteByte(\"<=>\"[1 + semver.Compare(a, b)]) }
                out.WriteByte('\\n')
            }
        }";
    std::fs::write(module.join("main.go"), code).unwrap();
    // Go wants the `v`, and a pre-release or build only behind all three numbers.
    let asked = |version: &str| {
        let core = version.split(['-', '+']).next().unwrap_or_default();
        version.starts_with('v') && (core.len() == version.len() || core.split('.').count() == 3)
    };
    let mut go = Command::new("go");
    go.current_dir(&module)
        .env("GOCACHE", module.join("cache"))
        .env("GOFLAGS", "-mod=mod")
        .args(["run", "."]);
    check_against(Order::Semver, VERSIONS, asked, &mut go);
    std::fs::remove_dir_all(&module).unwrap();
}

#[test]
fn composer_agrees() {
    let Some(autoload) = named("PARAPET_COMPOSER_SEMVER", "comparing with Composer's semver") else { return };
    let script = "require $argv[1];
        $parser = new Composer\\Semver\\VersionParser();
        $all = array_map(fn($line) => $parser->normalize(trim($line)), file('php://stdin'));
        foreach ($all as $a) {
            echo implode('', array_map(fn($b) => '<=>'[1 + version_compare($a, $b)], $all)), PHP_EOL;
        }";
    // Older ones read one short part at the end of a date, newer ones two.
    let asked = |version: &str| {
        let version = version.trim_start_matches('v');
        let first = version.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        let parts: Vec<&str> = version.split(['-', '.', ':']).skip(1).collect();
        let all_but_one = parts.iter().rev().skip(1).all(|part| part.len() == 2);
        first.len() < 6 && (!first.starts_with("2010") || all_but_one) || parts.is_empty()
    };
    check_against(Order::Composer, VERSIONS, asked, Command::new("php").args(["-r", script, &autoload]));
}
