//! `/findings`: which risks match this question?

mod view;

use std::sync::Arc;

use crate::layout::DataState;
use crate::link::Link;
use crate::parts::{Choice, Empty, Facet, FacetValue, Pager};
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use parapet_model::filter::{Field, Op};
use parapet_model::time::format_rfc3339;
use parapet_model::{AssetNo, Coverage, Filter, Millis, Permission, Severity};
use parapet_posture::{
    AssetOrder, AssetSummary, Counts, Query as Asked, Snapshot, VulnerabilityOrder, VulnerabilitySummary,
    Window,
};
use serde::Deserialize;
use view::{AssetLine, Findings, Rows, Totals, VulnerabilityLine};

use crate::csv;
use crate::question::{Question, asked, parts};
use crate::render::{Stamp, html};
use crate::state::Pages;
use crate::visitor::Visitor;
use crate::{PageError, PageResult};

/// Rows of a page.
const ROWS: usize = 50;

/// The state of the page.
#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    /// The question.
    #[serde(rename = "where", default)]
    where_: String,
    /// The last question that could be read; comes with the search box only.
    good: Option<String>,
    #[serde(default)]
    group: Group,
    #[serde(default)]
    order: Order,
    #[serde(default)]
    offset: usize,
    /// Log position to stay at while paging.
    at: Option<u64>,
    /// `csv` for all rows as a file.
    #[serde(default)]
    format: String,
}

/// What the rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Group {
    #[default]
    Vulnerability,
    Asset,
}

impl Group {
    const ALL: [(Self, &str, &str); 2] =
        [(Self::Vulnerability, "", "vulnerability"), (Self::Asset, "asset", "asset")];
}

/// In which order they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Order {
    #[default]
    Risk,
    Severity,
    Assets,
    New,
}

impl Order {
    const ALL: [(Self, &str, &str); 4] = [
        (Self::Risk, "", "risk"),
        (Self::Severity, "severity", "severity"),
        (Self::Assets, "assets", "most assets"),
        (Self::New, "new", "newest"),
    ];

    fn of_posture(self) -> VulnerabilityOrder {
        match self {
            Self::Risk => VulnerabilityOrder::Risk,
            Self::Severity => VulnerabilityOrder::Severity,
            Self::Assets => VulnerabilityOrder::Assets,
            Self::New => VulnerabilityOrder::FirstFound,
        }
    }
}

impl Params {
    /// The page with what is chosen, but for the question and the place in the list.
    fn link(&self) -> Link {
        let word =
            |all: &[(&str, bool)]| all.iter().find(|(_, is)| *is).map_or("", |(word, _)| *word).to_owned();
        let group = Group::ALL.map(|(group, word, _)| (word, group == self.group));
        let order = Order::ALL.map(|(order, word, _)| (word, order == self.order));
        Link::to("/findings").with("where", "").with("group", word(&group)).with("order", word(&order))
    }
}

/// The page.
pub(crate) async fn list(
    State(state): State<Pages>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(params): Query<Params>,
) -> PageResult {
    let question = Question::read(&params.where_, params.good.as_deref().unwrap_or_default());
    let link = params.link();
    if params.good.is_some() && question.error.is_none() {
        return Ok(Redirect::to(&asked(&link, &question.filter).to_string()).into_response());
    }
    let live = state.app.live().snapshot();
    let snapshot = params.at.and_then(|seq| state.pinned.at(seq)).unwrap_or_else(|| Arc::clone(&live));
    let now = state.app.now();
    if csv::wanted(&headers, &params.format) {
        return Ok(download(snapshot, visitor, &params, question, now));
    }
    let stamp = Stamp::new(&visitor, live.seq(), snapshot.valid_until(now));
    if let Some(answer) = stamp.unchanged(&headers) {
        return Ok(answer);
    }
    state.pinned.keep(&snapshot);
    let newer = live.seq() - snapshot.seq();
    let page = state.turns.work(move || page(&snapshot, &visitor, &params, &question, now, newer)).await??;
    Ok(stamp.on(html(&page)))
}

/// All rows as CSV.
fn download(
    snapshot: Arc<Snapshot>,
    visitor: Visitor,
    params: &Params,
    question: Question,
    now: Millis,
) -> Response {
    let scope = visitor.principal().scope();
    let order = params.order.of_posture();
    match params.group {
        Group::Vulnerability => csv::answer("vulnerabilities", VULNERABILITY_TITLES, move |table| {
            let list =
                snapshot.vulnerabilities(&Asked::new(&scope, &question.filter, now), order, Window::ALL);
            list.rows.iter().try_for_each(|row| table.row(vulnerability_cells(row)))
        }),
        Group::Asset => csv::answer("assets", ASSET_TITLES, move |table| {
            let query = Asked::new(&scope, &question.filter, now);
            let mut numbers = snapshot.asset_numbers(&query).into_iter().map(AssetNo);
            numbers.try_for_each(|no| {
                snapshot.asset_summary(&query, no).map_or(Ok(()), |row| table.row(asset_cells(&row)))
            })
        }),
    }
}

