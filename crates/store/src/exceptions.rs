//! Exceptions with every version they had. Whether one holds is a function of (exception, now) and
//! is not decided here.

use parapet_model::exception::Exception;
use parapet_model::id::ProjectNo;
use parapet_model::time::{FOREVER, Millis};
use parapet_model::{AssetNo, ExceptionNo};
use uuid::Uuid;

use crate::blob;
use crate::error::{Error, Result};
use crate::log::Kind;
use crate::numbers::Counter;
use crate::session::Session;
use crate::sql::{Bulk, Fields, Row, Value, args, to_json};
use crate::tx::Tx;

const READ: Bulk<1> = Bulk {
    before: "WITH k(no) AS (VALUES ",
    after: ") SELECT t.exception, t.body, t.included, t.excluded FROM k CROSS JOIN exception_version t \
            WHERE t.exception = k.no AND t.to_at = 9223372036854775807 ORDER BY t.exception",
};
const AT: Bulk<2> = Bulk {
    before: "WITH k(no, at) AS (VALUES ",
    after: ") SELECT t.exception, t.body, t.included, t.excluded FROM k CROSS JOIN exception_version t \
            WHERE t.exception = k.no AND t.from_at <= k.at AND t.to_at > k.at ORDER BY t.exception",
};
const BY_UUID: &str = "SELECT t.exception, t.body, t.included, t.excluded \
     FROM exception e JOIN exception_version t ON t.exception = e.no \
     WHERE e.project = $1 AND e.uuid = $2 AND t.to_at = 9223372036854775807";
const PAGE: &str = "SELECT t.exception, t.body, t.included, t.excluded \
     FROM exception e JOIN exception_version t ON t.exception = e.no \
     WHERE e.project = $1 AND e.no > $2 AND t.to_at = 9223372036854775807 ORDER BY e.no LIMIT $3";
const VERSIONS: &str = "SELECT exception, body, included, excluded, from_at FROM exception_version \
     WHERE exception = $1 AND from_at < to_at ORDER BY from_at";
const HISTORY: &str = "SELECT t.exception, t.body, t.included, t.excluded, t.from_at \
     FROM exception e JOIN exception_version t ON t.exception = e.no \
     WHERE e.project = $1 AND t.from_at < t.to_at ORDER BY t.exception, t.from_at LIMIT $2";
const INSERT: &str = "INSERT INTO exception (no, uuid, project) VALUES ($1, $2, $3)";
const CLOSE: &str = "UPDATE exception_version SET to_at = $1 \
     WHERE exception = $2 AND to_at = 9223372036854775807";
const OPEN: &str = "INSERT INTO exception_version (exception, from_at, to_at, body, included, excluded) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (exception, from_at) DO UPDATE SET to_at = excluded.to_at, \
     body = excluded.body, included = excluded.included, excluded = excluded.excluded";

fn exception(row: &Row) -> Result<Exception> {
    read(&mut row.fields("exception_version"))
}

fn read(f: &mut Fields<'_>) -> Result<Exception> {
    f.i64()?;
    let mut out: Exception = f.json("body")?;
    out.target.included = assets(f.blob()?).ok_or_else(|| f.inconsistent("included"))?;
    out.target.excluded = assets(f.blob()?).ok_or_else(|| f.inconsistent("excluded"))?;
    Ok(out)
}

fn version(row: &Row) -> Result<(Millis, Exception)> {
    let mut f = row.fields("exception_version");
    let version = read(&mut f)?;
    Ok((f.i64()?, version))
}

fn assets(packed: &[u8]) -> Option<Vec<AssetNo>> {
    Some(blob::unpack(packed)?.into_iter().map(AssetNo).collect())
}

fn pack_assets(assets: &[AssetNo]) -> Vec<u8> {
    blob::pack(assets.iter().map(|no| no.0))
}

impl Session {
    /// Exceptions by number, as they stand now.
    pub async fn exceptions_by_number(&mut self, numbers: &[ExceptionNo]) -> Result<Vec<Exception>> {
        let keys: Vec<[Value<'_>; 1]> = numbers.iter().map(|&no| [no.into()]).collect();
        self.bulk_fetch(&READ, &keys).await?.iter().map(exception).collect()
    }

    /// Exceptions by number, as they stood at `at`, recorded time.
    pub(crate) async fn exceptions_at(
        &mut self,
        numbers: &[ExceptionNo],
        at: Millis,
    ) -> Result<Vec<Exception>> {
        let keys: Vec<[Value<'_>; 2]> = numbers.iter().map(|&no| [no.into(), at.into()]).collect();
        self.bulk_fetch(&AT, &keys).await?.iter().map(exception).collect()
    }

    /// An exception of the project.
    pub async fn exception(&mut self, project: ProjectNo, uuid: &Uuid) -> Result<Option<Exception>> {
        self.fetch_one(BY_UUID, args![project, uuid]).await?.as_ref().map(exception).transpose()
    }

    /// At most `limit` exceptions of the project with numbers above `after`, ascending.
    pub async fn exceptions(
        &mut self,
        project: ProjectNo,
        after: ExceptionNo,
        limit: u32,
    ) -> Result<Vec<Exception>> {
        self.fetch(PAGE, args![project, after, limit]).await?.iter().map(exception).collect()
    }

    /// All versions of an exception with the recorded time from which each held, oldest first.
    pub async fn exception_versions(&mut self, no: ExceptionNo) -> Result<Vec<(Millis, Exception)>> {
        self.fetch(VERSIONS, args![no]).await?.iter().map(version).collect()
    }

    /// At most `limit` versions of the project's exceptions, like [`Session::exception_versions`], by
    /// number of the exception.
    pub async fn exception_history(
        &mut self,
        project: ProjectNo,
        limit: u32,
    ) -> Result<Vec<(Millis, Exception)>> {
        self.fetch(HISTORY, args![project, limit]).await?.iter().map(version).collect()
    }
}

impl Tx {
    /// Stores an exception: a new one when `no` is 0 (number and uuid are given out here), else the
    /// next version of that one. Asset lists are sorted. Writes nothing when nothing changed.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the number is not one of the project's exceptions.
    pub async fn put_exception(&mut self, wanted: &Exception) -> Result<Exception> {
        let mut new = wanted.clone();
        for list in [&mut new.target.included, &mut new.target.excluded] {
            list.sort_unstable();
            list.dedup();
        }
        if new.no == ExceptionNo(0) {
            new.no = ExceptionNo(self.take_number(Counter::Exception).await?);
            new.uuid = self.uuid();
            self.execute(INSERT, args![new.no, &new.uuid, new.project]).await?;
        } else {
            let old = self.exceptions_by_number(&[new.no]).await?.pop();
            let old = old.filter(|old| old.project == new.project && old.uuid == new.uuid);
            let old =
                old.ok_or_else(|| Error::Invalid(format!("no exception {} in the project", new.uuid)))?;
            if old == new {
                return Ok(new);
            }
            let now = self.recorded();
            self.execute(CLOSE, args![now, new.no]).await?;
        }
        self.write_version(&new).await?;
        self.log(Kind::Exception, new.no.0);
        Ok(new)
    }

    async fn write_version(&mut self, new: &Exception) -> Result<()> {
        let mut body = new.clone();
        let included = pack_assets(&std::mem::take(&mut body.target.included));
        let excluded = pack_assets(&std::mem::take(&mut body.target.excluded));
        let now = self.recorded();
        self.execute(OPEN, args![new.no, now, FOREVER, &to_json(&body)?, &included, &excluded]).await?;
        Ok(())
    }
}
