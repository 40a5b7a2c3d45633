//! When something happens again: every so many days at a time of day in UTC, so that daylight saving
//! cannot shift it.

use serde::{Deserialize, Serialize};

use crate::time::{DAY, Millis};

/// Milliseconds of a minute.
const MINUTE: Millis = 60_000;

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[repr(u8)]
#[expect(missing_docs, reason = "the days say themselves")]
pub enum Weekday {
    Monday = 0,
    Tuesday = 1,
    Wednesday = 2,
    Thursday = 3,
    Friday = 4,
    Saturday = 5,
    Sunday = 6,
}

impl Weekday {
    /// All days.
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];

    /// `MONDAY`, …
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Monday => "MONDAY",
            Self::Tuesday => "TUESDAY",
            Self::Wednesday => "WEDNESDAY",
            Self::Thursday => "THURSDAY",
            Self::Friday => "FRIDAY",
            Self::Saturday => "SATURDAY",
            Self::Sunday => "SUNDAY",
        }
    }

    /// The day of that name, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|day| day.as_str().eq_ignore_ascii_case(name))
    }

    /// The day on which an instant lies in UTC.
    pub fn of(at: Millis) -> Self {
        // 1970-01-01 was a Thursday.
        let index = (at.div_euclid(DAY) + Self::Thursday as i64).rem_euclid(7);
        Self::ALL.into_iter().find(|day| *day as i64 == index).unwrap_or(Self::Thursday)
    }
}

/// Every so many days at one time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cadence {
    /// Minutes after midnight UTC: 0 to 1439.
    pub minute: u16,
    /// Days between two times: 1 to 365.
    pub interval_days: u16,
    /// The day of the week; only with seven days between.
    pub week_day: Option<Weekday>,
}

impl Cadence {
    /// The first time after `after`. It is the anchor: all others lie whole intervals away from it.
    pub fn first_after(&self, after: Millis) -> Millis {
        let midnight = after.div_euclid(DAY) * DAY;
        let at = |day: Millis| midnight + day * DAY + Millis::from(self.minute) * MINUTE;
        let fits = |at: &Millis| *at > after && self.week_day.is_none_or(|day| Weekday::of(*at) == day);
        (0..=7).map(at).find(fits).unwrap_or_else(|| at(8))
    }

    /// The first time after `after` that lies whole intervals away from `anchor`.
    pub fn next_after(&self, anchor: Millis, after: Millis) -> Millis {
        let step = Millis::from(self.interval_days.max(1)) * DAY;
        anchor + ((after - anchor).div_euclid(step) + 1) * step
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::parse_instant;

    fn at(text: &str) -> Millis {
        parse_instant(text).unwrap()
    }

    #[test]
    fn the_first_time_is_the_next_one_of_that_time_and_day() {
        let cadence = |minute, interval_days, week_day| Cadence { minute, interval_days, week_day };
        let daily = cadence(9 * 60 + 30, 1, None);
        assert_eq!(daily.first_after(at("2026-11-22T09:29:59Z")), at("2026-11-22T09:30:00Z"));
        assert_eq!(daily.first_after(at("2026-11-22T09:30:00Z")), at("2026-11-23T09:30:00Z"));
        // 2026-11-22 was a Sunday.
        let weekly = cadence(9 * 60 + 30, 7, Some(Weekday::Thursday));
        assert_eq!(weekly.first_after(at("2026-11-22T12:00:00Z")), at("2026-11-26T09:30:00Z"));
        assert_eq!(weekly.first_after(at("2026-11-26T09:30:00Z")), at("2026-12-03T09:30:00Z"));
    }

    /// The clocks of Berlin change on 2026-10-25 and those of Chicago on 2026-11-01.
    #[test]
    fn daylight_saving_shifts_nothing() {
        let cadence = Cadence { minute: 90, interval_days: 1, week_day: None };
        let mut time = cadence.first_after(at("2026-10-20"));
        let anchor = time;
        for _ in 0..20 {
            let next = cadence.next_after(anchor, time);
            assert_eq!(next - time, DAY);
            time = next;
        }
    }

    proptest! {
        #[test]
        fn the_next_time_is_after_and_the_nearest_on_the_grid(
            minute in 0u16..1440, interval_days in 1u16..=365, day in proptest::option::of(0usize..7),
            start in -4_000_000_000_000i64..4_000_000_000_000, later in -400_000_000_000i64..400_000_000_000,
        ) {
            let week_day = day.filter(|_| interval_days == 7).map(|n| Weekday::ALL[n]);
            let cadence = Cadence { minute, interval_days, week_day };
            let anchor = cadence.first_after(start);
            prop_assert!(anchor > start && anchor - start <= 8 * DAY);
            let after = start + later;
            let next = cadence.next_after(anchor, after);
            let step = Millis::from(interval_days) * DAY;
            prop_assert!(next > after && next - after <= step);
            prop_assert_eq!((next - anchor).rem_euclid(step), 0);
            prop_assert_eq!(next.rem_euclid(DAY), Millis::from(minute) * MINUTE);
            if let Some(day) = week_day {
                prop_assert_eq!(Weekday::of(next), day);
            }
        }
    }
}
