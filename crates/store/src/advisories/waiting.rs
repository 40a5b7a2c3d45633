//! What an import that waits for a decision would store. At most one import of a feed waits; its
//! rows are no facts and change nothing until it is accepted.

use parapet_model::AdvisoryNo;

use super::{BATCH, Body, NewAdvisory};
use crate::error::Result;
use crate::feeds::{Feed, FeedNo, ImportNo};
use crate::session::Session;
use crate::sql::{Bulk, Row, Value, args, to_json};
use crate::tx::Tx;

const WAITING: &str = "SELECT import, mark, report FROM waiting_import WHERE feed = $1";
const RECORDS: &str =
    "SELECT no, hash, body FROM waiting_record WHERE feed = $1 AND no > $2 ORDER BY no LIMIT $3";
const KEPT: &str = "SELECT feed FROM waiting_record WHERE feed = $1 \
     UNION SELECT feed FROM waiting_withdrawal WHERE feed = $1";
const WITHDRAWALS: &str = "SELECT advisory FROM waiting_withdrawal WHERE feed = $1 AND advisory > $2 \
     ORDER BY advisory LIMIT $3";
const PUT: &str = "INSERT INTO waiting_import (feed, import, mark, report) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (feed) DO UPDATE SET import = excluded.import, mark = excluded.mark, report = excluded.report";
const KEEP_RECORDS: Bulk<4> =
    Bulk { before: "INSERT INTO waiting_record (feed, no, hash, body) VALUES ", after: "" };
const KEEP_WITHDRAWALS: Bulk<2> =
    Bulk { before: "INSERT INTO waiting_withdrawal (feed, advisory) VALUES ", after: "" };
const FORGET: &str = "DELETE FROM waiting_import WHERE feed = $1";
const DROP_RECORDS: &str = "DELETE FROM waiting_record WHERE feed = $1 AND no <= $2";
const DROP_WITHDRAWALS: &str = "DELETE FROM waiting_withdrawal WHERE feed = $1 AND advisory <= $2";

/// An import that waits.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitingImport {
    /// Which.
    pub import: ImportNo,
    /// The feed as it will stand once the import is accepted.
    pub mark: Feed,
    /// What was measured, JSON in the words of whoever measured it.
    pub report: String,
}

impl Session {
    /// The import of a feed that waits.
    pub async fn waiting_import(&mut self, feed: FeedNo) -> Result<Option<WaitingImport>> {
        let waiting = |row: Row| {
            let mut f = row.fields("waiting_import");
            let import = ImportNo(f.u32("import")?);
            let mark = serde_json::from_str(&f.text()?).map_err(|_| f.inconsistent("mark"))?;
            Ok(WaitingImport { import, mark, report: f.text()? })
        };
        self.fetch_one(WAITING, args![feed.0]).await?.map(waiting).transpose()
    }

    /// Whether anything is kept for a feed, waiting or left behind.
    pub async fn has_kept(&mut self, feed: FeedNo) -> Result<bool> {
        Ok(self.fetch_one(KEPT, args![feed.0]).await?.is_some())
    }

    /// At most [`BATCH`] records that wait, behind position `after` (0 at first), with positions.
    pub async fn waiting_records(&mut self, feed: FeedNo, after: u32) -> Result<Vec<(u32, NewAdvisory)>> {
        let record = |row: &Row| {
            let mut f = row.fields("waiting_record");
            let no = f.u32("no")?;
            let hash = f.array("hash")?;
            let body = f.blob()?.to_vec();
            let Body { advisory, keys } = Body::unpack(&body).ok_or_else(|| f.inconsistent("body"))?;
            Ok((no, NewAdvisory { advisory, hash, keys, body }))
        };
        self.fetch(RECORDS, args![feed.0, after, BATCH as u32]).await?.iter().map(record).collect()
    }

    /// At most [`BATCH`] advisories that wait to be withdrawn, with numbers above `after`.
    pub async fn waiting_withdrawals(&mut self, feed: FeedNo, after: AdvisoryNo) -> Result<Vec<AdvisoryNo>> {
        let rows = self.fetch(WITHDRAWALS, args![feed.0, after, BATCH as u32]).await?;
        rows.iter().map(|row| row.fields("waiting_withdrawal").u32("advisory").map(AdvisoryNo)).collect()
    }
}

impl Tx {
    /// Keeps records that wait, at positions from `first` on.
    pub async fn keep_waiting_records(
        &mut self,
        feed: FeedNo,
        first: u32,
        batch: &[NewAdvisory],
    ) -> Result<()> {
        let rows: Vec<[Value<'_>; 4]> = (first..)
            .zip(batch)
            .map(|(no, new)| [feed.0.into(), no.into(), Value::Blob(&new.hash), Value::Blob(&new.body)])
            .collect();
        self.bulk(&KEEP_RECORDS, &rows).await?;
        Ok(())
    }

    /// Keeps advisories that wait to be withdrawn.
    pub async fn keep_waiting_withdrawals(&mut self, feed: FeedNo, numbers: &[AdvisoryNo]) -> Result<()> {
        let rows: Vec<[Value<'_>; 2]> = numbers.iter().map(|&no| [feed.0.into(), no.into()]).collect();
        self.bulk(&KEEP_WITHDRAWALS, &rows).await?;
        Ok(())
    }

    /// Lets an import wait: what was kept for its feed is what it would store.
    pub async fn put_waiting_import(&mut self, waiting: &WaitingImport) -> Result<()> {
        let mark = to_json(&waiting.mark)?;
        self.execute(PUT, args![waiting.mark.no.0, waiting.import.0, &mark, &waiting.report]).await?;
        Ok(())
    }

    /// No import of the feed waits any longer. What was kept for it goes with
    /// [`Tx::drop_waiting`], in transactions of its own.
    pub async fn forget_waiting_import(&mut self, feed: FeedNo) -> Result<()> {
        self.execute(FORGET, args![feed.0]).await?;
        Ok(())
    }

    /// Removes a batch of what was kept for a feed.
    pub async fn drop_waiting(&mut self, feed: FeedNo) -> Result<()> {
        let rows = self.fetch(RECORDS, args![feed.0, 0_u32, BATCH as u32]).await?;
        if let Some(row) = rows.last() {
            let last = row.fields("waiting_record").u32("no")?;
            self.execute(DROP_RECORDS, args![feed.0, last]).await?;
        }
        let numbers = self.waiting_withdrawals(feed, AdvisoryNo(0)).await?;
        if let Some(last) = numbers.last() {
            self.execute(DROP_WITHDRAWALS, args![feed.0, *last]).await?;
        }
        Ok(())
    }
}
