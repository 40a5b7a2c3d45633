//! Schedules, the jobs they make, and connectors.

use parapet_model::FOREVER;
use parapet_model::schedule::{Cadence, Weekday};
use parapet_store::Error;
use parapet_store::connectors::{Cloud, ConnectorSettings};
use parapet_store::jobs::{ChildWork, NewJob};
use parapet_store::registries::RegistrySettings;
use parapet_store::schedules::{RepoTag, ScanPlan, ScheduleFilter, ScheduleSettings};
use parapet_store::seal::{MasterKey, Secret};

use crate::support::{TestStore, on_both_stores};
use crate::{DEFAULT, claim, enqueue, finish, scan, scope};

fn settings() -> ScheduleSettings {
    let repo_tags = vec![RepoTag { repo: "team/*".to_owned(), tag: None }];
    ScheduleSettings {
        name: Some("weekly".to_owned()),
        cadence: Some(Cadence { minute: 570, interval_days: 7, week_day: Some(Weekday::Thursday) }),
        plan: ScanPlan { filters: vec![ScheduleFilter { repo_tags, days: 7 }], newest: Some(5) },
        force: true,
    }
}

#[test]
fn a_schedule_is_kept_whole_found_when_due_and_goes_with_its_registry() {
    on_both_stores(async |t: TestStore| {
        let (home, key) = (scope(), MasterKey::from_bytes([3; 32]));
        let mut tx = t.store.begin().await.unwrap();
        let registry = RegistrySettings { name: "r".to_owned(), ..RegistrySettings::default() };
        let registry = tx.create_registry(&home, &key, &registry, &Secret::default()).await.unwrap();
        let made = tx.create_schedule(&home, "ann", registry.no, &settings(), 5_000).await.unwrap();
        tx.commit().await.unwrap();
        let mut read = t.store.read().await.unwrap();
        assert_eq!(read.schedule(DEFAULT, registry.no, &made.uuid).await.unwrap().as_ref(), Some(&made));
        assert_eq!(read.schedules(DEFAULT, registry.no, 0, 9).await.unwrap(), std::slice::from_ref(&made));
        assert_eq!(read.registry_uuid(registry.no).await.unwrap(), Some(registry.uuid));
        assert!(read.due_schedules(4_999, 9).await.unwrap().is_empty());
        assert_eq!(read.due_schedules(5_000, 9).await.unwrap(), std::slice::from_ref(&made));
        drop(read);
        let mut tx = t.store.begin().await.unwrap();
        assert!(tx.cancel_schedule(&made).await.unwrap() && !tx.cancel_schedule(&made).await.unwrap());
        assert!(tx.due_schedules(i64::MAX - 1, 9).await.unwrap().is_empty());
        let changed = ScheduleSettings { name: None, ..settings() };
        tx.update_schedule(&made, &changed, 6_000, 7_000).await.unwrap();
        let now = tx.schedule(DEFAULT, registry.no, &made.uuid).await.unwrap().unwrap();
        assert_eq!((now.settings, now.cancelled, now.anchor, now.next_fire), (changed, false, 6_000, 7_000));
        tx.set_next_fire(made.no, FOREVER).await.unwrap();
        assert!(tx.delete_registry(&home, &registry.uuid).await.unwrap());
        assert!(tx.schedules_of_project(DEFAULT, 0, 9).await.unwrap().is_empty());
    });
}

#[test]
fn the_runs_of_a_schedule_are_known_with_what_their_children_did() {
    on_both_stores(async |t: TestStore| {
        let home = scope();
        for at in [1_000, 2_000, 2_000] {
            enqueue(&t.store, &NewJob { fired: Some((1, at)), ..scan(&home) }).await;
        }
        let other = enqueue(&t.store, &NewJob { fired: Some((2, 1_000)), ..scan(&home) }).await;
        let parent = claim(&t.store, "w").await.unwrap();
        let mut read = t.store.read().await.unwrap();
        let runs = read.runs_of_schedule(1, u32::MAX, 9).await.unwrap();
        assert_eq!(
            runs.iter().map(|job| job.fired).collect::<Vec<_>>(),
            [Some((1, 2_000)), Some((1, 1_000))]
        );
        let mut last: Vec<u32> = read.last_runs(&[1, 2, 3]).await.unwrap().iter().map(|job| job.no).collect();
        last.sort_unstable();
        assert_eq!(last, [runs[0].no, other.no()]);
        assert_eq!(read.job_child_work(parent.attempt.job).await.unwrap(), ChildWork::default());
        drop(read);

        let mut tx = t.store.begin().await.unwrap();
        tx.enqueue(&NewJob { parent: Some(parent.attempt.job), dedup_key: "a", ..scan(&home) })
            .await
            .unwrap();
        tx.commit().await.unwrap();
        finish(&t.store, &parent).await;
        while let Some(child) = claim(&t.store, "w").await {
            let mut tx = t.store.begin().await.unwrap();
            tx.mark_unchanged(child.attempt.job).await.unwrap();
            tx.commit().await.unwrap();
            finish(&t.store, &child).await;
        }
        let work = t.store.read().await.unwrap().job_child_work(parent.attempt.job).await.unwrap();
        assert!(work.unchanged == 1 && work.first_started > 0, "{work:?}");
    });
}

#[test]
fn a_connector_is_kept_whole_and_its_secret_stays_in() {
    on_both_stores(async |t: TestStore| {
        let key = MasterKey::from_bytes([3; 32]);
        let settings = ConnectorSettings {
            cloud: Cloud::Azure,
            name: "app".to_owned(),
            description: String::new(),
            identity: "a-1".to_owned(),
            external_id: String::new(),
            account_type: String::new(),
            tenant: "shop.example".to_owned(),
        };
        let mut tx = t.store.begin().await.unwrap();
        let made = tx.create_connector(DEFAULT, &key, &settings, &Secret::new("pässword")).await.unwrap();
        let again = tx.create_connector(DEFAULT, &key, &settings, &Secret::default()).await;
        assert!(matches!(again, Err(Error::Taken { .. })), "{again:?}");
        let new = MasterKey::from_bytes([4; 32]);
        tx.check_master_key(&key).await.unwrap();
        assert_eq!(tx.rotate_master_key(&key, &new).await.unwrap(), 1);
        assert_eq!(tx.connector(DEFAULT, &made.uuid).await.unwrap().as_ref(), Some(&made));
        assert_eq!(tx.connectors(DEFAULT, Cloud::Azure, 0, 9).await.unwrap(), std::slice::from_ref(&made));
        assert!(tx.connectors(DEFAULT, Cloud::Aws, 0, 9).await.unwrap().is_empty());
        let secret = tx.connector_secret(DEFAULT, &made.uuid, &new).await.unwrap().unwrap();
        assert_eq!(secret.expose(), "pässword");
        tx.delete_connector(&made).await.unwrap();
        assert!(tx.connector(DEFAULT, &made.uuid).await.unwrap().is_none());
    });
}
