//! Sensors, their profiles and what they hold.

use parapet_model::asset::{AssetKind, ContainerFacts};
use parapet_model::id::EnterpriseProjectNo;
use parapet_model::sensor::Registration;
use parapet_model::{Digest, ProjectNo};
use parapet_store::assets::ContainerObservation;
use parapet_store::sensors::{ProfileKind, ProfileSettings, ScanningPolicy};
use parapet_store::{Error, Tx};

use crate::DEFAULT;
use crate::support::{TestStore, on_both_stores};

fn settings(name: &str) -> ProfileSettings {
    ProfileSettings {
        name: name.to_owned(),
        description: String::new(),
        kind: ProfileKind::General,
        registries: Vec::new(),
        runtime: None,
        ignore_processes: String::new(),
        propagates: false,
        filter: String::new(),
        blackouts: Vec::new(),
        interval_hours: 24,
        image_exclusions: vec!["^pause".to_owned()],
        global: true,
        policy: ScanningPolicy::Dynamic,
        archived_logs: Some(3),
        log_size: None,
        concurrent_scans: 4,
    }
}

fn host(identity: &str) -> Registration {
    Registration { identity: identity.to_owned(), name: "node".to_owned(), ..Registration::default() }
}

#[test]
fn a_profile_is_kept_whole_and_its_sensors_lose_it_with_its_end() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        let made = tx.create_sensor_profile(DEFAULT, &settings("nights")).await.unwrap();
        let other = tx.create_sensor_profile(DEFAULT, &settings("days")).await.unwrap();
        let sensor = tx.create_sensor(DEFAULT, 7, &host("one"), 5).await.unwrap();
        tx.assign_sensors(other.no, &[sensor.no]).await.unwrap();
        tx.assign_sensors(made.no, &[sensor.no]).await.unwrap();
        tx.commit().await.unwrap();
        let mut read = t.store.read().await.unwrap();
        assert_eq!(read.sensor_profile(DEFAULT, &made.uuid).await.unwrap().as_ref(), Some(&made));
        assert_eq!(read.sensor_profile(ProjectNo(2), &made.uuid).await.unwrap(), None);
        assert_eq!(read.sensors(DEFAULT, 9).await.unwrap()[0].profile, made.no, "the last one counts");
        drop(read);

        let mut tx = t.store.begin().await.unwrap();
        let taken = tx.update_sensor_profile(DEFAULT, &made, &settings("days")).await.unwrap_err();
        assert!(matches!(taken, Error::Taken { .. }), "{taken}");
        drop(tx);
        let mut tx = t.store.begin().await.unwrap();
        let changed = tx.update_sensor_profile(DEFAULT, &made, &settings("evenings")).await.unwrap();
        tx.delete_sensor_profile(&changed).await.unwrap();
        tx.commit().await.unwrap();
        let mut read = t.store.read().await.unwrap();
        assert_eq!(read.sensor_profiles(DEFAULT, 9).await.unwrap(), [other]);
        assert_eq!(read.sensors(DEFAULT, 9).await.unwrap()[0].profile, 0);
    });
}

#[test]
fn a_check_in_moves_forward_only() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        let sensor = tx.create_sensor(DEFAULT, 7, &host("one"), 50).await.unwrap();
        tx.commit().await.unwrap();
        for (at, expected) in [(60, 60), (55, 60)] {
            let mut side = t.store.side().await.unwrap();
            side.sensor_checked_in(sensor.no, at).await.unwrap();
            side.commit().await.unwrap();
            let mut read = t.store.read().await.unwrap();
            let known = read.sensor_of_host(DEFAULT, "one").await.unwrap().unwrap();
            assert_eq!(known.checked_in, expected);
        }
    });
}

async fn container(tx: &mut Tx, identity: &str, image: Digest) -> parapet_store::assets::Recorded {
    let facts = ContainerFacts { image_digests: vec![image], ..ContainerFacts::default() };
    let seen = ContainerObservation {
        project: DEFAULT,
        enterprise_project: EnterpriseProjectNo(0),
        identity,
        name: identity,
        facts: &facts,
        observed: 10,
    };
    tx.record_container(&seen).await.unwrap()
}

#[test]
fn an_image_stays_current_until_the_last_engine_let_it_go() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        let one = tx.create_sensor(DEFAULT, 7, &host("one"), 0).await.unwrap().no;
        let two = tx.create_sensor(DEFAULT, 7, &host("two"), 0).await.unwrap().no;
        let made = container(&mut tx, "c1", Digest::of(b"image")).await;
        let image = tx.asset(made.asset).await.unwrap().unwrap().image.unwrap();
        tx.hold_container(one, made.asset).await.unwrap();
        tx.hold_image(one, image, false).await.unwrap();
        tx.hold_image(two, image, true).await.unwrap();
        tx.commit().await.unwrap();

        let mut tx = t.store.begin().await.unwrap();
        assert!(tx.held_elsewhere(two, made.asset).await.unwrap());
        for held in tx.holdings(one).await.unwrap() {
            tx.release_holding(one, held).await.unwrap();
        }
        tx.commit().await.unwrap();
        let mut read = t.store.read().await.unwrap();
        assert!(!read.asset(made.asset).await.unwrap().unwrap().held.is_open(), "the container is gone");
        assert!(read.asset(image).await.unwrap().unwrap().pinned, "the other engine has the image");
        drop(read);

        let mut tx = t.store.begin().await.unwrap();
        let held = tx.holdings(two).await.unwrap();
        assert_eq!((held.len(), held[0].kind, held[0].pins), (1, AssetKind::Image, true));
        tx.release_holding(two, held[0]).await.unwrap();
        tx.commit().await.unwrap();
        let mut read = t.store.read().await.unwrap();
        assert!(!read.asset(image).await.unwrap().unwrap().pinned);
    });
}

#[test]
fn a_silent_sensor_is_marked_once_until_its_engine_is_listed_again() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        let sensor = tx.create_sensor(DEFAULT, 7, &host("one"), 1_000).await.unwrap();
        tx.create_sensor(DEFAULT, 8, &host("two"), 9_000).await.unwrap();
        tx.commit().await.unwrap();
        let silent = async |before| {
            let found = t.store.read().await.unwrap().silent_sensors(before, 9).await.unwrap();
            found.into_iter().map(|sensor| sensor.no).collect::<Vec<_>>()
        };
        assert_eq!(silent(1_000).await, Vec::<u32>::new());
        assert_eq!(silent(1_001).await, [sensor.no]);

        let mut side = t.store.side().await.unwrap();
        side.sensor_checked_in(sensor.no, 2_000).await.unwrap();
        side.commit().await.unwrap();
        let mut tx = t.store.begin().await.unwrap();
        assert!(!tx.mark_silent(&sensor).await.unwrap(), "it was heard of since");
        let heard = tx.sensor(DEFAULT, &sensor.uuid).await.unwrap().unwrap();
        assert!(tx.mark_silent(&heard).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(silent(5_000).await, Vec::<u32>::new());

        let mut tx = t.store.begin().await.unwrap();
        tx.sensor_looked(sensor.no, 3_000).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(silent(5_000).await, [sensor.no]);
    });
}
