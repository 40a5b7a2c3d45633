//! The past: facts cut at a date give a snapshot that answers as of that date.
//!
//! *As of* a date (what did we know?) cuts presence and matches at the same instant; *in hindsight*
//! (what was true?) cuts presence only and keeps what advisories say today (DESIGN, *Two clocks*).
//! Presence, matches, references, exceptions and the day of a KEV listing follow the date; EPSS,
//! texts and scores are today's, and whoever answers says so.

use parapet_model::exception::ExceptionState;
use parapet_model::facts::Change;
use parapet_model::{FOREVER, Interval, Millis};

/// Cuts presence, references and exceptions at `presence_at`, matches and KEV at `match_at`, all in
/// recorded time: what began later is dropped, what ended later is open.
#[must_use]
pub fn cut(mut change: Change, presence_at: Millis, match_at: Millis) -> Change {
    change.assets.retain_mut(|asset| {
        asset.links.retain_mut(|link| reopen(&mut link.held, presence_at));
        asset.references.retain_mut(|reference| reopen(&mut reference.held, presence_at));
        for delta in &mut asset.deltas {
            cut_delta(&mut delta.held, presence_at);
        }
        reopen(&mut asset.held, presence_at)
    });
    for (_, rows) in &mut change.matches {
        rows.retain_mut(|row| {
            let stays = reopen(&mut row.held, match_at);
            if row.held.is_open() {
                row.closed = None;
            }
            stays
        });
    }
    for vulnerability in &mut change.vulnerabilities {
        if vulnerability.kev_added > match_at {
            vulnerability.kev_added = 0;
        }
    }
    change.exceptions.retain_mut(|exception| {
        let decided = !exception.decisions.is_empty();
        exception.decisions.retain(|decision| decision.at <= presence_at);
        if let Some(last) = exception.decisions.last() {
            exception.state = last.state;
        } else if decided {
            exception.state = ExceptionState::Pending;
        }
        exception.requested_at <= presence_at
    });
    change.recorded = change.recorded.min(presence_at.max(match_at));
    change
}

/// Whether the interval began by `at`; if it ended later it is open again.
fn reopen(held: &mut Interval, at: Millis) -> bool {
    if held.to > at {
        held.to = FOREVER;
    }
    held.from <= at
}

/// A delta that began later stays as an empty one: a package that any delta names follows its
/// deltas alone, and before the first of them the asset did not have it in that form.
fn cut_delta(held: &mut Interval, at: Millis) {
    if !reopen(held, at) {
        held.to = held.from;
    }
}
