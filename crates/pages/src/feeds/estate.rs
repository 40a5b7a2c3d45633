//! What the estate needs of feeds: releases that none judges, ends of life, and their assets.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use parapet_model::{AssetNo, Coverage, Millis};
use parapet_service::feeds::EstateRelease;
use serde::Deserialize;

use super::HERE;
use crate::dates::{from_now, instant};
use crate::layout::Layout;
use crate::link::Link;
use crate::parts::Pager;
use crate::render::html;
use crate::state::Pages;
use crate::visitor::Visitor;
use crate::words::ForVisitor as _;
use crate::{PageResult, csv, filters};

/// Assets of a page.
const ROWS: usize = 50;

/// An ecosystem of the estate.
#[derive(Debug)]
pub(super) struct ReleaseRow {
    pub(super) name: String,
    pub(super) coverage: &'static str,
    pub(super) why: &'static str,
    pub(super) feeds: String,
    pub(super) assets: u64,
    pub(super) assets_link: Link,
    pub(super) ends: String,
    pub(super) ends_words: String,
    pub(super) ended: bool,
}

/// The ecosystems of the estate, those nobody judges first.
pub(super) async fn releases(state: &Pages, visitor: &Visitor) -> PageResult<Vec<ReleaseRow>> {
    let (app, who) = (state.app.clone(), visitor.principal().clone());
    let mut found = state.long_work(move || app.feeds().estate(&who)).await??;
    found.sort_by(|a, b| {
        let order =
            |row: &EstateRelease| (!row.judged.feeds.is_empty(), std::cmp::Reverse(row.judged.coverage));
        order(a).cmp(&order(b)).then(b.assets.cmp(&a.assets))
    });
    let now = state.app.now();
    Ok(found.into_iter().map(|release| row(release, now)).collect())
}

fn row(release: EstateRelease, now: Millis) -> ReleaseRow {
    let judged = release.judged;
    ReleaseRow {
        coverage: judged.coverage.as_str(),
        why: why(judged.coverage),
        feeds: judged.feeds.join(", "),
        assets: release.assets,
        assets_link: Link::to("/feeds/assets").with("ecosystem", judged.ecosystem.clone()),
        name: judged.ecosystem,
        // People announce the last day.
        ends: release
            .ends
            .map(|at| instant(at - 1).get(..10).unwrap_or_default().to_owned())
            .unwrap_or_default(),
        ends_words: release.ends.map(|at| from_now(at, now)).unwrap_or_default(),
        ended: release.ends.is_some_and(|at| now >= at),
    }
}

/// What a coverage word means for whoever reads a zero.
const fn why(coverage: Coverage) -> &'static str {
    match coverage {
        Coverage::Assessed => "A zero is a zero.",
        Coverage::StaleFeed => "What was published since the feed's date is missing.",
        Coverage::PartialFeed => "The feed does not hold all of its publisher's records.",
        Coverage::ReleaseEol => "Nobody publishes for it any more, but vulnerabilities go on being found.",
        Coverage::FixesOnly => "Its publisher lists what is fixed, not what is open.",
        Coverage::NoFeed => "Nothing judges it: load a feed for it.",
        Coverage::ForeignPackage => "Packages of another vendor, which no loaded feed speaks of.",
        Coverage::ReleaseUnknown => "The release is not known, so no feed fits.",
        _ => "Not everything of it is judged.",
    }
}

pub(super) fn download(rows: &[ReleaseRow]) -> Response {
    let rows: Vec<[String; 5]> = rows
        .iter()
        .map(|row| {
            let (name, assets) = (row.name.clone(), row.assets.to_string());
            [name, row.coverage.to_owned(), row.feeds.clone(), assets, row.ends.clone()]
        })
        .collect();
    let titles = &["ecosystem", "coverage", "feeds", "assets", "end_of_life"];
    csv::answer("estate", titles, move |table| rows.iter().try_for_each(|row| table.row(row)))
}

/// An asset in a list.
#[derive(Debug)]
struct AssetRow {
    link: Link,
    name: String,
    kind: &'static str,
    distro: String,
}

#[derive(Debug, Template)]
#[template(path = "feeds/assets.html")]
struct View {
    layout: Layout,
    ecosystem: String,
    assets: Vec<AssetRow>,
    pager: Pager,
    csv: Link,
}

/// The state of the list.
#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    #[serde(default)]
    ecosystem: String,
    #[serde(default)]
    offset: usize,
    #[serde(default)]
    format: String,
}

/// The assets that show packages of an ecosystem.
pub(crate) async fn assets(
    State(state): State<Pages>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(params): Query<Params>,
) -> PageResult {
    let (app, who, ecosystem) = (state.app.clone(), visitor.principal().clone(), params.ecosystem.clone());
    let found = state.turns.work(move || app.feeds().assets_showing(&who, &ecosystem));
    let (snapshot, numbers) = found.await.shown_to(&visitor)?.shown_to(&visitor)?;
    let scope = visitor.principal().scope();
    let row = move |snapshot: &parapet_posture::Snapshot, no: u32| {
        snapshot.asset(&scope, AssetNo(no)).map(|asset| AssetRow {
            link: Link::to("/assets").part(&asset.uuid.to_string()),
            name: asset.name.clone(),
            kind: asset.kind.as_str(),
            distro: asset.distro.clone(),
        })
    };
    if csv::wanted(&headers, &params.format) {
        return Ok(csv::answer("assets", &["asset", "kind", "distro"], move |table| {
            numbers
                .iter()
                .filter_map(|no| row(&snapshot, no))
                .try_for_each(|asset| table.row([asset.name.as_str(), asset.kind, &asset.distro]))
        }));
    }
    let total = usize::try_from(numbers.len()).unwrap_or(usize::MAX);
    let window = numbers.iter().skip(params.offset).take(ROWS);
    let assets: Vec<AssetRow> = window.filter_map(|no| row(&snapshot, no)).collect();
    let link = Link::to("/feeds/assets").with("ecosystem", params.ecosystem.clone());
    Ok(html(&View {
        layout: visitor.layout("Assets of an ecosystem", HERE),
        pager: Pager::new(&link, params.offset, ROWS, assets.len(), total),
        assets,
        csv: link.with("format", "csv"),
        ecosystem: params.ecosystem,
    }))
}
