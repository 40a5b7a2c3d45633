//! `/compliance/results/{number}`: one control on one host, what was found then and now.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect};
use parapet_model::compliance::{ControlPosture, Evidence, Stretch, WHOLE_HOST};
use parapet_model::lifecycle::Standing;
use parapet_model::time::FOREVER;
use parapet_model::{ControlResultNo, Permission};
use parapet_service::Error;
use parapet_service::compliance::ResultDetail;
use parapet_service::control_exceptions::{NewControlException, RequestError, RequestRefused};
use serde::Deserialize;

use super::diff::{Line, diff};
use super::exceptions::{Short, short};
use super::words;
use crate::dates::minute;
use crate::layout::Layout;
use crate::link::Link;
use crate::render::html;
use crate::state::Pages;
use crate::visitor::{Form, Visitor};
use crate::words::{Known as _, refused};
use crate::{PageError, PageResult};

/// Looks of a life that are shown.
const LOOKS: u32 = 100;

/// The page.
#[derive(Debug, Template)]
#[template(path = "compliance_result.html")]
struct ResultPage {
    layout: Layout,
    here: Link,
    statement: String,
    rule: String,
    category: String,
    criticality: String,
    rationale: String,
    references: Vec<(String, String)>,
    word: &'static str,
    class: &'static str,
    status: &'static str,
    instance: String,
    host: String,
    host_link: Link,
    policy: String,
    policy_link: Link,
    since: String,
    evaluated: String,
    expected: Vec<(String, String)>,
    /// Then and now, when there is something to compare with.
    compared: Option<Compared>,
    /// What was found now.
    found: Vec<String>,
    looks: Vec<Look>,
    more_looks: bool,
    exceptions: Vec<Short>,
    /// The form to ask for one; `None` when none can be asked for.
    ask: Option<Ask>,
}

/// Two looks.
#[derive(Debug)]
struct Compared {
    /// When the older was.
    then: String,
    /// When the newer was.
    now: String,
    lines: Vec<Line>,
    is_same: bool,
}

/// A stretch of the life.
#[derive(Debug)]
struct Look {
    from: String,
    to: String,
    word: &'static str,
    class: &'static str,
    found: String,
    /// This and what is found now, side by side.
    compare: Option<Link>,
    chosen: bool,
}

/// The form of an exception.
#[derive(Debug, Default)]
struct Ask {
    /// Numbers and names of those who may look at it.
    assignees: Vec<(u32, String, bool)>,
    comment: String,
    reopens: bool,
    problem: String,
    comment_problem: String,
}

/// The state of the page.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Params {
    /// Which look is compared with the newest, counted from the newest; the one before when absent.
    then: Option<usize>,
    #[serde(default)]
    done: String,
}

/// The page.
pub(crate) async fn one(
    State(state): State<Pages>,
    visitor: Visitor,
    headers: HeaderMap,
    Path(number): Path<String>,
    Query(params): Query<Params>,
) -> PageResult {
    let stamp = super::stamp(&state, &visitor).await?;
    if let Some(answer) = stamp.unchanged(&headers) {
        return Ok(answer);
    }
    let detail = found(&state, &visitor, &number).await?;
    Ok(stamp.on(html(&page(&state, &visitor, &detail, &params, None).await?)))
}

async fn found(state: &Pages, visitor: &Visitor, number: &str) -> PageResult<ResultDetail> {
    let no = ControlResultNo(number.parse().ok().known("result", visitor)?);
    state.app.compliance().result(visitor.principal(), no, LOOKS + 1).await.known("result", visitor)
}

