//! Advisories: what publishers say, since when, and which feeds say it.
//!
//! One advisory (source and id) may come from several feeds (an archive per ecosystem repeats
//! records that speak of two). It has one current record; `feed_advisory` remembers who holds it
//! and with which content. It is gone when no feed holds it any longer.
//!
//! The body of a record is zstd over JSON of the advisory and the keys under which it is looked up,
//! so that a feed can be taken back without asking the matcher again.

mod held;
mod new;
mod put;
mod rollback;
mod waiting;

use std::collections::{BTreeSet, HashMap};
use std::io::Read as _;
use std::sync::Arc;

use parapet_model::AdvisoryNo;
use parapet_model::advisory::Advisory;
use parapet_model::time::Interval;
use serde::{Deserialize, Serialize};

pub use new::{NewAdvisory, Packer};
pub use put::{Put, PutBatch, PutOutcome};
pub use rollback::FeedChange;
pub use waiting::WaitingImport;

use crate::error::Result;
use crate::feeds::FeedNo;
use crate::session::Session;
use crate::sql::{Bulk, Row, Value, args};

/// Most advisories to put in one transaction: some 20 ms on SQLite, under the 50 ms that other
/// writers may have to wait.
pub const BATCH: usize = 400;

/// How many rows to put in one transaction, see [`NewAdvisory::rows`]: a bulletin of a distribution
/// can speak of a thousand packages.
pub const BATCH_ROWS: usize = 4_000;

/// What tells two contents of a record apart: the first half of a SHA-256 over the record as
/// published and the version of what read it. All zeros means "read it again".
pub type RecordHash = [u8; 16];

/// Longest body, unpacked.
const MAX_BODY: u64 = 64 << 20;

const HASHES: &str = "SELECT a.no, a.id, f.hash FROM feed_advisory f JOIN advisory a ON a.no = f.advisory \
     WHERE f.feed = $1 AND f.advisory > $2 AND f.to_at = 9223372036854775807 ORDER BY f.advisory LIMIT $3";
const BY_KEY: Bulk<2> = Bulk {
    before: "WITH k(ecosystem, name) AS (VALUES ",
    after: ") SELECT t.advisory FROM k CROSS JOIN advisory_affects t \
            WHERE t.ecosystem = k.ecosystem AND t.name = k.name ORDER BY t.advisory, t.ecosystem, t.name",
};
const IDS: Bulk<1> = Bulk {
    before: "WITH k(no) AS (VALUES ",
    after: ") SELECT t.no, t.id FROM k CROSS JOIN advisory t WHERE t.no = k.no ORDER BY t.no",
};
const READ: Bulk<1> = Bulk {
    before: "WITH k(no) AS (VALUES ",
    after: ") SELECT b.advisory, b.body FROM k CROSS JOIN advisory a CROSS JOIN advisory_body b \
            WHERE a.no = k.no AND b.advisory = k.no AND b.hash = a.hash ORDER BY b.advisory, b.hash",
};
const READ_AFTER: &str = "SELECT b.advisory, b.body FROM advisory a \
     JOIN advisory_body b ON b.advisory = a.no AND b.hash = a.hash WHERE a.no > $1 ORDER BY a.no, b.advisory, b.hash LIMIT $2";
const COUNT: &str = "SELECT CAST(COUNT(*) AS BIGINT) FROM advisory";
const HISTORY: &str = "SELECT t.advisory, t.from_at, t.to_at, b.body FROM advisory_record t \
     JOIN advisory_body b ON b.advisory = t.advisory AND b.hash = t.hash \
     WHERE t.advisory = $1 AND t.from_at < t.to_at ORDER BY t.from_at";
const LAST: &str = "SELECT t.advisory, b.body FROM advisory_record t \
     JOIN advisory_body b ON b.advisory = t.advisory AND b.hash = t.hash \
     WHERE t.advisory = $1 ORDER BY t.from_at DESC LIMIT 1";
const BY_ID: &str = "SELECT no, source FROM advisory WHERE id = $1 ORDER BY no";
const FEEDS_OF: &str = "SELECT feed FROM feed_advisory \
     WHERE advisory = $1 AND to_at = 9223372036854775807 ORDER BY feed";

/// Page of [`Session::advisory_hashes`].
const HASH_PAGE: u32 = 20_000;

/// What is stored of a record.
#[derive(Serialize, Deserialize)]
struct Body {
    advisory: Advisory,
    keys: BTreeSet<(String, String)>,
}

impl Body {
    fn unpack(packed: &[u8]) -> Option<Self> {
        let mut json = Vec::new();
        zstd::stream::read::Decoder::new(packed).ok()?.take(MAX_BODY).read_to_end(&mut json).ok()?;
        serde_json::from_slice(&json).ok()
    }
}

/// What an advisory said in an interval of recorded time.
#[derive(Debug, Clone, PartialEq)]
pub struct AdvisoryVersion {
    /// Since when and until when.
    pub held: Interval,
    /// What it said.
    pub advisory: Advisory,
}

fn body(row: &Row) -> Result<(AdvisoryNo, Body)> {
    let mut f = row.fields("advisory_body");
    let no = AdvisoryNo(f.u32("advisory")?);
    let body = Body::unpack(f.blob()?).ok_or_else(|| f.inconsistent("body"))?;
    Ok((no, body))
}

