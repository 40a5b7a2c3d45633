//! The filter tree.
//!
//! Every way to ask — `--where`, the HSS parameters, QQL, the search box — compiles to this one
//! tree. Small tables are filtered by its plain evaluator ([`Filter::accepts`]); posture compiles
//! the same tree to its own structures and is tested against the evaluator.

mod complete;
mod finding;
mod parse;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use complete::{Completion, completions};
pub use parse::ParseError;

use crate::severity::Severity;

/// A condition on rows.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filter {
    /// Everything.
    #[default]
    All,
    /// Nothing.
    Nothing,
    /// All of these.
    And(Vec<Filter>),
    /// Any of these.
    Or(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
    /// One test.
    Test(Test),
}

/// One test of one field. A field with several values (tags, aliases) passes when any value does;
/// a field with no value passes no test, so `not (tag = x)` holds for an untagged image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Test {
    /// What is tested.
    pub field: Field,
    /// How.
    pub op: Op,
    /// Against what; [`Op::In`] takes any number, the others exactly one.
    pub values: Vec<Value>,
}

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Equal; text without regard to ASCII case.
    Eq,
    /// Less. Ordered fields only, like the next three.
    Lt,
    /// Less or equal.
    Le,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
    /// Text contains, without regard to ASCII case.
    Contains,
    /// Text starts with, without regard to ASCII case.
    Prefix,
    /// Equal to any.
    In,
}

/// A value in a test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Yes or no.
    Bool(bool),
    /// A number; instants are epoch milliseconds.
    Number(f64),
    /// Text.
    Text(String),
}

/// A borrowed value of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValueRef<'a> {
    /// Yes or no.
    Bool(bool),
    /// A number; instants are epoch milliseconds, severities their band's number.
    Number(f64),
    /// Text.
    Text(&'a str),
}

/// What kind of values a field has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// Text.
    Text,
    /// A number.
    Number,
    /// An instant, written as RFC 3339 or a date.
    Instant,
    /// Yes or no.
    Bool,
    /// A severity band, written as its word.
    Severity,
}

macro_rules! fields {
    ($($(#[doc = $doc:literal])* $name:ident = $word:literal: $kind:ident $level:ident,)+) => {
        /// What can be tested.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Field {
            $($(#[doc = $doc])* #[serde(rename = $word)] $name,)+
        }

        impl Field {
            /// All fields.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The word in `--where` and the API.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// What kind of values it has.
            pub const fn kind(self) -> FieldType {
                match self { $(Self::$name => FieldType::$kind,)+ }
            }

            /// What it depends on.
            pub const fn level(self) -> Level {
                match self { $(Self::$name => Level::$level,)+ }
            }

            /// One line for help texts.
            pub fn help(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_start(),)+ }
            }
        }
    };
}

/// What a field depends on, so that a whole asset can be passed over at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The asset alone.
    Asset,
    /// The package, vulnerability or match.
    Match,
    /// The pair of asset and match, or time.
    Finding,
}

fields! {
    /// Kind of asset: image, container, host
    Kind = "kind": Text Asset,
    /// Name of the asset
    Asset = "asset": Text Asset,
    /// Id of the asset
    AssetId = "asset_id": Text Asset,
    /// Config digest of an image, engine's id of a container, machine id of a host
    Identity = "identity": Text Asset,
    /// Config, manifest or index digest of an image, with `sha256:`
    Digest = "digest": Text Asset,
    /// Registry of a current reference, for a container of its image
    Registry = "registry": Text Asset,
    /// Repository of a current reference, for a container of its image
    Repository = "repository": Text Asset,
    /// Tag of a current reference, for a container of its image
    Tag = "tag": Text Asset,
    /// Enterprise project, by name
    EnterpriseProject = "enterprise_project": Text Asset,
    /// Name of the distribution
    Distro = "distro": Text Asset,
    /// Server group of a host
    Group = "group": Text Asset,
    /// Asset value: important, common, test
    AssetValue = "asset_value": Text Asset,
    /// State of a container: CREATED, RUNNING, STOPPED, PAUSED, UNKNOWN
    ContainerState = "container_state": Text Asset,
    /// Name of the host a container is on, or of the host itself
    Host = "host": Text Asset,
    /// Size of an image in bytes
    Size = "size": Number Asset,
    /// When the image was built or the container made
    Created = "created": Instant Asset,
    /// When the asset was last read
    Scanned = "scanned": Instant Asset,
    /// Scan state: not_scanned, scanned, failed
    Scan = "scan": Text Asset,
    /// Worst coverage word of the asset
    Coverage = "coverage": Text Asset,
    /// Name of the package
    Package = "package": Text Match,
    /// Version of the package
    Version = "version": Text Match,
    /// Name of the source package
    Source = "source": Text Match,
    /// Ecosystem of the package, with release
    Ecosystem = "ecosystem": Text Match,
    /// Id of the vulnerability, or any alias
    Vulnerability = "vulnerability": Text Match,
    /// QID of the vulnerability
    Qid = "qid": Number Match,
    /// Title of the vulnerability
    Title = "title": Text Match,
    /// Severity band: the vendor's word where it rates
    Severity = "severity": Severity Match,
    /// CVSS base score
    Cvss = "cvss": Number Match,
    /// EPSS probability
    Epss = "epss": Number Match,
    /// Known exploited (CISA KEV)
    Kev = "kev": Bool Match,
    /// State of the match: affected, fix_available, …
    State = "state": Text Match,
    /// Whether a fix can be installed
    Fixable = "fixable": Bool Match,
    /// Kind of statement: vulnerability, informational, malware
    Class = "class": Text Match,
    /// Kernel package that does not run here
    NotRunHere = "not_run_here": Bool Finding,
    /// Start of the first stint
    FirstFound = "first_found": Instant Finding,
    /// Start of the current stint
    ReopenedAt = "reopened_at": Instant Finding,
    /// Whether an exception holds now
    Excepted = "excepted": Bool Finding,
    /// Id of the exception that holds
    Exception = "exception": Text Finding,
}

