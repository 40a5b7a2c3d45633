//! Reports and their schedules on their way out.

use parapet_model::recurrence::{Days, Recurrence};
use parapet_model::schedule::Weekday;
use parapet_model::time::format_rfc3339;
use parapet_model::{FOREVER, Millis};
use parapet_service::reports::{ReportScheduleView, ReportSettings, ReportView};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::http::qualys_cs::qql::table::{Cell, TableRow};
use crate::http::qualys_cs::sorting::Key;

/// What was asked, as both rows say it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Words {
    report_name: String,
    description: String,
    file_format: &'static str,
    template_name: String,
    filter: Option<String>,
    display_columns: Vec<String>,
    expire_after: u16,
    zip: u8,
    include_sca_vuln: bool,
    email_notification: u8,
    send_as_attachment: u8,
    recipient: Option<String>,
    email_subject: Option<String>,
    custom_message: Option<String>,
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

impl Words {
    fn of(settings: &ReportSettings) -> Self {
        Self {
            report_name: settings.name.clone(),
            description: settings.description.clone(),
            file_format: "csv",
            template_name: settings.template.clone(),
            filter: some(&settings.question),
            display_columns: settings.columns.clone(),
            expire_after: settings.keep_days,
            zip: settings.zip.into(),
            include_sca_vuln: settings.language_packages,
            email_notification: settings.mail.notify.into(),
            send_as_attachment: settings.mail.attach.into(),
            recipient: some(&settings.mail.recipient),
            email_subject: some(&settings.mail.subject),
            custom_message: some(&settings.mail.message),
        }
    }
}

/// A report. Its instants are ISO-8601, as in the publisher's sample.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReportRow {
    pub(super) report_uuid: Uuid,
    created_at: String,
    created_by: String,
    #[serde(flatten)]
    words: Words,
    status: &'static str,
    error: Option<String>,
    completed_at: Option<String>,
    /// When its file goes.
    expires_at: Option<String>,
    row_count: Option<u64>,
    file_size: Option<u64>,
    /// Whether a schedule made it.
    is_scheduled: bool,
    #[serde(skip)]
    created: Millis,
}

impl From<&ReportView> for ReportRow {
    fn from(view: &ReportView) -> Self {
        Self {
            report_uuid: view.id,
            created_at: format_rfc3339(view.created),
            created_by: view.owner.clone(),
            words: Words::of(&view.settings),
            status: view.status.as_str(),
            error: some(&view.error),
            completed_at: view.ended.map(format_rfc3339),
            expires_at: view.expires.map(format_rfc3339),
            row_count: view.rows,
            file_size: view.size,
            is_scheduled: view.scheduled,
            created: view.created,
        }
    }
}

impl ReportRow {
    /// What reports are sorted by.
    pub(super) const KEYS: [Key<Self>; 4] = [
        ("reportName", |a, b| a.words.report_name.cmp(&b.words.report_name)),
        ("status", |a, b| a.status.cmp(b.status)),
        ("createdAt", |a, b| a.created.cmp(&b.created)),
        ("templateName", |a, b| a.words.template_name.cmp(&b.words.template_name)),
    ];
}

impl TableRow for ReportRow {
    const PREFIX: &'static str = "report.";
    const TOKENS: &'static [&'static str] =
        &["reportName", "name", "status", "templateName", "reportUuid", "createdBy", "createdAt"];

    fn cells(&self, token: &str) -> Vec<Cell> {
        vec![match token {
            "reportName" | "name" => self.words.report_name.as_str().into(),
            "status" => self.status.into(),
            "templateName" => self.words.template_name.as_str().into(),
            "reportUuid" => Cell::Text(self.report_uuid.to_string()),
            "createdBy" => self.created_by.as_str().into(),
            _ => Cell::Instant(self.created),
        }]
    }
}

/// A schedule.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ScheduleRow {
    reporting_schedule_id: Uuid,
    status: &'static str,
    #[serde(flatten)]
    words: Words,
    event_time: String,
    event_end_time: Option<String>,
    report_schedule_details: Option<Value>,
    /// When the next report is made.
    next_event_time: Option<String>,
    created_by: String,
    created_at: String,
    updated_at: String,
    #[serde(skip)]
    created: Millis,
}

/// `YYYY-MM-DDTHH:MM:SSZ`, as clients write it.
fn seconds(at: Millis) -> String {
    format_rfc3339(at).replace(".000Z", "Z")
}

fn details(recurrence: &Recurrence) -> Option<Value> {
    let names = |days: &std::collections::BTreeSet<Weekday>| -> Vec<&str> {
        days.iter().map(|day| day.as_str()).collect()
    };
    let mut out = json!({
        "recurrenceType": null, "selectedDayOfWeeks": null, "selectedDayOfMonth": null,
        "selectedWeekOfMonth": null, "selectedDayOfWeek": null,
    });
    out["recurrenceType"] = json!(match &recurrence.days {
        Days::Once => return None,
        Days::Daily => "DAILY",
        Days::Weekly(days) => {
            out["selectedDayOfWeeks"] = json!(names(days));
            "WEEKLY"
        }
        Days::MonthDay(day) => {
            out["selectedDayOfMonth"] = json!(day);
            "MONTHLY"
        }
        Days::MonthWeekday(week, day) => {
            out["selectedWeekOfMonth"] = json!(week.as_str());
            out["selectedDayOfWeek"] = json!(day.as_str());
            "MONTHLY"
        }
    });
    Some(out)
}

impl From<&ReportScheduleView> for ScheduleRow {
    fn from(view: &ReportScheduleView) -> Self {
        let recurrence = &view.settings.recurrence;
        Self {
            reporting_schedule_id: view.id,
            status: if view.next.is_some() { "Active" } else { "Completed" },
            words: Words::of(&view.settings.report),
            event_time: seconds(recurrence.start),
            event_end_time: (recurrence.end != FOREVER).then(|| seconds(recurrence.end)),
            report_schedule_details: details(recurrence),
            next_event_time: view.next.map(seconds),
            created_by: view.owner.clone(),
            created_at: format_rfc3339(view.created),
            updated_at: format_rfc3339(view.updated),
            created: view.created,
        }
    }
}

impl ScheduleRow {
    /// What schedules are sorted by.
    pub(super) const KEYS: [Key<Self>; 3] = [
        ("reportName", |a, b| a.words.report_name.cmp(&b.words.report_name)),
        ("status", |a, b| a.status.cmp(b.status)),
        ("createdAt", |a, b| a.created.cmp(&b.created)),
    ];
}

impl TableRow for ScheduleRow {
    const PREFIX: &'static str = "report.";
    const TOKENS: &'static [&'static str] =
        &["reportName", "name", "status", "templateName", "reportingScheduleId", "createdBy", "createdAt"];

    fn cells(&self, token: &str) -> Vec<Cell> {
        vec![match token {
            "reportName" | "name" => self.words.report_name.as_str().into(),
            "status" => self.status.into(),
            "templateName" => self.words.template_name.as_str().into(),
            "reportingScheduleId" => Cell::Text(self.reporting_schedule_id.to_string()),
            "createdBy" => self.created_by.as_str().into(),
            _ => Cell::Instant(self.created),
        }]
    }
}
