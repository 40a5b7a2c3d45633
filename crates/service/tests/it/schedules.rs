//! Schedules: when they fire, what they scan, and what is said of it.

use parapet_model::schedule::{Cadence, Weekday};
use parapet_model::time::{DAY, parse_instant};
use parapet_model::{FOREVER, Principal};
use parapet_service::Error;
use parapet_service::schedules::{Execution, Status};
use parapet_store::registries::RegistrySettings;
use parapet_store::schedules::{RepoTag, ScanPlan, Schedule, ScheduleFilter, ScheduleSettings};
use parapet_store::seal::Secret;
use proptest::prelude::*;
use uuid::Uuid;

use crate::registry::TestRegistry;
use crate::world::World;

const OLD: &str = "2026-01-02T03:04:05Z";
/// Within the week before the world's beginning.
const FRESH: &str = "2026-10-30T00:00:00Z";

struct Estate {
    world: World,
    remote: TestRegistry,
    registry: Uuid,
}

impl Estate {
    async fn new() -> Self {
        let (world, remote) = (World::new().await, TestRegistry::start().await);
        let settings = RegistrySettings {
            name: "r".to_owned(),
            endpoint: remote.endpoint.clone(),
            plain_http: true,
            platform: "linux/amd64".to_owned(),
            ..RegistrySettings::default()
        };
        let registry =
            world.app.registries().create(&world.who, settings, Secret::default()).await.unwrap().uuid;
        Self { world, remote, registry }
    }

    async fn try_create(&self, settings: &ScheduleSettings) -> Result<Schedule, Error> {
        self.world.app.schedules().create(&self.world.who, self.registry, settings).await
    }

    async fn create(&self, settings: &ScheduleSettings) -> Uuid {
        self.try_create(settings).await.unwrap().uuid
    }

    /// Makes a schedule that runs now, and lets it.
    async fn run_once(&self, repo: &str, tag: Option<&str>, force: bool) -> Execution {
        let id = self.create(&ScheduleSettings { force, ..once(repo, tag) }).await;
        self.world.app.run_jobs().await.unwrap();
        self.runs(id).await.remove(0)
    }

    async fn runs(&self, schedule: Uuid) -> Vec<Execution> {
        let schedules = self.world.app.schedules();
        schedules.executions(&self.world.who, self.registry, schedule, 0, 1000).await.unwrap().0
    }

    async fn status(&self, schedule: Uuid) -> Status {
        let all = self.world.app.schedules().list(&self.world.who, self.registry).await.unwrap();
        all.iter().find(|s| s.schedule.uuid == schedule).unwrap().status
    }

    /// What a server does every second.
    async fn tick(&self) {
        self.world.app.schedules().fire_due().await.unwrap();
        self.world.app.run_jobs().await.unwrap();
    }
}

fn once(repo: &str, tag: Option<&str>) -> ScheduleSettings {
    let repo_tags = vec![RepoTag { repo: repo.to_owned(), tag: tag.map(str::to_owned) }];
    let plan = ScanPlan { filters: vec![ScheduleFilter { repo_tags, days: 0 }], newest: None };
    ScheduleSettings { name: None, cadence: None, plan, force: false }
}

fn every(days: u16, week_day: Option<Weekday>) -> ScheduleSettings {
    let cadence = Cadence { minute: 9 * 60 + 30, interval_days: days, week_day };
    ScheduleSettings { cadence: Some(cadence), ..once("team/*", None) }
}

#[tokio::test]
async fn what_appears_later_is_scanned_and_what_is_unchanged_is_not_read_again() {
    let estate = Estate::new().await;
    estate.remote.image("team/web", "1", "glass", OLD);
    estate.remote.image("other/app", "1", "stone", OLD);
    let schedule = estate.create(&every(1, None)).await;
    assert_eq!(estate.status(schedule).await, Status::Created);
    estate.tick().await;
    assert_eq!(estate.status(schedule).await, Status::Created, "not due yet");

    estate.world.clock.advance(DAY);
    estate.tick().await;
    assert_eq!(estate.status(schedule).await, Status::Finished);
    assert_eq!(estate.remote.blobs_read(), 2, "one image: its config and its layer");

    estate.remote.image("team/later", "1", "wood", OLD);
    estate.world.clock.advance(DAY);
    estate.tick().await;
    let runs = estate.runs(schedule).await;
    assert_eq!(runs.len(), 2);
    let (last, first) = (&runs[0], &runs[1]);
    assert_eq!((first.images, first.scanned, first.unchanged), (1, 1, 0));
    assert_eq!((last.images, last.scanned, last.unchanged, last.failed), (2, 2, 1, 0));
    assert_eq!(last.fired - first.fired, DAY);
    assert!(last.started <= last.listed && last.listed <= last.scanning && last.scanning <= last.ended);
    assert_eq!((last.status, last.errors.len()), (Status::Finished, 0));
    assert_eq!(estate.remote.blobs_read(), 2, "only the new image");
}

