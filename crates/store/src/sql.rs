//! The little layer over sqlx that lets one statement text run on both engines.
//!
//! Parameters are [`Value`]s, rows are read through [`Fields`], many rows go in or are looked up
//! with [`Bulk`]. Nothing else in the crate touches sqlx's generic types.

use std::sync::Arc;

use parapet_model::id::{EnterpriseProjectNo, ProjectNo};
use parapet_model::{
    AdvisoryNo, AssetNo, ControlNo, ControlResultNo, Digest, EvidenceNo, ExceptionNo, PackageNo, PolicyNo,
    SetNo, TechnologyNo, VulnerabilityNo,
};
use serde::de::DeserializeOwned;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments as _, Row as _};
use uuid::Uuid;

use crate::error::{Error, Result};

/// Most parameters one statement takes (SQLite allows 32,766, PostgreSQL 65,535).
pub(crate) const MAX_PARAMETERS: usize = 30_000;

/// Most rows of one multi-row statement; larger ones gain nothing and cost memory to prepare.
const MAX_ROWS: usize = 1_000;

/// How many rows a multi-row statement has on SQLite, whose driver keeps prepared statements by their
/// text: with few sizes they are found again, and preparing one takes longer than running it. Larger
/// ones go first. On PostgreSQL every statement is a journey, so there it is as few as possible.
const STEPS: [usize; 5] = [400, 100, 25, 5, 1];

/// One statement parameter. Four types, because the schema has four (rule 2).
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    /// BIGINT.
    Int(i64),
    /// DOUBLE.
    Real(f64),
    /// TEXT.
    Text(&'a str),
    /// BLOB, BYTEA.
    Blob(&'a [u8]),
}

macro_rules! value_from {
    ($($type:ty => |$v:ident| $value:expr;)+) => {
        $(impl<'a> From<$type> for Value<'a> {
            fn from($v: $type) -> Self { $value }
        })+
    };
}

value_from! {
    i64 => |v| Value::Int(v);
    u32 => |v| Value::Int(v.into());
    u16 => |v| Value::Int(v.into());
    u8 => |v| Value::Int(v.into());
    // Counts and sizes: beyond i64 there is nothing to tell apart.
    u64 => |v| Value::Int(i64::try_from(v).unwrap_or(i64::MAX));
    usize => |v| Value::Int(i64::try_from(v).unwrap_or(i64::MAX));
    bool => |v| Value::Int(v.into());
    f64 => |v| Value::Real(v);
    &'a str => |v| Value::Text(v);
    &'a String => |v| Value::Text(v);
    &'a [u8] => |v| Value::Blob(v);
    &'a Vec<u8> => |v| Value::Blob(v);
    &'a Uuid => |v| Value::Blob(v.as_bytes());
    &'a Digest => |v| Value::Blob(&v.0);
    PackageNo => |v| Value::Int(v.0.into());
    SetNo => |v| Value::Int(v.0.into());
    AssetNo => |v| Value::Int(v.0.into());
    AdvisoryNo => |v| Value::Int(v.0.into());
    VulnerabilityNo => |v| Value::Int(v.0.into());
    ExceptionNo => |v| Value::Int(v.0.into());
    ProjectNo => |v| Value::Int(v.0.into());
    EnterpriseProjectNo => |v| Value::Int(v.0.into());
    PolicyNo => |v| Value::Int(v.0.into());
    ControlNo => |v| Value::Int(v.0.into());
    TechnologyNo => |v| Value::Int(v.0.into());
    ControlResultNo => |v| Value::Int(v.0.into());
    EvidenceNo => |v| Value::Int(v.0.into());
}

/// `args![a, b]`: the parameters `$1`, `$2`, … of a statement.
macro_rules! args {
    ($($value:expr),* $(,)?) => { &[$($crate::sql::Value::from($value)),*] };
}
pub(crate) use args;

/// A statement over many rows: `before (row), (row), … after`. Works for `INSERT … VALUES` and for
/// lookups of the form `WITH k(a, b) AS (VALUES …) SELECT …`. All parameters are in the rows, in
/// order, and that is why SQLite may have them without a name: it finds named ones by linear search,
/// which for a thousand rows costs more than the statement.
pub(crate) struct Bulk<const N: usize> {
    /// Text up to and including `VALUES `.
    pub(crate) before: &'static str,
    /// Text after the last row.
    pub(crate) after: &'static str,
}

impl<const N: usize> Bulk<N> {
    /// Rows per statement.
    pub(crate) const ROWS: usize = {
        let most = MAX_PARAMETERS / N;
        if most < MAX_ROWS { most } else { MAX_ROWS }
    };

    /// Cuts rows into those of one statement each: as few statements as possible, or few sizes.
    pub(crate) fn chunks<'r, 'v>(
        mut rows: &'r [[Value<'v>; N]],
        few: bool,
    ) -> impl Iterator<Item = &'r [[Value<'v>; N]]> {
        std::iter::from_fn(move || {
            let fits = |step: &usize| *step <= rows.len().min(Self::ROWS);
            let size = match few {
                true => rows.len().min(Self::ROWS),
                false => STEPS.into_iter().find(fits)?,
            };
            let (now, later) = rows.split_at(size);
            rows = later;
            (size > 0).then_some(now)
        })
    }

    /// The text for `rows` rows; parameters are in order of appearance, by number if `numbered`.
    pub(crate) fn text(&self, rows: usize, numbered: bool) -> String {
        use std::fmt::Write as _;
        let mut out = String::with_capacity(self.before.len() + self.after.len() + rows * N * 7);
        out.push_str(self.before);
        for row in 0..rows {
            out.push_str(if row == 0 { "(" } else { ", (" });
            for column in 0..N {
                if column > 0 {
                    out.push(',');
                }
                if numbered {
                    // Writing to a String cannot fail.
                    let _ = write!(out, "${}", row * N + column + 1);
                } else {
                    out.push('?');
                }
            }
            out.push(')');
        }
        out.push_str(self.after);
        out
    }
}

