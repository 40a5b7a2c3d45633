//! Queries on images and containers, compiled to posture's filter tree.

use parapet_model::filter::{Field, Filter, Op as FilterOp, Value as FilterValue};
use parapet_model::{Millis, Severity};

use super::{CsError, Expr, Op, Test, Value, instant, unknown_token, wrong_value};

/// What a query is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http::qualys_cs) enum Subject {
    /// Images.
    Image,
    /// Containers.
    Container,
}

impl Subject {
    /// The word of the filter field `kind`.
    pub(in crate::http::qualys_cs) const fn kind(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Container => "container",
        }
    }
}

/// What a token is about.
#[derive(Debug, Clone, Copy)]
enum Means {
    /// A text field.
    Text(Field),
    /// A digest, written with or without `sha256:`, in full or its first digits.
    Digest,
    /// An instant.
    Instant(Field),
    /// 1 to 5.
    Severity,
    /// A number.
    Number(Field),
    /// Yes or no.
    Flag(Field),
    /// `CONFIRMED`, which all findings are, or `POTENTIAL`.
    TypeDetected,
    /// `SUCCESS`, `FAILED`, or nothing yet.
    ScanStatus,
}

/// Tokens of both subjects.
const TOKENS: &[(&str, Means)] = &[
    ("uuid", Means::Text(Field::AssetId)),
    ("name", Means::Text(Field::Asset)),
    ("created", Means::Instant(Field::Created)),
    ("updated", Means::Instant(Field::Scanned)),
    ("lastScanned", Means::Instant(Field::Scanned)),
    ("repo.registry", Means::Text(Field::Registry)),
    ("repo.repository", Means::Text(Field::Repository)),
    ("repo.tag", Means::Text(Field::Tag)),
    ("operatingSystem", Means::Text(Field::Distro)),
    ("scanStatus", Means::ScanStatus),
    ("vulnerabilities.severity", Means::Severity),
    ("vulnerabilities.qid", Means::Number(Field::Qid)),
    ("vulnerabilities.cveids", Means::Text(Field::Vulnerability)),
    ("vulnerabilities.title", Means::Text(Field::Title)),
    ("vulnerabilities.typeDetected", Means::TypeDetected),
    ("vulnerabilities.patchAvailable", Means::Flag(Field::Fixable)),
    ("softwares.name", Means::Text(Field::Package)),
    ("softwares.version", Means::Text(Field::Version)),
];

/// Tokens of images alone.
const IMAGE_TOKENS: &[(&str, Means)] = &[
    ("sha", Means::Digest),
    ("imageId", Means::Digest),
    ("repoDigests.digest", Means::Digest),
    ("size", Means::Number(Field::Size)),
];

/// Tokens of containers alone.
const CONTAINER_TOKENS: &[(&str, Means)] = &[
    ("state", Means::Text(Field::ContainerState)),
    ("host.hostname", Means::Text(Field::Host)),
    ("containerId", Means::Text(Field::Identity)),
];

/// Compiles a query. `All` when there is none.
pub(in crate::http::qualys_cs) fn compile(
    text: Option<&str>,
    subject: Subject,
    now: Millis,
) -> Result<Filter, CsError> {
    match Expr::read(text)? {
        Some(expr) => Compiler { subject, now }.expr(&expr),
        None => Ok(Filter::All),
    }
}

struct Compiler {
    subject: Subject,
    now: Millis,
}

impl Compiler {
    fn expr(&self, expr: &Expr) -> Result<Filter, CsError> {
        let all = |parts: &[Expr]| parts.iter().map(|part| self.expr(part)).collect::<Result<_, _>>();
        Ok(match expr {
            Expr::And(parts) => Filter::And(all(parts)?),
            Expr::Or(parts) => Filter::Or(all(parts)?),
            Expr::Not(part) => self.expr(part)?.negate(),
            Expr::Test(test) => self.test(test)?,
        })
    }