#[tokio::test]
async fn force_reads_again() {
    let estate = Estate::new().await;
    estate.remote.image("team/web", "1", "glass", OLD);
    assert_eq!(estate.run_once("team/web", None, false).await.unchanged, 0);
    assert_eq!(estate.run_once("team/web", None, false).await.unchanged, 1);
    estate.remote.blobs_read();
    assert_eq!(estate.run_once("team/web", None, true).await.unchanged, 0);
    assert!(estate.remote.blobs_read() > 0);
}

#[tokio::test]
async fn one_image_that_fails_is_listed_and_the_rest_is_scanned() {
    let estate = Estate::new().await;
    estate.remote.image("team/web", "1", "glass", OLD);
    estate.remote.image("team/web", "2", "stone", OLD);
    estate.remote.spoil("team/web", "2");
    let run = estate.run_once("team/web", Some(".*"), false).await;
    assert_eq!((run.status, run.images, run.scanned, run.failed), (Status::Finished, 2, 1, 1));
    assert_eq!(run.errors.len(), 1);
    assert_eq!(run.errors[0].image, "team/web:2");
    assert!(!run.errors[0].error.is_empty());
}

#[tokio::test]
async fn tags_ages_and_the_newest_are_chosen() {
    let estate = Estate::new().await;
    for (tag, built) in [("1", OLD), ("2", "2026-03-01T00:00:00Z"), ("3", FRESH), ("dev", FRESH)] {
        estate.remote.image("team/web", tag, &format!("p{tag}"), built);
    }
    assert_eq!(estate.run_once("team/web", Some("1,2"), false).await.images, 2);
    assert_eq!(estate.run_once("team/*", Some("[0-9]+"), false).await.images, 3);
    assert_eq!(estate.run_once("!other/*", None, false).await.images, 4, "everything except");
    let run = |plan: ScanPlan| async {
        let id = estate.create(&ScheduleSettings { plan, ..once("x", None) }).await;
        estate.world.app.run_jobs().await.unwrap();
        estate.runs(id).await.remove(0)
    };
    let of =
        |tag: Option<&str>, days| ScheduleFilter { days, ..once("team/web", tag).plan.filters.remove(0) };
    assert_eq!(run(ScanPlan { filters: vec![of(None, 7)], newest: None }).await.images, 2);
    assert_eq!(run(ScanPlan { filters: vec![of(None, 1)], newest: None }).await.images, 0);
    let newest = run(ScanPlan { filters: vec![of(Some("!dev"), 0)], newest: Some(2) }).await;
    assert_eq!(newest.images, 2);
}

#[tokio::test]
async fn a_registry_without_a_catalogue_is_read_by_name() {
    let estate = Estate::new().await;
    estate.remote.image("team/web", "1", "glass", OLD);
    estate.remote.hide_catalogue();
    assert_eq!(estate.run_once("team/web", None, false).await.images, 1);
    let run = estate.run_once("team/*", None, false).await;
    assert_eq!(run.status, Status::Error);
    assert!(run.errors[0].error.contains("must be named"), "{:?}", run.errors);
    let gone = estate.run_once("team/none", None, false).await;
    assert_eq!((gone.status, gone.errors[0].image.as_str()), (Status::Finished, "team/none"));
}

#[tokio::test]
async fn a_run_missed_while_the_server_was_down_runs_once() {
    let estate = Estate::new().await;
    estate.remote.image("team/web", "1", "glass", OLD);
    let schedule = estate.create(&every(1, None)).await;
    estate.world.clock.advance(10 * DAY);
    for _ in 0..3 {
        estate.tick().await;
    }
    assert_eq!(estate.runs(schedule).await.len(), 1);
    estate.world.clock.advance(DAY);
    estate.tick().await;
    assert_eq!(estate.runs(schedule).await.len(), 2);
    estate.world.clock.advance(-5 * DAY);
    estate.tick().await;
    estate.world.clock.advance(5 * DAY);
    estate.tick().await;
    assert_eq!(estate.runs(schedule).await.len(), 2, "a clock that goes back fires nothing again");
}

