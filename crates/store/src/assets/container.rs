//! Looks at containers. A container derives from its image and copies nothing; what an engine calls
//! the image is any of its digests (REVIEW A5).

use std::collections::{HashMap, HashSet};

use parapet_model::asset::{AssetKind, ContainerFacts, HostFacts, ImageFacts, ScanState};
use parapet_model::facts::AssetRow;
use parapet_model::id::{EnterpriseProjectNo, ProjectNo};
use parapet_model::rare::Blank;
use parapet_model::time::Millis;
use parapet_model::{AssetNo, Digest};
use uuid::Uuid;

use super::lives::NewAsset;
use super::{Look, Outcome, Recorded};
use crate::error::Result;
use crate::log::Kind;
use crate::session::Session;
use crate::sql::{args, to_json};
use crate::tx::Tx;

const MOVE: &str =
    "UPDATE asset SET name = $1, image = $2, observed = $3, container_facts = $4 WHERE no = $5";

/// A container as an engine lists it.
#[derive(Debug, Clone)]
pub struct ContainerObservation<'a> {
    /// Owner.
    pub project: ProjectNo,
    /// Owner inside the account.
    pub enterprise_project: EnterpriseProjectNo,
    /// The engine's id.
    pub identity: &'a str,
    /// Name for people.
    pub name: &'a str,
    /// State, host, and the digests by which the engine names the image. `state_since` is worked out
    /// here.
    pub facts: &'a ContainerFacts,
    /// When it was seen.
    pub observed: Millis,
}

impl Session {
    /// The image of the project that any of these digests names, one that was read before one that
    /// merely stands in.
    pub async fn find_image_of(
        &mut self,
        project: ProjectNo,
        digests: &[parapet_model::Digest],
    ) -> Result<Option<AssetRow>> {
        let mut first = None;
        for digest in digests {
            let Some(no) = self.find_image(project, digest).await? else { continue };
            let image = self.asset(no).await?;
            match image {
                Some(image) if image.scan == ScanState::Scanned && image.held.is_open() => {
                    return Ok(Some(image));
                }
                found => first = first.or(found),
            }
        }
        Ok(first)
    }
}

