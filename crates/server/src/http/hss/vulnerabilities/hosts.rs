//! Lists of servers: those that have a vulnerability, and those that have any.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use parapet_model::filter::{Field, Filter, Op};
use parapet_model::{AssetKind, AssetNo};
use parapet_service::exports::VulnerabilityRow;
use serde_json::{Value, json};

use super::super::estate::Wanted;
use super::super::query::missing;
use super::super::{HssError, Query, rows, words};
use super::list::readable;
use crate::http::auth::Caller;
use crate::http::state::AppState;

/// `GET vulnerability/hosts`: the servers that have a vulnerability.
pub(super) async fn of_vulnerability(
    State(state): State<AppState>,
    Path(project_id): Path<String>,
    caller: Caller,
    query: Query,
) -> Result<Json<Value>, HssError> {
    let estate = readable(&state, &caller, &project_id, &query).await?;
    let answer = estate.ask(move |estate| {
        let page = query.page()?;
        let id = query.required("vul_id", 1..=64)?;
        let mut wanted = Wanted::of(estate, AssetKind::Host);
        wanted.add(Filter::test(Field::Vulnerability, Op::Eq, id));
        wanted.add(words::type_filter(query.required_word("type", &words::TYPES)?));
        wanted.levels(&query)?;
        wanted.handling(&query)?;
        wanted.hosts(&query, 0)?;
        wanted.addresses(&query)?;
        wanted.scanned(&query)?;
        let mut list = Vec::new();
        estate.pairs(&wanted.finish(), |row| list.push(rows::host(row)));
        let (total, list) = page.cut(list);
        Ok(json!({"total_num": total, "data_list": list}))
    });
    Ok(Json(answer.await?))
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
pub(super) async fn list(
    State(state): State<AppState>,
    Path(project_id): Path<String>,
    caller: Caller,
    query: Query,
) -> Result<Json<Value>, HssError> {
    let estate = readable(&state, &caller, &project_id, &query).await?;
    let answer = estate.ask(move |estate| {
        let page = query.page()?;
        for name in ["limit", "offset"] {
            query.text(name, 1..=20)?.ok_or_else(|| missing(name))?;
        }
        let risk = query.word("severity_level", &["High", "Medium", "Low", "Security"])?;
        let mut wanted = Wanted::of(estate, AssetKind::Host);
        wanted.handling(&query)?;
        wanted.hosts(&query, 1)?;
        wanted.addresses(&query)?;
        let mut servers: BTreeMap<AssetNo, Server> = BTreeMap::new();
        estate.pairs(&wanted.finish(), |row| {
            if let Some(asset) = row.asset {
                servers.entry(asset.no).or_insert_with(|| Server::new(row)).add(row);
            }
        });
        let wanted = servers.into_values().filter(|server| risk.is_none_or(|risk| server.risk() == risk));
        let (total, list) = page.cut(wanted.collect());
        let list: Vec<Value> = list
            .into_iter()
            .map(|server| {
                let risk = server.risk();
                let mut document = server.finish();
                document["severity_level"] = json!(risk);
                document
            })
            .collect();
        Ok(json!({"total_num": total, "data_list": list}))
    });
    Ok(Json(answer.await?))
}