const VULNERABILITY_TITLES: &[&str] = &[
    "vulnerability",
    "title",
    "severity",
    "known_exploited",
    "epss",
    "cvss",
    "assets",
    "findings",
    "fixable",
    "excepted",
    "first_found",
];

fn vulnerability_cells(row: &VulnerabilitySummary<'_>) -> [String; 11] {
    let vulnerability = row.vulnerability;
    let known = |number: f64| if number >= 0.0 { number.to_string() } else { String::new() };
    [
        vulnerability.id.clone(),
        vulnerability.title.clone(),
        row.severity.as_str().to_owned(),
        (vulnerability.kev_added != 0).to_string(),
        known(vulnerability.epss),
        known(vulnerability.cvss_score),
        row.assets.to_string(),
        row.findings.to_string(),
        row.fixable.to_string(),
        row.excepted.to_string(),
        format_rfc3339(row.first_found),
    ]
}

const ASSET_TITLES: &[&str] = &[
    "asset",
    "asset_id",
    "kind",
    "distro",
    "coverage",
    "critical",
    "high",
    "medium",
    "low",
    "none",
    "unknown",
    "fixable",
    "excepted",
    "last_observed",
];

fn asset_cells(row: &AssetSummary<'_>) -> [String; 14] {
    let asset = row.asset;
    let [critical, high, medium, low, none, unknown] =
        Severity::WORST_FIRST.map(|band| row.counts.severity(band).vulnerabilities.to_string());
    [
        asset.name.clone(),
        asset.uuid.to_string(),
        asset.kind.as_str().to_owned(),
        asset.distro.clone(),
        row.coverage.as_str().to_owned(),
        critical,
        high,
        medium,
        low,
        none,
        unknown,
        row.counts.fixable.to_string(),
        row.counts.excepted.to_string(),
        format_rfc3339(asset.observed),
    ]
}

fn page(
    snapshot: &Snapshot,
    visitor: &Visitor,
    params: &Params,
    question: &Question,
    now: Millis,
    newer: u64,
) -> Result<Findings, PageError> {
    let scope = visitor.principal().scope();
    let query = Asked::new(&scope, &question.filter, now);
    let link = params.link();
    let here = asked(&link, &question.filter);
    let counts = snapshot.count(&query);
    let window = Window { offset: params.offset, limit: ROWS };
    let (rows, shown, total) = match params.group {
        Group::Vulnerability => {
            let list = snapshot.vulnerabilities(&query, params.order.of_posture(), window);
            let lines: Vec<_> =
                list.rows.iter().map(|row| vulnerability_line(row, question, &link)).collect();
            let shown = lines.len();
            (Rows::Vulnerabilities(lines), shown, list.total)
        }
        Group::Asset => {
            let list = snapshot.assets(&query, AssetOrder::Risk, window);
            let lines: Vec<_> = list.rows.iter().map(|row| asset_line(row, question)).collect();
            let shown = lines.len();
            (Rows::Assets(lines), shown, list.total)
        }
    };
    let mut layout = visitor.layout("Findings", "/findings");
    layout.question = question.typed.clone();
    layout.good = question.text.clone();
    layout.data =
        Some(DataState { of: format_rfc3339(snapshot.recorded()), newer, refresh: here.to_string() });
    let paged = here.clone().with("at", snapshot.seq().to_string());
    let may = |permission| visitor.principal().may(permission);
    Ok(Findings {
        layout,
        error: question.error.clone(),
        terms: question.terms(&link),
        facets: facets(question, &link, &counts),
        totals: totals(&counts),
        groups: choices(&Group::ALL, params.group, "group", &here.clone().with("order", "")),
        orders: match params.group {
            Group::Vulnerability => choices(&Order::ALL, params.order, "order", &here),
            Group::Asset => Vec::new(),
        },
        rows,
        pager: Pager::new(&paged, params.offset, ROWS, shown, total),
        empty: (total == 0).then(|| why_empty(snapshot, visitor, question, &link, now)),
        csv: here.clone().with("format", "csv"),
        export: may(Permission::ExportsCreate)
            .then(|| Link::to("/exports/new").with("where", question.text.clone())),
        except: may(Permission::ExceptionsRequest)
            .then(|| Link::to("/exceptions/new").with("where", question.text.clone())),
    })
}

