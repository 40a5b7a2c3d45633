//! CVSS v4.0: specification v4.0, section 8. A vector belongs to a macro vector with a looked-up
//! score; within it, the score falls with the distance from the worst vector of each equivalence
//! class, by the mean share of the step to the next lower macro vector.

use super::Metrics;
use super::v4_table::{Class, MacroVector, eq1, eq2, eq3_and_eq6, eq4};

const KNOWN: [(&str, &str); 32] = [
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
    ("E", "X A P U"),
    ("CR", "X H M L"),
    ("IR", "X H M L"),
    ("AR", "X H M L"),
    ("MAV", "X N A L P"),
    ("MAC", "X L H"),
    ("MAT", "X N P"),
    ("MPR", "X N L H"),
    ("MUI", "X N P A"),
    ("MVC", "X H L N"),
    ("MVI", "X H L N"),
    ("MVA", "X H L N"),
    ("MSC", "X H L N"),
    ("MSI", "X S H L N"),
    ("MSA", "X S H L N"),
    ("S", "X N P"),
    ("AU", "X N Y"),
    ("R", "X A U I"),
    ("V", "X D C"),
    ("RE", "X L M H"),
    ("U", "X Clear Green Amber Red"),
];

pub(super) fn score(metrics: Metrics<'_>) -> Option<f64> {
    if !metrics.are_among(&KNOWN) {
        return None;
    }
    let levels = Levels::of(metrics)?;
    if levels.has_no_impact() {
        return Some(0.0);
    }
    let own = levels.macro_vector();
    let value = own.score()?;
    let [c1, c2, c3, c4, c5, c6] = own.0;
    let steps = [
        (distance(&levels.exploitability, &eq1(c1)), own.with(&[(0, c1 + 1)]).score()),
        (distance(&levels.complexity, &eq2(c2)), own.with(&[(1, c2 + 1)]).score()),
        (distance(&levels.vulnerable_system, &eq3_and_eq6(c3, c6)), next_of_eq3_and_eq6(own)),
        (distance(&levels.subsequent_system, &eq4(c4)), own.with(&[(3, c4 + 1)]).score()),
        // EQ5 has one metric, so a vector is always at its worst.
        (0.0, own.with(&[(4, c5 + 1)]).score()),
    ];
    let (mut sum, mut count) = (0.0, 0.0);
    for (share, next) in steps {
        if let Some(next) = next {
            sum += (value - next) * share;
            count += 1.0;
        }
    }
    let value = if count == 0.0 { value } else { value - sum / count };
    // The specification's own calculator adds this before rounding.
    Some((value.clamp(0.0, 100.0) + 1e-5).round() / 10.0)
}

/// EQ3 and EQ6 fall together: to the better of the two neighbours where both exist.
fn next_of_eq3_and_eq6(own: MacroVector) -> Option<f64> {
    let [_, _, c3, _, _, c6] = own.0;
    match (c3, c6) {
        (0, 0) => {
            let (by_eq6, by_eq3) = (own.with(&[(5, 1)]).score()?, own.with(&[(2, 1)]).score()?);
            Some(by_eq6.max(by_eq3))
        }
        (1, 0) => own.with(&[(5, 1)]).score(),
        _ => own.with(&[(2, c3 + 1)]).score(),
    }
}

/// How far below the worst vector of its class, as a share of the class's depth.
fn distance(levels: &[u8], class: &Class) -> f64 {
    let is_reachable = |highest: &&&[u8]| highest.iter().zip(levels).all(|(high, level)| high <= level);
    let steps = class.highest.iter().find(is_reachable).map_or(0, |highest| {
        let steps = highest.iter().zip(levels).map(|(high, level)| u32::from(level.saturating_sub(*high)));
        steps.sum()
    });
    f64::from(steps) / class.depth
}

/// The metrics as levels, 0 being the worst value, after modified metrics and defaults.
struct Levels {
    /// AV, PR, UI.
    exploitability: [u8; 3],
    /// AC, AT.
    complexity: [u8; 2],
    /// VC, VI, VA, CR, IR, AR.
    vulnerable_system: [u8; 6],
    /// SC, SI, SA; 0 is *safety*.
    subsequent_system: [u8; 3],
    /// E.
    maturity: u8,
}

impl Levels {
    fn of(metrics: Metrics<'_>) -> Option<Self> {
        let base = |name: &str, modified: &str, values: &str| {
            let own = metrics.get(name)?;
            level(metrics.get(modified).filter(|value| *value != "X").unwrap_or(own), values)
        };
        let optional = |name: &str, values: &str| match metrics.get(name) {
            None | Some("X") => Some(0),
            Some(value) => level(value, values),
        };
        Some(Self {
            exploitability: [
                base("AV", "MAV", "N A L P")?,
                base("PR", "MPR", "N L H")?,
                base("UI", "MUI", "N P A")?,
            ],
            complexity: [base("AC", "MAC", "L H")?, base("AT", "MAT", "N P")?],
            vulnerable_system: [
                base("VC", "MVC", "H L N")?,
                base("VI", "MVI", "H L N")?,
                base("VA", "MVA", "H L N")?,
                optional("CR", "H M L")?,
                optional("IR", "H M L")?,
                optional("AR", "H M L")?,
            ],
            subsequent_system: [
                base("SC", "MSC", "S H L N")?,
                base("SI", "MSI", "S H L N")?,
                base("SA", "MSA", "S H L N")?,
            ],
            maturity: optional("E", "A P U")?,
        })
    }

    fn has_no_impact(&self) -> bool {
        let [vc, vi, va, ..] = self.vulnerable_system;
        [vc, vi, va] == [2; 3] && self.subsequent_system == [3; 3]
    }

    /// Tables 24 to 29 of the specification.
    fn macro_vector(&self) -> MacroVector {
        let [av, pr, ui] = self.exploitability;
        let eq1 = match (av, pr, ui) {
            (0, 0, 0) => 0,
            (3, _, _) => 2,
            _ if av == 0 || pr == 0 || ui == 0 => 1,
            _ => 2,
        };
        let eq2 = u8::from(self.complexity != [0, 0]);
        let [vc, vi, va, cr, ir, ar] = self.vulnerable_system;
        let eq3 = match (vc, vi, va) {
            (0, 0, _) => 0,
            _ if vc == 0 || vi == 0 || va == 0 => 1,
            _ => 2,
        };
        let [sc, si, sa] = self.subsequent_system;
        let eq4 = match (sc, si, sa) {
            _ if si == 0 || sa == 0 => 0,
            _ if sc == 1 || si == 1 || sa == 1 => 1,
            _ => 2,
        };
        let eq6 = u8::from(![(vc, cr), (vi, ir), (va, ar)].contains(&(0, 0)));
        MacroVector([eq1, eq2, eq3, eq4, self.maturity, eq6])
    }
}

/// The place of a value among `values`, which are separated by blanks, worst first.
fn level(value: &str, values: &str) -> Option<u8> {
    let place = values.split(' ').position(|v| v == value)?;
    u8::try_from(place).ok()
}
