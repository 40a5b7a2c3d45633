//! The vendor's word for a match.

use parapet_model::MatchState;
use parapet_model::advisory::Affected;

use super::range::Containment;
use crate::key::is_pro;

/// The state that an entry gives a version in `range`. `from_subscription`: the installed package
/// comes from the subscription, so its fixes can be installed.
pub(super) fn of(entry: &Affected, range: &Containment<'_>, from_subscription: bool) -> MatchState {
    if range.is_denied() {
        return MatchState::NotAffected;
    }
    if range.fixed().is_none() {
        return without_fix(&entry.vendor_state);
    }
    let needs_subscription = is_pro(&entry.ecosystem) || entry.vendor_state.starts_with(AVAILABLE_WITH_PRO);
    if needs_subscription && !from_subscription {
        MatchState::FixWithSubscription
    } else {
        MatchState::FixAvailable
    }
}

/// How Ubuntu's `availability` begins for fixes behind the subscription.
const AVAILABLE_WITH_PRO: &str = "Available with Ubuntu Pro";

/// The words of Debian's and Ubuntu's trackers for what has no fix.
fn without_fix(vendor_state: &str) -> MatchState {
    match vendor_state {
        "end-of-life" | "ignored" | "wont-fix" | "won't fix" => MatchState::WontFix,
        "postponed" | "no-dsa" | "deferred" => MatchState::Postponed,
        "undetermined" | "needs-triage" | "under investigation" => MatchState::UnderInvestigation,
        _ => MatchState::Affected,
    }
}
