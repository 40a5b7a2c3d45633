//! What lists of sources show: registries, schedules, sensors and runs, in words.

use std::collections::BTreeMap;

use parapet_model::job::JobKind;
use parapet_model::schedule::Cadence;
use parapet_model::sensor::SensorStatus;
use parapet_model::{Millis, Permission};
use parapet_service::jobs::About;
use parapet_service::schedules::Standing;
use parapet_service::sensors::SensorView;
use parapet_store::jobs::Job;
use parapet_store::registries::{Registry, RegistryKind};
use parapet_store::schedules::ScanPlan;
use uuid::Uuid;

use crate::PageResult;
use crate::dates::{from_now, instant};
use crate::link::Link;
use crate::parts::counted;
use crate::state::Pages;
use crate::visitor::Visitor;

/// Registries of a project that pages look through.
pub(crate) const MOST_REGISTRIES: u32 = 10_000;

/// A registry in a list.
#[derive(Debug)]
pub(crate) struct RegistryRow {
    pub(crate) link: Link,
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) endpoint: String,
    pub(crate) connector: String,
    pub(crate) schedules: usize,
    /// Its last walk; `None` for never.
    pub(crate) walk: Option<RunRow>,
}

/// A schedule in a list.
#[derive(Debug)]
pub(crate) struct ScheduleRow {
    pub(crate) link: Link,
    pub(crate) registry_link: Link,
    pub(crate) registry: String,
    pub(crate) name: String,
    pub(crate) when: String,
    pub(crate) what: String,
    pub(crate) next: String,
    pub(crate) next_words: String,
    pub(crate) status: &'static str,
    pub(crate) last: Option<RunRow>,
    pub(crate) owner: String,
}

/// A sensor in a list.
#[derive(Debug)]
pub(crate) struct SensorRow {
    pub(crate) link: Link,
    pub(crate) name: String,
    pub(crate) hostname: String,
    pub(crate) version: String,
    pub(crate) engine: String,
    pub(crate) profile: String,
    pub(crate) status: &'static str,
    pub(crate) silent: bool,
    pub(crate) checked_in: String,
    pub(crate) ago: String,
}

/// A job in a list.
#[derive(Debug)]
pub(crate) struct RunRow {
    pub(crate) link: Link,
    pub(crate) what: String,
    pub(crate) state: &'static str,
    pub(crate) over: bool,
    pub(crate) owner: String,
    pub(crate) asked: String,
    pub(crate) ended: String,
    pub(crate) error: String,
}

/// Registries by id, for their names.
pub(crate) type Names = BTreeMap<Uuid, String>;

/// All registries of the visitor's project, if they may see registries.
pub(crate) async fn registries(state: &Pages, visitor: &Visitor) -> PageResult<Vec<Registry>> {
    if !visitor.may(Permission::RegistriesRead) {
        return Ok(Vec::new());
    }
    Ok(state.app.registries().list(visitor.principal(), 0, MOST_REGISTRIES).await?)
}

/// Their names.
pub(crate) fn names(registries: &[Registry]) -> Names {
    registries.iter().map(|registry| (registry.uuid, registry.settings.name.clone())).collect()
}

/// The page of a registry.
pub(crate) fn registry_link(id: Uuid) -> Link {
    Link::to("/sources/registries").part(&id.to_string())
}

/// The page of a run.
pub(crate) fn run_link(id: Uuid) -> Link {
    Link::to("/sources/runs").part(&id.to_string())
}

/// Kinds of registries with the words people choose from.
pub(crate) const KINDS: [(RegistryKind, &str, &str); 7] = [
    (RegistryKind::V2, "v2", "OCI or Docker registry"),
    (RegistryKind::V2Private, "v2_private", "OCI or Docker registry, private"),
    (RegistryKind::DockerHub, "docker_hub", "Docker Hub"),
    (RegistryKind::Aws, "aws", "Amazon ECR"),
    (RegistryKind::Azure, "azure", "Azure Container Registry"),
    (RegistryKind::Gcp, "gcp", "Google Container Registry"),
    (RegistryKind::GoogleArtifact, "google_artifact", "Google Artifact Registry"),
];

/// The kind in words.
pub(crate) fn kind_name(kind: RegistryKind) -> &'static str {
    KINDS.iter().find(|(known, ..)| *known == kind).map_or("", |(.., name)| name)
}

/// The word of a state.
pub(crate) fn run_row(job: &Job, names: &Names) -> RunRow {
    RunRow {
        link: run_link(job.uuid),
        what: what(job, names),
        state: job.state.as_str(),
        over: job.state.is_final(),
        owner: job.owner.clone(),
        asked: instant(job.created),
        ended: instant(job.ended),
        error: job.error.clone(),
    }
}

/// What a job does, in words.
pub(crate) fn what(job: &Job, names: &Names) -> String {
    let about = About::of(job);
    let registry = about.registry.and_then(|id| names.get(&id).cloned());
    match job.kind {
        JobKind::ListRegistry => match registry {
            Some(name) => format!("Walk of {name}"),
            None => "Walk of a registry that is no longer there".to_owned(),
        },
        JobKind::ScanImage => match registry {
            Some(name) => format!("Scan of {} in {name}", about.image),
            None => format!("Scan of {}", about.image),
        },
        JobKind::ScanImages if about.images == 1 => "Scan of 1 image".to_owned(),
        JobKind::ScanImages => format!("Scan of {} images", about.images),
        JobKind::ImportFeed if about.accepts => format!("Held import of {} accepted", about.feeds.join(", ")),
        JobKind::ImportFeed if about.feeds.is_empty() => "Sync of all feeds".to_owned(),
        JobKind::ImportFeed => format!("Sync of {}", about.feeds.join(", ")),
        JobKind::Rematch => "All packages judged again by a newer matcher".to_owned(),
        JobKind::Export => "Export".to_owned(),
        JobKind::Notify => "Notice".to_owned(),
    }
}

