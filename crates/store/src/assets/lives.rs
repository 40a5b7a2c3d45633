//! The asset row itself: its birth, what a newer look changes in it, its end and its return.

use parapet_model::asset::{AssetKind, ContainerFacts, HostFacts, ImageFacts, ScanState};
use parapet_model::facts::AssetRow;
use parapet_model::time::{FOREVER, Interval};
use parapet_model::verdict::ClosingReason;
use parapet_model::{AssetNo, EnterpriseProjectNo};
use uuid::Uuid;

use super::{Look, check_name};
use crate::error::{Error, Result};
use crate::log::Kind;
use crate::numbers::Counter;
use crate::session::Session;
use crate::sql::{Bulk, Value, args, to_json};
use crate::tx::Tx;

const INSERT: Bulk<23> = Bulk {
    before: "INSERT INTO asset (no, uuid, project, enterprise_project, kind, identity, name, image, \
             distro, ecosystem, scan, scan_error, first_seen, observed, scanned, reader_version, from_at, to_at, \
             pinned, image_facts, host_facts, package_databases, container_facts) VALUES ",
    after: "",
};
const UPDATE: &str = "UPDATE asset SET name = $1, distro = $2, ecosystem = $3, scan = $4, \
     scan_error = $5, observed = $6, scanned = $7, reader_version = $8, image_facts = $9, host_facts = $10, \
     package_databases = $11, pinned = $12 WHERE no = $13";
const SET_ENTERPRISE: &str =
    "UPDATE asset SET enterprise_project = $1 WHERE no = $2 AND enterprise_project <> $3";
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

    /// Puts an asset into an enterprise project, where it stays whoever looks at it later. `false` when
    /// it is there already.
    pub async fn set_enterprise_project(&mut self, no: AssetNo, to: EnterpriseProjectNo) -> Result<bool> {
        let moved = self.execute(SET_ENTERPRISE, args![to, no, to]).await? > 0;
        if moved {
            self.log(Kind::Asset, no.0);
        }
        Ok(moved)
    }

    /// Keeps an image current without a reference or container, or stops doing so.
    pub async fn set_pinned(&mut self, no: AssetNo, pinned: bool) -> Result<()> {
        if self.execute(SET_PINNED, args![pinned, no, pinned]).await? > 0 {
            self.log(Kind::Asset, no.0);
        }
        Ok(())
    }

    pub(super) async fn insert_asset(&mut self, look: &Look<'_>, new: NewAsset<'_>) -> Result<AssetNo> {
        let made = self.insert_assets(&[(look, new)]).await?;
        made.first().copied().ok_or(Error::Exhausted("asset"))
    }

    /// Makes assets, which get numbers in the order given.
    pub(super) async fn insert_assets(
        &mut self,
        wanted: &[(&Look<'_>, NewAsset<'_>)],
    ) -> Result<Vec<AssetNo>> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        for (_, new) in wanted {
            check_name("the identity of an asset", new.identity)?;
        }
        let first = self.take_numbers(Counter::Asset, wanted.len()).await?;
        let numbers: Vec<AssetNo> = (first..).map(AssetNo).take(wanted.len()).collect();
        let now = self.recorded();
        let facts = wanted.iter().map(|(look, new)| {
            let (image, host) = (to_json(new.image_facts)?, to_json(new.host_facts)?);
            Ok([image, host, to_json(&look.databases)?, to_json(new.container_facts)?])
        });
        let facts: Vec<[String; 4]> = facts.collect::<Result<_>>()?;
        let mut rows: Vec<[Value<'_>; 23]> = Vec::with_capacity(wanted.len());
        for ((&no, (look, new)), [image, host, databases, container]) in
            numbers.iter().zip(wanted).zip(&facts)
        {
            let (distro, ecosystem) = distro_of(look);
            let scanned = if new.scan == ScanState::Scanned { now } else { 0 };
            rows.push([
                no.into(),
                (&new.uuid).into(),
                look.project.into(),
                look.enterprise_project.into(),
                (new.kind as u8).into(),
                new.identity.into(),
                look.name.into(),
                new.image.unwrap_or_default().into(),
                distro.into(),
                ecosystem.into(),
                (new.scan as u8).into(),
                "".into(),
                now.into(),
                look.observed.into(),
                scanned.into(),
                look.reader_version.into(),
                now.into(),
                FOREVER.into(),
                new.pinned.into(),
                image.into(),
                host.into(),
                databases.into(),
                container.into(),
            ]);
        }
        self.bulk(&INSERT, &rows).await?;
        for no in &numbers {
            self.log(Kind::Asset, no.0);
        }
        Ok(numbers)
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
