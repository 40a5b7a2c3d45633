//! Schedules and their runs on their way out.

use parapet_model::Millis;
use parapet_service::schedules::{Execution, RunError, Standing, Status};
use parapet_store::schedules::ScheduleSettings;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::http::qualys_cs::millis;

/// When a run was in which phase; all `null` before the first.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Phases {
    job_start_date: Option<String>,
    job_completion_date: Option<String>,
    job_listing_start_date: Option<String>,
    job_listing_completion_date: Option<String>,
    job_scanning_start_date: Option<String>,
    job_scanning_completion_date: Option<String>,
}

impl Phases {
    fn of(run: &Execution) -> Self {
        let date = |at: Option<Millis>| at.and_then(millis);
        Self {
            job_start_date: date(run.started),
            job_completion_date: date(run.ended),
            job_listing_start_date: date(run.started),
            job_listing_completion_date: date(run.listed),
            job_scanning_start_date: date(run.scanning),
            job_scanning_completion_date: run.scanning.and(date(run.ended)),
        }
    }
}

/// A row of the list of schedules (release notes 1.22).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ScheduleRow {
    schedule_uuid: Uuid,
    on_demand: bool,
    created: Option<String>,
    updated: Option<String>,
    #[serde(flatten)]
    phases: Phases,
    name: Option<String>,
    errors: Option<Vec<Value>>,
    schedule: Option<String>,
    filters: Vec<Value>,
    additional_filters: Option<Value>,
    status: &'static str,
    force_scan: bool,
    schedule_interval_in_days: Option<u16>,
    week_day: Option<&'static str>,
}

impl ScheduleRow {
    pub(super) fn of(standing: &Standing, run: Option<&Execution>) -> Self {
        let schedule = &standing.schedule;
        let ScheduleSettings { name, cadence, plan, force } = &schedule.settings;
        let repo_tags = |filter: &parapet_store::schedules::ScheduleFilter| -> Vec<Value> {
            filter.repo_tags.iter().map(|given| json!({"repo": given.repo, "tag": given.tag})).collect()
        };
        let filters = plan.filters.iter();
        Self {
            schedule_uuid: schedule.uuid,
            on_demand: cadence.is_none(),
            created: millis(schedule.created),
            updated: millis(schedule.updated),
            phases: run.map(Phases::of).unwrap_or_default(),
            name: name.clone(),
            errors: run.and_then(errors),
            schedule: cadence.map(|c| format!("{:02}:{:02}", c.minute / 60, c.minute % 60)),
            filters: filters.map(|f| json!({"repoTags": repo_tags(f), "days": f.days})).collect(),
            additional_filters: plan
                .newest
                .map(|newest| json!({"numberOfTags": newest, "sortCriteria": "createdDate"})),
            status: standing.status.as_str(),
            force_scan: *force,
            schedule_interval_in_days: cadence.map(|cadence| cadence.interval_days),
            week_day: cadence
                .and_then(|cadence| cadence.week_day)
                .map(parapet_model::schedule::Weekday::as_str),
        }
    }
}

/// A run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExecutionRow {
    execution_uuid: Uuid,
    status: &'static str,
    /// The instant it fired for.
    scheduled_for: Option<String>,
    #[serde(flatten)]
    phases: Phases,
    repo_count: u64,
    total_images: u64,
    total_scanned_images: u64,
    /// Images that were not read again because their digest had not changed.
    total_unchanged_images: u64,
    total_failed_images: u64,
    errors: Option<Vec<Value>>,
}

impl ExecutionRow {
    pub(super) fn of(run: &Execution) -> Self {
        Self {
            execution_uuid: run.id,
            status: run.status.as_str(),
            scheduled_for: millis(run.fired),
            phases: Phases::of(run),
            repo_count: run.repositories,
            total_images: run.images,
            total_scanned_images: run.scanned,
            total_unchanged_images: run.unchanged,
            total_failed_images: run.failed,
            errors: errors(run),
        }
    }
}

/// `null` when nothing went wrong.
fn errors(run: &Execution) -> Option<Vec<Value>> {
    let shown = |RunError { image, error }: &RunError| {
        let (code, params) = match (image.as_str(), run.status) {
            ("", Status::Error) => ("SCAN_JOB_FAILED", json!({})),
            ("", _) => ("LISTING_INCOMPLETE", json!({})),
            (image, _) => ("IMAGE_NOT_READ", json!({"image": image})),
        };
        json!({"errorCode": code, "errorMessage": error, "contextParams": params})
    };
    let mut out: Vec<Value> = run.errors.iter().map(shown).collect();
    if run.errors_left_out > 0 {
        let message = format!("{} more errors are not shown", run.errors_left_out);
        out.push(json!({"errorCode": "MORE_ERRORS", "errorMessage": message, "contextParams": {}}));
    }
    Some(out).filter(|out| !out.is_empty())
}
