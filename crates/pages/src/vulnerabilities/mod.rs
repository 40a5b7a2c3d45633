//! `/vulnerabilities/{id}`: who has it, since when, what do I do?

mod exposure;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect};
use parapet_model::filter::{Field, Op};
use parapet_model::vulnerability::Vulnerability;
use parapet_model::{AdvisoryNo, Filter, MatchState, Permission, Scope};
use parapet_posture::{
    AssetSet, PackageGroup, PackageOrder, PackageSummary, Query as Asked, Snapshot, Window,
};
use parapet_service::packages::{compare, highest};
use parapet_service::sources::{Source, Sources};
use serde::Deserialize;
use view::{Affected, EntryLine, Fix, SourceCard, Verdict, VulnerabilityPage};

use crate::dates::day;
use crate::link::{self, Link};
use crate::parts::{Pager, cut, percent, score};
use crate::pinned::Held;
use crate::question::asked;
use crate::render::html;
use crate::state::Pages;
use crate::visitor::Visitor;
use crate::{PageError, PageResult};

/// Assets on a page.
const ASSETS: usize = 25;
/// Rows of fixes.
const FIXES: usize = 40;
/// Sources with all their words; the others are named.
const SOURCES: usize = 14;
/// Entries of a source that are shown; those of the visitor's ecosystems first.
const ENTRIES: usize = 6;
/// Characters of an advisory's text.
const DETAILS: usize = 600;
/// Installed versions that are named in a row.
const VERSIONS: usize = 4;
/// With more affected assets the exposure comes after the page, and in estates with more assets of any kind: it
/// looks at each.
const LARGE: u64 = 500;
const LARGE_ESTATE: u64 = 20_000;

/// The state of the page.
#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    #[serde(default)]
    offset: usize,
    /// Log position to stay at while paging.
    at: Option<u64>,
    /// `exposure` for the part that a page about many assets leaves out.
    #[serde(default)]
    part: String,
}

/// The page.
pub(crate) async fn page(
    State(state): State<Pages>,
    visitor: Visitor,
    Path(id): Path<String>,
    headers: HeaderMap,
    Query(params): Query<Params>,
) -> PageResult {
    let held = state.of_lists(params.at);
    let stamp = held.stamp(&visitor);
    let failed = |error: parapet_service::Error| PageError::from(error).to(&visitor);
    let found = state.app.findings().vulnerability(visitor.principal(), id.trim()).await.map_err(failed)?;
    let Some(vulnerability) = found else {
        return Err(PageError::not_found("vulnerability of that id").to(&visitor));
    };
    if vulnerability.id != id {
        return Ok(Redirect::to(&link::vulnerability(&vulnerability.id).to_string()).into_response());
    }
    if let Some(answer) = stamp.unchanged(&headers) {
        return Ok(answer);
    }
    let sources =
        state.app.findings().sources(visitor.principal(), vulnerability.no).await.map_err(failed)?;
    let page = state.turns.work(move || {
        let filter = Filter::test(Field::Vulnerability, Op::Eq, vulnerability.id.clone());
        let scope = visitor.principal().scope();
        let looking = Looking { held, visitor, scope, filter, vulnerability };
        looking.page(&params, sources)
    });
    Ok(stamp.on(html(&page.await?)))
}

/// One look at one vulnerability.
struct Looking {
    held: Held,
    visitor: Visitor,
    scope: Scope,
    filter: Filter,
    vulnerability: Vulnerability,
}

