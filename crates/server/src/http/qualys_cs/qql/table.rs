//! A query on the rows of a short list: registries, schedules, sensors, reports, exceptions.

use parapet_model::Millis;
use parapet_model::filter::contains_ignore_case;

use super::{CsError, Expr, Op, Test, Value, instant, unknown_token, wrong_value};

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::http::qualys_cs) enum Cell {
    /// Text; empty is no value.
    Text(String),
    /// An instant; 0 is no value.
    Instant(Millis),
    /// A number.
    Number(f64),
    /// Yes or no.
    Flag(bool),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// Rows that can be asked by token.
pub(in crate::http::qualys_cs) trait TableRow {
    /// What may stand before every token, with its dot.
    const PREFIX: &'static str = "";
    /// The tokens, as they are written.
    const TOKENS: &'static [&'static str];

    /// The values of a token of [`TableRow::TOKENS`].
    fn cells(&self, token: &str) -> Vec<Cell>;
}

/// The rows that a query accepts.
pub(in crate::http::qualys_cs) fn select<R: TableRow>(
    rows: Vec<R>,
    filter: Option<&str>,
    now: Millis,
) -> Result<Vec<R>, CsError> {
    let Some(expr) = Expr::read(filter)? else { return Ok(rows) };
    expr.each_test(&mut |test| {
        if known::<R>(test).is_some() { Ok(()) } else { Err(unknown_token(test, R::TOKENS)) }
    })?;
    let mut out = Vec::new();
    for row in rows {
        if accepts(&expr, &row, now)? {
            out.push(row);
        }
    }
    Ok(out)
}

/// The token of a test, as [`TableRow::TOKENS`] writes it.
fn known<R: TableRow>(test: &Test) -> Option<&'static str> {
    let head = test.token.get(..R::PREFIX.len()).is_some_and(|head| head.eq_ignore_ascii_case(R::PREFIX));
    let bare = if head { &test.token[R::PREFIX.len()..] } else { &test.token };
    R::TOKENS.iter().find(|token| token.eq_ignore_ascii_case(bare)).copied()
}

fn accepts<R: TableRow>(expr: &Expr, row: &R, now: Millis) -> Result<bool, CsError> {
    Ok(match expr {
        Expr::And(parts) => {
            for part in parts {
                if !accepts(part, row, now)? {
                    return Ok(false);
                }
            }
            true
        }
        Expr::Or(parts) => {
            for part in parts {
                if accepts(part, row, now)? {
                    return Ok(true);
                }
            }
            false
        }
        Expr::Not(part) => !accepts(part, row, now)?,
        Expr::Test(test) => {
            for cell in row.cells(known::<R>(test).unwrap_or_default()) {
                if passes(test, &cell, now)? {
                    return Ok(true);
                }
            }
            false
        }
    })
}

/// Whether one value of a row passes.
///
/// # Errors
/// 400 for a value that a cell of this kind cannot have.
pub(in crate::http::qualys_cs) fn passes(test: &Test, cell: &Cell, now: Millis) -> Result<bool, CsError> {
    match cell {
        Cell::Text(text) if text.is_empty() => Ok(false),
        Cell::Instant(0) => Ok(false),
        _ if test.value == Value::Any => Ok(true),
        Cell::Text(text) => Ok(text_passes(test, text)),
        Cell::Instant(at) => {
            compare(test, *at as f64, "an instant", |text| instant(text, now).map(|at| at as f64))
        }
        Cell::Number(number) => compare(test, *number, "a number", |text| text.trim().parse().ok()),
        Cell::Flag(flag) => match test.value.text().map(str::to_ascii_lowercase).as_deref() {
            Some("true") => Ok(*flag),
            Some("false") => Ok(!*flag),
            _ => Err(wrong_value(test, "true or false")),
        },
    }
}

fn compare(
    test: &Test,
    have: f64,
    expected: &str,
    read: impl Fn(&str) -> Option<f64>,
) -> Result<bool, CsError> {
    let wanted = |text: &str| read(text).ok_or_else(|| wrong_value(test, expected));
    let end = |text: &str, open| if text.is_empty() { Ok(open) } else { wanted(text) };
    match (&test.value, test.op) {
        (Value::Range { low, high, inclusive }, _) => {
            let (low, high) = (end(low, f64::NEG_INFINITY)?, end(high, f64::INFINITY)?);
            Ok(if *inclusive { low <= have && have <= high } else { low < have && have < high })
        }
        (Value::List(list), _) => {
            let list = list.iter().map(|text| wanted(text)).collect::<Result<Vec<f64>, _>>()?;
            Ok(list.contains(&have))
        }
        (value, op) => {
            let wanted = wanted(value.text().unwrap_or_default())?;
            Ok(match op {
                Op::Match | Op::Eq => have == wanted,
                Op::Lt => have < wanted,
                Op::Le => have <= wanted,
                Op::Gt => have > wanted,
                Op::Ge => have >= wanted,
            })
        }
    }
}

fn text_passes(test: &Test, text: &str) -> bool {
    match &test.value {
        Value::Any => true,
        Value::Exact(wanted) => text.eq_ignore_ascii_case(wanted),
        Value::List(list) => list.iter().any(|wanted| text.eq_ignore_ascii_case(wanted)),
        Value::Loose(wanted) | Value::Phrase(wanted) => match test.op {
            Op::Match => contains_ignore_case(text.as_bytes(), wanted.as_bytes()),
            Op::Eq => text.eq_ignore_ascii_case(wanted),
            _ => false,
        },
        Value::Range { .. } => false,
    }
}
