//! What exceptions hide from whole groups of assets, without a look at any of them.
//!
//! An exception whose filter asks about the asset, or about what advisories say, hides the same
//! (package, vulnerability) pairs on every asset it is for. So assets fall into groups by the
//! exceptions that are for them, and a question is answered once per group: leave out the pairs that
//! are hidden there. What does not fit (a container that drifted, a host, a filter that asks since
//! when) is *odd* and asked row by row, by [`crate::hiding`], which has the rules.

use std::fmt;
use std::sync::Arc;

use parapet_model::exception::Exception;
use parapet_model::{AssetKind, AssetNo, VulnerabilityNo};
use roaring::RoaringBitmap;

use crate::bits::Bits;
use crate::data::Data;
use crate::exceptions::{Active, Layer, live_filter};
use crate::kept::{Key, Standing};
use crate::pairs::{Pairs, understands};
use crate::split::Split;

/// The assets that an exception is for.
#[derive(Debug)]
struct Reach {
    exception: Arc<Exception>,
    /// On these everything is hidden that it is for.
    named: RoaringBitmap,
    /// On these, the findings that its filter accepts.
    filtered: RoaringBitmap,
    /// On these it depends.
    odd: RoaringBitmap,
}

/// The pairs that an exception hides.
#[derive(Debug)]
struct Hidden {
    cause: Cause,
    numbering: Arc<()>,
    /// How many pairs there were.
    pairs: usize,
    named: Arc<Bits>,
    filtered: Arc<Bits>,
}

/// Why pairs are hidden. Of pairs of one numbering it always hides the same ones.
#[derive(Debug, Clone)]
pub(crate) struct Cause {
    exception: Arc<Exception>,
    vulnerabilities: Option<Vec<VulnerabilityNo>>,
    /// Only those that its filter accepts.
    filtered: bool,
}

impl Cause {
    fn of(active: &Active) -> Self {
        let (exception, vulnerabilities) = (Arc::clone(&active.exception), active.vulnerabilities.clone());
        Self { exception, vulnerabilities, filtered: false }
    }

    fn is_of(&self, active: &Active) -> bool {
        Arc::ptr_eq(&self.exception, &active.exception) && self.vulnerabilities == active.vulnerabilities
    }
}

impl PartialEq for Cause {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.exception, &other.exception)
            && self.vulnerabilities == other.vulnerabilities
            && self.filtered == other.filtered
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.exception.no.0, self.filtered)
    }
}

/// Assets on which the same pairs are hidden.
#[derive(Debug)]
pub(crate) struct Cover {
    pub(crate) assets: RoaringBitmap,
    pub(crate) hidden: Arc<Bits>,
    pub(crate) cause: Cause,
}

/// All that holds at an instant.
#[derive(Debug, Default)]
pub(crate) struct Veil {
    pub(crate) covers: Vec<Cover>,
    /// Assets that must be asked row by row.
    pub(crate) odd: RoaringBitmap,
}

impl Data {
    /// What the exceptions of a layer hide, in terms of these pairs.
    pub(crate) fn veil(&self, layer: &Layer, pairs: &Pairs) -> Veil {
        let mut veil = Veil::default();
        for active in &layer.active {
            let Standing { thing: reach, touched } = self.reach(active);
            veil.odd |= touched;
            veil.odd |= &reach.odd;
            if reach.named.is_empty() && reach.filtered.is_empty() {
                continue;
            }
            let Standing { thing: hidden, touched } = self.hidden(active, pairs);
            veil.odd |= touched;
            let parts = [(&reach.named, &hidden.named, false), (&reach.filtered, &hidden.filtered, true)];
            for (assets, hidden, filtered) in parts {
                if !assets.is_empty() && !hidden.is_empty() {
                    let cause = Cause { filtered, ..Cause::of(active) };
                    veil.covers.push(Cover { assets: assets.clone(), hidden: Arc::clone(hidden), cause });
                }
            }
        }
        veil
    }

    /// The pairs that are hidden by a cause, if its exception holds.
    pub(crate) fn hidden_by(&self, layer: &Layer, pairs: &Pairs, cause: &Cause) -> Option<Arc<Bits>> {
        let active = layer.active.iter().find(|active| cause.is_of(active))?;
        let hidden = self.all_hidden(active, pairs, None);
        Some(if cause.filtered { hidden.filtered } else { hidden.named })
    }

    /// All assets on which an exception may hide something.
    pub(crate) fn reached(&self, active: &Active) -> RoaringBitmap {
        let Standing { thing: reach, touched } = self.reach(active);
        touched | &reach.named | &reach.filtered | &reach.odd
    }

    /// The same for one that is not stored.
    pub(crate) fn reached_by(&self, exception: &Arc<Exception>) -> RoaringBitmap {
        let reach = self.find_reach(exception);
        reach.named | reach.filtered | reach.odd
    }

    fn reach(&self, active: &Active) -> Standing<Reach> {
        let exception = &active.exception;
        let fits = |reach: &Reach| Arc::ptr_eq(&reach.exception, exception);
        self.kept.get(&self.journal, Key::Reach(exception.no), fits, || self.find_reach(exception))
    }

