//! CVSS v3.0 and v3.1 base score: specification v3.1, section 7.1. The two versions differ in
//! rounding only; v3.1's (appendix A) is free of the floating point accidents of v3.0's and is
//! used for both.

use super::Metrics;

const KNOWN: [(&str, &str); 22] = [
    ("AV", "N A L P"),
    ("AC", "L H"),
    ("PR", "N L H"),
    ("UI", "N R"),
    ("S", "U C"),
    ("C", "H L N"),
    ("I", "H L N"),
    ("A", "H L N"),
    ("E", "X H F P U"),
    ("RL", "X U W T O"),
    ("RC", "X C R U"),
    ("CR", "X H M L"),
    ("IR", "X H M L"),
    ("AR", "X H M L"),
    ("MAV", "X N A L P"),
    ("MAC", "X L H"),
    ("MPR", "X N L H"),
    ("MUI", "X N R"),
    ("MS", "X U C"),
    ("MC", "X H L N"),
    ("MI", "X H L N"),
    ("MA", "X H L N"),
];

pub(super) fn score(metrics: Metrics<'_>) -> Option<f64> {
    if !metrics.are_among(&KNOWN) {
        return None;
    }
    let changed = metrics.get("S")? == "C";
    let exploitability = 8.22 * exploitability(metrics, changed)?;
    let loss = |name| {
        Some(match metrics.get(name)? {
            "H" => 0.56,
            "L" => 0.22,
            _ => 0.0,
        })
    };
    let (confidentiality, integrity, availability): (f64, f64, f64) = (loss("C")?, loss("I")?, loss("A")?);
    let sub_score = 1.0 - (1.0 - confidentiality) * (1.0 - integrity) * (1.0 - availability);
    let impact: f64 = if changed {
        7.52 * (sub_score - 0.029) - 3.25 * (sub_score - 0.02).powi(15)
    } else {
        6.42 * sub_score
    };
    if impact <= 0.0 {
        return Some(0.0);
    }
    let sum = impact + exploitability;
    Some(round_up(if changed { 1.08 * sum } else { sum }.min(10.0)))
}

fn exploitability(metrics: Metrics<'_>, changed: bool) -> Option<f64> {
    let vector = match metrics.get("AV")? {
        "N" => 0.85,
        "A" => 0.62,
        "L" => 0.55,
        _ => 0.2,
    };
    let complexity = if metrics.get("AC")? == "L" { 0.77 } else { 0.44 };
    let privileges = match (metrics.get("PR")?, changed) {
        ("N", _) => 0.85,
        ("L", false) => 0.62,
        ("L", true) => 0.68,
        (_, false) => 0.27,
        (_, true) => 0.5,
    };
    let interaction = if metrics.get("UI")? == "N" { 0.85 } else { 0.62 };
    Some(vector * complexity * privileges * interaction)
}

/// Up to one decimal, over whole hundred-thousandths so that 4.000000002 stays 4.0.
fn round_up(score: f64) -> f64 {
    let whole = (score * 100_000.0).round();
    if whole % 10_000.0 == 0.0 { whole / 100_000.0 } else { ((whole / 10_000.0).floor() + 1.0) / 10.0 }
}
