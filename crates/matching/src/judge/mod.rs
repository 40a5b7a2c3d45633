//! What one advisory says of one package.
//!
//! The outcome is one verdict per vulnerability the record stands for, or nothing. Nothing means
//! *this record does not say the package is affected*; whether silence means safety is for
//! `coverage` to say.
//!
//! How several entries and ranges of one record become one statement:
//! * within one ecosystem the statement hardest to get rid of wins: no fix before a fix with
//!   subscription before a fix, the highest fixed version first (all matching ranges must be left);
//! * the subscription's ecosystem (`Ubuntu:Pro:…`, `release.rs`) is asked beside the plain one. A package that
//!   comes from the subscription (`+esm`), or is on a system that has it, follows its entries alone
//!   where it has any; for any other package a fix
//!   there turns *no fix* into *fix with subscription*;
//! * *not affected* holds only when nothing says otherwise.

mod range;
mod state;

use std::cmp::Ordering;

use parapet_model::advisory::{Advisory, Affected, RangeKind};
use parapet_model::verdict::Verdict;
use parapet_model::{MatchState, PackageKey, Severity};

use crate::ecosystem::Naming;
use crate::key::Spoken;
use crate::order::Order;
use crate::release::{canonical, is_subscription};
use range::Containment;

pub(crate) use state::NOT_AFFECTED;

/// Everything `advisory` says of `package`; empty when it says nothing, or is withdrawn.
///
/// A version that the ecosystem's order cannot parse is judged by the versions listed one by one
/// only. [`Verdict::vendor_severity`] is the publisher's word for the package, else its word for
/// the record, else the band of the record's own CVSS when the record stands for one vulnerability
/// (the first two links of the severity chain).
pub fn judge(package: &PackageKey, advisory: &Advisory) -> Vec<Verdict> {
    if advisory.withdrawn != 0 {
        return Vec::new();
    }
    let spoken = Spoken::of(package);
    let Some(statement) = statement_of(&spoken, advisory) else { return Vec::new() };
    let vendor_severity = severity_of(statement.entry, advisory);
    let verdict = |vulnerability: &String| Verdict {
        vulnerability: vulnerability.clone(),
        state: statement.state,
        class: advisory.class,
        vendor_severity,
        fixed_version: statement.fixed.unwrap_or_default().to_owned(),
        range: statement.range.in_words(spoken.version),
    };
    advisory.vulnerabilities.iter().map(verdict).collect()
}

fn severity_of(entry: &Affected, advisory: &Advisory) -> Severity {
    let rated =
        [entry.vendor_severity, advisory.vendor_severity].into_iter().find(|s| *s != Severity::Unknown);
    let from_cvss = || match advisory.vulnerabilities.as_slice() {
        [_] => crate::cvss::best(&advisory.cvss).map(|(_, score)| Severity::of_score(score)),
        _ => None,
    };
    rated.or_else(from_cvss).unwrap_or_default()
}

/// What one entry says of the package, by the range that decided.
struct Statement<'a> {
    entry: &'a Affected,
    state: MatchState,
    fixed: Option<&'a str>,
    range: Containment<'a>,
}

fn statement_of<'a>(spoken: &Spoken<'_>, advisory: &'a Advisory) -> Option<Statement<'a>> {
    let from_subscription = spoken.version.contains("+esm") || is_subscription(&spoken.ecosystem);
    let (mut plain, mut pro) = (None, None);
    let mut pro_speaks = false;
    for entry in advisory.affected.iter().filter(|e| spoken.meets(e) && modules_agree(e, spoken)) {
        let is_pro = is_subscription(&canonical(&entry.ecosystem));
        pro_speaks |= is_pro;
        let slot = if is_pro { &mut pro } else { &mut plain };
        let state = |range: &Containment<'_>| state::of(entry, range, from_subscription);
        for_each_containment(entry, spoken, |range| {
            let new = Statement { entry, state: state(&range), fixed: range.fixed(), range };
            keep_harder(slot, new, spoken.order());
        });
    }
    match (plain, pro) {
        (_, pro) if from_subscription && pro_speaks => pro,
        (Some(plain), Some(pro))
            if pro.state == MatchState::FixWithSubscription && hardness(plain.state) == HARDEST =>
        {
            Some(pro)
        }
        (plain, pro) => plain.or(pro),
    }
}

