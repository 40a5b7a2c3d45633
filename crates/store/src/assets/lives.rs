//! The asset row itself: its birth, what a newer look changes in it, its end and its return.

use parapet_model::AssetNo;
use parapet_model::asset::{AssetKind, ContainerFacts, HostFacts, ImageFacts, ScanState};
use parapet_model::facts::AssetRow;
use parapet_model::time::{FOREVER, Interval};
use parapet_model::verdict::ClosingReason;
use uuid::Uuid;

use super::{Look, check_name};
use crate::error::Result;
use crate::log::Kind;
use crate::numbers::Counter;
use crate::session::Session;
use crate::sql::{Bulk, Value, args, to_json};
use crate::tx::Tx;

const INSERT: &str = "INSERT INTO asset (no, uuid, project, enterprise_project, kind, identity, name, image, \
     distro, ecosystem, scan, scan_error, first_seen, observed, scanned, reader_version, from_at, to_at, pinned, \
     image_facts, host_facts, package_databases, container_facts) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, \
     $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)";
const UPDATE: &str = "UPDATE asset SET enterprise_project = $1, name = $2, distro = $3, ecosystem = $4, scan = $5, \
     scan_error = $6, observed = $7, scanned = $8, reader_version = $9, image_facts = $10, host_facts = $11, \
     package_databases = $12, pinned = $13 WHERE no = $14";
const SET_FAILED: &str = "UPDATE asset SET scan = $1, scan_error = $2 WHERE no = $3";
const SET_PINNED: &str = "UPDATE asset SET pinned = $1 WHERE no = $2 AND pinned <> $3";
const END: &str = "UPDATE asset SET to_at = $1 WHERE no = $2 AND to_at = 9223372036854775807";
const KEEP_LIFE: &str = "INSERT INTO asset_life (asset, from_at, to_at) \
     SELECT no, from_at, to_at FROM asset WHERE no = $1 AND to_at < 9223372036854775807 \
     ON CONFLICT (asset, from_at) DO UPDATE SET to_at = excluded.to_at";
const RETURN: &str =
    "UPDATE asset SET from_at = $1, to_at = $2 WHERE no = $3 AND to_at < 9223372036854775807";
const LIVES: Bulk<1> = Bulk {
    before: "WITH k(no) AS (VALUES ",
    after: ") SELECT t.asset, t.from_at, t.to_at FROM k CROSS JOIN asset_life t \
            WHERE t.asset = k.no ORDER BY t.asset, t.from_at",
};

/// An asset to be made.
pub(super) struct NewAsset<'a> {
    pub(super) uuid: Uuid,
    pub(super) kind: AssetKind,
    pub(super) identity: &'a str,
    pub(super) image: Option<AssetNo>,
    pub(super) scan: ScanState,
    pub(super) pinned: bool,
    pub(super) image_facts: &'a ImageFacts,
    pub(super) host_facts: &'a HostFacts,
    pub(super) container_facts: &'a ContainerFacts,
}

impl Session {
    /// The former lives of these assets: those that ended before they came back.
    pub(crate) async fn former_lives(&mut self, numbers: &[AssetNo]) -> Result<Vec<(AssetNo, Interval)>> {
        let keys: Vec<[Value<'_>; 1]> = numbers.iter().map(|&no| [no.into()]).collect();
        let rows = self.bulk_fetch(&LIVES, &keys).await?;
        rows.iter()
            .map(|row| {
                let mut f = row.fields("asset_life");
                Ok((AssetNo(f.u32("asset")?), Interval { from: f.i64()?, to: f.i64()? }))
            })
            .collect()
    }
}

impl Tx {
    /// Deletes an asset: its presence, references and life end now. It keeps its number, id and
    /// history, and is the same asset when it comes back. `false` when there is none or it is
    /// deleted already.
    pub async fn delete_asset(&mut self, no: AssetNo) -> Result<bool> {
        let now = self.recorded();
        if self.execute(END, args![now, no]).await? == 0 {
            return Ok(false);
        }
        self.close_presence(no, ClosingReason::AssetGone).await?;
        self.close_references_of(no).await?;
        self.log(Kind::Asset, no.0);
        Ok(true)
    }

    /// Notes that reading an asset failed; what was read before stays.
    pub async fn scan_failed(&mut self, no: AssetNo, why: &str) -> Result<()> {
        let failed = ScanState::Failed as u8;
        if self.execute(SET_FAILED, args![failed, why, no]).await? > 0 {
            self.log(Kind::Asset, no.0);
        }
        Ok(())
    }

    /// Keeps an image current without a reference or container, or stops doing so.
    pub async fn set_pinned(&mut self, no: AssetNo, pinned: bool) -> Result<()> {
        if self.execute(SET_PINNED, args![pinned, no, pinned]).await? > 0 {
            self.log(Kind::Asset, no.0);
        }
        Ok(())
    }

    pub(super) async fn insert_asset(&mut self, look: &Look<'_>, new: &NewAsset<'_>) -> Result<AssetNo> {
        check_name("the identity of an asset", new.identity)?;
        let no = AssetNo(self.take_number(Counter::Asset).await?);
        let now = self.recorded();
        let scanned = if new.scan == ScanState::Scanned { now } else { 0 };
        let (distro, ecosystem) = distro_of(look);
        self.execute(
            INSERT,
            args![
                no,
                &new.uuid,
                look.project,
                look.enterprise_project,
                new.kind as u8,
                new.identity,
                look.name,
                new.image.unwrap_or_default(),
                distro,
                ecosystem,
                new.scan as u8,
                "",
                now,
                look.observed,
                scanned,
                look.reader_version,
                now,
                FOREVER,
                new.pinned,
                &to_json(new.image_facts)?,
                &to_json(new.host_facts)?,
                &to_json(&look.databases)?,
                &to_json(new.container_facts)?,
            ],
        )
        .await?;
        self.log(Kind::Asset, no.0);
        Ok(no)
    }

    /// Takes over what a newer look says of the asset as a whole.
    pub(super) async fn update_asset(
        &mut self,
        old: &AssetRow,
        look: &Look<'_>,
        reader_version: u32,
        image_facts: &ImageFacts,
        host_facts: &HostFacts,
        pinned: bool,
    ) -> Result<()> {
        let scanned = self.recorded();
        let (distro, ecosystem) = distro_of(look);
        self.execute(
            UPDATE,
            args![
                look.enterprise_project,
                look.name,
                distro,
                ecosystem,
                ScanState::Scanned as u8,
                "",
                look.observed,
                scanned,
                reader_version,
                &to_json(image_facts)?,
                &to_json(host_facts)?,
                &to_json(&look.databases)?,
                pinned,
                old.no,
            ],
        )
        .await?;
        self.log(Kind::Asset, old.no.0);
        Ok(())
    }

    /// Begins a new life of an asset that was deleted.
    pub(super) async fn revive(&mut self, no: AssetNo) -> Result<()> {
        let now = self.recorded();
        self.execute(KEEP_LIFE, args![no]).await?;
        self.execute(RETURN, args![now, FOREVER, no]).await?;
        self.log(Kind::Asset, no.0);
        Ok(())
    }
}

fn distro_of<'a>(look: &Look<'a>) -> (&'a str, &'a str) {
    look.distro.map_or(("", ""), |distro| (distro.name.as_str(), distro.ecosystem.as_str()))
}
