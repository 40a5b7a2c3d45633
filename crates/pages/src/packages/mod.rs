//! `/packages/{purl}`: where is it, in which versions?

mod view;

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use parapet_model::facts::PackageRow;
use parapet_model::filter::{Field, Op};
use parapet_model::{AssetNo, Filter, MatchState, PackageNo, Scope, SetNo};
use parapet_posture::{AssetSet, PackageGroup, PackageOrder, PackageSummary, Snapshot, Window};
use parapet_service::packages::{Checked, CheckedPage, Seen, highest, packages_named};
use serde::Deserialize;
use view::{AdvisoryLine, Closed, PackagePage, Place, PlaceLine, VersionLine, WordLine};

use crate::dates::day;
use crate::link::{self, Link};
use crate::parts::{Pager, cut};
use crate::pinned::Held;
use crate::question::asked;
use crate::render::html;
use crate::state::Pages;
use crate::visitor::Visitor;
use crate::{PageError, PageResult, csv};

/// Assets on a page.
const ASSETS: usize = 50;
/// Versions that are looked at; more make the page say so.
const VERSIONS: usize = 120;
/// Advisories on a page.
const ADVISORIES: usize = 25;
/// Versions against which advisories are held.
const CHECKED: usize = 12;
/// Files named for one place.
const PATHS: usize = 3;
/// Vulnerabilities named that an advisory denies.
const DENIED: usize = 40;

/// The state of the page.
#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    /// Place in the list of assets.
    #[serde(default)]
    offset: usize,
    /// Place in the list of advisories.
    #[serde(default)]
    advisories: usize,
    /// Log position to stay at while paging.
    at: Option<u64>,
    #[serde(default)]
    format: String,
}

/// The page.
pub(crate) async fn page(
    State(state): State<Pages>,
    visitor: Visitor,
    Path(purl): Path<String>,
    headers: HeaderMap,
    Query(params): Query<Params>,
) -> PageResult {
    let held = state.of_lists(params.at);
    let file = csv::wanted(&headers, &params.format);
    let stamp = held.stamp(&visitor);
    if let Some(answer) = stamp.unchanged(&headers).filter(|_| !file) {
        return Ok(answer);
    }
    let failed = |error: parapet_service::Error| PageError::from(error).to(&visitor);
    let mut known: Vec<PackageRow> =
        packages_named(&held.view.snapshot, &purl).map_err(failed)?.into_iter().cloned().collect();
    if known.is_empty() {
        return Err(PageError::not_found("package of that name").to(&visitor));
    }
    let scope = visitor.principal().scope();
    if file {
        return Ok(Looking { held, scope, purl, known }.download());
    }
    let more_versions = known.len().saturating_sub(VERSIONS);
    known.truncate(VERSIONS);
    let looking = Looking { held, scope, purl, known };
    let (looking, found) = state
        .turns
        .work(move || {
            let found = looking.find(params.offset);
            (looking, found)
        })
        .await?;
    let packages = state.app.packages();
    let seen = packages.seen(visitor.principal(), &found.evidence).await.map_err(failed)?;
    let checked = packages
        .checked(visitor.principal(), &looking.checked(&found), params.advisories, ADVISORIES)
        .await
        .map_err(failed)?;
    Ok(stamp.on(html(&looking.fill(&visitor, &params, found, seen, checked, more_versions))))
}

/// One look at packages of one name.
struct Looking {
    held: Held,
    scope: Scope,
    purl: String,
    /// By ecosystem, then newest version first.
    known: Vec<PackageRow>,
}

/// Where an asset shows some of them.
type Shown = Vec<(PackageNo, SetNo, Place)>;

/// What posture knows of them.
struct Found {
    /// Assets by package.
    assets: BTreeMap<PackageNo, u64>,
    /// Findings by package.
    findings: BTreeMap<PackageNo, PackageSummary>,
    total: usize,
    places: Vec<(PlaceLine, Shown)>,
    evidence: BTreeSet<(SetNo, PackageNo)>,
}

impl Looking {
    /// The question for the findings of some package.
    fn question(&self, more: impl FnOnce(Filter) -> Filter) -> Filter {
        let name = self.known.first().map(|row| row.key.name.clone()).unwrap_or_default();
        let ecosystems: BTreeSet<&str> = self.known.iter().map(|row| row.key.ecosystem.as_str()).collect();
        let named = Filter::test(Field::Package, Op::Eq, name);
        let of = Filter::any_of(Field::Ecosystem, ecosystems.into_iter().map(str::to_owned));
        more(named.and(of))
    }

    fn snapshot(&self) -> &Snapshot {
        &self.held.view.snapshot
    }

