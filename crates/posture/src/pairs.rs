//! All open (package, vulnerability) pairs in columns, so that a filter on what advisories say is
//! worked out for all of them at once.
//!
//! Most of a filter speaks of the package alone, of the vulnerability alone, or of one of a few
//! combinations of severity, state and kind. Each such part is asked once per package, vulnerability
//! or combination, through the plain evaluator, and put together bit by bit; so a filter costs as
//! much as its words, not as the estate.
//!
//! When something else is said of a few packages, the pairs *grow*: those of these packages die and new ones
//! come behind all others, so that bits made before keep their meaning and only what is new has to be asked.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use parapet_model::filter::{Field, ValueRef};
use parapet_model::finding::{Finding, FindingVerdict};
use parapet_model::{AdvisoryNo, Filter, PackageNo, Severity, VulnerabilityNo};
use roaring::RoaringBitmap;

use crate::bits::Bits;
use crate::blank;
use crate::split::Ready;
use crate::tables::{PackageEntry, Tables};
use crate::weights::{Weight, Weights};

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Pairs {
    /// Shared by all that grew from the same beginning: only their bits can be compared.
    numbering: Arc<()>,
    /// With an open verdict; ascending at first, then as they came.
    packages: Vec<PackageNo>,
    /// Place of each package that has pairs.
    places: HashMap<PackageNo, u32>,
    /// Where the pairs of each package begin; one more at the end.
    from: Vec<usize>,
    /// Kernel packages, by place.
    kernels: Bits,
    /// Place of each pair's vulnerability.
    vulnerability: Vec<u32>,
    vulnerabilities: Vec<VulnerabilityNo>,
    /// Place of each vulnerability.
    named: HashMap<VulnerabilityNo, u32>,
    /// Place of each pair's combination.
    combination: Vec<u16>,
    combinations: Vec<FindingVerdict>,
    /// Pairs that are no more.
    dead: Bits,
    deaths: usize,
}

/// A pair by its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair {
    pub(crate) place: usize,
    /// Place of its package.
    package: usize,
    pub(crate) severity: Severity,
}

/// What a part of a filter is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    Package,
    Vulnerability,
    Combination,
}

fn about(field: Field) -> Option<About> {
    match field {
        Field::Package | Field::Version | Field::Source | Field::Ecosystem => Some(About::Package),
        Field::Vulnerability | Field::Qid | Field::Title | Field::Cvss | Field::Epss | Field::Kev => {
            Some(About::Vulnerability)
        }
        Field::Severity | Field::State | Field::Fixable | Field::Class => Some(About::Combination),
        _ => None,
    }
}

/// Whether [`Pairs::passing`] can answer: nothing is asked of the asset, of time, or of which
/// exception it is.
pub(crate) fn understands(filter: &Filter) -> bool {
    let mut all = true;
    filter.each_test(&mut |test| {
        all &= about(test.field).is_some() || test.field == Field::Excepted;
    });
    all
}

impl Pairs {
    /// Reads all verdicts.
    pub(crate) fn build(tables: &Tables) -> Self {
        let mut pairs = Self {
            numbering: Arc::default(),
            packages: Vec::new(),
            places: HashMap::new(),
            from: vec![0],
            kernels: Bits::none(0),
            vulnerability: Vec::new(),
            vulnerabilities: Vec::new(),
            named: HashMap::new(),
            combination: Vec::new(),
            combinations: Vec::new(),
            dead: Bits::none(0),
            deaths: 0,
        };
        for (no, entry) in tables.judged() {
            pairs.add(tables, no, entry);
        }
        pairs
    }

    /// These pairs after something else is said of some packages; `None` when so many have died that all are
    /// better numbered anew.
    pub(crate) fn grown(&self, tables: &Tables, changed: &RoaringBitmap) -> Option<Self> {
        let mut pairs = self.clone();
        for no in changed.iter().map(PackageNo) {
            if let Some(place) = pairs.places.remove(&no) {
                let dying = pairs.of_place(place as usize);
                pairs.deaths += dying.len();
                dying.for_each(|pair| pairs.dead.insert(pair));
            }
            if let Some((entry, _)) = tables.package(no) {
                pairs.add(tables, no, entry);
            }
        }
        (pairs.deaths <= pairs.len() / 4).then_some(pairs)
    }

    fn add(&mut self, tables: &Tables, no: PackageNo, entry: &PackageEntry) {
        let before = self.len();
        for open in entry.verdicts.iter().flat_map(|verdicts| verdicts.open.iter()) {
            if tables.vulnerability(open.vulnerability).is_none() {
                continue;
            }
            let next = self.vulnerabilities.len() as u32;
            let place = *self.named.entry(open.vulnerability).or_insert(next);
            if place == next {
                self.vulnerabilities.push(open.vulnerability);
            }
            self.vulnerability.push(place);
            let combination = self.combination_of(&open.verdict);
            self.combination.push(combination);
        }
        if self.len() > before {
            if entry.kernel {
                self.kernels.insert(self.packages.len());
            }
            self.places.insert(no, self.packages.len() as u32);
            self.packages.push(no);
            self.from.push(self.len());
        }
    }

