//! `/api/2.0/fo/compliance/control/` (contract 2.1).

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use parapet_model::compliance::{Control, ControlReference};
use parapet_model::time::format_seconds;
use parapet_model::{ControlNo, Ranges, TechnologyNo};

use super::answer::Answer;
use super::dtd;
use super::error::PcError;
use super::lists::{self, number_set, warning};
use super::params::Call;
use super::xml::Xml;
use crate::http::auth::Caller;
use crate::http::state::AppState;

const KNOWN: [&str; 7] = [
    "details",
    "ids",
    "id_min",
    "id_max",
    "updated_after_datetime",
    "created_after_datetime",
    "truncation_limit",
];
const DEFAULT_LIMIT: u64 = 1_000;
const MAX_LIMIT: u64 = 1_000_000;
const CHUNK: u32 = 2_000;

/// The list.
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    call: Call,
) -> Result<Response, PcError> {
    lists::only_list(&call)?;
    call.only(&KNOWN)?;
    let details = call.word("details", &["Basic", "All", "None"])?.unwrap_or("Basic");
    let limit = lists::limit_or_all(&call, DEFAULT_LIMIT, MAX_LIMIT)?;
    let wanted = lists::Window::of(&call)?;
    let (updated, created) =
        (call.instant("updated_after_datetime")?, call.instant("created_after_datetime")?);
    let (who, postures) = (caller.principal(), state.app.control_postures());
    let mut rows: Vec<Control> = Vec::new();
    let mut after = wanted.after();
    while rows.len() <= limit {
        let chunk = postures.controls(who, ControlNo(after), CHUNK).await?;
        let Some(last) = chunk.last() else { break };
        after = last.no.0;
        let is_wanted = |c: &Control| {
            wanted.takes(c.no.0)
                && updated.is_none_or(|at| c.updated >= at)
                && created.is_none_or(|at| c.created >= at)
        };
        rows.extend(chunk.into_iter().filter(is_wanted));
        if u64::from(after) >= wanted.last() {
            break;
        }
    }
    let next = rows.get(limit).map(|row| u64::from(row.no.0));
    rows.truncate(limit);
    let numbers: Vec<ControlNo> = rows.iter().map(|row| row.no).collect();
    let technologies = postures.technologies_of(who, &numbers).await?;
    let now = state.app.now();
    let mut answer = Answer::begin(&call, &who.name, now, &dtd::CONTROL_LIST);
    answer.xml.node("RESPONSE", |xml| {
        xml.leaf("DATETIME", format_seconds(now));
        if details == "None" && !rows.is_empty() {
            number_set(xml, "ID_SET", "ID", &Ranges::from_each(rows.iter().map(|row| row.no.0.into())));
        } else if !rows.is_empty() {
            xml.node("CONTROL_LIST", |xml| {
                for row in &rows {
                    control(xml, row, technologies.get(&row.no), details == "All");
                }
            });
        }
        if let Some(next) = next {
            warning(xml, &call, limit, "id_min", next);
        }
    });
    Ok(answer.finish())
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
