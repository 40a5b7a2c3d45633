//! Results of controls in the words of people.

use parapet_model::Millis;
use parapet_model::compliance::{
    Control, ControlPosture, ControlResult, ControlStatus, Evidence, WHOLE_HOST,
};
use parapet_model::time::{DAY, start_of_day};
use parapet_service::control_posture::Cell as Found;

use super::view::Cell;
use crate::dates::day;
use crate::link::Link;
use crate::parts::cut;

/// What changed later is marked.
const RECENT: Millis = 14 * DAY;

/// Lines of evidence, and characters of one.
const LINES: usize = 300;
const LINE: usize = 300;

/// What a control demands, or its id when no document says so.
pub(crate) fn statement(control: &Control) -> String {
    if control.text.statement.is_empty() { control.rule.clone() } else { control.text.statement.clone() }
}

/// The word for a status, and how its tag looks.
pub(crate) fn status(status: ControlStatus, accepted: bool) -> (&'static str, &'static str) {
    match status.posture() {
        Some(ControlPosture::Failed) if accepted => ("excepted", "warn"),
        Some(ControlPosture::Failed) => ("failed", "bad"),
        Some(ControlPosture::Passed) => ("passed", "good"),
        Some(ControlPosture::Error) => ("error", "warn"),
        None => ("not judged", ""),
    }
}

/// A result in a table.
pub(crate) fn cell(found: &Found, now: Millis) -> Cell {
    let result = &found.result;
    let (word, class) = status(result.status, found.accepted);
    Cell {
        link: Link::to("/compliance/results").part(&result.no.to_string()),
        word,
        class,
        instance: instance(result),
        changed: changed(result, now),
    }
}

/// Which of several things a result is about; empty for the whole host.
pub(crate) fn instance(result: &ControlResult) -> String {
    match result.identity.instance.as_str() {
        WHOLE_HOST => String::new(),
        instance => instance.to_owned(),
    }
}

/// The day on which status or evidence became what they are, when they were others before and that is not
/// long ago.
fn changed(result: &ControlResult, now: Millis) -> String {
    let summary = &result.summary;
    let was_other = summary.since != summary.posture_since || summary.previous.is_some();
    if was_other && start_of_day(now) - summary.since <= RECENT { day(summary.since) } else { String::new() }
}

/// Evidence in lines that can be compared: each test with what it found. What comes and goes without a
/// change (times of files, sizes) is left out.
pub(crate) fn lines(evidence: Option<&Evidence>) -> Vec<String> {
    let Some(evidence) = evidence else { return Vec::new() };
    let mut out = Vec::new();
    for test in &evidence.tests {
        let title = if test.title.is_empty() { &test.test } else { &test.title };
        out.push(format!("{title}:"));
        if test.items.is_empty() && test.more == 0 {
            out.push("  nothing found".to_owned());
        }
        for item in &test.items {
            out.extend(item.telling().lines().map(|line| format!("  {line}")));
        }
        if test.more > 0 {
            out.push(format!("  and {} more", test.more));
        }
    }
    out.extend(evidence.messages.iter().map(|message| format!("message: {message}")));
    let more = out.len().saturating_sub(LINES);
    out.truncate(LINES);
    if more > 0 {
        out.push(format!("and {more} more lines"));
    }
    out.into_iter().map(|line| cut(&line, LINE)).collect()
}

/// What tests expected, one line each.
pub(crate) fn expected(evidence: Option<&Evidence>) -> Vec<(String, String)> {
    let Some(evidence) = evidence else { return Vec::new() };
    let tests = evidence.tests.iter();
    tests
        .map(|test| {
            let title = if test.title.is_empty() { test.test.clone() } else { test.title.clone() };
            let mut said: Vec<String> = test
                .expected
                .iter()
                .map(|e| format!("{} {} {}", e.field.replace('_', " "), e.operation, e.values.join(" or ")))
                .collect();
            if !test.existence.is_empty() {
                said.push(test.existence.replace('_', " "));
            }
            (title, said.join("; "))
        })
        .filter(|(_, said)| !said.is_empty())
        .collect()
}
