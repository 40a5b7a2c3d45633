//! Where a version lies in a range: OSV 1.7, *evaluation*.
//!
//! The specification sorts the events and walks them. The same answer comes without sorting: of
//! all events at or before the version the last decides, and the first closing event after it
//! names the fix. At equal versions an opening event comes before a closing one, whatever the
//! published order, so `introduced 0, fixed 0` contains nothing.

use std::cmp::Ordering;

use parapet_model::advisory::{Event, Range};

use crate::order::Order;

/// How a version lies in what an entry lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Containment<'a> {
    /// From a version on, up to a closing event if there is one.
    Inside { from: &'a str, to: Option<Closing<'a>> },
    /// Listed one by one.
    Listed,
    /// The range says that no version ever was affected.
    Denied,
}

/// The event that ends an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closing<'a> {
    Fixed(&'a str),
    LastAffected(&'a str),
    /// A fix whose version has no place in the order. Whether the version is before it cannot be
    /// told; saying nothing would be a silent clean.
    Incomparable(&'a str),
}

impl<'a> Containment<'a> {
    /// The version with the fix.
    pub(super) fn fixed(&self) -> Option<&'a str> {
        match self {
            Self::Inside { to: Some(Closing::Fixed(version)), .. } => Some(version),
            _ => None,
        }
    }

    pub(super) fn is_denied(&self) -> bool {
        *self == Self::Denied
    }

    /// `>= 0, < 3.0.1-1`; `= 1.2.3` for a listed `version`.
    pub(super) fn in_words(&self, version: &str) -> String {
        match self {
            Self::Inside { from, to: None } => format!(">= {from}"),
            Self::Inside { from, to: Some(Closing::Fixed(to)) } => format!(">= {from}, < {to}"),
            Self::Inside { from, to: Some(Closing::LastAffected(to)) } => format!(">= {from}, <= {to}"),
            Self::Inside { from, to: Some(Closing::Incomparable(to)) } => {
                format!(">= {from}, < {to} (cannot be compared)")
            }
            Self::Listed => format!("= {version}"),
            Self::Denied => "never affected".to_owned(),
        }
    }
}

/// Where `version` lies among `events`; `None` when outside, or when it or a deciding event cannot
/// be parsed.
pub(super) fn locate<'a>(order: Order, version: &str, events: &'a [Event]) -> Option<Containment<'a>> {
    if !order.parses(version) {
        return None;
    }
    if is_denial(events) {
        return Some(Containment::Denied);
    }
    if !is_before_limits(order, version, events) {
        return None;
    }
    let last = events.iter().filter(|e| is_passed(order, version, e)).reduce(|a, b| later(order, a, b))?;
    let Event::Introduced(from) = last else { return None };
    let ahead = events.iter().filter(|e| !is_passed(order, version, e));
    let to = ahead.filter_map(|e| closing_of(order, e)).reduce(|a, b| earlier(order, a, b));
    Some(Containment::Inside { from, to })
}

/// Whether the version is at or after the event (after, for the last affected version).
fn is_passed(order: Order, version: &str, event: &Event) -> bool {
    match event {
        Event::Introduced(at) | Event::Fixed(at) if at == ZERO => true,
        Event::Introduced(at) | Event::Fixed(at) => order.compare(version, at).is_some_and(Ordering::is_ge),
        Event::LastAffected(at) => order.compare(version, at).is_some_and(Ordering::is_gt),
        Event::Limit(_) => false,
    }
}

/// The version before every other.
const ZERO: &str = "0";

fn later<'a>(order: Order, a: &'a Event, b: &'a Event) -> &'a Event {
    match compare_events(order, a, b) {
        Ordering::Less => b,
        Ordering::Equal | Ordering::Greater => a,
    }
}

fn compare_events(order: Order, a: &Event, b: &Event) -> Ordering {
    let (at_a, closes_a) = position(a);
    let (at_b, closes_b) = position(b);
    match (at_a == ZERO, at_b == ZERO) {
        (false, false) => order.compare(at_a, at_b).unwrap_or(Ordering::Equal),
        (a, b) => b.cmp(&a),
    }
    .then(closes_a.cmp(&closes_b))
}

/// The version of an event and whether it closes.
fn position(event: &Event) -> (&str, bool) {
    match event {
        Event::Introduced(at) => (at, false),
        Event::Fixed(at) | Event::LastAffected(at) | Event::Limit(at) => (at, true),
    }
}

fn closing_of(order: Order, event: &Event) -> Option<Closing<'_>> {
    match event {
        Event::Fixed(at) | Event::LastAffected(at) if !order.parses(at) => Some(Closing::Incomparable(at)),
        Event::Fixed(at) => Some(Closing::Fixed(at)),
        Event::LastAffected(at) => Some(Closing::LastAffected(at)),
        Event::Introduced(_) | Event::Limit(_) => None,
    }
}

/// The one that comes first; any that can be compared before one that cannot.
fn earlier<'a>(order: Order, a: Closing<'a>, b: Closing<'a>) -> Closing<'a> {
    let at = |closing| match closing {
        Closing::Fixed(at) | Closing::LastAffected(at) => Some(at),
        Closing::Incomparable(_) => None,
    };
    match (at(a), at(b)) {
        (Some(at_a), Some(at_b)) if order.compare(at_a, at_b) == Some(Ordering::Greater) => b,
        (None, _) => b,
        _ => a,
    }
}

/// Without limits everything is looked at; with some, the version must be before one of them.
fn is_before_limits(order: Order, version: &str, events: &[Event]) -> bool {
    let mut limits = events.iter().filter_map(|event| match event {
        Event::Limit(at) => Some(at.as_str()),
        _ => None,
    });
    let is_before = |at: &str| at == "*" || order.compare(version, at).is_some_and(Ordering::is_lt);
    let Some(first) = limits.next() else { return true };
    is_before(first) || limits.any(is_before)
}

/// `introduced 0` and `fixed 0` and nothing else.
fn is_denial(events: &[Event]) -> bool {
    let is_zero = |event: &Event| matches!(event, Event::Introduced(at) | Event::Fixed(at) if at == ZERO);
    events.iter().all(is_zero) && events.iter().any(|event| matches!(event, Event::Fixed(_)))
}

/// Whether the versions of the ranges are builds of an RPM module.
pub(super) fn is_modular(ranges: &[Range]) -> bool {
    let mut events = ranges.iter().flat_map(|range| &range.events);
    events.any(|event| position(event).0.contains(".module"))
}
