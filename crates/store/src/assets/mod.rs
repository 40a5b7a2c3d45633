//! Assets: images, containers and hosts, with what they show and showed.
//!
//! Two clocks (REVIEW A2): intervals are in recorded time; `observed` orders the looks. A look older
//! than the current one is kept as an observation and changes nothing else. How the parts divide:
//!
//! * `image`, `host` and `container` take a look and decide what it is (new, changed, the same, older, seen
//!   before);
//! * `presence` opens and closes links and deltas;
//! * `names` joins documents with the hosts they name; `join` joins hosts that documents made with the sensors
//!   that report them;
//! * `references` moves tags; `observations` keeps the looks;
//! * this file reads assets and holds what is common.

mod container;
mod host;
mod image;
mod join;
mod lives;
mod names;
mod observations;
mod presence;
mod references;

use std::collections::{BTreeMap, HashMap};

use parapet_model::asset::{AssetKind, ContainerFacts, HostFacts, ImageFacts, ScanState};
use parapet_model::facts::{AssetRow, LinkRow, PresenceRow, ReferenceRow};
use parapet_model::id::{EnterpriseProjectNo, ProjectNo};
use parapet_model::inventory::{DatabaseRead, Distro};
use parapet_model::time::{Interval, Millis};
use parapet_model::{AssetNo, Digest, PackageNo, SetNo};
use uuid::Uuid;

pub use container::ContainerObservation;
pub use host::HostObservation;
pub use image::ImageObservation;
pub use names::TargetObservation;
pub(crate) use observations::Observation;

use crate::error::{Error, Result};
use crate::session::Session;
use crate::sql::{Bulk, Row, Value, args};

const READ: Bulk<1> = Bulk {
    before: "WITH k(no) AS (VALUES ",
    after: ") SELECT t.no, t.uuid, t.project, t.enterprise_project, t.kind, t.identity, t.name, t.image, \
            t.distro, t.ecosystem, t.scan, t.scan_error, t.first_seen, t.observed, t.scanned, \
            t.reader_version, t.from_at, t.to_at, t.pinned, t.image_facts, t.host_facts, \
            t.package_databases, t.container_facts FROM k CROSS JOIN asset t WHERE t.no = k.no ORDER BY t.no",
};
const LINKS: Bulk<1> = Bulk {
    before: "WITH k(no) AS (VALUES ",
    after: ") SELECT t.asset, t.package_set, t.layer, t.from_at, t.to_at FROM k CROSS JOIN asset_link t \
            WHERE t.asset = k.no AND t.from_at < t.to_at ORDER BY t.asset, t.from_at, t.ordinal",
};
const DELTAS: Bulk<1> = Bulk {
    before: "WITH k(no) AS (VALUES ",
    after: ") SELECT t.asset, t.package, t.package_set, t.from_at, t.to_at FROM k CROSS JOIN asset_delta t \
            WHERE t.asset = k.no AND t.from_at < t.to_at ORDER BY t.asset, t.package, t.from_at",
};
const REFERENCES: Bulk<1> = Bulk {
    before: "WITH k(no) AS (VALUES ",
    after: ") SELECT t.asset, t.registry, t.repository, t.tag, t.from_at, t.to_at \
            FROM k CROSS JOIN asset_reference t WHERE t.asset = k.no AND t.from_at < t.to_at \
            ORDER BY t.asset, t.from_at, t.project, t.registry, t.repository, t.tag",
};
const NO_OF_UUID: &str = "SELECT no FROM asset WHERE project = $1 AND uuid = $2";
const NUMBERS_OF_UUIDS: Bulk<2> = Bulk {
    before: "WITH k(project, uuid) AS (VALUES ",
    after: ") SELECT t.no, t.project, t.uuid FROM k CROSS JOIN asset t \
            WHERE t.project = k.project AND t.uuid = k.uuid ORDER BY t.no",
};
/// Images by digest, of those that stand and were read. Several platforms may share an index.
const IMAGES_READ: Bulk<2> = Bulk {
    before: "WITH k(project, digest) AS (VALUES ",
    after: ") SELECT t.no, t.project, a.digest FROM k CROSS JOIN asset_alias a CROSS JOIN asset t \
            WHERE a.project = k.project AND a.digest = k.digest AND t.no = a.asset AND t.scan = 1 \
            AND t.to_at = 9223372036854775807 ORDER BY a.project, a.digest, a.asset",
};
/// A deleted image last; the image that bears the digest itself before one that is merely also
/// called so; of several platforms behind one index, the one read last.
const IMAGE_OF_DIGEST: &str = "SELECT t.no FROM asset_alias a JOIN asset t ON t.no = a.asset \
     WHERE a.project = $1 AND a.digest = $2 \
     ORDER BY CASE WHEN t.to_at < 9223372036854775807 THEN 1 ELSE 0 END, \
     CASE WHEN t.identity = $3 THEN 0 ELSE 1 END, t.observed DESC, t.no LIMIT 1";

