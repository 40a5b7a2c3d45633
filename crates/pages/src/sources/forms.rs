//! What forms of sources share.

use crate::words::lines;

/// A way to choose, of a list or of boxes.
#[derive(Debug)]
pub(crate) struct Pick {
    pub(crate) value: String,
    pub(crate) name: String,
    pub(crate) chosen: bool,
}

impl Pick {
    /// A choice; chosen when its value is `chosen`.
    pub(crate) fn new(value: impl Into<String>, name: impl Into<String>, chosen: &str) -> Self {
        let value = value.into();
        Self { chosen: value == chosen, value, name: name.into() }
    }
}

/// `HH:MM` as minutes after midnight; `24:00` only where the end of a span is meant.
pub(crate) fn minute(text: &str, last: u16) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes) = (hours.parse::<u16>().ok()?, minutes.parse::<u16>().ok()?);
    let total = hours.checked_mul(60)?.checked_add(minutes)?;
    (minutes < 60 && total <= last).then_some(total)
}

/// Names, one a line.
pub(crate) fn names(text: &str) -> Vec<String> {
    lines(text)
}

#[cfg(test)]
mod tests {
    use super::minute;

    #[test]
    fn a_time_of_day_is_hours_and_minutes() {
        assert_eq!(minute("09:30", 1439), Some(570));
        assert_eq!((minute("24:00", 1439), minute("24:00", 1440)), (None, Some(1440)));
        for text in ["", "9", "09:60", "25:00", "-1:00", "99999:00"] {
            assert_eq!(minute(text, 1440), None, "{text:?}");
        }
    }
}
