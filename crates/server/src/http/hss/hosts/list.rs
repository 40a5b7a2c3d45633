//! The servers, with how many vulnerabilities each has.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use parapet_model::facts::AssetRow;
use parapet_model::filter::{Field, Filter, Op, contains_ignore_case};
use parapet_model::sensor::SensorStatus;
use parapet_model::{AssetKind, Permission, ScanState};
use parapet_posture::OnAsset;
use parapet_service::sensors::SensorView;
use serde_json::{Value, json};

use super::super::call::{Allowed, Call};
use super::super::estate::{Estate, addresses, private_ip, public_ip};
use super::super::{HssError, Query, rows, words};

const VERSIONS: [&str; 7] = [
    "hss.version.null",
    "hss.version.basic",
    "hss.version.advanced",
    "hss.version.enterprise",
    "hss.version.premium",
    "hss.version.wtp",
    "hss.version.container.enterprise",
];
/// What every server here has: the whole of what this server does.
const VERSION: &str = "hss.version.enterprise";
const AGENT_STATUS: [&str; 6] =
    ["installed", "online", "offline", "install_failed", "installing", "not_installed"];
const HOST_STATUS: [&str; 4] = ["ACTIVE", "SHUTOFF", "BUILDING", "ERROR"];
const PROTECT_STATUS: [&str; 3] = ["closed", "opened", "protection_exception"];
const DETECT_RESULT: [&str; 4] = ["undetected", "clean", "risk", "scanning"];

/// What a list of servers needs to know beside the servers.
struct Known {
    /// Vulnerabilities that nothing hides, by server; by number.
    open: Arc<[OnAsset]>,
    sensors: BTreeMap<String, SensorView>,
    groups: BTreeMap<String, String>,
}

/// `GET host-management/hosts`.
pub(super) async fn hosts(call: Call) -> Result<Json<Value>, HssError> {
    answer(call, |estate, query, known| {
        let page = query.page()?;
        let wanted = Wanted::read(query)?;
        let mut found: Vec<&AssetRow> =
            estate.all(AssetKind::Host).filter(|host| wanted.takes(known, host)).collect();
        if query.text("sort_key", 1..=64)?.is_some() {
            query.word("sort_key", &["risk_num"])?;
            let most_first = query.word("sort_dir", &["asc", "desc"])? != Some("asc");
            found.sort_by_key(|host| known.open(host));
            if most_first {
                found.reverse();
            }
        }
        let (total, found) = page.cut(found);
        let list: Vec<Value> = found.into_iter().map(|host| document(estate, known, host)).collect();
        Ok(json!({"total_num": total, "data_list": list}))
    })
    .await
}

/// `GET host-management/hosts-risk`: how some servers stand, or all (section 6.1 of the contract names the
/// call; the SDK has its fields).
pub(super) async fn risk(call: Call) -> Result<Json<Value>, HssError> {
    answer(call, |estate, query, known| {
        let ids = query.array("host_id_list", 100)?;
        let mut hosts: Vec<&AssetRow> = Vec::new();
        for id in &ids {
            hosts.push(estate.find(AssetKind::Host, id).ok_or_else(|| HssError::not_found("host"))?);
        }
        if ids.is_empty() {
            hosts.extend(estate.all(AssetKind::Host));
        }
        let row = |host: &&AssetRow| {
            let agent = known.agent(host);
            json!({
                "host_id": host.uuid,
                "agent_status": agent,
                "install_result_code": if agent == "not_installed" { "" } else { "install_succeed" },
                "version": VERSION,
                "protect_status": "opened",
                "detect_result": known.result(host),
                "asset": 0,
                "vulnerability": known.open(host),
                "baseline": 0,
                "intrusion": 0,
            })
        };
        let list: Vec<Value> = hosts.iter().map(row).collect();
        Ok(json!({"total_num": list.len(), "data_list": list}))
    })
    .await
}

