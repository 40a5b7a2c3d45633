//! Reading images again, and how far that is (contract 5).

use axum::Json;
use axum::body::Bytes;
use axum::http::StatusCode;
use parapet_model::Permission;
use parapet_model::facts::AssetRow;
use parapet_model::job::{JobKind, JobState};
use parapet_store::jobs::{Job, JobFilter, Progress};
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::body::Fields;
use super::super::call::{Allowed, Call};
use super::super::estate::Estate;
use super::super::query::missing;
use super::super::{HssError, words};
use super::estate::{WantedImages, current, find, is_of_registry};

/// Most images named in one call.
const MAX_NAMED: usize = 100_000;
/// Jobs looked at for the list of tasks.
const MAX_JOBS: u32 = 1_000;
const ANY: std::ops::RangeInclusive<i64> = 0..=i64::MAX;
/// Vulnerabilities, which is what a scan here looks for.
const SCOPE_VULNERABILITIES: i64 = 0x000f_0000;
const SCOPE_ALL: i64 = 0x7fff_ffff;

/// `POST image/batch-scan`.
pub(super) async fn of_registries(call: Call, body: Bytes) -> Result<StatusCode, HssError> {
    begin(call, move |estate| {
        let body = Fields::read(&body)?;
        body.required_word("image_type", &["private_image", "shared_image", "instance_image"])?;
        let wanted = WantedImages { of_registry: Some(true), ..wanted(&body)? };
        selected(estate, &body, "image_info_list", &wanted)
    })
    .await
}

/// `POST image/local/batch-scan`.
pub(super) async fn local(call: Call, body: Bytes) -> Result<StatusCode, HssError> {
    begin(call, move |estate| {
        let body = Fields::read(&body)?;
        let kind = body.word("local_image_type", &["other_image", "swr_image"])?;
        let of_registry = kind.map(|word| word == "swr_image");
        let wanted = WantedImages { of_registry, ..wanted(&body)? };
        selected(estate, &body, "image_info_list", &wanted)
    })
    .await
}

/// `POST image/image-scan/tasks`.
pub(super) async fn create(call: Call, body: Bytes) -> Result<StatusCode, HssError> {
    let place = call.query.word("global_image_type", &["local", "registry"])?.unwrap_or("registry");
    let of_registry = (place == "registry").then_some(true);
    begin(call, move |estate| {
        let body = Fields::read(&body)?;
        let scope = body.integer("scan_scope", 0..=SCOPE_ALL)?.unwrap_or(SCOPE_ALL);
        if scope & SCOPE_VULNERABILITIES == 0 {
            let why = "scan_scope: only vulnerabilities (0x000f0000) are looked for";
            return Err(HssError::invalid(why.to_owned()));
        }
        body.integer("rate_limit", 0..=1000)?;
        let query = body.object("query_info")?.unwrap_or_default();
        let wanted = WantedImages { of_registry, ..wanted(&query)? };
        let all = body.boolean("is_all")?.unwrap_or(false) || body.object("query_info")?.is_some();
        if all {
            return Ok(wanted.select(estate).into_iter().map(|image| image.uuid).collect());
        }
        named(estate, &body, "image_info", &wanted)
    })
    .await
}

/// Answers 200 with an empty body; the task is in the list of tasks.
async fn begin(
    call: Call,
    read: impl FnOnce(&Estate) -> Result<Vec<Uuid>, HssError> + Send + 'static,
) -> Result<StatusCode, HssError> {
    let Allowed { state, principal, estate, .. } = call.allow(Permission::AssetsWrite).await?;
    let images = estate.ask(read).await?;
    if images.is_empty() {
        return Err(HssError::not_found("image"));
    }
    state.app.scans().scan_many(&principal, &images).await?;
    Ok(StatusCode::OK)
}

/// The conditions that the bodies share.
fn wanted(body: &Fields) -> Result<WantedImages, HssError> {
    let text = |name: &str| Ok::<_, HssError>(body.text(name, 0..=256)?.map(str::to_owned));
    let scan_status = body.word("scan_status", &words::IMAGE_SCAN_STATUS)?;
    Ok(WantedImages {
        name: text("image_name")?,
        namespace: text("namespace")?,
        version: text("image_version")?,
        scan_status: scan_status.map(str::to_owned),
        has_vulnerability: body.boolean("has_vul")?,
        ..WantedImages::within(|name| body.integer(name, ANY))?
    })
}

/// All that pass with `operate_all`, else those that are named.
fn selected(
    estate: &Estate,
    body: &Fields,
    list: &str,
    wanted: &WantedImages,
) -> Result<Vec<Uuid>, HssError> {
    if body.boolean("operate_all")?.unwrap_or(false) {
        return Ok(wanted.select(estate).into_iter().map(|image| image.uuid).collect());
    }
    named(estate, body, list, wanted)
}

