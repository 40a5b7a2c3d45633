//! The query language of the `filter` parameter (contract 1.8): the tree, and the values in it.
//!
//! `token:value` and comparisons, joined by AND, OR, NOT and parentheses in any case. NOT binds
//! closest, then AND, then OR. What a token means is decided where the tree is used: [`assets`]
//! compiles it to posture's filter, [`table`] evaluates it on the rows of short lists.

pub(super) mod assets;
mod parse;
pub(super) mod table;

use parapet_model::Millis;
use parapet_model::time::parse_instant;

use super::CsError;

/// A query.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr {
    /// All of these.
    And(Vec<Expr>),
    /// Any of these.
    Or(Vec<Expr>),
    /// Not this.
    Not(Box<Expr>),
    /// One test.
    Test(Test),
}

/// `token op value`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Test {
    /// As written.
    pub(super) token: String,
    /// How values are compared.
    pub(super) op: Op,
    /// With what.
    pub(super) value: Value,
    /// Where the token stands, in characters from 1.
    pub(super) at: usize,
}

/// How values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    /// `:`
    Match,
    /// `=`
    Eq,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

/// What stands behind the operator.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// `*`: the field has any value.
    Any,
    /// A bare word: contains.
    Loose(String),
    /// In double or single quotes: contains these words side by side.
    Phrase(String),
    /// In backticks: equals.
    Exact(String),
    /// `[a, b]`: equals one of these.
    List(Vec<String>),
    /// `[lo .. hi]`, or with parentheses without the ends. An empty end is open.
    Range {
        /// Lower end.
        low: String,
        /// Upper end.
        high: String,
        /// Whether the ends belong to it.
        inclusive: bool,
    },
}

impl Value {
    /// The single text, however it is quoted.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Loose(text) | Self::Phrase(text) | Self::Exact(text) => Some(text),
            _ => None,
        }
    }
}

impl Expr {
    /// Reads a query; blank text is no query. Some clients encode twice, so text that does not
    /// parse but still has `%3A` in it is decoded once more.
    pub(super) fn read(text: Option<&str>) -> Result<Option<Self>, CsError> {
        let text = text.unwrap_or_default();
        if text.trim().is_empty() {
            return Ok(None);
        }
        let first = match parse::parse(text) {
            Ok(expr) => return Ok(Some(expr)),
            Err(error) => error,
        };
        if text.to_ascii_lowercase().contains("%3a")
            && let Ok(decoded) = percent_encoding::percent_decode_str(text).decode_utf8()
            && let Ok(expr) = parse::parse(&decoded)
        {
            return Ok(Some(expr));
        }
        Err(CsError::invalid(format!("filter: {first}")))
    }

    /// Calls `visit` with each test until it fails.
    pub(super) fn each_test(
        &self,
        visit: &mut dyn FnMut(&Test) -> Result<(), CsError>,
    ) -> Result<(), CsError> {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().try_for_each(|part| part.each_test(visit)),
            Self::Not(part) => part.each_test(visit),
            Self::Test(test) => visit(test),
        }
    }
}

/// The error for a token that means nothing here.
pub(super) fn unknown_token(test: &Test, known: &[&str]) -> CsError {
    CsError::invalid(format!(
        "filter: unknown token {:?} at character {}; one of {}",
        test.token,
        test.at,
        known.join(", ")
    ))
}

/// The error for a value that its token cannot have.
pub(super) fn wrong_value(test: &Test, expected: &str) -> CsError {
    CsError::invalid(format!("filter: {} at character {} takes {expected}", test.token, test.at))
}

/// An instant: `now`, `now-7d`, epoch milliseconds, a date or RFC 3339.
pub(super) fn instant(text: &str, now: Millis) -> Option<Millis> {
    let text = text.trim();
    if let Some(rest) = text.get(..3).filter(|head| head.eq_ignore_ascii_case("now")).map(|_| &text[3..]) {
        let rest = rest.trim();
        if rest.is_empty() {
            return Some(now);
        }
        let (sign, rest) = match rest.split_at_checked(1)? {
            ("-", rest) => (-1, rest.trim()),
            ("+", rest) => (1, rest.trim()),
            _ => return None,
        };
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (amount, unit) = rest.split_at(digits);
        let unit = match unit {
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 7 * 86_400_000,
            "M" => 30 * 86_400_000,
            "y" => 365 * 86_400_000,
            _ => return None,
        };
        return now.checked_add(amount.parse::<Millis>().ok()?.checked_mul(unit)?.checked_mul(sign)?);
    }
    text.parse().ok().filter(|_| text.len() > 4).or_else(|| parse_instant(text))
}
