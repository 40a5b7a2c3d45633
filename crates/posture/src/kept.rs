//! What was worked out once about all assets and is kept while posture moves on.
//!
//! A change of posture touches few assets: those it names, their containers, and those that show a
//! package it speaks of. Each step writes them down ([`Journal`]). So an index or an answer made some
//! steps ago is right but for the assets touched since, and whoever uses it asks those one by one
//! (decision record 0010). A step that touches very many forgets everything.
//!
//! What is kept knows neither exceptions nor time: those are laid over it when somebody asks. Only a
//! tally is kept behind exceptions too, and says behind which.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use parapet_model::filter::Field;
use parapet_model::{AssetKind, ExceptionNo};
use roaring::RoaringBitmap;

use crate::by_package::PackageGroup;

/// More touched assets than this, and a thing is made anew instead.
const STALE: u64 = 1024;
/// The same where asking costs more.
const RECENT: u64 = 64;
/// More in one step, and everything is.
pub(crate) const TOO_MANY: usize = 8192;
/// Steps remembered one by one; of older ones, what several touched together.
const STEPS: usize = 256;
/// Answers to filters that are kept; the least recently used go.
const ANSWERS: usize = 256;
/// The same for counts, which are some bytes for every asset.
const SUMS: usize = 16;
/// Versions kept of each thing: one more than the newest, for readers of the snapshot before.
const VERSIONS: usize = 2;

/// What a thing is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// Which assets of each kind are current.
    Census,
    /// The values of a field of assets.
    Column(Field),
    /// Assets of a kind in the order of something.
    Order(AssetKind, u8),
    /// The image of each container.
    Homes,
    /// How many vulnerabilities each asset has.
    Tally,
    /// The same behind the exceptions that hold.
    TallyBehind,
    /// Assets by how many they have of some bands, one bit each.
    Ladder(u8),
    /// All open (package, vulnerability).
    Pairs,
    /// The assets an exception is for.
    Reach(ExceptionNo),
    /// The pairs an exception hides.
    Hidden(ExceptionNo),
    /// When containers of which image were seen.
    Seen,
    /// The assets with a finding that passes; with kernels that do not run.
    Has(String, bool),
    /// The assets that show a package that passes.
    Shows(String),
    /// All vulnerabilities of a question, or a page of them.
    Vulnerabilities(String),
    /// The numbers of all of them in an order that asks how they weigh.
    Weighed(String),
    /// The coverage word of every asset.
    Words,
    /// The same as numbers alone.
    Found(String),
    /// How many vulnerabilities of a question each asset has.
    ByAsset(String),
    /// Counts of a filter for each asset; with kernels that do not run.
    Sums(String, bool),
    /// The packages of a question.
    ByPackage(PackageGroup, String),
}

impl Key {
    /// How many of its kind are kept, where filters come from outside and there may be any number of them.
    fn most(&self) -> Option<usize> {
        match self {
            Self::Has(..)
            | Self::Shows(_)
            | Self::Vulnerabilities(_)
            | Self::Found(_)
            | Self::ByAsset(_)
            | Self::ByPackage(..)
            | Self::Reach(_)
            | Self::Hidden(_) => Some(ANSWERS),
            Self::Sums(..) => Some(SUMS),
            _ => None,
        }
    }
}

/// Which assets the last steps touched.
#[derive(Debug, Clone, Default)]
pub(crate) struct Journal {
    /// The number of the present state.
    generation: u64,
    /// Things made before this state are of no use.
    floor: u64,
    /// What the step to `generation`, the one before it and so on touched; oldest first.
    steps: Arc<Vec<(u64, Arc<Touched>)>>,
}

/// What a step touched.
#[derive(Debug, Clone, Default)]
pub(crate) struct Touched {
    /// The assets of which an answer may have changed.
    pub(crate) assets: RoaringBitmap,
    /// The packages of which something else may be said.
    pub(crate) packages: RoaringBitmap,
}

impl Touched {
    fn join(&self, other: &Self) -> Self {
        Self { assets: &self.assets | &other.assets, packages: &self.packages | &other.packages }
    }
}