/// A row whose fields can be tested.
pub trait Row {
    /// Calls `visit` with each value of `field` until it returns true; returns whether it did.
    fn any(&self, field: Field, visit: &mut dyn FnMut(ValueRef<'_>) -> bool) -> bool;
}

impl Filter {
    /// A test with one value.
    pub fn test(field: Field, op: Op, value: impl Into<Value>) -> Self {
        Self::Test(Test { field, op, values: vec![value.into()] })
    }

    /// A test for membership.
    pub fn any_of<V: Into<Value>>(field: Field, values: impl IntoIterator<Item = V>) -> Self {
        Self::Test(Test { field, op: Op::In, values: values.into_iter().map(Into::into).collect() })
    }

    /// Both; [`Filter::All`] disappears.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, f) | (f, Self::All) => f,
            (Self::Nothing, _) | (_, Self::Nothing) => Self::Nothing,
            (Self::And(mut a), Self::And(b)) => {
                a.extend(b);
                Self::And(a)
            }
            (Self::And(mut a), f) => {
                a.push(f);
                Self::And(a)
            }
            (f, Self::And(mut b)) => {
                b.insert(0, f);
                Self::And(b)
            }
            (a, b) => Self::And(vec![a, b]),
        }
    }

    /// The opposite.
    #[must_use]
    pub fn negate(self) -> Self {
        match self {
            Self::All => Self::Nothing,
            Self::Nothing => Self::All,
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// Reads `severity >= high and not excepted`; see [`ParseError`] for what may be wrong.
    ///
    /// ```text
    /// filter = term { "or" term }          term = factor { "and" factor }
    /// factor = "not" factor | "(" filter ")" | test
    /// test   = field [ op value | "in" "(" value { "," value } ")" ]
    /// op     = "=" | "!=" | "<" | "<=" | ">" | ">=" | "~" (contains) | "^=" (starts with)
    /// ```
    /// A yes/no field stands alone. Values with spaces or signs are written in double quotes.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        parse::parse(text)
    }

    /// The plain evaluator: the truth that every faster way is tested against.
    pub fn accepts(&self, row: &dyn Row) -> bool {
        match self {
            Self::All => true,
            Self::Nothing => false,
            Self::And(parts) => parts.iter().all(|f| f.accepts(row)),
            Self::Or(parts) => parts.iter().any(|f| f.accepts(row)),
            Self::Not(inner) => !inner.accepts(row),
            Self::Test(test) => row.any(test.field, &mut |value| test.passes(value)),
        }
    }

    /// Calls `visit` for each test.
    pub fn each_test(&self, visit: &mut dyn FnMut(&Test)) {
        match self {
            Self::All | Self::Nothing => {}
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|f| f.each_test(visit)),
            Self::Not(inner) => inner.each_test(visit),
            Self::Test(test) => visit(test),
        }
    }
}

impl Test {
    /// Whether one value of the row passes.
    pub fn passes(&self, value: ValueRef<'_>) -> bool {
        match self.op {
            Op::In => self.values.iter().any(|wanted| compare(self.field, Op::Eq, value, wanted)),
            op => self.values.first().is_some_and(|wanted| compare(self.field, op, value, wanted)),
        }
    }
}

