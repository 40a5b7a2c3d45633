//! A document becomes results: read whole, then recorded in small transactions, the mark that makes it count
//! last. An import that was cut off is simply run again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use parapet_catalog::arf::{ArfError, Evaluation, ResultsDocument};
use parapet_model::asset::AssetKind;
use parapet_model::compliance::{ControlStatus, Evidence, ResultChange, Target};
use parapet_model::{AssetNo, ControlNo, Millis, Permission, Principal};
use parapet_store::Tx;
use parapet_store::assets::{Outcome, TargetObservation};
use parapet_store::compliance::{Arrival, Document, NewControl, NewPolicy, NewResult, RecordedResults, Said};
use uuid::Uuid;

use super::Compliance;
use super::reading::read;
use super::report::{EvaluationReport, ImportReport};
use crate::accounts::require;
use crate::app::App;
use crate::audit;
use crate::error::{Error, Result};
use crate::pace::Pace;

/// Most results recorded in one transaction, and fewest of anything: how many it is follows what the one before
/// took. Controls come with their texts, so they are fewer.
const BATCH: usize = 250;
const CONTROLS: usize = 32;
const FEWEST: usize = 10;

/// How a document is imported.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// The host that it is of, by id or name, whatever it says itself.
    pub host: Option<String>,
    /// Most bytes when unpacked; `None` for [`parapet_catalog::arf::MAX_UNPACKED`].
    pub max_unpacked: Option<u64>,
}

impl Compliance<'_> {
    /// Imports an ARF or XCCDF results document. The same document twice counts once; one older than
    /// what is known becomes history.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the document cannot be read or names no host: nothing was recorded.
    pub async fn import(
        &self,
        who: &Principal,
        file: &Path,
        options: &ImportOptions,
    ) -> Result<ImportReport> {
        require(who, Permission::AssetsWrite)?;
        let mut document = read(file, options.max_unpacked).await?;
        let host = match &options.host {
            Some(host) => Some(self.chosen(who, host, &mut document).await?).flatten(),
            None => None,
        };
        self.record(who, document, host).await
    }

    /// Imports what a sensor had evaluated on its own host; what the document says of its host does not
    /// count.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a sensor of another account; else as [`Compliance::import`].
    pub async fn import_of_sensor(&self, who: &Principal, sensor: Uuid, file: &Path) -> Result<ImportReport> {
        let sensor = self.0.sensors().own(who, sensor).await?;
        let document = read(file, None).await?;
        if document.evaluations.len() != 1 {
            return Err(Error::Invalid("a sensor sends the results of one evaluation".to_owned()));
        }
        let identity = &sensor.registration.identity;
        let known = self.0.store.read().await?.host_of_machine(who.project, identity).await?;
        let known = known.filter(|host| host.held.is_open());
        let known = known.ok_or_else(|| {
            Error::Conflict("the host of this sensor was not reported yet; report it first".to_owned())
        })?;
        self.record(who, document, Some(known.no)).await
    }

    /// The host that was named: a known asset by id, else the document's host gets that name.
    async fn chosen(
        &self,
        who: &Principal,
        host: &str,
        document: &mut ResultsDocument,
    ) -> Result<Option<AssetNo>> {
        if document.evaluations.len() > 1 {
            return Err(Error::Invalid(
                "the document is of several hosts; no one host can be named".to_owned(),
            ));
        }
        if let Ok(id) = Uuid::try_parse(host) {
            let known = self.0.store.read().await?.asset_by_uuid(who.project, &id).await?;
            let scope = who.scope();
            let known = known.filter(|asset| {
                asset.kind == AssetKind::Host
                    && asset.held.is_open()
                    && scope.sees(asset.project, asset.enterprise_project)
            });
            return Ok(Some(known.ok_or_else(|| Error::NotFound("host".to_owned()))?.no));
        }
        let mut target = Target::default();
        target.add_name(host);
        if target.is_nameless() {
            return Err(Error::Invalid(format!("{host:?} is no name that tells a host from others")));
        }
        for evaluation in &mut document.evaluations {
            evaluation.target = target.clone();
        }
        Ok(None)
    }

    async fn record(
        &self,
        who: &Principal,
        document: ResultsDocument,
        host: Option<AssetNo>,
    ) -> Result<ImportReport> {
        let nameless = |evaluation: &Evaluation| evaluation.target.is_nameless();
        if host.is_none() && document.evaluations.iter().any(nameless) {
            return Err(Error::Invalid(ArfError::NoHost.to_string()));
        }
        let mut report = ImportReport { evaluations: Vec::new(), warnings: document.warnings };
        for evaluation in &document.evaluations {
            let now = self.0.now();
            if evaluation.observed > now {
                report.warnings.push(format!(
                    "{} was looked at in the future, by its own clock; now is taken",
                    evaluation.target.shown()
                ));
            }
            let recording = Recording {
                app: self.0,
                who,
                evaluation,
                observed: evaluation.observed.min(now),
                pace: Pace::between(FEWEST, BATCH),
                report: EvaluationReport::default(),
            };
            report.evaluations.push(recording.run(host).await?);
        }
        self.0.live().catch_up().await?;
        Ok(report)
    }
}

