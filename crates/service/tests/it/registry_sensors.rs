//! Sensors that scan the registries of their profile: who gets which job, what holds of the profile,
//! and that a job is done once whoever is slow.

use std::collections::BTreeSet;
use std::sync::Arc;

use parapet_fetch::{Client, ClientOptions, Environment};
use parapet_model::asset::ContainerState;
use parapet_model::schedule::Weekday;
use parapet_model::sensor::{
    BlackoutWindow, EngineContainer, EngineReport, Registration, SILENT_AFTER, SensorKind, SensorReport,
};
use parapet_model::time::DAY;
use parapet_model::{Digest, Permission, Principal};
use parapet_service::Error;
use parapet_service::schedules::{Execution, Status};
use parapet_service::sensors::{Agent, AgentOptions, BuiltIn, NewProfile, Task, WorkOutcome, WorkReport};
use parapet_store::registries::RegistrySettings;
use parapet_store::schedules::{RepoTag, ScanPlan, ScheduleFilter, ScheduleSettings};
use parapet_store::seal::Secret;
use parapet_store::sensors::{ProfileKind, ProfileSettings, ScanningPolicy};
use uuid::Uuid;

use crate::registry::TestRegistry;
use crate::world::World;

const OLD: &str = "2026-01-02T03:04:05Z";

struct Estate {
    world: World,
    remote: TestRegistry,
    registry: Uuid,
}

/// A sensor's account.
fn account(world: &World, user: u32) -> Principal {
    let permissions = BTreeSet::from([Permission::SensorReport]);
    Principal { user, name: format!("node-{user}"), permissions, ..world.who.clone() }
}

fn profile(registry: Uuid) -> ProfileSettings {
    ProfileSettings {
        name: "registries".to_owned(),
        description: String::new(),
        kind: ProfileKind::Registry,
        registries: vec![registry],
        runtime: None,
        ignore_processes: String::new(),
        propagates: false,
        filter: String::new(),
        blackouts: Vec::new(),
        interval_hours: 24,
        image_exclusions: Vec::new(),
        global: false,
        policy: ScanningPolicy::default(),
        archived_logs: None,
        log_size: None,
        concurrent_scans: 2,
    }
}

impl Estate {
    async fn new() -> Self {
        let (world, remote) = (World::new().await, TestRegistry::start().await);
        let settings = RegistrySettings {
            name: "r".to_owned(),
            endpoint: remote.endpoint.clone(),
            plain_http: true,
            platform: "linux/amd64".to_owned(),
            username: "scanner".to_owned(),
            ..RegistrySettings::default()
        };
        let secret = Secret::new("hunter22");
        let registry = world.app.registries().create(&world.who, settings, secret).await.unwrap().uuid;
        Self { world, remote, registry }
    }

    /// A sensor that was registered.
    async fn sensor(&self, user: u32) -> Uuid {
        let new = Registration { identity: format!("{user:032}"), ..Registration::default() };
        self.world.app.sensors().register(&account(&self.world, user), new).await.unwrap().sensor
    }

    async fn profile(&self, settings: ProfileSettings, sensors: Vec<Uuid>) -> Uuid {
        let new = NewProfile { settings, sensors };
        self.world.app.sensor_profiles().create(&self.world.who, &new).await.unwrap()
    }

    async fn change(&self, profile: Uuid, settings: ProfileSettings, sensors: Vec<Uuid>) {
        let new = NewProfile { settings, sensors };
        self.world.app.sensor_profiles().update(&self.world.who, profile, |_| Ok(new)).await.unwrap();
    }

    async fn schedule(&self) -> Uuid {
        let repo_tags = vec![RepoTag { repo: "team/*".to_owned(), tag: None }];
        let plan = ScanPlan { filters: vec![ScheduleFilter { repo_tags, days: 0 }], newest: None };
        let settings = ScheduleSettings { name: None, cadence: None, plan, force: false };
        let schedules = self.world.app.schedules();
        schedules.create(&self.world.who, self.registry, &settings).await.unwrap().uuid
    }

    async fn run(&self, schedule: Uuid) -> Execution {
        let schedules = self.world.app.schedules();
        let (mut runs, _) =
            schedules.executions(&self.world.who, self.registry, schedule, 0, 1).await.unwrap();
        runs.remove(0)
    }

