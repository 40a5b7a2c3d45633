//! `/settings/enterprise-projects`: how assets are divided, and who is good on what.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use parapet_model::Permission;

use super::user::user_link;
use super::{HERE, places};
use crate::layout::Layout;
use crate::link::Link;
use crate::render::html;
use crate::state::Pages;
use crate::visitor::{Form, Visitor};
use crate::words::{Done, ForVisitor as _, Problem, refused, see};
use crate::{PageResult, csv};

const PATH: &str = "/settings/enterprise-projects";

/// An enterprise project in a list.
#[derive(Debug)]
struct Row {
    link: Link,
    assets: Link,
    id: String,
    name: String,
    /// Users that are granted it by name.
    users: Vec<(Link, String)>,
}

#[derive(Debug, Template)]
#[template(path = "settings/enterprise_projects.html")]
struct List {
    layout: Layout,
    places: Vec<(&'static str, &'static str)>,
    projects: Vec<Row>,
    /// Whether the visitor may divide, and sees who is granted what.
    may_change: bool,
    sees_users: bool,
    problem: Option<Problem>,
    name: String,
    id: String,
}

/// The list.
pub(crate) async fn list(
    State(state): State<Pages>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(Done { done, format }): Query<Done>,
) -> PageResult {
    let mut view = view(&state, &visitor).await.shown_to(&visitor)?;
    if csv::wanted(&headers, &format) {
        let row = |row: Row| {
            let users: Vec<String> = row.users.into_iter().map(|(_, name)| name).collect();
            [row.name, row.id, users.join(" ")]
        };
        let rows = view.projects.into_iter().map(row).collect();
        return Ok(csv::short("enterprise-projects", &["name", "id", "users"], rows));
    }
    view.layout.done = match done.as_str() {
        "made" => "The enterprise project is made. Assets are put into it on their own pages or by the API.",
        "renamed" => "The name is changed.",
        _ => "",
    }
    .to_owned();
    Ok(html(&view))
}

async fn view(state: &Pages, visitor: &Visitor) -> PageResult<List> {
    let (accounts, who) = (state.app.accounts(), visitor.principal());
    let projects = accounts.enterprise_projects(who).await?;
    let sees_users = visitor.may(Permission::UsersWrite);
    let memberships = if sees_users { accounts.grants(who).await? } else { Vec::new() };
    let row = |row: parapet_model::facts::EnterpriseProjectRow| {
        let own = memberships.iter().filter(|(_, granted)| granted.contains(&row.no));
        Row {
            link: Link::to(PATH).part(&row.id),
            assets: Link::to("/assets").with("where", format!("enterprise_project = {:?}", row.name)),
            users: own.map(|(name, _)| (user_link(name), name.clone())).collect(),
            id: row.id,
            name: row.name,
        }
    };
    Ok(List {
        layout: visitor.layout("Enterprise projects", HERE),
        places: places(visitor),
        projects: projects.into_iter().map(row).collect(),
        // Whoever divides sees all.
        may_change: sees_users && who.enterprise_projects.is_none(),
        sees_users,
        problem: None,
        name: String::new(),
        id: String::new(),
    })
}

/// Makes one.
pub(crate) async fn create(State(state): State<Pages>, visitor: Visitor, form: Form) -> PageResult {
    let (name, id) = (form.text("name"), form.text("id"));
    let given = Some(id).filter(|id| !id.is_empty());
    let problem = if name.is_empty() {
        Problem::of("name", "It needs a name.")
    } else {
        match state.app.accounts().create_enterprise_project(visitor.principal(), name, given).await {
            Ok(_) => return see(Link::to(PATH).with("done", "made")),
            Err(error) => Problem::said(error, "name").shown_to(&visitor)?,
        }
    };
    let mut view = view(&state, &visitor).await.shown_to(&visitor)?;
    (view.problem, view.name, view.id) = (Some(problem), name.to_owned(), id.to_owned());
    Ok(refused(&view, StatusCode::BAD_REQUEST))
}

/// Gives one another name.
pub(crate) async fn rename(
    State(state): State<Pages>,
    visitor: Visitor,
    Path(id): Path<String>,
    form: Form,
) -> PageResult {
    let name = form.text("name");
    match state.app.accounts().rename_enterprise_project(visitor.principal(), &id, name).await {
        Ok(_) => see(Link::to(PATH).with("done", "renamed")),
        Err(error) => {
            let problem = Problem::said(error, "rename").shown_to(&visitor)?;
            let mut view = view(&state, &visitor).await.shown_to(&visitor)?;
            view.problem = Some(Problem::of("rename", problem.text));
            Ok(refused(&view, StatusCode::BAD_REQUEST))
        }
    }
}
