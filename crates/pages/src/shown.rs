//! Instants and sizes as people read them.

use parapet_model::time::format_rfc3339;
use parapet_model::{FOREVER, Millis};

/// The day of an instant in UTC; nothing for 0 and for no end.
pub(crate) fn day(at: Millis) -> String {
    match at {
        0 | FOREVER => String::new(),
        at => format_rfc3339(at).get(..10).unwrap_or_default().to_owned(),
    }
}

/// An instant to the minute with its zone; nothing for 0 and for no end.
pub(crate) fn minute(at: Millis) -> String {
    match format_rfc3339(at).get(..16) {
        Some(text) if at != 0 && at != FOREVER => format!("{text}Z"),
        _ => String::new(),
    }
}

/// A number of bytes, `1.5 MB`.
pub(crate) fn bytes(number: u64) -> String {
    let units = ["kB", "MB", "GB", "TB"];
    let (mut size, mut unit) = (number as f64, "bytes");
    for next in units {
        if size < 999.5 {
            break;
        }
        (size, unit) = (size / 1000.0, next);
    }
    if unit == "bytes" { format!("{number} bytes") } else { format!("{size:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_and_sizes_are_short_and_have_their_unit() {
        assert_eq!(minute(1_793_577_661_000), "2026-11-02T00:01Z");
        assert_eq!(
            (day(1_793_577_661_000).as_str(), day(0), minute(FOREVER)),
            ("2026-11-02", String::new(), String::new())
        );
        assert_eq!(
            (bytes(999), bytes(1500), bytes(2_000_000)),
            ("999 bytes".into(), "1.5 kB".into(), "2.0 MB".into())
        );
    }
}
