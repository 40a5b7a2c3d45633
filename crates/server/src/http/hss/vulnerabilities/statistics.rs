//! Counts over all servers.

use axum::Json;
use parapet_model::filter::{Field, Filter};
use parapet_model::time::DAY;
use parapet_model::{AssetKind, Permission};
use parapet_posture::OnAsset;
use serde_json::{Value, json};

use super::super::call::{Allowed, Call};
use super::super::estate::Wanted;
use super::super::{HssError, words};
use super::history::entries;
use super::list::urgent_repair;

/// `GET vulnerability/statistics`.
pub(super) async fn show(call: Call) -> Result<Json<Value>, HssError> {
    let Allowed { state, principal, estate, .. } = call.allow(Permission::FindingsRead).await?;
    // Who may not see what was decided sees that nothing was.
    let handled = match principal.may(Permission::ExceptionsRead) {
        true => entries(&state, &principal, &estate).await?,
        false => Vec::new(),
    };
    let today = estate.now - estate.now.rem_euclid(DAY);
    let of_today = handled.iter().filter(|entry| entry.at >= today).count();
    let all = handled.len();
    // When the newest of the advisories is from.
    let feeds = state.app.store().read().await.map_err(parapet_service::Error::from)?.feeds().await;
    let feeds = feeds.map_err(parapet_service::Error::from)?;
    let updated = feeds.iter().map(|feed| feed.data_date).max().unwrap_or_default();
    let answer = estate.ask(move |estate| {
        let count = |part: Filter| {
            let mut wanted = Wanted::of(estate, AssetKind::Host);
            wanted.add(part);
            estate.by_asset(&wanted.finish())
        };
        let pairs = |counted: &[OnAsset]| counted.iter().map(|on| u64::from(on.vulnerabilities)).sum::<u64>();
        let open = count(words::handled("unhandled"));
        Ok(json!({
            "need_urgent_repair": pairs(&count(words::handled("unhandled").and(urgent_repair()))),
            "unrepair": pairs(&open),
            "existed_vul_hosts": open.len(),
            "today_handle": of_today,
            "all_handle": all,
            "supported": estate.all(AssetKind::Host).count(),
            "vul_library_update_time": updated,
        }))
    });
    Ok(Json(answer.await?))
}

/// `GET vulnerability/statistics/affected`: what handling some vulnerabilities or servers would touch.
pub(super) async fn affected(call: Call) -> Result<Json<Value>, HssError> {
    const TYPES: [&str; 6] = ["linux_vul", "windows_vul", "web_cms", "app_vul", "urgent_vul", "cluster_vul"];
    let Allowed { estate, query, .. } = call.allow(Permission::FindingsRead).await?;
    let answer = estate.ask(move |estate| {
        query.word("select_type", &["all_vul", "all_host"])?;
        let category = query.word("category", &["host", "container", "serverless"])?.unwrap_or("host");
        let of_containers = query.boolean("is_container")? == Some(true) || category != "host";
        let mut wanted = Wanted::of(estate, AssetKind::Host);
        if of_containers || query.text("cluster_id", 0..=256)?.is_some() {
            wanted.add(Filter::Nothing);
        }
        if let Some(word) = query.word("type", &TYPES)? {
            wanted.add(words::type_filter(word));
        }
        for (name, field) in [("vul_ids", Field::Vulnerability), ("host_ids", Field::AssetId)] {
            let ids = query.array(name, 1000)?;
            if !ids.is_empty() {
                wanted.add(Filter::any_of(field, ids));
            }
        }
        if !query.array("container_ids", 1000)?.is_empty() {
            wanted.add(Filter::Nothing);
        }
        let filter = wanted.finish();
        let hosts = estate.by_asset(&filter).len();
        let distinct = |part: Filter| {
            let filter = filter.clone().and(part);
            estate.snapshot.vulnerabilities_found(&estate.question(&filter)).len()
        };
        let total = distinct(Filter::All);
        let by_type: Vec<Value> = ["linux_vul", "app_vul", "urgent_vul"]
            .iter()
            .map(|word| json!({"type": word, "vul_num": distinct(words::type_filter(word))}))
            .collect();
        Ok(json!({
            "vul_num": total,
            "host_num": hosts,
            "image_num": 0,
            "container_num": 0,
            "data_list": by_type,
            "total_vul_num": total,
            "extend_tips": [],
            "extend_text_tips": [],
            "disabled_operate_types": super::super::rows::disabled()[0],
            "cce_vul_num": 0,
            "basic_host_num": hosts,
            "cce_disabled_vul_list": [],
        }))
    });
    Ok(Json(answer.await?))
}