    fn find(&self, offset: usize) -> Found {
        let snapshot = self.snapshot();
        let numbers: Vec<PackageNo> = self.known.iter().map(|row| row.no).collect();
        let all = snapshot.numbers_with_packages(&self.scope, &numbers);
        let assets = self
            .known
            .iter()
            .map(|row| (row.no, snapshot.numbers_with_packages(&self.scope, &[row.no]).len()));
        let filter = self.question(|question| question);
        let query = self.held.view.query(&self.scope, &filter);
        let list = snapshot.packages(&query, PackageGroup::Version, PackageOrder::Name, Window::ALL);
        let findings = list.rows.into_iter().filter_map(|row| Some((row.packages.first()?.0, row)));
        let mut found = Found {
            assets: assets.collect(),
            findings: findings.collect(),
            total: all.len() as usize,
            places: Vec::new(),
            evidence: BTreeSet::new(),
        };
        let shown: AssetSet = all.iter().skip(offset).take(ASSETS).collect();
        for (line, places) in shown.iter().filter_map(|no| self.places(AssetNo(no))) {
            found.evidence.extend(places.iter().map(|(package, set, _)| (*set, *package)));
            found.places.push((line, places));
        }
        found
    }

    /// Where an asset shows them.
    fn places(&self, no: AssetNo) -> Option<(PlaceLine, Shown)> {
        let snapshot = self.snapshot();
        let asset = snapshot.asset(&self.scope, no)?;
        let mut places = Vec::new();
        for shown in snapshot.packages_of(&self.scope, no).unwrap_or_default() {
            if !self.known.iter().any(|row| row.no == shown.package.no) {
                continue;
            }
            for showing in &shown.showings {
                let image = showing.image.and_then(|image| snapshot.asset(&self.scope, image));
                places.push((
                    shown.package.no,
                    showing.set,
                    Place {
                        version: shown.package.key.version.clone(),
                        ecosystem: shown.package.key.ecosystem.clone(),
                        layer: showing.layer.to_owned(),
                        image: image.map(|image| (link::asset(image.uuid), image.name.clone())),
                        since: day(showing.held.from),
                        database: String::new(),
                        paths: Vec::new(),
                        more_paths: 0,
                    },
                ));
            }
        }
        let line = PlaceLine {
            link: link::asset(asset.uuid),
            term: Filter::test(Field::AssetId, Op::Eq, asset.uuid.to_string()).to_string(),
            name: asset.name.clone(),
            kind: asset.kind.as_str(),
            places: Vec::new(),
        };
        Some((line, places))
    }

    /// Every place of every asset.
    fn download(self) -> Response {
        let titles = &["asset", "kind", "ecosystem", "version", "layer", "image", "since"];
        csv::answer("places", titles, move |table| {
            let numbers: Vec<PackageNo> = self.known.iter().map(|row| row.no).collect();
            let all = self.snapshot().numbers_with_packages(&self.scope, &numbers);
            all.iter().filter_map(|no| self.places(AssetNo(no))).try_for_each(|(line, places)| {
                places.into_iter().try_for_each(|(_, _, place)| {
                    let image = place.image.map(|(_, name)| name).unwrap_or_default();
                    let kind = line.kind.to_owned();
                    table.row([
                        line.name.clone(),
                        kind,
                        place.ecosystem,
                        place.version,
                        place.layer,
                        image,
                        place.since,
                    ])
                })
            })
        })
    }

    /// The packages against which advisories are held: those on most assets.
    fn checked(&self, found: &Found) -> Vec<PackageRow> {
        let assets = |row: &PackageRow| found.assets.get(&row.no).copied().unwrap_or_default();
        let mut rows: Vec<&PackageRow> = self.known.iter().collect();
        rows.sort_by_key(|row| std::cmp::Reverse(assets(row)));
        let mut seen = BTreeSet::new();
        rows.retain(|row| seen.insert((&row.key.ecosystem, &row.key.version)));
        rows.into_iter().take(CHECKED).cloned().collect()
    }

