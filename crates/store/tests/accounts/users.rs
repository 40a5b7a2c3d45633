//! Users, roles, memberships and signing keys.

use std::collections::BTreeSet;

use parapet_model::{EnterpriseProjectNo, Permission, ProjectNo, Role};
use parapet_store::accounts::{ApiKeyPair, Membership, NewUser};
use parapet_store::seal::{MasterKey, Secret};
use parapet_store::{Error, Kind};

use crate::support::{TestStore, on_both_stores};
use crate::{DEFAULT, add_user};

fn member(user: u32, project: ProjectNo, roles: &[&str]) -> Membership {
    let roles = roles.iter().map(|&role| role.to_owned()).collect();
    Membership { user, project, roles, enterprise_projects: None }
}

async fn set(t: &TestStore, membership: &Membership) {
    let mut tx = t.store.begin().await.unwrap();
    tx.set_membership(membership).await.unwrap();
    tx.commit().await.unwrap();
}

#[test]
fn a_user_name_is_unique_whatever_its_case() {
    on_both_stores(async |t: TestStore| {
        let user = add_user(&t, "Émile").await;
        let mut tx = t.store.begin().await.unwrap();
        let again = NewUser { name: "éMILE", password_hash: "", home_project: DEFAULT };
        let refused = tx.create_user(&again).await.unwrap_err();
        assert!(matches!(refused, Error::Taken { what: "user", .. }), "{refused}");
        for bad in ["", " a", "a:b", "a\nb", &"x".repeat(129)] {
            let new = NewUser { name: bad, ..again.clone() };
            assert!(matches!(tx.create_user(&new).await, Err(Error::Invalid(_))), "{bad:?}");
        }
        drop(tx);
        let mut read = t.store.read().await.unwrap();
        assert_eq!(read.user_by_name("ÉMILE").await.unwrap(), Some(user.clone()));
        assert_eq!(read.users().await.unwrap(), [user]);
    });
}

#[test]
fn a_new_password_and_disabling_end_all_sessions_and_reach_followers() {
    on_both_stores(async |t: TestStore| {
        let user = add_user(&t, "ann").await;
        let mut tx = t.store.begin().await.unwrap();
        assert!(tx.set_password(user.no, "another").await.unwrap());
        assert!(tx.set_disabled(user.no, true).await.unwrap());
        assert!(!tx.set_disabled(user.no, true).await.unwrap(), "disabled already");
        assert!(!tx.set_password(99, "x").await.unwrap(), "no such user");
        let seq = tx.commit().await.unwrap().seq;
        let mut read = t.store.read().await.unwrap();
        let now = read.user(user.no).await.unwrap().unwrap();
        assert!(now.disabled && now.epoch == user.epoch + 2);
        assert_eq!(read.password_hash(user.no).await.unwrap().unwrap(), "another");
        let log = read.log_since(seq - 1, 9).await.unwrap().unwrap();
        assert_eq!(log.iter().map(|e| (e.kind, e.subject)).collect::<Vec<_>>(), [(Kind::User, user.no)]);
    });
}

#[test]
fn rights_come_from_the_roles_in_that_project_only() {
    on_both_stores(async |t: TestStore| {
        let user = add_user(&t, "bob").await;
        let mut tx = t.store.begin().await.unwrap();
        let other = tx.ensure_project("other").await.unwrap().no;
        tx.commit().await.unwrap();
        set(&t, &member(user.no, DEFAULT, &["manager"])).await;
        let division = BTreeSet::from([EnterpriseProjectNo(3), EnterpriseProjectNo(7)]);
        let narrow = Membership {
            enterprise_projects: Some(division.clone()),
            ..member(user.no, other, &["reader", "sensor"])
        };
        set(&t, &narrow).await;

        let mut read = t.store.read().await.unwrap();
        let at_home = read.principal_of(user.no, DEFAULT).await.unwrap().unwrap();
        assert!(at_home.may(Permission::UsersWrite) && at_home.enterprise_projects.is_none());
        let elsewhere = read.principal_of(user.no, other).await.unwrap().unwrap();
        assert!(elsewhere.may(Permission::FindingsRead) && elsewhere.may(Permission::SensorReport));
        assert!(!elsewhere.may(Permission::UsersWrite));
        assert_eq!(elsewhere.enterprise_projects, Some(division));
        assert_eq!(read.principal_of(user.no, ProjectNo(9)).await.unwrap(), None);
        assert_eq!(read.principal_of(77, DEFAULT).await.unwrap(), None);

        let directory = read.directory().await.unwrap();
        assert_eq!(directory.principal_of(user.no, other), Some(elsewhere), "in memory as in SQL");
        assert_eq!(directory.projects_of(user.no), [DEFAULT, other]);
        assert_eq!(directory.user_by_name("BOB").map(|user| user.no), Some(user.no));
        drop(read);

        set(&t, &member(user.no, other, &[])).await;
        let mut tx = t.store.begin().await.unwrap();
        tx.set_disabled(user.no, true).await.unwrap();
        tx.commit().await.unwrap();
        let directory = t.store.read().await.unwrap().directory().await.unwrap();
        assert_eq!(directory.principal_of(user.no, DEFAULT), None, "disabled");
        assert_eq!(directory.projects_of(user.no), [DEFAULT], "taken out of the other project");
    });
}

