//! The looks at an asset, by observed time: for knowing an upload again, and for hindsight.
//!
//! A look that shows what the one before showed gets no row of its own; it moves `last_observed`
//! of that row. A late look that falls inside such a stretch splits it.

use parapet_model::time::Millis;
use parapet_model::{AssetNo, SetNo};

use super::Look;
use crate::error::Result;
use crate::session::Session;
use crate::sql::{Bulk, Row, Value, args, to_json};
use crate::tx::Tx;

const READ: Bulk<1> = Bulk {
    before: "WITH k(no) AS (VALUES ",
    after: ") SELECT t.asset, t.observed, t.recorded, t.last_observed, t.reader_version, t.package_sets, \
            t.content FROM k CROSS JOIN asset_observation t WHERE t.asset = k.no \
            ORDER BY t.asset, t.observed, t.recorded",
};
const INSERT: Bulk<7> = Bulk {
    before: "INSERT INTO asset_observation (asset, observed, recorded, last_observed, content, \
             reader_version, package_sets) VALUES ",
    after: " ON CONFLICT (asset, observed, recorded) DO UPDATE SET last_observed = excluded.last_observed, \
            content = excluded.content, reader_version = excluded.reader_version, \
            package_sets = excluded.package_sets",
};
const EXTEND: &str = "UPDATE asset_observation SET last_observed = $1, content = $2 \
     WHERE asset = $3 AND observed = $4 AND recorded = $5";
const CUT: &str = "UPDATE asset_observation SET last_observed = observed \
     WHERE asset = $1 AND observed = $2 AND recorded = $3";

/// A look, or a stretch of looks that showed the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Observation {
    /// Whose.
    pub(crate) asset: AssetNo,
    /// The first look.
    pub(crate) observed: Millis,
    /// When it was recorded.
    pub(crate) recorded: Millis,
    /// The last look.
    pub(crate) last_observed: Millis,
    /// What read it.
    pub(crate) reader_version: u32,
    /// What it showed: sets and their layers.
    pub(crate) sets: Vec<(SetNo, String)>,
    /// Digest of the last look's report.
    content: Vec<u8>,
}

fn observation(row: &Row) -> Result<Observation> {
    let mut f = row.fields("asset_observation");
    Ok(Observation {
        asset: AssetNo(f.u32("asset")?),
        observed: f.i64()?,
        recorded: f.i64()?,
        last_observed: f.i64()?,
        reader_version: f.u32("reader_version")?,
        sets: f.json("package_sets")?,
        content: f.blob()?.to_vec(),
    })
}

impl Session {
    /// All looks at these assets, by asset and observed time.
    pub(crate) async fn observations(&mut self, numbers: &[AssetNo]) -> Result<Vec<Observation>> {
        let keys: Vec<[Value<'_>; 1]> = numbers.iter().map(|&no| [no.into()]).collect();
        self.bulk_fetch(&READ, &keys).await?.iter().map(observation).collect()
    }
}

/// Whether this very look is among the known ones: the same report, not looked at later.
pub(super) fn is_duplicate(known: &[Observation], look: &Look<'_>) -> bool {
    known.iter().any(|o| o.content == look.content.0 && look.observed <= o.last_observed)
}

/// A look at an asset, with the sets it showed and the layer of each.
pub(super) type NewLook<'a> = (AssetNo, &'a Look<'a>, &'a [(SetNo, String)]);

impl Tx {
    /// Keeps a look that showed something else than the one before it.
    pub(super) async fn insert_observation(
        &mut self,
        asset: AssetNo,
        look: &Look<'_>,
        sets: &[(SetNo, String)],
    ) -> Result<()> {
        self.insert_observations(&[(asset, look, sets)]).await
    }

    /// Keeps looks of several assets.
    pub(super) async fn insert_observations(&mut self, looks: &[NewLook<'_>]) -> Result<()> {
        let recorded = self.recorded();
        let shown: Vec<String> = looks.iter().map(|(_, _, sets)| to_json(sets)).collect::<Result<_>>()?;
        let rows: Vec<[Value<'_>; 7]> = looks
            .iter()
            .zip(&shown)
            .map(|((asset, look, _), sets)| {
                let observed = look.observed.into();
                let (content, reader) = ((&look.content).into(), look.reader_version.into());
                [(*asset).into(), observed, recorded.into(), observed, content, reader, sets.into()]
            })
            .collect();
        self.bulk(&INSERT, &rows).await?;
        Ok(())
    }

    /// Keeps a look that showed what the newest one showed.
    pub(super) async fn extend_observation(&mut self, known: &[Observation], look: &Look<'_>) -> Result<()> {
        if let Some(newest) = known.last() {
            let (observed, content) = (look.observed, &look.content);
            self.execute(EXTEND, args![observed, content, newest.asset, newest.observed, newest.recorded])
                .await?;
        }
        Ok(())
    }

    /// Keeps a look that is older than the newest one. A stretch it falls into is split: what comes
    /// after it is known only from the stretch's last look.
    pub(super) async fn insert_older_observation(
        &mut self,
        known: &[Observation],
        asset: AssetNo,
        look: &Look<'_>,
        sets: &[(SetNo, String)],
    ) -> Result<()> {
        let inside = |o: &&Observation| o.observed <= look.observed && look.observed < o.last_observed;
        if let Some(stretch) = known.iter().find(inside) {
            self.execute(CUT, args![asset, stretch.observed, stretch.recorded]).await?;
            let (at, content) = (stretch.last_observed, &stretch.content);
            let (reader, sets) = (stretch.reader_version, to_json(&stretch.sets)?);
            let row = args![asset, at, stretch.recorded, at, content, reader, &sets];
            self.bulk(&INSERT, &[*row]).await?;
        }
        self.insert_observation(asset, look, sets).await
    }
}
