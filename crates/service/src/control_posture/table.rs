//! A policy as a table, controls by hosts, and its results one after the other. Counts are those of what
//! was found: a failure under an exception counts as failed, and among these as accepted.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use parapet_model::compliance::{Control, ControlPosture, ControlResult, Criticality};
use parapet_model::{AssetNo, ControlNo, ControlResultNo, Permission, PolicyNo, Principal};
use parapet_store::compliance::{Ranges, ResultFilter};
use parapet_store::control_sums::HostSum;
use uuid::Uuid;

use super::ControlPostures;
use crate::accounts::require;
use crate::control_exceptions::HostWords;
use crate::error::{Error, Result};

/// Most results read for the cells of a table.
const MAX_CELLS: u32 = 20_000;

/// A part of a long list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Entries passed over.
    pub offset: usize,
    /// Entries wanted at most.
    pub limit: usize,
}

impl Part {
    fn cut<T>(self, list: Vec<T>) -> Vec<T> {
        list.into_iter().skip(self.offset).take(self.limit).collect()
    }
}

/// Which part of a policy is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableQuery {
    /// Controls with this text in statement, category or rule, whatever the case; empty for all.
    pub control: String,
    /// Controls of this criticality.
    pub criticality: Option<Criticality>,
    /// Only controls that fail somewhere, exceptions aside.
    pub failing: bool,
    /// Hosts with this text in their name, whatever the case; empty for all.
    pub host: String,
    /// Which rows.
    pub rows: Part,
    /// Which columns.
    pub columns: Part,
}

/// A control and how it stands on all hosts that are seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRow {
    /// The control.
    pub control: Control,
    /// Its results.
    pub sum: HostSum,
}

/// A host and how all controls of the policy stand there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its number.
    pub no: AssetNo,
    /// Its id as an asset.
    pub uuid: Uuid,
    /// Its name and addresses.
    pub words: HostWords,
    /// Its results.
    pub sum: HostSum,
}

/// A result, and whether an exception for it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The result.
    pub result: ControlResult,
    /// Whether a failure is accepted.
    pub accepted: bool,
}

/// A part of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Controls, those that fail most often first.
    pub rows: Vec<TableRow>,
    /// How many controls the question finds.
    pub rows_total: usize,
    /// Hosts, those on which most controls fail first.
    pub columns: Vec<Column>,
    /// How many hosts the question finds.
    pub columns_total: usize,
    /// Results by control and host; several where a control has instances.
    pub cells: BTreeMap<(ControlNo, AssetNo), Vec<Cell>>,
    /// How the whole policy stands.
    pub sum: HostSum,
}

/// Which results of a policy are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ResultQuery {
    /// That stand so; any when `None`.
    pub posture: Option<ControlPosture>,
    /// Of one control.
    pub control: Option<ControlNo>,
    /// Of one host.
    pub host: Option<AssetNo>,
}

/// Some results.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResultPage {
    /// By number, each with its control and its host.
    pub rows: Vec<(Cell, Control, HostWords)>,
    /// Ask again with this; `None` after the last.
    pub next: Option<ControlResultNo>,
}

