//! The application: what every use case works with.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use parapet_fetch::AddressPolicy;
use parapet_model::job::{JobKind, JobState};
use parapet_model::{Clock, Ids, Millis, Permission, Principal};
use parapet_store::audit::{AuditFilter, AuditRow};
use parapet_store::seal::MasterKey;
use parapet_store::{Store, StoreUrl};

use crate::accounts::{Accounts, SignIns, require};
use crate::artifacts::{ArtifactPlace, Artifacts};
use crate::compliance::Compliance;
use crate::connectors::{Clouds, Connectors, Kept};
use crate::control_exceptions::{ControlExceptions, ExceptionRules};
use crate::control_posture::ControlPostures;
use crate::error::{Error, Result};
use crate::exceptions::Exceptions;
use crate::exports::{Exports, HeldViews, RowShape};
use crate::feeds::Feeds;
use crate::findings::Findings;
use crate::handling::Handling;
use crate::host_scans::HostScans;
use crate::hosts::Hosts;
use crate::jobs::Jobs;
use crate::lists::Lists;
use crate::live::Live;
use crate::notices::{Channels, Notices, NotifyOptions};
use crate::packages::Packages;
use crate::registries::Registries;
use crate::reports::Reports;
use crate::scan::Scans;
use crate::scan::cache::LayerTurns;
use crate::schedules::Schedules;
use crate::sensors::{SensorProfiles, Sensors};

/// What an application is opened with.
#[derive(Debug)]
pub struct Options {
    /// Where the facts are.
    pub url: StoreUrl,
    /// What seals secrets.
    pub key: MasterKey,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Identifiers.
    pub ids: Arc<dyn Ids>,
    /// Where finished exports are kept.
    pub artifacts: ArtifactPlace,
    /// From which age on a feed counts as stale.
    pub stale_after: Millis,
    /// Whether posture is loaded. Who only looks after users, roles, keys and tokens, or records results, needs
    /// none, and on a large estate it takes seconds.
    pub posture: bool,
    /// Where posture is kept from one start to the next, so that a start need not read every row of a large
    /// store.
    pub checkpoint: Option<PathBuf>,
    /// The columns of wire families, by name.
    pub shapes: Vec<(String, Arc<dyn RowShape>)>,
    /// Which addresses may be connected to.
    pub allow: AddressPolicy,
    /// Where clouds are, and who the server is there.
    pub clouds: Clouds,
    /// What holds for exceptions of every kind.
    pub rules: ExceptionRules,
    /// Where notices go: the address of a webhook with its key, a mail relay with its password.
    pub notify: NotifyOptions,
}

/// An open store with its posture. Use cases are grouped: [`App::accounts`], [`App::feeds`], …
#[derive(Debug)]
pub struct App {
    pub(crate) store: Store,
    pub(crate) key: MasterKey,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) artifacts: Artifacts,
    pub(crate) shapes: BTreeMap<String, Arc<dyn RowShape>>,
    pub(crate) sign_ins: SignIns,
    pub(crate) held_views: HeldViews,
    pub(crate) wake: tokio::sync::Notify,
    pub(crate) client: parapet_fetch::Client,
    pub(crate) clouds: Clouds,
    pub(crate) kept_passwords: Arc<Kept>,
    pub(crate) layer_turns: LayerTurns,
    pub(crate) rules: ExceptionRules,
    pub(crate) channels: Channels,
    pub(crate) own_address: OnceLock<SocketAddr>,
    pub(crate) max_results: OnceLock<u64>,
    live: Live,
}

impl App {
    /// Opens the store, checks that the key is the one its secrets were sealed with, and loads
    /// posture.
    pub async fn open(options: Options) -> Result<Arc<Self>> {
        let store = Store::open(parapet_store::Options {
            url: options.url,
            clock: options.clock.clone(),
            ids: options.ids.clone(),
            small: !options.posture,
        })
        .await?;
        // A store that is thrown away holds no secret.
        if !matches!(store.url(), StoreUrl::Temporary(_)) {
            let mut tx = store.begin().await?;
            tx.check_master_key(&options.key).await?;
            tx.commit().await?;
        }
        let client = parapet_fetch::Client::new(
            parapet_fetch::ClientOptions { allow: options.allow, ..Default::default() },
            parapet_fetch::Environment::system(),
        )?;
        let channels = options.notify.open(&client)?;
        let artifacts = Artifacts::open(options.artifacts, &client).await?;
        let (clock, ids) = (options.clock.clone(), options.ids.clone());
        let live = Live::new(store.clone(), clock, ids, options.stale_after, options.checkpoint);
        if options.posture {
            live.load().await?;
        }
        Ok(Arc::new(Self {
            store,
            key: options.key,
            clock: options.clock,
            ids: options.ids,
            artifacts,
            shapes: options.shapes.into_iter().collect(),
            sign_ins: SignIns::default(),
            held_views: HeldViews::default(),
            wake: tokio::sync::Notify::new(),
            client,
            clouds: options.clouds,
            kept_passwords: Arc::default(),
            layer_turns: LayerTurns::default(),
            rules: options.rules,
            channels,
            own_address: OnceLock::new(),
            max_results: OnceLock::new(),
            live,
        }))
    }