impl Journal {
    /// A step that touches these; `None` for all.
    pub(crate) fn step(&mut self, touched: Option<Touched>) {
        self.generation += 1;
        match touched {
            Some(touched) if touched.assets.is_empty() && touched.packages.is_empty() => {}
            Some(touched) => {
                let steps = Arc::make_mut(&mut self.steps);
                steps.push((self.generation, Arc::new(touched)));
                if steps.len() > STEPS {
                    join_old(steps);
                }
            }
            None => {
                self.floor = self.generation;
                self.steps = Arc::default();
            }
        }
    }

    /// The number of the present state.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// What was touched since `made`; `None` when that is not known or too much to ask one by one.
    fn since(&self, made: u64, most: u64) -> Option<RoaringBitmap> {
        let mut touched = RoaringBitmap::new();
        self.steps_since(made)?.for_each(|step| touched |= &step.assets);
        (touched.len() <= most).then_some(touched)
    }

    /// The packages of which something else may be said since `made`; `None` when that is not known.
    fn packages_since(&self, made: u64) -> Option<RoaringBitmap> {
        let mut touched = RoaringBitmap::new();
        self.steps_since(made)?.for_each(|step| touched |= &step.packages);
        Some(touched)
    }

    fn steps_since(&self, made: u64) -> Option<impl Iterator<Item = &Touched>> {
        let known = made >= self.floor && made <= self.generation;
        let steps = self.steps.iter().rev().take_while(move |(generation, _)| *generation > made);
        known.then(|| steps.map(|(_, step)| step.as_ref()))
    }
}

/// Joins the older half of the steps two by two. What was made between two of them is then asked for
/// the assets of both, which is more than need be and never less.
fn join_old(steps: &mut Vec<(u64, Arc<Touched>)>) {
    let recent = steps.split_off(steps.len() / 2);
    let joined = steps.chunks(2).map(|pair| match pair {
        [(_, first), (generation, second)] => (*generation, Arc::new(first.join(second))),
        pair => pair[0].clone(),
    });
    *steps = joined.chain(recent).collect();
}

type Thing = Arc<dyn Any + Send + Sync>;

#[derive(Debug, Default)]
struct Slot {
    versions: Mutex<Vec<(u64, Thing)>>,
}

#[derive(Debug, Default)]
struct Shelf {
    slots: HashMap<Key, (u64, Arc<Slot>)>,
    uses: u64,
    /// What `uses` was when it was last looked at which keys are asked for.
    looked_at: u64,
}

/// The things kept, shared by all snapshots of a posture.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept(Arc<Mutex<Shelf>>);

/// A thing, and the assets for which it may be wrong.
#[derive(Debug)]
pub(crate) struct Standing<T> {
    pub(crate) thing: Arc<T>,
    pub(crate) touched: RoaringBitmap,
}

/// The newest version that fits, if it is recent enough.
fn standing<T: Send + Sync + 'static>(
    versions: &[(u64, Thing)],
    journal: &Journal,
    most: u64,
    fits: impl Fn(&T) -> bool,
) -> Option<Standing<T>> {
    versions.iter().rev().find_map(|(made, thing)| {
        let thing = Arc::clone(thing).downcast::<T>().ok().filter(|thing| fits(thing))?;
        Some(Standing { thing, touched: journal.since(*made, most)? })
    })
}

fn add(versions: &mut Vec<(u64, Thing)>, made: u64, thing: Thing) {
    versions.push((made, thing));
    versions.sort_by_key(|(made, _)| *made);
    if versions.len() > VERSIONS {
        versions.remove(0);
    }
}

impl Kept {
    /// The things that are right for a state or for one before it, kept apart: what is made here from now on
    /// takes the place of nothing there, and the other way round.
    pub(crate) fn apart(&self, generation: u64) -> Self {
        let shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let slots: Vec<_> =
            shelf.slots.iter().map(|(key, (_, slot))| (key.clone(), Arc::clone(slot))).collect();
        drop(shelf);
        let copied = slots.into_iter().filter_map(|(key, slot)| {
            let versions = slot.versions.lock().unwrap_or_else(PoisonError::into_inner);
            let newest = versions.iter().rev().find(|(made, _)| *made <= generation)?.clone();
            Some((key, (0, Arc::new(Slot { versions: Mutex::new(vec![newest]) }))))
        });
        Self(Arc::new(Mutex::new(Shelf { slots: copied.collect(), ..Shelf::default() })))
    }

