//! Feeds: what is loaded, from where, and what each import did.

use parapet_model::time::Millis;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::log::Kind;
use crate::numbers::Counter;
use crate::session::Session;
use crate::sql::{Bulk, Row, Value, args};
use crate::tx::Tx;

const COLUMNS_BY_NAME: &str = "SELECT no, name, kind, location, etag, content_hash, records, publisher_total, \
     data_date, starter, state, updated FROM feed WHERE name = $1";
const COLUMNS_BY_NO: &str = "SELECT no, name, kind, location, etag, content_hash, records, publisher_total, \
     data_date, starter, state, updated FROM feed WHERE no = $1";
const COLUMNS_ALL: &str = "SELECT no, name, kind, location, etag, content_hash, records, publisher_total, \
     data_date, starter, state, updated FROM feed ORDER BY no";
const INSERT: &str = "INSERT INTO feed (no, name, kind, location, etag, content_hash, records, publisher_total, \
     data_date, starter, state, updated) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
const UPDATE: &str = "UPDATE feed SET location = $1, etag = $2, content_hash = $3, records = $4, \
     publisher_total = $5, data_date = $6, starter = $7, state = $8, updated = $9 WHERE no = $10";

const ECOSYSTEMS: &str = "SELECT feed, ecosystem, records FROM feed_ecosystem ORDER BY feed, ecosystem";
const CLEAR_ECOSYSTEMS: &str = "DELETE FROM feed_ecosystem WHERE feed = $1";
const INSERT_ECOSYSTEM: Bulk<3> =
    Bulk { before: "INSERT INTO feed_ecosystem (feed, ecosystem, records) VALUES ", after: "" };

const INSERT_IMPORT: &str = "INSERT INTO feed_import (no, feed, state, started, ended, records, added, changed, \
     withdrawn, opened, closed, message) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
const UPDATE_IMPORT: &str = "UPDATE feed_import SET state = $1, ended = $2, records = $3, added = $4, \
     changed = $5, withdrawn = $6, opened = $7, closed = $8, message = $9 WHERE no = $10";
const IMPORT: &str = "SELECT no, feed, state, started, ended, records, added, changed, withdrawn, opened, closed, \
     message FROM feed_import WHERE no = $1";
const IMPORTS: &str = "SELECT no, feed, state, started, ended, records, added, changed, withdrawn, opened, closed, \
     message FROM feed_import WHERE feed = $1 AND no < $2 ORDER BY no DESC LIMIT $3";

/// Number of a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FeedNo(pub u32);

/// Number of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ImportNo(pub u32);

