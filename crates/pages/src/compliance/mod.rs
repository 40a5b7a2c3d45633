//! `/compliance`: which controls fail, did evidence change?
//!
//! Controls are not in posture: what decides how these pages look is the position of the last write, and when the
//! next exception of a control ends.

mod diff;
mod exception;
mod exceptions;
mod list;
mod result;
mod view;
mod words;

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use parapet_model::compliance::{ControlPosture, Criticality, Policy};
use parapet_model::lifecycle::Standing;
use parapet_model::time::format_rfc3339;
use parapet_model::{ControlNo, Millis, Permission, PolicyNo};
use parapet_service::control_posture::{Part, Table, TableQuery};
use serde::Deserialize;

pub(crate) use exception::{decide, one as exception};
pub(crate) use exceptions::queue;
pub(crate) use result::{one as result, request};
use view::{Cell, Compliance, ControlRow, HostColumn, PolicyLine, Shown, Sum};

use crate::dates::{day, minute};
use crate::link::Link;
use crate::parts::{Choice, Pager};
use crate::render::{Stamp, html};
use crate::state::Pages;
use crate::visitor::Visitor;
use crate::{PageError, PageResult, csv};

/// Controls of a page.
const ROWS: usize = 25;
/// Hosts of a page.
const COLUMNS: usize = 8;
/// Policies shown; more are named by their number alone.
const POLICIES: u32 = 200;
/// Instances of one cell.
const INSTANCES: usize = 3;

/// The state of the page.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    /// Number of the policy.
    policy: Option<u64>,
    /// `list` for the results one by one.
    view: String,
    /// Text in controls.
    text: String,
    /// Word of a criticality.
    criticality: String,
    /// Whether only controls are shown that fail somewhere.
    failing: String,
    /// Text in names of hosts.
    host: String,
    /// Controls passed over.
    row: usize,
    /// Hosts passed over.
    column: usize,
    /// Of the list: `failed`, `error`, `passed` or all.
    posture: String,
    /// Of the list: number of a control.
    control: Option<u32>,
    /// Of the list: id of a host.
    on: Option<uuid::Uuid>,
    /// Of the list: number of the last result of the page before.
    after: u32,
    /// Of the list: how many came before.
    seen: usize,
    /// Of the policies: whether they are counted, which takes longer.
    count: String,
    format: String,
}

impl Params {
    fn criticality(&self) -> Option<Criticality> {
        Criticality::ALL.into_iter().find(|c| c.as_str().eq_ignore_ascii_case(&self.criticality))
    }

    fn posture(&self) -> Option<ControlPosture> {
        ControlPosture::parse(&self.posture)
    }

    /// The table with what is chosen, but for the place in it.
    fn link(&self, policy: &Policy) -> Link {
        Link::to("/compliance")
            .with("policy", policy.no.to_string())
            .with("text", self.text.clone())
            .with("criticality", self.criticality().map_or("", Criticality::as_str))
            .with("failing", if self.failing.is_empty() { "" } else { "1" })
            .with("host", self.host.clone())
    }
}

/// The page.
pub(crate) async fn show(
    State(state): State<Pages>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(params): Query<Params>,
) -> PageResult {
    let file = csv::wanted(&headers, &params.format);
    let stamp = stamp(&state, &visitor).await?;
    if let Some(answer) = stamp.unchanged(&headers).filter(|_| !file) {
        return Ok(answer);
    }
    let postures = state.app.control_postures();
    let who = visitor.principal();
    let policies = postures.policies(who, PolicyNo(0), POLICIES).await?;
    let chosen = match (params.policy, policies.as_slice()) {
        (Some(no), _) => {
            Some(postures.policy(who, no).await?.ok_or_else(|| PageError::not_found("policy").to(&visitor))?)
        }
        (None, [only]) => Some(only.clone()),
        (None, _) => None,
    };
    let Some(policy) = chosen else {
        return match file {
            true => Ok(download(policies)),
            false => Ok(stamp.on(all(&state, &visitor, &params, &policies).await?)),
        };
    };
    if file {
        return Ok(list::download(state.clone(), &visitor, policy.no, &params));
    }
    let link = params.link(&policy);
    let is_list = params.view == "list";
    let (shown, sum) = if is_list {
        list::of(&state, &visitor, &policy, &params).await?
    } else {
        let part = |offset, limit| Part { offset, limit };
        let query = TableQuery {
            control: params.text.trim().to_owned(),
            criticality: params.criticality(),
            failing: !params.failing.is_empty(),
            host: params.host.trim().to_owned(),
            rows: part(params.row, ROWS),
            columns: part(params.column, COLUMNS),
        };
        let table = postures.table(who, policy.no, &query).await?;
        let sum = Sum::of(&table.sum);
        (grid(&table, &params, &link, &policy, state.app.now()), sum)
    };
    let view = |name, word: &str, chosen| Choice {
        name,
        chosen,
        link: Link::to("/compliance").with("policy", policy.no.to_string()).with("view", word),
    };
    let page = Compliance {
        layout: visitor.layout("Compliance", "/compliance"),
        policies: lines(&policies),
        views: vec![view("table", "", !is_list), view("list", "list", is_list)],
        csv: Link::to("/compliance").with("policy", policy.no.to_string()).with("format", "csv"),
        policy: Some(PolicyLine::of(&policy)),
        sum: Some(sum),
        waiting: waiting(&state, &visitor).await?,
        shown,
    };
    Ok(stamp.on(html(&page)))
}

