//! Storing what a feed says: batches of records, and records that are gone.

use std::collections::{BTreeSet, HashMap, HashSet};

use parapet_model::advisory::Advisory;
use parapet_model::time::FOREVER;
use parapet_model::{AdvisoryNo, VulnerabilityNo};

use super::NewAdvisory;
use crate::error::Result;
use crate::feeds::FeedNo;
use crate::numbers::Counter;
use crate::sql::{Bulk, Value};
use crate::tx::Tx;

const FIND: Bulk<2> = Bulk {
    before: "WITH k(id, source) AS (VALUES ",
    after: ") SELECT t.no, t.id, t.source, t.hash FROM k CROSS JOIN advisory t \
            WHERE t.id = k.id AND t.source = k.source ORDER BY t.no",
};
const INSERT: Bulk<4> = Bulk { before: "INSERT INTO advisory (no, source, id, hash) VALUES ", after: "" };
const SET_HASH: Bulk<2> = Bulk {
    before: "WITH k(no, hash) AS (VALUES ",
    after: ") UPDATE advisory SET hash = k.hash FROM k WHERE advisory.no = k.no",
};
const OPEN_RECORD: Bulk<4> = Bulk {
    before: "INSERT INTO advisory_record (advisory, from_at, to_at, hash) VALUES ",
    after: " ON CONFLICT (advisory, from_at) DO UPDATE SET to_at = excluded.to_at, hash = excluded.hash",
};
const KEEP_BODY: Bulk<3> = Bulk {
    before: "INSERT INTO advisory_body (advisory, hash, body) VALUES ",
    after: " ON CONFLICT DO NOTHING",
};
const CLOSE_RECORD: Bulk<2> = Bulk {
    before: "WITH k(no, at) AS (VALUES ",
    after: ") UPDATE advisory_record SET to_at = k.at FROM k \
            WHERE advisory_record.advisory = k.no AND advisory_record.to_at = 9223372036854775807",
};
const ADD_AFFECTS: Bulk<3> =
    Bulk { before: "INSERT INTO advisory_affects (ecosystem, name, advisory) VALUES ", after: "" };
const DROP_AFFECTS: Bulk<1> = Bulk {
    before: "WITH k(no) AS (VALUES ",
    after: ") DELETE FROM advisory_affects WHERE advisory IN (SELECT k.no FROM k)",
};
const ADD_VULNERABILITY: Bulk<2> =
    Bulk { before: "INSERT INTO advisory_vulnerability (vulnerability, advisory) VALUES ", after: "" };
const DROP_VULNERABILITY: Bulk<1> = Bulk {
    before: "WITH k(no) AS (VALUES ",
    after: ") DELETE FROM advisory_vulnerability WHERE advisory IN (SELECT k.no FROM k)",
};

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Put {
    /// Its number.
    pub no: AdvisoryNo,
    /// What was done.
    pub outcome: PutOutcome,
}

/// See [`Put`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutOutcome {
    /// Never known before.
    Added,
    /// Known, and says something else now, or was gone and is back.
    Changed,
    /// Known, and says the same.
    Same,
    /// Another feed holds a record that was modified later; that one stays.
    Older,
}

/// What became of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PutBatch {
    /// One for each record, in the same order.
    pub puts: Vec<Put>,
    /// Ids that were never named before and were joined at once with the vulnerability that these
    /// records say they mean.
    pub joined: HashSet<String>,
}

/// What is known of an advisory before it is put.
struct Known {
    no: AdvisoryNo,
    /// Empty when gone.
    hash: Vec<u8>,
}

impl Tx {
    /// Stores a batch of records of one feed. Give at most [`super::BATCH`]. A record that comes twice
    /// in a batch counts once, the last one holds.
    pub async fn put_advisories(&mut self, feed: FeedNo, batch: &[NewAdvisory]) -> Result<PutBatch> {
        let last: HashMap<(&str, &str), &NewAdvisory> =
            batch.iter().map(|new| (new.identity(), new)).collect();
        let unique: Vec<&NewAdvisory> = batch
            .iter()
            .filter(|new| last.get(&new.identity()).is_some_and(|l| std::ptr::eq(*l, *new)))
            .collect();
        let known = self.known_advisories(&unique).await?;
        let (old, fresh): (Vec<&NewAdvisory>, Vec<&NewAdvisory>) =
            unique.into_iter().partition(|new| known.contains_key(&owned(new.identity())));
        let mut written = Vec::new();
        let mut done = self.put_known(feed, &old, &known, &mut written).await?;
        done.extend(self.put_fresh(feed, &fresh, &mut written).await?);
        let joined = self.write_records(&written).await?;
        let by_identity: HashMap<(&str, &str), Put> =
            old.iter().chain(&fresh).map(|new| new.identity()).zip(done).collect();
        let puts = batch
            .iter()
            .filter_map(|new| {
                let mut put = *by_identity.get(&new.identity())?;
                if last.get(&new.identity()).is_some_and(|l| !std::ptr::eq(*l, new)) {
                    put.outcome = PutOutcome::Same;
                }
                Some(put)
            })
            .collect();
        Ok(PutBatch { puts, joined })
    }

