//! What narrows the question, with counts within it.

use parapet_model::filter::{Field, Op};
use parapet_model::{AssetKind, Filter, MatchState, Severity};
use parapet_posture::Facets;

use super::view::Total;
use crate::link::Link;
use crate::parts::{Facet, FacetValue};
use crate::question::Question;

/// Ecosystems to choose from.
const ECOSYSTEMS: usize = 10;

/// How much the question finds.
pub(super) fn totals(counts: &Facets) -> Vec<Total> {
    let total = |name: &str, count| Total { name: name.to_owned(), count };
    vec![
        Total::of(counts.findings, "finding"),
        Total::of(counts.vulnerabilities, "vulnerability"),
        Total::of(counts.assets, "asset"),
        total("fixable", counts.fixable),
        total("known exploited", counts.kev),
        total("excepted", counts.excepted),
    ]
}

/// The facets; without counts where nobody counted.
pub(super) fn facets(question: &Question, link: &Link, counts: Option<&Facets>) -> Vec<Facet> {
    let value = |name: String, count: Option<u64>, term: Filter| {
        let (link, chosen) = question.toggled(link, term);
        FacetValue { name, count, chosen, link }
    };
    let word = |field: Field, word: &str, count: Option<u64>| {
        let name = word.replace(['_', '-'], " ").to_lowercase();
        value(name, count, Filter::test(field, Op::Eq, word.to_owned()))
    };
    let yes = |field| Filter::test(field, Op::Eq, true);
    let count = |of: fn(&Facets) -> u64| counts.map(of);
    let severities = Severity::WORST_FIRST.into_iter().map(|band| {
        let term = Filter::test(Field::Severity, Op::Eq, band);
        value(band.as_str().to_owned(), counts.map(|counts| counts.severity(band)), term)
    });
    let standing = [
        ("fixable", count(|c| c.fixable), yes(Field::Fixable)),
        ("known exploited", count(|c| c.kev), yes(Field::Kev)),
        ("excepted", count(|c| c.excepted), yes(Field::Excepted)),
        ("not excepted", count(|c| c.findings - c.excepted), yes(Field::Excepted).negate()),
    ];
    let standing = standing.into_iter().map(|(name, count, term)| value(name.to_owned(), count, term));
    let kinds = [AssetKind::Image, AssetKind::Container, AssetKind::Host]
        .into_iter()
        .map(|kind| word(Field::Kind, kind.as_str(), counts.map(|counts| counts.by_kind[kind as usize])));
    let running = Filter::test(Field::ContainerState, Op::Eq, "RUNNING".to_owned());
    let running = value("running container".to_owned(), None, running);
    let positive = MatchState::ALL.into_iter().filter(|state| state.is_positive());
    let states =
        positive.map(|state| word(Field::State, state.as_str(), counts.map(|counts| counts.state(state))));
    let ecosystems = counts.into_iter().flat_map(|counts| counts.ecosystems.iter().take(ECOSYSTEMS));
    let ecosystems = ecosystems.map(|(name, count)| {
        let term = Filter::test(Field::Ecosystem, Op::Eq, name.clone());
        value(name.clone(), Some(*count), term)
    });
    let coverage = counts.into_iter().flat_map(|counts| counts.coverage.iter());
    let coverage = coverage.map(|(known, count)| word(Field::Coverage, known.as_str(), Some(*count)));
    let all = [
        Facet { name: "Severity", values: severities.collect() },
        Facet { name: "Standing", values: standing.collect() },
        Facet { name: "State", values: states.collect() },
        Facet { name: "Kind of asset", values: kinds.chain([running]).collect() },
        Facet { name: "Ecosystem", values: ecosystems.collect() },
        Facet { name: "Assets by coverage", values: coverage.collect() },
    ];
    let shown = |value: &FacetValue| value.chosen || value.count != Some(0);
    let kept = all
        .into_iter()
        .map(|facet| Facet { name: facet.name, values: facet.values.into_iter().filter(shown).collect() });
    kept.filter(|facet| !facet.values.is_empty()).collect()
}
