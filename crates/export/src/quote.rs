//! CSV cells: RFC 4180 quoting and the guard against formulas.
//!
//! Spreadsheet programs run a cell that begins with `=`, `+`, `-`, a tab or a carriage return, and
//! one that begins with `@name(`. Package and image names come from strangers, so such texts get an
//! apostrophe in front, which those programs show as plain text. `@` alone is left as it is, because
//! npm packages are called `@angular/core`, and so are plain numbers, negative ones included.
//!
//! The guard loses nothing: [`unguard`] gives back every text exactly. For that to hold, a text that
//! already looks guarded (`'=1`) is guarded once more (`''=1`).

use std::borrow::Cow;

/// The text with an apostrophe in front where a spreadsheet would take it for a formula.
///
/// ```
/// # use parapet_export::guard;
/// assert_eq!(guard("=HYPERLINK(1)"), "'=HYPERLINK(1)");
/// assert_eq!(guard("@angular/core"), "@angular/core");
/// assert_eq!(guard("-1.5"), "-1.5");
/// ```
pub fn guard(text: &str) -> Cow<'_, str> {
    if needs_guard(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// The inverse of [`guard`]: `unguard(&guard(text)) == text` for every text.
pub fn unguard(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if needs_guard(text) => text,
        _ => cell,
    }
}

/// Appends `text` as one cell.
pub(crate) fn push_cell(out: &mut Vec<u8>, text: &str, guarded: bool) {
    let apostrophe = guarded && needs_guard(text);
    let bytes = text.as_bytes();
    if !needs_quotes(bytes) {
        if apostrophe {
            out.push(b'\'');
        }
        out.extend_from_slice(bytes);
        return;
    }
    out.push(b'"');
    if apostrophe {
        out.push(b'\'');
    }
    for (index, part) in bytes.split(|&byte| byte == b'"').enumerate() {
        if index > 0 {
            out.extend_from_slice(b"\"\"");
        }
        out.extend_from_slice(part);
    }
    out.push(b'"');
}

/// Whether the text, or what stands behind its leading apostrophes, would be run as a formula.
fn needs_guard(text: &str) -> bool {
    // The two exits that nearly every cell takes.
    let Some(&first) = text.as_bytes().first() else { return false };
    if !matches!(first, b'=' | b'+' | b'-' | b'\t' | b'\r' | b'@' | b'\'') {
        return false;
    }
    let text = text.trim_start_matches('\'');
    match text.as_bytes().first() {
        Some(b'=' | b'\t' | b'\r') => true,
        Some(b'+' | b'-') => !is_plain_number(text),
        Some(b'@') => calls_a_function(text),
        _ => false,
    }
}

/// Sign, digits, and perhaps a point and more digits.
fn is_plain_number(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    match unsigned.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(unsigned),
    }
}

/// `@`, a name, and an opening bracket, perhaps behind blanks.
fn calls_a_function(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('@') else { return false };
    let behind = rest.trim_start_matches(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.'));
    behind.len() < rest.len() && behind.trim_start_matches(' ').starts_with('(')
}

/// Whether a cell must be quoted: RFC 4180, section 2, rules 6 and 7. Looks at eight bytes at a
/// time; the last eight may overlap the ones before.
fn needs_quotes(bytes: &[u8]) -> bool {
    let Some(&last) = bytes.last_chunk::<8>() else {
        return bytes.iter().any(|byte| matches!(byte, b'"' | b',' | b'\r' | b'\n'));
    };
    let (chunks, _) = bytes.as_chunks::<8>();
    chunks.iter().any(|&chunk| has_special(chunk)) || has_special(last)
}

/// Whether one of eight bytes is special, found without a branch: the bytes that equal the wanted one
/// are those that become zero by the exclusive or, and only below a zero byte can the subtraction
/// borrow into a top bit that the byte itself does not have.
fn has_special(chunk: [u8; 8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    let word = u64::from_le_bytes(chunk);
    let zeros = |wanted: u8| {
        let rest = word ^ (ONES * u64::from(wanted));
        rest.wrapping_sub(ONES) & !rest & TOPS
    };
    (zeros(b'"') | zeros(b',') | zeros(b'\r') | zeros(b'\n')) != 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cell(text: &str) -> String {
        let mut out = Vec::new();
        push_cell(&mut out, text, true);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn formulas_are_guarded() {
        for formula in
            ["=1+1", "+cmd", "-2+3", "\tx", "\rx", "@SUM(1)", "@a.b_c (1)", "-", "--1", "-1.", "+.5"]
        {
            assert_eq!(guard(formula), format!("'{formula}"), "{formula:?}");
        }
    }

    #[test]
    fn names_and_numbers_are_left_alone() {
        for plain in ["", "@angular/core", "@", "@(", "-1", "+49", "-0.25", "'", "'quoted'", "a=b", " =1"] {
            assert_eq!(guard(plain), plain, "{plain:?}");
        }
    }

    #[test]
    fn a_text_that_looks_guarded_comes_back_too() {
        assert_eq!(guard("'=1"), "''=1");
        assert_eq!(unguard("''=1"), "'=1");
        assert_eq!(unguard("'tis"), "'tis");
    }

    #[test]
    fn cells_are_quoted_where_the_rfc_wants_it() {
        assert_eq!(cell("plain text"), "plain text");
        assert_eq!(cell("a,b"), "\"a,b\"");
        assert_eq!(cell("say \"hi\""), "\"say \"\"hi\"\"\"");
        assert_eq!(cell("=1,2"), "\"'=1,2\"");
        assert_eq!(cell("sixteen bytes and then\na line"), "\"sixteen bytes and then\na line\"");
    }

    proptest! {
        #[test]
        fn the_guard_is_reversible(text in "(?s)['=+\\-@\t\r(0-9.]{0,6}.{0,6}") {
            let guarded = guard(&text);
            prop_assert_eq!(unguard(&guarded), text.as_str());
        }

        #[test]
        fn nothing_guarded_begins_like_a_formula(text in "(?s)['=+\\-@\t\r(0-9.]{0,6}.{0,6}") {
            let guarded = guard(&text);
            let runs = guarded.starts_with(['=', '\t', '\r'])
                || (guarded.starts_with(['+', '-']) && guarded.parse::<f64>().is_err());
            prop_assert!(!runs, "{:?}", guarded);
        }

        #[test]
        fn quoting_looks_at_every_byte(mut text in "[a-z]{0,70}", at in 0_usize..70, special in "[\",\r\n]") {
            prop_assert!(!needs_quotes(text.as_bytes()));
            text.insert_str(at.min(text.len()), &special);
            prop_assert!(needs_quotes(text.as_bytes()));
        }
    }
}