    fn test(&self, test: &Test) -> Result<Filter, CsError> {
        let own = match self.subject {
            Subject::Image => IMAGE_TOKENS,
            Subject::Container => CONTAINER_TOKENS,
        };
        let prefix = format!("{}.", self.subject.kind());
        let token = test.token.strip_prefix(&prefix).unwrap_or(&test.token);
        let tokens = TOKENS.iter().chain(own);
        let Some((_, means)) = tokens.clone().find(|(name, _)| name.eq_ignore_ascii_case(token)) else {
            return Err(unknown_token(test, &tokens.map(|(name, _)| *name).collect::<Vec<_>>()));
        };
        match *means {
            Means::Text(field) => text(field, test),
            Means::Digest => digest(test),
            Means::Instant(field) => {
                ordered(field, test, "an instant", |text| instant(text, self.now).map(FilterValue::from))
            }
            Means::Number(field) => {
                let number = |text: &str| text.trim().parse::<f64>().ok().map(FilterValue::from);
                ordered(field, test, "a number", number)
            }
            Means::Severity => ordered(Field::Severity, test, "1 to 5", severity),
            Means::Flag(field) => match test.value.text().map(str::to_ascii_lowercase).as_deref() {
                Some("true") => Ok(Filter::test(field, FilterOp::Eq, true)),
                Some("false") => Ok(Filter::test(field, FilterOp::Eq, false)),
                _ => Err(wrong_value(test, "true or false")),
            },
            Means::TypeDetected => match test.value.text().map(str::to_ascii_uppercase).as_deref() {
                Some("CONFIRMED") => Ok(Filter::All),
                Some("POTENTIAL") => Ok(Filter::Nothing),
                _ => Err(wrong_value(test, "CONFIRMED or POTENTIAL")),
            },
            Means::ScanStatus => match test.value.text().map(str::to_ascii_uppercase).as_deref() {
                Some("SUCCESS") => Ok(Filter::test(Field::Scan, FilterOp::Eq, "scanned")),
                Some("FAILED") => Ok(Filter::test(Field::Scan, FilterOp::Eq, "failed")),
                _ => Err(wrong_value(test, "SUCCESS or FAILED")),
            },
        }
    }
}

fn text(field: Field, test: &Test) -> Result<Filter, CsError> {
    Ok(match &test.value {
        // A field with no value passes no test, and every text begins with nothing.
        Value::Any => Filter::test(field, FilterOp::Prefix, ""),
        Value::Exact(text) => Filter::test(field, FilterOp::Eq, text.as_str()),
        Value::List(list) => Filter::any_of(field, list.iter().map(String::as_str)),
        Value::Loose(text) | Value::Phrase(text) => match test.op {
            Op::Match => Filter::test(field, FilterOp::Contains, text.as_str()),
            Op::Eq => Filter::test(field, FilterOp::Eq, text.as_str()),
            _ => return Err(wrong_value(test, "\":\" or \"=\", it is a text")),
        },
        Value::Range { .. } => return Err(wrong_value(test, "a text, not a range")),
    })
}

fn digest(test: &Test) -> Result<Filter, CsError> {
    let one = |text: &str| {
        let text = text.trim().to_ascii_lowercase();
        let full = if text.starts_with("sha256:") { text } else { format!("sha256:{text}") };
        Filter::test(Field::Digest, FilterOp::Prefix, full)
    };
    match &test.value {
        Value::Any => Ok(Filter::test(Field::Digest, FilterOp::Prefix, "")),
        Value::List(list) => Ok(Filter::Or(list.iter().map(|text| one(text)).collect())),
        value => value.text().map(one).ok_or_else(|| wrong_value(test, "a digest or an image id")),
    }
}

/// Severities 1 to 5 are our bands none to critical; unknown is shown as 3 and found by it.
fn severity(text: &str) -> Option<FilterValue> {
    let band = match text.trim() {
        "1" => Severity::None,
        "2" => Severity::Low,
        "3" => Severity::Medium,
        "4" => Severity::High,
        "5" => Severity::Critical,
        _ => return None,
    };
    Some(FilterValue::from(band))
}

