//! The results of a policy one by one, and as CSV.

use axum::response::Response;
use parapet_model::compliance::{ControlPosture, Policy};
use parapet_model::time::format_rfc3339;
use parapet_model::{ControlResultNo, PolicyNo};
use parapet_service::control_posture::{ResultPage, ResultQuery};

use super::view::{ResultLine, Shown, Sum};
use super::{Params, control_of, since, words};
use crate::csv;
use crate::dates::minute;
use crate::link::Link;
use crate::parts::Choice;
use crate::state::Pages;
use crate::visitor::Visitor;
use crate::{PageError, PageResult};

/// Rows of a page.
const ROWS: u32 = 50;
/// Rows read at once for a file.
const CHUNK: u32 = 1_000;

async fn query(state: &Pages, visitor: &Visitor, params: &Params) -> PageResult<ResultQuery> {
    let host = match params.on {
        None => None,
        Some(id) => Some(
            state
                .app
                .compliance()
                .host(visitor.principal(), id)
                .await
                .map_err(|_| PageError::not_found("host").to(visitor))?,
        ),
    };
    let control = if host.is_some() { None } else { control_of(params) };
    Ok(ResultQuery { posture: params.posture(), control, host })
}

/// The list, and how its policy, control or host stands.
pub(super) async fn of(
    state: &Pages,
    visitor: &Visitor,
    policy: &Policy,
    params: &Params,
) -> PageResult<(Shown, Sum)> {
    let who = visitor.principal();
    let postures = state.app.control_postures();
    let query = query(state, visitor, params).await?;
    let sum = postures.result_sum(who, policy.no, &query).await?;
    let page = postures.results(who, policy.no, &query, ControlResultNo(params.after), ROWS).await?;
    let total = match query.posture {
        Some(ControlPosture::Failed) => sum.failed,
        Some(ControlPosture::Passed) => sum.passed,
        Some(ControlPosture::Error) => sum.error,
        None => sum.failed + sum.passed + sum.error,
    };
    let word = query.posture.map_or(String::new(), |posture| posture.as_str().to_lowercase());
    let base = Link::to("/compliance").with("policy", policy.no.to_string()).with("view", "list");
    let control = query.control.map(|no| no.to_string()).unwrap_or_default();
    let host = query.host.and(params.on).map(|id| id.to_string()).unwrap_or_default();
    let here = base.clone().with("posture", word.clone()).with("control", control).with("on", host);
    let choice = |name, posture: &str| Choice {
        name,
        chosen: word == posture,
        link: here.clone().with("posture", posture),
    };
    let mut only = Vec::new();
    if let Some(first) = page.rows.first() {
        if query.control.is_some() {
            let text = format!("control: {}", words::statement(&first.1));
            only.push((text, here.clone().with("control", "")));
        }
        if query.host.is_some() {
            only.push((format!("host: {}", first.2.name), here.clone().with("on", "")));
        }
    } else if query.control.is_some() || query.host.is_some() {
        only.push(("one control or host".to_owned(), base.with("posture", word.clone())));
    }
    let (first, shown) = (params.seen, page.rows.len());
    let next = page
        .next
        .map(|no| here.clone().with("after", no.to_string()).with("seen", (first + shown).to_string()));
    let rows = lines(&page, state.app.now());
    let shown = Shown::List {
        rows,
        postures: vec![
            choice("failed", "failed"),
            choice("error", "error"),
            choice("passed", "passed"),
            choice("all", ""),
        ],
        only,
        pages: (if shown == 0 { 0 } else { first + 1 }, first + shown, total),
        start: (params.after > 0).then(|| here.clone()),
        next,
    };
    Ok((shown, Sum::of(&sum)))
}

fn lines(page: &ResultPage, now: parapet_model::Millis) -> Vec<ResultLine> {
    let line = |(cell, control, host): &(_, _, parapet_service::control_exceptions::HostWords)| {
        let found: &parapet_service::control_posture::Cell = cell;
        ResultLine {
            cell: words::cell(found, now),
            statement: words::statement(control),
            criticality: control.text.criticality.as_str().to_lowercase(),
            host: if host.name.is_empty() { host.ip.clone() } else { host.name.clone() },
            host_link: Link::to("/assets").part(&found.result.host_uuid.to_string()),
            since: since(found.result.summary.posture_since),
            evaluated: minute(found.result.evaluated),
        }
    };
    page.rows.iter().map(line).collect()
}

const TITLES: &[&str] = &[
    "result",
    "status",
    "posture",
    "excepted",
    "control",
    "rule",
    "statement",
    "criticality",
    "host",
    "host_id",
    "instance",
    "since",
    "evaluated",
];

/// All results of the question as CSV, read a part at a time.
pub(super) fn download(state: Pages, visitor: &Visitor, policy: PolicyNo, params: &Params) -> Response {
    let (visitor, params) = (visitor.clone(), params.clone());
    let runtime = tokio::runtime::Handle::current();
    csv::answer("compliance", TITLES, move |table| {
        let broken = |error: PageError| std::io::Error::other(format!("{error:?}"));
        let query = runtime.block_on(query(&state, &visitor, &params)).map_err(broken)?;
        let mut after = ControlResultNo(0);
        loop {
            let read = state.app.control_postures();
            let page = runtime.block_on(read.results(visitor.principal(), policy, &query, after, CHUNK));
            let page = page.map_err(|error| broken(error.into()))?;
            for (cell, control, host) in &page.rows {
                let result = &cell.result;
                table.row([
                    result.no.to_string(),
                    result.status.as_str().to_owned(),
                    result.posture().map_or("", ControlPosture::as_str).to_lowercase(),
                    cell.accepted.to_string(),
                    control.no.to_string(),
                    control.rule.clone(),
                    control.text.statement.clone(),
                    control.text.criticality.as_str().to_lowercase(),
                    host.name.clone(),
                    result.host_uuid.to_string(),
                    result.identity.instance.clone(),
                    format_rfc3339(result.summary.posture_since),
                    format_rfc3339(result.evaluated),
                ])?;
            }
            match page.next {
                Some(next) => after = next,
                None => return Ok(()),
            }
        }
    })
}
