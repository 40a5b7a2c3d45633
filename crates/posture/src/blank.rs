//! What stands for the parts of a finding that a question does not ask about.

use std::sync::LazyLock;

use parapet_model::Rare;
use parapet_model::facts::{AssetRow, PackageRow};
use parapet_model::finding::{Finding, FindingVerdict};
use parapet_model::verdict::AdvisoryClass;
use parapet_model::vulnerability::Vulnerability;
use parapet_model::{
    AdvisoryNo, AssetKind, AssetNo, Coverage, EnterpriseProjectNo, Interval, MatchState, PackageKey,
    PackageNo, ProjectNo, ScanState, Severity, VulnerabilityNo,
};
use uuid::Uuid;

struct Blank {
    asset: AssetRow,
    package: PackageRow,
    vulnerability: Vulnerability,
    verdict: FindingVerdict,
}

static BLANK: LazyLock<Blank> = LazyLock::new(|| Blank {
    asset: AssetRow {
        no: AssetNo(0),
        uuid: Uuid::nil(),
        project: ProjectNo(0),
        enterprise_project: EnterpriseProjectNo(0),
        kind: AssetKind::Image,
        identity: String::new(),
        name: String::new(),
        image: None,
        distro: String::new(),
        ecosystem: String::new(),
        scan: ScanState::NotScanned,
        scan_error: String::new(),
        first_seen: 0,
        observed: 0,
        scanned: 0,
        reader_version: 0,
        held: Interval { from: 0, to: 0 },
        pinned: false,
        image_facts: Rare::default(),
        host_facts: Rare::default(),
        container_facts: Rare::default(),
        databases: Vec::new(),
        references: Vec::new(),
        links: Vec::new(),
        deltas: Vec::new(),
    },
    package: PackageRow {
        no: PackageNo(0),
        key: PackageKey::default(),
        coverage: Coverage::Assessed,
        kernel: false,
    },
    vulnerability: Vulnerability { no: VulnerabilityNo(0), ..Vulnerability::default() },
    verdict: FindingVerdict {
        state: MatchState::Affected,
        class: AdvisoryClass::Vulnerability,
        severity: Severity::Unknown,
        fixed_version: String::new(),
        advisory: AdvisoryNo(0),
    },
});

/// A row that answers for nothing. Fill in what is asked about.
pub(crate) fn row() -> Finding<'static> {
    let Blank { asset, package, vulnerability, verdict } = &*BLANK;
    Finding {
        asset,
        references: &[],
        enterprise_project: "",
        asset_coverage: Coverage::Assessed,
        package,
        vulnerability,
        verdict,
        not_run_here: false,
        first_found: 0,
        reopened_at: 0,
        last_found: 0,
        exception: None,
    }
}