    async fn known_advisories(&mut self, batch: &[&NewAdvisory]) -> Result<HashMap<(String, String), Known>> {
        let keys: Vec<[Value<'_>; 2]> =
            batch.iter().map(|new| [(&new.advisory.id).into(), (&new.advisory.source).into()]).collect();
        let mut known = HashMap::with_capacity(keys.len());
        for row in self.bulk_find(&FIND, &keys).await? {
            let mut f = row.fields("advisory");
            let no = AdvisoryNo(f.u32("no")?);
            let (id, source) = (f.text()?, f.text()?);
            known.insert((source, id), Known { no, hash: f.blob()?.to_vec() });
        }
        Ok(known)
    }

    /// Those that become current are added to `written`.
    async fn put_fresh<'b>(
        &mut self,
        feed: FeedNo,
        fresh: &[&'b NewAdvisory],
        written: &mut Vec<(AdvisoryNo, &'b NewAdvisory)>,
    ) -> Result<Vec<Put>> {
        if fresh.is_empty() {
            return Ok(Vec::new());
        }
        let first = self.take_numbers(Counter::Advisory, fresh.len()).await?;
        let numbered: Vec<(AdvisoryNo, &'b NewAdvisory)> =
            (first..).map(AdvisoryNo).zip(fresh.iter().copied()).collect();
        let rows: Vec<[Value<'_>; 4]> = numbered
            .iter()
            .map(|(no, new)| {
                let a = &new.advisory;
                [(*no).into(), (&a.source).into(), (&a.id).into(), Value::Blob(&new.hash)]
            })
            .collect();
        self.bulk(&INSERT, &rows).await?;
        self.open_held(feed, &numbered).await?;
        self.keep_bodies(&numbered).await?;
        written.extend(&numbered);
        Ok(numbered.iter().map(|&(no, _)| Put { no, outcome: PutOutcome::Added }).collect())
    }

    /// Those that become current are added to `written`.
    async fn put_known<'b>(
        &mut self,
        feed: FeedNo,
        batch: &[&'b NewAdvisory],
        known: &HashMap<(String, String), Known>,
        written: &mut Vec<(AdvisoryNo, &'b NewAdvisory)>,
    ) -> Result<Vec<Put>> {
        let found: Vec<(&'b NewAdvisory, &Known)> =
            batch.iter().filter_map(|&new| Some((new, known.get(&owned(new.identity()))?))).collect();
        let numbers: Vec<AdvisoryNo> = found.iter().map(|(_, known)| known.no).collect();
        let held = self.held_by(&numbers).await?;
        let mine: HashMap<AdvisoryNo, &[u8]> =
            held.iter().filter(|h| h.feed == feed).map(|h| (h.no, h.hash.as_slice())).collect();
        let elsewhere: HashSet<AdvisoryNo> = held.iter().filter(|h| h.feed != feed).map(|h| h.no).collect();

        let moved: Vec<(AdvisoryNo, &NewAdvisory)> = found
            .iter()
            .filter(|(new, known)| mine.get(&known.no).copied() != Some(new.hash.as_slice()))
            .map(|(new, known)| (known.no, *new))
            .collect();
        self.close_held(feed, &moved.iter().map(|(no, _)| *no).collect::<Vec<_>>()).await?;
        self.open_held(feed, &moved).await?;
        self.keep_bodies(&moved).await?;

        let judged = self.judge(&found, &elsewhere).await?;
        let changed: Vec<(AdvisoryNo, &'b NewAdvisory)> = judged
            .iter()
            .zip(&found)
            .filter(|(put, _)| put.outcome == PutOutcome::Changed)
            .map(|(put, (new, _))| (put.no, *new))
            .collect();
        self.remove_records(&changed.iter().map(|(no, _)| *no).collect::<Vec<_>>()).await?;
        let hashes: Vec<[Value<'_>; 2]> =
            changed.iter().map(|(no, new)| [(*no).into(), Value::Blob(&new.hash)]).collect();
        self.bulk(&SET_HASH, &hashes).await?;
        written.extend(changed);
        Ok(judged)
    }

    /// What becomes of known advisories. Of a record that another feed holds too, the one modified
    /// later stays.
    async fn judge(
        &mut self,
        found: &[(&NewAdvisory, &Known)],
        elsewhere: &HashSet<AdvisoryNo>,
    ) -> Result<Vec<Put>> {
        let contested: Vec<AdvisoryNo> = found
            .iter()
            .filter(|(new, known)| known.hash != new.hash && elsewhere.contains(&known.no))
            .map(|(_, known)| known.no)
            .collect();
        let theirs: HashMap<AdvisoryNo, i64> =
            self.bodies(&contested).await?.into_iter().map(|(no, b)| (no, b.advisory.modified)).collect();
        Ok(found
            .iter()
            .map(|(new, known)| {
                let outcome = if known.hash == new.hash {
                    PutOutcome::Same
                } else if theirs.get(&known.no).is_some_and(|&modified| modified > new.advisory.modified) {
                    PutOutcome::Older
                } else {
                    PutOutcome::Changed
                };
                Put { no: known.no, outcome }
            })
            .collect())
    }

    /// Keeps what records say, whether or not they are current.
    async fn keep_bodies(&mut self, records: &[(AdvisoryNo, &NewAdvisory)]) -> Result<()> {
        let rows: Vec<[Value<'_>; 3]> = records
            .iter()
            .map(|(no, new)| [(*no).into(), Value::Blob(&new.hash), (&new.body).into()])
            .collect();
        self.bulk(&KEEP_BODY, &rows).await?;
        Ok(())
    }

    /// Opens records and their index rows; the ids that were joined, see [`PutBatch::joined`].
    async fn write_records(&mut self, records: &[(AdvisoryNo, &NewAdvisory)]) -> Result<HashSet<String>> {
        let now = self.recorded();
        let rows: Vec<[Value<'_>; 4]> = records
            .iter()
            .map(|(no, new)| [(*no).into(), now.into(), FOREVER.into(), Value::Blob(&new.hash)])
            .collect();
        self.bulk(&OPEN_RECORD, &rows).await?;

        let ids: BTreeSet<&str> = records.iter().flat_map(|(_, new)| named_ids(&new.advisory)).collect();
        let ids = Vec::from_iter(ids);
        let named = self.join_vulnerabilities(&ids, &joins(records)).await?;
        let numbers: HashMap<&str, VulnerabilityNo> = ids.iter().copied().zip(named.numbers).collect();
        let affects: Vec<[Value<'_>; 3]> = records
            .iter()
            .flat_map(|(no, new)| new.keys.iter().map(|(e, n)| [e.into(), n.into(), (*no).into()]))
            .collect();
        self.bulk(&ADD_AFFECTS, &affects).await?;
        let names: Vec<[Value<'_>; 2]> = records
            .iter()
            .flat_map(|(no, new)| {
                distinct(&new.advisory, &numbers).into_iter().map(|v| [v.into(), (*no).into()])
            })
            .collect();
        self.bulk(&ADD_VULNERABILITY, &names).await?;
        Ok(named.joined.into_iter().collect())
    }

    /// Closes the current records of these advisories and takes back their index rows.
    pub(super) async fn remove_records(&mut self, numbers: &[AdvisoryNo]) -> Result<()> {
        let now = self.recorded();
        let keys: Vec<[Value<'_>; 1]> = numbers.iter().map(|&no| [no.into()]).collect();
        self.bulk(&DROP_AFFECTS, &keys).await?;
        self.bulk(&DROP_VULNERABILITY, &keys).await?;
        let close: Vec<[Value<'_>; 2]> = numbers.iter().map(|&no| [no.into(), now.into()]).collect();
        self.bulk(&CLOSE_RECORD, &close).await?;
        let gone: Vec<[Value<'_>; 2]> = numbers.iter().map(|&no| [no.into(), Value::Blob(&[])]).collect();
        self.bulk(&SET_HASH, &gone).await?;
        Ok(())
    }
}

/// Every id an advisory names: what it stands for, and what it says means the same, so that both ways
/// of naming lead to it.
fn named_ids(advisory: &Advisory) -> impl Iterator<Item = &str> {
    advisory.vulnerabilities.iter().chain(&advisory.same_as).map(String::as_str)
}

/// Ids that these records only say mean another one, and that one. Where they disagree, or the id
/// stands for a vulnerability of its own too, it needs a closer look and is left out.
fn joins<'a>(records: &[(AdvisoryNo, &'a NewAdvisory)]) -> HashMap<&'a str, &'a str> {
    let mut joins: HashMap<&str, Option<&str>> = HashMap::new();
    for (_, new) in records {
        let advisory = &new.advisory;
        let [one] = advisory.vulnerabilities.as_slice() else { continue };
        for alias in advisory.same_as.iter().filter(|_| advisory.withdrawn == 0) {
            let target = joins.entry(alias).or_insert(Some(one));
            *target = target.filter(|target| target == one);
        }
    }
    for own in records.iter().flat_map(|(_, new)| &new.advisory.vulnerabilities) {
        joins.remove(own.as_str());
    }
    joins.into_iter().filter_map(|(alias, target)| Some((alias, target?))).collect()
}

/// The distinct numbers of what an advisory names.
fn distinct(advisory: &Advisory, numbers: &HashMap<&str, VulnerabilityNo>) -> BTreeSet<VulnerabilityNo> {
    named_ids(advisory).filter_map(|id| numbers.get(id).copied()).collect()
}

fn owned((source, id): (&str, &str)) -> (String, String) {
    (source.to_owned(), id.to_owned())
}
