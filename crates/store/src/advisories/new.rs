//! Records on their way in: checked and packed before the transaction that stores them, so that it
//! holds up nobody longer than it must.

use std::collections::BTreeSet;

use parapet_model::advisory::Advisory;
use parapet_model::package::is_clean;

use super::RecordHash;
use crate::error::{Error, Result};

/// A record as a feed gives it. Made by [`Packer::pack`].
#[derive(Debug, Clone, PartialEq)]
pub struct NewAdvisory {
    /// What it says.
    pub advisory: Advisory,
    /// Its content hash.
    pub hash: RecordHash,
    /// The (ecosystem, name) keys under which packages look it up (`matching::affected_key`).
    pub keys: BTreeSet<(String, String)>,
    /// The stored form of both, see [`super::Body`].
    pub(super) body: Vec<u8>,
}

impl NewAdvisory {
    /// About how many rows it takes: its own, and one for each key and id.
    pub fn rows(&self) -> usize {
        let named = self.advisory.vulnerabilities.len() + self.advisory.same_as.len();
        4 + self.keys.len() + 2 * named
    }

    pub(super) fn identity(&self) -> (&str, &str) {
        (&self.advisory.source, &self.advisory.id)
    }
}

/// Makes records ready to be stored. Keep one for many.
pub struct Packer(zstd::bulk::Compressor<'static>);

impl std::fmt::Debug for Packer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Packer")
    }
}

impl Packer {
    /// A packer.
    ///
    /// # Errors
    /// Only when memory is out.
    pub fn new() -> Result<Self> {
        zstd::bulk::Compressor::new(1).map(Self).map_err(|e| unpackable("", e))
    }

    /// Checks and packs a record.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an id, source or key that is empty, too long or has a NUL.
    pub fn pack(
        &mut self,
        advisory: Advisory,
        hash: RecordHash,
        keys: BTreeSet<(String, String)>,
    ) -> Result<NewAdvisory> {
        /// The shape of [`super::Body`], without cloning into one.
        #[derive(serde::Serialize)]
        struct Borrowed<'a> {
            advisory: &'a Advisory,
            keys: &'a BTreeSet<(String, String)>,
        }
        if let Some(why) = refusal(&advisory, &keys) {
            return Err(Error::Invalid(why));
        }
        let json = serde_json::to_vec(&Borrowed { advisory: &advisory, keys: &keys })
            .map_err(|e| unpackable(&advisory.id, e))?;
        let body = self.0.compress(&json).map_err(|e| unpackable(&advisory.id, e))?;
        Ok(NewAdvisory { advisory, hash, keys, body })
    }
}

/// Why the store does not take this record, if it does not.
fn refusal(a: &Advisory, keys: &BTreeSet<(String, String)>) -> Option<String> {
    let texts = [&a.id, &a.source].into_iter().chain(&a.vulnerabilities).chain(&a.same_as);
    let texts = texts.chain(keys.iter().flat_map(|(ecosystem, name)| [ecosystem, name]));
    let bad = texts.into_iter().find(|text| text.is_empty() || !is_clean(text))?;
    let (id, bad) = (a.id.chars().take(60).collect::<String>(), bad.chars().take(60).collect::<String>());
    Some(format!("advisory {id:?} has an id or name that is empty, too long or has a NUL: {bad:?}"))
}

/// The error for a body that cannot be packed.
fn unpackable(id: &str, why: impl std::fmt::Display) -> Error {
    Error::Invalid(format!("advisory {id} cannot be stored: {why}"))
}
