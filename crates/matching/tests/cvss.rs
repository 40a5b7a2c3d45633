//! CVSS scores against the Python package `cvss`, over random vectors of every version, where
//! `PARAPET_PYTHON` names an interpreter that has it; and what must hold without it.

mod named;

use std::io::Write as _;
use std::process::{Command, Stdio};

use named::named;
use parapet_matching::cvss::base_score;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

const V2: &[(&str, &str)] =
    &[("AV", "L A N"), ("AC", "H M L"), ("Au", "M S N"), ("C", "N P C"), ("I", "N P C"), ("A", "N P C")];
const V3: &[(&str, &str)] = &[
    ("AV", "N A L P"),
    ("AC", "L H"),
    ("PR", "N L H"),
    ("UI", "N R"),
    ("S", "U C"),
    ("C", "H L N"),
    ("I", "H L N"),
    ("A", "H L N"),
];
const V4: &[(&str, &str)] = &[
    ("AV", "N A L P"),
    ("AC", "L H"),
    ("AT", "N P"),
    ("PR", "N L H"),
    ("UI", "N P A"),
    ("VC", "H L N"),
    ("VI", "H L N"),
    ("VA", "H L N"),
    ("SC", "H L N"),
    ("SI", "H L N"),
    ("SA", "H L N"),
];
const V4_OPTIONAL: &[(&str, &str)] = &[
    ("E", "X A P U"),
    ("CR", "X H M L"),
    ("IR", "X H M L"),
    ("AR", "X H M L"),
    ("MAV", "X N A L P"),
    ("MPR", "X N L H"),
    ("MVC", "X H L N"),
    ("MVA", "X H L N"),
    ("MSI", "X S H L N"),
    ("MSA", "X S H L N"),
];

fn metrics(of: &'static [(&str, &str)]) -> impl Strategy<Value = String> {
    let parts: Vec<_> = of
        .iter()
        .map(|(name, values)| {
            let values: Vec<&str> = values.split(' ').collect();
            prop::sample::select(values).prop_map(move |value| format!("{name}:{value}"))
        })
        .collect();
    parts.prop_map(|parts| parts.join("/"))
}

fn vector() -> impl Strategy<Value = String> {
    prop_oneof![
        metrics(V2),
        metrics(V3).prop_map(|m| format!("CVSS:3.0/{m}")),
        metrics(V3).prop_map(|m| format!("CVSS:3.1/{m}")),
        metrics(V4).prop_map(|m| format!("CVSS:4.0/{m}")),
        (metrics(V4), metrics(V4_OPTIONAL)).prop_map(|(m, o)| format!("CVSS:4.0/{m}/{o}")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_vector_has_a_score_of_one_decimal(vector in vector()) {
        let score = base_score(&vector).unwrap();
        prop_assert!((0.0..=10.0).contains(&score), "{} {}", vector, score);
        prop_assert_eq!((score * 10.0).round() / 10.0, score);
    }

    #[test]
    fn the_order_of_metrics_does_not_matter(metrics in metrics(V3)) {
        let backwards: Vec<&str> = metrics.split('/').rev().collect();
        let backwards = format!("CVSS:3.1/{}", backwards.join("/"));
        prop_assert_eq!(base_score(&format!("CVSS:3.1/{metrics}")), base_score(&backwards));
    }

    #[test]
    fn no_text_makes_it_panic(text in "(CVSS:[234].[01]/)?[A-Za-z:/]{0,60}") {
        let _ = base_score(&text);
    }
}

#[test]
fn the_python_package_agrees() {
    let Some(python) = named("PARAPET_PYTHON", "comparing with the Python package cvss") else { return };
    let mut runner = TestRunner::deterministic();
    let vectors: Vec<String> =
        (0..20_000).map(|_| vector().new_tree(&mut runner).unwrap().current()).collect();
    let script = "import sys\n\
        from cvss import CVSS2, CVSS3, CVSS4\n\
        for line in sys.stdin:\n    \
            v = line.strip()\n    \
            c = CVSS4 if v.startswith('CVSS:4') else CVSS3 if v.startswith('CVSS:3') else CVSS2\n    \
            print(c(v).base_score)\n";
    let mut child = Command::new(python)
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stdin, input) = (child.stdin.take().unwrap(), vectors.join("\n"));
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "the oracle failed");
    let answers = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<f64> = answers.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(answers.len(), vectors.len());
    for (vector, answer) in vectors.iter().zip(answers) {
        assert_eq!(base_score(vector), Some(answer), "{vector}");
    }
}