    /// The place of a verdict's severity, state and class; there are few combinations.
    fn combination_of(&mut self, verdict: &FindingVerdict) -> u16 {
        let FindingVerdict { severity, state, class, .. } = *verdict;
        let same =
            |have: &FindingVerdict| (have.severity, have.state, have.class) == (severity, state, class);
        let place = self.combinations.iter().position(same).unwrap_or(self.combinations.len());
        if place == self.combinations.len() {
            let (fixed_version, advisory) = (String::new(), AdvisoryNo(0));
            self.combinations.push(FindingVerdict { state, class, severity, fixed_version, advisory });
        }
        place as u16
    }

    /// What tells apart whose bits can be compared.
    pub(crate) fn numbering(&self) -> &Arc<()> {
        &self.numbering
    }

    /// How many pairs there are, dead ones included.
    pub(crate) fn len(&self) -> usize {
        self.vulnerability.len()
    }

    /// How many packages have pairs.
    pub(crate) fn packages(&self) -> usize {
        self.places.len()
    }

    fn of_place(&self, place: usize) -> Range<usize> {
        self.from[place]..self.from[place + 1]
    }

    /// Whether any of these pairs is one of a package.
    pub(crate) fn any_of(&self, pairs: &Bits, package: PackageNo) -> bool {
        let place = self.places.get(&package).map(|place| self.of_place(*place as usize));
        place.is_some_and(|range| pairs.any_in(range.start, range.end))
    }

    /// The pairs that pass a filter that is [understood](understands). `excepted`: those that an
    /// exception hides.
    pub(crate) fn passing(&self, tables: &Tables, filter: &Filter, excepted: &Bits) -> Bits {
        self.passing_from(0, tables, filter, excepted)
    }

    /// The same for pairs from `first` on, which begins a package; what is said of others is worth nothing.
    pub(crate) fn passing_from(
        &self,
        first: usize,
        tables: &Tables,
        filter: &Filter,
        excepted: &Bits,
    ) -> Bits {
        let mut passing = self.evaluate(first, tables, filter, excepted);
        passing.without(&self.dead);
        passing
    }

    /// What passed when there were only so many pairs, with those that pass of the ones that came since.
    pub(crate) fn passing_still(
        &self,
        before: (&Bits, usize),
        tables: &Tables,
        filter: &Filter,
        excepted: &Bits,
    ) -> Bits {
        let (old, end) = before;
        let mut passing = old.clone();
        if end < self.len() {
            let fresh = self.passing_from(end, tables, filter, excepted);
            (end..self.len()).filter(|pair| fresh.contains(*pair)).for_each(|pair| passing.insert(pair));
        }
        passing.without(&self.dead);
        passing
    }

    fn evaluate(&self, first: usize, tables: &Tables, filter: &Filter, excepted: &Bits) -> Bits {
        if let Some(bits) = self.at_once(first, tables, filter) {
            return bits;
        }
        match filter {
            Filter::All => Bits::all(self.len()),
            Filter::Nothing => Bits::none(self.len()),
            Filter::And(parts) => {
                let mut left = Bits::all(self.len());
                for part in parts {
                    left.and(&self.evaluate(first, tables, part, excepted));
                }
                left
            }
            Filter::Or(parts) => {
                let mut found = Bits::none(self.len());
                for part in parts {
                    found.or(&self.evaluate(first, tables, part, excepted));
                }
                found
            }
            Filter::Not(part) => {
                let mut rest = Bits::all(self.len());
                rest.without(&self.evaluate(first, tables, part, excepted));
                rest
            }
            // Only the test of exceptions is left.
            Filter::Test(test) => {
                match (test.passes(ValueRef::Bool(true)), test.passes(ValueRef::Bool(false))) {
                    (true, true) => Bits::all(self.len()),
                    (false, false) => Bits::none(self.len()),
                    (true, false) => {
                        let mut hidden = Bits::all(self.len());
                        hidden.and(excepted);
                        hidden
                    }
                    (false, true) => {
                        let mut shown = Bits::all(self.len());
                        shown.without(excepted);
                        shown
                    }
                }
            }
        }
    }