/// Asks for an exception.
pub(crate) async fn request(
    State(state): State<Pages>,
    visitor: Visitor,
    Path(number): Path<String>,
    form: Form,
) -> PageResult {
    let detail = found(&state, &visitor, &number).await?;
    let result = &detail.result;
    let identity = &result.identity;
    let assignee: u64 = form.text("assignee").parse().unwrap_or_else(|_| visitor.principal().user.into());
    let new = NewControlException {
        host: identity.host.0.into(),
        policy: identity.policy.0.into(),
        control: identity.control.0.into(),
        technology: result.technology.0.into(),
        instance: (identity.instance != WHOLE_HOST).then(|| identity.instance.clone()),
        assignee,
        comment: form.text("comment").to_owned(),
        reopen_on_evidence_change: form.is_set("reopens"),
    };
    let mut ask =
        Ask { comment: new.comment.clone(), reopens: new.reopen_on_evidence_change, ..Ask::default() };
    let status = if new.comment.is_empty() {
        ask.comment_problem = "Say why the failure can be accepted.".to_owned();
        StatusCode::BAD_REQUEST
    } else {
        match state.app.control_exceptions().request(visitor.principal(), &new).await {
            Ok(made) => {
                let page = Link::to("/compliance/exceptions").part(&made.no.to_string());
                return Ok(Redirect::to(&page.with("done", "requested").to_string()).into_response());
            }
            Err(RequestError::Refused(why)) => {
                ask.problem = refusal(why);
                StatusCode::CONFLICT
            }
            Err(RequestError::Failed(Error::Invalid(why))) => {
                ask.comment_problem = format!("{why}.");
                StatusCode::BAD_REQUEST
            }
            Err(RequestError::Failed(other)) => return Err(PageError::from(other).to(&visitor)),
        }
    };
    Ok(refused(&page(&state, &visitor, &detail, &Params::default(), Some(ask)).await?, status))
}

fn refusal(why: RequestRefused) -> String {
    match why {
        RequestRefused::NoAccess => {
            "Whoever is to look at it needs an account with access to the host.".to_owned()
        }
        RequestRefused::NotFailed => "The control does not fail there any more.".to_owned(),
        RequestRefused::Open(no) => format!("Exception {no} for just this is open."),
        _ => "The host, the policy or the control is another by now. Load the page again.".to_owned(),
    }
}

async fn page(
    state: &Pages,
    visitor: &Visitor,
    detail: &ResultDetail,
    params: &Params,
    asked: Option<Ask>,
) -> PageResult<ResultPage> {
    let who = visitor.principal();
    let (result, control, now) = (&detail.result, &detail.control, state.app.now());
    let may_see = visitor.may(Permission::ExceptionsRead);
    let service = state.app.control_exceptions();
    let mut exceptions = match may_see {
        true => service.of_results(who, std::slice::from_ref(result)).await?,
        false => Default::default(),
    };
    let exceptions = exceptions.remove(&result.identity).unwrap_or_default();
    let accepted = exceptions.iter().any(|e| e.life.holds(now));
    let is_open = |standing: Standing| standing.is_open();
    let has_open = exceptions.iter().any(|e| is_open(e.life.standing(now)));
    let failed = result.posture() == Some(ControlPosture::Failed);
    let ask = if visitor.may(Permission::ExceptionsRequest) && failed && !has_open {
        let mut ask = asked.unwrap_or(Ask { reopens: true, ..Ask::default() });
        ask.assignees = assignees(state, visitor).await?;
        Some(ask)
    } else {
        None
    };
    let policy = state.app.control_postures().policy(who, result.identity.policy.0.into()).await?;
    let snapshot = state.app.live().snapshot();
    let host = snapshot.asset(&who.scope(), result.identity.host).map(|a| a.name.clone()).unwrap_or_default();
    let (word, class) = words::status(result.status, accepted);
    let here = Link::to("/compliance/results").part(&result.no.to_string());
    let text = &control.text;
    let mut layout = visitor.layout(&words::statement(control), "/compliance");
    if params.done == "requested" {
        layout.done = "Asked for. It changes nothing until somebody approves it.".to_owned();
    }
    Ok(ResultPage {
        layout,
        statement: words::statement(control),
        rule: control.rule.clone(),
        category: match text.sub_category.as_str() {
            sub if sub.is_empty() || sub == text.category => text.category.clone(),
            sub => format!("{} / {sub}", text.category),
        },
        criticality: text.criticality.as_str().to_lowercase(),
        rationale: text.rationale.clone(),
        references: text.references.iter().map(|r| (r.framework.clone(), r.section.clone())).collect(),
        word,
        class,
        status: result.status.as_str(),
        instance: words::instance(result),
        host,
        host_link: Link::to("/assets").part(&result.host_uuid.to_string()),
        policy: policy.map(|policy| policy.title).unwrap_or_default(),
        policy_link: Link::to("/compliance").with("policy", result.identity.policy.to_string()),
        since: minute(result.summary.since),
        evaluated: minute(result.evaluated),
        expected: words::expected(detail.now()),
        compared: compared(detail, params.then),
        found: words::lines(detail.now()),
        looks: looks(detail, params.then, &here),
        more_looks: detail.history.len() > LOOKS as usize,
        exceptions: exceptions.iter().map(|e| short(e, now)).collect(),
        ask,
        here,
    })
}

