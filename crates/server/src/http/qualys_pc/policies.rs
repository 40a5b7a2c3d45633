//! `/api/2.0/fo/compliance/policy/` (contract 2.2).

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use parapet_model::compliance::{Control, Policy};
use parapet_model::time::format_seconds;
use parapet_model::{ControlNo, PolicyNo, TechnologyNo};

use super::answer::Answer;
use super::dtd;
use super::error::PcError;
use super::lists::{self, PROGRAM, warning};
use super::params::Call;
use super::xml::Xml;
use crate::http::auth::Caller;
use crate::http::state::AppState;

const KNOWN: [&str; 8] = [
    "details",
    "id",
    "ids",
    "id_min",
    "id_max",
    "updated_after_datetime",
    "created_after_datetime",
    "truncation_limit",
];
const DEFAULT_LIMIT: u64 = 1_000;
const CHUNK: u32 = 1_000;

/// The controls of a policy with the technologies of each.
type Members = (BTreeMap<ControlNo, Control>, BTreeMap<ControlNo, Vec<(TechnologyNo, String)>>);

/// The list.
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    call: Call,
) -> Result<Response, PcError> {
    lists::only_list(&call)?;
    call.only(&KNOWN)?;
    let details = call.word("details", &["Basic", "All", "None"])?.unwrap_or("Basic");
    let limit = lists::limit_or_all(&call, DEFAULT_LIMIT, DEFAULT_LIMIT)?;
    let wanted = lists::Window::of(&call)?;
    let (updated, created) =
        (call.instant("updated_after_datetime")?, call.instant("created_after_datetime")?);
    let (who, postures) = (caller.principal(), state.app.control_postures());
    let mut rows: Vec<Policy> = Vec::new();
    let mut after = wanted.after();
    while rows.len() <= limit {
        let chunk = postures.policies(who, PolicyNo(after), CHUNK).await?;
        let Some(last) = chunk.last() else { break };
        after = last.no.0;
        let is_wanted = |p: &Policy| {
            wanted.takes(p.no.0)
                && updated.is_none_or(|at| p.updated >= at)
                && created.is_none_or(|at| p.created >= at)
        };
        rows.extend(chunk.into_iter().filter(is_wanted));
    }
    let next = rows.get(limit).map(|row| u64::from(row.no.0));
    rows.truncate(limit);
    let now = state.app.now();
    let mut answer = Answer::begin(&call, &who.name, now, &dtd::POLICY_LIST);
    let xml = &mut answer.xml;
    xml.open("RESPONSE");
    xml.leaf("DATETIME", format_seconds(now));
    if !rows.is_empty() {
        xml.open("POLICY_LIST");
        for row in &rows {
            if details == "None" {
                xml.node("POLICY", |xml| title(xml, row));
                continue;
            }
            let controls = postures.controls_of(who, row.no).await?;
            let technologies = match details {
                "All" => postures.technologies_of(who, &Vec::from_iter(controls.keys().copied())).await?,
                _ => BTreeMap::new(),
            };
            policy(xml, row, &(controls, technologies));
        }
        xml.close("POLICY_LIST");
    }
    if let Some(next) = next {
        warning(xml, &call, limit, "id_min", next);
    }
    xml.close("RESPONSE");
    Ok(answer.finish())
}

fn title(xml: &mut Xml, row: &Policy) {
    xml.leaf("ID", row.no);
    xml.cdata("TITLE", &row.title);
}

fn policy(xml: &mut Xml, row: &Policy, (controls, technologies): &Members) {
    xml.node("POLICY", |xml| {
        title(xml, row);
        for (element, at) in [("CREATED", row.created), ("LAST_MODIFIED", row.updated)] {
            xml.node(element, |xml| {
                xml.leaf("DATETIME", format_seconds(at));
                xml.leaf("BY", PROGRAM);
            });
        }
        if row.evaluated > 0 {
            xml.node("LAST_EVALUATED", |xml| xml.leaf("DATETIME", format_seconds(row.evaluated)));
        }
        xml.leaf("STATUS", "active");
        xml.leaf("IS_LOCKED", 0);
        if controls.is_empty() {
            return;
        }
        xml.node("CONTROL_LIST", |xml| {
            for control in controls.values() {
                xml.node("CONTROL", |xml| {
                    xml.leaf("ID", control.no);
                    xml.cdata("STATEMENT", &control.text.statement);
                    lists::criticality(xml, control.text.criticality);
                    if let Some(technologies) = technologies.get(&control.no) {
                        xml.node("TECHNOLOGY_LIST", |xml| {
                            for (no, name) in technologies {
                                lists::named(xml, "TECHNOLOGY", no.0, name);
                            }
                        });
                    }
                });
            }
        });
    });
}