    /// A filter all of whose tests are about the same thing.
    fn at_once(&self, first: usize, tables: &Tables, filter: &Filter) -> Option<Bits> {
        let (mut found, mut same) = (None, true);
        filter.each_test(&mut |test| {
            let about = about(test.field);
            same &= about.is_some() && (found.is_none() || found == about);
            found = about;
        });
        let about = found.filter(|_| same)?;
        let ready = Ready::new(filter);
        let mut bits = Bits::none(self.len());
        match about {
            About::Package => {
                let from = self.from.partition_point(|start| *start < first);
                for (place, &no) in self.packages.iter().enumerate().skip(from) {
                    let Some((_, package)) = tables.package(no) else { continue };
                    if ready.accepts(&Finding { package, ..blank::row() }) {
                        self.of_place(place).for_each(|pair| bits.insert(pair));
                    }
                }
            }
            About::Vulnerability => {
                let passes = |no: VulnerabilityNo| {
                    let vulnerability = tables.vulnerability(no);
                    vulnerability
                        .is_some_and(|v| ready.accepts(&Finding { vulnerability: v, ..blank::row() }))
                };
                let mut known: Vec<Option<bool>> = vec![None; self.vulnerabilities.len()];
                for (pair, &place) in self.vulnerability.iter().enumerate().skip(first) {
                    let no = self.vulnerabilities[place as usize];
                    if *known[place as usize].get_or_insert_with(|| passes(no)) {
                        bits.insert(pair);
                    }
                }
            }
            About::Combination => {
                let passes = |verdict| ready.accepts(&Finding { verdict, ..blank::row() });
                let passing: Vec<bool> = self.combinations.iter().map(passes).collect();
                for (pair, place) in self.combination.iter().enumerate().skip(first) {
                    if passing[usize::from(*place)] {
                        bits.insert(pair);
                    }
                }
            }
        }
        Some(bits)
    }

    /// The pairs of these canonical vulnerabilities, which ascend; all pairs for `None`.
    pub(crate) fn naming(&self, wanted: Option<&[VulnerabilityNo]>) -> Bits {
        let mut bits = match wanted {
            None => Bits::all(self.len()),
            Some(wanted) => {
                let is_wanted = |no: &VulnerabilityNo| wanted.binary_search(no).is_ok();
                let passing: Vec<bool> = self.vulnerabilities.iter().map(is_wanted).collect();
                let mut bits = Bits::none(self.len());
                let named = self.vulnerability.iter().enumerate();
                named.filter(|(_, place)| passing[**place as usize]).for_each(|(pair, _)| bits.insert(pair));
                bits
            }
        };
        bits.without(&self.dead);
        bits
    }

    /// The vulnerabilities of those of these pairs whose package is among the numbers of `shown`, and how they weigh.
    pub(crate) fn weights_of(&self, pairs: &Bits, shown: &Bits) -> Weights {
        let mut found = Weights::default();
        let places = 0..self.packages.len();
        for place in places.filter(|place| shown.contains(self.packages[*place].index())) {
            for pair in self.of_place(place).filter(|pair| pairs.contains(*pair)) {
                let verdict = &self.combinations[usize::from(self.combination[pair])];
                found.add(self.vulnerabilities[self.vulnerability[pair] as usize], Weight::of(verdict));
            }
        }
        found
    }

    /// The packages of these pairs, ascending, each with the vulnerabilities of its pairs.
    pub(crate) fn by_package(&self, pairs: &Bits) -> Vec<(PackageNo, Vec<VulnerabilityNo>)> {
        let mut found = Vec::new();
        for (place, no) in self.packages.iter().enumerate() {
            let of_package = (self.from[place]..self.from[place + 1]).filter(|pair| pairs.contains(*pair));
            let named = of_package.map(|pair| self.vulnerabilities[self.vulnerability[pair] as usize]);
            let named: Vec<VulnerabilityNo> = named.collect();
            if !named.is_empty() {
                found.push((*no, named));
            }
        }
        found.sort_unstable_by_key(|(no, _)| *no);
        found
    }

    /// All pairs of each vulnerability that any of these pairs is of, by its place; `None` when there
    /// are more than `most` vulnerabilities.
    pub(crate) fn by_vulnerability(&self, wanted: &Bits, most: usize) -> Option<BTreeMap<u32, Vec<Pair>>> {
        let mut found: BTreeMap<u32, Vec<Pair>> = BTreeMap::new();
        let mut marks = Bits::none(self.vulnerabilities.len());
        let lives = |place: &usize| *place < self.len() && !self.dead.contains(*place);
        for place in wanted.iter().filter(lives) {
            if !marks.contains(self.vulnerability[place] as usize) {
                marks.insert(self.vulnerability[place] as usize);
                found.insert(self.vulnerability[place], Vec::new());
            }
            if found.len() > most {
                return None;
            }
        }
        for (package, bounds) in self.from.windows(2).enumerate() {
            for place in (bounds[0]..bounds[1]).filter(lives) {
                let vulnerability = self.vulnerability[place];
                if marks.contains(vulnerability as usize) {
                    let severity = self.combinations[usize::from(self.combination[place])].severity;
                    found.entry(vulnerability).or_default().push(Pair { place, package, severity });
                }
            }
        }
        Some(found)
    }

    /// The package of a pair.
    pub(crate) fn package(&self, pair: &Pair) -> PackageNo {
        self.packages[pair.package]
    }

    /// Whether that is a kernel.
    pub(crate) fn is_kernel(&self, pair: &Pair) -> bool {
        self.kernels.contains(pair.package)
    }

    /// The packages of these pairs; with or without kernels, which run on hosts only.
    pub(crate) fn packages_of(&self, pairs: &Bits, kernels: bool) -> Vec<PackageNo> {
        let places = 0..self.packages.len();
        let found = places.filter(|&place| {
            (kernels || !self.kernels.contains(place)) && pairs.any_in(self.from[place], self.from[place + 1])
        });
        found.map(|place| self.packages[place]).collect()
    }
}