    /// The thing under a key that `fits`; made by `make` when there is none that is recent enough.
    /// Whoever comes while it is made waits for it.
    pub(crate) fn get<T: Send + Sync + 'static>(
        &self,
        journal: &Journal,
        key: Key,
        fits: impl Fn(&T) -> bool,
        make: impl FnOnce() -> T,
    ) -> Standing<T> {
        self.get_within(journal, key, STALE, fits, make)
    }

    /// The same for a thing beside which a touched asset costs much, and that is soon made.
    pub(crate) fn get_recent<T: Send + Sync + 'static>(
        &self,
        journal: &Journal,
        key: Key,
        make: impl FnOnce() -> T,
    ) -> Standing<T> {
        self.get_within(journal, key, RECENT, |_| true, make)
    }

    /// The same for a thing that no touched asset may be asked beside: it must be of this very state.
    pub(crate) fn get_exact<T: Send + Sync + 'static>(
        &self,
        journal: &Journal,
        key: Key,
        fits: impl Fn(&T) -> bool,
        make: impl FnOnce() -> T,
    ) -> Arc<T> {
        self.get_within(journal, key, 0, fits, make).thing
    }

    fn get_within<T: Send + Sync + 'static>(
        &self,
        journal: &Journal,
        key: Key,
        most: u64,
        fits: impl Fn(&T) -> bool,
        make: impl FnOnce() -> T,
    ) -> Standing<T> {
        let slot = self.slot(key);
        let mut versions = slot.versions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(standing) = standing(&versions, journal, most, fits) {
            return standing;
        }
        let thing = Arc::new(make());
        add(&mut versions, journal.generation, Arc::clone(&thing) as Thing);
        Standing { thing, touched: RoaringBitmap::new() }
    }

    /// Like [`Kept::get`]; `make` gets the one there was, if it is known what was touched since.
    pub(crate) fn get_grown<T: Send + Sync + 'static>(
        &self,
        journal: &Journal,
        key: Key,
        fits: impl Fn(&T) -> bool,
        make: impl FnOnce(Option<Standing<T>>) -> T,
    ) -> Standing<T> {
        let slot = self.slot(key);
        let mut versions = slot.versions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(standing) = standing(&versions, journal, STALE, &fits) {
            return standing;
        }
        let thing = Arc::new(make(standing(&versions, journal, TOO_MANY as u64, fits)));
        add(&mut versions, journal.generation, Arc::clone(&thing) as Thing);
        Standing { thing, touched: RoaringBitmap::new() }
    }

    /// A thing about packages alone: of this very state. `make` gets the one there was and the packages of
    /// which something else may be said since, if that is known.
    pub(crate) fn get_of_packages<T: Send + Sync + 'static>(
        &self,
        journal: &Journal,
        key: Key,
        make: impl FnOnce(Option<(Arc<T>, RoaringBitmap)>) -> T,
    ) -> Arc<T> {
        let slot = self.slot(key);
        let mut versions = slot.versions.lock().unwrap_or_else(PoisonError::into_inner);
        let old = versions.iter().rev().find_map(|(made, thing)| {
            let changed = journal.packages_since(*made)?;
            Some((Arc::clone(thing).downcast::<T>().ok()?, changed))
        });
        match old {
            Some((thing, changed)) if changed.is_empty() => thing,
            old => {
                let thing = Arc::new(make(old));
                add(&mut versions, journal.generation, Arc::clone(&thing) as Thing);
                thing
            }
        }
    }

    /// The keys that somebody asked for since this was last called.
    pub(crate) fn asked_for(&self) -> Vec<Key> {
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = shelf.looked_at;
        shelf.looked_at = shelf.uses;
        let asked = shelf.slots.iter().filter(|(_, (used, _))| *used > last);
        asked.map(|(key, _)| key.clone()).collect()
    }

    /// Makes a thing of this kind from the one there is, when more than `most` assets were touched since. Nobody
    /// waits for that.
    pub(crate) fn regrow<T: Send + Sync + 'static>(
        &self,
        journal: &Journal,
        key: &Key,
        most: u64,
        grow: impl FnOnce(Standing<T>) -> Option<T>,
    ) {
        let slot = self.0.lock().unwrap_or_else(PoisonError::into_inner).slots.get(key).cloned();
        let Some((_, slot)) = slot else { return };
        let lock = || slot.versions.lock().unwrap_or_else(PoisonError::into_inner);
        let old = standing(&lock(), journal, TOO_MANY as u64, |_: &T| true);
        let old = old.filter(|old| old.touched.len() > most);
        if let Some(thing) = old.and_then(grow) {
            add(&mut lock(), journal.generation, Arc::new(thing));
        }
    }

    /// The thing under a key that `fits`, if there is one at hand; waits for nobody who makes it.
    pub(crate) fn peek<T: Send + Sync + 'static>(
        &self,
        journal: &Journal,
        key: Key,
        fits: impl Fn(&T) -> bool,
    ) -> Option<Standing<T>> {
        let slot = self.slot(key);
        let versions = slot.versions.try_lock().ok()?;
        standing(&versions, journal, STALE, fits)
    }

    /// Makes a thing anew when more than `most` assets were touched since, from the one there is where
    /// that can be. Whoever needs it meanwhile goes on with the old one, or waits when it is too old. What somebody
    /// else makes is left to them, so that several who make things share the work.
    pub(crate) fn refresh<T: Send + Sync + 'static>(
        &self,
        journal: &Journal,
        key: Key,
        most: u64,
        fits: impl Fn(&T) -> bool,
        make: impl FnOnce(Option<Standing<T>>) -> T,
    ) {
        let slot = self.slot(key);
        let lock = || slot.versions.lock().unwrap_or_else(PoisonError::into_inner);
        let mut versions = match slot.versions.try_lock() {
            Ok(versions) => versions,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        match standing(&versions, journal, STALE, &fits) {
            Some(fresh) if fresh.touched.len() <= most => {}
            Some(old) => {
                drop(versions);
                let thing = Arc::new(make(Some(old)));
                add(&mut lock(), journal.generation, thing);
            }
            None => {
                let old = standing(&versions, journal, TOO_MANY as u64, &fits);
                add(&mut versions, journal.generation, Arc::new(make(old)));
            }
        }
    }

    fn slot(&self, key: Key) -> Arc<Slot> {
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.uses += 1;
        let uses = shelf.uses;
        if let Some(most) = key.most().filter(|_| !shelf.slots.contains_key(&key)) {
            shelf.make_room(most);
        }
        let (used, slot) = shelf.slots.entry(key).or_default();
        *used = uses;
        Arc::clone(slot)
    }
}