/// Those who can be asked to look: whom the visitor may know, and themselves first.
async fn assignees(state: &Pages, visitor: &Visitor) -> PageResult<Vec<(u32, String, bool)>> {
    let own = visitor.principal().user;
    let users = state.app.accounts().list_in_project(visitor.principal()).await?;
    let known = users.into_iter().filter(|listed| listed.in_full && !listed.user.disabled);
    Ok(known.map(|listed| (listed.user.no, listed.user.name, listed.user.no == own)).collect())
}

fn evidence_of<'d>(detail: &'d ResultDetail, stretch: &Stretch) -> Option<&'d Evidence> {
    detail.evidence.get(&stretch.held.evidence)
}

/// The look that is compared with the newest: the chosen one, or the last that found something else.
fn older(detail: &ResultDetail, then: Option<usize>) -> Option<usize> {
    let now = detail.now().map(|evidence| evidence.found);
    let differs = |(_, (stretch, _)): &(usize, &(Stretch, i64))| {
        evidence_of(detail, stretch).is_some_and(|evidence| Some(evidence.found) != now)
    };
    match then {
        Some(at) => (at > 0 && at < detail.history.len()).then_some(at),
        None => detail.history.iter().enumerate().skip(1).find(differs).map(|(at, _)| at),
    }
}

fn compared(detail: &ResultDetail, then: Option<usize>) -> Option<Compared> {
    let (stretch, _) = detail.history.get(older(detail, then)?)?;
    let (newest, _) = detail.history.first()?;
    let lines = diff(&words::lines(evidence_of(detail, stretch)), &words::lines(detail.now()));
    Some(Compared {
        then: minute(stretch.from),
        now: minute(newest.from),
        is_same: lines.iter().all(|line| matches!(line, Line::Kept(_))),
        lines,
    })
}

fn looks(detail: &ResultDetail, then: Option<usize>, here: &Link) -> Vec<Look> {
    /// Characters of what was found.
    const LONGEST: usize = 160;
    let chosen = older(detail, then);
    let look = |(at, (stretch, _)): (usize, &(Stretch, i64))| {
        let (word, class) = words::status(stretch.held.status, false);
        let found = evidence_of(detail, stretch).map(|evidence| evidence.lines().join(" | "));
        Look {
            from: minute(stretch.from),
            to: if stretch.to == FOREVER { String::new() } else { minute(stretch.to) },
            word,
            class,
            found: found.unwrap_or_else(|| "no evidence".to_owned()).chars().take(LONGEST).collect(),
            compare: (at > 0).then(|| here.clone().with("then", at.to_string())),
            chosen: chosen == Some(at),
        }
    };
    detail.history.iter().take(LOOKS as usize).enumerate().map(look).collect()
}
