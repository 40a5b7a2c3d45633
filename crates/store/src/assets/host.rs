//! Looks at hosts: one whole set each time; the store works out what came and went.

use parapet_model::SetNo;
use parapet_model::asset::{AssetKind, ContainerFacts, HostFacts, ImageFacts, ScanState};
use parapet_model::facts::AssetRow;
use parapet_model::verdict::ClosingReason;

use super::lives::NewAsset;
use super::observations::is_duplicate;
use super::{Look, Outcome, Recorded};
use crate::error::Result;
use crate::tx::Tx;

/// A look at a host.
#[derive(Debug, Clone)]
pub struct HostObservation<'a> {
    /// What every look says.
    pub look: Look<'a>,
    /// Its machine id.
    pub identity: &'a str,
    /// Kernel, addresses and so on.
    pub facts: &'a HostFacts,
    /// Everything it shows.
    pub set: SetNo,
}

impl Tx {
    /// Records a look at a host.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] for an identity over 512 bytes or with a NUL.
    pub async fn record_host(&mut self, host: &HostObservation<'_>) -> Result<Recorded> {
        let project = host.look.project;
        let mut uuid = AssetKind::Host.uuid(project, host.identity);
        let known = match self.host_of_machine(project, host.identity).await? {
            Some(known) => Some(known),
            None => self.adopt(host).await?,
        };
        let (asset, outcome) = match known {
            Some(known) => {
                uuid = known.uuid;
                (known.no, self.host_again(&known, host).await?)
            }
            None => {
                let new = NewAsset {
                    uuid,
                    kind: AssetKind::Host,
                    identity: host.identity,
                    image: None,
                    scan: ScanState::Scanned,
                    pinned: true,
                    image_facts: &ImageFacts::default(),
                    host_facts: host.facts,
                    container_facts: &ContainerFacts::default(),
                };
                let asset = self.insert_asset(&host.look, new).await?;
                let sets = [(host.set, String::new())];
                self.open_links(&[(asset, &sets)]).await?;
                self.insert_observation(asset, &host.look, &sets).await?;
                self.learn_sensor_host(project, asset, host.look.name, &host.facts.addresses).await?;
                (asset, Outcome::New)
            }
        };
        Ok(Recorded { asset, uuid, outcome, reference_moved: false })
    }

    async fn host_again(&mut self, known: &AssetRow, host: &HostObservation<'_>) -> Result<Outcome> {
        let look = &host.look;
        let sets = [(host.set, String::new())];
        let earlier = self.observations(&[known.no]).await?;
        if is_duplicate(&earlier, look) {
            return Ok(Outcome::Duplicate);
        }
        if look.observed < known.observed {
            self.insert_older_observation(&earlier, known.no, look, &sets).await?;
            return Ok(Outcome::OlderKept);
        }
        let alive = known.held.is_open();
        if !alive {
            self.revive(known.no).await?;
        }
        let reason = if look.reader_version == known.reader_version {
            ClosingReason::Fixed
        } else {
            ClosingReason::ReaderChanged
        };
        let absorbed = self.absorb(host, known.no).await?;
        let moved = self.move_presence(known, host.set, reason).await?;
        let none = ImageFacts::default();
        let mut facts = with_what_was_said(host.facts, &known.host_facts);
        if let Some(absorbed) = absorbed {
            facts = with_what_was_said(&facts, &absorbed.host_facts);
        }
        self.update_asset(known, look, look.reader_version, &none, &facts, true).await?;
        self.learn_sensor_host(look.project, known.no, look.name, &facts.addresses).await?;
        let same_set =
            earlier.last().is_some_and(|o| o.sets == sets && o.reader_version == look.reader_version);
        if same_set {
            self.extend_observation(&earlier, look).await?;
        } else {
            self.insert_observation(known.no, look, &sets).await?;
        }
        Ok(if moved || !alive { Outcome::Updated } else { Outcome::Unchanged })
    }
}

/// What a look says of a host, with what people said of it before, its group and what it is worth, and with the
/// addresses known where the look was at files and has none.
fn with_what_was_said(seen: &HostFacts, known: &HostFacts) -> HostFacts {
    let mut facts = seen.clone();
    if facts.addresses.is_empty() {
        facts.addresses.clone_from(&known.addresses);
    }
    if facts.group.is_empty() {
        facts.group.clone_from(&known.group);
    }
    if facts.asset_value.is_empty() {
        facts.asset_value.clone_from(&known.asset_value);
    }
    facts
}
