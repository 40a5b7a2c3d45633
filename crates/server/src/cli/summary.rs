//! What a scan or quickstart shows: what was assessed and what was not and why, the two numbers,
//! and what to fix first.

use std::fmt::Write as _;

use parapet_model::filter::{Field, Filter, Op};
use parapet_model::severity::Severity;
use parapet_model::verdict::MatchState;
use parapet_model::{Coverage, Scope};
use parapet_posture::{AssetOrder, AssetSummary, Counts, VulnerabilityOrder, Window};
use parapet_service::{View, gaps_of, kernels_left_out};

use super::output::table;

/// Vulnerabilities listed under "fix this first".
const FIRST: usize = 10;
/// Reasons named per asset.
const GAPS: usize = 10;

/// Everything, in words.
pub(super) fn describe(view: &View, scope: &Scope) -> String {
    let everything = Filter::All;
    let query = view.query(scope, &everything);
    let assets = view.snapshot.assets(&query, AssetOrder::Number, Window::ALL);
    let counts = view.snapshot.count(&query);
    let mut out = assessed(view, scope, &assets.rows);
    let _ = write!(out, "\n{}", numbers(&counts, &assets.rows));
    let hidden = kernels_left_out(view, scope, &everything);
    if hidden > 0 {
        let _ = writeln!(out, "{hidden} findings of kernel packages that do not run here are left out");
    }
    let _ = write!(out, "\n{}", first(view, scope));
    out
}

/// Assets with their coverage words, and why a word is not "assessed".
fn assessed(view: &View, scope: &Scope, assets: &[AssetSummary<'_>]) -> String {
    let mut rows = vec![["ASSET", "DISTRIBUTION", "PACKAGES", "COVERAGE"].map(str::to_owned).to_vec()];
    let mut why = String::new();
    for summary in assets {
        let asset = summary.asset;
        let packages = view.snapshot.packages_of(scope, asset.no).map_or(0, |list| list.len());
        rows.push(vec![
            format!("{} {}", asset.kind.as_str(), asset.name),
            asset.distro.clone(),
            packages.to_string(),
            summary.coverage.to_string(),
        ]);
        why.push_str(&reasons(view, scope, summary));
    }
    let mut out = table(&rows);
    let judged: String = assets.iter().map(|summary| judged(view, scope, summary)).collect();
    if !judged.is_empty() {
        let _ = write!(out, "\nAssessed:\n{judged}");
    }
    if !why.is_empty() {
        let _ = write!(out, "\nNot fully assessed:\n{why}");
    }
    out
}

/// Which feeds judged an asset wholly, and of which day they are, a line for each ecosystem.
fn judged(view: &View, scope: &Scope, summary: &AssetSummary<'_>) -> String {
    let coverage = view.snapshot.coverage_of(scope, summary.asset.no);
    let words = coverage.map(|coverage| coverage.ecosystems).unwrap_or_default();
    let mut out = String::new();
    for word in words.iter().filter(|word| word.coverage == Coverage::Assessed).take(GAPS) {
        let feeds = view.snapshot.ecosystems().iter().find(|row| row.ecosystem == word.ecosystem);
        let feeds = feeds.map(|row| row.feeds.join(", ")).unwrap_or_default();
        let (name, packages, ecosystem) = (&summary.asset.name, word.packages, word.ecosystem);
        let _ = writeln!(out, "  {name}: {packages} packages of {ecosystem} by {feeds}");
    }
    out
}

/// Why an asset's word is not "assessed", a line for each reason.
fn reasons(view: &View, scope: &Scope, summary: &AssetSummary<'_>) -> String {
    let mut out = String::new();
    let (name, gaps) = (&summary.asset.name, gaps_of(view, scope, summary.asset.no));
    for gap in gaps.iter().take(GAPS) {
        let _ = writeln!(out, "  {name}: {gap}");
    }
    if gaps.len() > GAPS {
        let _ = writeln!(out, "  {name}: and {} more like these", gaps.len() - GAPS);
    }
    out
}

/// The two numbers by severity and state. "0 findings" stands alone only beside *assessed*.
fn numbers(counts: &Counts, assets: &[AssetSummary<'_>]) -> String {
    let mut out = String::new();
    let worst = assets.iter().map(|summary| summary.coverage).max().unwrap_or(Coverage::NotScanned);
    let _ = write!(
        out,
        "{} vulnerabilities, {} findings on {} assets (a vulnerability counts once per asset, a finding once per package)",
        counts.vulnerabilities, counts.findings, counts.assets
    );
    let _ = if counts.findings == 0 && worst != Coverage::Assessed {
        writeln!(out, "; this is not a clean result: coverage is {worst}")
    } else {
        writeln!(out)
    };
    let mut rows = vec![["SEVERITY", "VULNERABILITIES", "FINDINGS"].map(str::to_owned).to_vec()];
    for severity in Severity::WORST_FIRST {
        let band = counts.severity(severity);
        rows.push(vec![severity.to_string(), band.vulnerabilities.to_string(), band.findings.to_string()]);
    }
    out.push_str(&table(&rows));
    let states: Vec<String> = MatchState::ALL
        .into_iter()
        .filter(|state| state.is_positive() && counts.state(*state) > 0)
        .map(|state| format!("{} {state}", counts.state(state)))
        .collect();
    let _ = writeln!(
        out,
        "findings by state: {}; {} known exploited, {} hidden by exceptions",
        if states.is_empty() { "none".to_owned() } else { states.join(", ") },
        counts.kev,
        counts.excepted
    );
    out
}

/// By urgency, with the reasons.
fn first(view: &View, scope: &Scope) -> String {
    let open = Filter::test(Field::Excepted, Op::Eq, false);
    let query = view.query(scope, &open);
    let window = Window { offset: 0, limit: FIRST };
    let list = view.snapshot.vulnerabilities(&query, VulnerabilityOrder::Risk, window);
    if list.total == 0 {
        return String::new();
    }
    let heading = ["VULNERABILITY", "SEVERITY", "KNOWN EXPLOITED", "EPSS", "ASSETS", "FIXABLE", "WHY"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for summary in &list.rows {
        let v = summary.vulnerability;
        rows.push(vec![
            v.id.clone(),
            summary.severity.to_string(),
            if v.kev_added != 0 { "yes" } else { "" }.to_owned(),
            if v.epss >= 0.0 { format!("{:.3}", v.epss) } else { String::new() },
            summary.assets.to_string(),
            format!("{} of {}", summary.fixable, summary.findings),
            summary.risk().to_string(),
        ]);
    }
    format!("Fix this first ({} of {}):\n{}", list.rows.len(), list.total, table(&rows))
}
