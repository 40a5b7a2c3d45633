//! `/sources/registries/{id}`: one registry, what it scans and when, and what came of it.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use parapet_model::Permission;
use parapet_model::job::JobKind;
use parapet_service::jobs::About;
use parapet_store::registries::{Globs, RegistrySettings};
use uuid::Uuid;

use super::rows::{self, RunRow, ScheduleRow};
use super::{HERE, connector_names, names, registries, run_link, run_row};
use crate::dates::instant;
use crate::layout::Layout;
use crate::link::Link;
use crate::render::html;
use crate::state::Pages;
use crate::visitor::{Form, Visitor};
use crate::words::{Done, ForVisitor as _, see};
use crate::{PageResult, filters};

/// Walks that are looked through for those of the registry.
const LOOKED_THROUGH: u32 = 500;
/// Runs shown.
const SHOWN: usize = 10;

#[derive(Debug, Template)]
#[template(path = "sources/registry.html")]
struct View {
    layout: Layout,
    link: Link,
    name: String,
    facts: Vec<(&'static str, String)>,
    schedules: Vec<ScheduleRow>,
    runs: Vec<RunRow>,
    busy: bool,
    problem: String,
    may_scan: bool,
    may_change: bool,
}

/// The page.
pub(crate) async fn show(
    State(state): State<Pages>,
    visitor: Visitor,
    Path(id): Path<Uuid>,
    Query(Done { done, .. }): Query<Done>,
) -> PageResult {
    let done = match done.as_str() {
        "saved" => "The registry is saved.",
        "answers" => "The registry answers and accepts who asks.",
        "scheduled" => "The schedule is saved.",
        "unscheduled" => "The schedule is deleted.",
        _ => "",
    };
    view(&state, &visitor, id, done, String::new()).await.shown_to(&visitor)
}

async fn view(state: &Pages, visitor: &Visitor, id: Uuid, done: &str, problem: String) -> PageResult {
    let (app, who) = (&state.app, visitor.principal());
    let registry = app.registries().get(who, id).await?;
    let connectors = connector_names(state, visitor).await?;
    let all = registries(state, visitor).await?;
    let standing = app.schedules().list(who, id).await?;
    let mut runs = Vec::new();
    if visitor.may(Permission::FindingsRead) {
        let walks = app.jobs().watched(who, Some(JobKind::ListRegistry), u32::MAX, LOOKED_THROUGH).await?;
        runs.extend(walks.jobs.into_iter().filter(|job| About::of(job).registry == Some(id)).take(SHOWN));
    }
    if runs.is_empty() {
        runs = app.jobs().last_walks(who, std::slice::from_ref(&registry)).await?;
    }
    let (now, known) = (app.now(), names(&all));
    let settings = &registry.settings;
    let connector = settings.source.connector.and_then(|id| connectors.get(&id).cloned());
    let mut facts = facts(settings, connector);
    facts.push(("added", instant(registry.created)));
    facts.push(("last changed", instant(registry.updated)));
    let mut layout = visitor.layout(&settings.name, HERE);
    layout.done = done.to_owned();
    Ok(html(&View {
        layout,
        link: rows::registry_link(id),
        name: settings.name.clone(),
        facts: facts.into_iter().filter(|(_, value)| !value.is_empty()).collect(),
        schedules: standing.iter().map(|one| rows::schedule_row(one, &all, now)).collect(),
        busy: runs.iter().any(|job| !job.state.is_final()),
        runs: runs.iter().map(|job| run_row(job, &known)).collect(),
        problem,
        may_scan: visitor.may(Permission::AssetsWrite),
        may_change: visitor.may(Permission::RegistriesWrite),
    }))
}

/// What its owner said, without the secret.
fn facts(settings: &RegistrySettings, connector: Option<String>) -> Vec<(&'static str, String)> {
    let source = &settings.source;
    let signs_in = match (&connector, settings.username.as_str()) {
        (Some(connector), _) => format!("by the connector {connector}"),
        (None, "") => "as nobody".to_owned(),
        (None, user) => format!("as {user}, with a stored password"),
    };
    let globs = |globs: &Globs| {
        let all = if globs.include.is_empty() { "all".to_owned() } else { globs.include.join(", ") };
        match globs.exclude.is_empty() {
            true => all,
            false => format!("{all}, but not {}", globs.exclude.join(", ")),
        }
    };
    let trust = if settings.ca_pem.is_empty() { "" } else { "its own certificates" };
    vec![
        ("kind", rows::kind_name(settings.kind).to_owned()),
        ("address", settings.endpoint.clone()),
        ("signs in", signs_in),
        ("repositories", globs(&settings.selection.repositories)),
        ("tags", globs(&settings.selection.tags)),
        ("platform", settings.platform.clone()),
        ("trusts", trust.to_owned()),
        ("without TLS", if settings.plain_http { "allowed".to_owned() } else { String::new() }),
        ("hosts that issue its tokens", settings.token_hosts.join(", ")),
        ("organization", source.organization.clone()),
        ("account", source.account.clone()),
        ("region", source.region.clone()),
        ("project at the cloud", source.cloud_project.clone()),
        ("repository at the cloud", source.repository.clone()),
    ]
}

/// Lists it and scans what its selection takes.
pub(crate) async fn scan(
    State(state): State<Pages>,
    visitor: Visitor,
    Path(id): Path<Uuid>,
    form: Form,
) -> PageResult {
    let force = form.is_set("force");
    let job = state.app.registries().scan_job(visitor.principal(), id, force).await.shown_to(&visitor)?;
    match visitor.may(Permission::FindingsRead) {
        true => see(run_link(job)),
        false => see(rows::registry_link(id)),
    }
}

/// Asks whether it is there and accepts who asks.
pub(crate) async fn test(State(state): State<Pages>, visitor: Visitor, Path(id): Path<Uuid>) -> PageResult {
    match state.app.registries().ping(visitor.principal(), id).await {
        Ok(()) => see(rows::registry_link(id).with("done", "answers")),
        Err(error @ (parapet_service::Error::Fetch(_) | parapet_service::Error::Invalid(_))) => {
            let problem = error.to_string();
            with_problem(&state, &visitor, id, problem).await.shown_to(&visitor)
        }
        Err(error) => Err(error).shown_to(&visitor),
    }
}

/// Deletes it.
pub(crate) async fn delete(State(state): State<Pages>, visitor: Visitor, Path(id): Path<Uuid>) -> PageResult {
    match state.app.registries().delete(visitor.principal(), id).await {
        Ok(()) => see(Link::to(HERE).with("done", "deleted")),
        Err(parapet_service::Error::Conflict(why)) => {
            with_problem(&state, &visitor, id, why).await.shown_to(&visitor)
        }
        Err(error) => Err(error).shown_to(&visitor),
    }
}

/// The page with what went wrong.
async fn with_problem(state: &Pages, visitor: &Visitor, id: Uuid, problem: String) -> PageResult {
    let mut response: Response = view(state, visitor, id, "", problem).await?;
    *response.status_mut() = StatusCode::CONFLICT;
    Ok(response)
}
