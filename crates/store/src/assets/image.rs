//! Looks at images. The config digest fixes the content, so two reads by the same reader show the
//! same, and only a better reader changes what an image shows.

use std::collections::{HashMap, HashSet};

use parapet_model::asset::{AssetKind, ContainerFacts, HostFacts, ImageFacts, Reference, ScanState};
use parapet_model::facts::AssetRow;
use parapet_model::id::ProjectNo;
use parapet_model::verdict::ClosingReason;
use parapet_model::{AssetNo, Digest, SetNo};
use uuid::Uuid;

use super::lives::NewAsset;
use super::observations::is_duplicate;
use super::{Look, Outcome, Recorded};
use crate::error::{Error, Result};
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
        let recorded = self.record_images(std::slice::from_ref(image)).await?;
        recorded.first().copied().ok_or(Error::Exhausted("asset"))
    }

    /// Records looks at images, in a few statements for all that are new.
    ///
    /// # Errors
    /// Like [`Tx::record_image`].
    pub async fn record_images(&mut self, images: &[ImageObservation<'_>]) -> Result<Vec<Recorded>> {
        let identities: Vec<String> = images.iter().map(|image| image.config.to_string()).collect();
        let uuids: Vec<(ProjectNo, Uuid)> = images
            .iter()
            .zip(&identities)
            .map(|(image, identity)| {
                let project = image.look.project;
                (project, AssetKind::Image.uuid(project, identity))
            })
            .collect();
        let known = self.assets_known(&uuids).await?;
        let mut met = HashSet::new();
        let fresh: Vec<usize> = (0..images.len())
            .filter(|&at| !known.contains_key(&uuids[at]) && met.insert(uuids[at]))
            .collect();
        let made = self.first_looks(images, &identities, &uuids, &fresh).await?;
        self.learn_digests_of_new(images, &fresh, &made).await?;
        let pointed = self.point_new(images, &fresh, &made).await?;
        let made: HashMap<usize, AssetNo> = fresh.into_iter().zip(made).collect();
        let mut recorded = Vec::with_capacity(images.len());
        for (at, image) in images.iter().enumerate() {
            let uuid = uuids[at].1;
            recorded.push(match made.get(&at) {
                Some(&asset) => {
                    let reference_moved = pointed.contains(&asset);
                    Recorded { asset, uuid, outcome: Outcome::New, reference_moved }
                }
                None => self.record_known(uuid, image).await?,
            });
        }
        Ok(recorded)
    }

    /// A look at an image that is known.
    async fn record_known(&mut self, uuid: Uuid, image: &ImageObservation<'_>) -> Result<Recorded> {
        let project = image.look.project;
        let known = self.asset_by_uuid(project, &uuid).await?.ok_or(Error::Exhausted("asset"))?;
        let (asset, outcome) = (known.no, self.look_again(&known, image).await?);
        self.learn_image_digests(project, asset, &digests_of(image)).await?;
        let reference_moved = match image.reference {
            Some(reference) => self.point_reference(project, reference, asset, image.look.observed).await?,
            None => false,
        };
        Ok(Recorded { asset, uuid, outcome, reference_moved })
    }

    /// The images at the places `fresh`, which nobody has looked at before.
    async fn first_looks(
        &mut self,
        images: &[ImageObservation<'_>],
        identities: &[String],
        uuids: &[(ProjectNo, Uuid)],
        fresh: &[usize],
    ) -> Result<Vec<AssetNo>> {
        let (host_facts, container_facts) = (HostFacts::default(), ContainerFacts::default());
        let new = fresh.iter().map(|&at| {
            let asset = NewAsset {
                uuid: uuids[at].1,
                kind: AssetKind::Image,
                identity: &identities[at],
                image: None,
                scan: ScanState::Scanned,
                pinned: images[at].pinned,
                image_facts: images[at].facts,
                host_facts: &host_facts,
                container_facts: &container_facts,
            };
            (&images[at].look, asset)
        });
        let made = self.insert_assets(&new.collect::<Vec<_>>()).await?;
        let of = |&at: &usize| &images[at];
        let shown = made.iter().copied().zip(fresh.iter().map(|at| of(at).sets));
        self.open_links(&shown.collect::<Vec<_>>()).await?;
        let looks = made.iter().zip(fresh).map(|(&asset, at)| (asset, &of(at).look, of(at).sets));
        self.insert_observations(&looks.collect::<Vec<_>>()).await?;
        Ok(made)
    }

    /// Learns the digests of new images. Stand-ins that containers made under one of them give way,
    /// as in [`Tx::learn_image_digests`].
    async fn learn_digests_of_new(
        &mut self,
        images: &[ImageObservation<'_>],
        fresh: &[usize],
        made: &[AssetNo],
    ) -> Result<()> {
        let mut learnt: Vec<(ProjectNo, AssetNo, Digest)> = Vec::new();
        for (&at, &asset) in fresh.iter().zip(made) {
            let project = images[at].look.project;
            learnt.extend(digests_of(&images[at]).into_iter().map(|digest| (project, asset, digest)));
        }
        self.add_aliases(&learnt).await?;
        let uuids: Vec<(ProjectNo, Uuid)> = learnt
            .iter()
            .map(|(project, _, digest)| (*project, AssetKind::Image.uuid(*project, &digest.to_string())))
            .collect();
        let known = self.assets_known(&uuids).await?;
        for ((project, asset, digest), uuid) in learnt.iter().zip(&uuids) {
            if known.get(uuid).is_some_and(|other| other != asset) {
                self.learn_image_digests(*project, *asset, &[*digest]).await?;
            }
        }
        Ok(())
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
        self.open_links(&[(known.no, image.sets)]).await?;
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
        let learnt: Vec<_> = digests.iter().map(|digest| (project, image, *digest)).collect();
        self.add_aliases(&learnt).await?;
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

    async fn add_aliases(&mut self, learnt: &[(ProjectNo, AssetNo, Digest)]) -> Result<()> {
        let rows: Vec<[Value<'_>; 3]> = learnt
            .iter()
            .map(|(project, asset, digest)| [(*project).into(), digest.into(), (*asset).into()])
            .collect();
        self.bulk(&ADD_ALIAS, &rows).await?;
        Ok(())
    }
}

/// The digests by which an image is known: of its config and its manifests.
fn digests_of(image: &ImageObservation<'_>) -> Vec<Digest> {
    std::iter::once(image.config).chain(image.facts.manifest_digests.iter().copied()).collect()
}