    fn agent(&self, user: u32) -> Agent<BuiltIn> {
        let upstream = BuiltIn { app: self.world.app.clone(), who: account(&self.world, user) };
        self.world.write("root/etc/machine-id", &format!("{user:032}\n"));
        let options = AgentOptions {
            root: self.world.path("root"),
            socket: None,
            name: String::new(),
            kind: SensorKind::Registry,
            client: Some(Client::new(ClientOptions::default(), Environment::system()).unwrap()),
            checklist: None,
        };
        Agent::new(upstream, options, Arc::new(self.world.clock.clone())).unwrap()
    }
}

#[tokio::test]
async fn a_sensor_lists_and_scans_the_registries_of_its_profile_and_the_server_does_not() {
    let estate = Estate::new().await;
    estate.world.advise("DSA-1-1", "CVE-2026-0001", "glass", None);
    estate.world.import(&parapet_service::feeds::ImportOptions::default()).await;
    estate.remote.image("team/web", "1", "glass", OLD);
    estate.remote.image("team/web", "2", "stone", OLD);
    estate.remote.image("other/app", "1", "wood", OLD);
    let sensor = estate.sensor(7).await;
    estate.profile(profile(estate.registry), vec![sensor]).await;
    let schedule = estate.schedule().await;
    assert_eq!(estate.world.app.run_jobs().await.unwrap(), 0, "nothing is for the server");
    assert_eq!(estate.run(schedule).await.status, Status::Queued);

    let mut agent = estate.agent(7);
    let round = agent.round().await.unwrap();
    assert_eq!((round.problems, round.host.as_str()), (Vec::new(), ""), "its host is not read");
    assert_eq!((round.registries, round.registry_images), (1, 2));
    assert_eq!(agent.wait_seconds(), 30);
    let run = estate.run(schedule).await;
    assert_eq!((run.status, run.repositories, run.images, run.scanned), (Status::Finished, 1, 2, 2));
    // The first image may be read while the rest is listed.
    for times in [[run.started, run.listed, run.ended], [run.started, run.scanning, run.ended]] {
        assert!(times.is_sorted() && times[0].is_some(), "started, listed or scanning, ended: {times:?}");
    }
    assert_eq!(estate.world.findings(), ["CVE-2026-0001 glass 1.0-1"]);
    let holdings = estate.world.app.registries();
    let registry = holdings.get(&estate.world.who, estate.registry).await.unwrap();
    assert_eq!(holdings.holdings(&estate.world.who, &registry).unwrap().all.scanned, 2);

    estate.remote.blobs_read();
    let again = estate.schedule().await;
    agent.round().await.unwrap();
    let run = estate.run(again).await;
    assert_eq!((run.status, run.unchanged), (Status::Finished, 2));
    assert_eq!(estate.remote.blobs_read(), 0, "an unchanged digest is not read again");
}

#[tokio::test]
async fn one_image_that_fails_is_listed_and_a_registry_that_is_gone_fails_the_run() {
    let estate = Estate::new().await;
    estate.remote.image("team/web", "1", "glass", OLD);
    estate.remote.image("team/web", "2", "stone", OLD);
    estate.remote.spoil("team/web", "2");
    let sensor = estate.sensor(7).await;
    estate.profile(profile(estate.registry), vec![sensor]).await;
    let schedule = estate.schedule().await;
    let round = estate.agent(7).round().await.unwrap();
    assert_eq!(round.problems.len(), 1, "{:?}", round.problems);
    let run = estate.run(schedule).await;
    assert_eq!((run.status, run.scanned, run.failed), (Status::Finished, 1, 1));
    assert_eq!(run.errors[0].image, "team/web:2");

    estate.remote.hide_catalogue();
    let schedule = estate.schedule().await;
    estate.agent(7).round().await.unwrap();
    let run = estate.run(schedule).await;
    assert_eq!(run.status, Status::Error);
    assert!(run.errors[0].error.contains("must be named"), "{:?}", run.errors);
}

