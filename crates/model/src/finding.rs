//! Findings: derived rows, borrowed from a posture snapshot.

use crate::coverage::Coverage;
use crate::exception::Exception;
use crate::facts::{AssetRow, PackageRow, ReferenceRow};
use crate::id::AdvisoryNo;
use crate::severity::Severity;
use crate::time::Millis;
use crate::verdict::{AdvisoryClass, MatchState};
use crate::vulnerability::Vulnerability;

/// One finding: asset × vulnerability × package. Everything is borrowed; nothing is allocated per
/// row.
#[derive(Debug, Clone, Copy)]
pub struct Finding<'a> {
    /// The asset.
    pub asset: &'a AssetRow,
    /// Where it is or was referenced; for a container, its image.
    pub references: &'a [ReferenceRow],
    /// Name of its enterprise project.
    pub enterprise_project: &'a str,
    /// Worst coverage word of the asset.
    pub asset_coverage: Coverage,
    /// The package.
    pub package: &'a PackageRow,
    /// The canonical vulnerability.
    pub vulnerability: &'a Vulnerability,
    /// The verdict that precedence chose.
    pub verdict: &'a FindingVerdict,
    /// Kernel package inside an image or container, or not the running kernel of a host: kept, but
    /// off in counts unless asked for.
    pub not_run_here: bool,
    /// Start of the first stint of (asset, vulnerability).
    pub first_found: Millis,
    /// Start of the current stint.
    pub reopened_at: Millis,
    /// Last observation of the asset.
    pub last_found: Millis,
    /// The exception that hides it, if one holds now.
    pub exception: Option<&'a Exception>,
}

/// What precedence chose among all open matches of one package and vulnerability.
#[derive(Debug, Clone, PartialEq)]
pub struct FindingVerdict {
    /// State.
    pub state: MatchState,
    /// Kind of statement.
    pub class: AdvisoryClass,
    /// Vendor's word where it rates, else the vulnerability's band.
    pub severity: Severity,
    /// Fixed version, or empty.
    pub fixed_version: String,
    /// The advisory that was chosen.
    pub advisory: AdvisoryNo,
}

/// How much the findings of a package have in common on all assets of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    /// Nothing: which findings there are depends on the asset.
    None,
    /// They are of the same vulnerabilities in the same order. When they were found and which exception
    /// hides them may differ.
    Matches,
    /// Beside that, all rows of the package on one asset differ in vulnerability and verdict alone.
    Rows,
}