/// Answers from the servers and what is to be known beside them.
async fn answer(
    call: Call,
    answer: impl FnOnce(&Estate, &Query, &Known) -> Result<Value, HssError> + Send + 'static,
) -> Result<Json<Value>, HssError> {
    let Allowed { state, principal, estate, query } = call.allow(Permission::FindingsRead).await?;
    let sensors = state.app.sensors().list(&principal).await?;
    let sensors = sensors.into_iter().map(|view| (view.sensor.registration.identity.clone(), view));
    let groups = state.app.hosts().groups(&principal).await?;
    let groups = groups.into_iter().map(|group| (group.name, group.uuid.simple().to_string()));
    let (sensors, groups) = (sensors.collect(), groups.collect());
    let answer = estate.ask(move |estate| {
        let unhandled = Filter::test(Field::Kind, Op::Eq, "host").and(words::handled("unhandled"));
        let known = Known { open: estate.by_asset(&unhandled), sensors, groups };
        answer(estate, &query, &known)
    });
    Ok(Json(answer.await?))
}

impl Known {
    fn open(&self, host: &AssetRow) -> u64 {
        let place = self.open.binary_search_by_key(&host.no, |on| on.asset);
        place.ok().and_then(|place| self.open.get(place)).map_or(0, |on| u64::from(on.vulnerabilities))
    }

    /// `online` and `offline` say whether its sensor is heard of; a server that was only scanned has
    /// none.
    fn agent(&self, host: &AssetRow) -> &'static str {
        match self.sensors.get(&host.identity).map(|view| view.status) {
            None => "not_installed",
            Some(SensorStatus::Unknown) => "offline",
            Some(_) => "online",
        }
    }

    fn result(&self, host: &AssetRow) -> &'static str {
        match host.scan {
            ScanState::Scanned if self.open(host) > 0 => "risk",
            ScanState::Scanned => "clean",
            _ => "undetected",
        }
    }

    fn group_id(&self, host: &AssetRow) -> &str {
        self.groups.get(&host.host_facts.group).map_or("", String::as_str)
    }
}

/// Which servers are wanted; all of it must hold.
#[derive(Default)]
struct Wanted<'q> {
    /// A server never is or has what was asked for.
    nothing: bool,
    ids: Vec<&'q str>,
    names: Vec<&'q str>,
    public_ips: Vec<&'q str>,
    private_ips: Vec<&'q str>,
    name: Option<&'q str>,
    ip: Option<&'q str>,
    public_ip: Option<&'q str>,
    private_ip: Option<&'q str>,
    group: Option<&'q str>,
    group_id: Option<&'q str>,
    asset_value: Option<&'q str>,
    agent: Option<&'q str>,
    result: Option<&'q str>,
    has_vulnerability: Option<bool>,
}

impl<'q> Wanted<'q> {
    fn read(query: &'q Query) -> Result<Self, HssError> {
        let mut wanted = Self {
            ids: query.list("host_id_list", 1..=64, 100)?,
            names: query.list("host_name_list", 1..=64, 60)?,
            public_ips: query.list("public_ip_list", 1..=39, 100)?,
            private_ips: query.list("private_ip_list", 1..=39, 100)?,
            name: query.text("host_name", 1..=256)?,
            ip: query.text("ip_addr", 1..=128)?,
            public_ip: query.text("public_ip", 0..=128)?,
            private_ip: query.text("private_ip", 1..=128)?,
            group: query.text("group_name", 1..=64)?,
            group_id: query.text("group_id", 0..=128)?,
            asset_value: query.word("asset_value", &words::ASSET_VALUES)?,
            agent: query.word("agent_status", &AGENT_STATUS)?,
            result: query.word("detect_result", &DETECT_RESULT)?,
            has_vulnerability: query.boolean("has_vul")?,
            nothing: false,
        };
        wanted.ids.extend(query.text("host_id", 1..=64)?);
        // What is the same of every server: another word matches none.
        for (name, words, own) in [
            ("version", VERSIONS.as_slice(), VERSION),
            ("host_status", HOST_STATUS.as_slice(), "ACTIVE"),
            ("protect_status", PROTECT_STATUS.as_slice(), "opened"),
            ("os_type", ["Linux", "Windows"].as_slice(), "Linux"),
            ("charging_mode", ["packet_cycle", "on_demand"].as_slice(), "on_demand"),
        ] {
            wanted.nothing |= query.word(name, words)?.is_some_and(|word| word != own);
        }
        for name in ["has_intrusion", "has_baseline", "incluster", "protect_interrupt", "protect_degradation"]
        {
            wanted.nothing |= query.boolean(name)? == Some(true);
        }
        for name in ["vpc_id", "policy_group_id", "policy_group_name", "label", "server_group", "cluster_id"]
        {
            wanted.nothing |= query.text(name, 0..=256)?.is_some();
        }
        for name in
            ["refresh", "above_version", "outside_host", "agent_upgradable", "install_mode", "binding_key"]
        {
            query.boolean(name)?;
        }
        Ok(wanted)
    }

