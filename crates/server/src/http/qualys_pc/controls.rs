//! `/api/2.0/fo/compliance/control/` (contract 2.1).

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use parapet_model::compliance::{Control, ControlReference};
use parapet_model::time::format_seconds;
use parapet_model::{ControlNo, TechnologyNo};

use super::dtd;
use super::error::PcError;
use super::frame::{self, List};
use super::lists;
use super::params::Call;
use super::xml::Xml;
use crate::http::auth::Caller;
use crate::http::state::AppState;

const KNOWN: [&str; 2] = ["updated_after_datetime", "created_after_datetime"];
const MAX_LIMIT: u64 = 1_000_000;
const CHUNK: u32 = 2_000;

/// The list.
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    call: Call,
) -> Result<Response, PcError> {
    let list = List::of(&state, &caller, &call, &KNOWN, &["Basic", "All", "None"], MAX_LIMIT)?;
    let dated = frame::dated(&call)?;
    let (who, postures) = (caller.principal(), state.app.control_postures());
    let mut page = list.page(|control: &Control| control.no.0);
    while let Some(after) = page.after() {
        let some = postures.controls(who, ControlNo(after), CHUNK).await?;
        page.take(some, |control| dated(control.created, control.updated));
    }
    let (rows, next) = page.done();
    let numbers: Vec<ControlNo> = rows.iter().map(|row| row.no).collect();
    let technologies = postures.technologies_of(who, &numbers).await?;
    let mut answer = list.begin(&dtd::CONTROL_LIST);
    if list.details == "None" {
        list.ids(&mut answer, numbers.iter().map(|no| no.0));
    } else if !rows.is_empty() {
        answer.xml.node("CONTROL_LIST", |xml| {
            for row in &rows {
                control(xml, row, technologies.get(&row.no), list.details == "All");
            }
        });
    }
    Ok(list.finish(answer, next))
}

fn control(xml: &mut Xml, row: &Control, on: Option<&Vec<(TechnologyNo, String)>>, frameworks: bool) {
    let text = &row.text;
    xml.node("CONTROL", |xml| {
        xml.leaf("ID", row.no);
        xml.leaf("UPDATE_DATE", format_seconds(row.updated));
        xml.leaf("CREATED_DATE", format_seconds(row.created));
        xml.leaf("CATEGORY", &text.category);
        xml.cdata("SUB_CATEGORY", &text.sub_category);
        xml.cdata("STATEMENT", &text.statement);
        lists::criticality(xml, text.criticality);
        xml.node("TECHNOLOGY_LIST", |xml| {
            for (no, name) in on.into_iter().flatten() {
                xml.node("TECHNOLOGY", |xml| {
                    xml.leaf("ID", no);
                    xml.leaf("NAME", name);
                    xml.cdata("RATIONALE", &text.rationale);
                });
            }
        });
        if frameworks && !text.references.is_empty() {
            framework_list(xml, &text.references);
        }
    });
}

/// References by framework. The frameworks have no numbers of their own: they are counted per control.
fn framework_list(xml: &mut Xml, references: &[ControlReference]) {
    let mut frameworks: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for reference in references {
        frameworks.entry(&reference.framework).or_default().push(&reference.section);
    }
    xml.node("FRAMEWORK_LIST", |xml| {
        for (id, (name, sections)) in (1..).zip(frameworks) {
            xml.node("FRAMEWORK", |xml| {
                xml.leaf("ID", id);
                xml.cdata("NAME", name);
                xml.node("REFERENCE_LIST", |xml| {
                    for section in sections {
                        xml.node("REFERENCE", |xml| {
                            xml.cdata("SECTION", section);
                            xml.cdata("COMMENTS", "");
                        });
                    }
                });
            });
        }
    });
}
