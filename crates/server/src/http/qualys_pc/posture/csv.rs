//! Posture as CSV (RFC 4180, with the guard against formulas of all our tables). The columns are ours;
//! `csv` has a small table about the answer before the header row, `csv_no_metadata` has not.

use parapet_export::guard;
use parapet_model::compliance::{ControlStatus, Policy};
use parapet_model::time::{FOREVER, Millis, format_seconds};
use parapet_service::control_posture::PostureRow;

use super::super::error::PcError;
use super::super::exceptions::state_word;
use super::evidence;
use super::request::Format;
use super::{PIECE, Writing};

const HEADER: [&str; 22] = [
    "Posture ID",
    "Host ID",
    "Host IP",
    "DNS Hostname",
    "Operating System",
    "Control ID",
    "Control Statement",
    "Criticality",
    "Technology ID",
    "Technology",
    "Instance",
    "Status",
    "Previous Status",
    "Evaluation Date",
    "First Fail Date",
    "Last Fail Date",
    "First Pass Date",
    "Last Pass Date",
    "Exception Status",
    "Exception Assignee",
    "Exception End Date",
    "Evidence",
];

impl Writing {
    pub(super) async fn csv(&self) -> Result<(), PcError> {
        let mut out = String::new();
        for policy in &self.request.policies {
            if self.request.format == Format::CsvWithMetadata {
                let now = format_seconds(self.state.app.now());
                line(&mut out, &["Policy ID", "Policy Title", "Generated"].map(str::to_owned));
                line(&mut out, &[policy.no.to_string(), policy.title.clone(), now]);
                out.push_str("\r\n");
            }
            line(&mut out, &HEADER.map(str::to_owned));
            self.csv_rows(&mut out, policy).await?;
        }
        self.send(out).await
    }

    async fn csv_rows(&self, out: &mut String, policy: &Policy) -> Result<(), PcError> {
        let (postures, who) = (self.state.app.control_postures(), self.caller.principal());
        let controls = postures.controls_of(who, policy.no).await?;
        let technologies = postures.technologies(who).await?;
        let mut pages = self.pages(policy);
        while let Some(rows) = pages.next(self).await? {
            let numbers: Vec<_> = rows.iter().map(|row| row.result.identity.host).collect();
            let hosts = postures.hosts(who, &numbers).await?;
            for row in &rows {
                let words = hosts.get(&row.result.identity.host).map(|host| host.words.clone());
                let words = words.unwrap_or_default();
                let control = controls.get(&row.result.identity.control);
                let technology = technologies.get(&row.result.technology).cloned().unwrap_or_default();
                let text = control.map(|control| control.text.clone()).unwrap_or_default();
                let mut cells = vec![
                    row.result.no.to_string(),
                    row.result.identity.host.to_string(),
                    words.ip,
                    words.name,
                    words.os,
                    row.result.identity.control.to_string(),
                    text.statement,
                    text.criticality.as_str().to_owned(),
                    row.result.technology.to_string(),
                    technology,
                ];
                self.rest(&mut cells, row);
                line(out, &cells);
            }
            if out.len() > PIECE {
                self.send(std::mem::take(out)).await?;
            }
        }
        Ok(())
    }

    fn rest(&self, cells: &mut Vec<String>, row: &PostureRow) {
        let summary = &row.result.summary;
        let previous = summary.previous.and_then(ControlStatus::posture);
        cells.extend([
            row.result.identity.instance.clone(),
            row.shown.as_str().to_owned(),
            previous.map_or(String::new(), |posture| posture.as_str().to_owned()),
        ]);
        let instants = [
            row.result.evaluated,
            summary.first_failed,
            summary.last_failed,
            summary.first_passed,
            summary.last_passed,
        ];
        cells.extend(instants.map(instant));
        cells.extend(match &row.exception {
            Some((e, standing)) => [
                state_word(*standing).to_owned(),
                self.logins.name(e.assignee).to_owned(),
                if e.life.end == FOREVER { "N/A".to_owned() } else { instant(e.life.end - 1) },
            ],
            None => Default::default(),
        });
        let found = row.evidence.as_ref().filter(|_| self.request.evidence);
        cells.push(found.map_or(String::new(), |found| {
            format!("{} [{}]", found.lines().join(" | "), evidence::expression(found))
        }));
    }
}

fn instant(at: Millis) -> String {
    if at > 0 && at != FOREVER { format_seconds(at) } else { String::new() }
}

fn line(out: &mut String, cells: &[String]) {
    for (at, cell) in cells.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        let cell = guard(cell);
        out.push('"');
        out.push_str(&cell.replace('"', "\"\""));
        out.push('"');
    }
    out.push_str("\r\n");
}
