//! The names by which hosts are known, and hosts that are known from documents only.
//!
//! A document does not know the machine id under which a sensor reports its host. It is joined by the first
//! of these that exactly one host has: machine id, full name, hardware address, first address, host name. A
//! name that several hosts have joins none; a host that nobody knows becomes an asset of its own, until a
//! sensor reports it (`join`).

use std::collections::BTreeSet;

use parapet_model::asset::{AssetKind, ContainerFacts, HostFacts, ImageFacts, ScanState};
use parapet_model::compliance::Target;
use parapet_model::compliance::target::{MAX_NAME, telling_address};
use parapet_model::facts::AssetRow;
use parapet_model::id::{EnterpriseProjectNo, ProjectNo};
use parapet_model::time::{FOREVER, Millis};
use parapet_model::{AssetNo, Digest};
use uuid::Uuid;

use super::lives::NewAsset;
use super::{Look, Outcome, Recorded};
use crate::error::{Error, Result};
use crate::session::Session;
use crate::sql::{Bulk, Value, args};
use crate::tx::Tx;

const FIND: &str = "SELECT n.host, a.to_at FROM host_name n JOIN asset a ON a.no = n.host \
     WHERE n.project = $1 AND n.kind = $2 AND n.name = $3 ORDER BY n.project, n.kind, n.name, n.host";
const OF_HOST: &str = "SELECT kind, name FROM host_name WHERE host = $1 AND kind <= $2 \
     ORDER BY project, kind, name, host";
const FORGET: &str = "DELETE FROM host_name WHERE host = $1 AND kind >= $2 AND kind <= $3";
const LEARN: Bulk<4> = Bulk {
    before: "INSERT INTO host_name (project, kind, name, host) VALUES ",
    after: " ON CONFLICT DO NOTHING",
};

/// Numbers of `host_name.kind`.
const FULL_NAME: u8 = 1;
const HARDWARE: u8 = 2;
const ADDRESS: u8 = 3;
const HOST_NAME: u8 = 4;
const SENSOR_NAME: u8 = 5;
const SENSOR_ADDRESS: u8 = 6;
/// The machine id of a host that was known by another identity before a sensor reported it.
const MACHINE_ID: u8 = 7;

/// A host as a document knows it.
#[derive(Debug, Clone, Copy)]
pub struct TargetObservation<'a> {
    /// Owner.
    pub project: ProjectNo,
    /// Owner inside the account of a host that is new.
    pub enterprise_project: EnterpriseProjectNo,
    /// Its names.
    pub target: &'a Target,
    /// When it was looked at.
    pub observed: Millis,
    /// Whether no newer document of it is known: then its names are these.
    pub newest: bool,
}

/// What two looks at hosts have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Common {
    /// A name with a domain, or a hardware address: it is enough.
    Strong,
    /// A network address, which another host may have had before.
    Address,
    /// A name without a domain, which another network may have too.
    BareName,
}

impl Session {
    /// The host of a machine id: the asset that was made for it, or the one that a sensor of this machine
    /// was joined with.
    pub async fn find_machine(&mut self, project: ProjectNo, id: &str) -> Result<Option<AssetNo>> {
        let uuid = AssetKind::Host.uuid(project, id);
        if let Some(host) = self.assets_known(&[(project, uuid)]).await?.into_values().next() {
            return Ok(Some(host));
        }
        let rows = self.fetch(FIND, args![project, MACHINE_ID, id]).await?;
        rows.first().map(|row| row.fields("host_name").u32("host").map(AssetNo)).transpose()
    }

    /// The same, whole.
    pub async fn host_of_machine(&mut self, project: ProjectNo, id: &str) -> Result<Option<AssetRow>> {
        match self.find_machine(project, id).await? {
            Some(host) => self.asset(host).await,
            None => Ok(None),
        }
    }

    /// The host of the project that a document means, if exactly one is known by its strongest name that
    /// any is known by. A deleted host is meant only when no other is.
    pub async fn find_target(&mut self, project: ProjectNo, target: &Target) -> Result<Option<AssetNo>> {
        for id in &target.machine_ids {
            if let Some(host) = self.find_machine(project, id).await? {
                return Ok(Some(host));
            }
        }
        Ok(self.find_named(project, target, None).await?.map(|(host, _)| host))
    }

    /// The same by names and addresses alone, `but` one host, with what was in common.
    pub(super) async fn find_named(
        &mut self,
        project: ProjectNo,
        target: &Target,
        but: Option<AssetNo>,
    ) -> Result<Option<(AssetNo, Common)>> {
        let names: [(&[u8], &[String], Common); 4] = [
            (&[FULL_NAME, SENSOR_NAME], &target.full_names, Common::Strong),
            (&[HARDWARE], &target.hardware, Common::Strong),
            // The first is the one that the host shows; others may be of bridges that every host has.
            (&[ADDRESS, SENSOR_ADDRESS], target.addresses.get(..1).unwrap_or_default(), Common::Address),
            (&[HOST_NAME, SENSOR_NAME], &target.host_names, Common::BareName),
        ];
        for (kinds, names, common) in names {
            if let Some(host) = self.only_host(project, kinds, names, but).await? {
                return Ok(Some((host, common)));
            }
        }
        Ok(None)
    }

