//! Registries.

use parapet_model::ProjectNo;
use parapet_store::registries::{Globs, RegistryKind, RegistrySettings, RegistrySource, Selection};
use parapet_store::seal::{MasterKey, Secret};
use parapet_store::{Error, Kind};

use crate::support::{TestStore, on_both_stores};
use crate::{DEFAULT, scope};

fn settings(name: &str) -> RegistrySettings {
    RegistrySettings {
        name: name.to_owned(),
        kind: RegistryKind::V2,
        endpoint: "https://registry.example:5000".to_owned(),
        username: "scanner".to_owned(),
        ca_pem: "-----BEGIN CERTIFICATE-----\n".to_owned(),
        plain_http: false,
        token_hosts: vec!["auth.example".to_owned(), "auth.example:8443".to_owned()],
        selection: Selection {
            repositories: Globs { include: vec!["team/*".to_owned()], exclude: vec![] },
            tags: Globs { include: vec![], exclude: vec!["*-dev".to_owned()] },
        },
        platform: "linux/amd64".to_owned(),
        source: RegistrySource { region: "eu-central-1".to_owned(), ..RegistrySource::default() },
    }
}

#[test]
fn a_registry_is_kept_whole_and_its_secret_stays_in() {
    on_both_stores(async |t: TestStore| {
        let (home, key) = (scope(DEFAULT), MasterKey::from_bytes([3; 32]));
        let mut tx = t.store.begin().await.unwrap();
        let made = tx.create_registry(&home, &key, &settings("hub"), &Secret::new("pässword")).await.unwrap();
        let seq = tx.commit().await.unwrap().seq;
        let mut read = t.store.read().await.unwrap();
        assert_eq!(read.registry(&home, &made.uuid).await.unwrap().as_ref(), Some(&made));
        assert_eq!(read.registry_by_name(&home, "hub").await.unwrap().as_ref(), Some(&made));
        assert_eq!(read.registries(&home, 0, 10).await.unwrap(), std::slice::from_ref(&made));
        let log = read.log_since(seq - 1, 9).await.unwrap().unwrap();
        assert_eq!(log.iter().map(|e| (e.kind, e.subject)).collect::<Vec<_>>(), [(Kind::Registry, made.no)]);
        assert!(!serde_json::to_string(&made).unwrap().contains("pässword"));
        let credentials = read.registry_credentials(&home, &made.uuid, &key).await.unwrap().unwrap();
        assert_eq!((credentials.username.as_str(), credentials.secret.expose()), ("scanner", "pässword"));
        assert!(!format!("{credentials:?}").contains("pässword"));
    });
}

#[test]
fn a_change_keeps_the_secret_unless_one_is_given() {
    on_both_stores(async |t: TestStore| {
        let (home, key) = (scope(DEFAULT), MasterKey::from_bytes([3; 32]));
        let mut tx = t.store.begin().await.unwrap();
        let made = tx.create_registry(&home, &key, &settings("a"), &Secret::new("one")).await.unwrap();
        tx.create_registry(&home, &key, &settings("b"), &Secret::default()).await.unwrap();
        let renamed = settings("c");
        let changed = tx.update_registry(&home, &key, &made.uuid, &renamed, None).await.unwrap().unwrap();
        assert_eq!(changed.settings, renamed);
        let kept = tx.registry_credentials(&home, &made.uuid, &key).await.unwrap().unwrap();
        assert_eq!(kept.secret.expose(), "one");
        let two = Secret::new("two");
        tx.update_registry(&home, &key, &made.uuid, &renamed, Some(&two)).await.unwrap().unwrap();
        let new = tx.registry_credentials(&home, &made.uuid, &key).await.unwrap().unwrap();
        assert_eq!(new.secret, two);
        let taken = tx.update_registry(&home, &key, &made.uuid, &settings("b"), None).await.unwrap_err();
        assert!(matches!(taken, Error::Taken { what: "registry", .. }), "{taken}");
        for bad in [settings(""), RegistrySettings { token_hosts: vec!["a b".to_owned()], ..settings("x") }] {
            let refused = tx.create_registry(&home, &key, &bad, &Secret::default()).await;
            assert!(matches!(refused, Err(Error::Invalid(_))));
        }
    });
}

#[test]
fn another_project_sees_and_changes_nothing() {
    on_both_stores(async |t: TestStore| {
        let (home, key) = (scope(DEFAULT), MasterKey::from_bytes([3; 32]));
        let mut tx = t.store.begin().await.unwrap();
        let other = scope(tx.ensure_project("other").await.unwrap().no);
        let made = tx.create_registry(&home, &key, &settings("hub"), &Secret::new("pw")).await.unwrap();
        tx.create_registry(&other, &key, &settings("hub"), &Secret::default()).await.unwrap();
        assert!(tx.registry(&other, &made.uuid).await.unwrap().is_none());
        assert!(tx.registry_credentials(&other, &made.uuid, &key).await.unwrap().is_none());
        let stolen = tx.update_registry(&other, &key, &made.uuid, &settings("x"), None).await.unwrap();
        assert!(stolen.is_none());
        assert!(!tx.delete_registry(&other, &made.uuid).await.unwrap());
        assert!(tx.registries(&scope(ProjectNo(9)), 0, 10).await.unwrap().is_empty());
        assert!(tx.delete_registry(&home, &made.uuid).await.unwrap());
        assert!(tx.registry(&home, &made.uuid).await.unwrap().is_none());
    });
}
