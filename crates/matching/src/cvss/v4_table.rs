//! The facts behind CVSS v4.0: the score of each macro vector, and the highest severity vectors and
//! depths of its equivalence classes (specification v4.0, sections 8.2 and 8.3).

/// The score in tenths of each macro vector: a row per EQ1 (0–2), EQ2 (0–1) and EQ3 (0–2), a column
/// per EQ4 (0–2), EQ5 (0–2) and EQ6 (0–1), the last digit running fastest. [`NO`] where EQ3 and EQ6
/// exclude each other.
static SCORES: [[u8; 18]; 18] = [
    [100, 99, 98, 95, 95, 92, 100, 96, 93, 87, 91, 81, 93, 90, 89, 80, 81, 68],
    [98, 95, 95, 92, 90, 84, 93, 92, 89, 81, 81, 65, 88, 80, 78, 70, 69, 48],
    [NO, 92, NO, 82, NO, 72, NO, 79, NO, 69, NO, 50, NO, 69, NO, 55, NO, 27],
    [99, 97, 95, 92, 92, 85, 95, 91, 90, 83, 84, 71, 92, 81, 82, 71, 72, 53],
    [95, 93, 92, 85, 85, 73, 92, 82, 80, 72, 70, 59, 84, 70, 71, 52, 50, 30],
    [NO, 86, NO, 75, NO, 52, NO, 71, NO, 52, NO, 29, NO, 63, NO, 29, NO, 17],
    [98, 95, 94, 87, 91, 81, 94, 89, 86, 74, 77, 64, 87, 75, 74, 63, 63, 49],
    [94, 89, 88, 77, 76, 67, 86, 76, 74, 58, 59, 50, 72, 57, 57, 52, 52, 25],
    [NO, 83, NO, 70, NO, 54, NO, 65, NO, 58, NO, 26, NO, 53, NO, 21, NO, 13],
    [95, 90, 88, 76, 76, 70, 90, 77, 75, 62, 61, 53, 77, 66, 68, 59, 52, 30],
    [89, 78, 76, 67, 62, 58, 74, 59, 57, 57, 47, 23, 61, 52, 57, 29, 24, 16],
    [NO, 71, NO, 59, NO, 30, NO, 58, NO, 26, NO, 15, NO, 23, NO, 13, NO, 6],
    [93, 87, 86, 72, 75, 58, 86, 74, 74, 61, 56, 34, 70, 54, 52, 40, 40, 22],
    [85, 75, 74, 55, 62, 51, 72, 57, 55, 41, 46, 19, 53, 36, 34, 19, 19, 8],
    [NO, 64, NO, 51, NO, 20, NO, 47, NO, 21, NO, 11, NO, 24, NO, 9, NO, 4],
    [88, 75, 73, 53, 60, 50, 73, 55, 59, 40, 41, 20, 54, 43, 45, 22, 20, 11],
    [75, 55, 58, 45, 40, 21, 61, 51, 48, 18, 20, 9, 46, 18, 17, 7, 8, 2],
    [NO, 53, NO, 24, NO, 14, NO, 24, NO, 12, NO, 5, NO, 10, NO, 3, NO, 1],
];

const NO: u8 = u8::MAX;

/// The equivalence classes EQ1 to EQ6 of a vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MacroVector(pub(super) [u8; 6]);

impl MacroVector {
    /// Its score in tenths; `None` where there is no such macro vector.
    pub(super) fn score(self) -> Option<f64> {
        let [eq1, eq2, eq3, eq4, eq5, eq6] = self.0.map(usize::from);
        if eq2 > 1 || eq3 > 2 || eq5 > 2 || eq6 > 1 {
            return None;
        }
        let row = SCORES.get((eq1 * 2 + eq2) * 3 + eq3)?;
        let score = *row.get((eq4 * 3 + eq5) * 2 + eq6)?;
        (score != NO).then(|| f64::from(score))
    }

    /// The same with classes replaced.
    pub(super) fn with(mut self, changes: &[(usize, u8)]) -> Self {
        for &(place, class) in changes {
            if let Some(slot) = self.0.get_mut(place) {
                *slot = class;
            }
        }
        self
    }
}

/// The highest severity vectors of a class, as the levels of its metrics (0 is the worst value),
/// and the depth of the class in steps.
pub(super) struct Class {
    pub(super) highest: &'static [&'static [u8]],
    pub(super) depth: f64,
}

/// EQ1, over AV, PR, UI.
pub(super) fn eq1(class: u8) -> Class {
    match class {
        0 => Class { highest: &[&[0, 0, 0]], depth: 1.0 },
        1 => Class { highest: &[&[1, 0, 0], &[0, 1, 0], &[0, 0, 1]], depth: 4.0 },
        _ => Class { highest: &[&[3, 0, 0], &[1, 1, 1]], depth: 5.0 },
    }
}

/// EQ2, over AC, AT.
pub(super) fn eq2(class: u8) -> Class {
    match class {
        0 => Class { highest: &[&[0, 0]], depth: 1.0 },
        _ => Class { highest: &[&[1, 0], &[0, 1]], depth: 2.0 },
    }
}

/// EQ3 and EQ6 together, over VC, VI, VA, CR, IR, AR.
pub(super) fn eq3_and_eq6(eq3: u8, eq6: u8) -> Class {
    match (eq3, eq6) {
        (0, 0) => Class { highest: &[&[0, 0, 0, 0, 0, 0]], depth: 7.0 },
        (0, _) => Class { highest: &[&[0, 0, 1, 1, 1, 0], &[0, 0, 0, 1, 1, 1]], depth: 6.0 },
        (1, 0) => Class { highest: &[&[1, 0, 0, 0, 0, 0], &[0, 1, 0, 0, 0, 0]], depth: 8.0 },
        (1, _) => Class {
            highest: &[
                &[1, 0, 1, 0, 1, 0],
                &[1, 0, 0, 0, 1, 1],
                &[0, 1, 0, 1, 0, 1],
                &[0, 1, 1, 1, 0, 0],
                &[1, 1, 0, 0, 0, 1],
            ],
            depth: 8.0,
        },
        _ => Class { highest: &[&[1, 1, 1, 0, 0, 0]], depth: 10.0 },
    }
}

/// EQ4, over SC, SI, SA, whose level 0 is *safety*.
pub(super) fn eq4(class: u8) -> Class {
    match class {
        0 => Class { highest: &[&[1, 0, 0]], depth: 6.0 },
        1 => Class { highest: &[&[1, 1, 1]], depth: 5.0 },
        _ => Class { highest: &[&[2, 2, 2]], depth: 4.0 },
    }
}
