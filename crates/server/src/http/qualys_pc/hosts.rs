//! `/api/2.0/fo/asset/host/` (contract 2.4): hosts by id.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use parapet_model::AssetNo;
use parapet_model::time::format_seconds;
use parapet_service::control_posture::ListedHost;
use regex::Regex;

use super::addresses::Addresses;
use super::dtd;
use super::error::{Code, PcError};
use super::frame::List;
use super::lists::{self, TRACKING};
use super::params::Call;
use super::tags::Tags;
use super::xml::Xml;
use crate::http::auth::Caller;
use crate::http::state::AppState;

const KNOWN: [&str; 15] = [
    "ips",
    "os_pattern",
    "os_hostname",
    "compliance_enabled",
    "compliance_scan_since",
    "no_compliance_scan_since",
    "vm_scan_since",
    "no_vm_scan_since",
    "show_tags",
    "use_tags",
    "tag_set_by",
    "tag_include_selector",
    "tag_exclude_selector",
    "tag_set_include",
    "tag_set_exclude",
];
/// What there is nothing of here: taken when empty, refused with a value.
const WITHOUT: [&str; 13] = [
    "ag_ids",
    "ag_titles",
    "network_ids",
    "vm_scan_date_before",
    "vm_scan_date_after",
    "vm_auth_scan_date_before",
    "vm_auth_scan_date_after",
    "vm_processed_before",
    "vm_processed_after",
    "scap_scan_since",
    "no_scap_scan_since",
    "host_metadata",
    "host_metadata_fields",
];
const MAX_LIMIT: u64 = 1_000_000;

/// The list.
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    call: Call,
) -> Result<Response, PcError> {
    let details = ["Basic", "Basic/AGs", "All", "All/AGs", "None"];
    let own = [&KNOWN[..], &WITHOUT[..]].concat();
    let list = List::of(&state, &caller, &call, &own, &details, MAX_LIMIT)?;
    let refused = |name: &&&str| !matches!(call.text(name), None | Some("0"));
    if let Some(name) = WITHOUT.iter().find(refused) {
        let text =
            format!("{name} is not supported: there are no groups, networks and scans of that kind here");
        return Err(PcError::new(Code::Combination, text));
    }
    let wanted = Wanted::of(&state, &caller, &call).await?;
    let tags = match call.flag("show_tags")? {
        Some(true) => Some(tag_ids(&state, &caller).await?),
        _ => None,
    };
    let is_wanted = |host: &ListedHost| list.window.takes(host.no.0) && wanted.takes(host);
    let (after, postures) = (AssetNo(list.window.after()), state.app.control_postures());
    let (rows, more) = postures.hosts_after(caller.principal(), after, list.limit, is_wanted).await?;
    let next = rows.last().filter(|_| more).map(|row| u64::from(row.no.0) + 1);
    let mut answer = list.begin(&dtd::HOST_LIST);
    if list.details == "None" {
        list.ids(&mut answer, rows.iter().map(|row| row.no.0));
    } else if !rows.is_empty() {
        answer.xml.node("HOST_LIST", |xml| {
            rows.iter().for_each(|row| host(xml, row, list.details, tags.as_ref()));
        });
    }
    Ok(list.finish(answer, next))
}

/// Numbers of tags by their names.
async fn tag_ids(state: &AppState, caller: &Caller) -> Result<BTreeMap<String, u32>, PcError> {
    let groups = state.app.hosts().groups(caller.principal()).await?;
    Ok(groups.into_iter().map(|group| (group.name, group.no)).collect())
}

/// Which hosts are wanted.
struct Wanted {
    addresses: Option<Addresses>,
    os: Option<Regex>,
    name: Option<String>,
    compliance: Option<bool>,
    assessed_since: Option<i64>,
    not_assessed_since: Option<i64>,
    scanned_since: Option<i64>,
    not_scanned_since: Option<i64>,
    tags: Option<Tags>,
}

impl Wanted {
    async fn of(state: &AppState, caller: &Caller, call: &Call) -> Result<Self, PcError> {
        let uses_tags = call.flag("use_tags")? == Some(true);
        let tags = Tags::of(state, caller, call).await?;
        if uses_tags != tags.is_some() {
            let text = "use_tags=1 and tag_set_include or tag_set_exclude are specified together";
            return Err(PcError::new(Code::Combination, text));
        }
        let os = match call.text("os_pattern") {
            Some(pattern) => Some(lists::pattern("os_pattern", pattern)?),
            None => None,
        };
        Ok(Self {
            addresses: Addresses::of(call, "ips")?,
            os,
            name: call.text("os_hostname").map(str::to_lowercase),
            compliance: call.flag("compliance_enabled")?,
            assessed_since: call.instant("compliance_scan_since")?,
            not_assessed_since: call.instant("no_compliance_scan_since")?,
            scanned_since: call.instant("vm_scan_since")?,
            not_scanned_since: call.instant("no_vm_scan_since")?,
            tags,
        })
    }

    fn takes(&self, host: &ListedHost) -> bool {
        let words = &host.words;
        self.addresses.as_ref().is_none_or(|wanted| wanted.have(words))
            && self.os.as_ref().is_none_or(|os| os.is_match(&words.os))
            && self.name.as_ref().is_none_or(|name| words.name.to_lowercase() == *name)
            && self.compliance.is_none_or(|wanted| wanted == (host.assessed > 0))
            && self.assessed_since.is_none_or(|at| host.assessed >= at)
            && self.not_assessed_since.is_none_or(|at| host.assessed < at)
            && self.scanned_since.is_none_or(|at| host.scanned >= at)
            && self.not_scanned_since.is_none_or(|at| host.scanned < at)
            && self.tags.as_ref().is_none_or(|tags| tags.take(words))
    }
}

fn host(xml: &mut Xml, row: &ListedHost, details: &str, tags: Option<&BTreeMap<String, u32>>) {
    let words = &row.words;
    let all = details.starts_with("All");
    xml.node("HOST", |xml| {
        xml.leaf("ID", row.no);
        xml.leaf("ASSET_ID", row.no);
        if !words.ip.is_empty() {
            xml.leaf("IP", &words.ip);
        }
        if !words.ipv6.is_empty() {
            xml.leaf("IPV6", &words.ipv6);
        }
        xml.leaf("TRACKING_METHOD", TRACKING);
        if !words.name.is_empty() {
            xml.cdata("DNS", &words.name);
            let (name, domain) = words.name.split_once('.').unwrap_or((&words.name, ""));
            xml.node("DNS_DATA", |xml| {
                xml.cdata("HOSTNAME", name);
                xml.cdata("DOMAIN", domain);
                xml.cdata("FQDN", if domain.is_empty() { "" } else { &words.name });
            });
        }
        if !words.os.is_empty() {
            xml.cdata("OS", &words.os);
        }
        if all {
            xml.leaf("FIRST_FOUND_DATE", format_seconds(row.first_seen));
            xml.leaf("LAST_ACTIVITY", format_seconds(row.scanned.max(row.assessed)));
        }
        if let Some(id) = tags.and_then(|tags| tags.get(&words.group)) {
            xml.node("TAGS", |xml| {
                xml.node("TAG", |xml| {
                    xml.leaf("TAG_ID", id);
                    xml.cdata("NAME", &words.group);
                });
            });
        }
        if row.scanned > 0 {
            xml.leaf("LAST_VULN_SCAN_DATETIME", format_seconds(row.scanned));
        }
        if row.assessed > 0 {
            xml.leaf("LAST_COMPLIANCE_SCAN_DATETIME", format_seconds(row.assessed));
        }
    });
}
