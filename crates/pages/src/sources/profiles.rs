//! `/sources/profiles`: how sensors behave; made, changed and deleted.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use parapet_model::Permission;
use parapet_service::sensors::{NewProfile, ProfileView, SensorView};
use parapet_store::registries::Registry;
use uuid::Uuid;

use super::forms::Pick;
use super::profile_form::{Fields, KINDS, SHOWN};
use super::{HERE, all_sensors, places, registries};
use crate::dates::instant;
use crate::layout::Layout;
use crate::link::Link;
use crate::render::html;
use crate::state::Pages;
use crate::visitor::{Form, Visitor};
use crate::words::{Done, ForVisitor as _, Problem, refused, see};
use crate::{PageResult, csv, filters};

/// A profile in a list.
#[derive(Debug)]
struct Row {
    link: Link,
    name: String,
    description: String,
    kind: &'static str,
    sensors: usize,
    registries: usize,
    hours: u32,
    blackouts: usize,
    changed: String,
}

#[derive(Debug, Template)]
#[template(path = "sources/profiles.html")]
struct List {
    layout: Layout,
    places: Vec<(&'static str, &'static str)>,
    profiles: Vec<Row>,
    may_make: bool,
    may_change: bool,
    may_delete: bool,
}

/// The list.
pub(crate) async fn list(
    State(state): State<Pages>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(Done { done, format }): Query<Done>,
) -> PageResult {
    let all = state.app.sensor_profiles().list(visitor.principal()).await.shown_to(&visitor)?;
    if csv::wanted(&headers, &format) {
        let titles =
            &["profile", "description", "for", "sensors", "registries", "hours", "times_without", "changed"];
        let row = |row: Row| {
            let numbers = [row.sensors, row.registries, row.hours as usize, row.blackouts];
            let [sensors, registries, hours, blackouts] = numbers.map(|number| number.to_string());
            let kind = row.kind.to_owned();
            [row.name, row.description, kind, sensors, registries, hours, blackouts, row.changed]
        };
        return Ok(csv::short("sensor-profiles", titles, all.iter().map(self::row).map(row).collect()));
    }
    let mut layout = visitor.layout("Sensor profiles", HERE);
    layout.done = match done.as_str() {
        "saved" => "The profile is saved. Its sensors hear of it when they check in.".to_owned(),
        "deleted" => "The profile is deleted.".to_owned(),
        _ => String::new(),
    };
    Ok(html(&List {
        layout,
        places: places(&visitor),
        profiles: all.iter().map(row).collect(),
        may_make: visitor.may(Permission::SensorProfilesCreate),
        may_change: visitor.may(Permission::SensorProfilesUpdate),
        may_delete: visitor.may(Permission::SensorProfilesDelete),
    }))
}

fn row(view: &ProfileView) -> Row {
    let settings = &view.profile.settings;
    Row {
        link: Link::to("/sources/profiles").part(&view.profile.uuid.to_string()),
        name: settings.name.clone(),
        description: settings.description.clone(),
        kind: KINDS.iter().find(|(kind, ..)| *kind == settings.kind).map_or("", |(.., name)| name),
        sensors: view.sensors.len(),
        registries: settings.registries.len(),
        hours: settings.interval_hours,
        blackouts: settings.blackouts.len(),
        changed: instant(view.profile.updated),
    }
}

#[derive(Debug, Template)]
#[template(path = "sources/profile_form.html")]
struct View {
    layout: Layout,
    heading: String,
    to: Link,
    problem: Option<Problem>,
    kinds: Vec<Pick>,
    hours: Vec<Pick>,
    registries: Vec<Pick>,
    sensors: Vec<Pick>,
    more_sensors: usize,
    more_registries: usize,
    fields: Fields,
}

async fn view(
    state: &Pages,
    visitor: &Visitor,
    fields: Fields,
    old: Option<&ProfileView>,
) -> PageResult<View> {
    let (heading, to) = match old {
        Some(old) => {
            let link = Link::to("/sources/profiles").part(&old.profile.uuid.to_string());
            (format!("Change {}", old.profile.settings.name), link.part("edit"))
        }
        None => ("Make a sensor profile".to_owned(), Link::to("/sources/profiles/new")),
    };
    let (registries, sensors) = (registries(state, visitor).await?, all_sensors(state, visitor).await?);
    let box_of = |id: Uuid, name: &str, chosen: &BTreeSet<Uuid>| Pick {
        value: id.to_string(),
        name: name.to_owned(),
        chosen: chosen.contains(&id),
    };
    let registry = |r: &Registry| box_of(r.uuid, &r.settings.name, &fields.registries);
    let sensor = |s: &SensorView| box_of(s.sensor.uuid, &s.sensor.registration.name, &fields.sensors);
    let kinds = KINDS.map(|(_, word, name)| Pick::new(word, name, &fields.kind));
    let hours = ["12", "24", "48"].map(|hours| Pick::new(hours, format!("{hours} hours"), &fields.hours));
    Ok(View {
        layout: visitor.layout(&heading, HERE),
        heading,
        to,
        problem: None,
        kinds: kinds.into(),
        hours: hours.into(),
        more_registries: registries.len().saturating_sub(SHOWN),
        more_sensors: sensors.len().saturating_sub(SHOWN),
        registries: registries.iter().take(SHOWN).map(registry).collect(),
        sensors: sensors.iter().take(SHOWN).map(sensor).collect(),
        fields,
    })
}

