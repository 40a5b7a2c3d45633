//! Asking for an exception, deciding on many, deleting many.

use axum::response::Response;
use parapet_model::exception::ExceptionState;
use parapet_model::time::{DAY, FOREVER, Millis, format_seconds};
use parapet_model::{Permission, PolicyNo, Ranges};
use parapet_service::control_exceptions::{
    Batch, Change, NewControlException, RequestError, RequestRefused, WhyNot,
};

use super::super::answer::{Answer, simple};
use super::super::dtd;
use super::super::error::{Code, PcError};
use super::super::lists::number_set;
use super::super::params::{Call, MAX_EXCEPTION};
use super::super::tags::{self, Tags};
use super::{STATES, state_word};
use crate::http::auth::Caller;
use crate::http::state::AppState;

const REQUEST: [&str; 8] = [
    "control_id",
    "host_id",
    "policy_id",
    "technology_id",
    "instance_string",
    "assignee_id",
    "comments",
    "reopen_on_evidence_change",
];
const UPDATE: [&str; 6] =
    ["exception_numbers", "comments", "reassign_to", "reopen_on_evidence_change", "status", "end_date"];

/// `action=request`, `action=create`. From version 3.0 on tags may stand for the host: then one is made for
/// each host of them on which the control fails.
pub(super) async fn request(state: &AppState, caller: &Caller, call: &Call) -> Result<Response, PcError> {
    call.needs_post()?;
    match call.called.version {
        "2.0" => call.only(&REQUEST)?,
        _ => call.only(&[&REQUEST[..], &tags::TAGS[..]].concat())?,
    }
    if call.text("instance_string").is_some() && call.text("host_id").is_none() {
        let text = "instance_string must be specified together with host_id";
        return Err(PcError::new(Code::Combination, text));
    }
    let tag = tags::named(call);
    if let (Some(tag), true) = (tag, call.text("host_id").is_some()) {
        let text = format!("only one of host_id and {tag} may be specified");
        return Err(PcError::new(Code::OnlyOneOf, text));
    }
    let which = if tag.is_some() { "tag_set_include" } else { "host_id" };
    call.needs(&["control_id", which, "policy_id", "technology_id", "assignee_id", "comments"])?;
    let new = asked(call)?;
    let who = caller.principal();
    let made = match Tags::of(state, caller, call).await? {
        None => state.app.control_exceptions().request(who, &new).await.map(|made| vec![made]),
        Some(tags) => {
            let policy = PolicyNo(u32::try_from(new.policy).unwrap_or_default());
            let postures = state.app.control_postures();
            let hosts = postures.hosts_with(who, policy, |host| tags.take(host)).await?;
            let hosts = hosts.into_iter().collect();
            state.app.control_exceptions().request_on(who, &new, &hosts).await
        }
    };
    let made = made.map_err(|error| match error {
        RequestError::Refused(why) => refusal(call, why),
        RequestError::Failed(error) => error.into(),
    })?;
    let numbers: Vec<_> = made.iter().map(|e| ("EXCEPTION_NUMBER", e.no.to_string())).collect();
    Ok(simple(call, &who.name, state.app.now(), "Exception created successfully", &numbers))
}

fn asked(call: &Call) -> Result<NewControlException, PcError> {
    let id = |name: &str| call.id(name).map(Option::unwrap_or_default);
    Ok(NewControlException {
        control: id("control_id")?,
        host: id("host_id")?,
        policy: id("policy_id")?,
        technology: id("technology_id")?,
        assignee: id("assignee_id")?,
        instance: call.text("instance_string").map(str::to_owned),
        comment: call.text("comments").unwrap_or_default().to_owned(),
        reopen_on_evidence_change: call.flag("reopen_on_evidence_change")?.unwrap_or(false),
    })
}

/// Why a request is refused: the parameter that is to blame, where one is.
fn refusal(call: &Call, why: RequestRefused) -> PcError {
    let invalid =
        |name: &str, why: &str| PcError::why_invalid(name, call.text(name).unwrap_or_default(), why);
    match why {
        RequestRefused::UnknownHost => invalid("host_id", "no such compliance host"),
        RequestRefused::UnknownPolicy => invalid("policy_id", "no such policy"),
        RequestRefused::ControlNotInPolicy => invalid("control_id", "the policy has no such control"),
        RequestRefused::NotTheTechnology => invalid("technology_id", "not a technology of the host"),
        RequestRefused::UnknownInstance => {
            invalid("instance_string", "the control has no such instance on the host")
        }
        RequestRefused::NoAccess => invalid("assignee_id", "no such user, or one without access to the host"),
        RequestRefused::NotFailed if call.text("host_id").is_none() => {
            invalid("tag_set_include", "the control fails on no host of these tags")
        }
        RequestRefused::NotFailed => invalid("control_id", "the control does not fail on the host"),
        RequestRefused::NeverEvaluated => PcError::new(
            Code::Combination,
            "the control was never evaluated on the host for the policy: control_id, host_id, policy_id",
        ),
        RequestRefused::NeedsInstance => PcError::new(
            Code::Combination,
            "instance_string is required: the control has instances on the host",
        ),
        RequestRefused::Open(no) => {
            let text =
                format!("An exception for this control, host, policy and instance is open: number {no}");
            PcError::new(Code::Blocked, text)
        }
    }
}