impl ControlPostures<'_> {
    /// A part of a policy as a table.
    pub async fn table(&self, who: &Principal, policy: PolicyNo, query: &TableQuery) -> Result<Table> {
        require(who, Permission::FindingsRead)?;
        let sums = self.0.store.read().await?.sums_of_controls(&who.scope(), policy, self.0.now()).await?;
        let sum = sums.values().fold(HostSum::default(), |all, one| all.plus(*one));
        let controls = self.controls_of(who, policy).await?.into_values().filter(|c| query.takes(c));
        let mut rows: Vec<TableRow> = controls
            .map(|control| TableRow { sum: sums.get(&control.no).copied().unwrap_or_default(), control })
            .filter(|row| !query.failing || row.sum.failed > row.sum.accepted)
            .collect();
        rows.sort_by_key(|row| (Reverse((row.sum.failed, row.sum.error)), row.control.no));
        let columns = self.columns(who, policy, &query.host).await?;
        let (rows_total, columns_total) = (rows.len(), columns.len());
        let (rows, columns) = (query.rows.cut(rows), query.columns.cut(columns));
        let cells = self.cells(who, policy, &rows, &columns).await?;
        Ok(Table { rows, rows_total, columns, columns_total, cells, sum })
    }

    async fn columns(&self, who: &Principal, policy: PolicyNo, name: &str) -> Result<Vec<Column>> {
        let sums = self.0.store.read().await?.control_sums(policy, self.0.now()).await?;
        let (snapshot, scope, name) = (self.0.live().snapshot(), who.scope(), name.to_lowercase());
        let mut columns: Vec<Column> = sums
            .into_iter()
            .filter_map(|(no, sum)| {
                let asset = snapshot.asset(&scope, no).filter(|asset| asset.held.is_open())?;
                asset.name.to_lowercase().contains(&name).then(|| Column {
                    no,
                    uuid: asset.uuid,
                    words: HostWords::of(asset),
                    sum,
                })
            })
            .collect();
        columns.sort_by_key(|column| (Reverse((column.sum.failed, column.sum.error)), column.no));
        Ok(columns)
    }

    async fn cells(
        &self,
        who: &Principal,
        policy: PolicyNo,
        rows: &[TableRow],
        columns: &[Column],
    ) -> Result<BTreeMap<(ControlNo, AssetNo), Vec<Cell>>> {
        if rows.is_empty() || columns.is_empty() {
            return Ok(BTreeMap::new());
        }
        let one = |no: u32| (u64::from(no), u64::from(no));
        let filter = ResultFilter {
            policy: Some(policy),
            hosts: Ranges::new(columns.iter().map(|column| one(column.no.0))),
            controls: Ranges::new(rows.iter().map(|row| one(row.control.no.0))),
            without_posture: true,
            ..ResultFilter::default()
        };
        let mut session = self.0.store.read().await?;
        let results = session.control_results(&who.scope(), &filter, ControlResultNo(0), MAX_CELLS).await?;
        let mut cells: BTreeMap<_, Vec<Cell>> = BTreeMap::new();
        for cell in self.with_exceptions(who, results).await? {
            let key = (cell.result.identity.control, cell.result.identity.host);
            cells.entry(key).or_default().push(cell);
        }
        Ok(cells)
    }

    /// Which of these are accepted; none to somebody who may not see exceptions.
    async fn with_exceptions(&self, who: &Principal, results: Vec<ControlResult>) -> Result<Vec<Cell>> {
        let exceptions = match who.may(Permission::ExceptionsRead) {
            true => self.0.control_exceptions().of_results(who, &results).await?,
            false => BTreeMap::new(),
        };
        let now = self.0.now();
        let cell = |result: ControlResult| {
            let all = exceptions.get(&result.identity).map_or(&[][..], Vec::as_slice);
            let holds = all.iter().any(|e| e.life.holds(now));
            Cell { accepted: holds && result.posture() == Some(ControlPosture::Failed), result }
        };
        Ok(results.into_iter().map(cell).collect())
    }

    /// How many results of a policy stand how: all, those of a control, or those of a host.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a control and a host together.
    pub async fn result_sum(
        &self,
        who: &Principal,
        policy: PolicyNo,
        query: &ResultQuery,
    ) -> Result<HostSum> {
        require(who, Permission::FindingsRead)?;
        let (scope, now) = (who.scope(), self.0.now());
        let mut session = self.0.store.read().await?;
        match (query.control, query.host) {
            (Some(_), Some(_)) => Err(Error::Invalid("a control or a host, not both".to_owned())),
            (control, None) => {
                let sums = session.sums_of_controls(&scope, policy, now).await?;
                let wanted = sums.into_iter().filter(|(no, _)| control.is_none_or(|wanted| wanted == *no));
                Ok(wanted.fold(HostSum::default(), |all, (_, one)| all.plus(one)))
            }
            (None, Some(host)) => {
                let there = self.0.live().snapshot().asset(&scope, host).is_some_and(|a| a.held.is_open());
                let sum = session.control_sums(policy, now).await?.remove(&host);
                Ok(sum.filter(|_| there).unwrap_or_default())
            }
        }
    }

    /// At most `limit` judged results of a policy with numbers above `after`.
    pub async fn results(
        &self,
        who: &Principal,
        policy: PolicyNo,
        query: &ResultQuery,
        after: ControlResultNo,
        limit: u32,
    ) -> Result<ResultPage> {
        require(who, Permission::FindingsRead)?;
        let ranges = |no: Option<u32>| no.map(Ranges::one).unwrap_or_default();
        let filter = ResultFilter {
            policy: Some(policy),
            postures: query.posture.into_iter().collect(),
            controls: ranges(query.control.map(|no| no.0)),
            hosts: ranges(query.host.map(|no| no.0)),
            ..ResultFilter::default()
        };
        let mut session = self.0.store.read().await?;
        let more = limit.saturating_add(1);
        let mut results = session.control_results(&who.scope(), &filter, after, more).await?;
        let has_more = results.len() > limit as usize;
        results.truncate(limit as usize);
        let next = results.last().map(|result| result.no).filter(|_| has_more);
        let mut numbers: Vec<ControlNo> = results.iter().map(|result| result.identity.control).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let controls = session.controls_by_number(who.project, &numbers).await?;
        let controls: BTreeMap<ControlNo, Control> = controls.into_iter().map(|c| (c.no, c)).collect();
        drop(session);
        let (snapshot, scope) = (self.0.live().snapshot(), who.scope());
        let rows = self.with_exceptions(who, results).await?.into_iter().filter_map(|cell| {
            let identity = &cell.result.identity;
            let host = snapshot.asset(&scope, identity.host).map(HostWords::of).unwrap_or_default();
            let control = controls.get(&identity.control)?.clone();
            Some((cell, control, host))
        });
        Ok(ResultPage { rows: rows.collect(), next })
    }
}

impl TableQuery {
    fn takes(&self, control: &Control) -> bool {
        let wanted = self.control.to_lowercase();
        let texts =
            [&control.text.statement, &control.text.category, &control.text.sub_category, &control.rule];
        self.criticality.is_none_or(|wanted| wanted == control.text.criticality)
            && texts.into_iter().any(|text| text.to_lowercase().contains(&wanted))
    }
}