/// What decides how a page about controls looks. Marks of what changed of late go by the day; names of hosts come
/// from posture.
pub(super) async fn stamp(state: &Pages, visitor: &Visitor) -> PageResult<Stamp> {
    let (seq, until) = state.app.control_exceptions().state().await?;
    let names = state.app.live().snapshot().seq();
    Ok(Stamp::new(visitor, seq, until).and(&format!("{names} {}", day(state.app.now()))))
}

/// All policies, with how they stand when that was asked for.
async fn all(state: &Pages, visitor: &Visitor, params: &Params, policies: &[Policy]) -> PageResult {
    let counted = !params.count.is_empty();
    let mut list = lines(policies);
    if counted {
        for (line, policy) in list.iter_mut().zip(policies) {
            let query = parapet_service::control_posture::ResultQuery::default();
            let sum = state.app.control_postures().result_sum(visitor.principal(), policy.no, &query).await?;
            line.sum = Some(Sum::of(&sum));
        }
    }
    Ok(html(&Compliance {
        layout: visitor.layout("Compliance", "/compliance"),
        policies: list,
        views: Vec::new(),
        csv: Link::to("/compliance").with("format", "csv"),
        policy: None,
        sum: None,
        waiting: waiting(state, visitor).await?,
        shown: Shown::Policies { counted },
    }))
}

/// How many exceptions wait, for those who may see them.
async fn waiting(state: &Pages, visitor: &Visitor) -> PageResult<Option<u64>> {
    if !visitor.may(Permission::ExceptionsRead) {
        return Ok(None);
    }
    let counts = state.app.control_exceptions().counts(visitor.principal()).await?;
    Ok(Some(counts.get(&Standing::Pending).copied().unwrap_or_default()))
}

fn lines(policies: &[Policy]) -> Vec<PolicyLine> {
    policies.iter().map(PolicyLine::of).collect()
}

/// All policies as CSV.
fn download(policies: Vec<Policy>) -> Response {
    const TITLES: &[&str] = &["policy", "benchmark", "profile", "title", "version", "evaluated"];
    csv::answer("policies", TITLES, move |table| {
        policies.iter().try_for_each(|policy| {
            table.row([
                policy.no.to_string(),
                policy.benchmark.clone(),
                policy.profile.clone(),
                policy.title.clone(),
                policy.version.clone(),
                format_rfc3339(policy.evaluated),
            ])
        })
    })
}

impl PolicyLine {
    fn of(policy: &Policy) -> Self {
        let title = if policy.title.is_empty() { &policy.benchmark } else { &policy.title };
        Self {
            no: policy.no.0,
            link: Link::to("/compliance").with("policy", policy.no.to_string()),
            title: title.clone(),
            version: policy.version.clone(),
            evaluated: minute(policy.evaluated),
            sum: None,
        }
    }
}

fn grid(table: &Table, params: &Params, link: &Link, policy: &Policy, now: Millis) -> Shown {
    let list = || {
        Link::to("/compliance")
            .with("policy", policy.no.to_string())
            .with("view", "list")
            .with("posture", "failed")
    };
    let hosts = table.columns.iter().map(|column| HostColumn {
        link: list().with("on", column.uuid.to_string()),
        name: if column.words.name.is_empty() { column.words.ip.clone() } else { column.words.name.clone() },
        failed: column.sum.failed,
    });
    let rows = table.rows.iter().map(|row| {
        let cells = table.columns.iter().map(|column| {
            let found = table.cells.get(&(row.control.no, column.no)).map_or(&[][..], Vec::as_slice);
            let cells: Vec<Cell> = found.iter().take(INSTANCES).map(|cell| words::cell(cell, now)).collect();
            (cells, found.len().saturating_sub(INSTANCES))
        });
        ControlRow {
            link: list().with("control", row.control.no.to_string()),
            statement: words::statement(&row.control),
            criticality: row.control.text.criticality.as_str().to_lowercase(),
            category: row.control.text.category.clone(),
            sum: Sum::of(&row.sum),
            cells: cells.collect(),
        }
    });
    let at = |offset: usize| if offset == 0 { String::new() } else { offset.to_string() };
    let by_row = link.clone().with("column", at(params.column));
    let by_column = link.clone().with("row", at(params.row));
    Shown::Table {
        rows: rows.collect(),
        row_pages: pages(&by_row, "row", params.row, ROWS, table.rows.len(), table.rows_total),
        column_pages: pages(
            &by_column,
            "column",
            params.column,
            COLUMNS,
            table.columns.len(),
            table.columns_total,
        ),
        hosts: hosts.collect(),
        text: params.text.clone(),
        host: params.host.clone(),
        failing: !params.failing.is_empty(),
        criticalities: Criticality::ALL
            .map(|c| (c.as_str(), c.as_str().to_lowercase(), params.criticality() == Some(c)))
            .to_vec(),
    }
}

/// A pager along one side of the table.
fn pages(link: &Link, name: &'static str, offset: usize, size: usize, shown: usize, total: usize) -> Pager {
    let to = |offset: usize| match offset {
        0 => link.clone().with(name, ""),
        offset => link.clone().with(name, offset.to_string()),
    };
    Pager {
        first: if shown == 0 { 0 } else { offset + 1 },
        last: offset + shown,
        total,
        previous: (offset > 0).then(|| to(offset.saturating_sub(size))),
        next: (offset + shown < total && shown > 0).then(|| to(offset + shown)),
    }
}

/// The number of a control as the address has it.
fn control_of(params: &Params) -> Option<ControlNo> {
    params.control.map(ControlNo)
}

/// The day of an instant, for cells.
fn since(at: Millis) -> String {
    day(at)
}