/// `action=update`.
pub(super) async fn update(state: &AppState, caller: &Caller, call: &Call) -> Result<Response, PcError> {
    call.needs_post()?;
    call.only(&UPDATE)?;
    let who = caller.principal();
    let more = ["reassign_to", "reopen_on_evidence_change", "status", "end_date"];
    if more.iter().any(|name| call.text(name).is_some()) && !who.may(Permission::ExceptionsApprove) {
        return Err(PcError::forbidden());
    }
    call.needs(&["exception_numbers", "comments"])?;
    let status = match call.word("status", &STATES[..3])? {
        None => None,
        Some("Pending") => Some(ExceptionState::Pending),
        Some("Approved") => Some(ExceptionState::Approved),
        Some(_) => Some(ExceptionState::Rejected),
    };
    let change = Change {
        comment: call.text("comments").unwrap_or_default().to_owned(),
        status,
        end: end_date(call, state.app.now())?,
        reassign_to: call.id("reassign_to")?,
        reopen_on_evidence_change: call.flag("reopen_on_evidence_change")?,
    };
    let numbers = call.numbers("exception_numbers", MAX_EXCEPTION)?.unwrap_or_default();
    let batch = state.app.control_exceptions().update(who, &numbers, &change).await?;
    answer(state, caller, call, &batch, "Successfully Updated")
}

/// The first instant after the last day; 0 stands for no end.
fn end_date(call: &Call, now: Millis) -> Result<Option<Millis>, PcError> {
    if call.text("end_date") == Some("0") {
        return Ok(Some(FOREVER));
    }
    match call.us_date("end_date")? {
        Some(day) if day <= now => {
            let text = call.text("end_date").unwrap_or_default();
            Err(PcError::why_invalid("end_date", text, "the date must be in the future"))
        }
        day => Ok(day.map(|day| day + DAY)),
    }
}

/// `action=delete`.
pub(super) async fn delete(state: &AppState, caller: &Caller, call: &Call) -> Result<Response, PcError> {
    call.needs_post()?;
    call.only(&["exception_numbers"])?;
    if !caller.principal().may(Permission::ExceptionsApprove) {
        return Err(PcError::forbidden());
    }
    call.needs(&["exception_numbers"])?;
    let numbers = call.numbers("exception_numbers", MAX_EXCEPTION)?.unwrap_or_default();
    let batch = state.app.control_exceptions().delete(caller.principal(), &numbers).await?;
    answer(state, caller, call, &batch, "Exception(s) deleted successfully")
}

/// One `BATCH` for what was done and one for each reason why not; an error when nothing was done.
fn answer(
    state: &AppState,
    caller: &Caller,
    call: &Call,
    batch: &Batch,
    done: &str,
) -> Result<Response, PcError> {
    if batch.done.is_empty() {
        let (code, text) = match batch.refused.first() {
            Some((why, numbers)) => reason(*why, numbers),
            None => (Code::InvalidValue, "no exceptions were named".to_owned()),
        };
        return Err(PcError::new(code, text));
    }
    let now = state.app.now();
    let mut answer = Answer::begin(call, &caller.principal().name, now, &dtd::EXCEPTION_BATCH);
    answer.xml.node("RESPONSE", |xml| {
        xml.leaf("DATETIME", format_seconds(now));
        xml.node("BATCH_LIST", |xml| {
            xml.node("BATCH", |xml| {
                xml.leaf("TEXT", done);
                number_set(xml, "NUMBER_SET", "NUMBER", &batch.done);
            });
            for (why, numbers) in &batch.refused {
                let (code, text) = reason(*why, numbers);
                xml.node("BATCH", |xml| {
                    xml.leaf("CODE", code.number());
                    xml.leaf("TEXT", text);
                    number_set(xml, "NUMBER_SET", "NUMBER", numbers);
                });
            }
        });
    });
    Ok(answer.finish())
}

fn reason(why: WhyNot, numbers: &Ranges) -> (Code, String) {
    match why {
        WhyNot::Unknown => {
            let listed: String = numbers.to_string().chars().take(200).collect();
            let text =
                format!("parameter exception_numbers has invalid value: {listed} (no such exceptions)");
            (Code::InvalidValue, text)
        }
        WhyNot::NoSuchStep(from, to) => {
            let to = match to {
                ExceptionState::Pending => "Pending",
                ExceptionState::Approved => "Approved",
                ExceptionState::Rejected => "Rejected",
                ExceptionState::Ended => "deleted",
            };
            let from = state_word(from);
            let text = format!("parameter status has invalid value: {to} (it cannot follow {from})");
            (Code::InvalidValue, text)
        }
        WhyNot::NeedsEnd => {
            let text = "Missing required parameter(s): end_date (the exception would be over at once)";
            (Code::MissingParameter, text.to_owned())
        }
        WhyNot::Expired => {
            let text = "The exception has expired: end_date counts only together with status=Approved";
            (Code::InvalidValue, text.to_owned())
        }
        WhyNot::NoAccess => {
            let text =
                "parameter reassign_to has invalid value: no such user, or one without access to the host";
            (Code::InvalidValue, text.to_owned())
        }
        WhyNot::AnotherIsOpen => {
            let text = "Another exception for this control, host, policy and instance is open";
            (Code::Blocked, text.to_owned())
        }
        WhyNot::OwnRequest => (Code::NotEntitled, "Somebody else has to approve this exception".to_owned()),
    }
}