macro_rules! states {
    ($($(#[$doc:meta])* $name:ident = $number:literal $word:literal,)+) => {
        /// How far an import came, and with the last one its feed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum FeedState {
            $($(#[$doc])* $name = $number,)+
        }

        impl FeedState {
            /// The word used in every output.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// The state stored as `number`.
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

states! {
    /// Begun and not finished: its batches are in, its mark is not. Run it again.
    #[default]
    Importing = 0 "importing",
    /// Finished.
    Complete = 1 "complete",
    /// Measured, over a limit, waiting for a decision; nothing of it is in.
    Held = 2 "held",
    /// Taken back to the state before.
    RolledBack = 3 "rolled_back",
    /// Given up; `message` says why.
    Failed = 4 "failed",
    /// Held, and turned down or overtaken by a later import; nothing of it is in.
    Rejected = 5 "rejected",
}

/// A feed as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Feed {
    /// Its number.
    pub no: FeedNo,
    /// Its name, unique: `osv:Debian`, `kev`, `epss`.
    pub name: String,
    /// Format: `osv`, `kev`, `epss`.
    pub kind: String,
    /// Path or address it was loaded from, without credentials.
    pub location: String,
    /// Entity tag of the last complete import, or empty.
    pub etag: String,
    /// Content hash of the last complete import, or empty.
    pub content_hash: String,
    /// Records of the last complete import.
    pub records: u64,
    /// How many records the publisher says there are, 0 when unknown.
    pub publisher_total: u64,
    /// Date of the newest record, epoch milliseconds.
    pub data_date: Millis,
    /// The small set written by us, for use without network.
    pub starter: bool,
    /// How far the last import came.
    pub state: FeedState,
    /// When it was last complete, recorded time.
    pub updated: Millis,
    /// Records per ecosystem, by name.
    pub ecosystems: Vec<(String, u64)>,
}

/// One import.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FeedImport {
    /// Its number.
    pub no: ImportNo,
    /// The feed.
    pub feed: FeedNo,
    /// How far it came.
    pub state: FeedState,
    /// When it began, recorded time. The feed's state at `started - 1` is the one before it.
    pub started: Millis,
    /// When it ended, 0 before.
    pub ended: Millis,
    /// Records read.
    pub records: u64,
    /// Advisories that are new.
    pub added: u64,
    /// Advisories that say something else.
    pub changed: u64,
    /// Advisories withdrawn or gone.
    pub withdrawn: u64,
    /// Matches opened.
    pub opened: u64,
    /// Matches closed.
    pub closed: u64,
    /// Why it failed or is held, or empty.
    pub message: String,
}

fn feed(row: &Row) -> Result<Feed> {
    let mut f = row.fields("feed");
    Ok(Feed {
        no: FeedNo(f.u32("no")?),
        name: f.text()?,
        kind: f.text()?,
        location: f.text()?,
        etag: f.text()?,
        content_hash: f.text()?,
        records: f.u64("records")?,
        publisher_total: f.u64("publisher_total")?,
        data_date: f.i64()?,
        starter: f.bool("starter")?,
        state: f.word("state", FeedState::from_number)?,
        updated: f.i64()?,
        ecosystems: Vec::new(),
    })
}

fn import(row: &Row) -> Result<FeedImport> {
    let mut f = row.fields("feed_import");
    Ok(FeedImport {
        no: ImportNo(f.u32("no")?),
        feed: FeedNo(f.u32("feed")?),
        state: f.word("state", FeedState::from_number)?,
        started: f.i64()?,
        ended: f.i64()?,
        records: f.u64("records")?,
        added: f.u64("added")?,
        changed: f.u64("changed")?,
        withdrawn: f.u64("withdrawn")?,
        opened: f.u64("opened")?,
        closed: f.u64("closed")?,
        message: f.text()?,
    })
}

impl Session {
    /// All feeds, by number.
    pub async fn feeds(&mut self) -> Result<Vec<Feed>> {
        let mut feeds =
            self.fetch(COLUMNS_ALL, args![]).await?.iter().map(feed).collect::<Result<Vec<_>>>()?;
        self.add_ecosystems(&mut feeds).await?;
        Ok(feeds)
    }

    /// A feed by name.
    pub async fn feed_by_name(&mut self, name: &str) -> Result<Option<Feed>> {
        let row = self.fetch_one(COLUMNS_BY_NAME, args![name]).await?;
        self.whole_feed(row).await
    }

    /// A feed by number.
    pub async fn feed(&mut self, no: FeedNo) -> Result<Option<Feed>> {
        let row = self.fetch_one(COLUMNS_BY_NO, args![no.0]).await?;
        self.whole_feed(row).await
    }

    async fn whole_feed(&mut self, row: Option<Row>) -> Result<Option<Feed>> {
        let Some(row) = row else { return Ok(None) };
        let mut feeds = [feed(&row)?];
        self.add_ecosystems(&mut feeds).await?;
        let [feed] = feeds;
        Ok(Some(feed))
    }

    /// The table is small: a few hundred rows over all feeds.
    async fn add_ecosystems(&mut self, feeds: &mut [Feed]) -> Result<()> {
        for row in self.fetch(ECOSYSTEMS, args![]).await? {
            let mut f = row.fields("feed_ecosystem");
            let no = FeedNo(f.u32("feed")?);
            let entry = (f.text()?, f.u64("records")?);
            if let Some(feed) = feeds.iter_mut().find(|feed| feed.no == no) {
                feed.ecosystems.push(entry);
            }
        }
        Ok(())
    }

    /// An import by number.
    pub async fn feed_import(&mut self, no: ImportNo) -> Result<Option<FeedImport>> {
        self.fetch_one(IMPORT, args![no.0]).await?.as_ref().map(import).transpose()
    }

    /// At most `limit` imports of a feed, newest first; `before` is exclusive, `None` starts at the
    /// newest.
    pub async fn feed_imports(
        &mut self,
        feed: FeedNo,
        before: Option<ImportNo>,
        limit: u32,
    ) -> Result<Vec<FeedImport>> {
        let before = before.map_or(u32::MAX, |no| no.0);
        self.fetch(IMPORTS, args![feed.0, before, limit]).await?.iter().map(import).collect()
    }
}

impl Tx {
    /// The feed of that name, made with that kind if there is none.
    pub async fn ensure_feed(&mut self, name: &str, kind: &str) -> Result<Feed> {
        if let Some(found) = self.feed_by_name(name).await? {
            return Ok(found);
        }
        let no = FeedNo(self.take_number(Counter::Feed).await?);
        let new = Feed { no, name: name.to_owned(), kind: kind.to_owned(), ..Feed::default() };
        let (zero, none) = (0_u8, "");
        let state = new.state as u8;
        self.execute(INSERT, args![no.0, name, kind, none, none, none, zero, zero, zero, zero, state, zero])
            .await?;
        self.log(Kind::Feeds, 0);
        Ok(new)
    }

    /// Stores a feed as it stands; name and kind stay. The last step of an import, so that a killed
    /// one leaves the old mark and is run again.
    pub async fn put_feed(&mut self, feed: &Feed) -> Result<()> {
        let state = feed.state as u8;
        self.execute(
            UPDATE,
            args![
                &feed.location,
                &feed.etag,
                &feed.content_hash,
                feed.records,
                feed.publisher_total,
                feed.data_date,
                feed.starter,
                state,
                feed.updated,
                feed.no.0,
            ],
        )
        .await?;
        self.execute(CLEAR_ECOSYSTEMS, args![feed.no.0]).await?;
        let rows: Vec<[Value<'_>; 3]> =
            feed.ecosystems.iter().map(|(name, n)| [feed.no.0.into(), name.into(), (*n).into()]).collect();
        self.bulk(&INSERT_ECOSYSTEM, &rows).await?;
        self.log(Kind::Feeds, 0);
        Ok(())
    }

    /// Begins an import.
    pub async fn begin_import(&mut self, feed: FeedNo) -> Result<FeedImport> {
        let no = ImportNo(self.take_number(Counter::FeedImport).await?);
        let new = FeedImport { no, feed, started: self.recorded(), ..FeedImport::default() };
        let (zero, state) = (0_u8, new.state as u8);
        self.execute(
            INSERT_IMPORT,
            args![no.0, feed.0, state, new.started, zero, zero, zero, zero, zero, zero, zero, ""],
        )
        .await?;
        Ok(new)
    }

    /// Stores how far an import came.
    pub async fn put_import(&mut self, import: &FeedImport) -> Result<()> {
        self.execute(
            UPDATE_IMPORT,
            args![
                import.state as u8,
                import.ended,
                import.records,
                import.added,
                import.changed,
                import.withdrawn,
                import.opened,
                import.closed,
                &import.message,
                import.no.0,
            ],
        )
        .await?;
        Ok(())
    }
}
