//! `/`: what changed, what needs me? What takes long comes by itself, as a part of the page.

mod changes;
mod needs;
mod view;

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use parapet_model::filter::{Field, Op};
use parapet_model::time::{DAY, format_rfc3339, parse_instant};
use parapet_model::{Filter, Millis, Permission, Principal};
use parapet_posture::{VulnerabilityOrder, Window};
use parapet_service::View;
use serde::Deserialize;
use view::{Later, Start, Worst};

pub(crate) use changes::list as changes;

use crate::PageResult;
use crate::dates::minute;
use crate::findings::nothing_scanned;
use crate::link::Link;
use crate::parts::Choice;
use crate::question::asked;
use crate::ready;
use crate::render::html;
use crate::state::Pages;
use crate::visitor::Visitor;

/// What somebody is shown who was never here.
const FIRST: Millis = 7 * DAY;
/// Vulnerabilities that are listed.
const WORST: usize = 10;

/// The state of the page.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Params {
    /// `day`, `week`, `month`, an instant, or nothing for the last visit.
    #[serde(default)]
    since: String,
    /// The part that is to be worked out.
    #[serde(default)]
    part: PartName,
}

/// Parts that take longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PartName {
    #[default]
    None,
    Changes,
    Compliance,
    Worst,
}

/// Since when changes are shown, and how that was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Since {
    at: Millis,
    words: String,
}

/// The page.
pub(crate) async fn start(
    State(state): State<Pages>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(params): Query<Params>,
) -> PageResult {
    let held = state.of_lists(None);
    let view = held.view.clone();
    let since = since(&state, &visitor, &params, view.now).await?;
    note_visit(&state, &visitor, view.now);
    // Sensors fall silent by time alone, so a page is good for a minute.
    let of = format!("{} {}", since.at, view.now / 60_000);
    let stamp = held.stamp(&visitor).and(&of);
    if let Some(answer) = stamp.unchanged(&headers) {
        return Ok(answer);
    }
    let here = Link::to("/").with("since", format_rfc3339(since.at));
    let later = |part: &str| here.clone().with("part", part);
    let may_see = visitor.may(Permission::FindingsRead);
    let mut layout = visitor.layout("Start", "/");
    if may_see {
        layout.data = Some(held.data(&here));
    }
    let mut page = Start {
        since: since.words.clone(),
        periods: periods(&params),
        changes: may_see.then(|| Later::Link(later("changes"))),
        approvals: needs::approvals(&view, &visitor),
        expiring: needs::expiring(&view, &visitor),
        compliance: visitor.may(Permission::ExceptionsRead).then(|| Later::Link(later("compliance"))),
        alarms: needs::alarms(&state, &view, &visitor, since.at).await?,
        sees_alarms: may_see,
        nothing_scanned: nothing_scanned(&view.snapshot, &visitor, view.now).is_some(),
        may_begin: visitor.may(Permission::AssetsWrite),
        worst: may_see.then(|| Later::Link(later("worst"))),
        layout,
    };
    match params.part {
        PartName::Changes if may_see => {
            let (view, who) = (view.clone(), visitor.clone());
            let made = state.long_work(move || changes::part(&view, &who, since.at)).await?;
            page.changes = Some(Later::Here(made));
        }
        PartName::Compliance if visitor.may(Permission::ExceptionsRead) => {
            page.compliance = Some(Later::Here(needs::compliance(&state, &visitor, view.now).await?));
        }
        PartName::Worst if may_see => {
            let (view, who) = (view.clone(), visitor.clone());
            page.worst = Some(Later::Here(state.turns.work(move || worst(&view, &who)).await?));
        }
        _ => {}
    }
    Ok(stamp.on(html(&page)))
}

/// What of the page everybody begins with.
pub(crate) fn usual(who: &Principal) -> Vec<ready::Question> {
    let visitor = Visitor::nobody(who);
    let again = visitor.clone();
    let worst = move |view: &View| drop(worst(view, &visitor));
    let alarms = move |view: &View| drop(needs::of_assets(view, &again));
    vec![Arc::new(worst), Arc::new(alarms)]
}

/// Keeps that somebody looked. Whoever looks does not wait for it.
fn note_visit(state: &Pages, visitor: &Visitor, now: Millis) {
    let (app, who) = (state.app.clone(), visitor.principal().clone());
    tokio::spawn(async move {
        if let Err(error) = app.accounts().visited(&who, now).await {
            tracing::warn!(%error, "a visit was not kept");
        }
    });
}

async fn since(state: &Pages, visitor: &Visitor, params: &Params, now: Millis) -> PageResult<Since> {
    // To the minute, so that the page of this minute is known when somebody comes back to it.
    let ago = |by: Millis, words: &str| {
        let at = (now - by).div_euclid(60_000) * 60_000;
        Since { at, words: format!("{words}, since {}", minute(at)) }
    };
    Ok(match params.since.as_str() {
        "day" => ago(DAY, "the last 24 hours"),
        "week" => ago(7 * DAY, "the last 7 days"),
        "month" => ago(30 * DAY, "the last 30 days"),
        text => match parse_instant(text) {
            Some(at) => Since { at: at.min(now), words: format!("since {}", minute(at.min(now))) },
            None => match state.app.accounts().visit(visitor.principal()).await? {
                Some(visit) if visit.since > 0 => Since {
                    at: visit.since,
                    words: format!("since your last visit, {}", minute(visit.since)),
                },
                _ => ago(FIRST, "your first visit: the last 7 days"),
            },
        },
    })
}

fn periods(params: &Params) -> Vec<Choice> {
    let all = [("", "last visit"), ("day", "24 hours"), ("week", "7 days"), ("month", "30 days")];
    let choice = |(word, name): (&'static str, &'static str)| Choice {
        name,
        chosen: params.since == word,
        link: Link::to("/").with("since", word),
    };
    all.into_iter().map(choice).collect()
}

/// The ten worst vulnerabilities, what exceptions hide left out.
fn worst(view: &View, visitor: &Visitor) -> Vec<Worst> {
    let scope = visitor.principal().scope();
    let standing = Filter::test(Field::Excepted, Op::Eq, true).negate();
    let window = Window { offset: 0, limit: WORST };
    let list =
        view.snapshot.vulnerabilities(&view.query(&scope, &standing), VulnerabilityOrder::Risk, window);
    let line = |row: &parapet_posture::VulnerabilitySummary<'_>| {
        let id = &row.vulnerability.id;
        let one = Filter::test(Field::Vulnerability, Op::Eq, id.clone()).and(standing.clone());
        let findings = asked(&Link::to("/findings"), &one);
        Worst {
            severity: row.severity,
            link: Link::to("/vulnerabilities").part(id),
            id: id.clone(),
            title: row.vulnerability.title.clone(),
            kev: row.vulnerability.kev_added != 0,
            assets: row.assets,
            assets_link: findings.clone().with("group", "asset"),
            fixable: row.fixable,
            fixable_link: asked(&Link::to("/findings"), &one.and(Filter::test(Field::Fixable, Op::Eq, true))),
        }
    };
    list.rows.iter().map(line).collect()
}