/// Gives each range of an entry that contains the version; when none does, the entry's list of
/// versions if the version is on it, else the denial of a distribution if there is one.
fn for_each_containment<'a>(entry: &'a Affected, spoken: &Spoken<'_>, mut give: impl FnMut(Containment<'a>)) {
    let (mut is_inside, mut is_denied) = (false, false);
    for range in &entry.ranges {
        let order = match range.kind {
            RangeKind::Semver => spoken.order().or(Some(Order::Semver)),
            RangeKind::Ecosystem => spoken.order(),
        };
        match order.and_then(|order| range::locate(order, spoken.version_for(entry), &range.events)) {
            None => {}
            Some(Containment::Denied) => is_denied = true,
            Some(inside) => {
                is_inside = true;
                give(inside);
            }
        }
    }
    // `fixed: 0` as *never affected* is the practice of dpkg and apk distributions; a VEX says it.
    let may_deny = spoken.family.is_some_and(|f| f.naming == Naming::Source)
        || entry.vendor_state == state::NOT_AFFECTED;
    if !is_inside && lists(entry, spoken) {
        give(Containment::Listed);
    } else if !is_inside && is_denied && may_deny {
        give(Containment::Denied);
    }
}

/// Whether `versions` names the version: as the order sees it where there is one, else as text.
fn lists(entry: &Affected, spoken: &Spoken<'_>) -> bool {
    let version = spoken.version_for(entry);
    let equals = |order: Order, listed| order.compare(listed, version) == Some(Ordering::Equal);
    let by_order = spoken.order().filter(|order| order.parses(version));
    entry
        .versions
        .iter()
        .any(|listed| listed == version || by_order.is_some_and(|order| equals(order, listed)))
}

/// RPM modules: an entry for a module speaks of that module's builds only, and the other way
/// round. Where the record carries no label, its versions tell that it is for some module.
fn modules_agree(entry: &Affected, spoken: &Spoken<'_>) -> bool {
    if spoken.family.is_none_or(|f| f.naming != Naming::Binary) {
        return true;
    }
    match (entry.module.as_str(), spoken.package.module.as_str()) {
        ("", "") => range::is_modular(&entry.ranges) == spoken.version.contains(".module"),
        ("", _) => range::is_modular(&entry.ranges),
        (entry, package) => name_and_stream(entry) == name_and_stream(package),
    }
}

/// `nodejs:18:9020020230327152102:rhel9` → `nodejs`, `18`.
fn name_and_stream(label: &str) -> (Option<&str>, Option<&str>) {
    let mut parts = label.split(':');
    (parts.next(), parts.next())
}

const HARDEST: u8 = 3;

/// How hard it is to get rid of a statement.
pub(crate) fn hardness(state: MatchState) -> u8 {
    match state {
        MatchState::Affected
        | MatchState::Postponed
        | MatchState::WontFix
        | MatchState::UnderInvestigation => HARDEST,
        MatchState::FixWithSubscription => 2,
        MatchState::FixAvailable => 1,
        MatchState::NotAffected => 0,
    }
}

/// Keeps the harder of two statements; of equally hard ones the first.
fn keep_harder<'a>(slot: &mut Option<Statement<'a>>, new: Statement<'a>, order: Option<Order>) {
    let replaces = slot.as_ref().is_none_or(|old| {
        let fixed = (new.fixed.unwrap_or_default(), old.fixed.unwrap_or_default());
        hardness(new.state)
            .cmp(&hardness(old.state))
            .then_with(|| compare_fixed(order, fixed.0, fixed.1))
            .is_gt()
    });
    if replaces {
        *slot = Some(new);
    }
}

/// Fixed versions in their order; one that cannot be parsed comes before those that can.
pub(crate) fn compare_fixed(order: Option<Order>, a: &str, b: &str) -> Ordering {
    let parses = |v| order.is_some_and(|order| order.parses(v));
    order
        .and_then(|order| order.compare(a, b))
        .unwrap_or_else(|| parses(a).cmp(&parses(b)).then_with(|| a.cmp(b)))
}