fn choices<T: Copy + PartialEq>(
    all: &[(T, &str, &'static str)],
    chosen: T,
    name: &'static str,
    link: &Link,
) -> Vec<Choice> {
    let choice = |(value, word, shown): &(T, &str, &'static str)| Choice {
        name: shown,
        chosen: *value == chosen,
        link: link.clone().with(name, *word),
    };
    all.iter().map(choice).collect()
}

fn totals(counts: &Counts) -> Totals {
    Totals {
        findings: counts.findings,
        vulnerabilities: counts.vulnerabilities,
        assets: counts.assets,
        fixable: counts.fixable,
        kev: counts.kev,
        excepted: counts.excepted,
    }
}

/// What narrows the question, with counts within it.
fn facets(question: &Question, link: &Link, counts: &Counts) -> Vec<Facet> {
    let value = |name: &str, count: Option<u64>, term: Filter| {
        let (link, chosen) = question.toggled(link, term);
        FacetValue { name: name.to_owned(), count, chosen, link }
    };
    let yes = |field| Filter::test(field, Op::Eq, true);
    let shown = |value: &FacetValue| value.chosen || value.count != Some(0);
    let severities = Severity::WORST_FIRST.into_iter().map(|band| {
        let term = Filter::test(Field::Severity, Op::Eq, band);
        value(band.as_str(), Some(counts.severity(band).findings), term)
    });
    let standing = [
        value("fixable", Some(counts.fixable), yes(Field::Fixable)),
        value("known exploited", Some(counts.kev), yes(Field::Kev)),
        value("excepted", Some(counts.excepted), yes(Field::Excepted)),
        value("not excepted", Some(counts.findings - counts.excepted), yes(Field::Excepted).negate()),
    ];
    let kinds = ["image", "container", "host"];
    let running = Filter::test(Field::ContainerState, Op::Eq, "RUNNING".to_owned());
    let kinds = kinds.map(|kind| value(kind, None, Filter::test(Field::Kind, Op::Eq, kind.to_owned())));
    vec![
        Facet { name: "Severity", values: severities.filter(shown).collect() },
        Facet { name: "Standing", values: standing.into_iter().filter(shown).collect() },
        Facet {
            name: "Assets",
            values: kinds.into_iter().chain([value("running containers", None, running)]).collect(),
        },
    ]
}

fn vulnerability_line(row: &VulnerabilitySummary<'_>, question: &Question, link: &Link) -> VulnerabilityLine {
    let vulnerability = row.vulnerability;
    let findings =
        question.of(link, Field::Vulnerability, &vulnerability.id).with("group", "asset").with("order", "");
    VulnerabilityLine {
        link: Link::to("/vulnerabilities").part(&vulnerability.id),
        findings_link: findings,
        id: vulnerability.id.clone(),
        title: vulnerability.title.clone(),
        severity: row.severity,
        kev: vulnerability.kev_added != 0,
        epss: if vulnerability.epss >= 0.0 {
            format!("{:.1} %", vulnerability.epss * 100.0)
        } else {
            String::new()
        },
        cvss: if vulnerability.cvss_score >= 0.0 {
            format!("{:.1}", vulnerability.cvss_score)
        } else {
            String::new()
        },
        assets: row.assets,
        findings: row.findings,
        fixable: row.fixable,
        excepted: row.excepted,
        since: day(row.first_found),
    }
}

fn asset_line(row: &AssetSummary<'_>, question: &Question) -> AssetLine {
    let asset = row.asset;
    let page = Link::to("/assets").part(&asset.uuid.to_string());
    let bands = Severity::WORST_FIRST.map(|band| (band, row.counts.severity(band).vulnerabilities));
    AssetLine {
        findings_link: asked(&page, &question.filter),
        link: page,
        name: asset.name.clone(),
        kind: asset.kind.as_str(),
        distro: asset.distro.clone(),
        coverage: row.coverage.as_str(),
        bands: bands.into_iter().filter(|(_, count)| *count > 0).collect(),
        fixable: row.counts.fixable,
        excepted: row.counts.excepted,
        observed: day(asset.observed),
    }
}

/// The day of an instant in UTC, or nothing.
fn day(at: Millis) -> String {
    if at == 0 { String::new() } else { format_rfc3339(at).get(..10).unwrap_or_default().to_owned() }
}

/// Why a question finds nothing, in the order in which a person would ask.
fn why_empty(snapshot: &Snapshot, visitor: &Visitor, question: &Question, link: &Link, now: Millis) -> Empty {
    /// More terms are not tried one by one.
    const TRIED: usize = 8;
    let scope = visitor.principal().scope();
    let ask = |filter: &Filter| snapshot.asset_numbers(&Asked::new(&scope, filter, now)).len();
    let assets = Filter::any_of(Field::Kind, ["image", "container", "host"].map(str::to_owned));
    if ask(&assets) == 0 {
        return Empty::NothingScanned { may_begin: visitor.principal().may(Permission::AssetsWrite) };
    }
    let terms = parts(&question.filter);
    if terms.is_empty() {
        let words = snapshot.coverage(&scope);
        let not_assessed =
            words.iter().filter(|(word, _)| **word != Coverage::Assessed).map(|(_, n)| n).sum();
        if not_assessed > 0 {
            let term = Filter::test(Field::Coverage, Op::Eq, Coverage::Assessed.as_str().to_owned()).negate();
            return Empty::NotAssessed { assets: asked(&Link::to("/assets"), &term), count: not_assessed };
        }
        return Empty::Clean { feeds: format!("State of {}.", format_rfc3339(snapshot.recorded())) };
    }
    let all = question.terms(link);
    let dead = terms.into_iter().zip(all).take(TRIED).filter(|(part, _)| ask(part) == 0);
    Empty::NothingMatches(dead.map(|(_, term)| term).collect())
}
