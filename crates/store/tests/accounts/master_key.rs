//! The key of a store: the check at start, and changing it.

use parapet_store::accounts::ApiKeyPair;
use parapet_store::registries::RegistrySettings;
use parapet_store::seal::{MasterKey, SealError, Secret};
use parapet_store::{Error, Result, Store};

use crate::support::{TestStore, on_both_stores};
use crate::{DEFAULT, add_user, scope};

async fn check(store: &Store, key: &MasterKey) -> Result<()> {
    let mut tx = store.begin().await.unwrap();
    let checked = tx.check_master_key(key).await;
    tx.commit().await.unwrap();
    checked
}

#[test]
fn a_store_knows_its_key() {
    on_both_stores(async |t: TestStore| {
        let (ours, other) = (MasterKey::from_bytes([1; 32]), MasterKey::from_bytes([2; 32]));
        check(&t.store, &ours).await.unwrap();
        check(&t.again().await, &ours).await.unwrap();
        let refused = check(&t.store, &other).await.unwrap_err();
        assert!(matches!(refused, Error::Seal(SealError::WrongMasterKey)), "{refused}");
    });
}

#[test]
fn changing_the_key_keeps_every_secret() {
    on_both_stores(async |t: TestStore| {
        let (old, new) = (MasterKey::from_bytes([1; 32]), MasterKey::from_bytes([2; 32]));
        check(&t.store, &old).await.unwrap();
        let (user, home) = (add_user(&t, "ann").await, scope(DEFAULT));
        let pair = ApiKeyPair::random();
        let mut tx = t.store.begin().await.unwrap();
        tx.create_api_key(&old, user.no, DEFAULT, &pair).await.unwrap();
        let named = |name: &str| RegistrySettings { name: name.to_owned(), ..Default::default() };
        let with = tx.create_registry(&home, &old, &named("a"), &Secret::new("pw")).await.unwrap();
        let without = tx.create_registry(&home, &old, &named("b"), &Secret::default()).await.unwrap();
        tx.commit().await.unwrap();

        let mut tx = t.store.begin().await.unwrap();
        assert!(tx.rotate_master_key(&new, &old).await.is_err(), "the old key must be right");
        drop(tx);
        let mut tx = t.store.begin().await.unwrap();
        assert_eq!(tx.rotate_master_key(&old, &new).await.unwrap(), 2);
        tx.commit().await.unwrap();

        assert!(check(&t.store, &old).await.is_err());
        check(&t.store, &new).await.unwrap();
        let mut read = t.store.read().await.unwrap();
        let (_, secret) = read.api_key_secret(&new, &pair.access_key).await.unwrap().unwrap();
        assert_eq!(secret, pair.secret);
        let credentials = read.registry_credentials(&home, &with.uuid, &new).await.unwrap().unwrap();
        assert_eq!(credentials.secret.expose(), "pw");
        let none = read.registry_credentials(&home, &without.uuid, &new).await.unwrap().unwrap();
        assert!(none.secret.is_empty());
    });
}
