//! Looks at containers. A container derives from its image and copies nothing; what an engine calls
//! the image is any of its digests (REVIEW A5).

use parapet_model::asset::{AssetKind, HostFacts, ImageFacts, ScanState};
use parapet_model::id::{EnterpriseProjectNo, ProjectNo};
use parapet_model::time::Millis;
use parapet_model::{AssetNo, Digest};

use super::lives::NewAsset;
use super::{Look, Outcome, Recorded};
use crate::error::Result;
use crate::log::Kind;
use crate::sql::args;
use crate::tx::Tx;

const MOVE: &str = "UPDATE asset SET name = $1, image = $2, observed = $3 WHERE no = $4";

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
    /// The digest by which the engine names the image.
    pub image: Digest,
    /// When it was seen.
    pub observed: Millis,
}

impl Tx {
    /// Records that a container runs. It joins the image any of whose digests it names; when none
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
        let (asset, outcome) = match known {
            Some(known) => {
                let alive = known.held.is_open();
                if !alive {
                    self.revive(known.no).await?;
                }
                let same = alive && known.image == Some(image) && known.name == container.name;
                self.execute(MOVE, args![container.name, image, container.observed, known.no]).await?;
                self.log(Kind::Asset, known.no.0);
                (known.no, if same { Outcome::Unchanged } else { Outcome::Updated })
            }
            None => {
                let new = bare(uuid, AssetKind::Container, container.identity, Some(image));
                (
                    self.insert_asset(&container.look(container.name, container.observed), &new).await?,
                    Outcome::New,
                )
            }
        };
        Ok(Recorded { asset, uuid, outcome, reference_moved: false })
    }

    async fn image_or_stand_in(&mut self, container: &ContainerObservation<'_>) -> Result<AssetNo> {
        if let Some(image) = self.find_image(container.project, &container.image).await? {
            return Ok(image);
        }
        let identity = container.image.to_string();
        let uuid = AssetKind::Image.uuid(container.project, &identity);
        let new = bare(uuid, AssetKind::Image, &identity, None);
        let no = self.insert_asset(&container.look(&identity, 0), &new).await?;
        self.add_aliases(container.project, no, &[&container.image]).await?;
        Ok(no)
    }
}

const NO_IMAGE_FACTS: &ImageFacts = &ImageFacts {
    manifest_digests: Vec::new(),
    size: 0,
    created: 0,
    platform: String::new(),
    labels: std::collections::BTreeMap::new(),
};
const NO_HOST_FACTS: &HostFacts = &HostFacts {
    kernel: String::new(),
    addresses: Vec::new(),
    group: String::new(),
    asset_value: String::new(),
};

/// An asset that nobody has read.
fn bare(uuid: uuid::Uuid, kind: AssetKind, identity: &str, image: Option<AssetNo>) -> NewAsset<'_> {
    NewAsset {
        uuid,
        kind,
        identity,
        image,
        scan: ScanState::NotScanned,
        pinned: false,
        image_facts: NO_IMAGE_FACTS,
        host_facts: NO_HOST_FACTS,
    }
}

impl<'a> ContainerObservation<'a> {
    fn look(&self, name: &'a str, observed: Millis) -> Look<'a> {
        Look {
            project: self.project,
            enterprise_project: self.enterprise_project,
            name,
            distro: None,
            databases: &[],
            observed,
            content: Digest([0; 32]),
            reader_version: 0,
        }
    }
}
