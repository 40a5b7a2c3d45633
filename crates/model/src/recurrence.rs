//! When a report comes again: once, or on days of the calendar at one time of day. All of it is UTC,
//! so daylight saving shifts nothing.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use serde::{Deserialize, Serialize};

use crate::schedule::Weekday;
use crate::time::{DAY, Millis};

/// Every pattern has a day among so many that follow each other.
const LONGEST_GAP: i64 = 63;

/// A week of a month: the one in which a weekday comes for the first time, and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the weeks say themselves")]
pub enum MonthWeek {
    First,
    Second,
    Third,
    Fourth,
    Last,
}

impl MonthWeek {
    /// All weeks.
    pub const ALL: [Self; 5] = [Self::First, Self::Second, Self::Third, Self::Fourth, Self::Last];

    /// `FIRST`, …
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::First => "FIRST",
            Self::Second => "SECOND",
            Self::Third => "THIRD",
            Self::Fourth => "FOURTH",
            Self::Last => "LAST",
        }
    }

    /// The week of that name, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|week| week.as_str().eq_ignore_ascii_case(name))
    }
}

/// On which days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Days {
    /// On the first day alone.
    Once,
    /// Every day.
    Daily,
    /// On these days of the week.
    Weekly(BTreeSet<Weekday>),
    /// On this day of the month, 1 to 31; on its last day where the month is shorter.
    MonthDay(u8),
    /// On one weekday of the month.
    MonthWeekday(MonthWeek, Weekday),
}

impl Days {
    fn hold(&self, date: Date, day: Weekday) -> bool {
        match self {
            Self::Once | Self::Daily => true,
            Self::Weekly(days) => days.contains(&day),
            Self::MonthDay(number) => i64::from(date.day()) == i64::from(*number).min(length(date)),
            Self::MonthWeekday(week, wanted) => {
                let number = i64::from(date.day());
                *wanted == day
                    && match week {
                        MonthWeek::Last => number + 7 > length(date),
                        week => (number - 1) / 7 == *week as i64,
                    }
            }
        }
    }
}

fn length(date: Date) -> i64 {
    i64::from(date.days_in_month())
}

/// The times of something that comes again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recurrence {
    /// The first instant it may come at; gives the time of day of all.
    pub start: Millis,
    /// The last instant it may come at; [`FOREVER`](crate::FOREVER) for no end.
    pub end: Millis,
    /// On which days.
    pub days: Days,
}

impl Recurrence {
    /// The first time after `after`; `None` when there is none any more.
    pub fn next_after(&self, after: Millis) -> Option<Millis> {
        let from = after.checked_add(1)?.max(self.start);
        let time = self.start.rem_euclid(DAY);
        // The first day whose time is not before `from`.
        let first = from.checked_sub(time)?.checked_add(DAY - 1)?.div_euclid(DAY);
        let found = match self.days {
            Days::Once => (from == self.start).then_some(self.start),
            _ => (first..first.checked_add(LONGEST_GAP)?).find_map(|day| {
                let at = day.checked_mul(DAY)?.checked_add(time)?;
                let date = Offset::UTC.to_datetime(Timestamp::from_millisecond(at).ok()?).date();
                self.days.hold(date, Weekday::of(at)).then_some(at)
            }),
        };
        found.filter(|at| *at <= self.end)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::{FOREVER, format_rfc3339, parse_instant};

    fn at(text: &str) -> Millis {
        parse_instant(text).unwrap()
    }

    /// The first times after the start.
    fn times(days: Days, start: &str, count: usize) -> Vec<String> {
        let recurrence = Recurrence { start: at(start), end: FOREVER, days };
        let mut next = recurrence.next_after(at(start) - 1);
        let mut out = Vec::new();
        while let Some(time) = next.filter(|_| out.len() < count) {
            out.push(format_rfc3339(time)[..16].to_owned());
            next = recurrence.next_after(time);
        }
        out
    }

    #[test]
    fn days_weeks_and_months_are_counted_by_the_calendar() {
        assert_eq!(times(Days::Once, "2026-11-02T09:30:00Z", 3), ["2026-11-02T09:30"]);
        assert_eq!(times(Days::Daily, "2026-10-24T23:30:00Z", 2), ["2026-10-24T23:30", "2026-10-25T23:30"]);
        let days = BTreeSet::from([Weekday::Monday, Weekday::Friday]);
        assert_eq!(
            times(Days::Weekly(days), "2026-11-03T00:00:00Z", 3),
            ["2026-11-06T00:00", "2026-11-09T00:00", "2026-11-13T00:00"]
        );
        assert_eq!(
            times(Days::MonthDay(31), "2027-01-31T06:00:00Z", 4),
            ["2027-01-31T06:00", "2027-02-28T06:00", "2027-03-31T06:00", "2027-04-30T06:00"]
        );
        assert_eq!(
            times(Days::MonthWeekday(MonthWeek::Second, Weekday::Tuesday), "2026-11-11T06:00:00Z", 2),
            ["2026-12-08T06:00", "2027-01-12T06:00"]
        );
        assert_eq!(
            times(Days::MonthWeekday(MonthWeek::Last, Weekday::Friday), "2026-11-01T06:00:00Z", 3),
            ["2026-11-27T06:00", "2026-12-25T06:00", "2027-01-29T06:00"]
        );
    }

    #[test]
    fn nothing_comes_after_the_end_and_the_end_itself_counts() {
        let (start, end) = (at("2026-11-02T09:30:00Z"), at("2026-11-03T09:30:00Z"));
        let recurrence = Recurrence { start, end, days: Days::Daily };
        assert_eq!(recurrence.next_after(start), Some(end));
        assert_eq!(recurrence.next_after(end), None);
        assert_eq!(recurrence.next_after(FOREVER), None);
    }

    fn any_days() -> impl Strategy<Value = Days> {
        let weekday = (0usize..7).prop_map(|n| Weekday::ALL[n]);
        prop_oneof![
            Just(Days::Daily),
            proptest::collection::btree_set(weekday.clone(), 1..4).prop_map(Days::Weekly),
            (1u8..=31).prop_map(Days::MonthDay),
            ((0usize..5).prop_map(|n| MonthWeek::ALL[n]), weekday)
                .prop_map(|(w, d)| Days::MonthWeekday(w, d)),
        ]
    }

    proptest! {
        /// Walking forward day by day from any start meets exactly the same times.
        #[test]
        fn no_time_is_skipped_and_none_comes_twice(
            days in any_days(), start in 0i64..4_000_000_000_000, later in -40_000_000_000i64..40_000_000_000,
        ) {
            let recurrence = Recurrence { start, end: FOREVER, days };
            let next = recurrence.next_after(start + later).unwrap();
            prop_assert!(next > start + later && next >= start);
            prop_assert_eq!(next.rem_euclid(DAY), start.rem_euclid(DAY));
            // Nothing lies between: asking from just before it gives it again, from it gives a later one.
            prop_assert_eq!(recurrence.next_after(next - 1), Some(next));
            prop_assert!(recurrence.next_after(next).unwrap() - next >= DAY);
            let from = (start + later + 1).max(start);
            for before in (1..=62).map(|n| next - n * DAY).take_while(|at| *at >= from) {
                let date = Offset::UTC.to_datetime(Timestamp::from_millisecond(before).unwrap()).date();
                prop_assert!(!recurrence.days.hold(date, Weekday::of(before)));
            }
        }

        #[test]
        fn no_instant_makes_it_panic(start in any::<i64>(), after in any::<i64>(), days in any_days()) {
            let _ = Recurrence { start, end: FOREVER, days }.next_after(after);
        }
    }
}
