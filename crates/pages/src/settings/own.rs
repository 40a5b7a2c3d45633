//! `/settings`: yourself. And what is kept how long.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use parapet_service::{Error, Retained, retention};
use parapet_store::seal::Secret;

use super::{HERE, places};
use crate::PageResult;
use crate::filters;
use crate::layout::Layout;
use crate::render::html;
use crate::state::Pages;
use crate::visitor::{Form, Visitor};
use crate::words::{ForVisitor as _, Problem, refused, see, unkept};

#[derive(Debug, Template)]
#[template(path = "settings/own.html")]
struct View {
    layout: Layout,
    places: Vec<(&'static str, &'static str)>,
    user: String,
    rights: Vec<&'static str>,
    /// How many enterprise projects are granted; `None` for all.
    granted: Option<usize>,
    problem: Option<Problem>,
}

fn view(visitor: &Visitor, problem: Option<Problem>) -> View {
    let who = visitor.principal();
    View {
        layout: visitor.layout("Settings", HERE),
        places: places(visitor),
        user: who.name.clone(),
        rights: who.permissions.iter().map(|right| right.as_str()).collect(),
        granted: who.enterprise_projects.as_ref().map(std::collections::BTreeSet::len),
        problem,
    }
}

/// The page.
pub(crate) async fn show(visitor: Visitor) -> PageResult {
    Ok(html(&view(&visitor, None)))
}

/// Sets the visitor's own password. All their sessions end, this one too.
pub(crate) async fn change_password(State(state): State<Pages>, visitor: Visitor, form: Form) -> PageResult {
    let (present, new) = (form.raw("present"), form.raw("new"));
    let problem = if present.is_empty() {
        Problem::of("present", "Type the password you sign in with now.")
    } else if new != form.raw("again") {
        Problem::of("again", "This is not the same as above.")
    } else {
        let (present, new) = (Secret::new(present.to_owned()), Secret::new(new.to_owned()));
        match state.app.accounts().change_password(visitor.principal(), present, new).await {
            Ok(()) => return see("/sign-in?to=%2Fsettings"),
            Err(error @ Error::Throttled(_)) => return Err(error).shown_to(&visitor),
            Err(error) => {
                let field = if error.to_string().contains("present") { "present" } else { "new" };
                Problem::said(error, field).shown_to(&visitor)?
            }
        }
    };
    Ok(unkept(refused(&view(&visitor, Some(problem)), StatusCode::BAD_REQUEST)))
}

#[derive(Debug, Template)]
#[template(path = "settings/retention.html")]
struct Retention {
    layout: Layout,
    places: Vec<(&'static str, &'static str)>,
    rows: Vec<Retained>,
}

/// What is kept how long.
pub(crate) async fn retained(visitor: Visitor) -> PageResult {
    Ok(html(&Retention {
        layout: visitor.layout("Retention", HERE),
        places: places(&visitor),
        rows: retention(),
    }))
}
