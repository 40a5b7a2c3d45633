//! Puts the results of a document in, a batch to a transaction.
//!
//! Only what a document changes is written: a look that shows what the one before showed writes no result
//! at all. A late look becomes part of the life of its results ([`parapet_model::compliance::timeline`])
//! and leaves what holds now alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use parapet_model::compliance::{
    ControlStatus, Evidence, Held, ResultChange, ResultIdentity, Stretch, Summary, Timeline,
};
use parapet_model::time::{FOREVER, Millis};
use parapet_model::{AssetNo, ControlNo, ControlResultNo, EvidenceNo, PolicyNo, TechnologyNo};

use super::documents::next_look;
use super::results::summary;
use super::{Arrival, Document, Said, check_name};
use crate::error::Result;
use crate::log::Kind;
use crate::numbers::Counter;
use crate::session::Session;
use crate::sql::{Bulk, Row, Value, args};
use crate::tx::Tx;

const FIND: Bulk<4> = Bulk {
    before: "WITH k(host, policy, control, instance) AS (VALUES ",
    after: ") SELECT t.no, t.control, t.instance, t.technology, t.status, t.evidence, t.since, t.posture_since, \
            t.previous, t.first_passed, t.last_passed, t.first_failed, t.last_failed \
            FROM k CROSS JOIN control_result t WHERE t.host = k.host AND t.policy = k.policy \
            AND t.control = k.control AND t.instance = k.instance ORDER BY t.no",
};
const IDENTITIES: &str = "SELECT no, control, instance, status FROM control_result \
     WHERE host = $1 AND policy = $2 ORDER BY host, policy, control, instance";
const STRETCHES: Bulk<1> = Bulk {
    before: "WITH k(no) AS (VALUES ",
    after: ") SELECT t.result, t.from_at, t.to_at, t.status, t.evidence, t.recorded \
            FROM k CROSS JOIN control_interval t WHERE t.result = k.no ORDER BY t.result, t.from_at",
};
const PUT: Bulk<18> = Bulk {
    before: "INSERT INTO control_result (no, project, host, policy, control, instance, technology, status, \
             posture, evidence, since, posture_since, previous, first_passed, last_passed, first_failed, \
             last_failed, updated) VALUES ",
    after: " ON CONFLICT (no) DO UPDATE SET technology = excluded.technology, status = excluded.status, \
            posture = excluded.posture, evidence = excluded.evidence, since = excluded.since, \
            posture_since = excluded.posture_since, previous = excluded.previous, \
            first_passed = excluded.first_passed, last_passed = excluded.last_passed, \
            first_failed = excluded.first_failed, last_failed = excluded.last_failed, \
            updated = excluded.updated",
};
const PUT_STRETCH: Bulk<6> = Bulk {
    before: "INSERT INTO control_interval (result, from_at, to_at, status, evidence, recorded) VALUES ",
    after: " ON CONFLICT (result, from_at) DO UPDATE SET to_at = excluded.to_at, status = excluded.status, \
            evidence = excluded.evidence, recorded = excluded.recorded",
};
const DROP_STRETCH: Bulk<2> = Bulk {
    before: "WITH k(result, from_at) AS (VALUES ",
    after: ") DELETE FROM control_interval WHERE (result, from_at) IN (SELECT k.result, k.from_at FROM k)",
};

/// A result as a document names it.
#[derive(Debug, Clone)]
pub struct NewResult<'a> {
    /// The control.
    pub control: ControlNo,
    /// [`parapet_model::compliance::WHOLE_HOST`], or one of several things looked at.
    pub instance: &'a str,
    /// What the scanner said.
    pub status: ControlStatus,
    /// What it found; `None` when the document holds no evidence.
    pub evidence: Option<&'a Evidence>,
}

/// What a batch did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecordedResults {
    /// Results whose present state is another one now, new ones included.
    pub changes: Vec<ResultChange>,
    /// Results that stand as they stood.
    pub unchanged: usize,
}

/// What is known of a result.
struct Known {
    no: ControlResultNo,
    technology: TechnologyNo,
    held: Held,
    summary: Summary,
    /// Whether it has a row.
    stored: bool,
}

type Key = (ControlNo, String);

fn known(row: &Row) -> Result<(Key, Known)> {
    let mut f = row.fields("control_result");
    let no = ControlResultNo(f.u32("no")?);
    let key = (ControlNo(f.u32("control")?), f.text()?);
    let technology = TechnologyNo(f.u32("technology")?);
    let status = f.word("status", ControlStatus::from_number)?;
    let held = Held { status, evidence: EvidenceNo(f.u32("evidence")?) };
    let summary = summary(&mut f)?;
    Ok((key, Known { no, technology, held, summary, stored: true }))
}

/// A stretch with the instant at which it was recorded.
pub(super) fn stretch(row: &Row) -> Result<(ControlResultNo, Stretch, Millis)> {
    let mut f = row.fields("control_interval");
    let no = ControlResultNo(f.u32("result")?);
    let (from, to) = (f.i64()?, f.i64()?);
    let status = f.word("status", ControlStatus::from_number)?;
    let held = Held { status, evidence: EvidenceNo(f.u32("evidence")?) };
    Ok((no, Stretch { from, to, held }, f.i64()?))
}

