//! The vendor's word for a match.

use parapet_model::MatchState;
use parapet_model::advisory::Affected;

use super::range::Containment;
use crate::release::{canonical, is_subscription};

/// The state that an entry gives a version in `range`. `from_subscription`: the installed package
/// comes from the subscription, so its fixes can be installed.
pub(super) fn of(entry: &Affected, range: &Containment<'_>, from_subscription: bool) -> MatchState {
    if range.is_denied() {
        return MatchState::NotAffected;
    }
    if range.fixed().is_none() {
        return without_fix(&entry.vendor_state);
    }
    let needs_subscription =
        is_subscription(&canonical(&entry.ecosystem)) || entry.vendor_state.starts_with(AVAILABLE_WITH_PRO);
    if needs_subscription && !from_subscription {
        MatchState::FixWithSubscription
    } else {
        MatchState::FixAvailable
    }
}

/// How Ubuntu's `availability` begins for fixes behind the subscription.
const AVAILABLE_WITH_PRO: &str = "Available with Ubuntu Pro";

/// The word of an entry by which a vendor says that a package is not affected.
pub(crate) const NOT_AFFECTED: &str = "not affected";

/// The vendors' words for what has no fix. `no-dsa` says that no bulletin will come for it alone; a
/// fix may still come with a point release, so it is not *won't fix*.
fn without_fix(vendor_state: &str) -> MatchState {
    match vendor_state {
        // Debian's and Ubuntu's trackers.
        "end-of-life" | "ignored" | "wont-fix" | "won't fix" => MatchState::WontFix,
        "postponed" | "no-dsa" | "deferred" => MatchState::Postponed,
        "undetermined" | "needs-triage" | "under investigation" => MatchState::UnderInvestigation,
        // Red Hat's remediations, and their categories in CSAF where the text is another.
        "Will not fix" | "Out of support scope" | "no_fix_planned" => MatchState::WontFix,
        "Fix deferred" => MatchState::Postponed,
        _ => MatchState::Affected,
    }
}
