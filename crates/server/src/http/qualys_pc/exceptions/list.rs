//! Listing exceptions.

use std::net::IpAddr;

use axum::response::Response;
use parapet_model::lifecycle::Standing;
use parapet_model::time::format_seconds;
use parapet_model::{Permission, Ranges};
use parapet_service::control_exceptions::{Filter, Listed};

use super::super::answer::Answer;
use super::super::dtd;
use super::super::error::PcError;
use super::super::lists::{self, Logins, number_set, warning};
use super::super::params::{Call, MAX_EXCEPTION};
use super::super::xml::Xml;
use super::{STATES, expiration_date, state_word};
use crate::http::auth::Caller;
use crate::http::state::AppState;

const KNOWN: [&str; 21] = [
    "exception_number",
    "exception_numbers",
    "exception_number_min",
    "exception_number_max",
    "ip",
    "network_name",
    "status",
    "is_active",
    "control_id",
    "control_statement",
    "policy_id",
    "technology_name",
    "assignee_id",
    "created_by",
    "modified_by",
    "created_after_date",
    "updated_after_date",
    "expired_before_date",
    "expired_after_date",
    "details",
    "truncation_limit",
];
const DEFAULT_LIMIT: u64 = 1_000;
const MAX_LIMIT: u64 = 1_000_000;
/// The one network that every host is in.
const NETWORK: &str = "Global Default Network";

/// `action=list`.
pub(super) async fn list(state: &AppState, caller: &Caller, call: &Call) -> Result<Response, PcError> {
    call.only(&KNOWN)?;
    let details = call.word("details", &["None", "Basic", "All"])?.unwrap_or("Basic");
    let limit = lists::limit(call, DEFAULT_LIMIT, 1, MAX_LIMIT)?;
    let filter = filter(call)?;
    let who = caller.principal();
    let of_network = call.text("network_name").is_none_or(|name| name.eq_ignore_ascii_case(NETWORK));
    let page = match of_network {
        true => state.app.control_exceptions().list(who, &filter, limit, details == "All").await?,
        false if who.may(Permission::ExceptionsRead) => Default::default(),
        false => return Err(PcError::forbidden()),
    };
    let logins = Logins::load(state).await?;
    let now = state.app.now();
    let mut answer = Answer::begin(call, &who.name, now, &dtd::EXCEPTION_LIST);
    answer.xml.node("RESPONSE", |xml| {
        xml.leaf("DATETIME", format_seconds(now));
        if details == "None" && !page.rows.is_empty() {
            let numbers = Ranges::from_each(page.rows.iter().map(|row| row.exception.no.0.into()));
            number_set(xml, "NUMBER_SET", "NUMBER", &numbers);
        } else if !page.rows.is_empty() {
            xml.node("EXCEPTION_LIST", |xml| {
                page.rows.iter().for_each(|row| exception(xml, row, &logins));
            });
        }
        if let Some(next) = page.next {
            warning(xml, call, limit, "exception_number_min", next);
        }
    });
    Ok(answer.finish())
}

fn filter(call: &Call) -> Result<Filter, PcError> {
    let one = call.number("exception_number", MAX_EXCEPTION)?.map(|number| Ranges::from_each([number]));
    let ip = match call.text("ip") {
        Some(text) => Some(text.parse::<IpAddr>().map_err(|_| PcError::invalid("ip", text))?),
        None => None,
    };
    let standing = call.word("status", &STATES)?.map(|word| match word {
        "Pending" => Standing::Pending,
        "Approved" => Standing::Approved,
        "Rejected" => Standing::Rejected,
        _ => Standing::Expired,
    });
    let numbers = call.numbers("exception_numbers", MAX_EXCEPTION)?;
    if let (Some(_), Some(_)) = (&one, &numbers) {
        let text = "only one of exception_number and exception_numbers may be specified";
        return Err(PcError::new(super::super::error::Code::OnlyOneOf, text));
    }
    Ok(Filter {
        numbers: one.or(numbers),
        first: call.number("exception_number_min", MAX_EXCEPTION)?,
        last: call.number("exception_number_max", MAX_EXCEPTION)?,
        ip,
        standing,
        active: call.flag("is_active")?,
        control_prefix: call.id("control_id")?.and_then(|_| call.text("control_id")).map(str::to_owned),
        statement: call.text("control_statement").map(str::to_owned),
        policy: call.id("policy_id")?,
        technology: call.text("technology_name").map(str::to_owned),
        assignee: call.id("assignee_id")?,
        created_by: call.id("created_by")?,
        modified_by: call.id("modified_by")?,
        created_after: call.us_date("created_after_date")?,
        updated_after: call.us_date("updated_after_date")?,
        expired_before: call.us_date("expired_before_date")?,
        expired_after: call.us_date("expired_after_date")?,
    })
}

fn exception(xml: &mut Xml, row: &Listed, logins: &Logins) {
    let e = &row.exception;
    let flag = |flag: bool| if flag { "1" } else { "0" };
    xml.node("EXCEPTION", |xml| {
        xml.leaf("EXCEPTION_NUMBER", e.no);
        if let Some(host) = &row.host {
            xml.node("HOST", |xml| {
                xml.leaf("IP_ADDRESS", &host.ip);
                xml.leaf("TRACKING_METHOD", lists::TRACKING);
            });
        }
        if let Some(technology) = &row.technology {
            lists::named(xml, "TECHNOLOGY", technology.no.0, &technology.name);
        }
        if let Some(policy) = &row.policy {
            lists::named(xml, "POLICY", policy.no.0, &policy.title);
        }
        if let Some(control) = &row.control {
            xml.node("CONTROL", |xml| {
                xml.leaf("CID", control.no);
                xml.cdata("STATEMENT", &control.text.statement);
                xml.node("CRITICALITY", |xml| {
                    xml.leaf("VALUE", control.text.criticality as u8);
                    xml.cdata("LABEL", control.text.criticality.as_str());
                });
            });
        }
        xml.leaf("ASSIGNEE", logins.name(e.assignee));
        xml.leaf("STATUS", state_word(row.standing));
        xml.leaf("ACTIVE", flag(row.active));
        xml.leaf("REOPEN_ON_EVIDENCE_CHANGE", flag(e.target.reopen_on_evidence_change));
        xml.leaf("EXPIRATION_DATE", expiration_date(e.life.end));
        xml.leaf("MODIFIED_DATE", format_seconds(e.modified_at));
        if !row.history.is_empty() {
            xml.node("HISTORY_LIST", |xml| {
                for entry in &row.history {
                    xml.node("HISTORY", |xml| {
                        xml.leaf("USER", &entry.by);
                        xml.cdata("COMMENT", &entry.text());
                        xml.leaf("INSERTION_DATE", format_seconds(entry.at));
                    });
                }
            });
        }
    });
}