    fn fill(
        &self,
        visitor: &Visitor,
        params: &Params,
        found: Found,
        seen: BTreeMap<(SetNo, PackageNo), Vec<Seen>>,
        checked: CheckedPage,
        more_versions: usize,
    ) -> PackagePage {
        let here = Link::to("/packages").part(&self.purl);
        let name = self.known.first().map(|row| row.key.name.clone()).unwrap_or_default();
        let mut layout = visitor.layout(&name, "/findings");
        layout.data = Some(self.held.data(&here));
        let here = self.held.stay(here);
        let versions: Vec<VersionLine> = self.known.iter().map(|row| self.version(row, &found)).collect();
        let affected: u64 = found.findings.values().map(|row| row.findings).sum();
        let checked_versions = self.checked(&found).len();
        let shown = found.places.len();
        let places = found.places.into_iter().map(|(line, places)| {
            let places =
                places.into_iter().map(|(package, set, place)| with_files(place, seen.get(&(set, package))));
            PlaceLine { places: places.collect(), ..line }
        });
        let csv = here.clone().with("format", "csv");
        let assets_link = here.clone().with("advisories", text(params.advisories));
        let advisories_link = here.with("offset", text(params.offset));
        let more_advisories = params.advisories + checked.rows.len() < checked.total;
        PackagePage {
            layout,
            name,
            purl: self.purl.clone(),
            assets: found.total,
            affected,
            findings: asked(&Link::to("/findings"), &self.question(|question| question)),
            in_use: versions.iter().filter(|line| line.assets > 0).count(),
            versions,
            more_versions,
            places: places.collect(),
            csv,
            pager: Pager::new(&assets_link, params.offset, ASSETS, shown, found.total),
            denied: self.denied(),
            checked: checked.total,
            applying: checked.applying,
            checked_versions,
            advisories: checked.rows.iter().map(advisory).collect(),
            previous: (params.advisories > 0).then(|| {
                advisories_link.clone().with("advisories", text(params.advisories.saturating_sub(ADVISORIES)))
            }),
            next: more_advisories
                .then(|| advisories_link.clone().with("advisories", text(params.advisories + ADVISORIES))),
            first: params.advisories + 1,
        }
    }

    fn version(&self, row: &PackageRow, found: &Found) -> VersionLine {
        let key = &row.key;
        let of = found.findings.get(&row.no);
        let term = |question: Filter| question.and(Filter::test(Field::Version, Op::Eq, key.version.clone()));
        VersionLine {
            version: key.version.clone(),
            ecosystem: key.ecosystem.clone(),
            arch: key.arch.clone(),
            source: match key.source_name == key.name {
                true => String::new(),
                false => format!("{} {}", key.source_name, key.source_version),
            },
            assets: found.assets.get(&row.no).copied().unwrap_or_default(),
            coverage: self.snapshot().coverage_of_package(row.no).as_str(),
            severity: of.map(PackageSummary::severity),
            vulnerabilities: of.map_or(0, |of| of.vulnerabilities),
            kev: of.is_some_and(|of| of.kev > 0),
            fixed: of
                .and_then(|of| highest(&key.ecosystem, &of.fixed_versions))
                .unwrap_or_default()
                .to_owned(),
            findings: asked(&Link::to("/findings"), &self.question(term)),
        }
    }

    /// Vulnerabilities that a standing advisory says these packages do not have, with the versions.
    fn denied(&self) -> Vec<Closed> {
        let mut closed: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for row in &self.known {
            for vulnerability in self.snapshot().not_affected(row.no) {
                closed.entry(&vulnerability.id).or_default().insert(&row.key.version);
            }
        }
        let line = |(id, versions): (&str, BTreeSet<&str>)| Closed {
            link: link::vulnerability(id),
            id: id.to_owned(),
            versions: versions.into_iter().collect::<Vec<_>>().join(", "),
        };
        closed.into_iter().take(DENIED).map(line).collect()
    }
}

/// A number of the address; nothing for 0.
fn text(offset: usize) -> String {
    if offset == 0 { String::new() } else { offset.to_string() }
}

fn with_files(mut place: Place, seen: Option<&Vec<Seen>>) -> Place {
    let seen = seen.map_or(&[][..], Vec::as_slice);
    let mut databases: Vec<&str> = seen.iter().map(|seen| seen.database.as_str()).collect();
    databases.dedup();
    place.database = databases.join(", ");
    let paths: Vec<&String> = seen.iter().flat_map(|seen| &seen.paths).collect();
    place.more_paths = paths.len().saturating_sub(PATHS);
    place.paths = paths.into_iter().take(PATHS).cloned().collect();
    place
}

fn advisory(checked: &Checked) -> AdvisoryLine {
    let word = |word: &parapet_service::packages::Word| WordLine {
        version: word.version.clone(),
        ecosystem: word.ecosystem.clone(),
        applies: word.state.is_some_and(MatchState::is_positive),
        why: match word.state {
            _ if checked.withdrawn != 0 => "withdrawn by its publisher".to_owned(),
            Some(MatchState::NotAffected) => "the vendor says it is not affected".to_owned(),
            Some(state) => state.as_str().replace('_', " "),
            None => "the version is outside the range".to_owned(),
        },
        range: cut(&word.range, 120),
        fixed: word.fixed_version.clone(),
    };
    AdvisoryLine {
        id: checked.id.clone(),
        url: checked.url.clone(),
        summary: checked.summary.clone(),
        published: day(checked.published),
        applies: checked.applies(),
        vulnerabilities: checked
            .vulnerabilities
            .iter()
            .take(4)
            .map(|id| (link::vulnerability(id), id.clone()))
            .collect(),
        more_vulnerabilities: checked.vulnerabilities.len().saturating_sub(4),
        words: checked.words.iter().map(word).collect(),
    }
}