    fn takes(&self, known: &Known, host: &AssetRow) -> bool {
        let id = host.uuid.to_string();
        let contains = |text: &str, part: &str| contains_ignore_case(text.as_bytes(), part.as_bytes());
        !self.nothing
            && (self.ids.is_empty() || self.ids.iter().any(|wanted| wanted.eq_ignore_ascii_case(&id)))
            && (self.names.is_empty() || self.names.iter().any(|name| name.eq_ignore_ascii_case(&host.name)))
            && (self.public_ips.is_empty() || self.public_ips.contains(&public_ip(host)))
            && (self.private_ips.is_empty() || self.private_ips.contains(&private_ip(host)))
            && self.name.is_none_or(|name| contains(&host.name, name))
            && self.ip.is_none_or(|ip| addresses(host).any(|address| address.contains(ip)))
            && self.public_ip.is_none_or(|ip| public_ip(host).contains(ip))
            && self.private_ip.is_none_or(|ip| private_ip(host).contains(ip))
            && self.group.is_none_or(|name| host.host_facts.group.eq_ignore_ascii_case(name))
            && self.group_id.is_none_or(|id| known.group_id(host) == id)
            && self.asset_value.is_none_or(|word| rows::asset_value(host) == word)
            && self.agent.is_none_or(|word| known.agent(host) == word)
            && self.result.is_none_or(|word| known.result(host) == word)
            && self.has_vulnerability.is_none_or(|has| (known.open(host) > 0) == has)
    }
}

fn document(estate: &Estate, known: &Known, host: &AssetRow) -> Value {
    let project = estate.snapshot.enterprise_project(host.enterprise_project);
    let sensor = known.sensors.get(&host.identity);
    json!({
        "host_name": host.name,
        "host_id": host.uuid,
        "agent_id": host.uuid,
        "private_ip": private_ip(host),
        "public_ip": public_ip(host),
        "enterprise_project_id": project.map_or("0", |project| project.id.as_str()),
        "enterprise_project_name": project.map_or("", |project| project.name.as_str()),
        "os_name": host.distro,
        "os_version": rows::os_version(host),
        "kernel_version": host.host_facts.kernel,
        "host_status": "ACTIVE",
        "agent_status": known.agent(host),
        "version": VERSION,
        "protect_status": "opened",
        "os_image": "",
        "os_type": "Linux",
        "detect_result": known.result(host),
        "expire_time": -1,
        "charging_mode": "on_demand",
        "outside_host": true,
        "group_id": known.group_id(host),
        "group_name": host.host_facts.group,
        "asset": estate.snapshot.packages_of(&estate.scope, host.no).map_or(0, |packages| packages.len()),
        "vulnerability": known.open(host),
        "baseline": 0,
        "intrusion": 0,
        "asset_value": rows::asset_value(host),
        "labels": [],
        "agent_create_time": sensor.map_or(0, |view| view.sensor.created),
        "agent_update_time": sensor.map_or(0, |view| view.sensor.checked_in),
        "open_time": host.first_seen,
        "host_sources": "outside",
        "container_type": 0,
    })
}
