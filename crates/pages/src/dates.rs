//! Instants, days, spans and months as people read them, all in UTC.

use std::fmt;

use parapet_model::Millis;
use parapet_model::time::{DAY, FOREVER, format_rfc3339, format_seconds, parse_instant, start_of_day};

const MINUTE: Millis = 60_000;
const HOUR: Millis = 60 * MINUTE;

/// The day of an instant, or nothing for 0 and for [`FOREVER`].
pub(crate) fn day(at: Millis) -> String {
    if at == 0 { String::new() } else { format_rfc3339(at).get(..10).unwrap_or_default().to_owned() }
}

/// An instant to the minute with its zone, or nothing.
pub(crate) fn minute(at: Millis) -> String {
    match format_rfc3339(at) {
        text if at == 0 || text.len() < 16 => String::new(),
        text => format!("{}Z", &text[..16]),
    }
}

/// An instant to the second with its zone; empty for none.
pub(crate) fn instant(at: Millis) -> String {
    if at == 0 || at == FOREVER { String::new() } else { format_seconds(at) }
}

/// A span in its largest unit: `3 hours`.
pub(crate) fn span(length: Millis) -> String {
    let units = [(DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (1000, "second")];
    let fitting = units.into_iter().find(|(unit, _)| length >= *unit);
    let Some((unit, name)) = fitting else { return "no time".to_owned() };
    let count = length / unit;
    if count == 1 { format!("1 {name}") } else { format!("{count} {name}s") }
}

/// How long ago an instant is, or how far away.
pub(crate) fn from_now(at: Millis, now: Millis) -> String {
    if at > now { format!("in {}", span(at - now)) } else { format!("{} ago", span(now - at)) }
}

/// The last day of something that ends at `end`; nothing when it never does.
pub(crate) fn last_day(end: Millis) -> String {
    if end == FOREVER { String::new() } else { day(end - 1) }
}

/// A month of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Month {
    year: i32,
    /// 1 to 12.
    month: u32,
}

const NAMES: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

impl Month {
    /// The month of an instant.
    pub(crate) fn of(at: Millis) -> Self {
        Self::parse(&day(at)).unwrap_or(Self { year: 1970, month: 1 })
    }

    /// The month of a text that begins with `2026-11`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (year, month) = (text.get(..4)?.parse().ok()?, text.get(5..7)?.parse().ok()?);
        let known = (1970..=9000).contains(&year) && (1..=12).contains(&month) && text.get(4..5)? == "-";
        known.then_some(Self { year, month })
    }

    /// Its first instant.
    pub(crate) fn start(self) -> Millis {
        parse_instant(&format!("{self}-01")).unwrap_or_default()
    }

    /// The one after.
    pub(crate) fn next(self) -> Self {
        match self.month {
            12 => Self { year: self.year + 1, month: 1 },
            month => Self { month: month + 1, ..self },
        }
    }

    /// The one before.
    pub(crate) fn previous(self) -> Self {
        match self.month {
            1 => Self { year: self.year - 1, month: 12 },
            month => Self { month: month - 1, ..self },
        }
    }

    /// The first instants of its days.
    pub(crate) fn days(self) -> impl Iterator<Item = Millis> {
        let (from, to) = (self.start(), self.next().start());
        (from..to).step_by(usize::try_from(DAY).unwrap_or(1))
    }

    /// As people write it.
    pub(crate) fn name(self) -> String {
        format!("{} {}", NAMES.get(self.month as usize - 1).unwrap_or(&""), self.year)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// The place of a day in its week, Monday first.
pub(crate) fn weekday(at: Millis) -> usize {
    // 1970 began on a Thursday.
    usize::try_from((start_of_day(at) / DAY + 3).rem_euclid(7)).unwrap_or_default()
}

/// The name of a day of the week.
pub(crate) fn weekday_name(at: Millis) -> &'static str {
    WEEKDAYS.get(weekday(at)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_follow_each_other_and_have_their_days() {
        let february = Month::parse("2028-02-29").unwrap();
        assert_eq!((february.to_string().as_str(), february.name().as_str()), ("2028-02", "February 2028"));
        assert_eq!(february.days().count(), 29);
        assert_eq!(day(february.days().last().unwrap()), "2028-02-29");
        assert_eq!(Month::parse("2026-12").unwrap().next().to_string(), "2027-01");
        assert_eq!(Month::parse("2026-01").unwrap().previous().to_string(), "2025-12");
        for bad in ["", "2026", "2026-13", "2026-00", "1969-12", "2026/01", "abcd-ef", "9999-12", "٢٠٢٦-11"]
        {
            assert_eq!(Month::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn days_of_the_week_and_ends_are_told() {
        let monday = parse_instant("2026-11-30").unwrap();
        assert_eq!((weekday(monday), weekday_name(monday + 5 * DAY)), (0, "Saturday"));
        assert_eq!(last_day(monday), "2026-11-29");
        assert_eq!(last_day(FOREVER), "");
        assert_eq!(minute(monday + 61_000), "2026-11-30T00:01Z");
        assert_eq!((minute(0), minute(FOREVER), day(0)), Default::default());
    }

    #[test]
    fn spans_are_told_in_their_largest_unit() {
        assert_eq!(span(HOUR), "1 hour");
        assert_eq!(span(2 * DAY + HOUR), "2 days");
        assert_eq!(span(5), "no time");
        assert_eq!(from_now(10 * MINUTE, 0), "in 10 minutes");
        assert_eq!(from_now(0, 3 * DAY), "3 days ago");
        assert_eq!((instant(0), instant(FOREVER)), (String::new(), String::new()));
        assert_eq!(instant(DAY), "1970-01-02T00:00:00Z");
    }
}
