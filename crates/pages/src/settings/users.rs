//! `/settings/users` and `/settings/roles`: who may do what.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use parapet_model::{Permission, Role};
use parapet_service::ListedUser;
use parapet_store::seal::Secret;
use serde::Deserialize;

use super::user::{password_of, shown_once, user_link};
use super::{HERE, places};
use crate::dates::instant;
use crate::layout::Layout;
use crate::link::Link;
use crate::parts::Pager;
use crate::render::html;
use crate::state::Pages;
use crate::visitor::{Form, Visitor};
use crate::words::{ForVisitor as _, Problem, refused, see, unkept};
use crate::{PageResult, csv, filters};

/// Users of a page.
const ROWS: usize = 50;

/// A user in a list.
#[derive(Debug)]
struct Row {
    link: Link,
    name: String,
    roles: String,
    disabled: bool,
    oneself: bool,
    created: String,
}

#[derive(Debug, Template)]
#[template(path = "settings/users.html")]
struct List {
    layout: Layout,
    places: Vec<(&'static str, &'static str)>,
    users: Vec<Row>,
    pager: Pager,
    csv: Link,
    problem: Option<Problem>,
    name: String,
    /// Role, whether it is chosen.
    roles: Vec<(String, bool)>,
}

/// The state of the list.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Params {
    #[serde(default)]
    offset: usize,
    #[serde(default)]
    format: String,
}

fn row(listed: &ListedUser, visitor: &Visitor) -> Row {
    let roles: Vec<&str> = listed.roles.iter().map(String::as_str).collect();
    Row {
        link: user_link(&listed.user.name),
        name: listed.user.name.clone(),
        roles: roles.join(", "),
        disabled: listed.user.disabled,
        oneself: listed.user.no == visitor.principal().user,
        created: instant(listed.user.created),
    }
}

/// The list, and the form of a new one.
pub(crate) async fn list(
    State(state): State<Pages>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(params): Query<Params>,
) -> PageResult {
    if csv::wanted(&headers, &params.format) {
        let all = state.app.accounts().list_in_project(visitor.principal()).await.shown_to(&visitor)?;
        let rows: Vec<Row> = all.iter().map(|listed| row(listed, &visitor)).collect();
        return Ok(csv::answer("users", &["user", "roles", "state", "created"], move |table| {
            rows.iter().try_for_each(|row| {
                let standing = if row.disabled { "disabled" } else { "enabled" };
                table.row([row.name.as_str(), &row.roles, standing, &row.created])
            })
        }));
    }
    Ok(html(&view(&state, &visitor, params.offset).await.shown_to(&visitor)?))
}

async fn view(state: &Pages, visitor: &Visitor, offset: usize) -> PageResult<List> {
    let (accounts, who) = (state.app.accounts(), visitor.principal());
    let all = accounts.list_in_project(who).await?;
    let roles = accounts.roles_to_give(who).await?;
    let users: Vec<Row> = all.iter().skip(offset).take(ROWS).map(|listed| row(listed, visitor)).collect();
    let link = Link::to("/settings/users");
    Ok(List {
        layout: visitor.layout("Users", HERE),
        places: places(visitor),
        pager: Pager::new(&link, offset, ROWS, users.len(), all.len()),
        users,
        csv: link.with("format", "csv"),
        problem: None,
        name: String::new(),
        roles: roles.into_iter().map(|role| (role.name, false)).collect(),
    })
}

/// Makes one. Without a password one is made up and shown once.
pub(crate) async fn create(State(state): State<Pages>, visitor: Visitor, form: Form) -> PageResult {
    let name = form.text("name");
    let roles: Vec<String> = form.all("role").map(str::to_owned).collect();
    let (password, made_up) = password_of(&form);
    let problem = if name.is_empty() {
        Problem::of("name", "It needs a name.")
    } else if roles.is_empty() {
        Problem::of("role", "Choose at least one role.")
    } else {
        let shown = password.expose().to_owned();
        match state.app.accounts().create_user(visitor.principal(), name, password, &roles).await {
            Ok(user) if made_up => {
                let facts = vec![("user", user.name.clone()), ("password", shown)];
                return Ok(shown_once(&visitor, "A user was made", facts, user_link(&user.name)));
            }
            Ok(user) => return see(user_link(&user.name).with("done", "made")),
            Err(error) => {
                let field = if error.to_string().contains("password") { "password" } else { "name" };
                Problem::said(error, field).shown_to(&visitor)?
            }
        }
    };
    let mut view = view(&state, &visitor, 0).await.shown_to(&visitor)?;
    view.problem = Some(problem);
    view.name = name.to_owned();
    view.roles.iter_mut().for_each(|(role, chosen)| *chosen = roles.contains(role));
    Ok(unkept(refused(&view, StatusCode::BAD_REQUEST)))
}

#[derive(Debug, Template)]
#[template(path = "settings/roles.html")]
struct Roles {
    layout: Layout,
    places: Vec<(&'static str, &'static str)>,
    /// Role and how many users have it.
    roles: Vec<(String, usize)>,
    /// Right, and whether each role has it.
    rights: Vec<(&'static str, Vec<bool>)>,
}

/// Roles with their rights.
pub(crate) async fn roles(State(state): State<Pages>, visitor: Visitor) -> PageResult {
    let (accounts, who) = (state.app.accounts(), visitor.principal());
    let roles = accounts.roles(who).await.shown_to(&visitor)?;
    let users = accounts.list_in_project(who).await.shown_to(&visitor)?;
    let having = |role: &Role| users.iter().filter(|user| user.roles.contains(&role.name)).count();
    let holds = |right: &Permission| roles.iter().map(|role| role.permissions.contains(right)).collect();
    Ok(html(&Roles {
        layout: visitor.layout("Roles", HERE),
        places: places(&visitor),
        rights: Permission::ALL.iter().map(|right| (right.as_str(), holds(right))).collect(),
        roles: roles.iter().map(|role| (role.name.clone(), having(role))).collect(),
    }))
}

/// A password that nobody chose.
pub(super) fn made_up() -> Secret {
    const ALPHABET: &[u8] = b"abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    Secret::random(24, ALPHABET)
}
