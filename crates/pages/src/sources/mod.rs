//! `/sources`: is everything being scanned?

mod connectors;
mod forms;
mod lists;
mod profile_form;
mod profiles;
mod registry;
mod registry_form;
mod rows;
mod run;
mod schedule;
mod schedule_form;
mod sensor;

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::extract::{FromRef, Query, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use parapet_model::job::JobState;
use parapet_model::sensor::SensorStatus;
use parapet_model::{FOREVER, Permission};
use parapet_service::schedules::{Standing, Status};
use parapet_service::sensors::SensorView;
use parapet_store::connectors::{Cloud, Connector};
use parapet_store::jobs::Job;
use parapet_store::registries::Registry;
use serde::Deserialize;
use uuid::Uuid;

pub(crate) use rows::{Names, names, registries, run_link, run_row};
use rows::{RegistryRow, RunRow, ScheduleRow, SensorRow};

use crate::layout::Layout;
use crate::link::Link;
use crate::parts::{Pager, noun};
use crate::render::html;
use crate::state::Pages;
use crate::visitor::Visitor;
use crate::words::ForVisitor as _;
use crate::{Access, P, Page, PageResult, csv, filters, page};

/// Registries of a page.
const ROWS: usize = 25;
/// Schedules, sensors and runs that the overview shows.
const SHOWN: usize = 10;
/// The address of this part.
const HERE: &str = "/sources";

/// Its pages.
pub(crate) fn routes<S>() -> Vec<Page<S>>
where
    S: Clone + Send + Sync + 'static,
    Pages: FromRef<S>,
{
    let (get, post, right) = (Method::GET, Method::POST, Access::Right);
    let (see, write, scan) = (right(P::RegistriesRead), right(P::RegistriesWrite), right(P::AssetsWrite));
    let (profiles_see, make) = (right(P::SensorProfilesView), right(P::SensorProfilesCreate));
    let schedule = "/sources/registries/{id}/schedules/{schedule}";
    let cancel_schedule = "/sources/registries/{id}/schedules/{schedule}/cancel";
    vec![
        page(get.clone(), HERE, see, overview),
        page(get.clone(), "/sources/schedules", see, lists::schedules),
        page(get.clone(), "/sources/sensors", right(P::FindingsRead), lists::sensors),
        page(get.clone(), "/sources/runs", right(P::FindingsRead), lists::runs),
        page(get.clone(), "/sources/connectors", see, connectors::list),
        page(post.clone(), "/sources/connectors", write, connectors::create),
        page(post.clone(), "/sources/connectors/{id}/delete", write, connectors::delete),
        page(get.clone(), "/sources/registries/new", write, registry_form::new),
        page(post.clone(), "/sources/registries/new", write, registry_form::create),
        page(get.clone(), "/sources/registries/{id}", see, registry::show),
        page(get.clone(), "/sources/registries/{id}/edit", write, registry_form::edit),
        page(post.clone(), "/sources/registries/{id}/edit", write, registry_form::update),
        page(post.clone(), "/sources/registries/{id}/delete", write, registry::delete),
        page(post.clone(), "/sources/registries/{id}/test", write, registry::test),
        page(post.clone(), "/sources/registries/{id}/scan", scan, registry::scan),
        page(get.clone(), "/sources/registries/{id}/schedules/new", scan, schedule_form::new),
        page(post.clone(), "/sources/registries/{id}/schedules/new", scan, schedule_form::create),
        page(get.clone(), schedule, see, schedule::show),
        page(get.clone(), "/sources/registries/{id}/schedules/{schedule}/edit", scan, schedule_form::edit),
        page(post.clone(), "/sources/registries/{id}/schedules/{schedule}/edit", scan, schedule_form::update),
        page(post.clone(), cancel_schedule, scan, schedule::cancel),
        page(post.clone(), "/sources/registries/{id}/schedules/{schedule}/delete", scan, schedule::delete),
        page(get.clone(), "/sources/runs/{id}", right(P::FindingsRead), run::show),
        page(post.clone(), "/sources/runs/{id}/cancel", right(P::JobsWrite), run::cancel),
        page(post.clone(), "/sources/runs/{id}/retry", scan, run::retry),
        page(get.clone(), "/sources/sensors/{id}", right(P::FindingsRead), sensor::show),
        page(post.clone(), "/sources/sensors/{id}/delete", scan, sensor::delete),
        page(get.clone(), "/sources/profiles", profiles_see, profiles::list),
        page(get.clone(), "/sources/profiles/new", make, profiles::new),
        page(post.clone(), "/sources/profiles/new", make, profiles::create),
        page(get, "/sources/profiles/{id}/edit", right(P::SensorProfilesUpdate), profiles::edit),
        page(post.clone(), "/sources/profiles/{id}/edit", right(P::SensorProfilesUpdate), profiles::update),
        page(post, "/sources/profiles/{id}/delete", right(P::SensorProfilesDelete), profiles::delete),
    ]
}

/// The lists of this part that a visitor may see.
fn places(visitor: &Visitor) -> Vec<(&'static str, &'static str)> {
    let all = [
        (P::RegistriesRead, HERE, "Overview"),
        (P::RegistriesRead, "/sources/schedules", "Schedules"),
        (P::FindingsRead, "/sources/sensors", "Sensors"),
        (P::SensorProfilesView, "/sources/profiles", "Sensor profiles"),
        (P::RegistriesRead, "/sources/connectors", "Connectors"),
        (P::FindingsRead, "/sources/runs", "Runs"),
    ];
    all.into_iter().filter(|(right, ..)| visitor.may(*right)).map(|(_, link, name)| (link, name)).collect()
}

/// The state of the page.
#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    #[serde(default)]
    offset: usize,
    /// `images` for the part that takes longer.
    #[serde(default)]
    part: String,
    #[serde(default)]
    format: String,
    #[serde(default)]
    done: String,
}

