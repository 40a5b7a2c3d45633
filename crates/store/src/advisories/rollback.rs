//! Taking a feed back to what it held before: what differs since then, and the records of then.

use std::collections::BTreeMap;

use parapet_model::AdvisoryNo;
use parapet_model::time::{FOREVER, Millis};

use super::{Body, NewAdvisory, RecordHash};
use crate::error::Result;
use crate::feeds::FeedNo;
use crate::session::Session;
use crate::sql::{Bulk, Value, args};

const TOUCHED: &str = "SELECT DISTINCT advisory FROM feed_advisory \
     WHERE feed = $1 AND advisory > $2 AND (from_at > $3 OR (to_at > $4 AND to_at < 9223372036854775807)) \
     ORDER BY advisory LIMIT $5";
const HELD: Bulk<2> = Bulk {
    before: "WITH k(feed, no) AS (VALUES ",
    after: ") SELECT t.advisory, t.from_at, t.to_at, t.hash FROM k CROSS JOIN feed_advisory t \
            WHERE t.feed = k.feed AND t.advisory = k.no ORDER BY t.advisory, t.from_at",
};
const RECORD: Bulk<2> = Bulk {
    before: "WITH k(no, hash) AS (VALUES ",
    after: ") SELECT t.advisory, t.hash, t.body FROM k CROSS JOIN advisory_body t \
            WHERE t.advisory = k.no AND t.hash = k.hash ORDER BY t.advisory, t.hash",
};

/// An advisory of which a feed says something else than it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedChange {
    /// Which.
    pub no: AdvisoryNo,
    /// What the feed held then; `None` when it did not hold it.
    pub then: Option<RecordHash>,
    /// What it holds now.
    pub now: Option<RecordHash>,
}

impl Session {
    /// How a feed differs from what it held at `at`, recorded time: at most `limit` advisories with
    /// numbers above `after`, and the number to go on after (`None` at the end). To take the feed
    /// back, put the records of `then` and withdraw those without one.
    pub async fn feed_changes_since(
        &mut self,
        feed: FeedNo,
        at: Millis,
        after: AdvisoryNo,
        limit: u32,
    ) -> Result<(Vec<FeedChange>, Option<AdvisoryNo>)> {
        let rows = self.fetch(TOUCHED, args![feed.0, after, at, at, limit]).await?;
        let numbers = rows
            .iter()
            .map(|row| row.fields("feed_advisory").u32("advisory").map(AdvisoryNo))
            .collect::<Result<Vec<_>>>()?;
        let next = if rows.len() < limit as usize { None } else { numbers.last().copied() };
        let keys: Vec<[Value<'_>; 2]> = numbers.iter().map(|&no| [feed.0.into(), no.into()]).collect();
        let mut changes: BTreeMap<AdvisoryNo, FeedChange> = BTreeMap::new();
        for row in self.bulk_fetch(&HELD, &keys).await? {
            let mut f = row.fields("feed_advisory");
            let no = AdvisoryNo(f.u32("advisory")?);
            let (from, to) = (f.i64()?, f.i64()?);
            let hash = f.array("hash")?;
            let change = changes.entry(no).or_insert(FeedChange { no, then: None, now: None });
            if from <= at && at < to {
                change.then = Some(hash);
            }
            if to == FOREVER {
                change.now = Some(hash);
            }
        }
        Ok((changes.into_values().filter(|change| change.then != change.now).collect(), next))
    }

    /// Records by number and content hash, current or not, one for each advisory: ready to be put
    /// again.
    pub async fn records(&mut self, wanted: &[(AdvisoryNo, RecordHash)]) -> Result<Vec<NewAdvisory>> {
        let keys: Vec<[Value<'_>; 2]> =
            wanted.iter().map(|(no, hash)| [(*no).into(), Value::Blob(hash)]).collect();
        let mut out: BTreeMap<AdvisoryNo, NewAdvisory> = BTreeMap::new();
        for row in self.bulk_fetch(&RECORD, &keys).await? {
            let mut f = row.fields("advisory_body");
            let no = AdvisoryNo(f.u32("advisory")?);
            let hash = f.array("hash")?;
            let body = f.blob()?.to_vec();
            let Body { advisory, keys } = Body::unpack(&body).ok_or_else(|| f.inconsistent("body"))?;
            out.insert(no, NewAdvisory { advisory, hash, keys, body });
        }
        Ok(out.into_values().collect())
    }
}