/// Rule 8: what one engine cannot hold, neither takes.
fn refuse_nul(text: &str) -> Result<()> {
    if text.contains('\0') {
        return Err(Error::Nul(text.chars().take(100).collect()));
    }
    Ok(())
}

macro_rules! bind_all {
    ($values:expr, $arguments:ty, $text:expr) => {{
        let mut out = <$arguments>::default();
        out.reserve($values.len(), 0);
        for value in $values {
            match *value {
                Value::Int(v) => out.add(v),
                Value::Real(v) => out.add(v),
                Value::Text(v) => {
                    refuse_nul(v)?;
                    out.add($text(v))
                }
                Value::Blob(v) => out.add(v),
            }
            .map_err(sqlx::Error::Encode)?;
        }
        Ok(out)
    }};
}

pub(crate) fn bind_sqlite(values: &[Value<'_>]) -> Result<SqliteArguments> {
    // Shared texts are one allocation each; borrowed ones the driver copies into two.
    bind_all!(values, SqliteArguments, Arc::<str>::from)
}

pub(crate) fn bind_postgres(values: &[Value<'_>]) -> Result<PgArguments> {
    bind_all!(values, PgArguments, std::convert::identity)
}

/// A row of either engine.
pub(crate) enum Row {
    /// SQLite.
    Sqlite(SqliteRow),
    /// PostgreSQL.
    Postgres(PgRow),
}

impl Row {
    /// Reads the columns from left to right; `table` is named in errors.
    pub(crate) fn fields(&self, table: &'static str) -> Fields<'_> {
        Fields { row: self, table, next: 0 }
    }
}

/// The columns of a row, read from left to right in the order of the SELECT list. Column names are
/// for errors; a value outside the program's own rules is [`Error::Inconsistent`].
pub(crate) struct Fields<'r> {
    row: &'r Row,
    table: &'static str,
    next: usize,
}

macro_rules! getter {
    ($(#[$doc:meta])* $name:ident -> $type:ty) => {
        $(#[$doc])*
        pub(crate) fn $name(&mut self) -> Result<$type> {
            let index = self.next;
            self.next += 1;
            Ok(match self.row {
                Row::Sqlite(row) => row.try_get::<$type, _>(index)?,
                Row::Postgres(row) => row.try_get::<$type, _>(index)?,
            })
        }
    };
}

impl<'r> Fields<'r> {
    getter!(
        /// A BIGINT.
        i64 -> i64
    );
    getter!(
        /// A DOUBLE.
        f64 -> f64
    );
    getter!(
        /// A TEXT, owned.
        text -> String
    );
    getter!(
        /// A TEXT, borrowed from the row.
        str -> &'r str
    );
    getter!(
        /// A BLOB, borrowed from the row.
        blob -> &'r [u8]
    );

    /// A BIGINT that is a `u32` number.
    pub(crate) fn u32(&mut self, column: &'static str) -> Result<u32> {
        let value = self.i64()?;
        u32::try_from(value).map_err(|_| self.inconsistent(column))
    }

    /// A BIGINT that is a count or size.
    pub(crate) fn u64(&mut self, column: &'static str) -> Result<u64> {
        let value = self.i64()?;
        u64::try_from(value).map_err(|_| self.inconsistent(column))
    }

    /// A BIGINT that is 0 or 1.
    pub(crate) fn bool(&mut self, column: &'static str) -> Result<bool> {
        match self.i64()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.inconsistent(column)),
        }
    }

    /// A BIGINT that numbers a variant: `f.word("kind", AssetKind::from_number)`.
    pub(crate) fn word<T>(&mut self, column: &'static str, read: impl FnOnce(u8) -> Option<T>) -> Result<T> {
        let value = self.i64()?;
        u8::try_from(value).ok().and_then(read).ok_or_else(|| self.inconsistent(column))
    }

    /// A BLOB of exactly `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self, column: &'static str) -> Result<[u8; N]> {
        let bytes = self.blob()?;
        bytes.try_into().map_err(|_| self.inconsistent(column))
    }

    /// A BLOB of 16 bytes.
    pub(crate) fn uuid(&mut self, column: &'static str) -> Result<Uuid> {
        self.array(column).map(Uuid::from_bytes)
    }

    /// A TEXT that holds JSON of ours.
    pub(crate) fn json<T: DeserializeOwned>(&mut self, column: &'static str) -> Result<T> {
        let text = self.str()?;
        serde_json::from_str(text).map_err(|_| self.inconsistent(column))
    }

    /// The error for this row.
    pub(crate) fn inconsistent(&self, column: &'static str) -> Error {
        let mut first = Fields { row: self.row, table: self.table, next: 0 };
        let row = match first.i64() {
            Ok(number) => number.to_string(),
            Err(_) => Fields { row: self.row, table: self.table, next: 0 }.text().unwrap_or_default(),
        };
        Error::Inconsistent { table: self.table, column, row }
    }
}

/// The JSON text of a value of ours.
pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|e| Error::Invalid(format!("cannot be written as JSON: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bulk_statement_numbers_its_parameters_in_order() {
        let bulk: Bulk<2> = Bulk { before: "INSERT INTO t (a, b) VALUES ", after: " ON CONFLICT DO NOTHING" };
        assert_eq!(bulk.text(2, true), "INSERT INTO t (a, b) VALUES ($1,$2), ($3,$4) ON CONFLICT DO NOTHING");
        assert_eq!(bulk.text(2, false), "INSERT INTO t (a, b) VALUES (?,?), (?,?) ON CONFLICT DO NOTHING");
        let rows = [[Value::Int(1); 2]; 537];
        let sizes = |few| Bulk::<2>::chunks(&rows, few).map(<[_]>::len).collect::<Vec<_>>();
        assert_eq!(sizes(false), [400, 100, 25, 5, 5, 1, 1]);
        assert_eq!(sizes(true), [537]);
        assert_eq!(Bulk::<2>::chunks(&[], false).count() + Bulk::<2>::chunks(&[], true).count(), 0);
        const { assert!(Bulk::<2>::ROWS * 2 <= MAX_PARAMETERS && Bulk::<40>::ROWS * 40 <= MAX_PARAMETERS) }
    }
}
