//! What was handled: the pairs that are handled now, and everything that was ever done.

use axum::Json;
use parapet_model::facts::AssetRow;
use parapet_model::filter::{Field, Filter};
use parapet_model::time::DAY;
use parapet_model::{AssetKind, Permission, Principal};
use parapet_service::handling::{Handled, HandledHow};
use serde_json::{Value, json};

use super::super::call::{Call, page_is_given};
use super::super::estate::{Estate, Wanted, addresses, private_ip, public_ip};
use super::super::query::missing;
use super::super::{HssError, rows, words};
use super::list::page_of_pairs;
use crate::http::state::AppState;

/// What was handled on servers, newest first. What is for all servers names none.
pub(in crate::http::hss) async fn entries(
    state: &AppState,
    who: &Principal,
    estate: &Estate,
) -> Result<Vec<Handled>, HssError> {
    let mut list = state.app.handling().history(who).await?;
    list.retain(|entry| match entry.asset {
        None => true,
        Some(no) => {
            estate.snapshot.asset(&estate.scope, no).is_some_and(|asset| asset.kind == AssetKind::Host)
        }
    });
    Ok(list)
}

/// The words of this family for what was done.
pub(in crate::http::hss) fn type_of(how: HandledHow) -> &'static str {
    match how {
        HandledHow::Ignored => "ignore",
        HandledHow::Repaired => "manual_repair",
        HandledHow::Whitelisted => "add_to_whitelist",
        HandledHow::Restored => "not_ignore",
    }
}

/// The state that something was brought into.
pub(in crate::http::hss) fn status_of(how: HandledHow) -> &'static str {
    match how {
        HandledHow::Ignored | HandledHow::Whitelisted => "vul_status_ignored",
        HandledHow::Repaired => "vul_status_fixed",
        HandledHow::Restored => "vul_status_unfix",
    }
}

/// An entry with what is known of its server and vulnerability.
pub(in crate::http::hss) struct Shown<'e> {
    pub(in crate::http::hss) entry: &'e Handled,
    pub(in crate::http::hss) host: Option<&'e AssetRow>,
    pub(in crate::http::hss) vulnerability: Option<&'e parapet_model::vulnerability::Vulnerability>,
}

impl<'e> Shown<'e> {
    pub(in crate::http::hss) fn of(estate: &'e Estate, entry: &'e Handled) -> Self {
        let host = entry.asset.and_then(|no| estate.snapshot.asset(&estate.scope, no));
        let vulnerability = estate.snapshot.vulnerabilities_named(&entry.vulnerability).first().copied();
        Self { entry, host, vulnerability }
    }

    pub(in crate::http::hss) fn name(&self) -> &str {
        self.vulnerability.map_or(&self.entry.vulnerability, rows::name)
    }

    fn document(&self) -> Value {
        let (entry, host) = (self.entry, self.host);
        let cves = |v: &parapet_model::vulnerability::Vulnerability| {
            rows::cves(v)
                .map(|id| json!({"cve_id": id, "cvss": rows::cvss(v), "vul_id": v.id}))
                .collect::<Vec<_>>()
        };
        json!({
            "id": entry.exception.simple().to_string(),
            "user_name": entry.by,
            "type": type_of(entry.how),
            "handle_type": type_of(entry.how),
            "host_id": host.map(|host| host.uuid.to_string()).unwrap_or_default(),
            "host_name": host.map_or("", |host| host.name.as_str()),
            "public_ip": host.map_or("", public_ip),
            "private_ip": host.map_or("", private_ip),
            "handle_time": entry.at.to_string(),
            "status": status_of(entry.how),
            "failed_reason": "",
            "description": entry.remark,
            "vul_id": entry.vulnerability,
            "vul_name": self.name(),
            "asset_value": host.map_or("", rows::asset_value),
            "cve_list": self.vulnerability.map(cves).unwrap_or_default(),
            "app_name": "",
            "app_path": "",
            "app_version": "",
            "cluster_id": "",
            "container_name": "",
            "container_id": "",
        })
    }
}

/// Which entries are wanted. Texts that are `None` do not filter.
#[derive(Default)]
pub(in crate::http::hss) struct WantedEntries<'q> {
    pub(in crate::http::hss) status: Vec<&'q str>,
    pub(in crate::http::hss) vulnerability: Option<&'q str>,
    pub(in crate::http::hss) kind: Option<&'q str>,
    pub(in crate::http::hss) asset_value: Option<&'q str>,
    pub(in crate::http::hss) group: Option<&'q str>,
    pub(in crate::http::hss) host_name: Option<&'q str>,
    pub(in crate::http::hss) host_ip: Option<&'q str>,
    pub(in crate::http::hss) public_ip: Option<&'q str>,
    pub(in crate::http::hss) private_ip: Option<&'q str>,
}

