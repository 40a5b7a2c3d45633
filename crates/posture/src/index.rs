//! A copy-on-write index from keys (names, ids, uuids) to numbers.
//!
//! Sharded by hash, so that one new key copies one small shard and a clone copies the table of
//! shards only. Texts are stored and looked up in ASCII lower case, as the filter tree compares.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher as _, Hash};
use std::sync::Arc;

use foldhash::quality::{FixedState, RandomState};

const SHARDS: usize = 4096;

type Shard<K> = Arc<HashMap<K, Numbers, RandomState>>;

/// Numbers of a key, ascending. Nearly every key has one, which takes no memory of its own.
#[derive(Debug, Clone)]
enum Numbers {
    One(u32),
    Many(Vec<u32>),
}

impl Numbers {
    fn as_slice(&self) -> &[u32] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }

    fn insert(&mut self, at: usize, number: u32) {
        match self {
            Self::One(one) if at == 0 => *self = Self::Many(vec![number, *one]),
            Self::One(one) => *self = Self::Many(vec![*one, number]),
            Self::Many(many) => many.insert(at, number),
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
    (FixedState::default().hash_one(key) % SHARDS as u64) as usize
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
        let place = shard_of(&key);
        let known = self.shards[place].get(&key).map_or(&[][..], Numbers::as_slice);
        let Err(at) = known.binary_search(&number) else { return };
        let shard = Arc::make_mut(&mut Arc::make_mut(&mut self.shards)[place]);
        match shard.entry(key) {
            Entry::Occupied(mut there) => there.get_mut().insert(at, number),
            Entry::Vacant(free) => drop(free.insert(Numbers::One(number))),
        }
    }

    /// Takes `number` from `key`; nothing happens when it is not there.
    pub(crate) fn remove(&mut self, key: &K, number: u32) {
        let Ok(at) = self.get(key).binary_search(&number) else { return };
        let shard = Arc::make_mut(&mut Arc::make_mut(&mut self.shards)[shard_of(key)]);
        match shard.get_mut(key) {
            Some(Numbers::Many(many)) if many.len() > 1 => drop(many.remove(at)),
            _ => drop(shard.remove(key)),
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