impl Session {
    /// What a feed holds now: number and content hash by id. For a feed of 630,000 records this is
    /// some 60 MB and takes seconds; an import asks for it once.
    pub async fn advisory_hashes(
        &mut self,
        feed: FeedNo,
    ) -> Result<HashMap<String, (AdvisoryNo, RecordHash)>> {
        let mut out = HashMap::new();
        let mut after = 0;
        loop {
            let rows = self.fetch(HASHES, args![feed.0, after, HASH_PAGE]).await?;
            for row in &rows {
                let mut f = row.fields("advisory");
                after = f.u32("no")?;
                let id = f.text()?;
                out.insert(id, (AdvisoryNo(after), f.array("hash")?));
            }
            if rows.len() < HASH_PAGE as usize {
                return Ok(out);
            }
        }
    }

    /// The current records that speak of any of these (ecosystem, name) keys, by number.
    pub async fn advisories_for(
        &mut self,
        keys: &[(String, String)],
    ) -> Result<Vec<(AdvisoryNo, Arc<Advisory>)>> {
        let keys: Vec<[Value<'_>; 2]> = keys.iter().map(|(e, n)| [e.into(), n.into()]).collect();
        let rows = self.bulk_fetch(&BY_KEY, &keys).await?;
        let numbers: BTreeSet<AdvisoryNo> = rows
            .iter()
            .map(|row| row.fields("advisory_affects").u32("advisory").map(AdvisoryNo))
            .collect::<Result<_>>()?;
        self.advisories(&Vec::from_iter(numbers)).await
    }

    /// Current records by number; those no feed holds are left out.
    pub async fn advisories(&mut self, numbers: &[AdvisoryNo]) -> Result<Vec<(AdvisoryNo, Arc<Advisory>)>> {
        let bodies = self.bodies(numbers).await?;
        Ok(bodies.into_iter().map(|(no, body)| (no, Arc::new(body.advisory))).collect())
    }

    /// At most `limit` current records with numbers above `after`, by number.
    pub async fn advisories_after(
        &mut self,
        after: AdvisoryNo,
        limit: u32,
    ) -> Result<Vec<(AdvisoryNo, Advisory)>> {
        let rows = self.fetch(READ_AFTER, args![after, limit]).await?;
        rows.iter().map(|row| body(row).map(|(no, body)| (no, body.advisory))).collect()
    }

    /// How many advisories were ever stored.
    pub async fn advisory_count(&mut self) -> Result<u64> {
        let row = self.fetch_one(COUNT, args![]).await?;
        row.map_or(Ok(0), |row| row.fields("advisory").u64("no"))
    }

    async fn bodies(&mut self, numbers: &[AdvisoryNo]) -> Result<Vec<(AdvisoryNo, Body)>> {
        let keys: Vec<[Value<'_>; 1]> = numbers.iter().map(|&no| [no.into()]).collect();
        self.bulk_fetch(&READ, &keys).await?.iter().map(body).collect()
    }

    /// The ids of advisories, current or not.
    pub async fn advisory_ids(&mut self, numbers: &[AdvisoryNo]) -> Result<HashMap<AdvisoryNo, String>> {
        let keys: Vec<[Value<'_>; 1]> = numbers.iter().map(|&no| [no.into()]).collect();
        let read = |row: &Row| {
            let mut f = row.fields("advisory");
            Ok((AdvisoryNo(f.u32("no")?), f.text()?))
        };
        self.bulk_fetch(&IDS, &keys).await?.iter().map(read).collect()
    }

    /// The newest record of an advisory, current or not.
    pub async fn advisory(&mut self, no: AdvisoryNo) -> Result<Option<Advisory>> {
        let row = self.fetch_one(LAST, args![no]).await?;
        Ok(row.as_ref().map(body).transpose()?.map(|(_, body)| body.advisory))
    }

    /// The numbers of all advisories with that id (more than one only if two sources use it).
    pub async fn advisories_by_id(&mut self, id: &str) -> Result<Vec<AdvisoryNo>> {
        let rows = self.fetch(BY_ID, args![id]).await?;
        rows.iter().map(|row| row.fields("advisory").u32("no").map(AdvisoryNo)).collect()
    }

    /// All records an advisory ever had, oldest first.
    pub async fn advisory_history(&mut self, no: AdvisoryNo) -> Result<Vec<AdvisoryVersion>> {
        let rows = self.fetch(HISTORY, args![no]).await?;
        let version = |row: &Row| {
            let mut f = row.fields("advisory_body");
            f.i64()?;
            let held = Interval { from: f.i64()?, to: f.i64()? };
            let body = Body::unpack(f.blob()?).ok_or_else(|| f.inconsistent("body"))?;
            Ok(AdvisoryVersion { held, advisory: body.advisory })
        };
        rows.iter().map(version).collect()
    }

    /// The feeds that hold an advisory now.
    pub async fn feeds_of_advisory(&mut self, no: AdvisoryNo) -> Result<Vec<FeedNo>> {
        let rows = self.fetch(FEEDS_OF, args![no]).await?;
        rows.iter().map(|row| row.fields("feed_advisory").u32("feed").map(FeedNo)).collect()
    }
}
