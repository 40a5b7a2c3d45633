//! A snapshot as the facts it was made of, for keeping them elsewhere.

use parapet_model::AssetNo;
use parapet_model::facts::{Change, LinkRow, MatchRow, SetRow};

use crate::block::AssetView;
use crate::snapshot::Snapshot;

/// About so many subjects make a part.
const PART: usize = 8192;

impl Snapshot {
    /// Calls `visit` with all packages, vulnerabilities, matches, sets and assets, history included, in parts
    /// that [`crate::Posture::of`] takes; until it fails. Exceptions, enterprise projects and coverage are not
    /// among them: they are few and asked for anew.
    ///
    /// # Errors
    /// Those of `visit`.
    pub fn each_part<E>(&self, mut visit: impl FnMut(Change) -> Result<(), E>) -> Result<(), E> {
        let (seq, recorded) = (self.seq(), self.recorded());
        let part = || Change { seq, recorded, ..Change::default() };
        let tables = &self.data.tables;
        let mut vulnerabilities = tables.vulnerabilities().cloned();
        each_chunk(&mut vulnerabilities, |chunk| visit(Change { vulnerabilities: chunk, ..part() }))?;
        let mut packages = tables.packages().cloned();
        each_chunk(&mut packages, |chunk| visit(Change { packages: chunk, ..part() }))?;
        let mut matches = tables.matches().map(|(no, rows)| (no, Vec::<MatchRow>::from(rows)));
        each_chunk(&mut matches, |chunk| visit(Change { matches: chunk, ..part() }))?;
        let mut sets = self.data.sets.iter().map(|(no, members)| SetRow { no, members: members.into() });
        each_chunk(&mut sets, |chunk| visit(Change { sets: chunk, ..part() }))?;
        let mut assets = self.data.assets.from(AssetNo(0)).map(|asset| whole(&asset));
        each_chunk(&mut assets, |chunk| visit(Change { assets: chunk, ..part() }))
    }
}

/// The row with the links and deltas that lie beside it.
fn whole(asset: &AssetView<'_>) -> parapet_model::facts::AssetRow {
    let layer = |link| asset.layer(link).to_owned();
    let links = asset.links.iter().map(|link| LinkRow { set: link.set, layer: layer(link), held: link.held });
    parapet_model::facts::AssetRow {
        links: links.collect(),
        deltas: asset.deltas.to_vec(),
        ..asset.row.as_ref().clone()
    }
}

fn each_chunk<T, E>(
    items: &mut impl Iterator<Item = T>,
    mut visit: impl FnMut(Vec<T>) -> Result<(), E>,
) -> Result<(), E> {
    loop {
        let chunk: Vec<T> = items.by_ref().take(PART).collect();
        if chunk.is_empty() {
            return Ok(());
        }
        visit(chunk)?;
    }
}
