//! Groups of hosts.

use parapet_model::asset::HostFacts;
use parapet_model::{Digest, EnterpriseProjectNo, Millis};
use parapet_store::assets::{HostObservation, Look};
use parapet_store::{Error, Tx};

use crate::estate::{PROJECT, set};
use crate::support::{TestStore, on_both_stores};

async fn look(tx: &mut Tx, observed: Millis) -> parapet_model::AssetNo {
    let set = set(tx, &["glass"]).await;
    let look = Look {
        project: PROJECT,
        enterprise_project: EnterpriseProjectNo(0),
        name: "web",
        distro: None,
        databases: &[],
        observed,
        content: Digest::of(&observed.to_le_bytes()),
        reader_version: 1,
    };
    let facts = HostFacts { kernel: format!("6.1.{observed}"), ..HostFacts::default() };
    let host = HostObservation { look, identity: "machine", facts: &facts, set };
    tx.record_host(&host).await.unwrap().asset
}

#[test]
fn what_people_say_of_a_host_outlives_the_next_look() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        let no = look(&mut tx, 1).await;
        let host = tx.asset(no).await.unwrap().unwrap();
        tx.describe_host(&host, "front", "important").await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = t.store.begin().await.unwrap();
        look(&mut tx, 2).await;
        tx.commit().await.unwrap();
        let host = t.store.read().await.unwrap().asset(no).await.unwrap().unwrap().host_facts;
        assert_eq!((host.group.as_str(), host.asset_value.as_str()), ("front", "important"));
        assert_eq!(host.kernel, "6.1.2");
    });
}

#[test]
fn groups_have_names_of_their_own() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        let front = tx.create_host_group(PROJECT, "front").await.unwrap();
        let back = tx.create_host_group(PROJECT, "back").await.unwrap();
        assert!(matches!(tx.create_host_group(PROJECT, "front").await, Err(Error::Taken { .. })));
        assert!(matches!(tx.create_host_group(PROJECT, "").await, Err(Error::Invalid(_))));
        assert!(matches!(tx.rename_host_group(PROJECT, &back, "front").await, Err(Error::Taken { .. })));
        tx.rename_host_group(PROJECT, &back, "rear").await.unwrap();
        tx.delete_host_group(&front).await.unwrap();
        tx.commit().await.unwrap();
        let groups = t.store.read().await.unwrap().host_groups(PROJECT).await.unwrap();
        assert_eq!(groups.iter().map(|g| g.name.as_str()).collect::<Vec<_>>(), ["rear"]);
        assert_eq!(groups[0].uuid, back.uuid);
    });
}