#[tokio::test]
async fn blackouts_exclusions_and_concurrency_of_the_profile_hold() {
    let estate = Estate::new().await;
    estate.remote.image("team/web", "1", "glass", OLD);
    estate.remote.image("team/web", "2", "stone", OLD);
    estate.remote.image("team/tool", "1", "wood", OLD);
    let sensor = estate.sensor(7).await;
    let all_week = BTreeSet::from([
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
        Weekday::Saturday,
        Weekday::Sunday,
    ]);
    let dark = BlackoutWindow { start: 0, end: 1440, days: all_week };
    let settings = ProfileSettings {
        blackouts: vec![dark],
        image_exclusions: vec!["^team/tool".to_owned()],
        concurrent_scans: 1,
        ..profile(estate.registry)
    };
    let id = estate.profile(settings.clone(), vec![sensor]).await;
    let schedule = estate.schedule().await;
    let (sensors, who) = (estate.world.app.sensors(), account(&estate.world, 7));
    assert_eq!(sensors.claim(&who, sensor).await.unwrap(), None, "nothing is given out in the dark");
    assert!(estate.agent(7).round().await.unwrap().blackout);

    estate.change(id, ProfileSettings { blackouts: Vec::new(), ..settings }, vec![sensor]).await;
    let work = sensors.claim(&who, sensor).await.unwrap().unwrap();
    assert!(matches!(&work.task, Task::List { exclusions, .. } if exclusions.len() == 1));
    assert_eq!((work.registry.user.as_str(), work.registry.secret.as_str()), ("scanner", "hunter22"));
    assert!(!format!("{work:?}").contains("hunter22"));
    assert_eq!(sensors.claim(&who, sensor).await.unwrap(), None, "one at a time");
    let failed = WorkOutcome::Failed { error: "no route".to_owned(), transient: true };
    let said = |outcome| WorkReport { sensor, job: work.job, attempt: work.attempt, outcome };
    assert!(!sensors.worked(&who, said(failed)).await.unwrap().go_on);
    estate.world.clock.advance(60_000);
    estate.agent(7).round().await.unwrap();
    let run = estate.run(schedule).await;
    assert_eq!((run.status, run.images, run.scanned), (Status::Finished, 2, 2), "{:?}", run.errors);
}

#[tokio::test]
async fn a_slow_sensor_changes_nothing_and_others_get_nothing() {
    let estate = Estate::new().await;
    estate.remote.image("team/web", "1", "glass", OLD);
    let (slow, quick, stranger) = (estate.sensor(7).await, estate.sensor(8).await, estate.sensor(9).await);
    estate.profile(profile(estate.registry), vec![slow, quick]).await;
    let other = ProfileSettings { name: "others".to_owned(), ..profile(estate.registry) };
    estate.profile(ProfileSettings { registries: Vec::new(), ..other }, vec![stranger]).await;
    estate.schedule().await;
    let sensors = estate.world.app.sensors();
    let who = |user| account(&estate.world, user);
    assert_eq!(sensors.claim(&who(9), stranger).await.unwrap(), None, "its profile does not name it");
    assert!(matches!(sensors.claim(&who(9), slow).await, Err(Error::NotFound(_))), "it is another's");
    let first = sensors.claim(&who(7), slow).await.unwrap().unwrap();
    let said = |sensor, attempt, outcome| WorkReport { sensor, job: first.job, attempt, outcome };
    assert!(sensors.worked(&who(7), said(slow, first.attempt, WorkOutcome::Busy)).await.unwrap().go_on);
    let stolen = said(quick, first.attempt, WorkOutcome::Busy);
    assert!(!sensors.worked(&who(8), stolen).await.unwrap().go_on, "it has not got that job");

    estate.world.clock.advance(121_000);
    let second = sensors.claim(&who(8), quick).await.unwrap().unwrap();
    assert_eq!((second.job, second.attempt), (first.job, first.attempt + 1));
    let late = said(slow, first.attempt, WorkOutcome::ListEnded(Default::default()));
    assert!(!sensors.worked(&who(7), late).await.unwrap().go_on);
    let ended = said(quick, second.attempt, WorkOutcome::ListEnded(Default::default()));
    assert!(!sensors.worked(&who(8), ended.clone()).await.unwrap().go_on, "it is done");
    assert!(!sensors.worked(&who(8), ended).await.unwrap().go_on, "said twice, it counts once");
}

