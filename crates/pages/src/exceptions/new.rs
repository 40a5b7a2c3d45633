//! `/exceptions/new`: ask for one, with its effect beforehand.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use parapet_model::exception::{Exception, ExceptionState};
use parapet_model::{Millis, Scope, Severity};
use parapet_posture::{Counts, Effect, Snapshot};
use parapet_service::Error;

use super::typed::{Errors, Typed};
use super::{link_of, words};
use crate::PageResult;
use crate::filters;
use crate::layout::Layout;
use crate::link::Link;
use crate::parts::counted;
use crate::question::asked;
use crate::render::html;
use crate::state::Pages;
use crate::visitor::{Form, Visitor};
use crate::words::refused;

/// What an exception covers.
#[derive(Debug)]
pub(crate) struct Foreseen {
    /// The numbers.
    pub(crate) effect: Effect,
    /// Findings that it alone hides, worst severity first; those without any are left out.
    pub(crate) bands: Vec<(Severity, u64, u64)>,
    /// What it is for, in words.
    pub(crate) covers: String,
    /// The findings; `None` when no question says it.
    pub(crate) findings: Option<Link>,
    /// Whether it is in force.
    pub(crate) holds: bool,
}

impl Foreseen {
    /// Asks posture what an exception covers.
    pub(crate) fn of(
        exception: &Exception,
        snapshot: &Snapshot,
        scope: &Scope,
        now: Millis,
        holds: bool,
    ) -> Self {
        let effect = snapshot.effect(exception, scope, now);
        let band = |band| {
            let counts = effect.alone.severity(band);
            (band, counts.findings, counts.vulnerabilities)
        };
        Self {
            effect,
            bands: Severity::WORST_FIRST.map(band).into_iter().filter(|(_, n, _)| *n > 0).collect(),
            covers: words::covers(exception, snapshot, scope),
            findings: words::question(exception, snapshot, scope)
                .map(|filter| asked(&Link::to("/findings"), &filter)),
            holds,
        }
    }

    /// Findings that it alone hides.
    pub(crate) fn findings_alone(&self) -> String {
        counted(self.effect.alone.findings, "finding")
    }

    /// What else there is to say of them.
    pub(crate) fn alone(&self) -> String {
        let Counts { vulnerabilities, assets, fixable, kev, .. } = self.effect.alone;
        let (vulnerabilities, assets) = (counted(vulnerabilities, "vulnerability"), counted(assets, "asset"));
        format!("{vulnerabilities} on {assets}; with a fix {fixable}, known to be exploited {kev}")
    }
}

/// The form.
#[derive(Debug, Template)]
#[template(path = "exceptions_new.html")]
struct New {
    layout: Layout,
    typed: Typed,
    errors: Errors,
    /// The effect, when it was asked for.
    foreseen: Option<Foreseen>,
    /// Where the effect can be asked for.
    load: Option<String>,
    /// Whether it is approved at once.
    approves: bool,
}

/// The effect alone.
#[derive(Debug, Template)]
#[template(path = "exceptions_foreseen.html")]
struct Part {
    layout: Layout,
    foreseen: Option<Foreseen>,
    errors: Errors,
}

impl Part {
    /// What to say in place of the effect.
    fn problem(&self) -> &str {
        let errors = &self.errors;
        let texts = [&errors.where_, &errors.assets, &errors.vulnerabilities, &errors.start, &errors.end];
        let text = texts.into_iter().chain([&errors.whole]).find(|text| !text.is_empty());
        text.map_or("The question cannot be read yet.", String::as_str)
    }
}

/// The form, with what the address says already filled in.
pub(crate) async fn ask(
    State(state): State<Pages>,
    visitor: Visitor,
    Query(typed): Query<Typed>,
) -> PageResult {
    let load = typed.says_for_what().then(|| effect_link(&typed).to_string());
    Ok(html(&new(&state, &visitor, typed, Errors::default(), None, load)))
}

/// The part of the form that takes longer, and a page of its own.
pub(crate) async fn effect(
    State(state): State<Pages>,
    visitor: Visitor,
    Query(typed): Query<Typed>,
) -> PageResult {
    let layout = visitor.layout("What an exception would hide", "/exceptions");
    let part = match foresee(&state, &visitor, &typed).await? {
        Ok(foreseen) => Part { layout, foreseen: Some(foreseen), errors: Errors::default() },
        Err(errors) => Part { layout, foreseen: None, errors: *errors },
    };
    Ok(html(&part))
}

/// Previews, or asks for it.
pub(crate) async fn request(State(state): State<Pages>, visitor: Visitor, form: Form) -> PageResult {
    let typed = Typed::of(&form);
    if form.text("act") != "request" {
        return Ok(match foresee(&state, &visitor, &typed).await? {
            Ok(foreseen) => html(&new(&state, &visitor, typed, Errors::default(), Some(foreseen), None)),
            Err(errors) => {
                refused(&new(&state, &visitor, typed, *errors, None, None), StatusCode::BAD_REQUEST)
            }
        });
    }
    let (snapshot, scope) = (state.app.live().snapshot(), visitor.principal().scope());
    let errors = match typed.read(&snapshot, &scope, state.app.now()) {
        Ok(wanted) => match state.app.exceptions().create(visitor.principal(), &wanted).await {
            Ok(made) => {
                let done = match made.state {
                    ExceptionState::Approved => "approved",
                    _ => "requested",
                };
                return Ok(Redirect::to(&link_of(&made).with("done", done).to_string()).into_response());
            }
            Err(Error::Invalid(why)) => Errors { whole: why, ..Errors::default() },
            Err(other) => return Err(other.into()),
        },
        Err(errors) => *errors,
    };
    Ok(refused(&new(&state, &visitor, typed, errors, None, None), StatusCode::BAD_REQUEST))
}

fn new(
    state: &Pages,
    visitor: &Visitor,
    typed: Typed,
    errors: Errors,
    foreseen: Option<Foreseen>,
    load: Option<String>,
) -> New {
    New {
        layout: visitor.layout("New exception", "/exceptions"),
        typed,
        errors,
        foreseen,
        load,
        approves: state.app.exceptions().approves(visitor.principal()),
    }
}

/// The effect of what was typed, whatever its title.
async fn foresee(
    state: &Pages,
    visitor: &Visitor,
    typed: &Typed,
) -> PageResult<Result<Foreseen, Box<Errors>>> {
    let (snapshot, scope, now) = (state.app.live().snapshot(), visitor.principal().scope(), state.app.now());
    let titled = Typed { title: "preview".to_owned(), ..typed.clone() };
    let wanted = match titled.read(&snapshot, &scope, now) {
        Ok(wanted) => wanted,
        Err(errors) => return Ok(Err(errors)),
    };
    let drafted = match state.app.exceptions().drafted(visitor.principal(), &wanted).await {
        Ok(drafted) => drafted,
        Err(Error::Invalid(whole)) => return Ok(Err(Box::new(Errors { whole, ..Errors::default() }))),
        Err(other) => return Err(other.into()),
    };
    Ok(Ok(state.turns.work(move || Foreseen::of(&drafted, &snapshot, &scope, now, false)).await?))
}

/// Where the effect of what was typed can be asked for.
fn effect_link(typed: &Typed) -> Link {
    Link::to("/exceptions/new/effect")
        .with("scope", typed.scope.clone())
        .with("where", typed.where_.clone())
        .with("kind", typed.kind.clone())
        .with("assets", typed.assets.clone())
        .with("vulnerabilities", typed.vulnerabilities.clone())
        .with("start", typed.start.clone())
        .with("until", typed.until.clone())
        .with("end", typed.end.clone())
}
