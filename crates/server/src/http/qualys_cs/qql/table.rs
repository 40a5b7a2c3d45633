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
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// Rows that can be asked by token.
pub(in crate::http::qualys_cs) trait TableRow {
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
        let known = R::TOKENS.iter().any(|token| token.eq_ignore_ascii_case(&test.token));
        if known { Ok(()) } else { Err(unknown_token(test, R::TOKENS)) }
    })?;
    let mut out = Vec::new();
    for row in rows {
        if accepts(&expr, &row, now)? {
            out.push(row);
        }
    }
    Ok(out)
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
            let token = R::TOKENS.iter().find(|token| token.eq_ignore_ascii_case(&test.token));
            for cell in row.cells(token.copied().unwrap_or_default()) {
                if passes(test, &cell, now)? {
                    return Ok(true);
                }
            }
            false
        }
    })
}

fn passes(test: &Test, cell: &Cell, now: Millis) -> Result<bool, CsError> {
    match cell {
        Cell::Text(text) if text.is_empty() => Ok(false),
        Cell::Instant(0) => Ok(false),
        _ if test.value == Value::Any => Ok(true),
        Cell::Text(text) => Ok(text_passes(test, text)),
        Cell::Instant(at) => {
            let read = |text: &str| instant(text, now).ok_or_else(|| wrong_value(test, "an instant"));
            match (&test.value, test.op) {
                (Value::Range { low, high, inclusive }, _) => {
                    let low = if low.is_empty() { Millis::MIN } else { read(low)? };
                    let high = if high.is_empty() { Millis::MAX } else { read(high)? };
                    Ok(if *inclusive { low <= *at && *at <= high } else { low < *at && *at < high })
                }
                (value, op) => {
                    let wanted = read(value.text().ok_or_else(|| wrong_value(test, "an instant"))?)?;
                    Ok(match op {
                        Op::Match | Op::Eq => *at == wanted,
                        Op::Lt => *at < wanted,
                        Op::Le => *at <= wanted,
                        Op::Gt => *at > wanted,
                        Op::Ge => *at >= wanted,
                    })
                }
            }
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
