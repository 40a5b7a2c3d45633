//! What one exception covers, and how much of that no other exception hides.
//!
//! Only the assets it is for are walked, and of those the vulnerabilities it is for, where it or its
//! filter names some.

use std::ops::ControlFlow;
use std::sync::Arc;

use parapet_model::exception::Exception;
use parapet_model::filter::Field;
use parapet_model::{Filter, Millis, Scope, VulnerabilityNo};

use crate::count::{Counter, Counts};
use crate::exceptions::{Active, Layer, live_filter};
use crate::only::Only;
use crate::query::Query;
use crate::snapshot::Snapshot;
use crate::split::Split;
use crate::walk::Walk;

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Effect {
    /// What it covers, whether or not another exception covers the same.
    pub covers: Counts,
    /// What of that nothing else hides.
    pub alone: Counts,
}

impl Effect {
    /// Findings that another exception hides too.
    pub const fn also_hidden(&self) -> u64 {
        self.covers.findings - self.alone.findings
    }

    /// It covers nothing.
    pub const fn is_unused(&self) -> bool {
        self.covers.findings == 0
    }

    /// It covers something, and all of it is hidden without it.
    pub const fn is_shadowed(&self) -> bool {
        self.covers.findings > 0 && self.alone.findings == 0
    }
}

impl Snapshot {
    /// What `exception` hides if it holds at `now`. It need not be stored; one stored under the same
    /// number is left out of account.
    pub fn effect(&self, exception: &Exception, scope: &Scope, now: Millis) -> Effect {
        let data = &self.data;
        let stored =
            data.exceptions.get(&exception.no).filter(|known| std::ptr::eq(known.as_ref(), exception));
        let asked = stored.map_or_else(|| Arc::new(exception.clone()), Arc::clone);
        let alone = Layer::new(&data.tables, [].iter(), now, Some(Arc::clone(&asked)));
        let Some(active) = alone.active.first() else { return Effect::default() };
        let within = match stored {
            Some(_) => data.reached(active),
            None => data.reached_by(&asked),
        };
        if within.is_empty() {
            return Effect::default();
        }
        let wanted = self.vulnerabilities_of(active);
        let query = Query {
            include_not_run_here: true,
            within: Some(&within),
            ..Query::new(scope, &Filter::All, now)
        };
        let count = |layer: Layer| {
            let mut counter = Counter::default();
            let mut walk = Walk::new(data, &query, Arc::new(layer), Some(exception), false);
            if let Some(wanted) = &wanted
                && !walk.asks_coverage()
            {
                walk.restrict(Arc::new(Only::vulnerabilities(data, wanted)));
            }
            let _ = walk.run(None, &mut |row, open| match row.exception {
                Some(hiding) if hiding.no == exception.no => counter.add(row, open),
                _ => ControlFlow::Continue(()),
            });
            counter.counts
        };
        let others = Layer::new(&data.tables, data.exceptions.values(), now, Some(asked));
        let covers = count(alone);
        let has_others = others.active.len() > 1;
        let alone = if has_others && covers.findings > 0 { count(others) } else { covers };
        Effect { covers, alone }
    }

    /// The only vulnerabilities that it can hide, when it or its filter names some.
    fn vulnerabilities_of(&self, active: &Active) -> Option<Vec<VulnerabilityNo>> {
        if let Some(named) = &active.vulnerabilities {
            return Some(named.clone());
        }
        let target = &active.exception.target;
        let filter = live_filter(&active.exception).filter(|_| target.included.is_empty())?;
        let ids = Split::new(filter).wanted(Field::Vulnerability)?;
        Some(ids.flat_map(|id| self.data.tables.vulnerabilities_named(id)).collect())
    }
}