/// Longest identity and part of a reference, in bytes.
const MAX_NAME: usize = 512;

/// What every look at an asset says.
#[derive(Debug, Clone)]
pub struct Look<'a> {
    /// Owner.
    pub project: ProjectNo,
    /// Owner inside the account.
    pub enterprise_project: EnterpriseProjectNo,
    /// Name for people.
    pub name: &'a str,
    /// The distribution, if one was recognised.
    pub distro: Option<&'a Distro>,
    /// What became of each package database.
    pub databases: &'a [DatabaseRead],
    /// When the world was looked at.
    pub observed: Millis,
    /// Digest of the report or inventory, to know it again.
    pub content: Digest,
    /// [`parapet_model::READER_VERSION`] of what read it.
    pub reader_version: u32,
}

/// What a look turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The asset was not known.
    New,
    /// It shows something else than before, was read by a better reader, or came back.
    Updated,
    /// It shows what it showed; only the time of the last look moved.
    Unchanged,
    /// A newer look is known; this one became history and changed no current state.
    OlderKept,
    /// This very look was taken before.
    Duplicate,
}

/// The answer to a recorded look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// The asset.
    pub asset: AssetNo,
    /// Its id.
    pub uuid: Uuid,
    /// What the look was.
    pub outcome: Outcome,
    /// Whether a reference points here now that did not before.
    pub reference_moved: bool,
}

fn asset(row: &Row) -> Result<AssetRow> {
    let mut f = row.fields("asset");
    let image_facts = |mut facts: ImageFacts| {
        facts.manifest_digests.shrink_to_fit();
        facts.into()
    };
    Ok(AssetRow {
        no: AssetNo(f.u32("no")?),
        uuid: f.uuid("uuid")?,
        project: ProjectNo(f.u32("project")?),
        enterprise_project: EnterpriseProjectNo(f.u32("enterprise_project")?),
        kind: f.word("kind", AssetKind::from_number)?,
        identity: f.text()?,
        name: f.text()?,
        image: Some(AssetNo(f.u32("image")?)).filter(|image| image.0 != 0),
        distro: f.text()?,
        ecosystem: f.text()?,
        scan: f.word("scan", ScanState::from_number)?,
        scan_error: f.text()?,
        first_seen: f.i64()?,
        observed: f.i64()?,
        scanned: f.i64()?,
        reader_version: f.u32("reader_version")?,
        held: Interval { from: f.i64()?, to: f.i64()? },
        pinned: f.bool("pinned")?,
        image_facts: f.json("image_facts").map(image_facts)?,
        host_facts: f.json::<HostFacts>("host_facts")?.into(),
        databases: f.json("package_databases")?,
        container_facts: f.json::<ContainerFacts>("container_facts")?.into(),
        references: Vec::new(),
        links: Vec::new(),
        deltas: Vec::new(),
    })
}

fn link(row: &Row) -> Result<(AssetNo, LinkRow)> {
    let mut f = row.fields("asset_link");
    let asset = AssetNo(f.u32("asset")?);
    let set = SetNo(f.u32("package_set")?);
    Ok((asset, LinkRow { set, layer: f.text()?, held: Interval { from: f.i64()?, to: f.i64()? } }))
}

fn delta(row: &Row) -> Result<(AssetNo, PresenceRow)> {
    let mut f = row.fields("asset_delta");
    let asset = AssetNo(f.u32("asset")?);
    let (package, set) = (PackageNo(f.u32("package")?), SetNo(f.u32("package_set")?));
    Ok((asset, PresenceRow { package, set, held: Interval { from: f.i64()?, to: f.i64()? } }))
}

fn reference(row: &Row) -> Result<(AssetNo, ReferenceRow)> {
    let mut f = row.fields("asset_reference");
    let asset = AssetNo(f.u32("asset")?);
    let reference =
        parapet_model::asset::Reference { registry: f.text()?, repository: f.text()?, tag: f.text()? };
    Ok((asset, ReferenceRow { reference, held: Interval { from: f.i64()?, to: f.i64()? } }))
}