/// Something that is not being scanned as it should.
#[derive(Debug)]
struct Alarm {
    link: Link,
    what: String,
    why: &'static str,
}

/// Images of a registry, counted.
#[derive(Debug)]
struct ImagesRow {
    link: Link,
    name: String,
    images: u64,
    scanned: u64,
    vulnerable: u64,
    repositories: usize,
    last: String,
}

#[derive(Debug, Template)]
#[template(path = "sources/overview.html")]
struct Overview {
    layout: Layout,
    places: Vec<(&'static str, &'static str)>,
    alarms: Vec<Alarm>,
    more_alarms: usize,
    totals: [(String, usize); 4],
    registries: Vec<RegistryRow>,
    pager: Pager,
    images: Option<Vec<ImagesRow>>,
    images_link: Link,
    schedules: Vec<ScheduleRow>,
    sensors: Vec<SensorRow>,
    sees_sensors: bool,
    runs: Vec<RunRow>,
    busy: bool,
    may_add: bool,
    csv: Link,
}

/// Names of all connectors by id.
async fn connector_names(state: &Pages, visitor: &Visitor) -> PageResult<BTreeMap<Uuid, String>> {
    let all = all_connectors(state, visitor).await?;
    Ok(all.into_iter().map(|connector| (connector.uuid, connector.settings.name)).collect())
}

/// All connectors of the project.
async fn all_connectors(state: &Pages, visitor: &Visitor) -> PageResult<Vec<Connector>> {
    let mut all = Vec::new();
    for cloud in [Cloud::Aws, Cloud::Azure, Cloud::Google] {
        all.extend(state.app.connectors().list(visitor.principal(), cloud).await?);
    }
    Ok(all)
}

async fn all_sensors(state: &Pages, visitor: &Visitor) -> PageResult<Vec<SensorView>> {
    match visitor.may(Permission::FindingsRead) {
        true => Ok(state.app.sensors().list(visitor.principal()).await?),
        false => Ok(Vec::new()),
    }
}

const TITLES: &[&str] =
    &["registry", "kind", "address", "connector", "schedules", "last_walk", "last_walk_ended", "error"];