/// The entries that pass, in their order.
pub(in crate::http::hss) fn filtered<'e>(
    estate: &'e Estate,
    entries: &'e [Handled],
    wanted: &WantedEntries<'_>,
) -> Vec<Shown<'e>> {
    let passes = |shown: &Shown<'e>| {
        let on_host = |test: &dyn Fn(&AssetRow) -> bool| shown.host.is_some_and(test);
        let said = |text: Option<&str>, test: &dyn Fn(&AssetRow, &str) -> bool| {
            text.is_none_or(|text| on_host(&|host| test(host, text)))
        };
        (wanted.status.is_empty() || wanted.status.contains(&status_of(shown.entry.how)))
            && wanted.vulnerability.is_none_or(|id| {
                shown.entry.vulnerability.eq_ignore_ascii_case(id)
                    || shown.vulnerability.is_some_and(|v| v.id.eq_ignore_ascii_case(id))
            })
            && wanted.kind.is_none_or(|word| of_type(estate, shown, word))
            && said(wanted.asset_value, &|host, word| rows::asset_value(host) == word)
            && said(wanted.group, &|host, name| host.host_facts.group.eq_ignore_ascii_case(name))
            && said(wanted.host_name, &|host, name| contains(&host.name, name))
            && said(wanted.host_ip, &|host, ip| addresses(host).any(|address| address.contains(ip)))
            && said(wanted.public_ip, &|host, ip| public_ip(host).contains(ip))
            && said(wanted.private_ip, &|host, ip| private_ip(host).contains(ip))
    };
    entries.iter().map(|entry| Shown::of(estate, entry)).filter(passes).collect()
}

fn contains(text: &str, part: &str) -> bool {
    parapet_model::filter::contains_ignore_case(text.as_bytes(), part.as_bytes())
}

/// Whether the vulnerability is of a type, which depends on what is installed: nothing that is gone
/// from everywhere has one.
fn of_type(estate: &Estate, shown: &Shown<'_>, word: &str) -> bool {
    let Some(v) = shown.vulnerability else { return false };
    let filter = Filter::any_of(Field::Vulnerability, [v.id.as_str()]).and(words::type_filter(word));
    !estate.by_asset(&filter).is_empty()
}

/// `GET vulnerability/handle-history`: newest first.
pub(super) async fn list(call: Call) -> Result<Json<Value>, HssError> {
    call.query.text("enterprise_project_id", 1..=256)?.ok_or_else(|| missing("enterprise_project_id"))?;
    page_is_given(&call.query)?;
    let call = call.allow(Permission::ExceptionsRead).await?;
    let entries = entries(&call.state, &call.principal, &call.estate).await?;
    call.list(move |estate, query, page| {
        let status = query.array("status", 8)?;
        status.iter().try_for_each(|word| super::super::query::check_word("status", word, &words::STATUS))?;
        query.word("sort_key", &["handle_time"])?;
        let ascending = query.word("sort_dir", &["asc", "desc"])? == Some("asc");
        let wanted = WantedEntries {
            status,
            vulnerability: query.text("vul_id", 0..=256)?,
            kind: query.word("vul_type", &words::TYPES)?,
            asset_value: query.word("asset_value", &words::ASSET_VALUES)?,
            group: query.text("group_name", 0..=256)?,
            host_name: query.text("host_name", 0..=256)?,
            host_ip: query.text("host_ip", 0..=128)?,
            public_ip: query.text("public_ip", 0..=128)?,
            private_ip: query.text("private_ip", 0..=128)?,
        };
        let mut shown = filtered(estate, &entries, &wanted);
        if query.text("cluster_id", 0..=256)?.is_some() {
            shown.clear();
        }
        if ascending {
            shown.reverse();
        }
        let (total, shown) = page.cut(shown);
        Ok((total, shown.iter().map(Shown::document).collect()))
    })
    .await
}

/// The findings that are handled, or were today.
pub(in crate::http::hss) fn handled_filter(estate: &Estate, cycle: Option<&str>) -> Filter {
    let handled = words::handled("handled");
    if cycle != Some("today") {
        return handled;
    }
    let today = estate.now - estate.now.rem_euclid(DAY);
    let of_today = estate.snapshot.exceptions(&estate.scope).filter(|exception| {
        exception.decisions.last().map_or(exception.requested_at, |decision| decision.at) >= today
    });
    handled.and(Filter::any_of(Field::Exception, of_today.map(|exception| exception.uuid.to_string())))
}

/// `GET vulnerability/handle/vulnerabilities`: the pairs that are handled now. The call takes no
/// enterprise project: it shows all that the caller may see.
pub(super) async fn vulnerabilities(call: Call) -> Result<Json<Value>, HssError> {
    let call = call.allow_everything(Permission::ExceptionsRead).await?;
    call.list(move |estate, query, page| {
        let mut wanted = Wanted::of(estate, AssetKind::Host);
        wanted.add(handled_filter(estate, query.word("handle_circle", &["today", "all"])?));
        if let Some(word) = query.word("status", &["vul_status_ignored", "vul_status_fixed"])? {
            wanted.add(estate.status_filter(word));
        }
        if let Some(word) = query.word("type", &words::TYPES)? {
            wanted.add(words::type_filter(word));
        }
        wanted.ids(query, 0)?;
        wanted.name(query, 0)?;
        wanted.levels(query)?;
        wanted.labels(query, 0)?;
        wanted.hosts(query, 0)?;
        wanted.addresses(query)?;
        Ok(page_of_pairs(estate, &wanted.finish(), page))
    })
    .await
}
