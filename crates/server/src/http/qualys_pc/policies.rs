//! `/api/2.0/fo/compliance/policy/` (contract 2.2).

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use parapet_model::compliance::{Control, Policy};
use parapet_model::time::format_seconds;
use parapet_model::{ControlNo, PolicyNo, TechnologyNo};

use super::dtd;
use super::error::PcError;
use super::frame::{self, List};
use super::lists::{self, PROGRAM};
use super::params::Call;
use super::xml::Xml;
use crate::http::auth::Caller;
use crate::http::state::AppState;

const KNOWN: [&str; 3] = ["id", "updated_after_datetime", "created_after_datetime"];
const MAX_LIMIT: u64 = 1_000;
const CHUNK: u32 = 1_000;

/// The controls of a policy with the technologies of each.
type Members = (BTreeMap<ControlNo, Control>, BTreeMap<ControlNo, Vec<(TechnologyNo, String)>>);

/// The list.
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    call: Call,
) -> Result<Response, PcError> {
    let list = List::of(&state, &caller, &call, &KNOWN, &["Basic", "All", "None"], MAX_LIMIT)?;
    let dated = frame::dated(&call)?;
    let (who, postures) = (caller.principal(), state.app.control_postures());
    let mut page = list.page(|policy: &Policy| policy.no.0);
    while let Some(after) = page.after() {
        let some = postures.policies(who, PolicyNo(after), CHUNK).await?;
        page.take(some, |policy| dated(policy.created, policy.updated));
    }
    let (rows, next) = page.done();
    let mut answer = list.begin(&dtd::POLICY_LIST);
    if !rows.is_empty() {
        answer.xml.open("POLICY_LIST");
        for row in &rows {
            if list.details == "None" {
                answer.xml.node("POLICY", |xml| title(xml, row));
                continue;
            }
            let controls = postures.controls_of(who, row.no).await?;
            let technologies = match list.details {
                "All" => postures.technologies_of(who, &Vec::from_iter(controls.keys().copied())).await?,
                _ => BTreeMap::new(),
            };
            policy(&mut answer.xml, row, &(controls, technologies));
        }
        answer.xml.close("POLICY_LIST");
    }
    Ok(list.finish(answer, next))
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