fn ordered(
    field: Field,
    test: &Test,
    expected: &str,
    read: impl Fn(&str) -> Option<FilterValue>,
) -> Result<Filter, CsError> {
    let value = |text: &str| read(text).ok_or_else(|| wrong_value(test, expected));
    let compared = |op, text: &str| Ok::<_, CsError>(Filter::test(field, op, value(text)?));
    let filter = match (&test.value, test.op) {
        (Value::Any, _) => {
            Filter::Or(vec![Filter::test(field, FilterOp::Ge, 0.0), Filter::test(field, FilterOp::Eq, 0.0)])
        }
        (Value::Range { low, high, inclusive }, _) => {
            let (above, below) =
                if *inclusive { (FilterOp::Ge, FilterOp::Le) } else { (FilterOp::Gt, FilterOp::Lt) };
            let low = if low.is_empty() { Filter::All } else { compared(above, low)? };
            let high = if high.is_empty() { Filter::All } else { compared(below, high)? };
            low.and(high)
        }
        (Value::List(list), _) => {
            Filter::any_of(field, list.iter().map(|text| value(text)).collect::<Result<Vec<_>, _>>()?)
        }
        (single, op) => {
            let text = single.text().unwrap_or_default();
            let op = match op {
                Op::Match | Op::Eq => FilterOp::Eq,
                Op::Lt => FilterOp::Lt,
                Op::Le => FilterOp::Le,
                Op::Gt => FilterOp::Gt,
                Op::Ge => FilterOp::Ge,
            };
            compared(op, text)?
        }
    };
    // Findings nobody rated are shown with severity 3.
    let unknown_is_meant = field == Field::Severity && accepts_medium(&filter);
    Ok(if unknown_is_meant {
        Filter::Or(vec![filter, Filter::test(field, FilterOp::Eq, Severity::Unknown)])
    } else {
        filter
    })
}

/// Whether a filter on severity alone accepts medium.
fn accepts_medium(filter: &Filter) -> bool {
    struct Medium;
    impl parapet_model::filter::Row for Medium {
        fn any(&self, _: Field, visit: &mut dyn FnMut(parapet_model::filter::ValueRef<'_>) -> bool) -> bool {
            visit(parapet_model::filter::ValueRef::Number(f64::from(Severity::Medium as u8)))
        }
    }
    filter.accepts(&Medium)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = 1_800_000_000_000;

    fn compiled(text: &str) -> String {
        compile(Some(text), Subject::Image, NOW).unwrap().to_string()
    }

    #[test]
    fn what_clients_send_compiles() {
        let sha = "a".repeat(64);
        assert_eq!(compiled(&format!("sha:{sha}")), format!("digest ^= \"sha256:{sha}\""));
        assert_eq!(compiled("imageId:0123456789ab"), "digest ^= \"sha256:0123456789ab\"");
        assert_eq!(compiled("repo.repository:`shop/web`"), "repository = \"shop/web\"");
        assert_eq!(compiled("image.repo.tag:[v1, v2]"), "tag in (\"v1\", \"v2\")");
        assert_eq!(compiled("vulnerabilities.severity:5"), "severity = critical");
        assert_eq!(
            compiled("vulnerabilities.severity:[4 .. 5]"),
            "severity >= high and severity <= critical"
        );
        assert_eq!(
            compiled("vulnerabilities.severity:3"),
            "severity = medium or severity = unknown",
            "what nobody rated is shown as 3"
        );
        let jenkins = compiled(&format!("sha:{sha} and lastScanned: [now-300s ... now]"));
        assert!(jenkins.contains("scanned >= \"2027-01-15T07:55:00.000Z\""), "{jenkins}");
        let twice = "repo.registry%3A%22https%3A//reg.example%22";
        assert_eq!(compiled(twice), "registry ~ \"https://reg.example\"");
    }

    #[test]
    fn containers_are_asked_for_by_state_and_host() {
        let compiled =
            compile(Some("state:`RUNNING` and host.hostname:node"), Subject::Container, NOW).unwrap();
        assert_eq!(compiled.to_string(), "container_state = \"RUNNING\" and host ~ \"node\"");
    }

    #[test]
    fn unknown_tokens_and_values_are_named() {
        let error = |text: &str| format!("{:?}", compile(Some(text), Subject::Container, NOW).unwrap_err());
        assert!(
            error("colour:red").contains("unknown token \\\"colour\\\" at character 1"),
            "{}",
            error("colour:red")
        );
        assert!(error("vulnerabilities.severity:9").contains("takes 1 to 5"));
        assert!(error("vulnerabilities.patchAvailable:maybe").contains("takes true or false"));
        assert!(error("updated:yesterday").contains("takes an instant"));
    }
}
