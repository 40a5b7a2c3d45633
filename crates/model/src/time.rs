//! Time: epoch milliseconds, half-open intervals, and a clock that tests can move.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z. May be negative.
pub type Millis = i64;

/// The end of an interval that is still open. Never NULL in the store, because engines sort NULL
/// differently.
pub const FOREVER: Millis = i64::MAX;

/// One day in milliseconds.
pub const DAY: Millis = 86_400_000;

/// A half-open interval `[from, to)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Interval {
    /// First instant inside.
    pub from: Millis,
    /// First instant after; [`FOREVER`] while open.
    pub to: Millis,
}

impl Interval {
    /// An interval that is open from `from` on.
    pub const fn since(from: Millis) -> Self {
        Self { from, to: FOREVER }
    }

    /// Whether `at` lies inside.
    pub const fn contains(&self, at: Millis) -> bool {
        self.from <= at && at < self.to
    }

    /// Whether the interval has no end yet.
    pub const fn is_open(&self) -> bool {
        self.to == FOREVER
    }

    /// The common part, if there is one.
    pub fn intersect(&self, other: &Self) -> Option<Self> {
        let (from, to) = (self.from.max(other.from), self.to.min(other.to));
        (from < to).then_some(Self { from, to })
    }
}

/// Joins intervals that touch or overlap; the result is sorted and disjoint. This is what turns
/// many presences and matches into the *stints* of a finding.
pub fn union_intervals(mut intervals: Vec<Interval>) -> Vec<Interval> {
    intervals.sort_unstable();
    let mut out: Vec<Interval> = Vec::with_capacity(intervals.len());
    for next in intervals {
        match out.last_mut() {
            Some(last) if next.from <= last.to => last.to = last.to.max(next.to),
            _ => out.push(next),
        }
    }
    out
}

/// A source of the present instant.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Now, in epoch milliseconds.
    fn now(&self) -> Millis;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        Timestamp::now().as_millisecond()
    }
}

/// A clock that stands still until a test moves it. Clones share the same hands.
#[derive(Debug, Clone)]
pub struct TestClock(Arc<AtomicI64>);

impl TestClock {
    /// A clock that shows `at`.
    pub fn at(at: Millis) -> Self {
        Self(Arc::new(AtomicI64::new(at)))
    }

    /// Moves the clock forward by `by` milliseconds (or back, when negative).
    pub fn advance(&self, by: Millis) {
        self.0.fetch_add(by, Ordering::SeqCst);
    }

    /// Sets the clock.
    pub fn set(&self, at: Millis) {
        self.0.store(at, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Millis {
        self.0.load(Ordering::SeqCst)
    }
}

/// `2026-01-02T03:04:05.678Z`; instants out of the calendar's range give an empty string, and so
/// does [`FOREVER`].
pub fn format_rfc3339(at: Millis) -> String {
    match Timestamp::from_millisecond(at) {
        Ok(t) => format!("{t:.3}"),
        Err(_) => String::new(),
    }
}

/// Reads an RFC 3339 instant, or a plain `YYYY-MM-DD` taken as midnight UTC.
pub fn parse_instant(text: &str) -> Option<Millis> {
    if let Ok(t) = text.parse::<Timestamp>() {
        return Some(t.as_millisecond());
    }
    let date: jiff::civil::Date = text.parse().ok()?;
    date.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|z| z.timestamp().as_millisecond())
}

/// `2026-01-02T03:04:05Z`; empty where [`format_rfc3339`] is.
pub fn format_seconds(at: Millis) -> String {
    match Timestamp::from_millisecond(at.div_euclid(1000).saturating_mul(1000)) {
        Ok(t) => format!("{t:.0}"),
        Err(_) => String::new(),
    }
}

/// The first instant of the UTC day that `at` lies in.
pub const fn start_of_day(at: Millis) -> Millis {
    at.div_euclid(DAY).saturating_mul(DAY)
}

/// The first instant after the UTC day that `at` lies in: 24:00.
pub const fn end_of_day(at: Millis) -> Millis {
    start_of_day(at).saturating_add(DAY)
}

/// The first instant of a day written `mm/dd/yyyy`; `None` for a day that does not exist.
pub fn day_of_us_date(text: &str) -> Option<Millis> {
    let pieces: Vec<&str> = text.split('/').collect();
    let [month, day, year] = pieces.as_slice() else { return None };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let long_enough = (1..=2).contains(&month.len()) && (1..=2).contains(&day.len()) && year.len() == 4;
    if !long_enough || !pieces.iter().all(|piece| digits(piece)) {
        return None;
    }
    let date = jiff::civil::Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()?;
    date.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|z| z.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn touching_stints_become_one() {
        let i = |from, to| Interval { from, to };
        assert_eq!(union_intervals(vec![i(5, 9), i(1, 5), i(20, FOREVER)]), vec![i(1, 9), i(20, FOREVER)]);
    }

    #[test]
    fn dates_and_instants_are_read() {
        assert_eq!(parse_instant("1970-01-02"), Some(DAY));
        assert_eq!(parse_instant("1970-01-01T00:00:01.5Z"), Some(1500));
        assert_eq!(parse_instant("yesterday"), None);
        assert_eq!(format_rfc3339(1500), "1970-01-01T00:00:01.500Z");
        assert_eq!(format_rfc3339(FOREVER), "");
        assert_eq!(format_seconds(1999), "1970-01-01T00:00:01Z");
        assert_eq!(format_seconds(-1), "1969-12-31T23:59:59Z");
        assert_eq!(format_seconds(FOREVER), "");
    }

    #[test]
    fn days_end_at_24_utc() {
        assert_eq!((start_of_day(DAY), end_of_day(DAY)), (DAY, 2 * DAY));
        assert_eq!((start_of_day(2 * DAY - 1), end_of_day(2 * DAY - 1)), (DAY, 2 * DAY));
        assert_eq!(end_of_day(-1), 0);
    }

    #[test]
    fn american_dates_are_days_that_exist() {
        assert_eq!(day_of_us_date("01/02/1970"), Some(DAY));
        assert_eq!(day_of_us_date("1/2/1970"), Some(DAY));
        assert!(day_of_us_date("02/29/2028").is_some());
        for bad in
            ["02/29/2027", "13/01/2027", "00/10/2027", "1970-01-02", "01/02/70", "1/2/1970/", "a/b/cdef"]
        {
            assert_eq!(day_of_us_date(bad), None, "{bad}");
        }
    }
}
