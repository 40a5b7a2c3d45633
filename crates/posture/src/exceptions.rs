//! Which exceptions hold now, and whether one of them hides a finding.
//!
//! A finding of an asset is *at home* there, and where a container shows a package because its
//! image does, also at the image. An exception covers a finding when its vulnerabilities do, when
//! one home is included or accepted by the live filter as a finding of that home, and when no home
//! is excluded. So an image's exception reaches its containers, but not what drifted in them.
//! An exception reaches assets of its own project only.
//!
//! The layer is made for a stretch of time in which no exception starts or ends, and made again
//! when `now` leaves it (REVIEW A11): O(exceptions).

use std::sync::Arc;

use parapet_model::exception::{Exception, TargetKind};
use parapet_model::{AssetNo, FOREVER, Filter, Millis, VulnerabilityNo};

use crate::tables::Tables;

/// The exceptions that hold in `[from, until)`.
#[derive(Debug)]
pub(crate) struct Layer {
    from: Millis,
    until: Millis,
    /// Latest end first, then lowest number: the first one that covers a finding is shown.
    pub(crate) active: Vec<Active>,
    /// Assets named, with places in `active`; ascending.
    included: Vec<(AssetNo, usize)>,
    /// Places of those with a live filter.
    pub(crate) dynamic: Vec<usize>,
}

/// An exception that holds, made ready.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) exception: Arc<Exception>,
    /// Canonical numbers, ascending; `None` for all.
    pub(crate) vulnerabilities: Option<Vec<VulnerabilityNo>>,
    /// Ascending.
    excluded: Vec<AssetNo>,
}

impl Active {
    fn new(tables: &Tables, exception: Arc<Exception>) -> Self {
        let target = &exception.target;
        let vulnerabilities = (!target.vulnerabilities.is_empty()).then(|| {
            let mut numbers: Vec<VulnerabilityNo> =
                target.vulnerabilities.iter().flat_map(|id| tables.vulnerabilities_named(id)).collect();
            numbers.sort_unstable();
            numbers.dedup();
            numbers
        });
        let mut excluded = target.excluded.clone();
        excluded.sort_unstable();
        Self { exception, vulnerabilities, excluded }
    }

    /// Whether it is for this canonical vulnerability.
    pub(crate) fn is_for(&self, vulnerability: VulnerabilityNo) -> bool {
        self.vulnerabilities.as_ref().is_none_or(|list| list.binary_search(&vulnerability).is_ok())
    }

    /// Whether the asset is taken out.
    pub(crate) fn excludes(&self, asset: AssetNo) -> bool {
        self.excluded.binary_search(&asset).is_ok()
    }
}

/// The filter that is evaluated live, if there is one.
pub(crate) fn live_filter(exception: &Exception) -> Option<&Filter> {
    match exception.target.kind {
        TargetKind::Dynamic => exception.target.filter.as_ref(),
        TargetKind::Static => None,
    }
}

impl Layer {
    /// No exception at all.
    pub(crate) fn none() -> Arc<Self> {
        let (active, included, dynamic) = Default::default();
        Arc::new(Self { from: Millis::MIN, until: FOREVER, active, included, dynamic })
    }

    /// The layer for `now`. `asked`, which need not hold, comes last, so that it is shown only where
    /// no other covers.
    pub(crate) fn new<'e>(
        tables: &Tables,
        exceptions: impl Iterator<Item = &'e Arc<Exception>>,
        now: Millis,
        asked: Option<Arc<Exception>>,
    ) -> Self {
        let (mut from, mut until, mut holding) = (Millis::MIN, FOREVER, Vec::new());
        for exception in exceptions {
            if let Some(next) = exception.next_change(now) {
                until = until.min(next);
            }
            for bound in [exception.start, exception.end] {
                if bound <= now {
                    from = from.max(bound);
                }
            }
            if exception.holds(now) && asked.as_ref().is_none_or(|asked| asked.no != exception.no) {
                holding.push(Arc::clone(exception));
            }
        }
        holding.sort_by_key(|e| (std::cmp::Reverse(e.end), e.no));
        holding.extend(asked);
        let active: Vec<Active> = holding.into_iter().map(|e| Active::new(tables, e)).collect();
        let mut included: Vec<(AssetNo, usize)> = active
            .iter()
            .enumerate()
            .flat_map(|(place, a)| a.exception.target.included.iter().map(move |&asset| (asset, place)))
            .collect();
        included.sort_unstable();
        included.dedup();
        let dynamic = (0..active.len()).filter(|&p| live_filter(&active[p].exception).is_some()).collect();
        Self { from, until, active, included, dynamic }
    }

    /// Whether the layer is right for `now`.
    pub(crate) fn is_for(&self, now: Millis) -> bool {
        self.from <= now && now < self.until
    }

    /// The first instant at which the layer is no longer right.
    pub(crate) fn until(&self) -> Millis {
        self.until
    }

    /// Places in `active` of those that name the asset, ascending.
    pub(crate) fn including(&self, asset: AssetNo) -> impl Iterator<Item = usize> + '_ {
        let from = self.included.partition_point(|pair| pair.0 < asset);
        self.included[from..].iter().take_while(move |pair| pair.0 == asset).map(|pair| pair.1)
    }
}