/// One evaluation being recorded.
struct Recording<'a> {
    app: &'a App,
    who: &'a Principal,
    evaluation: &'a Evaluation,
    observed: Millis,
    pace: Pace,
    report: EvaluationReport,
}

impl<'a> Recording<'a> {
    async fn run(mut self, host: Option<AssetNo>) -> Result<EvaluationReport> {
        let (document, arrival) = self.begin(host).await?;
        if arrival == Arrival::Duplicate {
            self.report.outcome = "seen";
            return Ok(self.report);
        }
        let controls = self.controls(&document).await?;
        self.results(&document, &controls).await?;
        self.gone(&document, &controls).await?;
        self.end(&document, &controls).await?;
        Ok(self.report)
    }

    /// Host, policy and platform; a duplicate writes nothing.
    async fn begin(&mut self, host: Option<AssetNo>) -> Result<(Document, Arrival)> {
        let (evaluation, project) = (self.evaluation, self.who.project);
        let content = evaluation.content();
        let said = Said { observed: self.observed, content };
        let mut tx = self.app.store.begin().await?;
        let policy = NewPolicy {
            project,
            benchmark: &evaluation.benchmark,
            profile: &evaluation.profile,
            title: &evaluation.title,
            version: &evaluation.version,
        };
        let policy = tx.put_policy(&policy, said).await?;
        let technology = tx.put_technology(project, &evaluation.platform, &evaluation.platform_name).await?;
        let (target, observed) = (&evaluation.target, self.observed);
        let known = match host {
            Some(host) => Some(host),
            None => tx.find_target(project, target).await?,
        };
        let mut document =
            Document { project, host: known.unwrap_or_default(), policy, technology, observed, content };
        self.report = EvaluationReport {
            host_name: target.shown().to_owned(),
            policy,
            policy_title: tx.policy(project, policy).await?.map(|policy| policy.title).unwrap_or_default(),
            technology: evaluation.platform_name.clone(),
            observed,
            ..EvaluationReport::default()
        };
        evaluation.results.iter().for_each(|result| self.report.read(result.status.posture()));
        if let Some(host) = known {
            let asset = tx.asset(host).await?.ok_or_else(|| Error::NotFound("host".to_owned()))?;
            let scope = self.who.scope();
            if !scope.sees(asset.project, asset.enterprise_project) {
                return Err(Error::NotFound("host".to_owned()));
            }
            self.report.host = asset.uuid;
            if self.report.host_name.is_empty() {
                self.report.host_name = asset.name;
            }
            if tx.begin_document(&document).await? == Arrival::Duplicate {
                tx.commit().await?;
                return Ok((document, Arrival::Duplicate));
            }
        }
        if host.is_none() {
            document.host = self.host(&mut tx, known).await?;
        }
        let arrival = tx.begin_document(&document).await?;
        tx.commit().await?;
        Ok((document, arrival))
    }

    async fn host(&mut self, tx: &mut Tx, known: Option<AssetNo>) -> Result<AssetNo> {
        let newest = match known {
            Some(host) => tx.assessments_of_host(host).await?.iter().all(|a| a.observed <= self.observed),
            None => true,
        };
        let seen = TargetObservation {
            project: self.who.project,
            enterprise_project: self.who.home(),
            target: &self.evaluation.target,
            observed: self.observed,
            newest,
        };
        let recorded = tx.record_target(&seen).await?;
        self.report.host = recorded.uuid;
        self.report.host_is_new = recorded.outcome == Outcome::New;
        Ok(recorded.asset)
    }