impl Looking {
    fn page(&self, params: &Params, sources: Sources) -> VulnerabilityPage {
        let (snapshot, v) = (self.snapshot(), &self.vulnerability);
        let here = link::vulnerability(&v.id);
        let paged = self.held.stay(here.clone());
        let query = self.held.view.query(&self.scope, &self.filter);
        let numbers = snapshot.asset_numbers(&query);
        let rows = snapshot.packages(&query, PackageGroup::Name, PackageOrder::Assets, Window::ALL).rows;
        let is_large = numbers.len() > LARGE || snapshot.assets_held() > LARGE_ESTATE;
        let exposure_later =
            (is_large && params.part != "exposure").then(|| paged.clone().with("part", "exposure"));
        let exposure = exposure_later
            .is_none()
            .then(|| exposure::last_days(snapshot, &self.scope, v.no, self.held.view.now));
        let affected = self.affected(&query, &numbers, params.offset);
        let shown = numbers.len().saturating_sub(params.offset as u64).min(ASSETS as u64) as usize;
        let mut layout = self.visitor.layout(&v.id, "/findings");
        layout.data = Some(self.held.data(&here));
        let findings = asked(&Link::to("/findings"), &self.filter);
        let may = |permission| self.visitor.may(permission);
        let said = self.said(&rows);
        let ecosystems: BTreeSet<String> = rows.iter().map(|row| row.ecosystem.clone()).collect();
        VulnerabilityPage {
            layout,
            id: v.id.clone(),
            title: v.title.clone(),
            aliases: v.aliases.clone(),
            severity: rows.iter().map(PackageSummary::severity).max().unwrap_or(v.severity),
            verdict: self.verdict(&numbers),
            band: v.severity,
            cvss: score(v.cvss_score),
            vector: v.cvss_vector.clone(),
            epss: percent(v.epss),
            epss_rank: sources.epss.as_ref().map(|epss| percent(epss.percentile)).unwrap_or_default(),
            kev_added: day(v.kev_added),
            kev_due: sources.kev.as_ref().map(|kev| day(kev.due)).unwrap_or_default(),
            ransomware: sources.kev.as_ref().is_some_and(|kev| kev.ransomware),
            published: day(v.published),
            more_fixes: rows.len().saturating_sub(FIXES),
            fixes: rows.iter().take(FIXES).map(|row| self.fix(row)).collect(),
            exposure_part: params.part == "exposure",
            exposure,
            exposure_later,
            affected,
            pager: Pager::new(&paged, params.offset, ASSETS, shown, numbers.len() as usize),
            more_sources: sources.records.iter().skip(SOURCES).map(|source| source.id.clone()).collect(),
            sources: sources.records.iter().take(SOURCES).map(|s| card(s, &said, &ecosystems)).collect(),
            except: (may(Permission::ExceptionsRequest) && !numbers.is_empty())
                .then(|| asked(&Link::to("/exceptions/new"), &self.filter)),
            csv: self.held.stay(findings.clone()).with("group", "asset").with("format", "csv"),
            findings,
        }
    }

    fn snapshot(&self) -> &Snapshot {
        &self.held.view.snapshot
    }

    fn count(&self, more: Filter) -> u64 {
        let filter = self.filter.clone().and(more);
        self.snapshot().asset_numbers(&self.held.view.query(&self.scope, &filter)).len()
    }

    fn verdict(&self, numbers: &AssetSet) -> Verdict {
        let is = |field, value: &str| Filter::test(field, Op::Eq, value.to_owned());
        let yes = |field| Filter::test(field, Op::Eq, true);
        let coverage = self.snapshot().coverage(&self.scope);
        Verdict {
            assets: numbers.len(),
            images: self.count(is(Field::Kind, "image")),
            containers: self.count(is(Field::Kind, "container")),
            running: self.count(is(Field::Kind, "container").and(is(Field::ContainerState, "RUNNING"))),
            hosts: self.count(is(Field::Kind, "host")),
            fixable: self.count(yes(Field::Fixable)),
            excepted: self.count(yes(Field::Excepted)),
            not_assessed: coverage
                .iter()
                .filter(|(word, _)| **word != parapet_model::Coverage::Assessed)
                .map(|(_, count)| count)
                .sum(),
        }
    }