/// Timelines by result, with the instants at which their stretches were recorded.
type Lives = HashMap<ControlResultNo, (Vec<Stretch>, BTreeMap<Millis, (Stretch, Millis)>)>;

impl Session {
    /// Control, instance and whether it is still asked for, of all results of a host and policy.
    pub async fn result_identities(
        &mut self,
        host: AssetNo,
        policy: PolicyNo,
    ) -> Result<Vec<(ControlNo, String, bool)>> {
        let rows = self.fetch(IDENTITIES, args![host, policy]).await?;
        rows.iter()
            .map(|row| {
                let mut f = row.fields("control_result");
                f.i64()?;
                let (control, instance) = (ControlNo(f.u32("control")?), f.text()?);
                let status = f.word("status", ControlStatus::from_number)?;
                Ok((control, instance, status != ControlStatus::NotSelected))
            })
            .collect()
    }

    pub(super) async fn lives(&mut self, results: &[ControlResultNo]) -> Result<Lives> {
        let keys: Vec<[Value<'_>; 1]> = results.iter().map(|&no| [no.into()]).collect();
        let mut lives = Lives::new();
        for row in self.bulk_fetch(&STRETCHES, &keys).await? {
            let (no, stretch, recorded) = stretch(&row)?;
            let life = lives.entry(no).or_default();
            life.0.push(stretch);
            life.1.insert(stretch.from, (stretch, recorded));
        }
        Ok(lives)
    }
}

impl Tx {
    /// Records a batch of results of a document that [`Tx::begin_document`] called newest or older. Every
    /// result of the document is recorded once; those that it does not name and that are known are
    /// recorded as [`ControlStatus::NotSelected`] without evidence.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] for an instance over 512 bytes or with a NUL.
    pub async fn record_control_results(
        &mut self,
        document: &Document,
        results: &[NewResult<'_>],
    ) -> Result<RecordedResults> {
        for result in results {
            check_name("the instance of a result", result.instance)?;
        }
        let mut out = RecordedResults::default();
        let looks = self.looks(document.host, document.policy).await?;
        let evidences: Vec<Option<&Evidence>> = results.iter().map(|result| result.evidence).collect();
        let evidences = self.put_evidence(&evidences).await?;
        let mut batch = self.find_results(document, results).await?;
        let next = next_look(&looks, document.observed);
        let mut wanted: Vec<(Key, Held)> = Vec::with_capacity(results.len());
        for (result, evidence) in results.iter().zip(evidences) {
            let held = match result.status {
                ControlStatus::NotSelected => Held::GONE,
                status => Held { status, evidence },
            };
            let key = (result.control, result.instance.to_owned());
            let unchanged = match batch.get(&key) {
                None => held == Held::GONE,
                Some(known) => {
                    next == FOREVER && known.held == held && known.technology == document.technology
                }
            };
            if unchanged {
                out.unchanged += 1;
            } else {
                wanted.push((key, held));
            }
        }
        self.number_new(document, &mut batch, &wanted).await?;
        out.changes = self.write_results(document, &batch, &wanted, &looks, next).await?;
        out.unchanged += wanted.len() - out.changes.len();
        Ok(out)
    }

    async fn find_results(
        &mut self,
        document: &Document,
        results: &[NewResult<'_>],
    ) -> Result<HashMap<Key, Known>> {
        let keys: Vec<[Value<'_>; 4]> = results
            .iter()
            .map(|r| [document.host.into(), document.policy.into(), r.control.into(), r.instance.into()])
            .collect();
        self.bulk_fetch(&FIND, &keys).await?.iter().map(known).collect()
    }

    /// Gives numbers to results that have none.
    async fn number_new(
        &mut self,
        document: &Document,
        batch: &mut HashMap<Key, Known>,
        wanted: &[(Key, Held)],
    ) -> Result<()> {
        let new: BTreeSet<&Key> =
            wanted.iter().map(|(key, _)| key).filter(|key| !batch.contains_key(*key)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let first = self.take_numbers(Counter::ControlResult, new.len()).await?;
        for (no, key) in (first..).zip(new) {
            let known = Known {
                no: ControlResultNo(no),
                technology: document.technology,
                held: Held::GONE,
                summary: Summary::default(),
                stored: false,
            };
            batch.insert(key.clone(), known);
        }
        Ok(())
    }

    /// Writes the results whose life a document changes; gives back those that stand otherwise now.
    async fn write_results(
        &mut self,
        document: &Document,
        batch: &HashMap<Key, Known>,
        wanted: &[(Key, Held)],
        looks: &[Said],
        next: Millis,
    ) -> Result<Vec<ResultChange>> {
        let stored: Vec<ControlResultNo> =
            batch.values().filter(|known| known.stored).map(|known| known.no).collect();
        let lives = self.lives(&stored).await?;
        let mut instants: Vec<Millis> = looks.iter().map(|look| look.observed).collect();
        instants.push(document.observed);
        instants.sort_unstable();
        instants.dedup();
        let mut writing = Writing::new(document, self.recorded());
        for (key, held) in wanted {
            let Some(known) = batch.get(key) else { continue };
            let empty = (Vec::new(), BTreeMap::new());
            let (stretches, recorded) = lives.get(&known.no).unwrap_or(&empty);
            let mut timeline = Timeline::new(stretches.clone());
            timeline.show(document.observed, next, *held);
            writing.stretches(known.no, &timeline, recorded);
            writing.result(key, known, &timeline, &instants, next);
        }
        let Writing { results, put, dropped, mut changes, .. } = writing;
        self.bulk(&DROP_STRETCH, &dropped).await?;
        self.bulk(&PUT_STRETCH, &put).await?;
        self.bulk(&PUT, &results).await?;
        if !results.is_empty() {
            self.log(Kind::ControlResults, document.host.0);
        }
        self.compare_evidence(&mut changes).await?;
        Ok(changes)
    }

    /// Finds out where another thing was found than before.
    async fn compare_evidence(&mut self, changes: &mut [ResultChange]) -> Result<()> {
        let both = |change: &ResultChange| change.before.map(|before| [before.evidence, change.now.evidence]);
        let numbers: BTreeSet<EvidenceNo> = changes.iter().filter_map(both).flatten().collect();
        let found = self.found(&Vec::from_iter(numbers)).await?;
        for change in changes {
            if let Some([before, now]) = both(change) {
                let (before, now) = (found.get(&before), found.get(&now));
                change.evidence_changed = before.is_some() && now.is_some() && before != now;
            }
        }
        Ok(())
    }
}

/// The rows that a batch writes.
struct Writing<'a> {
    document: &'a Document,
    now: Millis,
    results: Vec<[Value<'a>; 18]>,
    put: Vec<[Value<'a>; 6]>,
    dropped: Vec<[Value<'a>; 2]>,
    changes: Vec<ResultChange>,
}

impl<'a> Writing<'a> {
    fn new(document: &'a Document, now: Millis) -> Self {
        let (results, put, dropped) = (Vec::new(), Vec::new(), Vec::new());
        Self { document, now, results, put, dropped, changes: Vec::new() }
    }

    /// The difference between what is stored and what is wanted. A stretch that shows what it showed
    /// keeps the instant at which it was recorded.
    fn stretches(
        &mut self,
        no: ControlResultNo,
        timeline: &Timeline,
        stored: &BTreeMap<Millis, (Stretch, Millis)>,
    ) {
        let wanted: BTreeSet<Millis> = timeline.stretches().iter().map(|s| s.from).collect();
        let gone = stored.keys().filter(|from| !wanted.contains(from));
        self.dropped.extend(gone.map(|&from| [no.into(), from.into()]));
        for s in timeline.stretches() {
            let old = stored.get(&s.from);
            if old.is_some_and(|(old, _)| old == s) {
                continue;
            }
            let recorded = match old {
                Some((old, recorded)) if old.held == s.held => *recorded,
                _ => self.now,
            };
            let (status, evidence) = (s.held.status as u8, s.held.evidence);
            self.put.push([
                no.into(),
                s.from.into(),
                s.to.into(),
                status.into(),
                evidence.into(),
                recorded.into(),
            ]);
        }
    }

    fn result(&mut self, key: &'a Key, known: &Known, timeline: &Timeline, looks: &[Millis], next: Millis) {
        let Document { project, host, policy, .. } = *self.document;
        let technology = if next == FOREVER { self.document.technology } else { known.technology };
        let (held, summary) = (timeline.now().unwrap_or(Held::GONE), timeline.summary(looks));
        if known.stored && (known.technology, known.held, known.summary) == (technology, held, summary) {
            return;
        }
        let posture = held.status.posture().map_or(0, |posture| posture as u8);
        let (control, instance) = (key.0, key.1.as_str());
        self.results.push([
            known.no.into(),
            project.into(),
            host.into(),
            policy.into(),
            control.into(),
            instance.into(),
            technology.into(),
            (held.status as u8).into(),
            posture.into(),
            held.evidence.into(),
            summary.since.into(),
            summary.posture_since.into(),
            summary.previous.map_or(0, |status| status as u8).into(),
            summary.first_passed.into(),
            summary.last_passed.into(),
            summary.first_failed.into(),
            summary.last_failed.into(),
            self.now.into(),
        ]);
        if known.held != held {
            self.changes.push(ResultChange {
                no: known.no,
                identity: ResultIdentity { host, policy, control, instance: instance.to_owned() },
                technology,
                before: known.stored.then_some(known.held),
                now: held,
                evidence_changed: false,
                observed: self.document.observed,
            });
        }
    }
}

impl Arrival {
    /// Whether results are to be recorded.
    pub fn has_results(self) -> bool {
        matches!(self, Self::Newest | Self::Older)
    }
}