/// The page.
pub(crate) async fn overview(
    State(state): State<Pages>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(params): Query<Params>,
) -> PageResult {
    let (app, who) = (&state.app, visitor.principal());
    let all = registries(&state, &visitor).await.shown_to(&visitor)?;
    let connectors = connector_names(&state, &visitor).await.shown_to(&visitor)?;
    let mut standing = app.schedules().of_project(who).await.shown_to(&visitor)?;
    let walks = app.jobs().last_walks(who, &all).await.shown_to(&visitor)?;
    let walks = rows::by_registry(&walks);
    if csv::wanted(&headers, &params.format) {
        return Ok(download(rows::registry_rows(&all, &connectors, &standing, &walks)));
    }
    let sensors = all_sensors(&state, &visitor).await.shown_to(&visitor)?;
    let runs = match visitor.may(Permission::FindingsRead) {
        true => app.jobs().watched(who, None, u32::MAX, SHOWN as u32).await.shown_to(&visitor)?.jobs,
        false => Vec::new(),
    };
    let window: Vec<Registry> = all.iter().skip(params.offset).take(ROWS).cloned().collect();
    let images = match params.part == "images" {
        true => Some(images_of(&state, &visitor, window.clone()).await.shown_to(&visitor)?),
        false => None,
    };
    let now = app.now();
    let names = names(&all);
    let mut alarms = alarms(&all, &walks, &standing, rows::sensor_rows(&sensors, now));
    let more_alarms = alarms.len().saturating_sub(SHOWN);
    alarms.truncate(SHOWN);
    let totals = [
        (noun(all.len() as u64, "registry"), all.len()),
        (noun(standing.len() as u64, "schedule"), standing.len()),
        (noun(sensors.len() as u64, "sensor"), sensors.len()),
        (
            "of them silent".to_owned(),
            sensors.iter().filter(|view| view.status == SensorStatus::Unknown).count(),
        ),
    ];
    standing
        .sort_by_key(|one| (!matches!(one.status, Status::Queued | Status::Running), one.schedule.next_fire));
    let link = Link::to(HERE);
    let mut layout = visitor.layout("Sources", HERE);
    layout.done = match params.done.as_str() {
        "deleted" => "The registry is deleted. What was read from it stays.".to_owned(),
        "sensor" => "The sensor is forgotten.".to_owned(),
        _ => String::new(),
    };
    Ok(html(&Overview {
        layout,
        places: places(&visitor),
        alarms,
        more_alarms,
        totals,
        pager: Pager::new(&link, params.offset, ROWS, window.len(), all.len()),
        images,
        images_link: link.clone().with("offset", offset(params.offset)).with("part", "images"),
        schedules: standing.iter().take(SHOWN).map(|one| rows::schedule_row(one, &all, now)).collect(),
        sensors: rows::sensor_rows(&sensors, now).into_iter().take(SHOWN).collect(),
        sees_sensors: visitor.may(Permission::FindingsRead),
        busy: runs.iter().any(|job| !job.state.is_final()),
        runs: runs.iter().map(|job| run_row(job, &names)).collect(),
        registries: rows::registry_rows(&window, &connectors, &standing, &walks),
        may_add: visitor.may(Permission::RegistriesWrite),
        csv: link.with("format", "csv"),
    }))
}

/// What is not scanned as it should be, the worst first.
fn alarms(
    all: &[Registry],
    walks: &BTreeMap<Uuid, &Job>,
    standing: &[Standing],
    sensors: Vec<SensorRow>,
) -> Vec<Alarm> {
    let alarm = |link, what: &str, why| Alarm { link, what: what.to_owned(), why };
    let of =
        |registry: &Registry, why| alarm(rows::registry_link(registry.uuid), &registry.settings.name, why);
    let firing = standing.iter().filter(|one| one.schedule.next_fire != FOREVER);
    let scheduled: BTreeSet<u32> = firing.map(|one| one.schedule.registry).collect();
    let names = names(all);
    let failed = walks.values().filter(|job| job.state == JobState::Failed);
    let failed = failed.map(|job| alarm(run_link(job.uuid), &rows::what(job, &names), "failed"));
    let silent = sensors.into_iter().filter(|row| row.silent);
    let silent = silent.map(|row| alarm(row.link, &row.name, "is silent"));
    let (walked, never): (Vec<&Registry>, Vec<&Registry>) =
        all.iter().partition(|registry| walks.contains_key(&registry.uuid));
    let never = never.into_iter().map(|registry| of(registry, "was never walked"));
    let by_hand = walked.into_iter().filter(|registry| !scheduled.contains(&registry.no));
    let by_hand = by_hand.map(|registry| of(registry, "has no schedule"));
    failed.chain(silent).chain(never).chain(by_hand).collect()
}

fn offset(offset: usize) -> String {
    if offset == 0 { String::new() } else { offset.to_string() }
}

async fn images_of(state: &Pages, visitor: &Visitor, window: Vec<Registry>) -> PageResult<Vec<ImagesRow>> {
    let (app, who) = (state.app.clone(), visitor.principal().clone());
    let held = state.turns.work(move || {
        let held = app.registries().holdings_of(&who, &window)?;
        Ok::<_, parapet_service::Error>((window, held))
    });
    let (window, held) = held.await??;
    let row = |(registry, held): (&Registry, parapet_service::registries::Holdings)| ImagesRow {
        link: Link::to("/assets")
            .with("where", format!("registry = {:?}", host(&registry.settings.endpoint))),
        name: registry.settings.name.clone(),
        images: held.all.images,
        scanned: held.all.scanned,
        vulnerable: held.all.vulnerable,
        repositories: held.repositories.len(),
        last: crate::dates::instant(held.last_scanned),
    };
    Ok(window.iter().zip(held).map(row).collect())
}

/// What references call the registry at an address.
fn host(endpoint: &str) -> &str {
    endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest).trim_end_matches('/')
}

fn download(rows: Vec<RegistryRow>) -> Response {
    csv::answer("registries", TITLES, move |table| {
        rows.iter().try_for_each(|row| {
            let walk = row.walk.as_ref();
            table.row([
                row.name.as_str(),
                row.kind,
                &row.endpoint,
                &row.connector,
                &row.schedules.to_string(),
                walk.map_or("never", |walk| walk.state),
                walk.map_or("", |walk| &walk.ended),
                walk.map_or("", |walk| &walk.error),
            ])
        })
    })
}