#[tokio::test]
async fn the_week_day_is_asked_for_with_seven_days_only() {
    let estate = Estate::new().await;
    for (days, week_day, accepted) in [
        (7, Some(Weekday::Thursday), true),
        (7, None, false),
        (1, Some(Weekday::Thursday), false),
        (14, Some(Weekday::Monday), false),
        (365, None, true),
        (366, None, false),
        (0, None, false),
    ] {
        let made = estate.try_create(&every(days, week_day)).await;
        assert_eq!(made.is_ok(), accepted, "{days} {week_day:?}");
        if let Err(error) = made {
            assert!(matches!(error, Error::Invalid(_)), "{error:?}");
        }
    }
    let thursday = estate.try_create(&every(7, Some(Weekday::Thursday))).await.unwrap();
    // The world begins on Monday, 2026-11-02.
    assert_eq!(thursday.next_fire, parse_instant("2026-11-05T09:30:00Z").unwrap());
}

#[tokio::test]
async fn only_what_may_change_changes() {
    let estate = Estate::new().await;
    estate.remote.image("team/web", "1", "glass", OLD);
    let (who, schedules) = (&estate.world.who, estate.world.app.schedules());
    let schedule = estate.create(&every(1, None)).await;
    let update = async |settings: &ScheduleSettings| {
        schedules.update(who, estate.registry, schedule, settings).await.map(|s| s.next_fire)
    };
    let conflict = |result| matches!(result, Err(Error::Conflict(_)));
    let next = update(&every(7, Some(Weekday::Friday))).await.unwrap();
    assert_eq!(next, parse_instant("2026-11-06T09:30:00Z").unwrap());
    assert!(conflict(update(&once("team/*", None)).await), "it stays automatic");
    let other = ScheduleSettings { plan: once("team/web", None).plan, ..every(1, None) };
    assert!(conflict(update(&other).await), "its repositories stay");
    schedules.cancel(who, estate.registry, schedule).await.unwrap();
    assert_eq!(estate.status(schedule).await, Status::Canceled);
    let again = schedules.cancel(who, estate.registry, schedule).await;
    assert!(conflict(again.map(|()| FOREVER)), "it is cancelled already");
    estate.world.clock.advance(30 * DAY);
    estate.tick().await;
    assert_eq!(estate.runs(schedule).await.len(), 0);
    update(&every(1, None)).await.unwrap();
    estate.world.clock.advance(DAY);
    estate.tick().await;
    assert_eq!(estate.status(schedule).await, Status::Finished, "an updated one fires again");
    let waiting = estate.create(&once("team/web", None)).await;
    schedules.cancel(who, estate.registry, waiting).await.unwrap();
    estate.world.app.run_jobs().await.unwrap();
    assert_eq!(estate.status(waiting).await, Status::Canceled);
    schedules.delete_many(who, estate.registry, &[schedule, waiting]).await.unwrap();
    assert!(schedules.list(who, estate.registry).await.unwrap().is_empty());
}

#[tokio::test]
async fn another_project_and_other_registries_have_no_such_schedule() {
    let estate = Estate::new().await;
    let schedule = estate.create(&every(1, None)).await;
    let project = parapet_model::ProjectNo(estate.world.who.project.0 + 1);
    let stranger = Principal::local(project);
    let schedules = estate.world.app.schedules();
    let gone = schedules.delete(&stranger, estate.registry, schedule).await;
    assert!(matches!(gone, Err(Error::NotFound(_))), "{gone:?}");
    let gone = schedules.cancel(&estate.world.who, Uuid::nil(), schedule).await;
    assert!(matches!(gone, Err(Error::NotFound(_))), "{gone:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Whatever the clock does, times fire once each, in order, and none that passed stays unfired
    /// without a later one that stands for it.
    #[test]
    fn whatever_the_clock_does_nothing_fires_twice_or_late(
        days in prop::sample::select(vec![1u16, 3, 7]), steps in prop::collection::vec(-40i64..80, 1..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let estate = Estate::new().await;
            let schedule = estate.create(&every(days, (days == 7).then_some(Weekday::Sunday))).await;
            for hours in steps {
                estate.world.clock.advance(hours * 3_600_000);
                estate.tick().await;
                let all = estate.world.app.schedules().list(&estate.world.who, estate.registry).await.unwrap();
                assert!(all[0].schedule.next_fire > parapet_model::Clock::now(&estate.world.clock));
            }
            let mut fired: Vec<i64> = estate.runs(schedule).await.iter().map(|run| run.fired).collect();
            fired.reverse();
            let all = estate.world.app.schedules().list(&estate.world.who, estate.registry).await.unwrap();
            fired.push(all[0].schedule.next_fire);
            for pair in fired.windows(2) {
                assert!(pair[0] < pair[1]);
                assert_eq!((pair[1] - pair[0]) % (i64::from(days) * DAY), 0);
            }
        });
    }
}
