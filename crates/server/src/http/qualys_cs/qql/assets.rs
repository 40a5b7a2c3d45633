//! Queries on images and containers, compiled to posture's condition on assets.
//!
//! A test of `vulnerabilities.*` asks whether the asset has *any* such finding, `softwares.*` whether
//! it shows any such package; so `NOT vulnerabilities.severity:5` holds for what has none. Tests of
//! one of the two that are joined by AND or OR, without a NOT between, speak of the same finding or
//! package: `vulnerabilities.severity:5 AND vulnerabilities.patchAvailable:true` wants one that is
//! both.

use parapet_model::facts::AssetRow;
use parapet_model::filter::{Field, Filter, Op as FilterOp, Value as FilterValue};
use parapet_model::{AssetKind, Millis, Severity};
use parapet_posture::AssetFilter;

use super::table::{Cell, passes};
use super::{CsError, Expr, Op, Test, Value, instant, unknown_token, wrong_value};
use crate::http::qualys_cs::estate::Estate;
use crate::http::qualys_cs::estate::severity::bands;
use crate::http::qualys_cs::estate::tokens::{self, As, Means};

/// What a query is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http::qualys_cs) enum Subject {
    /// Images.
    Image,
    /// Containers.
    Container,
}

impl Subject {
    /// The kind of asset.
    pub(in crate::http::qualys_cs) const fn kind(self) -> AssetKind {
        match self {
            Self::Image => AssetKind::Image,
            Self::Container => AssetKind::Container,
        }
    }
}

/// Compiles a query; everything when there is none.
pub(in crate::http::qualys_cs) fn compile(
    text: Option<&str>,
    subject: Subject,
    estate: &Estate,
) -> Result<AssetFilter, CsError> {
    match Expr::read(text)? {
        Some(expr) => Ok(Compiler { subject, estate }.expr(&expr)?.whole()),
        None => Ok(AssetFilter::All),
    }
}

/// A compiled part of a query. Parts about one collection stay filters as long as they can, so that
/// tests joined by AND speak of one finding, or of one package.
enum Piece {
    /// About the asset itself.
    Asset(Filter),
    /// About one of its findings.
    Finding(Filter),
    /// About one of its packages.
    Package(Filter),
    /// About several of these.
    Mixed(AssetFilter),
}

impl Piece {
    /// *Any finding* and *any package* come in here.
    fn whole(self) -> AssetFilter {
        match self {
            Self::Asset(filter) => AssetFilter::Is(filter),
            Self::Finding(filter) => AssetFilter::Has(filter),
            Self::Package(filter) => AssetFilter::Shows(filter),
            Self::Mixed(filter) => filter,
        }
    }

    /// All of these: what is about one finding or package is joined first.
    fn all(parts: Vec<Self>) -> Self {
        let sorted = Sorted::of(parts);
        let join = |filters: Vec<Filter>| filters.into_iter().fold(Filter::All, Filter::and);
        sorted.join(AssetFilter::And, join)
    }

    /// Any of these.
    fn any(parts: Vec<Self>) -> Self {
        Sorted::of(parts).join(AssetFilter::Or, Filter::Or)
    }

    /// Not this. The opposite of *any finding passes* is *none does*.
    fn not(self) -> Self {
        match self {
            Self::Asset(filter) => Self::Asset(filter.negate()),
            other => Self::Mixed(AssetFilter::Not(Box::new(other.whole()))),
        }
    }
}

/// Parts by what they are about.
#[derive(Default)]
struct Sorted {
    assets: Vec<Filter>,
    findings: Vec<Filter>,
    packages: Vec<Filter>,
    mixed: Vec<AssetFilter>,
}

impl Sorted {
    fn of(parts: Vec<Piece>) -> Self {
        let mut sorted = Self::default();
        for part in parts {
            match part {
                Piece::Asset(filter) => sorted.assets.push(filter),
                Piece::Finding(filter) => sorted.findings.push(filter),
                Piece::Package(filter) => sorted.packages.push(filter),
                Piece::Mixed(filter) => sorted.mixed.push(filter),
            }
        }
        sorted
    }

    fn join(self, whole: fn(Vec<AssetFilter>) -> AssetFilter, same: impl Fn(Vec<Filter>) -> Filter) -> Piece {
        let mut pieces: Vec<Piece> = Vec::new();
        let lists = [
            (self.assets, Piece::Asset as fn(Filter) -> Piece),
            (self.findings, Piece::Finding),
            (self.packages, Piece::Package),
        ];
        for (list, piece) in lists {
            if !list.is_empty() {
                pieces.push(piece(same(list)));
            }
        }
        pieces.extend(self.mixed.into_iter().map(Piece::Mixed));
        match pieces.pop() {
            Some(only) if pieces.is_empty() => only,
            last => Piece::Mixed(whole(pieces.into_iter().chain(last).map(Piece::whole).collect())),
        }
    }
}

