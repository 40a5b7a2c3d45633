//! What the caller sees, at one instant, and the parts of filters that need to look at it.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use parapet_model::exception::Exception;
use parapet_model::facts::AssetRow;
use parapet_model::filter::{Field, Filter, Op};
use parapet_model::{AssetKind, AssetNo, Millis, Principal, Scope};
use parapet_posture::{AssetFilter, OnAsset, Query as Question, Snapshot, Window};
use parapet_service::exports::{Rows, VulnerabilityRow, each_asset_vulnerability, each_vulnerability};
use parapet_service::handling::REPAIRED;
use parapet_service::host_scans::Verifying;
use uuid::Uuid;

use super::words;
use super::{HssError, Query};
use crate::http::state::AppState;

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Estate {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) scope: Scope,
    pub(super) now: Millis,
    /// The pairs that a sensor was asked to verify.
    pub(super) verifying: Arc<Verifying>,
}

impl Estate {
    /// The present state, as far as it is in scope.
    pub(super) async fn now(state: &AppState, who: &Principal, scope: Scope) -> Result<Self, HssError> {
        let verifying = Arc::new(state.app.host_scans().verifying(who).await?);
        Ok(Self { snapshot: state.app.live().snapshot(), scope, now: state.app.now(), verifying })
    }

    /// What rows are made of.
    fn rows(&self) -> Rows<'_> {
        Rows { snapshot: &self.snapshot, verifying: &self.verifying }
    }

    /// Works on it away from the threads that serve connections.
    pub(super) async fn ask<T: Send + 'static>(
        self,
        work: impl FnOnce(&Self) -> Result<T, HssError> + Send + 'static,
    ) -> Result<T, HssError> {
        tokio::task::spawn_blocking(move || work(&self)).await.map_err(parapet_service::Error::from)?
    }

    /// A current asset of a kind by its id.
    pub(super) fn find(&self, kind: AssetKind, id: &str) -> Option<&AssetRow> {
        let found = self.snapshot.asset_by_uuid(&self.scope, Uuid::try_parse(id).ok()?);
        found.filter(|asset| asset.kind == kind && self.snapshot.is_current(asset.no))
    }

    /// The current assets of a kind, by number.
    pub(super) fn all(&self, kind: AssetKind) -> impl Iterator<Item = &AssetRow> {
        let numbers = self.snapshot.select(&self.scope, kind, &AssetFilter::All, self.now);
        numbers.into_iter().filter_map(|no| self.snapshot.asset(&self.scope, AssetNo(no)))
    }

    /// A question about findings.
    pub(super) fn question<'q>(&'q self, filter: &'q Filter) -> Question<'q> {
        Question::new(&self.scope, filter, self.now)
    }

    /// Calls `each` with a row per vulnerability of a part of the list by id; how long the list is.
    pub(super) fn vulnerabilities(
        &self,
        filter: &Filter,
        window: Window,
        mut each: impl FnMut(&VulnerabilityRow<'_>),
    ) -> usize {
        let Ok(total) = each_vulnerability(self.rows(), &self.question(filter), window, &mut |row| {
            each(row);
            Ok::<(), Infallible>(())
        });
        total
    }

    /// Calls `each` with a row per asset and vulnerability of a part of the list, assets by number,
    /// vulnerabilities by id; how long the list is.
    pub(super) fn pairs(
        &self,
        filter: &Filter,
        window: Window,
        each: impl FnMut(&VulnerabilityRow<'_>),
    ) -> usize {
        self.pairs_of(&self.question(filter), window, each)
    }

    /// The same for any question.
    pub(super) fn pairs_of(
        &self,
        question: &Question<'_>,
        window: Window,
        mut each: impl FnMut(&VulnerabilityRow<'_>),
    ) -> usize {
        let Ok(total) = each_asset_vulnerability(self.rows(), question, window, &mut |row| {
            each(row);
            Ok::<(), Infallible>(())
        });
        total
    }

    /// How many vulnerabilities that pass each asset has; by number.
    pub(super) fn by_asset(&self, filter: &Filter) -> Arc<[OnAsset]> {
        self.snapshot.vulnerabilities_by_asset(&self.question(filter))
    }

    /// The assets of a kind that pass a test, as a filter.
    pub(super) fn where_asset(&self, kind: AssetKind, test: impl Fn(&AssetRow) -> bool) -> Filter {
        let ids: Vec<String> = self.all(kind).filter(|a| test(a)).map(|a| a.uuid.to_string()).collect();
        if ids.is_empty() { Filter::Nothing } else { Filter::any_of(Field::AssetId, ids) }
    }

    /// The findings in a state of handling.
    pub(super) fn status_filter(&self, word: &str) -> Filter {
        let repaired = |e: &&Exception| e.reason == REPAIRED;
        let ids = self.snapshot.exceptions(&self.scope).filter(repaired).map(|e| e.uuid.to_string());
        let repaired = Filter::any_of(Field::Exception, ids);
        let other = match word {
            "vul_status_verified" => return self.being_verified(),
            "vul_status_unfix" => words::handled("unhandled"),
            "vul_status_fixed" => repaired,
            "vul_status_ignored" => words::handled("handled").and(repaired.negate()),
            // Findings are derived from what is installed: nothing is ever half repaired.
            _ => return Filter::Nothing,
        };
        if self.verifying.is_empty() { other } else { other.and(self.being_verified().negate()) }
    }

    /// The findings that are being verified.
    fn being_verified(&self) -> Filter {
        let pairs = self.verifying.iter().filter_map(|(no, hosts)| {
            let vulnerability =
                Filter::test(Field::Vulnerability, Op::Eq, &*self.snapshot.vulnerability(no)?.id);
            let hosts = hosts.iter().filter_map(|&no| self.snapshot.asset(&self.scope, no));
            Some(vulnerability.and(Filter::any_of(Field::AssetId, hosts.map(|host| host.uuid.to_string()))))
        });
        let pairs: Vec<Filter> = pairs.collect();
        if pairs.is_empty() { Filter::Nothing } else { Filter::Or(pairs) }
    }
}

/// The conditions of a list or an export of hosts' vulnerabilities, all of which must hold.
#[derive(Debug)]
pub(super) struct Wanted<'e> {
    estate: &'e Estate,
    filter: Filter,
}

impl<'e> Wanted<'e> {
    /// All findings of a kind of assets.
    pub(super) fn of(estate: &'e Estate, kind: AssetKind) -> Self {
        Self { estate, filter: Filter::test(Field::Kind, Op::Eq, kind.as_str()) }
    }

    /// One more condition.
    pub(super) fn add(&mut self, part: Filter) {
        self.filter = std::mem::take(&mut self.filter).and(part);
    }

    /// All of them.
    pub(super) fn finish(self) -> Filter {
        self.filter
    }

    /// What most lists take: of vulnerabilities their ids, names, levels and labels, how they are handled,
    /// and of which hosts.
    pub(super) fn usual(&mut self, query: &Query) -> Result<(), HssError> {
        self.ids(query, 0)?;
        self.name(query, 0)?;
        self.levels(query)?;
        self.labels(query, 0)?;
        self.handling(query)?;
        self.hosts(query, 0)
    }

    /// `vul_id` and `cve_id`, which name a vulnerability by its id or any alias.
    pub(super) fn ids(&mut self, query: &Query, least: usize) -> Result<(), HssError> {
        for name in ["vul_id", "cve_id"] {
            if let Some(id) = query.text(name, least..=256)? {
                self.add(Filter::test(Field::Vulnerability, Op::Eq, id));
            }
        }
        Ok(())
    }

    /// `vul_name`.
    pub(super) fn name(&mut self, query: &Query, least: usize) -> Result<(), HssError> {
        if let Some(name) = query.text("vul_name", least..=256)? {
            self.add(words::named(name));
        }
        Ok(())
    }

    /// `repair_priority` and `severity_level`, one or several each.
    pub(super) fn levels(&mut self, query: &Query) -> Result<(), HssError> {
        for name in ["repair_priority", "severity_level"] {
            let levels = query.words(name, &words::LEVELS)?;
            if !levels.is_empty() {
                self.add(words::levels_filter(&levels));
            }
        }
        Ok(())
    }

    /// `label_list` and `excluded_label_list`.
    pub(super) fn labels(&mut self, query: &Query, least: usize) -> Result<(), HssError> {
        let labels = query.list("label_list", least..=128, 100)?;
        if !labels.is_empty() {
            self.add(words::labels_filter(&labels));
        }
        let labels = query.list("excluded_label_list", 0..=128, 100)?;
        if !labels.is_empty() {
            self.add(words::labels_filter(&labels).negate());
        }
        Ok(())
    }

    /// `handle_status` and `status`.
    pub(super) fn handling(&mut self, query: &Query) -> Result<(), HssError> {
        if let Some(word) = query.word("handle_status", &words::HANDLE_STATUS)? {
            self.add(words::handled(word));
        }
        if let Some(word) = query.word("status", &words::STATUS)? {
            self.add(self.estate.status_filter(word));
        }
        Ok(())
    }

    /// `asset_value`, `group_name`, `node_type` and `is_affect_business`.
    pub(super) fn hosts(&mut self, query: &Query, least: usize) -> Result<(), HssError> {
        if let Some(word) = query.word("asset_value", &words::ASSET_VALUES)? {
            self.add(Filter::test(Field::AssetValue, Op::Eq, word));
        }
        if let Some(name) = query.text("group_name", least..=256)? {
            self.add(Filter::test(Field::Group, Op::Eq, name));
        }
        if query.word("node_type", &words::NODE_TYPES)? == Some("cce") {
            // Hosts report no cluster membership.
            self.add(Filter::Nothing);
        }
        if query.boolean("is_affect_business")? == Some(true) {
            self.add(Filter::Nothing);
        }
        Ok(())
    }

    /// `host_name` (a part of it), `host_ip`, `public_ip`, `private_ip`, and `host_id_list`.
    pub(super) fn addresses(&mut self, query: &Query) -> Result<(), HssError> {
        if let Some(name) = query.text("host_name", 0..=256)? {
            self.add(Filter::test(Field::Asset, Op::Contains, name));
        }
        if let Some(ip) = query.text("host_ip", 0..=256)? {
            self.add(
                self.estate.where_asset(AssetKind::Host, |host| addresses(host).any(|a| a.contains(ip))),
            );
        }
        if let Some(ip) = query.text("public_ip", 0..=128)? {
            self.add(self.estate.where_asset(AssetKind::Host, |host| public_ip(host).contains(ip)));
        }
        if let Some(ip) = query.text("private_ip", 0..=128)? {
            self.add(self.estate.where_asset(AssetKind::Host, |host| private_ip(host).contains(ip)));
        }
        let ids = query.list("host_id_list", 0..=64, 100)?;
        if !ids.is_empty() {
            self.add(Filter::any_of(Field::AssetId, ids));
        }
        // Containers are no hosts of this list, and hosts report no cluster.
        for name in ["cluster_id", "cluster_name", "container_name"] {
            if query.text(name, 0..=256)?.is_some() {
                self.add(Filter::Nothing);
            }
        }
        if query.boolean("is_container")? == Some(true) {
            self.add(Filter::Nothing);
        }
        Ok(())
    }

    /// `min_scan_time` and `max_scan_time`, both ends included.
    pub(super) fn scanned(&mut self, query: &Query) -> Result<(), HssError> {
        for (name, op) in [("min_scan_time", Op::Ge), ("max_scan_time", Op::Le)] {
            if let Some(at) = query.integer(name, 0..=i64::MAX)? {
                self.add(Filter::test(Field::Scanned, op, at));
            }
        }
        Ok(())
    }
}

/// The addresses of a host, the one that is shown first.
pub(super) fn addresses(host: &AssetRow) -> impl Iterator<Item = &str> {
    host.host_facts.addresses.iter().map(String::as_str)
}

/// Its first address that is reachable from everywhere, or empty.
pub(super) fn public_ip(host: &AssetRow) -> &str {
    addresses(host).find(|address| !is_private(address)).unwrap_or_default()
}

/// Its first address that is not, or empty.
pub(super) fn private_ip(host: &AssetRow) -> &str {
    addresses(host).find(|address| is_private(address)).unwrap_or_default()
}

fn is_private(address: &str) -> bool {
    match address.parse() {
        Ok(IpAddr::V4(v4)) => v4.is_private() || v4.is_loopback() || v4.is_link_local(),
        Ok(IpAddr::V6(v6)) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
        Err(_) => true,
    }
}
