//! A set of assets that was chosen beforehand, small enough to be kept with a job.

use std::io;

use parapet_model::AssetNo;
use roaring::RoaringBitmap;

/// Some assets, by number.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AssetSet(RoaringBitmap);

impl AssetSet {
    /// Whether the asset is one of them.
    pub fn contains(&self, no: AssetNo) -> bool {
        self.0.contains(no.0)
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The set as bytes: at most a bit for each number, far less where numbers follow each other.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut packed = self.0.clone();
        packed.optimize();
        let mut bytes = Vec::with_capacity(packed.serialized_size());
        // A vector takes everything.
        let _ = packed.serialize_into(&mut bytes);
        bytes
    }

    /// The set that [`AssetSet::to_bytes`] wrote.
    ///
    /// # Errors
    /// When it did not.
    pub fn from_bytes(bytes: &[u8]) -> io::Result<Self> {
        RoaringBitmap::deserialize_from(bytes).map(Self)
    }

    pub(crate) fn numbers(&self) -> &RoaringBitmap {
        &self.0
    }
}

impl FromIterator<AssetNo> for AssetSet {
    fn from_iter<I: IntoIterator<Item = AssetNo>>(numbers: I) -> Self {
        Self(numbers.into_iter().map(|no| no.0).collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_set_comes_back_from_its_bytes(numbers in proptest::collection::vec(any::<u32>(), 0..50)) {
            let set: AssetSet = numbers.iter().copied().map(AssetNo).collect();
            prop_assert_eq!(&AssetSet::from_bytes(&set.to_bytes()).unwrap(), &set);
            prop_assert!(numbers.iter().all(|&no| set.contains(AssetNo(no))));
        }

        #[test]
        fn other_bytes_are_an_error_or_a_set(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = AssetSet::from_bytes(&bytes);
        }
    }

    #[test]
    fn a_million_neighbours_take_next_to_nothing() {
        let set: AssetSet = (1..=1_000_000).map(AssetNo).collect();
        assert!(set.to_bytes().len() < 1_000);
    }
}
