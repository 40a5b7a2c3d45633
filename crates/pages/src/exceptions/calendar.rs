//! The starts and ends of a month.

use parapet_model::exception::Exception;
use parapet_model::time::{DAY, start_of_day};
use parapet_model::{FOREVER, Millis};

use super::link_of;
use super::words::Stand;
use crate::dates::{Month, day, weekday, weekday_name};
use crate::link::Link;
use crate::parts::cut;

/// Entries shown of one day.
const MOST: usize = 5;

/// Characters of a title.
const TITLE: usize = 80;

/// See the module.
#[derive(Debug)]
pub(crate) struct Calendar {
    /// `November 2026`.
    pub(crate) name: String,
    /// The column in which the month begins, 1 for Monday.
    pub(crate) first: usize,
    /// Its days.
    pub(crate) days: Vec<Day>,
    /// Whether nothing starts or ends.
    pub(crate) is_empty: bool,
    /// The month before.
    pub(crate) previous: Link,
    /// The month after.
    pub(crate) next: Link,
    /// The month it is now.
    pub(crate) today: Link,
}

/// One day.
#[derive(Debug)]
pub(crate) struct Day {
    /// As a date.
    pub(crate) date: String,
    /// Its number in the month.
    pub(crate) number: usize,
    /// Its day of the week.
    pub(crate) weekday: &'static str,
    /// Whether it is today.
    pub(crate) is_today: bool,
    /// What starts and ends.
    pub(crate) entries: Vec<Entry>,
    /// How many more do.
    pub(crate) more: usize,
}

/// Something that happens on a day.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The page of the exception.
    pub(crate) link: Link,
    /// Its title.
    pub(crate) title: String,
    /// `starts`, `last day`.
    pub(crate) what: &'static str,
    /// How it stands.
    pub(crate) stand: Stand,
}

/// The month of these exceptions. Those that were refused or ended by hand are left out.
pub(crate) fn of(all: &[&Exception], month: Month, now: Millis) -> Calendar {
    let (from, to) = (month.start(), month.next().start());
    let mut entries: Vec<(Millis, Entry)> = Vec::new();
    for exception in all {
        let stand = Stand::of(exception, now);
        if matches!(stand, Stand::Rejected | Stand::Ended) {
            continue;
        }
        let last = if exception.end == FOREVER { FOREVER } else { exception.end - 1 };
        for (at, what) in [(exception.start, "starts"), (last, "last day")] {
            if from <= at && at < to {
                let title = cut(&exception.title, TITLE);
                entries.push((start_of_day(at), Entry { link: link_of(exception), title, what, stand }));
            }
        }
    }
    let link =
        |month: Month| Link::to("/exceptions").with("view", "calendar").with("month", month.to_string());
    let days = month.days().map(|at| {
        let mut of_day: Vec<Entry> =
            entries.iter().filter(|(day, _)| *day == at).map(|(_, entry)| entry.clone()).collect();
        let more = of_day.len().saturating_sub(MOST);
        of_day.truncate(MOST);
        Day {
            date: day(at),
            number: usize::try_from((at - from) / DAY + 1).unwrap_or_default(),
            weekday: weekday_name(at),
            is_today: start_of_day(now) == at,
            entries: of_day,
            more,
        }
    });
    Calendar {
        name: month.name(),
        first: weekday(from) + 1,
        days: days.collect(),
        is_empty: entries.is_empty(),
        previous: link(month.previous()),
        next: link(month.next()),
        today: link(Month::of(now)),
    }
}
