//! What a reader found, and how it gathers that.

use parapet_model::PackageKey;
use parapet_model::package::is_clean;
use serde::{Deserialize, Serialize};

use crate::path::lossy;

/// What a reader found in one file. Packages of distributions carry the family (`dpkg`, `apk`,
/// `rpm`) as ecosystem until the release is known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reading {
    /// The packages.
    pub packages: Vec<PackageKey>,
    /// Files that belong to those packages, as the database spells them.
    pub owned: Vec<Vec<u8>>,
    /// Why something could not be read; the packages beside it still count.
    pub problem: Option<String>,
    /// What a list asks for without one exact version (which is the constraint here, or where it
    /// comes from). It is named as not judged.
    pub unjudged: Vec<PackageKey>,
    /// What the file holds beside the packages, but does not name: sound, and yet nobody can judge it.
    pub unknown: Option<String>,
}

impl Reading {
    /// A file of which nothing could be read.
    pub fn unreadable(why: impl Into<String>) -> Self {
        Self { problem: Some(why.into()), ..Self::default() }
    }

    /// Whether it names nothing at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.packages.is_empty() && self.unjudged.is_empty()
    }

    /// What a distribution's database says; one that names nothing at all is no database that a
    /// system could be called clean by.
    pub(crate) fn database(mut self) -> Self {
        if self.packages.is_empty() && self.problem.is_none() {
            self.problem = Some("it names no package".to_owned());
        }
        self
    }

    /// Notes a problem; the first one is kept, with the number of further ones.
    pub(crate) fn complain(&mut self, problems: &mut u32, why: impl FnOnce() -> String) {
        *problems = problems.saturating_add(1);
        if self.problem.is_none() {
            self.problem = Some(why());
        }
    }

    /// Adds how many problems there were beyond the first.
    pub(crate) fn sum_up(mut self, problems: u32) -> Self {
        if problems > 1
            && let Some(problem) = &mut self.problem
        {
            problem.push_str(&format!(" (and {} more)", problems - 1));
        }
        self
    }
}

/// Most packages of one document; lock files of very large projects name some thousands.
const MAX_PACKAGES: usize = 50_000;

/// Gathers the packages of one document.
#[derive(Default)]
pub(crate) struct Gathered {
    reading: Reading,
    problems: u32,
    left_out: bool,
}

impl Gathered {
    /// Adds a package, or the reason why it is none.
    pub(crate) fn add(&mut self, ecosystem: &str, name: &str, version: &str) {
        if self.is_full() {
            return;
        }
        match key(ecosystem, name, version) {
            Ok(key) => self.reading.packages.push(key),
            Err(why) => self.complain(why),
        }
    }

    /// Adds what is asked for without one exact version: `wanted` is what there is instead.
    pub(crate) fn unjudged(&mut self, ecosystem: &str, name: &str, wanted: &str) {
        if self.is_full() {
            return;
        }
        let wanted = if wanted.is_empty() { "any version" } else { wanted };
        match key(ecosystem, name, wanted) {
            Ok(key) => self.reading.unjudged.push(key),
            Err(why) => self.complain(why),
        }
    }

    /// Whether no more is taken, which is said once.
    pub(crate) fn is_full(&mut self) -> bool {
        let full = self.reading.packages.len() + self.reading.unjudged.len() >= MAX_PACKAGES;
        if full && !std::mem::replace(&mut self.left_out, true) {
            self.complain(format!("it names more than {MAX_PACKAGES} packages; the rest is left out"));
        }
        full
    }

    /// Notes a problem.
    pub(crate) fn complain(&mut self, why: String) {
        self.reading.complain(&mut self.problems, || why);
    }

    /// What was gathered, each package once.
    pub(crate) fn finish(mut self) -> Reading {
        for list in [&mut self.reading.packages, &mut self.reading.unjudged] {
            list.sort_unstable();
            list.dedup();
        }
        self.reading.sum_up(self.problems)
    }
}

/// A document of one package: that, or why it is none.
pub(crate) fn one(ecosystem: &str, name: &str, version: &str) -> Reading {
    match key(ecosystem, name, version) {
        Ok(key) => Reading { packages: vec![key], ..Reading::default() },
        Err(why) => Reading::unreadable(why),
    }
}

/// A package by texts that came through [`clean_text`].
pub(crate) fn key(ecosystem: &str, name: &str, version: &str) -> Result<PackageKey, String> {
    let name = clean_text(name.as_bytes()).map_err(|e| format!("the name {e}"))?;
    let version = clean_text(version.as_bytes()).map_err(|e| format!("the version of {name} {e}"))?;
    Ok(PackageKey::new(ecosystem, name, version))
}

/// Takes a text from a database: UTF-8, no NUL, of sane length, and not empty. This is the reader's
/// door of store rule 8.
pub(crate) fn clean_text(bytes: &[u8]) -> Result<&str, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| format!("{:?} is not UTF-8", short(bytes)))?;
    if text.is_empty() {
        return Err("is empty".to_owned());
    }
    if !is_clean(text) || text.chars().any(char::is_control) {
        return Err(format!("{:?} holds control characters or is too long", short(bytes)));
    }
    Ok(text)
}

/// The start of some bytes, for an error message.
pub(crate) fn short(bytes: &[u8]) -> String {
    lossy(bytes.get(..bytes.len().min(80)).unwrap_or_default())
}
