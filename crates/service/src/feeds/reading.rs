//! Reading a feed for an import: on a thread of its own, ahead of what is stored.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use parapet_matching::{advisory, affected_key, release};
use parapet_model::advisory::Advisory;
use parapet_model::{AdvisoryNo, Millis};
use parapet_store::advisories::{BATCH, BATCH_ROWS, NewAdvisory, Packer, RecordHash};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::import::{ImportOptions, ImportReport};
use super::source::{FeedSource, Record};
use crate::error::{Error, Result};

/// Batches read ahead.
const READ_AHEAD: usize = 4;
/// Most failures kept with their texts.
const MAX_FAILURES: usize = 20;

/// What a feed holds already: number and content hash by id.
pub(super) type Known = HashMap<String, (AdvisoryNo, RecordHash)>;

/// What the reader found beside the records that changed.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) records: u64,
    pub(super) failed: u64,
    failures: Vec<String>,
    ids: HashSet<AdvisoryNo>,
    pub(super) ecosystems: BTreeMap<String, u64>,
    pub(super) newest: Millis,
}

/// Records of the feed that the publisher no longer has. Only a whole set can say so; an empty one
/// is refused, because that is how a broken download looks.
pub(super) fn gone(
    known: &Known,
    seen: &Seen,
    source: &FeedSource,
    options: &ImportOptions,
) -> Result<Vec<AdvisoryNo>> {
    if !source.is_whole()? || options.only.is_some() {
        return Ok(Vec::new());
    }
    if seen.records == 0 && !known.is_empty() {
        return Err(Error::Invalid(format!(
            "{} holds no records, but {} are loaded from this feed; nothing was withdrawn",
            source.path.display(),
            known.len()
        )));
    }
    let gone: BTreeSet<AdvisoryNo> =
        known.values().map(|(no, _)| *no).filter(|no| !seen.ids.contains(no)).collect();
    Ok(gone.into_iter().collect())
}

/// Reads a source on a thread of its own; only records that changed come through the channel.
pub(super) fn read(
    source: &FeedSource,
    known: &Arc<Known>,
    options: &ImportOptions,
) -> (mpsc::Receiver<Vec<NewAdvisory>>, JoinHandle<Result<Seen>>) {
    let (sender, receiver) = mpsc::channel(READ_AHEAD);
    let (source, known, only) = (source.clone(), known.clone(), options.only.clone());
    let reader = tokio::task::spawn_blocking(move || {
        let mut seen = Seen::default();
        let mut packer = Packer::new()?;
        let (mut batch, mut rows) = (Vec::with_capacity(BATCH), 0);
        let send = |batch: &mut Vec<NewAdvisory>| {
            sender
                .blocking_send(std::mem::take(batch))
                .map_err(|_| Error::Conflict("the import was given up".to_owned()))
        };
        source.each_record(&mut |record| {
            let (advisories, hash) = match parse(record) {
                Ok(read) => read,
                Err((name, why)) => {
                    seen.failed(&name, &why);
                    return Ok(());
                }
            };
            if advisories.is_empty() {
                // A document about products that nobody here can have.
                seen.records += 1;
            }
            for advisory in advisories {
                seen.record(&advisory);
                if let Some((no, stored)) = known.get(&advisory.id) {
                    seen.ids.insert(*no);
                    if *stored == hash {
                        continue;
                    }
                }
                let wanted = only
                    .as_ref()
                    .is_none_or(|only| advisory.affected.iter().any(|a| only.contains(&affected_key(a))));
                if !wanted {
                    continue;
                }
                let keys = advisory.affected.iter().map(affected_key).collect();
                let id = advisory.id.clone();
                match packer.pack(advisory, hash, keys) {
                    Ok(new) => {
                        rows += new.rows();
                        batch.push(new);
                    }
                    Err(why) => seen.failed(&id, &why.to_string()),
                }
            }
            if batch.len() < BATCH && rows < BATCH_ROWS {
                return Ok(());
            }
            rows = 0;
            send(&mut batch)
        })?;
        if !batch.is_empty() {
            send(&mut batch)?;
        }
        Ok(seen)
    });
    (receiver, reader)
}

/// What a record says, and its hash; else its name and what is wrong with it.
fn parse(record: Record<'_>) -> std::result::Result<(Vec<Advisory>, RecordHash), (String, String)> {
    match record {
        Record::Text { name, bytes } => match advisory::parse(bytes) {
            Ok(advisories) => Ok((advisories, record_hash(bytes))),
            Err(error) => Err((name.to_owned(), error.to_string())),
        },
        Record::Read(advisory) => match serde_json::to_vec(&advisory) {
            Ok(bytes) => Ok((vec![*advisory], record_hash(&bytes))),
            Err(error) => Err((advisory.id, error.to_string())),
        },
    }
}

/// See [`RecordHash`]: the record as published, and the version of what reads it.
fn record_hash(bytes: &[u8]) -> RecordHash {
    let mut hash = Sha256::new();
    hash.update(parapet_model::MATCHER_VERSION.to_le_bytes());
    hash.update(bytes);
    let whole: [u8; 32] = hash.finalize().into();
    let mut half = RecordHash::default();
    half.copy_from_slice(&whole[..16]);
    half
}

impl Seen {
    fn record(&mut self, advisory: &Advisory) {
        self.records += 1;
        self.newest = self.newest.max(advisory.modified);
        let ecosystems: BTreeSet<Cow<'_, str>> =
            advisory.affected.iter().map(|a| release::canonical(&a.ecosystem)).collect();
        for ecosystem in ecosystems {
            match self.ecosystems.get_mut(&*ecosystem) {
                Some(n) => *n += 1,
                None => {
                    self.ecosystems.insert(ecosystem.into_owned(), 1);
                }
            }
        }
    }

    fn failed(&mut self, name: &str, why: &str) {
        self.failed += 1;
        if self.failures.len() < MAX_FAILURES {
            self.failures.push(format!("{name}: {why}"));
        }
    }

    pub(super) fn report(&self, report: &mut ImportReport) {
        report.records = self.records;
        report.failed = self.failed;
        report.failures.clone_from(&self.failures);
    }
}