#[test]
fn own_roles_can_be_changed_and_built_in_ones_cannot() {
    on_both_stores(async |t: TestStore| {
        let user = add_user(&t, "cy").await;
        let role = |permissions: &[Permission]| Role {
            name: "exporter".to_owned(),
            permissions: permissions.iter().copied().collect(),
        };
        let mut tx = t.store.begin().await.unwrap();
        tx.put_role(&role(&[Permission::FindingsRead])).await.unwrap();
        tx.set_membership(&member(user.no, DEFAULT, &["exporter"])).await.unwrap();
        tx.put_role(&role(&[Permission::FindingsRead, Permission::ExportsCreate])).await.unwrap();
        let held = tx.delete_role("exporter").await.unwrap_err();
        assert!(held.to_string().contains("still held"), "{held}");
        let manager = Role { name: "manager".to_owned(), ..role(&[]) };
        assert!(matches!(tx.put_role(&manager).await, Err(Error::Invalid(_))));
        assert!(matches!(tx.delete_role("reader").await, Err(Error::Invalid(_))));
        let unknown = tx.set_membership(&member(user.no, DEFAULT, &["nobody"])).await.unwrap_err();
        assert!(unknown.to_string().contains("nobody"), "{unknown}");
        let principal = tx.principal_of(user.no, DEFAULT).await.unwrap().unwrap();
        assert!(principal.may(Permission::ExportsCreate));
        tx.set_membership(&member(user.no, DEFAULT, &["analyst"])).await.unwrap();
        assert!(tx.delete_role("exporter").await.unwrap());
        assert_eq!(tx.roles().await.unwrap(), Role::built_in());
    });
}

#[test]
fn a_signing_key_gives_its_secret_only_to_the_master_key() {
    on_both_stores(async |t: TestStore| {
        let user = add_user(&t, "dee").await;
        let master = MasterKey::from_bytes([5; 32]);
        let pair = ApiKeyPair::random();
        assert_eq!((pair.access_key.len(), pair.secret.expose().len()), (20, 40));
        let mut tx = t.store.begin().await.unwrap();
        let made = tx.create_api_key(&master, user.no, DEFAULT, &pair).await.unwrap();
        let again = tx.create_api_key(&master, user.no, DEFAULT, &pair).await;
        assert!(matches!(again, Err(Error::Taken { .. })));
        let short = ApiKeyPair { access_key: "AK'".to_owned(), secret: Secret::new("s") };
        assert!(tx.create_api_key(&master, user.no, DEFAULT, &short).await.is_err());
        tx.commit().await.unwrap();

        let mut read = t.store.read().await.unwrap();
        assert_eq!(read.api_keys(user.no).await.unwrap(), std::slice::from_ref(&made));
        let (found, secret) = read.api_key_secret(&master, &pair.access_key).await.unwrap().unwrap();
        assert_eq!((found, secret), (made, pair.secret));
        assert!(read.api_key_secret(&master, "unknown").await.unwrap().is_none());
        let stranger = MasterKey::from_bytes([6; 32]);
        assert!(matches!(read.api_key_secret(&stranger, &pair.access_key).await, Err(Error::Seal(_))));
        drop(read);

        let mut tx = t.store.begin().await.unwrap();
        assert!(tx.set_api_key_disabled(&pair.access_key, true).await.unwrap());
        assert!(tx.api_keys(user.no).await.unwrap()[0].disabled);
        assert!(tx.delete_api_key(&pair.access_key).await.unwrap());
        assert!(!tx.delete_api_key(&pair.access_key).await.unwrap());
    });
}
