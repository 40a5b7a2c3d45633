//! `POST image/vulnerability/handle`, and what was done.

use axum::Json;
use axum::body::Bytes;
use axum::http::StatusCode;
use parapet_model::filter::{Field, Filter};
use parapet_model::{AssetKind, Permission};
use parapet_posture::Window;
use parapet_service::handling::{Handle, OnAssets};
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::body::Fields;
use super::super::call::{Allowed, Call};
use super::super::estate::{Estate, Wanted};
use super::super::query::missing;
use super::super::vulnerabilities::{known, status_of, type_of};
use super::super::{HssError, words};
use super::estate::{contains, find, shown};
use super::vulnerabilities::of_place;

const SELECT: [&str; 5] =
    ["all_vul", "specific_image_all_vul", "specific_vul_all_image", "vul_view", "image_view"];
const OPERATIONS: [&str; 4] = ["ignore", "not_ignore", "manual_repair", "add_to_whitelist"];
/// Most pairs of image and vulnerability of one call.
const MAX_PAIRS: usize = 250_000;
/// Most entries of a list in a body.
const MAX_ENTRIES: usize = 10_000;

/// Answers 200 with an empty body.
pub(super) async fn handle(call: Call, body: Bytes) -> Result<StatusCode, HssError> {
    let Allowed { state, principal, estate, .. } = call.allow(Permission::ExceptionsRequest).await?;
    let (what, on, remark) = estate.ask(move |estate| read(estate, &Fields::read(&body)?)).await?;
    state.app.handling().handle(&principal, what, &on, &remark).await?;
    Ok(StatusCode::OK)
}

fn read(estate: &Estate, body: &Fields) -> Result<(Handle, Vec<OnAssets>, String), HssError> {
    let place = body.required_word("image_type", &["local", "registry", "cicd"])?;
    let kind = body.required_word("type", &words::IMAGE_TYPES)?;
    let what = match body.required_word("operate_type", &OPERATIONS)? {
        "ignore" => Handle::Ignore,
        "not_ignore" => Handle::Restore,
        "manual_repair" => Handle::Repaired,
        _ => Handle::Whitelist,
    };
    let status = body.word("handle_status", &words::HANDLE_STATUS)?;
    let remark = body.text("remark", 0..=512)?.unwrap_or_default().to_owned();
    let select = body.required_word("select_type", &SELECT)?;
    let on = match select {
        "vul_view" => {
            let list = body.objects("vul_data_list", 1..=MAX_ENTRIES)?;
            let one = |fields: &Fields| {
                let vulnerability = known(estate, fields.required("vul_id", 1..=128)?)?;
                let images = fields.texts("image_id_list", 1..=MAX_ENTRIES, 1..=512)?;
                Ok(OnAssets { vulnerability, assets: named(estate, "image_id_list", &images)? })
            };
            list.iter().map(one).collect::<Result<Vec<_>, HssError>>()?
        }
        "image_view" => {
            let mut on = Vec::new();
            for fields in body.objects("image_data_list", 1..=MAX_ENTRIES)? {
                let image = fields.required("image_id", 1..=512)?.to_owned();
                let assets = named(estate, "image_id", &[image])?;
                for id in fields.texts("vul_id_list", 1..=MAX_ENTRIES, 1..=128)? {
                    on.push(OnAssets { vulnerability: known(estate, &id)?, assets: assets.clone() });
                }
            }
            on
        }
        _ => {
            let mut wanted = Wanted::of(estate, AssetKind::Image);
            wanted.add(of_place(estate, place));
            wanted.add(words::type_filter(kind));
            let status = status.unwrap_or(if what == Handle::Restore { "handled" } else { "unhandled" });
            wanted.add(words::handled(status));
            if select == "specific_image_all_vul" {
                let images = body.texts("image_id_list", 1..=MAX_ENTRIES, 1..=512)?;
                let images = named(estate, "image_id_list", &images)?;
                wanted.add(Filter::any_of(Field::AssetId, images.iter().map(Uuid::to_string)));
            }
            if select == "specific_vul_all_image" {
                let ids = body.texts("vul_id_list", 1..=MAX_ENTRIES, 1..=128)?;
                if ids.is_empty() {
                    return Err(missing("vul_id_list"));
                }
                let ids: Vec<String> = ids.iter().map(|id| known(estate, id)).collect::<Result<_, _>>()?;
                wanted.add(Filter::any_of(Field::Vulnerability, ids));
            }
            everything(estate, &wanted.finish())?
        }
    };
    if on.is_empty() && select.ends_with("_view") {
        return Err(missing(if select == "vul_view" { "vul_data_list" } else { "image_data_list" }));
    }
    Ok((what, on, remark))
}

