//! `/feeds`: may I trust today's zero?

mod estate;
mod feed;

use askama::Template;
use axum::extract::{FromRef, Query, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use parapet_model::{Millis, Permission};
use parapet_service::feeds::{FeedCheck, FeedStatus, ImportReport, Limits};
use parapet_store::feeds::FeedState;
use serde::Deserialize;

use crate::dates::{from_now, instant, span};
use crate::layout::Layout;
use crate::link::Link;
use crate::render::html;
use crate::sources::run_link;
use crate::state::Pages;
use crate::visitor::{Form, Visitor};
use crate::words::{ForVisitor as _, see};
use crate::{Access, P, Page, PageResult, csv, filters, page};
use estate::ReleaseRow;

/// The address of this part.
const HERE: &str = "/feeds";
/// Ecosystems named in the list; a feed's own page has all.
const NAMED: usize = 3;

/// Its pages.
pub(crate) fn routes<S>() -> Vec<Page<S>>
where
    S: Clone + Send + Sync + 'static,
    Pages: FromRef<S>,
{
    let (get, post, right) = (Method::GET, Method::POST, Access::Right);
    vec![
        page(get.clone(), HERE, right(P::FeedsRead), list),
        page(post.clone(), "/feeds/sync", right(P::FeedsWrite), sync),
        page(get.clone(), "/feeds/assets", right(P::FindingsRead), estate::assets),
        page(get, "/feeds/of/{name}", right(P::FeedsRead), feed::show),
        page(post.clone(), "/feeds/of/{name}/accept", right(P::FeedsWrite), feed::accept),
        page(post.clone(), "/feeds/of/{name}/reject", right(P::FeedsWrite), feed::reject),
        page(post, "/feeds/of/{name}/rollback", right(P::FeedsWrite), feed::rollback),
    ]
}

/// The page of a feed. Below a part of its own, because a feed may have any name.
pub(crate) fn feed_link(name: &str) -> Link {
    Link::to("/feeds/of").part(name)
}

/// A feed as it is shown.
#[derive(Debug)]
struct FeedRow {
    link: Link,
    name: String,
    format: String,
    ecosystems: String,
    date: String,
    age: String,
    /// `fresh`, `stale`, `partial`, `starter set` or `empty`.
    word: &'static str,
    records: u64,
    /// How many the publisher says there are; 0 when it does not.
    of: u64,
    checked: String,
    checked_ago: String,
    /// What the last import changed: when, matches opened and closed.
    delta: Option<(String, u64, u64)>,
    error: String,
    held: bool,
}

/// An import that waits for a decision.
#[derive(Debug)]
struct Held {
    link: Link,
    name: String,
    why: String,
    report: ImportReport,
}

#[derive(Debug, Template)]
#[template(path = "feeds/list.html")]
struct View {
    layout: Layout,
    feeds: Vec<FeedRow>,
    /// Feeds that are not fresh.
    doubtful: usize,
    held: Vec<Held>,
    estate: Option<Vec<ReleaseRow>>,
    without: usize,
    ended: usize,
    estate_link: Link,
    estate_csv: Link,
    csv: Link,
    may_decide: bool,
    sees_assets: bool,
    stale_after: String,
}

/// The state of the page.
#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    /// `estate` for the part that takes longer.
    #[serde(default)]
    part: String,
    #[serde(default)]
    format: String,
    #[serde(default)]
    done: String,
}

/// The page.
pub(crate) async fn list(
    State(state): State<Pages>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(params): Query<Params>,
) -> PageResult {
    let (feeds, who) = (state.app.feeds(), visitor.principal());
    let file = csv::wanted(&headers, &params.format);
    let releases = match params.part == "estate" {
        true => Some(estate::releases(&state, &visitor).await.shown_to(&visitor)?),
        false => None,
    };
    if let Some(releases) = releases.as_ref().filter(|_| file) {
        return Ok(estate::download(releases));
    }
    let status = feeds.status(who).await.shown_to(&visitor)?;
    let checks = feeds.checks(who).await.shown_to(&visitor)?;
    let (now, stale_after) = (state.app.now(), feeds.stale_after());
    let rows = status.iter().map(|one| row(one, checks.get(&one.feed.name), now, stale_after));
    let rows: Vec<FeedRow> = rows.collect();
    if file {
        return Ok(download(rows));
    }
    let held = status.into_iter().filter_map(|one| held_of(&one));
    let mut layout = visitor.layout("Feeds", HERE);
    layout.done = done(&params.done).to_owned();
    let link = Link::to(HERE);
    let count = |test: fn(&ReleaseRow) -> bool| releases.iter().flatten().filter(|row| test(row)).count();
    Ok(html(&View {
        layout,
        doubtful: rows.iter().filter(|row| row.word != "fresh").count(),
        feeds: rows,
        held: held.collect(),
        without: count(|row| row.feeds.is_empty()),
        ended: count(|row| row.ended),
        estate: releases,
        estate_link: link.clone().with("part", "estate"),
        estate_csv: link.clone().with("part", "estate").with("format", "csv"),
        csv: link.with("format", "csv"),
        may_decide: visitor.may(Permission::FeedsWrite),
        sees_assets: visitor.may(Permission::FindingsRead),
        stale_after: span(stale_after),
    }))
}