impl Session {
    /// Assets by number, whole, deleted ones included; unknown numbers are left out.
    pub async fn assets(&mut self, numbers: &[AssetNo]) -> Result<Vec<AssetRow>> {
        let keys: Vec<[Value<'_>; 1]> = numbers.iter().map(|&no| [no.into()]).collect();
        let mut assets: BTreeMap<AssetNo, AssetRow> = BTreeMap::new();
        for row in self.bulk_fetch(&READ, &keys).await? {
            let asset = asset(&row)?;
            assets.insert(asset.no, asset);
        }
        for row in self.bulk_fetch(&LINKS, &keys).await? {
            let (no, link) = link(&row)?;
            assets.entry(no).and_modify(|asset| asset.links.push(link));
        }
        for row in self.bulk_fetch(&DELTAS, &keys).await? {
            let (no, delta) = delta(&row)?;
            assets.entry(no).and_modify(|asset| asset.deltas.push(delta));
        }
        for row in self.bulk_fetch(&REFERENCES, &keys).await? {
            let (no, reference) = reference(&row)?;
            assets.entry(no).and_modify(|asset| asset.references.push(reference));
        }
        let exact = |mut asset: AssetRow| {
            // There may be millions of them, and most have one reference and one database.
            asset.references.shrink_to_fit();
            asset.databases.shrink_to_fit();
            asset
        };
        Ok(assets.into_values().map(exact).collect())
    }

    /// An asset by number, whole.
    pub async fn asset(&mut self, no: AssetNo) -> Result<Option<AssetRow>> {
        Ok(self.assets(&[no]).await?.pop())
    }

    /// An asset of the project by id, whole.
    pub async fn asset_by_uuid(&mut self, project: ProjectNo, uuid: &Uuid) -> Result<Option<AssetRow>> {
        match self.fetch_one(NO_OF_UUID, args![project, uuid]).await? {
            Some(row) => self.asset(AssetNo(row.fields("asset").u32("no")?)).await,
            None => Ok(None),
        }
    }

    /// The numbers of those that are known.
    pub(crate) async fn assets_known(
        &mut self,
        wanted: &[(ProjectNo, Uuid)],
    ) -> Result<HashMap<(ProjectNo, Uuid), AssetNo>> {
        let keys: Vec<[Value<'_>; 2]> = wanted.iter().map(|(p, uuid)| [(*p).into(), uuid.into()]).collect();
        let rows = self.bulk_fetch(&NUMBERS_OF_UUIDS, &keys).await?;
        let known = rows.iter().map(|row| {
            let mut f = row.fields("asset");
            let no = AssetNo(f.u32("no")?);
            Ok(((ProjectNo(f.u32("project")?), f.uuid("uuid")?), no))
        });
        known.collect()
    }

    /// The images that stand and were read, of those digests that name one image only.
    pub(crate) async fn images_read(
        &mut self,
        wanted: &[(ProjectNo, Digest)],
    ) -> Result<HashMap<(ProjectNo, Digest), AssetNo>> {
        let mut keys: Vec<&(ProjectNo, Digest)> = wanted.iter().collect();
        keys.sort_unstable();
        keys.dedup();
        let keys: Vec<[Value<'_>; 2]> = keys.iter().map(|(p, digest)| [(*p).into(), digest.into()]).collect();
        let mut found: HashMap<(ProjectNo, Digest), Vec<AssetNo>> = HashMap::new();
        for row in self.bulk_fetch(&IMAGES_READ, &keys).await? {
            let mut f = row.fields("asset_alias");
            let no = AssetNo(f.u32("no")?);
            let key = (ProjectNo(f.u32("project")?), Digest(f.array("digest")?));
            found.entry(key).or_default().push(no);
        }
        let only = found.into_iter().filter_map(|(key, numbers)| match numbers.as_slice() {
            [only] => Some((key, *only)),
            _ => None,
        });
        Ok(only.collect())
    }

    /// The image of the project that one of its digests names: config, manifest or index.
    pub async fn find_image(&mut self, project: ProjectNo, digest: &Digest) -> Result<Option<AssetNo>> {
        let row = self.fetch_one(IMAGE_OF_DIGEST, args![project, digest, &digest.to_string()]).await?;
        row.map(|row| row.fields("asset").u32("no").map(AssetNo)).transpose()
    }
}

/// Refuses a name that no index can hold.
fn check_name(what: &str, text: &str) -> Result<()> {
    if text.len() > MAX_NAME || text.contains('\0') {
        let start: String = text.chars().take(60).collect();
        return Err(Error::Invalid(format!("{what} has a NUL or more than {MAX_NAME} bytes: {start:?}")));
    }
    Ok(())
}
