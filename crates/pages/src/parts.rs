//! Pieces that several pages share. Their templates are the macros of `parts.html`.

use std::fmt;

use crate::link::Link;

/// One value of a facet with its count, as a link that adds it to the question or takes it away.
#[derive(Debug, Clone)]
pub(crate) struct FacetValue {
    /// The value in words.
    pub(crate) name: String,
    /// How many findings have it; `None` when nobody counted.
    pub(crate) count: Option<u64>,
    /// Whether the question asks for it.
    pub(crate) chosen: bool,
    /// The question with it, or without it when it is chosen.
    pub(crate) link: Link,
}

/// Values to choose from.
#[derive(Debug, Clone)]
pub(crate) struct Facet {
    /// What the values are of.
    pub(crate) name: &'static str,
    /// The values in their order.
    pub(crate) values: Vec<FacetValue>,
}

/// A term of the question that can be taken away.
#[derive(Debug, Clone)]
pub(crate) struct Term {
    /// As it stands in the question.
    pub(crate) text: String,
    /// The question without it.
    pub(crate) without: Link,
}

/// What is wrong with the question.
#[derive(Debug, Clone, Default)]
pub(crate) struct QuestionError {
    /// The text that was typed.
    pub(crate) text: String,
    /// Blanks before the caret.
    pub(crate) indent: String,
    /// What is wrong.
    pub(crate) message: String,
}

impl QuestionError {
    /// An error at a column, counted from 1.
    pub(crate) fn new(text: &str, column: usize, message: &str) -> Self {
        let before = text.chars().take(column.saturating_sub(1)).map(|c| if c == '\t' { '\t' } else { ' ' });
        Self { text: text.to_owned(), indent: before.collect(), message: message.to_owned() }
    }
}

/// Other pages of a list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pager {
    /// First row shown, counted from 1; 0 when there is none.
    pub(crate) first: usize,
    /// Last row shown.
    pub(crate) last: usize,
    /// Rows of the whole list, always exact.
    pub(crate) total: usize,
    /// The page before.
    pub(crate) previous: Option<Link>,
    /// The page after.
    pub(crate) next: Option<Link>,
}

impl Pager {
    /// The page of `shown` rows at `offset` of a list; `link` is the list's address, to which `offset` is
    /// added.
    pub(crate) fn new(link: &Link, offset: usize, size: usize, shown: usize, total: usize) -> Self {
        let to = |offset: usize| match offset {
            0 => link.clone().with("offset", ""),
            offset => link.clone().with("offset", offset.to_string()),
        };
        Self {
            first: if shown == 0 { 0 } else { offset + 1 },
            last: offset + shown,
            total,
            previous: (offset > 0).then(|| to(offset.saturating_sub(size))),
            next: (offset + shown < total && shown > 0).then(|| to(offset + shown)),
        }
    }
}

/// Why a list is empty; each needs another reaction.
#[derive(Debug, Clone)]
pub(crate) enum Empty {
    /// The question finds nothing; terms that find nothing even alone, and the question without each.
    NothingMatches(Vec<Term>),
    /// There is nothing to ask yet; whether this person may begin.
    NothingScanned {
        /// Whether to show the way to begin.
        may_begin: bool,
    },
    /// Everything was judged, and there is nothing.
    Clean {
        /// The feeds, with the dates of their data.
        feeds: Vec<String>,
    },
    /// There are findings, but none with a fix to install.
    NoFix {
        /// The findings.
        findings: Link,
    },
    /// Nothing was found, but not everything could be judged.
    NotAssessed {
        /// The assets that are not assessed.
        assets: Link,
        /// How many.
        count: u64,
    },
}

/// A choice between ways to show the same, such as groups and orders.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    /// What it is called.
    pub(crate) name: &'static str,
    /// Whether it is the one shown.
    pub(crate) chosen: bool,
    /// The page with it.
    pub(crate) link: Link,
}

/// The word for so many of a thing: `finding`, `findings`, `registries`.
pub(crate) fn noun(number: u64, one: &str) -> String {
    match one.strip_suffix('y') {
        _ if number == 1 => one.to_owned(),
        Some(stem) => format!("{stem}ies"),
        None if one.ends_with("ch") => format!("{one}es"),
        None => format!("{one}s"),
    }
}

/// A count with its word, `1 finding`, `2 findings`.
pub(crate) fn counted(number: u64, one: &str) -> String {
    format!("{} {}", grouped(number), noun(number, one))
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
    if unit == "bytes" { counted(number, "byte") } else { format!("{size:.1} {unit}") }
}

/// A text of at most so many characters, with a sign where more was.
pub(crate) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A number with thin groups, `1 234 567`.
pub(crate) fn grouped(number: impl fmt::Display) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 * 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// A probability in percent; empty when it is negative, which means unknown.
pub(crate) fn percent(share: f64) -> String {
    if share >= 0.0 { format!("{:.1} %", share * 100.0) } else { String::new() }
}

/// A CVSS base score; empty when it is negative, which means unknown.
pub(crate) fn score(score: f64) -> String {
    if score >= 0.0 { format!("{score:.1}") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_three() {
        for (number, text) in
            [(0, "0"), (999, "999"), (1000, "1\u{202f}000"), (12_345_678, "12\u{202f}345\u{202f}678")]
        {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn counts_have_their_words() {
        let words = [counted(1, "finding"), counted(0, "finding"), counted(2, "vulnerability")];
        assert_eq!(words, ["1 finding", "0 findings", "2 vulnerabilities"]);
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!((cut("äöü", 3), cut("äöü", 2)), ("äöü".to_owned(), "äö…".to_owned()));
    }

    #[test]
    fn a_pager_knows_its_neighbours() {
        let pager = Pager::new(&Link::to("/assets"), 50, 50, 50, 120);
        assert_eq!((pager.first, pager.last), (51, 100));
        assert_eq!(pager.previous.map(|l| l.to_string()), Some("/assets".to_owned()));
        assert_eq!(pager.next.map(|l| l.to_string()), Some("/assets?offset=100".to_owned()));
        let none = Pager::new(&Link::to("/assets"), 0, 50, 0, 0);
        assert!(none.previous.is_none() && none.next.is_none() && none.first == 0);
    }
}
