//! A part that few things have.

use std::ops::{Deref, DerefMut};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::asset::{ContainerFacts, HostFacts, ImageFacts};

/// A part of a row that says nothing in most rows: read like the part itself, but one word long where it is
/// blank. An image has nothing to say as a host, and there may be millions of images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rare<T>(Option<Box<T>>);

/// What may be [`Rare`].
pub trait Blank: Default + PartialEq + 'static {
    /// The one that says nothing.
    fn blank() -> &'static Self;
}

macro_rules! blank {
    ($($part:ty),+) => {
        $(impl Blank for $part {
            fn blank() -> &'static Self {
                static BLANK: LazyLock<$part> = LazyLock::new(Default::default);
                &BLANK
            }
        })+
    };
}

blank!(ImageFacts, HostFacts, ContainerFacts);

impl<T> Default for Rare<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Blank> From<T> for Rare<T> {
    fn from(part: T) -> Self {
        Self((part != T::default()).then(|| Box::new(part)))
    }
}

impl<T: Blank> Deref for Rare<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or_else(|| T::blank())
    }
}

impl<T: Blank> DerefMut for Rare<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.get_or_insert_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blank_part_takes_one_word_and_reads_like_any_other() {
        assert_eq!(size_of::<Rare<HostFacts>>(), size_of::<usize>());
        let mut host = Rare::from(HostFacts::default());
        assert_eq!((host.0.is_none(), host.kernel.as_str()), (true, ""));
        host.kernel = "6.1.0".to_owned();
        assert_eq!(host, Rare::from(HostFacts { kernel: "6.1.0".to_owned(), ..HostFacts::default() }));
        assert_ne!(host, Rare::default());
    }
}
