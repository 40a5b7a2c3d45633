//! The laws of an order, over generated versions of each ecosystem; and, where an environment
//! variable names them, the programs that define an order as living oracles.
//!
//! | variable | asks |
//! |---|---|
//! | `PARAPET_DPKG=1` | `dpkg --compare-versions` |
//! | `PARAPET_RPM=1` | `rpm`, its built-in version comparison |
//! | `PARAPET_NODE_SEMVER=<folder>` | node's package `semver` in that folder, run by `node` |
//! | `PARAPET_PYTHON=<interpreter>` | the Python package `packaging` |

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

mod named;
mod nasty;

use std::cmp::Ordering;
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
    any_order().prop_flat_map(move |order| (Just(order), prop::collection::vec(nasty::version(order), count)))
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

/// How many pairs an oracle is asked.
const PAIRS: usize = 4000;

/// Pairs of versions that are `asked` about, among them many that differ in one place only.
fn pairs(order: Order, asked: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    let mut runner = TestRunner::deterministic();
    let strategy = (nasty::version(order), nasty::version(order), any::<prop::sample::Index>());
    let mut pairs = Vec::with_capacity(PAIRS);
    while pairs.len() < PAIRS {
        let (a, b, place) = strategy.new_tree(&mut runner).unwrap().current();
        let place = place.index(a.len());
        let neighbour: String =
            a.chars().enumerate().filter_map(|(i, c)| (i != place).then_some(c)).collect();
        let b = if pairs.len() % 2 == 0 && order.parses(&neighbour) { neighbour } else { b };
        if asked(&a) && asked(&b) {
            pairs.push((a, b));
        }
    }
    pairs
}

/// Asks a program about all pairs in one run: it gets `a`, a tab and `b` per line and answers `<`,
/// `=` or `>`.
fn check_against(order: Order, asked: impl Fn(&str) -> bool, command: &mut Command) {
    let pairs = pairs(order, asked);
    let input: String = pairs.iter().map(|(a, b)| format!("{a}\t{b}\n")).collect();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "the oracle failed");
    let answers = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<&str> = answers.split_whitespace().collect();
    assert_eq!(answers.len(), pairs.len(), "one answer per pair");
    for ((a, b), answer) in pairs.iter().zip(answers) {
        let ours = match compare(order, a, b) {
            Ordering::Less => "<",
            Ordering::Equal => "=",
            Ordering::Greater => ">",
        };
        assert_eq!(ours, answer, "{order:?}: {a} against {b}");
    }
}

#[test]
fn dpkg_agrees() {
    if named("PARAPET_DPKG", "comparing with dpkg").is_some() {
        let script = r#"while read -r a b; do
            if dpkg --compare-versions "$a" lt "$b"; then echo '<'
            elif dpkg --compare-versions "$a" gt "$b"; then echo '>'
            else echo '='; fi
        done"#;
        check_against(Order::Dpkg, |_| true, Command::new("sh").args(["-c", script]));
    }
}

#[test]
fn rpm_agrees() {
    if named("PARAPET_RPM", "comparing with rpm").is_some() {
        let script = r#"%{lua:
            local signs = { [-1] = "<", [0] = "=", [1] = ">" }
            for line in io.lines("/dev/stdin") do
                local a, b = line:match("(%S+)%s(%S+)")
                print(signs[rpm.vercmp(a, b)] .. "\n")
            end}"#;
        check_against(Order::Rpm, |_| true, Command::new("rpm").args(["--eval", script]));
    }
}

#[test]
fn packaging_agrees() {
    if let Some(python) = named("PARAPET_PYTHON", "comparing with the Python package packaging") {
        let script = "import sys\n\
            from packaging.version import Version\n\
            for line in sys.stdin:\n    \
                a, b = map(Version, line.split())\n    \
                print('<' if a < b else '>' if a > b else '=')\n";
        check_against(Order::Pep440, |_| true, Command::new(python).args(["-c", script]));
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
        for (const line of require('fs').readFileSync(0, 'utf8').trimEnd().split('\\n')) {
            const [a, b] = line.split('\\t');
            console.log({'-1': '<', 0: '=', 1: '>'}[semver.compare(a, b, loose)]);
        }";
    // A node that is not Debian's does not look for the package's own dependencies beside it.
    let beside = std::path::Path::new(&folder).parent().unwrap();
    let mut node = Command::new("node");
    node.env("NODE_PATH", beside).args(["-e", script, &folder, &loose.to_string()]);
    check_against(order, node_reads, &mut node);
}

#[test]
fn npm_agrees() {
    node_agrees(Order::Npm, true);
}

#[test]
fn semver_agrees() {
    node_agrees(Order::Semver, false);
}