#[tokio::test]
async fn what_waits_moves_with_the_profile() {
    let estate = Estate::new().await;
    estate.remote.image("team/web", "1", "glass", OLD);
    let id = estate.profile(profile(estate.registry), Vec::new()).await;
    let schedule = estate.schedule().await;
    estate.world.app.run_jobs().await.unwrap();
    assert_eq!(estate.run(schedule).await.status, Status::Finished, "a profile without sensors has no hands");

    let sensor = estate.sensor(7).await;
    estate.change(id, profile(estate.registry), vec![sensor]).await;
    let schedule = estate.schedule().await;
    estate.world.app.run_jobs().await.unwrap();
    assert_eq!(estate.run(schedule).await.status, Status::Queued);
    estate.world.app.sensor_profiles().delete(&estate.world.who, id).await.unwrap();
    estate.world.app.run_jobs().await.unwrap();
    assert_eq!(estate.run(schedule).await.status, Status::Finished, "the server has it again");

    // The sensor built into the server is the server.
    let own = Registration { identity: "own".to_owned(), ..Registration::default() };
    let own = estate.world.app.sensors().register(&estate.world.who, own).await.unwrap().sensor;
    estate.profile(profile(estate.registry), vec![own]).await;
    let schedule = estate.schedule().await;
    estate.world.app.run_jobs().await.unwrap();
    assert_eq!(estate.run(schedule).await.status, Status::Finished);
}

#[tokio::test]
async fn what_a_sensor_makes_up_is_refused() {
    let estate = Estate::new().await;
    estate.remote.image("team/web", "1", "glass", OLD);
    let sensor = estate.sensor(7).await;
    estate.profile(profile(estate.registry), vec![sensor]).await;
    estate.schedule().await;
    let (sensors, who) = (estate.world.app.sensors(), account(&estate.world, 7));
    let work = sensors.claim(&who, sensor).await.unwrap().unwrap();
    let said = |outcome| WorkReport { sensor, job: work.job, attempt: work.attempt, outcome };
    let listed = |name: &str, tags: &[&str], wanted: &[&str]| {
        let list = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
        let found =
            serde_json::json!([{"name": name, "tags": list(tags), "wanted": list(wanted), "observed": 1}]);
        WorkOutcome::Listed(serde_json::from_value(found).unwrap())
    };
    for outcome in [
        listed("team/web:1", &["1"], &["1"]),
        listed("team web", &["1"], &["1"]),
        listed("team/web", &["1"], &["2"]),
        listed("team/web", &["../1"], &[]),
        WorkOutcome::Found(Digest::of(b"x")),
    ] {
        let refused = sensors.worked(&who, said(outcome)).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    }
}

/// Nobody knows what became of the containers of a sensor that is silent.
#[tokio::test]
async fn containers_of_a_silent_sensor_are_unknown_until_it_is_heard_again() {
    let estate = Estate::new().await;
    let (sensor, who) = (estate.sensor(7).await, account(&estate.world, 7));
    let sensors = estate.world.app.sensors();
    let report = async || {
        let container = EngineContainer {
            id: "c1".to_owned(),
            state: "running".to_owned(),
            image_digests: vec![Digest::of(b"image")],
            ..EngineContainer::default()
        };
        let engine = EngineReport { images: Vec::new(), containers: vec![container] };
        let observed = estate.world.app.now();
        sensors
            .report(
                &who,
                SensorReport { sensor, observed, host: None, engine: Some(engine), contents: Vec::new() },
            )
            .await
            .unwrap();
    };
    let state = || {
        let snapshot = estate.world.app.live().snapshot();
        let (scope, filter) = (estate.world.who.scope(), parapet_model::Filter::All);
        let query = parapet_posture::Query::new(&scope, &filter, estate.world.app.now());
        let all = snapshot.assets(&query, parapet_posture::AssetOrder::Number, parapet_posture::Window::ALL);
        let found = all.rows.iter().find(|row| row.asset.identity == "c1").unwrap();
        (found.asset.container_facts.state, found.asset.container_facts.state_since)
    };
    report().await;
    let seen = estate.world.app.now();
    assert_eq!(sensors.mark_silent().await.unwrap(), 0);
    estate.world.clock.advance(SILENT_AFTER + 1);
    assert_eq!(sensors.mark_silent().await.unwrap(), 1);
    assert_eq!(state(), (ContainerState::Unknown, seen), "unknown since it was last seen");
    assert_eq!(sensors.mark_silent().await.unwrap(), 0, "once is enough");
    sensors.check_in(&who, sensor).await.unwrap();
    assert_eq!(state().0, ContainerState::Unknown, "a check-in says nothing of containers");
    report().await;
    assert_eq!(state().0, ContainerState::Running);
    estate.world.clock.advance(DAY);
    assert_eq!(sensors.mark_silent().await.unwrap(), 1, "and again");
}
