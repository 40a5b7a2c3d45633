//! What a column holds for a finding, typed, before any format turns it into bytes.
//!
//! One place reads findings; CSV and JSON lines differ only in how they write a [`Value`]. An empty
//! text, an instant of 0, an end that never comes and a negative score all mean *not known* and are
//! [`Value::Null`].

use std::collections::BTreeSet;

use parapet_model::asset::Reference;
use parapet_model::facts::ReferenceRow;
use parapet_model::finding::Finding;
use parapet_model::{AssetKind, FOREVER, Millis, Risk};
use uuid::Uuid;

use crate::columns::Column;

/// The value of one cell.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    /// Not known or not applicable.
    Null,
    /// A text that may hold anything; never empty.
    Text(&'a str),
    /// One of our own words: letters, digits, `_` and `-` only, so it needs no escaping.
    Word(&'static str),
    /// An id.
    Id(Uuid),
    /// A whole number.
    Integer(u64),
    /// A finite number.
    Number(f64),
    /// Yes or no.
    Flag(bool),
    /// An instant.
    Instant(Millis),
    /// A day, given by its first instant in UTC.
    Day(Millis),
    /// Several texts; may be none.
    List(Texts<'a>),
}

/// Where the texts of a list come from; they are gathered only when they are written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Texts<'a> {
    /// As they stand.
    Plain(&'a [String]),
    /// One part of each reference that holds at an instant, or with `None` is still open.
    References(&'a [ReferenceRow], Option<Millis>, fn(&Reference) -> String),
    /// Why a finding is urgent.
    Reasons(Risk),
}

impl Texts<'_> {
    /// The texts in order; of references each text once and none that is empty.
    pub(crate) fn gather(self) -> Vec<String> {
        let (rows, at, part) = match self {
            Self::Plain(texts) => return texts.to_vec(),
            Self::Reasons(risk) => return risk.reasons(),
            Self::References(rows, at, part) => (rows, at, part),
        };
        let holds = |row: &&ReferenceRow| at.map_or(row.held.is_open(), |at| row.held.contains(at));
        let mut seen = BTreeSet::new();
        let texts = rows.iter().filter(holds).map(|row| part(&row.reference));
        texts.filter(|text| !text.is_empty() && seen.insert(text.clone())).collect()
    }
}

/// The value of `column` for `finding`. `references_at` chooses the references: those that hold at
/// that instant, or with `None` those that are still open.
pub(crate) fn value_of<'a>(
    column: Column,
    finding: &Finding<'a>,
    references_at: Option<Millis>,
) -> Value<'a> {
    let (asset, package) = (finding.asset, &finding.package.key);
    let (vulnerability, verdict) = (finding.vulnerability, finding.verdict);
    let references = |part| Value::List(Texts::References(finding.references, references_at, part));
    match column {
        Column::Kind => Value::Word(asset.kind.as_str()),
        Column::Asset => text(&asset.name),
        Column::AssetId => Value::Id(asset.uuid),
        Column::Digest if asset.kind == AssetKind::Image => text(&asset.identity),
        Column::Digest => Value::Null,
        Column::References => references(Reference::to_string),
        Column::Registry => references(|reference| reference.registry.clone()),
        Column::Repository => references(|reference| reference.repository.clone()),
        Column::Tag => references(|reference| reference.tag.clone()),
        Column::EnterpriseProject => text(finding.enterprise_project),
        Column::Distro => text(&asset.distro),
        Column::Coverage => Value::Word(finding.asset_coverage.as_str()),
        Column::FirstFound => instant(finding.first_found),
        Column::ReopenedAt => instant(finding.reopened_at),
        Column::LastFound => instant(finding.last_found),
        Column::NotRunHere => Value::Flag(finding.not_run_here),
        Column::Exception => finding.exception.map_or(Value::Null, |exception| Value::Id(exception.uuid)),
        Column::ExceptionTitle => finding.exception.map_or(Value::Null, |exception| text(&exception.title)),
        Column::ExceptionEnd => finding.exception.map_or(Value::Null, |exception| instant(exception.end)),
        Column::Risk => Value::Integer(Risk::of(finding).number()),
        Column::RiskReasons => Value::List(Texts::Reasons(Risk::of(finding))),
        Column::Vulnerability => text(&vulnerability.id),
        Column::Aliases => Value::List(Texts::Plain(&vulnerability.aliases)),
        Column::Qid => Value::Integer(vulnerability.no.qid()),
        Column::Severity => Value::Word(verdict.severity.as_str()),
        Column::Cvss => number(vulnerability.cvss_score),
        Column::CvssVector => text(&vulnerability.cvss_vector),
        Column::Epss => number(vulnerability.epss),
        Column::Kev => Value::Flag(vulnerability.kev_added != 0),
        Column::KevAdded if vulnerability.kev_added == 0 => Value::Null,
        Column::KevAdded => Value::Day(vulnerability.kev_added),
        Column::Package => text(&package.name),
        Column::Version => text(&package.version),
        Column::Arch => text(&package.arch),
        Column::Ecosystem => text(&package.ecosystem),
        Column::Source => text(&package.source_name),
        Column::SourceVersion => text(&package.source_version),
        Column::State => Value::Word(verdict.state.as_str()),
        Column::Fixable => Value::Flag(verdict.state.is_fixable()),
        Column::FixedVersion => text(&verdict.fixed_version),
        Column::Class => Value::Word(verdict.class.as_str()),
        Column::Title => text(&vulnerability.title),
        Column::Blank => Value::Null,
    }
}

fn text(text: &str) -> Value<'_> {
    if text.is_empty() { Value::Null } else { Value::Text(text) }
}

fn number(number: f64) -> Value<'static> {
    if number.is_finite() && number >= 0.0 { Value::Number(number) } else { Value::Null }
}

fn instant(at: Millis) -> Value<'static> {
    if at == 0 || at == FOREVER { Value::Null } else { Value::Instant(at) }
}

/// Appends a finite number as JSON and spreadsheets read it; much faster than `Display`.
pub(crate) fn push_number(out: &mut Vec<u8>, number: f64) {
    // A finite number is always JSON and a vector takes all bytes, so this cannot fail.
    let _ = serde_json::to_writer(out, &number);
}