    /// The person at this machine's command line, in the project `default`.
    pub async fn local_principal(&self) -> Result<Principal> {
        let project = self.store.read().await?.project_by_name("default").await?;
        project
            .map(|p| Principal::local(p.no))
            .ok_or_else(|| Error::NotFound("project \"default\"".to_owned()))
    }

    /// Says where this server listens, so that it never asks itself.
    pub fn listens_on(&self, address: SocketAddr) {
        // Said twice, the first stays.
        let _ = self.own_address.set(address);
    }

    /// Results of security checklists.
    pub fn compliance(&self) -> Compliance<'_> {
        Compliance(self)
    }

    /// Says how large a results document may be that is sent here, in bytes.
    pub fn takes_results_up_to(&self, bytes: u64) {
        // Said twice, the first stays.
        let _ = self.max_results.set(bytes);
    }

    /// Connectors to the registries of clouds.
    pub fn connectors(&self) -> Connectors<'_> {
        Connectors(self)
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Now.
    pub fn now(&self) -> Millis {
        self.clock.now()
    }

    /// A fresh id, for an answer that has to name something.
    pub fn fresh_id(&self) -> uuid::Uuid {
        self.ids.uuid()
    }

    /// The read model.
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// Users, roles, keys, tokens.
    pub fn accounts(&self) -> Accounts<'_> {
        Accounts(self)
    }

    /// Advisory feeds.
    pub fn feeds(&self) -> Feeds<'_> {
        Feeds(self)
    }

    /// Reading images, hosts and SBOMs.
    pub fn scans(&self) -> Scans<'_> {
        Scans(self)
    }

    /// Registries.
    pub fn registries(&self) -> Registries<'_> {
        Registries(self)
    }

    /// Schedules of registry scans.
    pub fn schedules(&self) -> Schedules<'_> {
        Schedules(self)
    }

    /// Findings, counts, explanations.
    pub fn findings(&self) -> Findings<'_> {
        Findings(self)
    }

    /// Packages: where they are, and what was held against them.
    pub fn packages(&self) -> Packages<'_> {
        Packages(self)
    }

    /// Exceptions.
    pub fn exceptions(&self) -> Exceptions<'_> {
        Exceptions(self)
    }

    /// Exceptions of controls.
    pub fn control_exceptions(&self) -> ControlExceptions<'_> {
        ControlExceptions(self)
    }

    /// Notices about exceptions.
    pub fn notices(&self) -> Notices<'_> {
        Notices(self)
    }

    /// How hosts stand with controls.
    pub fn control_postures(&self) -> ControlPostures<'_> {
        ControlPostures(self)
    }

    /// What holds for exceptions of every kind.
    pub fn exception_rules(&self) -> ExceptionRules {
        self.rules
    }

    /// What people do about vulnerabilities.
    pub fn handling(&self) -> Handling<'_> {
        Handling(self)
    }

    /// Looking at hosts again.
    pub fn host_scans(&self) -> HostScans<'_> {
        HostScans(self)
    }

    /// What people say of hosts.
    pub fn hosts(&self) -> Hosts<'_> {
        Hosts(self)
    }

    /// Lists of vulnerabilities.
    pub fn lists(&self) -> Lists<'_> {
        Lists(self)
    }

    /// Sensors, and what they report.
    pub fn sensors(&self) -> Sensors<'_> {
        Sensors(self)
    }

    /// Profiles of sensors.
    pub fn sensor_profiles(&self) -> SensorProfiles<'_> {
        SensorProfiles(self.sensors())
    }

    /// Exports and their files.
    pub fn exports(&self) -> Exports<'_> {
        Exports(self)
    }

    /// Reports and their schedules.
    pub fn reports(&self) -> Reports<'_> {
        Reports(self)
    }

    /// Jobs.
    pub fn jobs(&self) -> Jobs<'_> {
        Jobs(self)
    }

    /// Audit events of the asker's project, newest first, below number `before`.
    pub async fn audit(
        &self,
        who: &Principal,
        filter: &AuditFilter<'_>,
        before: u32,
        limit: u32,
    ) -> Result<Vec<AuditRow>> {
        require(who, Permission::AuditRead)?;
        Ok(self.store.read().await?.audit_events(Some(who.project), filter, before, limit).await?)
    }

    /// How many audit events of the asker's project there are.
    pub async fn audit_count(&self, who: &Principal, filter: &AuditFilter<'_>) -> Result<u64> {
        require(who, Permission::AuditRead)?;
        Ok(self.store.read().await?.audit_count(Some(who.project), filter).await?)
    }

    /// How many jobs of each kind are in each state.
    pub async fn job_counts(&self) -> Result<Vec<(JobKind, JobState, u64)>> {
        Ok(self.store.read().await?.job_counts().await?)
    }
}