/// Walks by the registry that they asked.
pub(crate) fn by_registry(walks: &[Job]) -> BTreeMap<Uuid, &Job> {
    walks.iter().filter_map(|job| Some((About::of(job).registry?, job))).collect()
}

/// Rows of registries; `walks` are the last of each.
pub(crate) fn registry_rows(
    registries: &[Registry],
    connectors: &BTreeMap<Uuid, String>,
    schedules: &[Standing],
    walks: &BTreeMap<Uuid, &Job>,
) -> Vec<RegistryRow> {
    let names = names(registries);
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    schedules.iter().for_each(|standing| *counts.entry(standing.schedule.registry).or_default() += 1);
    let row = |registry: &Registry| RegistryRow {
        link: registry_link(registry.uuid),
        name: registry.settings.name.clone(),
        kind: kind_name(registry.settings.kind),
        endpoint: registry.settings.endpoint.clone(),
        connector: registry
            .settings
            .source
            .connector
            .and_then(|id| connectors.get(&id).cloned())
            .unwrap_or_default(),
        schedules: counts.get(&registry.no).copied().unwrap_or(0),
        walk: walks.get(&registry.uuid).map(|job| run_row(job, &names)),
    };
    registries.iter().map(row).collect()
}

/// A row of a schedule; `registries` are those of the project.
pub(crate) fn schedule_row(standing: &Standing, registries: &[Registry], now: Millis) -> ScheduleRow {
    let schedule = &standing.schedule;
    let registry = registries.iter().find(|registry| registry.no == schedule.registry);
    let names = names(registries);
    let of = registry.map_or_else(|| Link::to("/sources"), |registry| registry_link(registry.uuid));
    let what = plan(&schedule.settings.plan);
    let fires = !schedule.cancelled && schedule.next_fire != parapet_model::FOREVER;
    ScheduleRow {
        link: of.clone().part("schedules").part(&schedule.uuid.to_string()),
        registry_link: of,
        registry: registry.map(|registry| registry.settings.name.clone()).unwrap_or_default(),
        name: schedule.settings.name.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| what.clone()),
        when: cadence(schedule.settings.cadence),
        what,
        next: if fires { instant(schedule.next_fire) } else { String::new() },
        next_words: if fires { from_now(schedule.next_fire, now) } else { String::new() },
        status: standing.status.as_str(),
        last: standing.last.as_ref().map(|job| run_row(job, &names)),
        owner: schedule.owner.clone(),
    }
}

/// When a schedule fires, in words.
pub(crate) fn cadence(cadence: Option<Cadence>) -> String {
    let Some(Cadence { minute, interval_days, week_day }) = cadence else { return "once".to_owned() };
    let time = format!("{:02}:{:02} UTC", minute / 60, minute % 60);
    match (interval_days, week_day) {
        (1, _) => format!("every day at {time}"),
        (7, Some(day)) => format!("every {} at {time}", capitalized(day.as_str())),
        (days, _) => format!("every {days} days at {time}"),
    }
}

/// `MONDAY` as `Monday`.
pub(crate) fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_string() + &chars.as_str().to_lowercase()).unwrap_or_default()
}

/// What a schedule scans, in words.
pub(crate) fn plan(plan: &ScanPlan) -> String {
    let filter = |filter: &parapet_store::schedules::ScheduleFilter| {
        let names: Vec<String> = filter
            .repo_tags
            .iter()
            .map(|one| match &one.tag {
                Some(tag) => format!("{}:{tag}", one.repo),
                None => one.repo.clone(),
            })
            .collect();
        let names = if names.is_empty() { "everything".to_owned() } else { names.join(", ") };
        match filter.days {
            0 => names,
            1 => format!("{names}, built within a day"),
            days => format!("{names}, built within {days} days"),
        }
    };
    let what: Vec<String> = plan.filters.iter().map(filter).collect();
    let what = if what.is_empty() { "everything".to_owned() } else { what.join("; ") };
    match plan.newest {
        Some(newest) => format!("{what}; the newest {} of each repository", counted(newest.into(), "tag")),
        None => what,
    }
}

/// Rows of sensors, silent ones first.
pub(crate) fn sensor_rows(sensors: &[SensorView], now: Millis) -> Vec<SensorRow> {
    let row = |view: &SensorView| {
        let said = &view.sensor.registration;
        SensorRow {
            link: Link::to("/sources/sensors").part(&view.sensor.uuid.to_string()),
            name: if said.name.is_empty() { said.hostname.clone() } else { said.name.clone() },
            hostname: said.hostname.clone(),
            version: said.version.clone(),
            engine: said.engine.clone(),
            profile: view.profile.clone(),
            status: view.status.as_str(),
            silent: view.status == SensorStatus::Unknown,
            checked_in: instant(view.sensor.checked_in),
            ago: from_now(view.sensor.checked_in, now),
        }
    };
    let mut rows: Vec<SensorRow> = sensors.iter().map(row).collect();
    rows.sort_by_key(|row| !row.silent);
    rows
}
