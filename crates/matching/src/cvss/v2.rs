//! CVSS v2.0 base score: *A Complete Guide to the Common Vulnerability Scoring System 2.0*, 3.2.1.

use super::Metrics;

const KNOWN: [(&str, &str); 14] = [
    ("AV", "L A N"),
    ("AC", "H M L"),
    ("Au", "M S N"),
    ("C", "N P C"),
    ("I", "N P C"),
    ("A", "N P C"),
    ("E", "U POC F H ND"),
    ("RL", "OF TF W U ND"),
    ("RC", "UC UR C ND"),
    ("CDP", "N L LM MH H ND"),
    ("TD", "N L M H ND"),
    ("CR", "L M H ND"),
    ("IR", "L M H ND"),
    ("AR", "L M H ND"),
];

pub(super) fn score(metrics: Metrics<'_>) -> Option<f64> {
    if !metrics.are_among(&KNOWN) {
        return None;
    }
    let vector = match metrics.get("AV")? {
        "L" => 0.395,
        "A" => 0.646,
        _ => 1.0,
    };
    let complexity = match metrics.get("AC")? {
        "H" => 0.35,
        "M" => 0.61,
        _ => 0.71,
    };
    let authentication = match metrics.get("Au")? {
        "M" => 0.45,
        "S" => 0.56,
        _ => 0.704,
    };
    let loss = |name| {
        Some(match metrics.get(name)? {
            "N" => 0.0,
            "P" => 0.275,
            _ => 0.660,
        })
    };
    let (confidentiality, integrity, availability): (f64, f64, f64) = (loss("C")?, loss("I")?, loss("A")?);
    let impact = 10.41 * (1.0 - (1.0 - confidentiality) * (1.0 - integrity) * (1.0 - availability));
    let exploitability = 20.0 * vector * complexity * authentication;
    let factor = if impact == 0.0 { 0.0 } else { 1.176 };
    let score: f64 = (0.6 * impact + 0.4 * exploitability - 1.5) * factor;
    Some((score * 10.0).round() / 10.0)
}
