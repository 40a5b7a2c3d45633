//! What exceptions are, in the words of people: how one stands, what it is for.

use std::fmt::Write as _;

use parapet_model::exception::{Exception, ExceptionState, TargetKind};
use parapet_model::filter::{Field, Op, Test, Value};
use parapet_model::lifecycle::Standing;
use parapet_model::{AssetNo, Filter, Millis, Scope};
use parapet_posture::Snapshot;

/// Names spelled out before the rest is a number.
const SPELLED: usize = 3;
/// Assets that are put into a question one by one.
const ASKED: usize = 100;

/// How an exception stands, as the list tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Stand {
    /// Somebody has to decide.
    #[default]
    Waiting,
    /// It hides what it covers.
    Holds,
    /// Approved; its start is still to come.
    Planned,
    /// Its end has passed.
    Expired,
    /// Refused.
    Rejected,
    /// Ended by hand.
    Ended,
}

impl Stand {
    /// All, in the order of the list's choices.
    pub(crate) const ALL: [Self; 6] =
        [Self::Waiting, Self::Holds, Self::Planned, Self::Expired, Self::Rejected, Self::Ended];

    /// How one stands at `now`.
    pub(crate) fn of(exception: &Exception, now: Millis) -> Self {
        match exception.life().standing(now) {
            Standing::Pending => Self::Waiting,
            Standing::Approved if exception.start > now => Self::Planned,
            Standing::Approved => Self::Holds,
            Standing::Rejected => Self::Rejected,
            Standing::Expired => Self::Expired,
            Standing::Ended => Self::Ended,
        }
    }

    /// The word in addresses and on pages.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Holds => "in force",
            Self::Planned => "planned",
            Self::Expired => "expired",
            Self::Rejected => "rejected",
            Self::Ended => "ended",
        }
    }

    /// The word of an address.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            other => other.word(),
        }
    }

    /// How its tag looks.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Waiting => "warn",
            Self::Holds => "good",
            Self::Rejected => "bad",
            Self::Planned | Self::Expired | Self::Ended => "",
        }
    }
}

/// What a step is called once it was taken.
pub(crate) const fn decided(state: ExceptionState) -> &'static str {
    match state {
        ExceptionState::Pending => "sent back to waiting",
        ExceptionState::Approved => "approved",
        ExceptionState::Rejected => "rejected",
        ExceptionState::Ended => "ended",
    }
}

/// What an exception is for, in one sentence without its end.
pub(crate) fn covers(exception: &Exception, snapshot: &Snapshot, scope: &Scope) -> String {
    let target = &exception.target;
    let mut out = match target.vulnerabilities.as_slice() {
        [] => "All vulnerabilities".to_owned(),
        some => listed(some.iter().map(String::as_str), some.len()),
    };
    let names = named(&target.included, snapshot, scope);
    let live = target.filter.as_ref().filter(|_| target.kind == TargetKind::Dynamic);
    match (live, target.included.is_empty()) {
        (Some(filter), true) => _ = write!(out, " where {}", in_words(filter)),
        (Some(filter), false) => _ = write!(out, " where {}, and on {names}", in_words(filter)),
        (None, _) => _ = write!(out, " on {names}"),
    }
    if !target.excluded.is_empty() {
        _ = write!(out, ", but not on {}", named(&target.excluded, snapshot, scope));
    }
    out
}

fn named(assets: &[AssetNo], snapshot: &Snapshot, scope: &Scope) -> String {
    let names = assets.iter().take(SPELLED);
    let names =
        names.map(|no| snapshot.asset(scope, *no).map_or("an asset that is gone", |a| a.name.as_str()));
    listed(names, assets.len())
}

/// The first few of `total` names.
fn listed<'n>(names: impl Iterator<Item = &'n str>, total: usize) -> String {
    let mut out = names.take(SPELLED).collect::<Vec<_>>().join(", ");
    if total > SPELLED {
        _ = write!(out, " and {} more", total - SPELLED);
    }
    out
}