fn compare(field: Field, op: Op, value: ValueRef<'_>, wanted: &Value) -> bool {
    match (value, wanted) {
        (ValueRef::Bool(a), Value::Bool(b)) => op == Op::Eq && a == *b,
        (ValueRef::Number(a), Value::Number(b)) => compare_numbers(field, op, a, *b),
        (ValueRef::Text(a), Value::Text(b)) => match op {
            Op::Eq | Op::In => a.eq_ignore_ascii_case(b),
            Op::Prefix => a.len() >= b.len() && a.as_bytes()[..b.len()].eq_ignore_ascii_case(b.as_bytes()),
            Op::Contains => contains_ignore_case(a.as_bytes(), b.as_bytes()),
            Op::Lt | Op::Le | Op::Gt | Op::Ge => false,
        },
        _ => false,
    }
}

fn compare_numbers(field: Field, op: Op, a: f64, b: f64) -> bool {
    // Unknown severity stands outside the order: `>= low` and `<= high` both leave it out, so that
    // whoever wants it has to name it.
    let unknown = f64::from(Severity::Unknown as u8);
    if field == Field::Severity && op != Op::Eq && (a == unknown || b == unknown) {
        return false;
    }
    match op {
        Op::Eq | Op::In => a == b,
        Op::Lt => a < b,
        Op::Le => a <= b,
        Op::Gt => a > b,
        Op::Ge => a >= b,
        Op::Contains | Op::Prefix => false,
    }
}

/// Whether `needle` occurs in `haystack` without regard to ASCII case.
pub fn contains_ignore_case(haystack: &[u8], needle: &[u8]) -> bool {
    let Some((first, rest)) = needle.split_first() else { return true };
    let (lower, upper) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
    memchr::memchr2_iter(lower, upper, haystack).any(|at| {
        let behind = haystack.get(at + 1..at + needle.len());
        behind.is_some_and(|behind| behind.eq_ignore_ascii_case(rest))
    })
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<f64> for Value {
    fn from(n: f64) -> Self {
        Self::Number(n)
    }
}

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Self::Number(n as f64)
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}

impl From<Severity> for Value {
    fn from(s: Severity) -> Self {
        Self::Number(f64::from(s as u8))
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Filter {
    /// The text that [`Filter::parse`] reads back to an equal tree.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Nothing => f.write_str("nothing"),
            Self::And(parts) => join(f, parts, " and "),
            Self::Or(parts) => join(f, parts, " or "),
            Self::Not(inner) => write!(f, "not {}", Group(inner)),
            Self::Test(test) => test.fmt(f),
        }
    }
}

struct Group<'a>(&'a Filter);

impl fmt::Display for Group<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Filter::And(_) | Filter::Or(_) => write!(f, "({})", self.0),
            other => other.fmt(f),
        }
    }
}

fn join(f: &mut fmt::Formatter<'_>, parts: &[Filter], word: &str) -> fmt::Result {
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            f.write_str(word)?;
        }
        write!(f, "{}", Group(part))?;
    }
    Ok(())
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let op = match self.op {
            Op::Eq => "=",
            Op::Lt => "<",
            Op::Le => "<=",
            Op::Gt => ">",
            Op::Ge => ">=",
            Op::Contains => "~",
            Op::Prefix => "^=",
            Op::In => {
                write!(f, "{} in (", self.field)?;
                for (i, value) in self.values.iter().enumerate() {
                    if i > 0 {
                        f.write_str(", ")?;
                    }
                    self.write_value(f, value)?;
                }
                return f.write_str(")");
            }
        };
        match self.values.as_slice() {
            [Value::Bool(true)] if self.op == Op::Eq => write!(f, "{}", self.field),
            [value] => {
                write!(f, "{} {op} ", self.field)?;
                self.write_value(f, value)
            }
            _ => f.write_str("nothing"),
        }
    }
}

impl Test {
    fn write_value(&self, f: &mut fmt::Formatter<'_>, value: &Value) -> fmt::Result {
        match (self.field.kind(), value) {
            (FieldType::Severity, Value::Number(n)) => {
                f.write_str(Severity::from_number(*n as u8).unwrap_or_default().as_str())
            }
            (FieldType::Instant, Value::Number(n)) => {
                let text = crate::time::format_rfc3339(*n as i64);
                write!(f, "\"{text}\"")
            }
            (_, Value::Bool(b)) => write!(f, "{b}"),
            (_, Value::Number(n)) => write!(f, "{n}"),
            (_, Value::Text(text)) => {
                write!(f, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
            }
        }
    }
}
