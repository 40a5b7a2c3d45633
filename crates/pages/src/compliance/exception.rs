//! `/compliance/exceptions/{number}`: one exception of a control, and the decision.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect};
use parapet_model::compliance::WHOLE_HOST;
use parapet_model::exception::ExceptionState;
use parapet_model::lifecycle::Standing;
use parapet_model::{Permission, Ranges};
use parapet_service::Error;
use parapet_service::control_exceptions::{Batch, Change, Listed, WhyNot};

use super::exceptions::{Row, row, stand};
use crate::dates::minute;
use crate::exceptions::typed::{end_typed, known_until};
use crate::layout::Layout;
use crate::link::Link;
use crate::render::html;
use crate::state::Pages;
use crate::visitor::{Form, Visitor};
use crate::words::{Done, Known as _, refused};
use crate::{PageError, PageResult};

/// Characters of a text, which nothing here is longer than.
const TEXT: usize = 10_000;

/// The page of one.
#[derive(Debug, Template)]
#[template(path = "compliance_exception.html")]
struct One {
    layout: Layout,
    here: Link,
    row: Row,
    result: Option<Link>,
    instance: String,
    start: String,
    end: String,
    reopens: bool,
    /// When, who, what, and what they said; the newest first.
    history: Vec<(String, String, String, String)>,
    steps: Vec<(&'static str, &'static str, &'static str)>,
    may_approve: bool,
    may_comment: bool,
    wants_others: bool,
    note: String,
    until: String,
    end_typed: String,
    end_problem: String,
    problem: String,
}

impl One {
    /// Whether it can be approved here.
    fn offers_approval(&self) -> bool {
        self.steps.iter().any(|(word, ..)| *word == "approve")
    }
}

/// What was typed into the form of the decision.
#[derive(Debug, Default)]
struct Typed {
    note: String,
    until: String,
    end: String,
    end_problem: String,
    problem: String,
}

/// The page of one.
pub(crate) async fn one(
    State(state): State<Pages>,
    visitor: Visitor,
    headers: HeaderMap,
    Path(number): Path<String>,
    Query(Done { done, .. }): Query<Done>,
) -> PageResult {
    let stamp = super::stamp(&state, &visitor).await?;
    if let Some(answer) = stamp.unchanged(&headers) {
        return Ok(answer);
    }
    let listed = found(&state, &visitor, &number).await?;
    Ok(stamp.on(html(&page(&state, &visitor, listed, Typed::default(), &done).await?)))
}

async fn found(state: &Pages, visitor: &Visitor, number: &str) -> PageResult<Listed> {
    let no: u32 = number.parse().ok().known("exception", visitor)?;
    state.app.control_exceptions().one(visitor.principal(), no.into()).await.known("exception", visitor)
}

/// Takes a decision.
pub(crate) async fn decide(
    State(state): State<Pages>,
    visitor: Visitor,
    Path(number): Path<String>,
    form: Form,
) -> PageResult {
    let listed = found(&state, &visitor, &number).await?;
    let numbers = Ranges::from_each([u64::from(listed.exception.no.0)]);
    let text = |name: &str| form.text(name).to_owned();
    let mut typed = Typed { note: text("note"), until: text("until"), end: text("end"), ..Typed::default() };
    let change = Change { comment: typed.note.clone(), ..Change::default() };
    let now = state.app.now();
    let (service, who) = (state.app.control_exceptions(), visitor.principal());
    let (done, outcome) = match form.text("act") {
        "approve" => match end_typed(known_until(&typed.until), &typed.end, now, now) {
            Ok(end) => {
                let status = Some(ExceptionState::Approved);
                (
                    "approved",
                    service.update(who, &numbers, &Change { status, end: Some(end), ..change }).await,
                )
            }
            Err(why) => {
                typed.end_problem = why;
                let page = page(&state, &visitor, listed, typed, "").await?;
                return Ok(refused(&page, StatusCode::BAD_REQUEST));
            }
        },
        "reject" => {
            let status = Some(ExceptionState::Rejected);
            ("rejected", service.update(who, &numbers, &Change { status, ..change }).await)
        }
        "wait" => {
            let status = Some(ExceptionState::Pending);
            ("waiting", service.update(who, &numbers, &Change { status, ..change }).await)
        }
        "comment" => ("said", service.update(who, &numbers, &change).await),
        _ => return Err(PageError::invalid("There is no such decision.").to(&visitor)),
    };
    let status = match outcome {
        Ok(Batch { done: changed, .. }) if !changed.is_empty() => {
            let page = Link::to("/compliance/exceptions").part(&number).with("done", done);
            return Ok(Redirect::to(&page.to_string()).into_response());
        }
        Ok(batch) => {
            typed.problem = batch.refused.first().map_or_else(String::new, |(why, _)| refusal(*why));
            StatusCode::CONFLICT
        }
        Err(Error::Invalid(why)) => {
            typed.problem = format!("{why}.");
            StatusCode::BAD_REQUEST
        }
        Err(other) => return Err(PageError::from(other).to(&visitor)),
    };
    Ok(refused(&page(&state, &visitor, listed, typed, "").await?, status))
}

fn refusal(why: WhyNot) -> String {
    match why {
        WhyNot::Unknown => "The exception is gone.".to_owned(),
        WhyNot::NoSuchStep(from, _) => format!("It is {} by now, and cannot become that.", stand(from).0),
        WhyNot::NeedsEnd => "Its end has passed: choose another.".to_owned(),
        WhyNot::Expired => "It has expired: approve it with another end.".to_owned(),
        WhyNot::NoAccess => "Whoever is to look at it has no access to the host.".to_owned(),
        WhyNot::AnotherIsOpen => "Another exception for the very same is open.".to_owned(),
        WhyNot::OwnRequest => "You asked for it, so somebody else has to approve it.".to_owned(),
    }
}

async fn page(state: &Pages, visitor: &Visitor, listed: Listed, typed: Typed, done: &str) -> PageResult<One> {
    let (service, now) = (state.app.control_exceptions(), state.app.now());
    let e = &listed.exception;
    let may_approve = visitor.may(Permission::ExceptionsApprove);
    let wants_others = service.wants_others(visitor.principal(), e);
    let result = match visitor.may(Permission::FindingsRead) {
        true => service.result_of(visitor.principal(), e).await?,
        false => None,
    };
    let steps = [
        (ExceptionState::Approved, "approve", "Approve", ""),
        (ExceptionState::Rejected, "reject", "Reject", "danger"),
        (ExceptionState::Pending, "wait", "Back to waiting", "quiet"),
    ];
    let taken = steps.into_iter().filter(|(next, ..)| {
        may_approve
            && listed.standing.may_become(*next)
            && !(wants_others && *next == ExceptionState::Approved)
    });
    let mut layout = visitor.layout(&format!("Compliance exception {}", e.no), "/compliance");
    match done {
        "requested" => "Asked for. It changes nothing until somebody approves it.",
        "approved" => "Approved, for what is found now.",
        "rejected" => "Rejected.",
        "waiting" => "It waits for a decision again.",
        "said" => "Your note is in the history.",
        _ => "",
    }
    .clone_into(&mut layout.done);
    Ok(One {
        layout,
        here: Link::to("/compliance/exceptions").part(&e.no.to_string()),
        row: row(&listed, now, TEXT),
        result: result.map(|no| Link::to("/compliance/results").part(&no.to_string())),
        instance: if e.target.identity.instance == WHOLE_HOST {
            String::new()
        } else {
            e.target.identity.instance.clone()
        },
        start: minute(e.life.start),
        end: minute(e.life.end),
        reopens: e.target.reopen_on_evidence_change,
        history: listed
            .history
            .iter()
            .rev()
            .map(|h| (minute(h.at), h.by.clone(), h.what.clone(), h.comment.clone()))
            .collect(),
        steps: taken.map(|(_, word, label, class)| (word, label, class)).collect(),
        may_approve,
        may_comment: visitor.may(Permission::ExceptionsRequest),
        wants_others: may_approve && wants_others && listed.standing == Standing::Pending,
        note: typed.note,
        until: known_until(&typed.until).to_owned(),
        end_typed: typed.end,
        end_problem: typed.end_problem,
        problem: typed.problem,
    })
}
