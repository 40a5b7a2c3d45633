//! `/sources/sensors/{id}`: one sensor, what it said of itself, and whether it lives.

use askama::Template;
use axum::extract::{Path, State};
use parapet_model::Permission;
use parapet_model::sensor::{SensorKind, SensorStatus};
use uuid::Uuid;

use super::HERE;
use crate::PageResult;
use crate::dates::{from_now, instant};
use crate::layout::Layout;
use crate::link::Link;
use crate::render::html;
use crate::state::Pages;
use crate::visitor::Visitor;
use crate::words::{ForVisitor as _, see};

#[derive(Debug, Template)]
#[template(path = "sources/sensor.html")]
struct View {
    layout: Layout,
    link: Link,
    name: String,
    silent: bool,
    ago: String,
    facts: Vec<(&'static str, String)>,
    findings: Link,
    sees_profiles: bool,
    may_forget: bool,
}

/// The page.
pub(crate) async fn show(State(state): State<Pages>, visitor: Visitor, Path(id): Path<Uuid>) -> PageResult {
    let view = state.app.sensors().get(visitor.principal(), id).await.shown_to(&visitor)?;
    let (sensor, now) = (&view.sensor, state.app.now());
    let said = &sensor.registration;
    let name = if said.name.is_empty() { said.hostname.clone() } else { said.name.clone() };
    let silent = view.status == SensorStatus::Unknown;
    let kind = match said.kind {
        SensorKind::General => "a host and its engine",
        SensorKind::Registry => "registries",
        SensorKind::Cicd => "a build machine",
    };
    let labels: Vec<String> = said.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let profile = if view.profile.is_empty() { "none".to_owned() } else { view.profile.clone() };
    let facts = vec![
        ("last check-in", instant(sensor.checked_in)),
        ("last look at its engine", instant(sensor.looked)),
        ("registered", instant(sensor.created)),
        ("host", said.hostname.clone()),
        ("looks at", kind.to_owned()),
        ("system", said.os.clone()),
        ("platform", said.platform.clone()),
        ("engine", said.engine.clone()),
        ("version of the sensor", said.version.clone()),
        ("addresses", said.addresses.join(", ")),
        ("labels", labels.join(", ")),
        ("profile", profile),
        ("id", sensor.uuid.to_string()),
    ];
    Ok(html(&View {
        layout: visitor.layout(&name, HERE),
        link: Link::to("/sources/sensors").part(&id.to_string()),
        silent,
        ago: from_now(sensor.checked_in, now),
        facts: facts.into_iter().filter(|(_, value)| !value.is_empty()).collect(),
        findings: Link::to("/findings").with("where", format!("host = {:?}", said.hostname)),
        sees_profiles: visitor.may(Permission::SensorProfilesView),
        may_forget: silent && visitor.may(Permission::AssetsWrite),
        name,
    }))
}

/// Forgets one that is silent.
pub(crate) async fn delete(State(state): State<Pages>, visitor: Visitor, Path(id): Path<Uuid>) -> PageResult {
    state.app.sensors().delete(visitor.principal(), id).await.shown_to(&visitor)?;
    match visitor.may(Permission::RegistriesRead) {
        true => see(Link::to(HERE).with("done", "sensor")),
        false => see("/sources/sensors"),
    }
}