impl Tx {
    /// Records that containers exist, as [`Tx::record_container`] does one by one; in a few statements
    /// where all of them are new and their images were read.
    ///
    /// # Errors
    /// Like [`Tx::record_container`].
    pub async fn record_containers(&mut self, seen: &[ContainerObservation<'_>]) -> Result<Vec<Recorded>> {
        let project = |at: usize| seen[at].project;
        let uuids: Vec<(ProjectNo, Uuid)> =
            seen.iter().map(|c| (c.project, AssetKind::Container.uuid(c.project, c.identity))).collect();
        let known = self.assets_known(&uuids).await?;
        let images: Vec<(ProjectNo, Digest)> = seen
            .iter()
            .flat_map(|c| c.facts.image_digests.iter().map(|digest| (c.project, *digest)))
            .collect();
        let images = self.images_read(&images).await?;
        let mut met = HashSet::new();
        let mut plain: Vec<(usize, AssetNo)> = Vec::new();
        for (at, container) in seen.iter().enumerate() {
            let mut digests = container.facts.image_digests.iter();
            let image = digests.next().and_then(|first| images.get(&(project(at), *first)));
            let all_its_own = digests.all(|digest| images.get(&(project(at), *digest)) == image);
            match image {
                Some(&image) if all_its_own && !known.contains_key(&uuids[at]) && met.insert(uuids[at]) => {
                    plain.push((at, image));
                }
                _ => {}
            }
        }
        let facts: Vec<ContainerFacts> = plain
            .iter()
            .map(|&(at, _)| ContainerFacts { state_since: seen[at].observed, ..seen[at].facts.clone() })
            .collect();
        let looks: Vec<Look<'_>> =
            plain.iter().map(|&(at, _)| seen[at].look(seen[at].name, seen[at].observed)).collect();
        let new: Vec<(&Look<'_>, NewAsset<'_>)> = plain
            .iter()
            .zip(looks.iter().zip(&facts))
            .map(|(&(at, image), (look, facts))| {
                let kind = AssetKind::Container;
                (look, bare(uuids[at].1, kind, seen[at].identity, Some(image), facts))
            })
            .collect();
        let made = self.insert_assets(&new).await?;
        let made: HashMap<usize, AssetNo> = plain.iter().map(|(at, _)| *at).zip(made).collect();
        let mut recorded = Vec::with_capacity(seen.len());
        for (at, container) in seen.iter().enumerate() {
            recorded.push(match made.get(&at) {
                Some(&asset) => {
                    let (uuid, outcome) = (uuids[at].1, Outcome::New);
                    Recorded { asset, uuid, outcome, reference_moved: false }
                }
                None => self.record_container(container).await?,
            });
        }
        Ok(recorded)
    }

    /// Records that a container exists. It joins the image any of whose digests it names; when none
    /// is known, an image that was not scanned stands in, until a scan learns that digest. A
    /// container that is gone is deleted with [`Tx::delete_asset`].
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] for an identity over 512 bytes or with a NUL.
    pub async fn record_container(&mut self, container: &ContainerObservation<'_>) -> Result<Recorded> {
        let project = container.project;
        let uuid = AssetKind::Container.uuid(project, container.identity);
        let known = self.asset_by_uuid(project, &uuid).await?;
        if let Some(known) = known.as_ref().filter(|known| container.observed < known.observed) {
            return Ok(Recorded {
                asset: known.no,
                uuid,
                outcome: Outcome::OlderKept,
                reference_moved: false,
            });
        }
        let image = self.image_or_stand_in(container).await?;
        let mut facts = container.facts.clone();
        facts.state_since = container.observed;
        let (asset, outcome) = match known {
            Some(known) => {
                let alive = known.held.is_open();
                if !alive {
                    self.revive(known.no).await?;
                } else if known.container_facts.state == facts.state {
                    facts.state_since = known.container_facts.state_since;
                }
                let same = alive
                    && (known.image, known.name.as_str(), &*known.container_facts)
                        == (image, container.name, &facts);
                let image = image.unwrap_or_default();
                let json = to_json(&facts)?;
                self.execute(MOVE, args![container.name, image, container.observed, &json, known.no]).await?;
                self.log(Kind::Asset, known.no.0);
                (known.no, if same { Outcome::Unchanged } else { Outcome::Updated })
            }
            None => {
                let new = bare(uuid, AssetKind::Container, container.identity, image, &facts);
                let look = container.look(container.name, container.observed);
                (self.insert_asset(&look, new).await?, Outcome::New)
            }
        };
        Ok(Recorded { asset, uuid, outcome, reference_moved: false })
    }

    /// The image of a container; none when the engine does not name it. What else the engine calls
    /// that image is learnt.
    async fn image_or_stand_in(&mut self, container: &ContainerObservation<'_>) -> Result<Option<AssetNo>> {
        let (project, digests) = (container.project, &container.facts.image_digests);
        let Some(first) = digests.first() else { return Ok(None) };
        let image = match self.find_image_of(project, digests).await? {
            Some(image) => image.no,
            None => {
                let identity = first.to_string();
                let uuid = AssetKind::Image.uuid(project, &identity);
                let none = ContainerFacts::default();
                let new = bare(uuid, AssetKind::Image, &identity, None, &none);
                let name = match container.facts.image_name.as_str() {
                    "" => identity.as_str(),
                    name => name,
                };
                self.insert_asset(&container.look(name, 0), new).await?
            }
        };
        self.learn_image_digests(project, image, digests).await?;
        Ok(Some(image))
    }
}

/// An asset that nobody has read.
fn bare<'a>(
    uuid: uuid::Uuid,
    kind: AssetKind,
    identity: &'a str,
    image: Option<AssetNo>,
    container_facts: &'a ContainerFacts,
) -> NewAsset<'a> {
    NewAsset {
        uuid,
        kind,
        identity,
        image,
        scan: ScanState::NotScanned,
        pinned: false,
        image_facts: ImageFacts::blank(),
        host_facts: HostFacts::blank(),
        container_facts,
    }
}

impl ContainerObservation<'_> {
    fn look<'b>(&self, name: &'b str, observed: Millis) -> Look<'b> {
        Look {
            project: self.project,
            enterprise_project: self.enterprise_project,
            name,
            distro: None,
            databases: &[],
            observed,
            content: parapet_model::Digest([0; 32]),
            reader_version: 0,
        }
    }
}