struct Compiler<'e> {
    subject: Subject,
    estate: &'e Estate,
}

impl Compiler<'_> {
    fn expr(&self, expr: &Expr) -> Result<Piece, CsError> {
        let all = |parts: &[Expr]| parts.iter().map(|part| self.expr(part)).collect::<Result<_, _>>();
        Ok(match expr {
            Expr::And(parts) => Piece::all(all(parts)?),
            Expr::Or(parts) => Piece::any(all(parts)?),
            Expr::Not(part) => self.expr(part)?.not(),
            Expr::Test(test) => self.test(test)?,
        })
    }

    fn test(&self, test: &Test) -> Result<Piece, CsError> {
        let Some(means) = tokens::find(self.subject, &test.token) else {
            let names: Vec<&str> = tokens::all(self.subject).map(|(name, _)| *name).collect();
            return Err(unknown_token(test, &names));
        };
        let word = test.value.text().map(str::to_ascii_uppercase);
        Ok(match means {
            Means::Asset(written, field) => Piece::Asset(self.field(written, field, test)?),
            Means::Finding(written, field) => Piece::Finding(self.field(written, field, test)?),
            Means::Package(field) => Piece::Package(text(field, test)?),
            Means::Shown(cells, sample) => self.shown(cells, sample.cell(), test)?,
            Means::Count(severity) => {
                let now = self.estate.instant();
                passes(test, &Cell::Number(0.0), now)?;
                let test = test.clone();
                // The value was read above, so that it cannot fail here.
                let asked =
                    move |count: u64| passes(&test, &Cell::Number(count as f64), now).unwrap_or(false);
                Piece::Mixed(AssetFilter::Count(bands(severity), Box::new(asked)))
            }
            Means::OfImage(token) => {
                let test = Test { token: token.to_owned(), ..test.clone() };
                let images = Compiler { subject: Subject::Image, estate: self.estate }.test(&test)?;
                Piece::Mixed(AssetFilter::OfImage(Box::new(images.whole())))
            }
            Means::TypeDetected => Piece::Finding(match word.as_deref() {
                Some("CONFIRMED") => Filter::All,
                Some("POTENTIAL") => Filter::Nothing,
                _ => return Err(wrong_value(test, "CONFIRMED or POTENTIAL")),
            }),
            Means::ScanStatus => Piece::Asset(match (&test.value, word.as_deref()) {
                (Value::Any, _) => Filter::test(Field::Scan, FilterOp::Eq, "not_scanned").negate(),
                (_, Some("SUCCESS")) => Filter::test(Field::Scan, FilterOp::Eq, "scanned"),
                (_, Some("FAILED")) => Filter::test(Field::Scan, FilterOp::Eq, "failed"),
                _ => return Err(wrong_value(test, "SUCCESS or FAILED")),
            }),
            Means::InUse => Piece::Mixed(self.in_use(test)?),
            Means::Null => Piece::Asset(Filter::Nothing),
        })
    }

    fn field(&self, written: As, field: Field, test: &Test) -> Result<Filter, CsError> {
        match written {
            As::Text => text(field, test),
            As::Digest => digest(field, test),
            As::Instant => ordered(field, test, "an instant", |text| {
                instant(text, self.estate.instant()).map(FilterValue::from)
            }),
            As::Number => {
                let number = |text: &str| text.trim().parse::<f64>().ok().map(FilterValue::from);
                ordered(field, test, "a number", number)
            }
            As::Severity => ordered(Field::Severity, test, "1 to 5", severity),
            As::Flag => match test.value.text().map(str::to_ascii_lowercase).as_deref() {
                Some("true") => Ok(Filter::test(field, FilterOp::Eq, true)),
                Some("false") => Ok(Filter::test(field, FilterOp::Eq, false)),
                _ => Err(wrong_value(test, "true or false")),
            },
        }
    }

    fn shown(
        &self,
        cells: fn(&Estate, &AssetRow) -> Vec<Cell>,
        sample: Cell,
        test: &Test,
    ) -> Result<Piece, CsError> {
        let now = self.estate.instant();
        passes(test, &sample, now)?;
        let (estate, test) = (self.estate.clone(), test.clone());
        Ok(Piece::Mixed(AssetFilter::Passes(Box::new(move |_, asset| {
            // The value was read above, so that it cannot fail here.
            cells(&estate, asset).iter().any(|cell| passes(&test, cell, now).unwrap_or(false))
        }))))
    }

    fn in_use(&self, test: &Test) -> Result<AssetFilter, CsError> {
        let wrong = || wrong_value(test, "a range of instants");
        let end = |text: &str, open| match text.is_empty() {
            true => Ok(open),
            false => instant(text, self.estate.instant()).ok_or_else(wrong),
        };
        match &test.value {
            Value::Any => Ok(AssetFilter::InUse(Millis::MIN, Millis::MAX)),
            Value::Range { low, high, inclusive } => {
                let inset = if *inclusive { 0 } else { 1 };
                let (low, high) = (end(low, Millis::MIN)?, end(high, Millis::MAX)?);
                Ok(AssetFilter::InUse(low.saturating_add(inset), high.saturating_sub(inset)))
            }
            _ => Err(wrong()),
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

fn digest(field: Field, test: &Test) -> Result<Filter, CsError> {
    let one = |text: &str| {
        let text = text.trim().to_ascii_lowercase();
        let bare = text.strip_prefix("sha256:").unwrap_or(&text);
        // An engine's id bears no algorithm.
        let full = if field == Field::Digest { format!("sha256:{bare}") } else { bare.to_owned() };
        Filter::test(field, FilterOp::Prefix, full)
    };
    match &test.value {
        Value::Any => Ok(Filter::test(field, FilterOp::Prefix, "")),
        Value::List(list) => Ok(Filter::Or(list.iter().map(|text| one(text)).collect())),
        value => value.text().map(one).ok_or_else(|| wrong_value(test, "a digest or an id")),
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

    fn compiled_for(subject: Subject, text: &str) -> String {
        format!("{:?}", compile(Some(text), subject, &Estate::empty(NOW)).unwrap())
    }

    fn compiled(text: &str) -> String {
        compiled_for(Subject::Image, text)
    }

    #[test]
    fn what_clients_send_compiles() {
        let sha = "a".repeat(64);
        assert_eq!(compiled(&format!("sha:{sha}")), format!("is(digest ^= \"sha256:{sha}\")"));
        assert_eq!(compiled("imageId:0123456789ab"), "is(digest ^= \"sha256:0123456789ab\")");
        assert_eq!(compiled("repo.repository:`shop/web`"), "is(repository = \"shop/web\")");
        assert_eq!(compiled("image.repo.tag:[v1, v2]"), "is(tag in (\"v1\", \"v2\"))");
        assert_eq!(compiled("vulnerabilities.severity:5"), "has(severity = critical)");
        assert_eq!(
            compiled("vulnerabilities.severity:[4 .. 5]"),
            "has(severity >= high and severity <= critical)"
        );
        assert_eq!(
            compiled("vulnerabilities.severity:3"),
            "has(severity = medium or severity = unknown)",
            "what nobody rated is shown as 3"
        );
        let jenkins = compiled(&format!("sha:{sha} and lastScanned: [now-300s ... now]"));
        assert!(jenkins.contains("scanned >= \"2027-01-15T07:55:00.000Z\""), "{jenkins}");
        let twice = "repo.registry%3A%22https%3A//reg.example%22";
        assert_eq!(compiled(twice), "is(registry ~ \"https://reg.example\")");
    }

    #[test]
    fn containers_are_asked_for_by_state_and_host() {
        assert_eq!(
            compiled_for(Subject::Container, "state:`RUNNING` and host.hostname:node"),
            "is(container_state = \"RUNNING\" and host ~ \"node\")"
        );
    }

    #[test]
    fn tests_of_findings_join_to_one_finding_until_a_not_stands_between() {
        assert_eq!(
            compiled("repo.tag:a AND vulnerabilities.severity:5 AND vulnerabilities.patchAvailable:true"),
            "and[is(tag ~ \"a\"), has(severity = critical and fixable)]"
        );
        assert_eq!(
            compiled("vulnerabilities.severity:5 AND NOT vulnerabilities.patchAvailable:true"),
            "and[has(severity = critical), not(has(fixable))]"
        );
        assert_eq!(
            compiled("NOT (vulnerabilities.severity:5 OR softwares.name:glass)"),
            "not(or[has(severity = critical), shows(package ~ \"glass\")])"
        );
        assert_eq!(
            compiled_for(Subject::Container, "image.imageId:0123456789ab AND container.repo.tag:v1"),
            "and[is(tag ~ \"v1\"), of image(is(digest ^= \"sha256:0123456789ab\"))]"
        );
    }

    #[test]
    fn unknown_tokens_and_values_are_named() {
        let error = |text: &str| {
            format!("{:?}", compile(Some(text), Subject::Container, &Estate::empty(NOW)).unwrap_err())
        };
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
