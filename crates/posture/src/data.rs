//! All that a snapshot holds, and how a change is taken in.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parapet_model::exception::Exception;
use parapet_model::facts::{Change, EnterpriseProjectRow};
use parapet_model::{EnterpriseProjectNo, ExceptionNo, Millis};

use crate::assets::Assets;
use crate::sets::Sets;
use crate::tables::Tables;

/// The read model. A clone shares everything that is large.
#[derive(Debug, Clone, Default)]
pub(crate) struct Data {
    pub(crate) seq: u64,
    pub(crate) recorded: Millis,
    pub(crate) tables: Tables,
    pub(crate) sets: Sets,
    pub(crate) assets: Assets,
    pub(crate) exceptions: Arc<BTreeMap<ExceptionNo, Arc<Exception>>>,
    enterprise_projects: Arc<HashMap<EnterpriseProjectNo, EnterpriseProjectRow>>,
}

impl Data {
    /// Replaces what was known of the change's subjects. Applying a change twice is applying it
    /// once.
    pub(crate) fn apply(&mut self, change: Change) {
        self.seq = self.seq.max(change.seq);
        self.recorded = self.recorded.max(change.recorded);
        if let Some(table) = change.coverage {
            self.tables.apply_coverage(table);
        }
        if let Some(rows) = change.enterprise_projects {
            self.enterprise_projects = Arc::new(rows.into_iter().map(|row| (row.no, row)).collect());
        }
        self.tables.apply_packages(change.packages);
        self.tables.apply_matches(change.vulnerabilities, change.matches);
        self.sets.apply(change.sets);
        self.assets.apply(change.assets);
        if !change.exceptions.is_empty() {
            let exceptions = Arc::make_mut(&mut self.exceptions);
            exceptions.extend(change.exceptions.into_iter().map(|e| (e.no, Arc::new(e))));
        }
        if self.sets.merge_due() {
            self.sets.merge();
        }
    }

    /// The name of an enterprise project, or empty.
    pub(crate) fn enterprise_project_row(&self, no: EnterpriseProjectNo) -> Option<&EnterpriseProjectRow> {
        self.enterprise_projects.get(&no)
    }

    pub(crate) fn enterprise_project(&self, no: EnterpriseProjectNo) -> &str {
        self.enterprise_project_row(no).map_or("", |row| row.name.as_str())
    }
}