fn named(estate: &Estate, name: &str, ids: &[String]) -> Result<Vec<Uuid>, HssError> {
    if ids.is_empty() {
        return Err(missing(name));
    }
    let image = |id: &String| {
        let found = find(estate, id).map(|image| image.uuid);
        found.ok_or_else(|| HssError::not_found(&format!("image {id:?}")))
    };
    ids.iter().map(image).collect()
}

fn everything(estate: &Estate, filter: &Filter) -> Result<Vec<OnAssets>, HssError> {
    let (mut pairs, mut on) = (0, Vec::new());
    estate.vulnerabilities(filter, Window::ALL, |row| {
        pairs += row.assets.len();
        if pairs <= MAX_PAIRS {
            let assets = row.assets.iter().map(|one| one.asset.uuid).collect();
            on.push(OnAssets { vulnerability: row.vulnerability.id.clone(), assets });
        }
    });
    if pairs > MAX_PAIRS {
        return Err(HssError::invalid(format!(
            "select_type: more than {MAX_PAIRS} pairs of image and vulnerability"
        )));
    }
    Ok(on)
}

/// `GET image/vulnerability/handle-history`: what was done about a vulnerability, newest first.
pub(super) async fn history(call: Call) -> Result<Json<Value>, HssError> {
    let Allowed { state, principal, estate, query } = call.allow(Permission::ExceptionsRead).await?;
    let entries = state.app.handling().history(&principal).await?;
    let answer = estate.ask(move |estate| {
        let page = query.page()?;
        let id = known(estate, query.required("vul_id", 1..=256)?)?;
        query.required_word("image_type", &["local", "registry"])?;
        let image_id = query.text("image_id", 1..=256)?;
        let image_id = image_id.map(|id| find(estate, id).map(|image| image.no));
        let name = query.text("image_name", 0..=256)?;
        let status = query.word("status", &["vul_status_unfix", "vul_status_ignored"])?;
        let user = query.text("user_name", 0..=256)?;
        let kind = query.word("handle_type", &["ignore", "not_ignore", "add_to_whitelist"])?;
        let remark = query.text("remark", 0..=256)?;
        // What is handled is the vulnerability of an image, not of one of its packages.
        let by_package =
            query.text("app_name", 0..=256)?.is_some() || query.text("app_version", 0..=256)?.is_some();
        let mut rows = Vec::new();
        for entry in entries.iter().filter(|entry| entry.vulnerability.eq_ignore_ascii_case(&id)) {
            let image = entry.asset.and_then(|no| estate.snapshot.asset(&estate.scope, no));
            let Some(image) = image.filter(|image| image.kind == AssetKind::Image) else { continue };
            let reference = shown(image);
            let image_name = reference.map_or(image.name.as_str(), |reference| &reference.repository);
            let passes = image_id.is_none_or(|no| no == Some(image.no))
                && name.is_none_or(|name| contains(image_name, name))
                && status.is_none_or(|word| status_of(entry.how) == word)
                && user.is_none_or(|user| contains(&entry.by, user))
                && kind.is_none_or(|word| type_of(entry.how) == word)
                && remark.is_none_or(|part| contains(&entry.remark, part))
                && !by_package;
            if passes {
                rows.push(json!({
                    "image_id": image.uuid,
                    "image_name": image_name,
                    "user_name": entry.by,
                    "handle_time": entry.at,
                    "handle_type": type_of(entry.how),
                    "status": status_of(entry.how),
                    "app_name": "",
                    "app_version": "",
                    "app_path": "",
                    "remark": entry.remark,
                    "image_digest": image.identity,
                    "image_version": reference.map_or("", |reference| &reference.tag),
                    "agent_id": "",
                }));
            }
        }
        let (total, list) = page.cut(rows);
        Ok(json!({"total_num": total, "data_list": list}))
    });
    Ok(Json(answer.await?))
}
