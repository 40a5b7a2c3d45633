//! Links and deltas: which packages an asset shows, since when and until when.
//!
//! A package that is named by any delta of an asset follows its deltas alone; every other package
//! follows the asset's links.

use std::collections::BTreeSet;

use parapet_model::facts::AssetRow;
use parapet_model::time::FOREVER;
use parapet_model::verdict::ClosingReason;
use parapet_model::{AssetNo, PackageNo, SetNo};

use crate::error::Result;
use crate::sql::{Bulk, Value, args};
use crate::tx::Tx;

const OPEN_LINK: Bulk<7> = Bulk {
    before: "INSERT INTO asset_link (asset, from_at, ordinal, to_at, package_set, layer, closed) VALUES ",
    after: " ON CONFLICT (asset, from_at, ordinal) DO UPDATE SET to_at = excluded.to_at, \
            package_set = excluded.package_set, layer = excluded.layer, closed = excluded.closed",
};
const CLOSE_LINKS: &str = "UPDATE asset_link SET to_at = $1, closed = $2 \
     WHERE asset = $3 AND to_at = 9223372036854775807";
const WRITE_DELTA: Bulk<6> = Bulk {
    before: "INSERT INTO asset_delta (asset, package, from_at, to_at, package_set, closed) VALUES ",
    after: " ON CONFLICT (asset, package, from_at) DO UPDATE SET to_at = excluded.to_at, \
            package_set = excluded.package_set, closed = excluded.closed",
};
const CLOSE_DELTA: Bulk<4> = Bulk {
    before: "WITH k(asset, package, at, reason) AS (VALUES ",
    after: ") UPDATE asset_delta SET to_at = k.at, closed = k.reason FROM k \
            WHERE asset_delta.asset = k.asset AND asset_delta.package = k.package \
            AND asset_delta.to_at = 9223372036854775807",
};
const CLOSE_DELTAS: &str = "UPDATE asset_delta SET to_at = $1, closed = $2 \
     WHERE asset = $3 AND to_at = 9223372036854775807";

impl Tx {
    /// Assets show these sets from now on.
    pub(super) async fn open_links(&mut self, shown: &[(AssetNo, &[(SetNo, String)])]) -> Result<()> {
        let now = self.recorded();
        let mut rows: Vec<[Value<'_>; 7]> = Vec::new();
        for &(asset, sets) in shown {
            for (ordinal, (set, layer)) in sets.iter().enumerate() {
                rows.push([
                    asset.into(),
                    now.into(),
                    ordinal.into(),
                    FOREVER.into(),
                    (*set).into(),
                    layer.into(),
                    false.into(),
                ]);
            }
        }
        self.bulk(&OPEN_LINK, &rows).await?;
        Ok(())
    }

    /// Shows nothing from now on.
    pub(super) async fn close_presence(&mut self, asset: AssetNo, reason: ClosingReason) -> Result<()> {
        let (now, reason) = (self.recorded(), reason as u8);
        self.execute(CLOSE_LINKS, args![now, reason, asset]).await?;
        self.execute(CLOSE_DELTAS, args![now, reason, asset]).await?;
        Ok(())
    }

    /// Brings a host's presence to exactly the members of `set`. Whether anything changed.
    pub(super) async fn move_presence(
        &mut self,
        host: &AssetRow,
        set: SetNo,
        reason: ClosingReason,
    ) -> Result<bool> {
        let named: BTreeSet<PackageNo> = host.deltas.iter().map(|delta| delta.package).collect();
        let wanted = self.members(&[set]).await?;
        let open_links: Vec<SetNo> =
            host.links.iter().filter(|link| link.held.is_open()).map(|link| link.set).collect();
        if open_links.is_empty() {
            // First look, or back from deletion: the set itself, and deltas for what has some.
            self.open_links(&[(host.no, &[(set, String::new())])]).await?;
            let back: Vec<PackageNo> = wanted.intersection(&named).copied().collect();
            self.open_deltas(host.no, &back, set).await?;
            return Ok(true);
        }
        let linked = self.members(&open_links).await?;
        let shown: BTreeSet<PackageNo> = linked
            .difference(&named)
            .copied()
            .chain(host.deltas.iter().filter(|delta| delta.held.is_open()).map(|delta| delta.package))
            .collect();
        let added: Vec<PackageNo> = wanted.difference(&shown).copied().collect();
        let (leaving, fading): (Vec<PackageNo>, Vec<PackageNo>) =
            shown.difference(&wanted).copied().partition(|package| named.contains(package));
        // What a former life showed through its links must be said by deltas as well from now on.
        let named_anew: Vec<PackageNo> =
            added.iter().filter(|package| !named.contains(package)).chain(&fading).copied().collect();
        self.spell_out(host, &named_anew, reason).await?;
        self.close_deltas(host.no, &leaving, reason).await?;
        self.open_deltas(host.no, &added, set).await?;
        Ok(!(added.is_empty() && leaving.is_empty() && fading.is_empty()))
    }

    async fn members(&mut self, sets: &[SetNo]) -> Result<BTreeSet<PackageNo>> {
        Ok(self.sets(sets).await?.into_iter().flat_map(|set| set.members).collect())
    }

    async fn open_deltas(&mut self, asset: AssetNo, packages: &[PackageNo], set: SetNo) -> Result<()> {
        let now = self.recorded();
        let rows: Vec<[Value<'_>; 6]> = packages
            .iter()
            .map(|&p| [asset.into(), p.into(), now.into(), FOREVER.into(), set.into(), false.into()])
            .collect();
        self.bulk(&WRITE_DELTA, &rows).await?;
        Ok(())
    }

    async fn close_deltas(
        &mut self,
        asset: AssetNo,
        packages: &[PackageNo],
        reason: ClosingReason,
    ) -> Result<()> {
        let now = self.recorded();
        let rows: Vec<[Value<'_>; 4]> =
            packages.iter().map(|&p| [asset.into(), p.into(), now.into(), (reason as u8).into()]).collect();
        self.bulk(&CLOSE_DELTA, &rows).await?;
        Ok(())
    }

    /// Writes, for packages that so far followed links, what the links said: one closed delta for
    /// each link that shows or showed them.
    async fn spell_out(
        &mut self,
        host: &AssetRow,
        packages: &[PackageNo],
        reason: ClosingReason,
    ) -> Result<()> {
        if packages.is_empty() {
            return Ok(());
        }
        let now = self.recorded();
        let numbers: Vec<SetNo> = host.links.iter().map(|link| link.set).collect();
        let sets = self.sets(&numbers).await?;
        let mut rows: Vec<[Value<'_>; 6]> = Vec::new();
        for link in &host.links {
            let Some(set) = sets.iter().find(|set| set.no == link.set) else { continue };
            let open = link.held.is_open();
            let to = if open { now } else { link.held.to };
            let reason = if open { reason } else { ClosingReason::AssetGone };
            for &package in packages.iter().filter(|package| set.members.binary_search(package).is_ok()) {
                let (asset, from) = (host.no, link.held.from);
                rows.push([
                    asset.into(),
                    package.into(),
                    from.into(),
                    to.into(),
                    set.no.into(),
                    (reason as u8).into(),
                ]);
            }
        }
        self.bulk(&WRITE_DELTA, &rows).await?;
        Ok(())
    }
}
