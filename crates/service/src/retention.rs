//! What is kept how long, said where the limits are.

use crate::accounts::{SESSION_IDLE, TOKEN_LIFETIME};
use crate::exports::KEPT_DAYS;
use crate::scan::cache::MAX_CACHE;

/// One kind of thing that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retained {
    /// What.
    pub what: &'static str,
    /// How long, in a sentence.
    pub how_long: String,
}

/// Everything that is kept, and how long.
pub fn retention() -> Vec<Retained> {
    let hours = |millis: i64| millis / 3_600_000;
    let row = |what, how_long: String| Retained { what, how_long };
    vec![
        row(
            "assets, findings, exceptions, and their past",
            "for ever: any day can be asked about later".to_owned(),
        ),
        row("the audit log", "for ever; nobody can change or delete an entry".to_owned()),
        row("jobs and what came of them", "for ever".to_owned()),
        row(
            "files of exports",
            format!("{KEPT_DAYS} days, or as long as their asker says, up to a year; looked at once an hour"),
        ),
        row("reports", "1, 7, 30 or 90 days, as their asker says".to_owned()),
        row("layers of images that were read", {
            format!("the most recently used, up to {} GiB", MAX_CACHE >> 30)
        }),
        row("sessions of these pages", format!("{} hour after their last use", hours(SESSION_IDLE))),
        row("tokens", format!("{} hours", hours(TOKEN_LIFETIME))),
        row("key pairs", "until somebody deletes them or disables their user".to_owned()),
    ]
}
