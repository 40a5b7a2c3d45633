//! Reading a feed for an import: on a thread of its own, ahead of what is stored.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use parapet_matching::{advisory, affected_key};
use parapet_model::advisory::Advisory;
use parapet_model::{AdvisoryNo, Millis};
use parapet_store::advisories::{BATCH, BATCH_ROWS, NewAdvisory, Packer, RecordHash};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::import::{ImportOptions, ImportReport};
use super::source::FeedSource;
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
    let whole = source.path.is_dir() || source.path.extension().is_some_and(|e| e == "zip");
    if !whole || options.only.is_some() {
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
        source.each_record(&mut |name, bytes| {
            let advisory = match advisory::osv::parse(bytes) {
                Ok(advisory) => advisory,
                Err(error) => {
                    seen.failed(name, &error.to_string());
                    return Ok(());
                }
            };
            seen.record(&advisory);
            let hash = record_hash(bytes);
            if let Some((no, stored)) = known.get(&advisory.id) {
                seen.ids.insert(*no);
                if *stored == hash {
                    return Ok(());
                }
            }
            let wanted = only
                .as_ref()
                .is_none_or(|only| advisory.affected.iter().any(|a| only.contains(&affected_key(a))));
            if wanted {
                let keys = advisory.affected.iter().map(affected_key).collect();
                match packer.pack(advisory, hash, keys) {
                    Ok(new) => {
                        rows += new.rows();
                        batch.push(new);
                    }
                    Err(why) => seen.failed(name, &why.to_string()),
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
        let ecosystems: BTreeSet<&str> = advisory.affected.iter().map(|a| a.ecosystem.as_str()).collect();
        for ecosystem in ecosystems {
            match self.ecosystems.get_mut(ecosystem) {
                Some(n) => *n += 1,
                None => {
                    self.ecosystems.insert(ecosystem.to_owned(), 1);
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
