//! `POST image/security-report/export-tasks` (contract 3): of its reports, the software of images. What the
//! others are about is not looked for, and an empty file would say that there is none.

use axum::Json;
use axum::body::Bytes;
use parapet_model::Permission;
use parapet_service::exports::{ColumnChoice, ExportRequest, RowKind};
use serde_json::Value;

use super::super::HssError;
use super::super::body::Fields;
use super::super::call::{Allowed, Call};
use super::super::estate::Estate;
use super::super::exports::create::{MAX_ROWS, task};
use super::super::query::missing;
use super::super::words;
use super::apps::{Software, software};
use super::estate::{WantedImages, find, shown};

const REPORTS: [&str; 6] =
    ["malwares", "apps", "files", "sensitive-info", "non-compliant-app", "build-command-risks"];
const TYPES: [&str; 7] =
    ["private_image", "shared_image", "local_image", "instance_image", "harbor", "jfrog", "cicd"];
/// Most rows: they are kept with the job.
const MOST: usize = 100_000;
const COLUMNS: [(&str, &str); 8] = [
    ("image_name", "Image name"),
    ("image_version", "Image version"),
    ("image_id", "Image ID"),
    ("image_digest", "Image digest"),
    ("app_name", "Software"),
    ("app_type", "Type"),
    ("app_version", "Version"),
    ("vul_num", "Vulnerabilities"),
];
const NUMBERS: std::ops::RangeInclusive<i64> = 0..=i64::MAX;

/// Answers the task.
pub(super) async fn export(call: Call, body: Bytes) -> Result<Json<Value>, HssError> {
    let Allowed { state, principal, estate, .. } = call.allow(Permission::ExportsCreate).await?;
    let scope = estate.scope.clone();
    let rows = estate.ask(move |estate| rows(estate, &Fields::read(&body)?)).await?;
    let column =
        |(column, label): (&str, &str)| ColumnChoice { column: column.to_owned(), label: label.to_owned() };
    let request = ExportRequest {
        rows: RowKind::Given,
        given: rows,
        columns: COLUMNS.map(column).into(),
        zip: true,
        bom: true,
        name: "hss-image-apps-en".to_owned(),
        ..ExportRequest::findings(parapet_model::Filter::All)
    };
    Ok(task(state.app.exports().request(&principal, &scope, request).await?))
}

fn rows(estate: &Estate, body: &Fields) -> Result<Vec<Vec<String>>, HssError> {
    let report = body.required_word("security_report_type", &REPORTS)?;
    let size = body.integer("export_size", 1..=MAX_ROWS)?.ok_or_else(|| missing("export_size"))?;
    let all = body.boolean("operate_all")?.ok_or_else(|| missing("operate_all"))?;
    let images = images(estate, body, all)?;
    if report != "apps" {
        let why = format!("security_report_type {report}: of images, only their software (apps) is read");
        return Err(HssError::invalid(why));
    }
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let mut rows = Vec::new();
    for image in images {
        let reference = shown(image);
        let (name, tag) = reference.map_or((image.name.as_str(), ""), |r| (&r.repository, &r.tag));
        for Software { package, vulnerabilities } in software(estate, image, None) {
            if rows.len() == size {
                return Ok(rows);
            }
            if rows.len() == MOST {
                let why =
                    format!("export_size: this report has more than {MOST} rows; ask for fewer, or images");
                return Err(HssError::invalid(why));
            }
            let key = &package.key;
            let (id, number) = (image.uuid.to_string(), vulnerabilities.to_string());
            rows.push(
                [name, tag, &id, &image.identity, &key.name, &key.ecosystem, &key.version, &number]
                    .map(str::to_owned)
                    .into(),
            );
        }
    }
    Ok(rows)
}

/// The images: those named, or all that pass.
fn images<'e>(
    estate: &'e Estate,
    body: &Fields,
    all: bool,
) -> Result<Vec<&'e parapet_model::facts::AssetRow>, HssError> {
    let named = body.texts("image_id_list", 0..=usize::MAX, 1..=256)?;
    let text = |name: &str| Ok::<_, HssError>(body.text(name, 0..=65_535)?.map(str::to_owned));
    let kind = body.word("image_type", &TYPES)?;
    let latest = body.boolean("latest_version")? == Some(true);
    let tag = text("image_version")?;
    let wanted = WantedImages {
        name: text("image_name")?,
        namespace: text("namespace")?,
        version: tag.or_else(|| latest.then(|| "latest".to_owned())),
        scan_status: body.word("scan_status", &words::IMAGE_SCAN_STATUS)?.map(str::to_owned),
        of_registry: matches!(kind, Some("private_image" | "instance_image")).then_some(true),
        has_vulnerability: body.boolean("has_vul")?,
        ..WantedImages::within(|name| body.integer(name, NUMBERS))?
    };
    let id = body.text("image_id", 0..=128)?;
    let mut nothing = matches!(kind, Some("shared_image" | "harbor" | "jfrog" | "cicd"));
    for name in ["has_malicious_file", "has_unsafe_setting"] {
        nothing |= body.boolean(name)? == Some(true);
    }
    for name in ["instance_name", "cicd_name"] {
        nothing |= body.text(name, 0..=128)?.is_some();
    }
    if nothing {
        return Ok(Vec::new());
    }
    if !all {
        if named.is_empty() {
            return Err(missing("image_id_list: it or operate_all"));
        }
        let one = |id: &String| find(estate, id).ok_or_else(|| HssError::not_found(&format!("image {id:?}")));
        return named.iter().map(one).collect();
    }
    let mut images = wanted.select(estate);
    if let Some(id) = id {
        let only = find(estate, id).map(|image| image.no);
        images.retain(|image| Some(image.no) == only);
    }
    Ok(images)
}
