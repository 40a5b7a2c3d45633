//! When a policy wishes that hosts be looked at: certain days, at a time of a fixed offset to UTC.

use parapet_model::time::DAY;
use parapet_model::{FOREVER, Millis};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

const MINUTE: Millis = 60_000;
/// Days that are tried: every month with a 31st lies within.
const HORIZON: i64 = 70;

/// On which days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// Every day.
    Day,
    /// Every third day.
    ThreeDays,
    /// On days of the week.
    #[default]
    Week,
    /// On days of the month; a month that lacks one passes it over.
    Month,
}

/// A policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanPolicy {
    /// Whether it wishes anything at all.
    pub open: bool,
    /// On which days.
    pub period: Period,
    /// Days of the week (1 is Monday) or of the month; empty is the first.
    pub days: Vec<i64>,
    /// Hour of the day.
    pub hour: i64,
    /// Minute of the hour.
    pub minute: i64,
    /// Minutes by which local time is behind UTC: −480 is eight hours ahead of it.
    pub offset: i64,
    /// Which hosts; `None` for all.
    pub hosts: Option<Vec<Uuid>>,
    /// Words of a wire family for what is looked for.
    pub types: Vec<String>,
}

impl Default for ScanPolicy {
    fn default() -> Self {
        Self {
            open: false,
            period: Period::Week,
            days: vec![1],
            hour: 0,
            minute: 0,
            offset: 0,
            hosts: None,
            types: vec!["linux_vul".to_owned(), "app_vul".to_owned()],
        }
    }
}

impl ScanPolicy {
    /// The first instant after `now` at which it wishes something; [`FOREVER`] when it is closed.
    pub fn next_after(&self, now: Millis) -> Millis {
        if !self.open {
            return FOREVER;
        }
        let shift = self.offset * MINUTE;
        let today = (now - shift).div_euclid(DAY);
        let at = |day: i64| day * DAY + (self.hour * 60 + self.minute) * MINUTE + shift;
        let mut days = (today..=today + HORIZON).filter(|&day| self.takes(day));
        days.find(|&day| at(day) > now).map_or(FOREVER, at)
    }

    /// Whether a day, counted from 1970, is one of its days.
    fn takes(&self, day: i64) -> bool {
        let named = |number: i64| match self.days.as_slice() {
            [] => number == 1,
            days => days.contains(&number),
        };
        match self.period {
            Period::Day => true,
            Period::ThreeDays => day.rem_euclid(3) == 0,
            // 1970 began on a Thursday.
            Period::Week => named((day + 3).rem_euclid(7) + 1),
            Period::Month => named(day_of_month(day)),
        }
    }
}

/// The day of the month, in the proleptic Gregorian calendar.
fn day_of_month(day: i64) -> i64 {
    // Counted from 1 March of the year 0, so that the leap day is the last of its year.
    let shifted = day + 719_468;
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    of_year - (153 * month + 2) / 5 + 1
}

#[cfg(test)]
mod tests {
    use parapet_model::time::{format_rfc3339, parse_instant};

    use super::*;

    fn next(policy: &ScanPolicy, now: &str) -> String {
        format_rfc3339(policy.next_after(parse_instant(now).unwrap()))
    }

    #[test]
    fn every_period_finds_its_days() {
        let open = ScanPolicy { open: true, hour: 2, minute: 30, ..ScanPolicy::default() };
        let daily = ScanPolicy { period: Period::Day, ..open.clone() };
        assert_eq!(next(&daily, "2026-11-25T02:29:59Z"), "2026-11-25T02:30:00.000Z");
        assert_eq!(next(&daily, "2026-11-25T02:30:00Z"), "2026-11-26T02:30:00.000Z");
        let third = ScanPolicy { period: Period::ThreeDays, ..open.clone() };
        let first = parse_instant(&next(&third, "2026-11-25T00:00:00Z")).unwrap();
        assert_eq!(third.next_after(first), first + 3 * DAY);
        // 2026-11-25 is a Wednesday.
        let weekly = ScanPolicy { days: vec![3, 7], ..open.clone() };
        assert_eq!(next(&weekly, "2026-11-25T03:00:00Z"), "2026-11-29T02:30:00.000Z");
        assert_eq!(next(&weekly, "2026-11-29T03:00:00Z"), "2026-12-02T02:30:00.000Z");
        let monthly = ScanPolicy { period: Period::Month, days: vec![31], ..open.clone() };
        assert_eq!(next(&monthly, "2027-01-31T03:00:00Z"), "2027-03-31T02:30:00.000Z");
        let first = ScanPolicy { period: Period::Month, days: Vec::new(), ..open };
        assert_eq!(next(&first, "2028-02-29T03:00:00Z"), "2028-03-01T02:30:00.000Z");
        assert_eq!(ScanPolicy::default().next_after(0), FOREVER);
    }

    #[test]
    fn the_offset_is_behind_utc() {
        let policy =
            ScanPolicy { open: true, period: Period::Day, hour: 2, offset: -480, ..ScanPolicy::default() };
        assert_eq!(next(&policy, "2026-11-25T00:00:00Z"), "2026-11-25T18:00:00.000Z");
        let weekly = ScanPolicy { period: Period::Week, days: vec![4], ..policy };
        // Thursday there is still Wednesday here.
        assert_eq!(next(&weekly, "2026-11-25T00:00:00Z"), "2026-11-25T18:00:00.000Z");
    }
}
