//! Wishes that hosts be looked at again.

use parapet_model::{AssetNo, FOREVER};
use parapet_store::host_scans::StoredPolicy;

use crate::estate::PROJECT;
use crate::support::{TestStore, on_both_stores};

#[test]
fn a_host_knows_the_newest_wish_that_names_it_and_old_ones_are_forgotten() {
    on_both_stores(async |t: TestStore| {
        let types = ["linux_vul".to_owned(), "app_vul".to_owned()];
        let mut made = Vec::new();
        for n in 0..203_u32 {
            let mut tx = t.store.begin().await.unwrap();
            let hosts = [AssetNo(1), AssetNo(2 + n % 2)];
            made.push(tx.create_host_scan(PROJECT, "ann", n == 0, &types, &hosts).await.unwrap());
            tx.commit().await.unwrap();
        }
        let mut read = t.store.read().await.unwrap();
        assert_eq!(read.last_scan_of_host(AssetNo(1)).await.unwrap(), made[202].no);
        assert_eq!(read.last_scan_of_host(AssetNo(3)).await.unwrap(), made[201].no);
        assert_eq!(read.last_scan_of_host(AssetNo(9)).await.unwrap(), 0);
        let all = read.host_scans(PROJECT).await.unwrap();
        assert_eq!((all.len(), &all[0]), (200, &made[202]));
        assert_eq!(read.host_scan(PROJECT, &made[0].uuid).await.unwrap(), None);
        assert_eq!(read.hosts_of_scan(made[202].no).await.unwrap(), [AssetNo(1), AssetNo(2)]);
    });
}

#[test]
fn a_policy_is_due_when_its_time_has_come() {
    on_both_stores(async |t: TestStore| {
        let policy = |at| StoredPolicy { project: PROJECT, settings: "{}".to_owned(), next_fire: at };
        for at in [50, 100] {
            let mut tx = t.store.begin().await.unwrap();
            tx.put_host_scan_policy(&policy(at)).await.unwrap();
            tx.commit().await.unwrap();
        }
        let mut read = t.store.read().await.unwrap();
        assert_eq!(read.host_scan_policy(PROJECT).await.unwrap(), Some(policy(100)));
        assert!(read.due_host_scan_policies(99, 9).await.unwrap().is_empty());
        assert_eq!(read.due_host_scan_policies(100, 9).await.unwrap(), [policy(100)]);
        drop(read);
        let mut tx = t.store.begin().await.unwrap();
        tx.put_host_scan_policy(&policy(FOREVER)).await.unwrap();
        tx.commit().await.unwrap();
        assert!(
            t.store.read().await.unwrap().due_host_scan_policies(i64::MAX - 1, 9).await.unwrap().is_empty()
        );
    });
}