impl Shelf {
    /// Forgets the answer that was asked for longest ago, when there are `most` of them.
    fn make_room(&mut self, most: usize) {
        let answers = self.slots.iter().filter(|(key, _)| key.most() == Some(most));
        let oldest = answers.clone().min_by_key(|(_, (used, _))| *used).map(|(key, _)| key.clone());
        if answers.count() >= most
            && let Some(oldest) = oldest
        {
            self.slots.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(assets: &[u32]) -> Option<Touched> {
        Some(Touched { assets: assets.iter().collect(), ..Touched::default() })
    }

    #[test]
    fn a_thing_about_packages_grows_by_what_was_said_since() {
        let (kept, mut journal) = (Kept::default(), Journal::default());
        let packages = |kept: &Kept, journal: &Journal| {
            let make = |old: Option<(Arc<Vec<u32>>, RoaringBitmap)>| match old {
                Some((old, changed)) => old.iter().copied().chain(changed).collect(),
                None => vec![],
            };
            kept.get_of_packages(journal, Key::Pairs, make).to_vec()
        };
        journal.step(None);
        assert_eq!(packages(&kept, &journal), [0; 0]);
        journal.step(some(&[1, 2, 3]));
        assert_eq!(packages(&kept, &journal), [0; 0], "no package was touched");
        let old = journal.clone();
        for package in [7, 9] {
            journal.step(Some(Touched { packages: [package].into(), ..Touched::default() }));
        }
        assert_eq!(packages(&kept, &journal), [7, 9]);
        assert_eq!(packages(&kept, &old), [0; 0], "readers of the old state see no change");
        journal.step(Some(Touched { packages: [7].into(), ..Touched::default() }));
        assert_eq!(packages(&kept, &journal), [7, 9, 7]);
        journal.step(None);
        assert_eq!(packages(&kept, &journal), [0; 0], "nothing is known of what was said");
    }

    fn made(kept: &Kept, journal: &Journal, value: u32) -> (u32, Vec<u32>) {
        let standing = kept.get(journal, Key::Tally, |_: &u32| true, || value);
        (*standing.thing, standing.touched.iter().collect())
    }

    #[test]
    fn a_thing_stands_but_for_what_was_touched_since() {
        let (kept, mut journal) = (Kept::default(), Journal::default());
        journal.step(None);
        let old = journal.clone();
        assert_eq!(made(&kept, &journal, 1), (1, vec![]));
        journal.step(some(&[7, 9]));
        journal.step(some(&[]));
        journal.step(some(&[9, 11]));
        assert_eq!(made(&kept, &journal, 2), (1, vec![7, 9, 11]));
        assert_eq!(made(&kept, &old, 3), (1, vec![]), "readers of the old state see no change");
        journal.step(some(&Vec::from_iter(0..=STALE as u32)));
        assert_eq!(made(&kept, &journal, 4), (4, vec![]), "too much to ask one by one");
        assert_eq!(made(&kept, &old, 5), (1, vec![]), "a newer thing is of no use to an older state");
        journal.step(None);
        assert_eq!(made(&kept, &journal, 6), (6, vec![]));
    }

    #[test]
    fn what_is_kept_apart_is_not_replaced_by_newer_versions() {
        let (kept, mut journal) = (Kept::default(), Journal::default());
        journal.step(None);
        assert_eq!(made(&kept, &journal, 1), (1, vec![]));
        let (old, apart) = (journal.clone(), kept.apart(journal.generation()));
        for value in 2..6 {
            journal.step(None);
            assert_eq!(made(&kept, &journal, value), (value, vec![]));
        }
        assert_eq!(made(&apart, &old, 7), (1, vec![]));
        assert_eq!(made(&kept, &old, 8), (8, vec![]), "beside the newer ones it is gone");
    }

    #[test]
    fn old_steps_are_joined_and_nothing_touched_is_forgotten() {
        let mut journal = Journal::default();
        let steps = STEPS as u32 * 5;
        (0..steps).for_each(|no| journal.step(some(&[no])));
        assert!(journal.steps.len() <= STEPS);
        for made in 0..u64::from(steps) {
            let touched = journal.since(made, u64::MAX).unwrap();
            assert!((made as u32..steps).all(|no| touched.contains(no)), "since {made}");
        }
        let recent = u64::from(steps) - STEPS as u64 / 2;
        assert_eq!(journal.since(recent, u64::MAX).unwrap().len(), STEPS as u64 / 2, "of late one by one");
    }

    #[test]
    fn a_thing_is_made_anew_from_the_old_one_when_enough_was_touched() {
        let (kept, mut journal) = (Kept::default(), Journal::default());
        let refresh = |journal: &Journal, most, value| {
            kept.refresh(
                journal,
                Key::Tally,
                most,
                |_| true,
                |old: Option<Standing<u32>>| match old {
                    Some(old) => *old.thing * 10 + old.touched.len() as u32,
                    None => value,
                },
            );
        };
        let at_hand = |journal: &Journal| {
            let standing = kept.peek(journal, Key::Tally, |_: &u32| true)?;
            Some((*standing.thing, standing.touched.len()))
        };
        assert_eq!(at_hand(&journal), None, "nobody made it");
        refresh(&journal, 1, 7);
        journal.step(some(&[1]));
        refresh(&journal, 1, 8);
        assert_eq!(at_hand(&journal), Some((7, 1)), "one is looked up");
        journal.step(some(&[2]));
        refresh(&journal, 1, 8);
        assert_eq!(at_hand(&journal), Some((72, 0)));
        journal.step(None);
        assert_eq!(at_hand(&journal), None);
        refresh(&journal, 1, 9);
        assert_eq!(at_hand(&journal), Some((9, 0)), "nothing is known of what was touched");
    }

    #[test]
    fn answers_to_filters_are_bounded() {
        let (kept, journal) = (Kept::default(), Journal::default());
        let answer = |no: usize| {
            let key = Key::Has(no.to_string(), false);
            *kept.get(&journal, key, |_: &usize| true, || no).thing
        };
        kept.get(&journal, Key::Pairs, |_: &u8| true, || 1);
        (0..ANSWERS * 3).for_each(|no| assert_eq!(answer(no), no));
        assert_eq!(kept.0.lock().unwrap().slots.len(), ANSWERS + 1);
    }
}