    fn fix(&self, row: &PackageSummary) -> Fix {
        let known = row.packages.iter().filter_map(|(no, n)| Some((self.snapshot().package(*no)?, *n)));
        let mut by_version: BTreeMap<&str, u64> = BTreeMap::new();
        let mut link = Link::to("/findings");
        for (package, assets) in known {
            *by_version.entry(&package.key.version).or_default() += assets;
            link = link::package(&package.key);
        }
        let mut versions: Vec<(&str, u64)> = by_version.into_iter().collect();
        versions.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| compare(&row.ecosystem, b.0, a.0)));
        let states = MatchState::ALL.into_iter().filter(|state| row.by_state[*state as usize] > 0);
        Fix {
            link,
            name: row.name.clone(),
            ecosystem: row.ecosystem.clone(),
            more_versions: versions.len().saturating_sub(VERSIONS),
            versions: versions.into_iter().take(VERSIONS).map(|(version, _)| version.to_owned()).collect(),
            states: states.map(|state| state.as_str().replace('_', " ")).collect::<Vec<_>>().join(", "),
            fixed: highest(&row.ecosystem, &row.fixed_versions).unwrap_or_default().to_owned(),
            assets: row.assets,
        }
    }

    /// The findings of some of the affected assets.
    fn affected(&self, query: &Asked<'_>, numbers: &AssetSet, offset: usize) -> Vec<Affected> {
        let within: AssetSet = numbers.iter().skip(offset).take(ASSETS).collect();
        let query = Asked { within: Some(&within), ..*query };
        let mut lines = Vec::new();
        let _ = self.snapshot().findings_of(&query, &[self.vulnerability.no], |row| {
            let key = &row.package.key;
            lines.push(Affected {
                link: link::asset(row.asset.uuid),
                explain: link::explain(row.asset.uuid, &row.vulnerability.id, key),
                package_link: link::package(key),
                term: Filter::test(Field::AssetId, Op::Eq, row.asset.uuid.to_string()).to_string(),
                name: row.asset.name.clone(),
                kind: row.asset.kind.as_str(),
                state: match row.asset.kind {
                    parapet_model::AssetKind::Container => {
                        row.asset.container_state().as_str().to_lowercase()
                    }
                    _ => String::new(),
                },
                package: format!("{} {}", key.name, key.version),
                severity: row.verdict.severity,
                says: row.verdict.state.as_str(),
                fixed: row.verdict.fixed_version.clone(),
                since: day(row.first_found),
                exception: row
                    .exception
                    .map(|exception| (exception.title.clone(), self.visitor.exception(exception))),
            });
            ControlFlow::Continue(())
        });
        lines
    }

    /// What each advisory says of the packages that are there.
    fn said(&self, rows: &[PackageSummary]) -> BTreeMap<AdvisoryNo, BTreeSet<MatchState>> {
        let mut said: BTreeMap<AdvisoryNo, BTreeSet<MatchState>> = BTreeMap::new();
        for (no, _) in rows.iter().flat_map(|row| &row.packages) {
            let of_it = self.snapshot().matches_of(*no).iter().filter(|row| row.held.is_open());
            for row in of_it {
                let canonical = self.snapshot().canonical(row.vulnerability).map(|v| v.no);
                if canonical == Some(self.vulnerability.no) {
                    said.entry(row.advisory).or_default().insert(row.state);
                }
            }
        }
        said
    }
}

fn card(
    source: &Source,
    said: &BTreeMap<AdvisoryNo, BTreeSet<MatchState>>,
    ecosystems: &BTreeSet<String>,
) -> SourceCard {
    let mut entries: Vec<_> = source.entries.iter().collect();
    entries.sort_by_key(|entry| !ecosystems.contains(&entry.ecosystem));
    let says = said.get(&source.no).into_iter().flatten();
    SourceCard {
        id: source.id.clone(),
        source: source.source.clone(),
        feeds: source.feeds.join(", "),
        severity: source.severity,
        cvss: source.cvss.clone(),
        summary: cut(&source.summary, DETAILS),
        details: cut(&source.details, DETAILS),
        url: source.url.clone(),
        published: day(source.published),
        modified: day(source.modified),
        withdrawn: day(source.withdrawn),
        says: says.map(|state| state.as_str().replace('_', " ")).collect::<Vec<_>>().join(", "),
        more_entries: entries.len().saturating_sub(ENTRIES) + source.more,
        entries: entries
            .into_iter()
            .take(ENTRIES)
            .map(|entry| EntryLine {
                ecosystem: entry.ecosystem.clone(),
                name: entry.name.clone(),
                range: cut(&entry.range, 160),
                state: entry.state.clone(),
            })
            .collect(),
    }
}
