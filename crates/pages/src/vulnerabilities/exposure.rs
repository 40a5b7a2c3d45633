//! How many assets had a vulnerability on each of the last days, as a drawing and as numbers.

use parapet_model::time::{DAY, start_of_day};
use parapet_model::{Millis, Scope, VulnerabilityNo};
use parapet_posture::Snapshot;

use crate::dates::day;

/// Days looked at.
const DAYS: i64 = 90;
/// Size of the drawing.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 160.0;
/// Room for words at its edges.
const LEFT: f64 = 48.0;
const BOTTOM: f64 = 20.0;
const TOP: f64 = 12.0;

/// See the module.
#[derive(Debug)]
pub(super) struct Exposure {
    /// In one sentence.
    pub(super) sentence: String,
    /// Points of the line.
    pub(super) line: String,
    /// Points of the area below it.
    pub(super) area: String,
    /// The most there ever were.
    pub(super) most: u64,
    /// The first and the last day.
    pub(super) first: String,
    /// See `first`.
    pub(super) last: String,
    /// Days on which the number changed, and the first and last.
    pub(super) steps: Vec<(String, u64)>,
}

/// The last days, each at its end, and now.
pub(super) fn last_days(
    snapshot: &Snapshot,
    scope: &Scope,
    vulnerability: VulnerabilityNo,
    now: Millis,
) -> Exposure {
    let today = start_of_day(now);
    let mut instants: Vec<Millis> = (0..DAYS).rev().map(|ago| today - ago * DAY).collect();
    instants.push(now);
    let counts = snapshot.exposure(scope, vulnerability, &instants, false);
    // What stood at 00:00 is the count of the day before.
    let days: Vec<String> = instants.iter().take(DAYS as usize).map(|at| day(at - 1)).collect();
    let days: Vec<String> = days.into_iter().chain([day(now)]).collect();
    let most = counts.iter().copied().max().unwrap_or_default();
    let x = |at: usize| LEFT + (WIDTH - LEFT) * at as f64 / (counts.len().max(2) - 1) as f64;
    let y = |count: u64| TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - count as f64 / most.max(1) as f64);
    let points: Vec<String> =
        counts.iter().enumerate().map(|(at, count)| format!("{:.1},{:.1}", x(at), y(*count))).collect();
    let line = points.join(" ");
    let floor = HEIGHT - BOTTOM;
    let area = format!("{LEFT:.1},{floor:.1} {line} {WIDTH:.1},{floor:.1}");
    let last_place = counts.len().saturating_sub(1);
    let changed = |at: usize| at == 0 || at == last_place || counts.get(at) != counts.get(at - 1);
    let steps = days.iter().zip(&counts).enumerate().filter(|(at, _)| changed(*at));
    Exposure {
        sentence: sentence(&days, &counts),
        line,
        area,
        most,
        first: days.first().cloned().unwrap_or_default(),
        last: days.last().cloned().unwrap_or_default(),
        steps: steps.map(|(_, (day, count))| (day.clone(), *count)).collect(),
    }
}

fn sentence(days: &[String], counts: &[u64]) -> String {
    let begin = match counts.iter().position(|count| *count > 0) {
        None => return format!("No asset had it in the last {DAYS} days."),
        Some(0) => format!("Some asset has had it for {DAYS} days or longer."),
        Some(at) => format!("The first asset had it on {}.", days.get(at).map_or("", String::as_str)),
    };
    let end = match counts.last() {
        Some(0) => " None has it now.".to_owned(),
        _ => String::new(),
    };
    format!("{begin}{end}")
}