/// The images of a list: by id, by digest, or by name and version.
fn named(estate: &Estate, body: &Fields, list: &str, wanted: &WantedImages) -> Result<Vec<Uuid>, HssError> {
    let objects = body.objects(list, 0..=MAX_NAMED)?;
    if objects.is_empty() {
        return Err(missing(list));
    }
    let mut images = Vec::new();
    for fields in &objects {
        let id = match fields.text("image_id", 0..=128)? {
            Some(id) => Some(id),
            None => fields.text("image_digest", 0..=128)?,
        };
        let found: Vec<&AssetRow> = match id {
            Some(id) => find(estate, id).into_iter().collect(),
            None => {
                let name = fields.required("image_name", 1..=256)?;
                let tag = fields.text("image_version", 0..=256)?;
                let named = |image: &&AssetRow| {
                    current(image).any(|r| r.repository == name && tag.is_none_or(|tag| r.tag == tag))
                };
                let all = WantedImages { name: Some(name.to_owned()), ..WantedImages::default() };
                all.select(estate).into_iter().filter(named).collect()
            }
        };
        let of_kind = |image: &&AssetRow| wanted.of_registry.is_none_or(|of| is_of_registry(image) == of);
        let before = images.len();
        images.extend(found.into_iter().filter(of_kind).map(|image| image.uuid));
        if images.len() == before {
            return Err(HssError::not_found("image"));
        }
    }
    images.sort_unstable();
    images.dedup();
    Ok(images)
}

/// `GET image/tasks`: the batches, newest first.
pub(super) async fn tasks(call: Call) -> Result<Json<Value>, HssError> {
    let Allowed { state, principal, query, .. } = call.allow_everything(Permission::FindingsRead).await?;
    let page = query.page()?;
    let place = query.word("global_image_type", &["local", "registry"])?;
    let kind = query.required_word("type", &["image_sync", "image_scan"])?;
    let task_type = query.word("task_type", &["cycle", "manual", "autoSync", "manualSync"])?;
    let name = query.text("task_name", 1..=256)?;
    let id = query.text("task_id", 1..=256)?.map(|id| Uuid::try_parse(id).ok());
    let from = query.integer("create_time", ANY)?;
    let to = query.integer("end_time", ANY)?;
    let status = query.word("task_status", &["scanning", "finished"])?;
    query.text("scan_scope", 1..=16)?;
    let mut rows = Vec::new();
    // Registries are listed when they are scanned: there is no other synchronisation.
    let none =
        kind == "image_sync" || task_type.is_some_and(|word| word != "manual") || place == Some("local");
    let filter = JobFilter { kind: Some(JobKind::ScanImages), ..JobFilter::default() };
    let jobs = if none {
        Vec::new()
    } else {
        state.app.jobs().list(&principal, &filter, u32::MAX, MAX_JOBS).await?.jobs
    };
    for job in jobs {
        let finished = job.state.is_final();
        let passes = id.is_none_or(|id| id == Some(job.uuid))
            && name.is_none_or(|part| super::estate::contains(&task_name(&job), part))
            && from.is_none_or(|from| job.created >= from)
            && to.is_none_or(|to| job.created <= to)
            && status.is_none_or(|word| (word == "finished") == finished);
        if passes {
            rows.push(job);
        }
    }
    let (total, rows) = page.cut(rows);
    let mut list = Vec::new();
    for job in rows {
        let (job, progress) = state.app.jobs().get(&principal, job.uuid).await?;
        list.push(task(&job, &progress));
    }
    Ok(Json(json!({"total_num": total, "data_list": list})))
}

fn task_name(job: &Job) -> String {
    format!("image_scan_{}", job.created)
}

fn task(job: &Job, progress: &Progress) -> Value {
    let (total, ended) = (progress.total(), progress.ended());
    let status = match job.state {
        JobState::Succeeded => 100,
        JobState::Cancelled => -1,
        JobState::Failed => -3,
        JobState::Queued | JobState::Running => {
            i64::try_from((ended * 100).checked_div(total).unwrap_or(0).min(99)).unwrap_or(0)
        }
    };
    json!({
        "task_id": job.uuid.simple().to_string(),
        "policy_id": "",
        "task_name": task_name(job),
        "begin_time": job.created,
        "end_time": job.ended,
        "remain_min": 0,
        "task_type": "manual",
        "image_type": "registry",
        "task_status": status,
        "scan_scope": SCOPE_VULNERABILITIES,
        "rate_limit": 0,
        "is_all": false,
        "failed_num": progress.of(JobState::Failed) + progress.of(JobState::Cancelled),
        "success_num": progress.of(JobState::Succeeded),
        "total_num": total,
        "risky_num": 0,
        "sync_task_type": "",
        "failed_reason": job.error,
        "failed_images": [],
    })
}