    async fn only_host(
        &mut self,
        project: ProjectNo,
        kinds: &[u8],
        names: &[String],
        but: Option<AssetNo>,
    ) -> Result<Option<AssetNo>> {
        let (mut alive, mut all) = (BTreeSet::new(), BTreeSet::new());
        for name in names {
            for &kind in kinds {
                for row in self.fetch(FIND, args![project, kind, name]).await? {
                    let mut f = row.fields("host_name");
                    let host = AssetNo(f.u32("host")?);
                    let open = f.i64()? == FOREVER;
                    if Some(host) == but {
                        continue;
                    }
                    if open {
                        alive.insert(host);
                    }
                    all.insert(host);
                }
            }
        }
        let hosts = if alive.is_empty() { all } else { alive };
        Ok(hosts.first().copied().filter(|_| hosts.len() == 1))
    }

    /// The names that documents gave a host.
    pub(super) async fn names_of_target(&mut self, host: AssetNo) -> Result<Target> {
        let mut target = Target::default();
        for row in self.fetch(OF_HOST, args![host, HOST_NAME]).await? {
            let mut f = row.fields("host_name");
            let (kind, name) = (f.i64()?, f.text()?);
            let names = match u8::try_from(kind) {
                Ok(FULL_NAME) => &mut target.full_names,
                Ok(HARDWARE) => &mut target.hardware,
                Ok(ADDRESS) => &mut target.addresses,
                _ => &mut target.host_names,
            };
            names.push(name);
        }
        Ok(target)
    }
}

impl Tx {
    /// The host that a document means: a known one, or a new asset without packages. A deleted host
    /// comes back.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the target has no name at all.
    pub async fn record_target(&mut self, seen: &TargetObservation<'_>) -> Result<Recorded> {
        let (project, target) = (seen.project, seen.target);
        let found = match self.find_target(project, target).await? {
            Some(host) => self.asset(host).await?,
            None => {
                let identity = target.identity();
                let identity = identity.ok_or_else(|| Error::Invalid("the host has no name".to_owned()))?;
                let uuid = AssetKind::Host.uuid(project, &identity);
                match self.asset_by_uuid(project, &uuid).await? {
                    Some(known) => Some(known),
                    None => return self.new_target(seen, &uuid, &identity).await,
                }
            }
        };
        let known = found.ok_or_else(|| Error::Invalid("the host is not there".to_owned()))?;
        let alive = known.held.is_open();
        if !alive {
            self.revive(known.no).await?;
        }
        if seen.newest {
            self.learn_target(project, known.no, target).await?;
        }
        let outcome = if alive { Outcome::Unchanged } else { Outcome::Updated };
        Ok(Recorded { asset: known.no, uuid: known.uuid, outcome, reference_moved: false })
    }

    async fn new_target(
        &mut self,
        seen: &TargetObservation<'_>,
        uuid: &Uuid,
        identity: &str,
    ) -> Result<Recorded> {
        let addresses = seen.target.addresses.clone();
        let new = NewAsset {
            uuid: *uuid,
            kind: AssetKind::Host,
            identity,
            image: None,
            scan: ScanState::NotScanned,
            pinned: true,
            image_facts: &ImageFacts::default(),
            host_facts: &HostFacts { addresses, ..HostFacts::default() },
            container_facts: &ContainerFacts::default(),
        };
        // Nothing of its packages was looked at, so the first look of a sensor is newer.
        let look = Look {
            project: seen.project,
            enterprise_project: seen.enterprise_project,
            name: seen.target.shown(),
            distro: None,
            databases: &[],
            observed: 0,
            content: Digest::of(b""),
            reader_version: 0,
        };
        let asset = self.insert_asset(&look, new).await?;
        self.learn_target(seen.project, asset, seen.target).await?;
        Ok(Recorded { asset, uuid: *uuid, outcome: Outcome::New, reference_moved: false })
    }

    async fn learn_target(&mut self, project: ProjectNo, host: AssetNo, target: &Target) -> Result<()> {
        let kinds = [
            (FULL_NAME, &target.full_names),
            (HARDWARE, &target.hardware),
            (ADDRESS, &target.addresses),
            (HOST_NAME, &target.host_names),
        ];
        let names = kinds.into_iter().flat_map(|(kind, names)| names.iter().map(move |name| (kind, name)));
        let names: Vec<(u8, &String)> = names.collect();
        self.execute(FORGET, args![host, FULL_NAME, HOST_NAME]).await?;
        self.learn(project, host, &names).await
    }

    /// Takes over the names that a sensor gives its host.
    pub(super) async fn learn_sensor_host(
        &mut self,
        project: ProjectNo,
        host: AssetNo,
        name: &str,
        addresses: &[String],
    ) -> Result<()> {
        let name = name.to_ascii_lowercase();
        let addresses: Vec<String> = addresses.iter().filter_map(|text| telling_address(text)).collect();
        let names = std::iter::once((SENSOR_NAME, &name)).filter(|(_, name)| !name.is_empty());
        let names: Vec<(u8, &String)> =
            names.chain(addresses.iter().map(|address| (SENSOR_ADDRESS, address))).collect();
        self.execute(FORGET, args![host, SENSOR_NAME, SENSOR_ADDRESS]).await?;
        self.learn(project, host, &names).await
    }

    /// Notes that a host is the machine with this id.
    pub(super) async fn learn_machine(&mut self, project: ProjectNo, host: AssetNo, id: &str) -> Result<()> {
        self.learn(project, host, &[(MACHINE_ID, &id.to_owned())]).await
    }

    async fn learn(&mut self, project: ProjectNo, host: AssetNo, names: &[(u8, &String)]) -> Result<()> {
        let rows: Vec<[Value<'_>; 4]> = names
            .iter()
            .filter(|(_, name)| name.len() <= MAX_NAME && !name.contains('\0'))
            .map(|&(kind, name)| [project.into(), kind.into(), name.into(), host.into()])
            .collect();
        self.bulk(&LEARN, &rows).await?;
        Ok(())
    }
}
