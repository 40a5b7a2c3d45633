//! Enterprise projects and the assets in them.

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
    let host = HostObservation { look, identity: "machine", facts: &HostFacts::default(), set };
    tx.record_host(&host).await.unwrap().asset
}

#[test]
fn an_asset_stays_in_the_enterprise_project_it_was_put_into() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        let no = look(&mut tx, 1).await;
        let finance = tx.create_enterprise_project("finance", "Finance").await.unwrap();
        assert!(tx.set_enterprise_project(no, finance.no).await.unwrap());
        assert!(!tx.set_enterprise_project(no, finance.no).await.unwrap(), "it is there already");
        tx.commit().await.unwrap();
        let mut tx = t.store.begin().await.unwrap();
        look(&mut tx, 2).await;
        tx.commit().await.unwrap();
        let asset = t.store.read().await.unwrap().asset(no).await.unwrap().unwrap();
        assert_eq!((asset.observed, asset.enterprise_project), (2, finance.no));
    });
}

#[test]
fn enterprise_projects_have_ids_and_names_of_their_own() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        let finance = tx.create_enterprise_project("finance", "Finance").await.unwrap();
        for (id, name) in [("finance", "Other"), ("other", "Finance"), ("other", "default")] {
            let refused = tx.create_enterprise_project(id, name).await;
            assert!(matches!(refused, Err(Error::Taken { .. })), "{id} {name}");
        }
        let long = "x".repeat(65);
        for id in ["", "0", "all_granted_eps", "a b", "é", long.as_str()] {
            assert!(matches!(tx.create_enterprise_project(id, "Name").await, Err(Error::Invalid(_))), "{id}");
        }
        let other = tx.create_enterprise_project("other", "Other").await.unwrap();
        let taken = tx.rename_enterprise_project(&other, "Finance").await;
        assert!(matches!(taken, Err(Error::Taken { .. })));
        tx.rename_enterprise_project(&other, "Other").await.unwrap();
        tx.rename_enterprise_project(&other, "Zoo").await.unwrap();
        tx.commit().await.unwrap();
        let all = t.store.read().await.unwrap().enterprise_projects().await.unwrap();
        assert_eq!(
            all.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(),
            ["default", "Finance", "Zoo"]
        );
        assert_eq!(all[1].no, finance.no);
    });
}
