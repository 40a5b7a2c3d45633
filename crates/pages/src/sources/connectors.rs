//! `/sources/connectors`: how registries of clouds are signed in to.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use parapet_model::Permission;
use parapet_store::connectors::{Cloud, Connector, ConnectorSettings};
use parapet_store::seal::Secret;
use uuid::Uuid;

use super::forms::Pick;
use super::{HERE, all_connectors, places};
use crate::dates::instant;
use crate::layout::Layout;
use crate::link::Link;
use crate::render::html;
use crate::state::Pages;
use crate::visitor::{Form, Visitor};
use crate::words::{Done, ForVisitor as _, Problem, refused, see, unkept};
use crate::{PageError, PageResult, csv};

const CLOUDS: [(Cloud, &str, &str); 3] =
    [(Cloud::Aws, "aws", "Amazon"), (Cloud::Azure, "azure", "Azure"), (Cloud::Google, "google", "Google")];

/// A connector in a list.
#[derive(Debug)]
struct Row {
    link: Link,
    name: String,
    description: String,
    cloud: &'static str,
    identity: String,
    added: String,
}

#[derive(Debug, Template)]
#[template(path = "sources/connectors.html")]
struct List {
    layout: Layout,
    places: Vec<(&'static str, &'static str)>,
    connectors: Vec<Row>,
    may_change: bool,
    problem: Option<Problem>,
    clouds: Vec<Pick>,
    account_types: Vec<Pick>,
    /// Account and external id that a role at AWS must trust.
    aws: Option<(String, u64)>,
    typed: ConnectorSettings,
}

fn empty() -> ConnectorSettings {
    ConnectorSettings {
        cloud: Cloud::Aws,
        name: String::new(),
        description: String::new(),
        identity: String::new(),
        external_id: String::new(),
        account_type: "Global".to_owned(),
        tenant: String::new(),
    }
}

/// The list, and the form of a new one.
pub(crate) async fn list(
    State(state): State<Pages>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(Done { done, format }): Query<Done>,
) -> PageResult {
    let mut list = view(&state, &visitor, empty()).await.shown_to(&visitor)?;
    if csv::wanted(&headers, &format) {
        let row = |row: Row| [row.name, row.description, row.cloud.to_owned(), row.identity, row.added];
        let rows = list.connectors.into_iter().map(row).collect();
        return Ok(csv::short("connectors", &["name", "description", "cloud", "identity", "added"], rows));
    }
    list.layout.done = match done.as_str() {
        "saved" => "The connector is saved.".to_owned(),
        "deleted" => "The connector is deleted.".to_owned(),
        _ => String::new(),
    };
    Ok(html(&list))
}

async fn view(state: &Pages, visitor: &Visitor, typed: ConnectorSettings) -> PageResult<List> {
    let all = all_connectors(state, visitor).await?;
    let clouds = CLOUDS.map(|(cloud, word, name)| Pick {
        value: word.to_owned(),
        name: name.to_owned(),
        chosen: cloud == typed.cloud,
    });
    let types = [("Global", "Global"), ("US_Gov", "US Gov")];
    Ok(List {
        layout: visitor.layout("Connectors", HERE),
        places: places(visitor),
        connectors: all.into_iter().map(row).collect(),
        may_change: visitor.may(Permission::RegistriesWrite),
        problem: None,
        clouds: clouds.into(),
        account_types: types.map(|(word, name)| Pick::new(word, name, &typed.account_type)).into(),
        aws: state.app.connectors().aws_base(visitor.principal()).ok(),
        typed,
    })
}

fn row(connector: Connector) -> Row {
    let settings = connector.settings;
    Row {
        link: Link::to("/sources/connectors").part(&connector.uuid.to_string()),
        name: settings.name,
        description: settings.description,
        cloud: CLOUDS.iter().find(|(cloud, ..)| *cloud == settings.cloud).map_or("", |(.., name)| name),
        identity: settings.identity,
        added: instant(connector.created),
    }
}

/// Makes one.
pub(crate) async fn create(State(state): State<Pages>, visitor: Visitor, form: Form) -> PageResult {
    let text = |name: &str| form.text(name).to_owned();
    let cloud = CLOUDS.iter().find(|(_, word, _)| *word == form.text("cloud"));
    let is_aws = cloud.is_none_or(|(cloud, ..)| *cloud == Cloud::Aws);
    let settings = ConnectorSettings {
        cloud: cloud.map_or(Cloud::Aws, |(cloud, ..)| *cloud),
        name: text("name"),
        description: text("description"),
        identity: text("identity"),
        external_id: text("external_id"),
        // Only AWS has kinds of accounts.
        account_type: if is_aws { text("account_type") } else { String::new() },
        tenant: text("tenant"),
    };
    let problem = if cloud.is_none() {
        Problem::of("cloud", "Choose a cloud.")
    } else if settings.name.is_empty() {
        Problem::of("name", "It needs a name.")
    } else {
        let secret = Secret::new(form.raw("secret").to_owned());
        match state.app.connectors().create(visitor.principal(), &settings, &secret).await {
            Ok(_) => return see(Link::to("/sources/connectors").with("done", "saved")),
            Err(error) => Problem::said(error, "identity").shown_to(&visitor)?,
        }
    };
    let mut list = view(&state, &visitor, settings).await.shown_to(&visitor)?;
    list.problem = Some(problem);
    Ok(unkept(refused(&list, StatusCode::BAD_REQUEST)))
}

/// Deletes one that no registry uses.
pub(crate) async fn delete(State(state): State<Pages>, visitor: Visitor, Path(id): Path<Uuid>) -> PageResult {
    let all = all_connectors(&state, &visitor).await.shown_to(&visitor)?;
    let found = all.into_iter().find(|connector| connector.uuid == id);
    let found = found.ok_or_else(|| PageError::not_found("connector").to(&visitor))?;
    let connectors = state.app.connectors();
    match connectors.delete(visitor.principal(), found.settings.cloud, &id.to_string()).await {
        Ok(()) => see(Link::to("/sources/connectors").with("done", "deleted")),
        Err(parapet_service::Error::Conflict(why)) => {
            let mut list = view(&state, &visitor, empty()).await.shown_to(&visitor)?;
            list.problem = Some(Problem::of("delete", why));
            Ok(refused(&list, StatusCode::CONFLICT))
        }
        Err(error) => Err(error).shown_to(&visitor),
    }
}