    /// Numbers all rules of the document.
    async fn controls(&self, document: &Document) -> Result<BTreeMap<&'a str, ControlNo>> {
        let evaluation: &'a Evaluation = self.evaluation;
        let rules: BTreeSet<&'a str> = evaluation.results.iter().map(|result| result.rule.as_str()).collect();
        let rules = Vec::from_iter(rules);
        let mut numbers = BTreeMap::new();
        let (mut rest, mut pace) = (rules.as_slice(), Pace::between(FEWEST, CONTROLS));
        while !rest.is_empty() {
            let (batch, later) = pace.split(rest);
            let new: Vec<NewControl> = batch
                .iter()
                .map(|&rule| NewControl { rule: rule.to_owned(), text: evaluation.texts.get(rule) })
                .collect();
            let mut tx = self.app.store.begin().await?;
            let began = self.app.now();
            let (project, version) = (document.project, self.evaluation.version.as_str());
            let given = tx.put_controls(project, &new, version, document.technology).await?;
            tx.commit().await?;
            pace.took(batch.len(), self.app.now() - began);
            numbers.extend(batch.iter().copied().zip(given));
            rest = later;
        }
        Ok(numbers)
    }

    async fn results(&mut self, document: &Document, controls: &BTreeMap<&str, ControlNo>) -> Result<()> {
        let results: Vec<NewResult<'_>> = self
            .evaluation
            .results
            .iter()
            .filter_map(|result| {
                let control = *controls.get(result.rule.as_str())?;
                let evidence: Option<&Evidence> = result.evidence.as_ref();
                Some(NewResult { control, instance: &result.instance, status: result.status, evidence })
            })
            .collect();
        let mut rest = results.as_slice();
        while !rest.is_empty() {
            let (recorded, later) = self.batch(document, rest).await?;
            self.report.unchanged += recorded.unchanged;
            recorded.changes.iter().for_each(|change| self.report.changed(change));
            rest = later;
        }
        Ok(())
    }

    /// Ends the results that the document does not name.
    async fn gone(&mut self, document: &Document, controls: &BTreeMap<&str, ControlNo>) -> Result<()> {
        let named: BTreeSet<(ControlNo, &str)> = self
            .evaluation
            .results
            .iter()
            .filter_map(|result| Some((*controls.get(result.rule.as_str())?, result.instance.as_str())))
            .collect();
        let known = self.app.store.read().await?.result_identities(document.host, document.policy).await?;
        let gone: Vec<NewResult<'_>> = known
            .iter()
            .filter(|(control, instance, _)| !named.contains(&(*control, instance)))
            .map(|(control, instance, _)| NewResult {
                control: *control,
                instance,
                status: ControlStatus::NotSelected,
                evidence: None,
            })
            .collect();
        let mut rest = gone.as_slice();
        while !rest.is_empty() {
            let (recorded, later) = self.batch(document, rest).await?;
            self.report.gone += recorded.changes.len();
            rest = later;
        }
        Ok(())
    }

    /// Records as many of these results as one transaction takes; gives back the others.
    async fn batch<'r, 'e>(
        &mut self,
        document: &Document,
        results: &'r [NewResult<'e>],
    ) -> Result<(RecordedResults, &'r [NewResult<'e>])> {
        let (batch, later) = self.pace.split(results);
        let mut tx = self.app.store.begin().await?;
        let began = self.app.now();
        // Asked in every transaction: another document may have come between.
        if !tx.begin_document(document).await?.has_results() {
            tx.commit().await?;
            return Ok((RecordedResults { changes: Vec::new(), unchanged: batch.len() }, later));
        }
        let recorded = tx.record_control_results(document, batch).await?;
        self.recorded(&mut tx, &recorded.changes).await?;
        tx.commit().await?;
        self.pace.took(batch.len(), self.app.now() - began);
        Ok((recorded, later))
    }

    /// What stands or falls with results that stand otherwise now. See the module documentation of
    /// [`crate::compliance`].
    async fn recorded(&self, tx: &mut Tx, changes: &[ResultChange]) -> Result<()> {
        self.app.control_exceptions().results_changed(tx, changes).await?;
        for change in changes.iter().filter(|change| change.fails_differently()) {
            let after = serde_json::json!({
                "host": change.identity.host, "policy": change.identity.policy,
                "control": change.identity.control, "instance": change.identity.instance,
                "evidence_before": change.before.map(|before| before.evidence),
                "evidence": change.now.evidence,
            });
            let subject = change.no.to_string();
            audit::event(
                tx,
                self.who,
                "evidence-changed",
                "control-result",
                &subject,
                audit::NONE,
                Some(after),
            )
            .await?;
        }
        Ok(())
    }

    async fn end(&mut self, document: &Document, controls: &BTreeMap<&str, ControlNo>) -> Result<()> {
        let mut tx = self.app.store.begin().await?;
        let arrival = tx.begin_document(document).await?;
        let asked: Vec<ControlNo> = controls.values().copied().collect();
        tx.end_document(document, &asked).await?;
        self.report.outcome = match arrival {
            Arrival::Newest => "newest",
            Arrival::Older => "older",
            Arrival::Duplicate | Arrival::Overruled => "seen",
        };
        let after = serde_json::json!({
            "policy": self.report.policy, "title": self.report.policy_title, "outcome": self.report.outcome,
            "results": self.report.results, "failed": self.report.failed,
        });
        let host = self.report.host.to_string();
        audit::event(&mut tx, self.who, "import-results", "asset", &host, audit::NONE, Some(after)).await?;
        tx.commit().await?;
        Ok(())
    }
}
