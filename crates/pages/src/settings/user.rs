//! `/settings/users/{name}`: one user: roles, grants, keys, password, switched off.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use parapet_service::{Changeable, Error};
use parapet_store::seal::Secret;

use super::HERE;
use super::users::made_up;
use crate::PageResult;
use crate::dates::instant;
use crate::layout::Layout;
use crate::link::Link;
use crate::render::html;
use crate::state::Pages;
use crate::visitor::{Form, Visitor};
use crate::words::{Done, ForVisitor as _, Problem, refused, see, unkept};

/// The page of a user.
pub(super) fn user_link(name: &str) -> Link {
    Link::to("/settings/users").part(name)
}

/// The password of a form, or one made up; and whether it was.
pub(super) fn password_of(form: &Form) -> (Secret, bool) {
    match form.raw("password") {
        "" => (made_up(), true),
        typed => (Secret::new(typed.to_owned()), false),
    }
}

#[derive(Debug, Template)]
#[template(path = "settings/shown_once.html")]
struct ShownOnce {
    layout: Layout,
    heading: &'static str,
    facts: Vec<(&'static str, String)>,
    on: Link,
}

/// A secret that was made just now. Nobody keeps the answer.
pub(super) fn shown_once(
    visitor: &Visitor,
    heading: &'static str,
    facts: Vec<(&'static str, String)>,
    on: Link,
) -> Response {
    unkept(html(&ShownOnce { layout: visitor.layout(heading, HERE), heading, facts, on }))
}

/// A key pair in a list.
#[derive(Debug)]
struct KeyRow {
    access_key: String,
    made: String,
    disabled: bool,
}

/// A box of a form.
#[derive(Debug)]
struct Box {
    value: String,
    name: String,
    chosen: bool,
}

#[derive(Debug, Template)]
#[template(path = "settings/user.html")]
struct View {
    layout: Layout,
    link: Link,
    name: String,
    id: String,
    made: String,
    disabled: bool,
    oneself: bool,
    roles: Vec<Box>,
    grants: Vec<Box>,
    /// Good on all enterprise projects.
    all_granted: bool,
    /// Whether the visitor may grant all, because they see all.
    may_grant_all: bool,
    in_project: bool,
    /// What the visitor may change.
    changeable: Changeable,
    /// The roles the user has.
    held: Vec<String>,
    keys: Vec<KeyRow>,
    problem: Option<Problem>,
}

/// The page.
pub(crate) async fn show(
    State(state): State<Pages>,
    visitor: Visitor,
    Path(name): Path<String>,
    Query(Done { done, .. }): Query<Done>,
) -> PageResult {
    let mut view = view(&state, &visitor, &name).await.shown_to(&visitor)?;
    view.layout.done = match done.as_str() {
        "made" => "The user is made.",
        "password" => "The password is set. Everything the user signed in with has ended.",
        "disabled" => "The user is disabled. Everything they signed in with has ended.",
        "enabled" => "The user is enabled.",
        "roles" => "The roles are set.",
        "granted" => "The grants are set.",
        "key" => "The key pair is deleted.",
        _ => "",
    }
    .to_owned();
    Ok(html(&view))
}

async fn view(state: &Pages, visitor: &Visitor, name: &str) -> PageResult<View> {
    let (accounts, who) = (state.app.accounts(), visitor.principal());
    let (user, membership) = accounts.user(who, name).await?;
    let keys = accounts.keys(who, name).await?;
    let changeable = accounts.changeable(who, name).await?;
    let roles = accounts.roles_to_give(who).await?;
    let projects = match visitor.may(parapet_model::Permission::FindingsRead) {
        true => accounts.enterprise_projects(who).await?,
        false => Vec::new(),
    };
    let held = membership.as_ref().map(|own| own.roles.clone()).unwrap_or_default();
    let granted = membership.as_ref().and_then(|own| own.enterprise_projects.clone());
    let chosen = granted.clone().unwrap_or_default();
    Ok(View {
        layout: visitor.layout(&user.name, HERE),
        link: user_link(&user.name),
        id: user.uuid.to_string(),
        made: instant(user.created),
        disabled: user.disabled,
        oneself: user.no == who.user,
        roles: roles
            .into_iter()
            .map(|role| Box { chosen: held.contains(&role.name), value: role.name.clone(), name: role.name })
            .collect(),
        grants: projects
            .into_iter()
            .map(|row| Box { chosen: chosen.contains(&row.no), value: row.id, name: row.name })
            .collect(),
        all_granted: granted.is_none(),
        may_grant_all: who.enterprise_projects.is_none(),
        in_project: membership.is_some(),
        changeable,
        held: held.iter().cloned().collect(),
        keys: keys
            .into_iter()
            .map(|key| KeyRow {
                access_key: key.access_key,
                made: instant(key.created),
                disabled: key.disabled,
            })
            .collect(),
        problem: None,
        name: user.name,
    })
}

/// Back to the page, which says what was done; or the page with what is wrong with a field, unless that is
/// no matter of the form.
async fn after(
    state: &Pages,
    visitor: &Visitor,
    name: &str,
    outcome: Result<(), Error>,
    (done, field): (&'static str, &'static str),
) -> PageResult {
    let Err(error) = outcome else { return see(user_link(name).with("done", done)) };
    let problem = Problem::said(error, field).shown_to(visitor)?;
    let mut view = view(state, visitor, name).await.shown_to(visitor)?;
    view.problem = Some(problem);
    Ok(unkept(refused(&view, StatusCode::BAD_REQUEST)))
}

/// Sets a password; without one it is made up and shown once.
pub(crate) async fn set_password(
    State(state): State<Pages>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Form,
) -> PageResult {
    let (password, made_up) = password_of(&form);
    let shown = password.expose().to_owned();
    let outcome = state.app.accounts().set_password(visitor.principal(), &name, password).await;
    if made_up && outcome.is_ok() {
        let facts = vec![("user", name.clone()), ("password", shown)];
        return Ok(shown_once(&visitor, "A password was set", facts, user_link(&name)));
    }
    after(&state, &visitor, &name, outcome, ("password", "password")).await
}

/// Switches a user off or on.
pub(crate) async fn set_state(
    State(state): State<Pages>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Form,
) -> PageResult {
    let (accounts, who) = (state.app.accounts(), visitor.principal());
    let (outcome, done) = match form.text("state") {
        "disabled" => (accounts.set_disabled(who, &name, true).await, "disabled"),
        "enabled" => (accounts.set_disabled(who, &name, false).await, "enabled"),
        _ => (Err(Error::Invalid("a user is disabled or enabled".to_owned())), ""),
    };
    after(&state, &visitor, &name, outcome, (done, "state")).await
}

/// Sets the roles.
pub(crate) async fn set_roles(
    State(state): State<Pages>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Form,
) -> PageResult {
    let roles: Vec<String> = form.all("role").map(str::to_owned).collect();
    let outcome = state.app.accounts().set_roles(visitor.principal(), &name, &roles).await;
    after(&state, &visitor, &name, outcome, ("roles", "role")).await
}

/// Says on which enterprise projects the rights are good.
pub(crate) async fn grant(
    State(state): State<Pages>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Form,
) -> PageResult {
    let (accounts, who) = (state.app.accounts(), visitor.principal());
    let ids: BTreeSet<String> = form.all("project").map(str::to_owned).collect();
    let ids: Vec<String> = ids.into_iter().collect();
    let all = form.text("good_on") == "all";
    let outcome = accounts.grant(who, &name, if all { None } else { Some(&ids) }).await;
    after(&state, &visitor, &name, outcome, ("granted", "grant")).await
}

/// Makes a key pair; its secret is in this one answer and nowhere else.
pub(crate) async fn create_key(
    State(state): State<Pages>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> PageResult {
    let key = state.app.accounts().create_key(visitor.principal(), &name).await.shown_to(&visitor)?;
    let facts = vec![
        ("user", name.clone()),
        ("access key", key.access_key),
        ("secret", key.secret.expose().to_owned()),
        ("project id", key.project_id),
    ];
    Ok(shown_once(&visitor, "A key pair was made", facts, user_link(&name)))
}

/// Deletes a key pair of the user.
pub(crate) async fn delete_key(
    State(state): State<Pages>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Form,
) -> PageResult {
    let (accounts, who) = (state.app.accounts(), visitor.principal());
    let access_key = form.text("key");
    let own = accounts.keys(who, &name).await.shown_to(&visitor)?;
    if !own.iter().any(|key| key.access_key == access_key) {
        return Err(Error::NotFound("key".to_owned())).shown_to(&visitor);
    }
    accounts.delete_key(who, access_key).await.shown_to(&visitor)?;
    see(user_link(&name).with("done", "key"))
}