/// The empty form.
pub(crate) async fn new(State(state): State<Pages>, visitor: Visitor) -> PageResult {
    Ok(html(&view(&state, &visitor, Fields::empty(), None).await.shown_to(&visitor)?))
}

/// The form of a profile.
pub(crate) async fn edit(State(state): State<Pages>, visitor: Visitor, Path(id): Path<Uuid>) -> PageResult {
    let old = state.app.sensor_profiles().get(visitor.principal(), id).await.shown_to(&visitor)?;
    Ok(html(&view(&state, &visitor, Fields::of(&old), Some(&old)).await.shown_to(&visitor)?))
}

/// Those of a list that the form showed.
async fn shown(state: &Pages, visitor: &Visitor) -> PageResult<(Vec<Uuid>, Vec<Uuid>)> {
    let (registries, sensors) = (registries(state, visitor).await?, all_sensors(state, visitor).await?);
    Ok((
        registries.iter().take(SHOWN).map(|registry| registry.uuid).collect(),
        sensors.iter().take(SHOWN).map(|sensor| sensor.sensor.uuid).collect(),
    ))
}

/// Makes it.
pub(crate) async fn create(State(state): State<Pages>, visitor: Visitor, form: Form) -> PageResult {
    let fields = Fields::typed(&form);
    let problem = match fields.read(None) {
        Ok(settings) => {
            let sensors = fields.sensors.iter().copied().collect();
            let new = NewProfile { settings, sensors };
            match state.app.sensor_profiles().create(visitor.principal(), &new).await {
                Ok(_) => return see(Link::to("/sources/profiles").with("done", "saved")),
                Err(error) => Problem::said(error, "").shown_to(&visitor)?,
            }
        }
        Err(problem) => problem,
    };
    again(view(&state, &visitor, fields, None).await.shown_to(&visitor)?, problem)
}

/// Changes it. What the form had no room to show stays as it was.
pub(crate) async fn update(
    State(state): State<Pages>,
    visitor: Visitor,
    Path(id): Path<Uuid>,
    form: Form,
) -> PageResult {
    let (profiles, who) = (state.app.sensor_profiles(), visitor.principal());
    let old = profiles.get(who, id).await.shown_to(&visitor)?;
    let mut fields = Fields::typed(&form);
    let (registries, sensors) = shown(&state, &visitor).await.shown_to(&visitor)?;
    let kept = |all: &[Uuid], shown: &[Uuid]| -> Vec<Uuid> {
        all.iter().filter(|id| !shown.contains(id)).copied().collect()
    };
    fields.registries.extend(kept(&old.profile.settings.registries, &registries));
    fields.sensors.extend(kept(&old.sensors, &sensors));
    let problem = match fields.read(Some(&old.profile.settings)) {
        Ok(settings) => {
            let new = NewProfile { settings, sensors: fields.sensors.iter().copied().collect() };
            match profiles.update(who, id, |_| Ok(new)).await {
                Ok(_) => return see(Link::to("/sources/profiles").with("done", "saved")),
                Err(error) => Problem::said(error, "").shown_to(&visitor)?,
            }
        }
        Err(problem) => problem,
    };
    again(view(&state, &visitor, fields, Some(&old)).await.shown_to(&visitor)?, problem)
}

/// Deletes it.
pub(crate) async fn delete(State(state): State<Pages>, visitor: Visitor, Path(id): Path<Uuid>) -> PageResult {
    state.app.sensor_profiles().delete(visitor.principal(), id).await.shown_to(&visitor)?;
    see(Link::to("/sources/profiles").with("done", "deleted"))
}

fn again(mut view: View, problem: Problem) -> PageResult {
    view.problem = Some(problem);
    Ok(refused(&view, StatusCode::BAD_REQUEST))
}
