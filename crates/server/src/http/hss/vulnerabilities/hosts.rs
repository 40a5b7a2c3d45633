//! Lists of servers: those that have a vulnerability, and those that have any.

use std::collections::BTreeMap;

use axum::Json;
use parapet_model::filter::{Field, Filter, Op};
use parapet_model::{AssetKind, AssetNo};
use parapet_posture::{AssetSet, Query as Question, Window};
use parapet_service::exports::VulnerabilityRow;
use serde_json::{Value, json};

use super::super::call::{Call, page_is_given};
use super::super::estate::{Estate, Wanted};
use super::super::{HssError, rows, words};

/// `GET vulnerability/hosts`: the servers that have a vulnerability.
pub(super) async fn of_vulnerability(call: Call) -> Result<Json<Value>, HssError> {
    call.list(move |estate, query, page| {
        let id = query.required("vul_id", 1..=64)?;
        let mut wanted = Wanted::of(estate, AssetKind::Host);
        wanted.add(Filter::test(Field::Vulnerability, Op::Eq, id));
        wanted.add(words::type_filter(query.required_word("type", &words::TYPES)?));
        wanted.levels(query)?;
        wanted.handling(query)?;
        wanted.hosts(query, 0)?;
        wanted.addresses(query)?;
        wanted.scanned(query)?;
        let mut list = Vec::new();
        let total = estate.pairs(&wanted.finish(), page.window(), |row| list.push(rows::host(row)));
        Ok((total, list))
    })
    .await
}

/// What a server has, gathered from its pairs.
struct Server {
    document: Value,
    /// By level, as [`words::LEVELS`].
    levels: [u64; 4],
    of_system: Vec<String>,
    of_applications: Vec<String>,
    urgent: Vec<String>,
    unhandled: u64,
}

impl Server {
    fn new(row: &VulnerabilityRow<'_>) -> Self {
        let mut document = row.asset.map_or(Value::Null, rows::host_words);
        document["region_name"] = json!("default");
        document["version"] = json!("hss.version.enterprise");
        document["group_id"] = json!("");
        Self {
            document,
            levels: [0; 4],
            of_system: Vec::new(),
            of_applications: Vec::new(),
            urgent: Vec::new(),
            unhandled: 0,
        }
    }

    fn add(&mut self, row: &VulnerabilityRow<'_>) {
        let level = words::level_of(row.severity);
        if let Some(at) = words::LEVELS.iter().position(|word| *word == level) {
            self.levels[at] += 1;
        }
        self.unhandled += u64::from(row.excepted_assets == 0);
        let id = row.vulnerability.id.clone();
        if row.vulnerability.kev_added != 0 {
            self.urgent.push(id.clone());
        }
        match rows::type_of(row) {
            "linux_vul" => self.of_system.push(id),
            _ => self.of_applications.push(id),
        }
        self.document["scan_time"] = json!(row.last_found);
    }

    /// `High`, `Medium`, `Low` or `Security`: the worst it has.
    fn risk(&self) -> &'static str {
        match self.levels {
            [0, 0, 0, 0] => "Security",
            [0, 0, 0, _] => "Low",
            [0, 0, _, _] => "Medium",
            _ => "High",
        }
    }

    fn finish(mut self) -> Value {
        let by_level = words::LEVELS.iter().zip(self.levels);
        let by_level: Vec<Value> =
            by_level.map(|(word, n)| json!({"repair_priority": word, "vul_num": n})).collect();
        let [critical, high, medium, low] = self.levels;
        let points = critical * 20 + high * 10 + medium * 3 + low;
        rows::merge(
            &mut self.document,
            json!({
                "severity_level": "",
                "score": 100_u64.saturating_sub(points),
                "handle_status": if self.unhandled > 0 { "unhandled" } else { "handled" },
                "vul_num_with_repair_priority_list": by_level,
                "vul_ids_info": {
                    "linux_vul_id_list": self.of_system,
                    "windows_vul_id_list": [],
                    "webcms_vul_id_list": [],
                    "app_vul_id_list": self.of_applications,
                    "urgent_vul_id_list": self.urgent,
                },
            }),
        );
        self.document
    }
}

/// `GET vulnerability/host/hosts`: the servers with vulnerabilities, and which.
pub(super) async fn list(call: Call) -> Result<Json<Value>, HssError> {
    call.list(move |estate, query, page| {
        page_is_given(query)?;
        let risk = query.word("severity_level", &["High", "Medium", "Low", "Security"])?;
        let mut wanted = Wanted::of(estate, AssetKind::Host);
        wanted.handling(query)?;
        wanted.hosts(query, 1)?;
        wanted.addresses(query)?;
        let filter = wanted.finish();
        let mut shown: Vec<AssetNo> = estate.by_asset(&filter).iter().map(|on| on.asset).collect();
        if let Some(risk) = risk {
            let of_risk = of_risk(estate, &filter, risk);
            shown.retain(|no| of_risk.contains(no.0));
        }
        let (total, shown) = page.cut(shown);
        let shown: AssetSet = shown.into_iter().map(|no| no.0).collect();
        let mut servers: BTreeMap<AssetNo, Server> = BTreeMap::new();
        let question = Question { within: Some(&shown), ..estate.question(&filter) };
        estate.pairs_of(&question, Window::ALL, |row| {
            if let Some(asset) = row.asset {
                servers.entry(asset.no).or_insert_with(|| Server::new(row)).add(row);
            }
        });
        let list = servers.into_values().map(|server| {
            let risk = server.risk();
            let mut document = server.finish();
            document["severity_level"] = json!(risk);
            document
        });
        Ok((total, list.collect()))
    })
    .await
}

/// The servers whose worst vulnerability is of that risk. Nothing that has one is secure.
fn of_risk(estate: &Estate, filter: &Filter, risk: &str) -> AssetSet {
    let having = |levels: &[&str]| -> AssetSet {
        let filter = filter.clone().and(words::levels_filter(levels));
        estate.by_asset(&filter).iter().map(|on| on.asset.0).collect()
    };
    match risk {
        "High" => having(&["Critical", "High"]),
        "Medium" => having(&["Medium"]) - having(&["Critical", "High"]),
        "Low" => having(&["Low"]) - having(&["Critical", "High", "Medium"]),
        _ => AssetSet::new(),
    }
}
