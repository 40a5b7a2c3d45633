//! Which feeds hold an advisory, with which content, since when; and records that a feed drops.

use std::collections::BTreeSet;

use parapet_model::AdvisoryNo;
use parapet_model::time::FOREVER;

use super::NewAdvisory;
use crate::error::Result;
use crate::feeds::FeedNo;
use crate::sql::{Bulk, Value};
use crate::tx::Tx;

const HELD_BY: Bulk<1> = Bulk {
    before: "WITH k(no) AS (VALUES ",
    after: ") SELECT t.advisory, t.feed, t.hash, a.hash FROM k CROSS JOIN feed_advisory t \
            CROSS JOIN advisory a WHERE t.advisory = k.no AND t.to_at = 9223372036854775807 \
            AND a.no = k.no ORDER BY t.advisory, t.feed",
};
const CLOSE_HELD: Bulk<3> = Bulk {
    before: "WITH k(feed, no, at) AS (VALUES ",
    after: ") UPDATE feed_advisory SET to_at = k.at FROM k \
            WHERE feed_advisory.feed = k.feed AND feed_advisory.advisory = k.no \
            AND feed_advisory.to_at = 9223372036854775807",
};
const OPEN_HELD: Bulk<5> = Bulk {
    before: "INSERT INTO feed_advisory (feed, advisory, from_at, to_at, hash) VALUES ",
    after: " ON CONFLICT (feed, advisory, from_at) DO UPDATE SET to_at = excluded.to_at, hash = excluded.hash",
};
const FORGET_HELD: Bulk<3> = Bulk {
    before: "WITH k(feed, no, hash) AS (VALUES ",
    after: ") UPDATE feed_advisory SET hash = k.hash FROM k \
            WHERE feed_advisory.feed = k.feed AND feed_advisory.advisory = k.no \
            AND feed_advisory.to_at = 9223372036854775807",
};

/// That a feed holds an advisory.
pub(super) struct Held {
    pub(super) no: AdvisoryNo,
    pub(super) feed: FeedNo,
    /// With this content.
    pub(super) hash: Vec<u8>,
    /// Content of the advisory's current record.
    current: Vec<u8>,
}

impl Tx {
    /// Takes records out of a feed and returns those that no other feed holds: they are gone, and
    /// their matches must be closed.
    ///
    /// Where another feed holds a different content than the one current, that feed's hash is
    /// forgotten, so that its next import puts its own record.
    pub async fn withdraw_advisories(
        &mut self,
        feed: FeedNo,
        numbers: &[AdvisoryNo],
    ) -> Result<Vec<AdvisoryNo>> {
        self.close_held(feed, numbers).await?;
        let others = self.held_by(numbers).await?;
        let forget: Vec<[Value<'_>; 3]> = others
            .iter()
            .filter(|held| held.hash != held.current)
            .map(|held| [held.feed.0.into(), held.no.into(), Value::Blob(&[0; 16])])
            .collect();
        self.bulk(&FORGET_HELD, &forget).await?;
        let kept: BTreeSet<AdvisoryNo> = others.iter().map(|held| held.no).collect();
        let gone: Vec<AdvisoryNo> = numbers.iter().copied().filter(|no| !kept.contains(no)).collect();
        self.remove_records(&gone).await?;
        Ok(gone)
    }

    pub(super) async fn held_by(&mut self, numbers: &[AdvisoryNo]) -> Result<Vec<Held>> {
        let keys: Vec<[Value<'_>; 1]> = numbers.iter().map(|&no| [no.into()]).collect();
        let rows = self.bulk_fetch(&HELD_BY, &keys).await?;
        rows.iter()
            .map(|row| {
                let mut f = row.fields("feed_advisory");
                Ok(Held {
                    no: AdvisoryNo(f.u32("advisory")?),
                    feed: FeedNo(f.u32("feed")?),
                    hash: f.blob()?.to_vec(),
                    current: f.blob()?.to_vec(),
                })
            })
            .collect()
    }

    pub(super) async fn open_held(
        &mut self,
        feed: FeedNo,
        records: &[(AdvisoryNo, &NewAdvisory)],
    ) -> Result<()> {
        let now = self.recorded();
        let rows: Vec<[Value<'_>; 5]> = records
            .iter()
            .map(|(no, new)| {
                [feed.0.into(), (*no).into(), now.into(), FOREVER.into(), Value::Blob(&new.hash)]
            })
            .collect();
        self.bulk(&OPEN_HELD, &rows).await?;
        Ok(())
    }

    pub(super) async fn close_held(&mut self, feed: FeedNo, numbers: &[AdvisoryNo]) -> Result<()> {
        let now = self.recorded();
        let rows: Vec<[Value<'_>; 3]> =
            numbers.iter().map(|&no| [feed.0.into(), no.into(), now.into()]).collect();
        self.bulk(&CLOSE_HELD, &rows).await?;
        Ok(())
    }
}
