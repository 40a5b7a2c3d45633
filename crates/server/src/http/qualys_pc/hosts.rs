//! `/api/2.0/fo/asset/host/` (contract 2.4): hosts by id.

use axum::extract::State;
use axum::response::Response;
use parapet_model::time::format_seconds;
use parapet_model::{AssetNo, Ranges};
use parapet_service::control_posture::ListedHost;
use regex::Regex;

use super::addresses::Addresses;
use super::answer::Answer;
use super::dtd;
use super::error::{Code, PcError};
use super::lists::{self, TRACKING, number_set, warning};
use super::params::Call;
use super::xml::Xml;
use crate::http::auth::Caller;
use crate::http::state::AppState;

const KNOWN: [&str; 13] = [
    "details",
    "ids",
    "id_min",
    "id_max",
    "ips",
    "os_pattern",
    "os_hostname",
    "truncation_limit",
    "compliance_enabled",
    "compliance_scan_since",
    "no_compliance_scan_since",
    "vm_scan_since",
    "no_vm_scan_since",
];
/// What there is nothing of here: taken when empty, refused with a value.
const WITHOUT: [&str; 20] = [
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
    "show_tags",
    "use_tags",
    "tag_set_by",
    "tag_include_selector",
    "tag_exclude_selector",
    "tag_set_include",
    "tag_set_exclude",
    "host_metadata",
    "host_metadata_fields",
];
const DEFAULT_LIMIT: u64 = 1_000;
const MAX_LIMIT: u64 = 1_000_000;

/// The list.
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    call: Call,
) -> Result<Response, PcError> {
    lists::only_list(&call)?;
    call.only(&[&KNOWN[..], &WITHOUT[..]].concat())?;
    let refused = |name: &&&str| !matches!(call.text(name), None | Some("0"));
    if let Some(name) = WITHOUT.iter().find(refused) {
        let text = format!("{name} is not supported: there are no tags, groups and networks here");
        return Err(PcError::new(Code::Combination, text));
    }
    let details = call.word("details", &["Basic", "Basic/AGs", "All", "All/AGs", "None"])?.unwrap_or("Basic");
    let limit = lists::limit_or_all(&call, DEFAULT_LIMIT, MAX_LIMIT)?;
    let window = lists::Window::of(&call)?;
    let wanted = Wanted::of(&call)?;
    let who = caller.principal();
    let is_wanted = |host: &ListedHost| window.takes(host.no.0) && wanted.takes(host);
    let (rows, more) =
        state.app.control_postures().hosts_after(who, AssetNo(window.after()), limit, is_wanted).await?;
    let next = rows.last().filter(|_| more).map(|row| u64::from(row.no.0) + 1);
    let now = state.app.now();
    let mut answer = Answer::begin(&call, &who.name, now, &dtd::HOST_LIST);
    answer.xml.node("RESPONSE", |xml| {
        xml.leaf("DATETIME", format_seconds(now));
        if details == "None" && !rows.is_empty() {
            number_set(xml, "ID_SET", "ID", &Ranges::from_each(rows.iter().map(|row| row.no.0.into())));
        } else if !rows.is_empty() {
            xml.node("HOST_LIST", |xml| rows.iter().for_each(|row| host(xml, row, details)));
        }
        if let Some(next) = next {
            warning(xml, &call, limit, "id_min", next);
        }
    });
    Ok(answer.finish())
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
}

impl Wanted {
    fn of(call: &Call) -> Result<Self, PcError> {
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
    }
}

fn host(xml: &mut Xml, row: &ListedHost, details: &str) {
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
        if row.scanned > 0 {
            xml.leaf("LAST_VULN_SCAN_DATETIME", format_seconds(row.scanned));
        }
        if row.assessed > 0 {
            xml.leaf("LAST_COMPLIANCE_SCAN_DATETIME", format_seconds(row.assessed));
        }
    });
}
