//! Looks at images. The config digest fixes the content, so two reads by the same reader show the
//! same, and only a better reader changes what an image shows.

use parapet_model::asset::{AssetKind, ContainerFacts, HostFacts, ImageFacts, Reference, ScanState};
use parapet_model::facts::AssetRow;
use parapet_model::id::ProjectNo;
use parapet_model::verdict::ClosingReason;
use parapet_model::{AssetNo, Digest, SetNo};

use super::lives::NewAsset;
use super::observations::is_duplicate;
use super::{Look, Outcome, Recorded};
use crate::error::Result;
use crate::log::Kind;
use crate::sql::{Bulk, Value, args};
use crate::tx::Tx;

const ADD_ALIAS: Bulk<3> = Bulk {
    before: "INSERT INTO asset_alias (project, digest, asset) VALUES ",
    after: " ON CONFLICT DO NOTHING",
};
const REJOIN: &str = "UPDATE asset SET image = $1 WHERE image = $2";
const CONTAINERS: &str = "SELECT no FROM asset WHERE image = $1 ORDER BY no";

/// A look at an image.
#[derive(Debug, Clone)]
pub struct ImageObservation<'a> {
    /// What every look says.
    pub look: Look<'a>,
    /// Digest of its config: its identity.
    pub config: Digest,
    /// Manifest and config beside the layers; the manifest digests become aliases.
    pub facts: &'a ImageFacts,
    /// Where it was found, if at a reference.
    pub reference: Option<&'a Reference>,
    /// The sets it shows and the digest of the layer of each, bottom layer first.
    pub sets: &'a [(SetNo, String)],
    /// Keep it current without a reference or container.
    pub pinned: bool,
}

impl Tx {
    /// Records a look at an image.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] for a reference part over 512 bytes or with a NUL.
    pub async fn record_image(&mut self, image: &ImageObservation<'_>) -> Result<Recorded> {
        let (project, identity) = (image.look.project, image.config.to_string());
        let uuid = AssetKind::Image.uuid(project, &identity);
        let (asset, outcome) = match self.asset_by_uuid(project, &uuid).await? {
            Some(known) => (known.no, self.look_again(&known, image).await?),
            None => (self.first_look(uuid, &identity, image).await?, Outcome::New),
        };
        let digests: Vec<Digest> =
            std::iter::once(image.config).chain(image.facts.manifest_digests.iter().copied()).collect();
        self.learn_image_digests(project, asset, &digests).await?;
        let reference_moved = match image.reference {
            Some(reference) => self.point_reference(project, reference, asset, image.look.observed).await?,
            None => false,
        };
        Ok(Recorded { asset, uuid, outcome, reference_moved })
    }

    async fn first_look(
        &mut self,
        uuid: uuid::Uuid,
        identity: &str,
        image: &ImageObservation<'_>,
    ) -> Result<AssetNo> {
        let new = NewAsset {
            uuid,
            kind: AssetKind::Image,
            identity,
            image: None,
            scan: ScanState::Scanned,
            pinned: image.pinned,
            image_facts: image.facts,
            host_facts: &HostFacts::default(),
            container_facts: &ContainerFacts::default(),
        };
        let asset = self.insert_asset(&image.look, &new).await?;
        self.open_links(asset, image.sets).await?;
        self.insert_observation(asset, &image.look, image.sets).await?;
        Ok(asset)
    }

    async fn look_again(&mut self, known: &AssetRow, image: &ImageObservation<'_>) -> Result<Outcome> {
        let look = &image.look;
        let earlier = self.observations(&[known.no]).await?;
        if is_duplicate(&earlier, look) {
            return Ok(Outcome::Duplicate);
        }
        let read_before = !earlier.is_empty();
        if read_before && look.observed < known.observed {
            self.insert_older_observation(&earlier, known.no, look, image.sets).await?;
            return Ok(Outcome::OlderKept);
        }
        let pinned = known.pinned || image.pinned;
        if known.held.is_open() && read_before && look.reader_version <= known.reader_version {
            let none = HostFacts::default();
            self.update_asset(known, look, known.reader_version, image.facts, &none, pinned).await?;
            self.extend_observation(&earlier, look).await?;
            return Ok(Outcome::Unchanged);
        }
        if known.held.is_open() {
            self.close_presence(known.no, ClosingReason::ReaderChanged).await?;
        } else {
            self.revive(known.no).await?;
        }
        let none = HostFacts::default();
        self.update_asset(known, look, look.reader_version, image.facts, &none, pinned).await?;
        self.open_links(known.no, image.sets).await?;
        self.insert_observation(known.no, look, image.sets).await?;
        Ok(Outcome::Updated)
    }

    /// Learns digests by which engines and registries name an image: config, manifest, index. A
    /// stand-in that a container made under one of them gives way.
    pub async fn learn_image_digests(
        &mut self,
        project: ProjectNo,
        image: AssetNo,
        digests: &[Digest],
    ) -> Result<()> {
        self.add_aliases(project, image, digests).await?;
        for digest in digests {
            let uuid = AssetKind::Image.uuid(project, &digest.to_string());
            let stand_in = self.asset_by_uuid(project, &uuid).await?;
            let Some(stand_in) = stand_in.filter(|s| s.no != image && s.scan == ScanState::NotScanned) else {
                continue;
            };
            for row in self.fetch(CONTAINERS, args![stand_in.no]).await? {
                let container = row.fields("asset").u32("no")?;
                self.log(Kind::Asset, container);
            }
            self.execute(REJOIN, args![image, stand_in.no]).await?;
            self.delete_asset(stand_in.no).await?;
        }
        Ok(())
    }

    async fn add_aliases(&mut self, project: ProjectNo, asset: AssetNo, digests: &[Digest]) -> Result<()> {
        let rows: Vec<[Value<'_>; 3]> =
            digests.iter().map(|digest| [project.into(), digest.into(), asset.into()]).collect();
        self.bulk(&ADD_ALIAS, &rows).await?;
        Ok(())
    }
}
