//! The verdict of this program itself: alone, or in a store.

use std::collections::BTreeSet;
use std::io::Write as _;

use anyhow::bail;
use parapet_model::filter::{Field, Filter, Op};
use parapet_model::finding::Finding;
use parapet_model::{Principal, Risk};
use parapet_posture::{AssetOrder, Window};
use parapet_service::scan::Target;
use parapet_service::{View, gaps_of};
use uuid::Uuid;

use super::policy::{Breach, Policy, SHOWN, TargetVerdict, Verdict};
use super::{Gate, GateFormat};
use crate::cli::options::StoreOptions;
use crate::cli::output;
use crate::cli::scan::import_for_scan;

/// Scans the targets, judges them, prints.
pub(super) async fn decide(gate: &Gate, policy: &Policy) -> anyhow::Result<Verdict> {
    let targets: Vec<Target> = gate.targets.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
    let mut options = gate.access.options()?;
    options.last = gate.data_dir.is_none() && targets.len() == 1;
    // A verdict alone is one in a store that is thrown away (docs/adr/0005).
    let temporary = match &gate.data_dir {
        Some(_) => None,
        None => Some(tempfile::tempdir()?),
    };
    let store = match (&gate.data_dir, &temporary) {
        (Some(dir), _) => StoreOptions::embedded(dir),
        (None, Some(dir)) => StoreOptions::thrown_away(dir.path()),
        (None, None) => bail!("no store"),
    };
    let (app, who) = store.open().await?;
    let mut assets = Vec::new();
    for target in &targets {
        output::progress(&format!("reading {target}"));
        assets.push(app.scans().scan(&who, target, &options).await?.asset);
    }
    if temporary.is_some() {
        app.live().load().await?;
        import_for_scan(&app, &who, &gate.feed).await?;
    }
    app.live().settle().await?;
    let view = app.findings().view(None, None).await?;
    let mut verdicts = Vec::new();
    for (target, asset) in targets.iter().zip(&assets) {
        verdicts.push(judge(&view, &who, policy, target, *asset)?);
    }
    let verdict = Verdict::of(policy, verdicts);
    match gate.format {
        GateFormat::Table => output::print(&verdict.describe())?,
        GateFormat::Json => output::print_json(&verdict)?,
        GateFormat::Sarif => {
            let unique: BTreeSet<Uuid> = assets.into_iter().collect();
            let unique: Vec<Uuid> = unique.into_iter().collect();
            app.exports().sarif(&who, &unique, &policy.breaks, std::io::stdout()).await?.flush()?;
        }
    }
    Ok(verdict)
}

fn judge(
    view: &View,
    who: &Principal,
    policy: &Policy,
    target: &Target,
    asset: Uuid,
) -> anyhow::Result<TargetVerdict> {
    let (scope, id) = (who.scope(), asset.to_string());
    let own = || Filter::test(Field::AssetId, Op::Eq, id.as_str());
    let everything = own();
    let list = view.snapshot.assets(&view.query(&scope, &everything), AssetOrder::Number, Window::ALL);
    let Some(summary) = list.rows.first() else { bail!("{target} was read but is not in the store") };
    let breaks = own().and(policy.breaks.clone());
    let query = view.query(&scope, &breaks);
    let counts = view.snapshot.count(&query);
    let (first, _) = view.snapshot.most_urgent(&query, None, SHOWN);
    Ok(TargetVerdict {
        target: target.to_string(),
        asset: summary.asset.name.clone(),
        coverage: summary.coverage,
        assessed: policy.is_assessed(summary.coverage),
        gaps: gaps_of(view, &scope, summary.asset.no).iter().map(ToString::to_string).collect(),
        vulnerabilities: counts.vulnerabilities,
        findings: counts.findings,
        excepted: summary.counts.excepted,
        first: first.iter().map(breach).collect(),
    })
}

fn breach(finding: &Finding<'_>) -> Breach {
    let (key, verdict) = (&finding.package.key, finding.verdict);
    Breach {
        vulnerability: finding.vulnerability.id.clone(),
        severity: verdict.severity.to_string(),
        package: key.name.clone(),
        version: key.version.clone(),
        ecosystem: key.ecosystem.clone(),
        state: verdict.state.to_string(),
        fixed_version: Some(verdict.fixed_version.clone()).filter(|version| !version.is_empty()),
        risk_reasons: Risk::of(finding).reasons(),
    }
}
