//! All open (package, vulnerability) pairs in columns, so that a filter on what advisories say is
//! worked out for all of them at once.
//!
//! Most of a filter speaks of the package alone, of the vulnerability alone, or of one of a few
//! combinations of severity, state and kind. Each such part is asked once per package, vulnerability
//! or combination, through the plain evaluator, and put together bit by bit; so a filter costs as
//! much as its words, not as the estate.

use std::collections::{BTreeMap, HashMap};

use parapet_model::filter::{Field, ValueRef};
use parapet_model::finding::{Finding, FindingVerdict};
use parapet_model::verdict::AdvisoryClass;
use parapet_model::{AdvisoryNo, Filter, MatchState, PackageNo, Severity, VulnerabilityNo};

use crate::bits::Bits;
use crate::blank;
use crate::split::Ready;
use crate::tables::Tables;

/// See the module.
#[derive(Debug)]
pub(crate) struct Pairs {
    /// With an open verdict, ascending.
    packages: Vec<PackageNo>,
    /// Where the pairs of each package begin; one more at the end.
    from: Vec<usize>,
    /// Kernel packages, by place.
    kernels: Bits,
    /// Place of each pair's vulnerability.
    vulnerability: Vec<u32>,
    /// Ascending.
    vulnerabilities: Vec<VulnerabilityNo>,
    /// Place of each pair's combination.
    combination: Vec<u16>,
    combinations: Vec<FindingVerdict>,
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
        let (mut packages, mut from, mut kernels) = (Vec::new(), vec![0], Bits::none(0));
        let (mut named, mut combination): (Vec<VulnerabilityNo>, Vec<u16>) = Default::default();
        let mut combinations: Vec<FindingVerdict> = Vec::new();
        let mut known: HashMap<(Severity, MatchState, AdvisoryClass), u16> = HashMap::new();
        for (no, entry) in tables.judged() {
            for open in entry.verdicts.iter().flat_map(|verdicts| verdicts.open.iter()) {
                if tables.vulnerability(open.vulnerability).is_none() {
                    continue;
                }
                let FindingVerdict { severity, state, class, .. } = open.verdict;
                let place = *known.entry((severity, state, class)).or_insert_with(|| {
                    let (fixed_version, advisory) = (String::new(), AdvisoryNo(0));
                    combinations.push(FindingVerdict { state, class, severity, fixed_version, advisory });
                    (combinations.len() - 1) as u16
                });
                named.push(open.vulnerability);
                combination.push(place);
            }
            if from.last() != Some(&named.len()) {
                if entry.kernel {
                    kernels.insert(packages.len());
                }
                packages.push(no);
                from.push(named.len());
            }
        }
        let mut vulnerabilities = named.clone();
        vulnerabilities.sort_unstable();
        vulnerabilities.dedup();
        let place = |no: &VulnerabilityNo| vulnerabilities.partition_point(|have| have < no) as u32;
        let vulnerability = named.iter().map(place).collect();
        Self { packages, from, kernels, vulnerability, vulnerabilities, combination, combinations }
    }

    fn len(&self) -> usize {
        self.vulnerability.len()
    }

    /// The pairs that pass a filter that is [understood](understands). `excepted`: those that an
    /// exception hides.
    pub(crate) fn passing(&self, tables: &Tables, filter: &Filter, excepted: &Bits) -> Bits {
        if let Some(bits) = self.at_once(tables, filter) {
            return bits;
        }
        match filter {
            Filter::All => Bits::all(self.len()),
            Filter::Nothing => Bits::none(self.len()),
            Filter::And(parts) => {
                let mut left = Bits::all(self.len());
                for part in parts {
                    left.and(&self.passing(tables, part, excepted));
                }
                left
            }
            Filter::Or(parts) => {
                let mut found = Bits::none(self.len());
                for part in parts {
                    found.or(&self.passing(tables, part, excepted));
                }
                found
            }
            Filter::Not(part) => {
                let mut rest = Bits::all(self.len());
                rest.without(&self.passing(tables, part, excepted));
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
    fn at_once(&self, tables: &Tables, filter: &Filter) -> Option<Bits> {
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
                for (place, &no) in self.packages.iter().enumerate() {
                    let Some((_, package)) = tables.package(no) else { continue };
                    if ready.accepts(&Finding { package, ..blank::row() }) {
                        (self.from[place]..self.from[place + 1]).for_each(|pair| bits.insert(pair));
                    }
                }
            }
            About::Vulnerability => {
                let passes = |no: &VulnerabilityNo| {
                    let vulnerability = tables.vulnerability(*no);
                    vulnerability
                        .is_some_and(|v| ready.accepts(&Finding { vulnerability: v, ..blank::row() }))
                };
                let passing: Vec<bool> = self.vulnerabilities.iter().map(passes).collect();
                self.mark(&self.vulnerability, |place| passing[*place as usize], &mut bits);
            }
            About::Combination => {
                let passes = |verdict| ready.accepts(&Finding { verdict, ..blank::row() });
                let passing: Vec<bool> = self.combinations.iter().map(passes).collect();
                self.mark(&self.combination, |place| passing[usize::from(*place)], &mut bits);
            }
        }
        Some(bits)
    }

    fn mark<T>(&self, places: &[T], passes: impl Fn(&T) -> bool, bits: &mut Bits) {
        for (pair, place) in places.iter().enumerate() {
            if passes(place) {
                bits.insert(pair);
            }
        }
    }

    /// The pairs of these canonical vulnerabilities, which ascend; all pairs for `None`.
    pub(crate) fn naming(&self, wanted: Option<&[VulnerabilityNo]>) -> Bits {
        let Some(wanted) = wanted else { return Bits::all(self.len()) };
        let is_wanted = |no: &VulnerabilityNo| wanted.binary_search(no).is_ok();
        let passing: Vec<bool> = self.vulnerabilities.iter().map(is_wanted).collect();
        let mut bits = Bits::none(self.len());
        self.mark(&self.vulnerability, |place| passing[*place as usize], &mut bits);
        bits
    }

    /// The vulnerabilities of those of these pairs whose package is among the numbers of `shown`, each
    /// once.
    pub(crate) fn vulnerabilities_of(
        &self,
        pairs: &Bits,
        shown: &Bits,
    ) -> impl Iterator<Item = VulnerabilityNo> {
        let mut found = Bits::none(self.vulnerabilities.len());
        let places = 0..self.packages.len();
        for place in places.filter(|place| shown.contains(self.packages[*place].index())) {
            for pair in (self.from[place]..self.from[place + 1]).filter(|pair| pairs.contains(*pair)) {
                found.insert(self.vulnerability[pair] as usize);
            }
        }
        let found: Vec<usize> = found.iter().collect();
        found.into_iter().map(|place| self.vulnerabilities[place])
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
        found
    }

    /// All pairs of each vulnerability that any of these pairs is of, by its place; `None` when there
    /// are more than `most` vulnerabilities.
    pub(crate) fn by_vulnerability(&self, wanted: &Bits, most: usize) -> Option<BTreeMap<u32, Vec<Pair>>> {
        let mut found: BTreeMap<u32, Vec<Pair>> = BTreeMap::new();
        let mut marks = Bits::none(self.vulnerabilities.len());
        for place in wanted.iter().filter(|place| *place < self.len()) {
            if !marks.contains(self.vulnerability[place] as usize) {
                marks.insert(self.vulnerability[place] as usize);
                found.insert(self.vulnerability[place], Vec::new());
            }
            if found.len() > most {
                return None;
            }
        }
        for (package, bounds) in self.from.windows(2).enumerate() {
            for place in bounds[0]..bounds[1] {
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

    /// The packages of these pairs, ascending; with or without kernels, which run on hosts only.
    pub(crate) fn packages_of(&self, pairs: &Bits, kernels: bool) -> Vec<PackageNo> {
        let places = 0..self.packages.len();
        let found = places.filter(|&place| {
            (kernels || !self.kernels.contains(place)) && pairs.any_in(self.from[place], self.from[place + 1])
        });
        found.map(|place| self.packages[place]).collect()
    }
}