    /// Finds anew what the exceptions of a layer are for, when more assets were touched since.
    pub(crate) fn refresh_reaches(&self, layer: &Layer, most: u64) {
        for Active { exception, .. } in &layer.active {
            let fits = |reach: &Reach| Arc::ptr_eq(&reach.exception, exception);
            let make = |_: Option<Standing<Reach>>| self.find_reach(exception);
            self.kept.refresh(&self.journal, Key::Reach(exception.no), most, fits, make);
        }
    }

    fn hidden(&self, active: &Active, pairs: &Pairs) -> Standing<Hidden> {
        let fits =
            |hidden: &Hidden| hidden.cause.is_of(active) && Arc::ptr_eq(&hidden.numbering, pairs.numbering());
        let key = Key::Hidden(active.exception.no);
        self.kept.get_grown(&self.journal, key, fits, |old| {
            self.all_hidden(active, pairs, old.as_ref().map(|old| old.thing.as_ref()))
        })
    }

    /// What an exception hides of these pairs, and what is known of it of fewer.
    fn all_hidden(&self, active: &Active, pairs: &Pairs, old: Option<&Hidden>) -> Hidden {
        let named = pairs.naming(active.vulnerabilities.as_deref());
        let mut filtered = named.clone();
        if let Some(filter) = live_filter(&active.exception) {
            let (parts, none) = (Split::new(filter).match_parts(), Bits::default());
            filtered.and(&match old {
                // What passed and is no longer named has died.
                Some(old) => pairs.passing_still((&old.filtered, old.pairs), &self.tables, &parts, &none),
                None => pairs.passing(&self.tables, &parts, &none),
            });
        }
        Hidden {
            cause: Cause::of(active),
            numbering: Arc::clone(pairs.numbering()),
            pairs: pairs.len(),
            named: Arc::new(named),
            filtered: Arc::new(filtered),
        }
    }

    fn find_reach(&self, exception: &Arc<Exception>) -> Reach {
        let project = exception.project;
        let kinds = [AssetKind::Image, AssetKind::Container, AssetKind::Host];
        let [images, containers, hosts] = kinds.map(|kind| self.current_of(project, kind));
        let everything = &images | &containers | &hosts;
        let target = &exception.target;
        let numbers = |list: &[AssetNo]| list.iter().map(|no| no.0).collect::<RoaringBitmap>();
        let named = numbers(&target.included);
        let excluded = Bits::of(&numbers(&target.excluded));
        let (mut accepted, mut plain) = (RoaringBitmap::new(), true);
        if let Some(filter) = live_filter(exception) {
            let split = Split::new(filter);
            plain = split.is_plain() && understands(&split.match_parts());
            accepted = self.accepted(&split.asset_parts(), everything);
        }
        let (of_named, of_accepted) = (Bits::of(&named), Bits::of(&accepted));
        let mut covered = [Bits::none(self.assets.end()), Bits::none(self.assets.end())];
        let (mut odd, mut met) = (named.clone() & &hosts, Bits::none(0));
        odd |= &accepted & &hosts;
        self.assets.each_container_of(&Bits::all(self.assets.end()), &mut |container| {
            if container.project != project {
                return;
            }
            met.insert(container.no.index());
            let reached = [&of_named, &of_accepted]
                .map(|bits| bits.contains(container.no.index()) || bits.contains(container.image.index()));
            if reached == [false, false] || excluded.contains(container.no.index()) {
                return;
            }
            if container.drifted {
                odd.insert(container.no.0);
            } else if !excluded.contains(container.image.index()) {
                for (covered, reached) in covered.iter_mut().zip(reached) {
                    covered.set(container.no.index(), reached);
                }
            }
        });
        // Images, and containers of which nobody knows the image.
        for (covered, reached) in covered.iter_mut().zip([&named, &accepted]) {
            let alone = reached.iter().filter(|no| images.contains(*no) || containers.contains(*no));
            let alone = alone.map(|no| no as usize);
            alone
                .filter(|no| !met.contains(*no) && !excluded.contains(*no))
                .for_each(|no| covered.insert(no));
        }
        let [named, mut filtered] = covered.map(|bits| bits.to_bitmap());
        if !plain {
            odd |= std::mem::take(&mut filtered);
        }
        Reach { exception: Arc::clone(exception), named, filtered, odd }
    }
}

impl Veil {
    /// `within` cut into groups: the places of the covers of each, and the assets. Covers that
    /// `matter` not are passed over; `None` when there are too many groups to be worth it.
    pub(crate) fn groups(
        &self,
        within: RoaringBitmap,
        matters: impl Fn(&Cover) -> bool,
    ) -> Option<Vec<(Vec<usize>, RoaringBitmap)>> {
        const MOST: usize = 64;
        let mut groups = vec![(Vec::new(), within)];
        for (place, cover) in self.covers.iter().enumerate().filter(|(_, cover)| matters(cover)) {
            let mut next: Vec<(Vec<usize>, RoaringBitmap)> = Vec::with_capacity(groups.len() * 2);
            for (places, assets) in groups {
                let inside = &assets & &cover.assets;
                let outside = &assets - &inside;
                if !inside.is_empty() {
                    next.push((places.iter().copied().chain([place]).collect(), inside));
                }
                if !outside.is_empty() {
                    next.push((places, outside));
                }
            }
            groups = next;
            if groups.len() > MOST {
                return None;
            }
        }
        Some(groups)
    }
}