/// What was done just now, in a sentence.
fn done(word: &str) -> &'static str {
    match word {
        "rejected" => "The held import is rejected. Nothing of it is in.",
        "rolled_back" => "The feed says again what it said before its last import.",
        "accepting" => "The held import is being stored.",
        "syncing" => "The feeds are being brought up to date.",
        _ => "",
    }
}

fn held_of(status: &FeedStatus) -> Option<Held> {
    let report = status.held.clone()?;
    Some(Held {
        link: feed_link(&status.feed.name),
        name: status.feed.name.clone(),
        why: report.failures.first().cloned().unwrap_or_default(),
        report,
    })
}

fn row(status: &FeedStatus, check: Option<&FeedCheck>, now: Millis, stale_after: Millis) -> FeedRow {
    let feed = &status.feed;
    let word = if feed.updated == 0 {
        "empty"
    } else if feed.starter {
        "starter set"
    } else if feed.data_date == 0 || now.saturating_sub(feed.data_date) > stale_after {
        "stale"
    } else if feed.publisher_total > feed.records {
        "partial"
    } else {
        "fresh"
    };
    let named: Vec<&str> = feed.ecosystems.iter().take(NAMED).map(|(name, _)| name.as_str()).collect();
    let more = feed.ecosystems.len().saturating_sub(NAMED);
    let ecosystems =
        if more > 0 { format!("{} and {more} more", named.join(", ")) } else { named.join(", ") };
    // An import is a look at the feed too, also one by hand.
    let imported = status.imports.first().map_or(0, |import| import.ended.max(import.started));
    let checked = check.map_or(0, |check| check.at).max(imported);
    let complete = status.imports.iter().find(|import| import.state == FeedState::Complete);
    let last = status.imports.first().filter(|import| import.state == FeedState::Failed);
    let error = match check.filter(|check| !check.error.is_empty() && check.at >= imported) {
        Some(check) => check.error.clone(),
        None => last.map(|import| import.message.clone()).unwrap_or_default(),
    };
    FeedRow {
        link: feed_link(&feed.name),
        name: feed.name.clone(),
        format: feed.kind.clone(),
        ecosystems,
        date: instant(feed.data_date),
        age: if feed.data_date == 0 { String::new() } else { span(now - feed.data_date) },
        word,
        records: feed.records,
        of: feed.publisher_total,
        checked: instant(checked),
        checked_ago: if checked == 0 { String::new() } else { from_now(checked, now) },
        delta: complete.map(|import| (instant(import.ended), import.opened, import.closed)),
        error,
        held: status.held.is_some(),
    }
}

fn download(rows: Vec<FeedRow>) -> Response {
    let titles = &[
        "feed",
        "format",
        "ecosystems",
        "date",
        "state",
        "records",
        "publisher_total",
        "last_check",
        "matches_opened",
        "matches_closed",
        "held",
        "error",
    ];
    csv::answer("feeds", titles, move |table| {
        rows.iter().try_for_each(|row| {
            let (opened, closed) =
                row.delta.as_ref().map_or((0, 0), |(_, opened, closed)| (*opened, *closed));
            table.row([
                row.name.as_str(),
                &row.format,
                &row.ecosystems,
                &row.date,
                row.word,
                &row.records.to_string(),
                &row.of.to_string(),
                &row.checked,
                &opened.to_string(),
                &closed.to_string(),
                if row.held { "true" } else { "false" },
                &row.error,
            ])
        })
    })
}

/// Brings one feed, or all that have an address, up to date. A change beyond the limits is held.
pub(crate) async fn sync(State(state): State<Pages>, visitor: Visitor, form: Form) -> PageResult {
    let limit = |name: &'static str| form.text(name).parse().ok();
    let limits = Limits { max_opened: limit("max_opened"), max_closed: limit("max_closed") };
    let feeds = form.all("feed").map(str::to_owned).collect();
    let job = state.app.feeds().sync_job(visitor.principal(), feeds, limits).await.shown_to(&visitor)?;
    match visitor.may(Permission::FindingsRead) {
        true => see(run_link(job)),
        false => see(Link::to(HERE).with("done", "syncing")),
    }
}
