//! One result, and the sums.

use parapet_model::compliance::{ControlPosture, ControlStatus};
use parapet_model::control_exception::HistoryEntry;
use parapet_model::time::{FOREVER, Millis, format_seconds};
use parapet_service::control_posture::{PostureRow, PostureSummary};

use super::super::exceptions::state_word;
use super::super::lists::Logins;
use super::super::xml::Xml;
use super::evidence::{self, Labels};
use super::request::{Details, Request};

/// `INFO`. The status stands before any other one, because a client takes the first it finds.
pub(super) fn write(
    xml: &mut Xml,
    row: &PostureRow,
    request: &Request,
    logins: &Logins,
    history: Option<&Vec<HistoryEntry>>,
    labels: &mut Labels,
) {
    let result = &row.result;
    let summary = &result.summary;
    xml.node("INFO", |xml| {
        xml.leaf("ID", result.no);
        xml.leaf("HOST_ID", result.identity.host);
        xml.leaf("CONTROL_ID", result.identity.control);
        xml.leaf("TECHNOLOGY_ID", result.technology);
        xml.leaf("INSTANCE", &result.identity.instance);
        xml.leaf("STATUS", row.shown.as_str());
        instant(xml, "POSTURE_MODIFIED_DATE", summary.posture_since);
        instant(xml, "EVALUATION_DATE", result.evaluated);
        if let Some(previous) = summary.previous.and_then(ControlStatus::posture) {
            xml.leaf("PREVIOUS_STATUS", previous.as_str());
        }
        instant(xml, "FIRST_FAIL_DATE", summary.first_failed);
        instant(xml, "LAST_FAIL_DATE", summary.last_failed);
        instant(xml, "FIRST_PASS_DATE", summary.first_passed);
        instant(xml, "LAST_PASS_DATE", summary.last_passed);
        exception(xml, row, logins, history);
        if request.evidence
            && request.details != Details::Basic
            && let Some(found) = &row.evidence
        {
            evidence::write(xml, found, result.evaluated, request.extended, labels);
        }
        if request.cause_of_failure && row.shown == ControlPosture::Failed {
            evidence::cause_of_failure(xml, row.evidence.as_ref());
        }
    });
}

fn instant(xml: &mut Xml, element: &str, at: Millis) {
    if at > 0 && at != FOREVER {
        xml.leaf(element, format_seconds(at));
    }
}

fn exception(xml: &mut Xml, row: &PostureRow, logins: &Logins, history: Option<&Vec<HistoryEntry>>) {
    let Some((e, standing)) = &row.exception else { return };
    xml.node("EXCEPTION", |xml| {
        xml.leaf("ASSIGNEE", logins.name(e.assignee));
        xml.leaf("STATUS", state_word(*standing));
        if e.life.end != FOREVER {
            // The last second of the last day.
            xml.leaf("END_DATETIME", format_seconds(e.life.end - 1));
        }
        for (element, by, at) in
            [("CREATED", e.created_by, e.created_at), ("LAST_MODIFIED", e.modified_by, e.modified_at)]
        {
            xml.node(element, |xml| {
                xml.leaf("BY", logins.name(by));
                xml.leaf("DATETIME", format_seconds(at));
            });
        }
        if let Some(history) = history.filter(|history| !history.is_empty()) {
            xml.node("COMMENT_LIST", |xml| {
                for entry in history {
                    xml.node("COMMENT", |xml| {
                        xml.leaf("DATETIME", format_seconds(entry.at));
                        xml.leaf("BY", &entry.by);
                        xml.cdata("TEXT", &entry.text());
                    });
                }
            });
        }
    });
}

/// `SUMMARY`, over the whole policy whatever page this is.
pub(super) fn summary(xml: &mut Xml, sums: &PostureSummary) {
    xml.node("SUMMARY", |xml| {
        xml.leaf("TOTAL_ASSETS", sums.hosts);
        xml.leaf("TOTAL_CONTROLS", sums.controls);
        xml.node("CONTROL_INSTANCES", |xml| {
            xml.leaf("TOTAL", sums.passed + sums.failed + sums.error);
            xml.leaf("TOTAL_PASSED", sums.passed);
            xml.leaf("TOTAL_FAILED", sums.failed);
            xml.leaf("TOTAL_ERROR", sums.error);
            xml.leaf("TOTAL_EXCEPTIONS", sums.accepted);
        });
    });
}