/// The question whose findings an exception covers, as far as a question can say it.
pub(crate) fn question(exception: &Exception, snapshot: &Snapshot, scope: &Scope) -> Option<Filter> {
    let target = &exception.target;
    let live = target.filter.as_ref().filter(|_| target.kind == TargetKind::Dynamic);
    let ids = |list: &[AssetNo]| {
        let ids = list.iter().filter_map(|no| snapshot.asset(scope, *no)).map(|a| a.uuid.to_string());
        Filter::any_of(Field::AssetId, ids)
    };
    if target.included.len() + target.excluded.len() + target.vulnerabilities.len() > ASKED {
        return None;
    }
    let assets = match (live, target.included.as_slice()) {
        (Some(filter), []) => filter.clone(),
        (Some(filter), some) => Filter::Or(vec![filter.clone(), ids(some)]),
        (None, some) => ids(some),
    };
    let mut all = match target.vulnerabilities.as_slice() {
        [] => assets,
        some => assets.and(Filter::any_of(Field::Vulnerability, some.iter().cloned())),
    };
    if !target.excluded.is_empty() {
        all = all.and(ids(&target.excluded).negate());
    }
    Some(all)
}

/// A question as a sentence.
pub(crate) fn in_words(filter: &Filter) -> String {
    let all = |parts: &[Filter], word: &str| parts.iter().map(inner).collect::<Vec<_>>().join(word);
    match filter {
        Filter::All => "anything".to_owned(),
        Filter::Nothing => "nothing".to_owned(),
        Filter::And(parts) => all(parts, " and "),
        Filter::Or(parts) => all(parts, " or "),
        Filter::Not(part) => match part.as_ref() {
            Filter::Test(Test { values, .. }) if matches!(values.as_slice(), [Value::Bool(true)]) => {
                in_words(part).replacen("it is ", "it is not ", 1)
            }
            part => format!("not ({})", in_words(part)),
        },
        Filter::Test(test) => tested(test),
    }
}

fn inner(filter: &Filter) -> String {
    match filter {
        Filter::And(_) | Filter::Or(_) => format!("({})", in_words(filter)),
        other => in_words(other),
    }
}

fn tested(test: &Test) -> String {
    let field = match test.field {
        Field::Kev => "known to be exploited".to_owned(),
        field => field.as_str().replace('_', " "),
    };
    if let [Value::Bool(yes)] = test.values.as_slice() {
        return if *yes { format!("it is {field}") } else { format!("it is not {field}") };
    }
    // The value is written as the language writes it.
    let value = match &test.values[..] {
        [one] => said(test.field, one),
        some => some.iter().take(SPELLED).map(|v| said(test.field, v)).collect::<Vec<_>>().join(", "),
    };
    let op = match test.op {
        Op::Eq => "is",
        Op::Lt => "is less than",
        Op::Le => "is at most",
        Op::Gt => "is more than",
        Op::Ge => "is at least",
        Op::Contains => "contains",
        Op::Prefix => "begins with",
        Op::In => "is one of",
    };
    let more = test.values.len().saturating_sub(SPELLED);
    if more > 0 { format!("{field} {op} {value} and {more} more") } else { format!("{field} {op} {value}") }
}

fn said(field: Field, value: &Value) -> String {
    let written = Filter::test(field, Op::Eq, value.clone()).to_string();
    written.split_once(" = ").map_or(written.clone(), |(_, value)| value.trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_read_out() {
        for (question, words) in [
            ("severity >= high and fixable", "severity is at least high and it is fixable"),
            (
                "not kev and (package = a or package ~ \"b c\")",
                "it is not known to be exploited and (package is a or package contains b c)",
            ),
            ("package in (a, b, c, d)", "package is one of a, b, c and 1 more"),
            ("", "anything"),
        ] {
            assert_eq!(in_words(&Filter::parse(question).unwrap()), words, "{question}");
        }
    }
}
