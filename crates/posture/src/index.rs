//! A copy-on-write index from keys (names, ids, uuids) to numbers.
//!
//! Sharded by hash, so that one new key copies one small shard and a clone copies the table of
//! shards only. Texts are stored and looked up in ASCII lower case, as the filter tree compares.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

const SHARDS: usize = 4096;

type Shard<K> = Arc<HashMap<K, Numbers>>;

/// The numbers of a key, ascending. Nearly all keys have one.
#[derive(Debug, Clone)]
enum Numbers {
    One([u32; 1]),
    Many(Vec<u32>),
}

impl Numbers {
    fn as_slice(&self) -> &[u32] {
        match self {
            Self::One(number) => number,
            Self::Many(numbers) => numbers,
        }
    }

    fn insert(&mut self, number: u32) {
        let Err(at) = self.as_slice().binary_search(&number) else { return };
        match self {
            Self::One(one) => {
                let mut numbers = one.to_vec();
                numbers.insert(at, number);
                *self = Self::Many(numbers);
            }
            Self::Many(numbers) => numbers.insert(at, number),
        }
    }

    /// Takes a number away; whether none is left.
    fn remove(&mut self, number: u32) -> bool {
        match self {
            Self::One([one]) => *one == number,
            Self::Many(numbers) => {
                numbers.retain(|have| *have != number);
                numbers.is_empty()
            }
        }
    }
}

/// Many numbers per key, each once, ascending.
#[derive(Debug, Clone)]
pub(crate) struct Index<K> {
    shards: Arc<Vec<Shard<K>>>,
}

impl<K: Clone> Default for Index<K> {
    fn default() -> Self {
        Self { shards: Arc::new(vec![Arc::default(); SHARDS]) }
    }
}

fn shard_of<Q: Hash + ?Sized>(key: &Q) -> usize {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    (hasher.finish() % SHARDS as u64) as usize
}

impl<K: Hash + Eq + Clone> Index<K> {
    /// The numbers of a key.
    pub(crate) fn get<Q>(&self, key: &Q) -> &[u32]
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.shards[shard_of(key)].get(key).map_or(&[], Numbers::as_slice)
    }

    /// Adds `number` under `key`; nothing happens when it is there.
    pub(crate) fn insert(&mut self, key: K, number: u32) {
        if self.get(&key).binary_search(&number).is_ok() {
            return;
        }
        let shard = shard_of(&key);
        let keys = Arc::make_mut(&mut Arc::make_mut(&mut self.shards)[shard]);
        keys.entry(key).and_modify(|numbers| numbers.insert(number)).or_insert(Numbers::One([number]));
    }

    /// Takes `number` from `key`; nothing happens when it is not there.
    pub(crate) fn remove(&mut self, key: &K, number: u32) {
        if self.get(key).binary_search(&number).is_err() {
            return;
        }
        let shard = Arc::make_mut(&mut Arc::make_mut(&mut self.shards)[shard_of(key)]);
        if shard.get_mut(key).is_some_and(|numbers| numbers.remove(number)) {
            shard.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_and_go() {
        let mut index: Index<String> = Index::default();
        index.insert("openssl".into(), 7);
        index.insert("openssl".into(), 3);
        index.insert("openssl".into(), 7);
        let before = index.clone();
        index.remove(&"openssl".to_owned(), 7);
        assert_eq!(before.get("openssl"), [3, 7]);
        assert_eq!(index.get("openssl"), [3]);
        index.remove(&"openssl".to_owned(), 3);
        index.remove(&"openssl".to_owned(), 3);
        assert_eq!(index.get("openssl"), [0; 0]);
    }
}
