//! Instants as text, remembered.
//!
//! An export shows millions of instants but few different ones: every finding of an asset shares the
//! instants of its scans and of the feed imports. Formatting a date costs more than all other cells
//! of a row together, so the last texts are kept in a table that one look-up decides.

use parapet_model::Millis;
use parapet_model::time::format_rfc3339;

/// Slots of the table; a power of two.
const SLOTS: usize = 256;

/// Formats instants as RFC 3339 in UTC with milliseconds. Instants outside the calendar are empty.
#[derive(Debug)]
pub(crate) struct Instants {
    slots: Vec<Option<(Millis, String)>>,
}

impl Instants {
    pub(crate) fn new() -> Self {
        Self { slots: vec![None; SLOTS] }
    }

    /// The text of `at`.
    pub(crate) fn text(&mut self, at: Millis) -> &str {
        // Fibonacci hashing: the top bits of the product depend on all bits of `at`.
        let hash = (at as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let index = (hash >> (64 - SLOTS.trailing_zeros())) as usize;
        match self.slots.get_mut(index) {
            Some(slot) => {
                if slot.as_ref().is_none_or(|(kept, _)| *kept != at) {
                    *slot = Some((at, format_rfc3339(at)));
                }
                slot.as_ref().map_or("", |(_, text)| text)
            }
            None => "",
        }
    }
}

/// The date of an instant in UTC: `2026-01-02`.
pub(crate) fn day(at: Millis) -> String {
    let mut text = format_rfc3339(at);
    text.truncate(text.find('T').unwrap_or(0));
    text
}

#[cfg(test)]
mod tests {
    use parapet_model::time::DAY;

    use super::*;

    #[test]
    fn remembered_texts_equal_fresh_ones() {
        let mut instants = Instants::new();
        for step in (0..2_000).chain(0..2_000) {
            let at = step * 7_919 * 1_000 + step;
            assert_eq!(instants.text(at), format_rfc3339(at));
        }
        assert_eq!(instants.text(Millis::MIN), "");
    }

    #[test]
    fn a_day_has_no_time() {
        assert_eq!(day(DAY), "1970-01-02");
        assert_eq!(day(Millis::MAX - 1), "");
    }
}
