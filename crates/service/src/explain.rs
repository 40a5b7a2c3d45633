//! Why a finding is there: what posture knows, with the advisories' texts and the files in the
//! layers added from the store.

use std::collections::BTreeMap;

use parapet_model::time::format_rfc3339;
use parapet_model::{AssetNo, PackageNo, Scope, VulnerabilityNo};
use parapet_posture::{Explanation, Standing};
use parapet_store::matches::MatchKey;
use serde::Serialize;

use crate::app::App;
use crate::error::{Error, Result};
use crate::findings::View;

/// A finding, explained. Instants are RFC 3339, empty when open or unknown.
#[derive(Debug, Clone, Serialize)]
pub struct Explained {
    /// One sentence.
    pub why: String,
    /// Whether the finding is open (hidden or not).
    pub open: bool,
    /// The asset.
    pub asset: String,
    /// Its coverage word.
    pub coverage: String,
    /// The package, `name version (ecosystem)`.
    pub package: String,
    /// The vulnerability.
    pub vulnerability: String,
    /// Other ids of the same vulnerability.
    pub aliases: Vec<String>,
    /// Severity shown.
    pub severity: String,
    /// Start of the first and of the current stint.
    pub first_found: String,
    /// See `first_found`.
    pub reopened_at: String,
    /// Which file in which layer showed the package, and since when.
    pub evidence: Vec<Evidence>,
    /// What every advisory says or said.
    pub statements: Vec<Said>,
    /// Exceptions that cover it.
    pub exceptions: Vec<Covered>,
}

/// Where the package was seen.
#[derive(Debug, Clone, Serialize)]
pub struct Evidence {
    /// Digest of the layer; empty on a host.
    pub layer: String,
    /// Which kind of database named it.
    pub database: String,
    /// The files, relative to the root.
    pub paths: Vec<String>,
    /// Since when.
    pub from: String,
    /// Until when.
    pub to: String,
}

/// One advisory's statement.
#[derive(Debug, Clone, Serialize)]
pub struct Said {
    /// Advisory id.
    pub advisory: String,
    /// Whether its word is the one shown.
    pub chosen: bool,
    /// What it says.
    pub state: String,
    /// First version with the fix.
    pub fixed_version: String,
    /// The range that matched.
    pub range: String,
    /// Its one line.
    pub summary: String,
    /// Where to read it.
    pub url: String,
    /// Since when it says so.
    pub from: String,
    /// Until when.
    pub to: String,
    /// Why it no longer does.
    pub closed: String,
}

/// An exception that covers the finding.
#[derive(Debug, Clone, Serialize)]
pub struct Covered {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// How it stands to the finding: `hides`, `also_holds`, `pending`, `not_yet`, `expired`,
    /// `rejected`, `ended`.
    pub standing: &'static str,
    /// Who approved it, when it was.
    pub approved_by: String,
    /// First instant it does not hold.
    pub end: String,
    /// Whether whoever asks may look at it.
    #[serde(skip)]
    pub visible: bool,
}

/// See [`crate::findings::Findings::explain`].
pub(crate) async fn explain(
    app: &App,
    scope: &Scope,
    view: &View,
    asset: AssetNo,
    vulnerability: &str,
    package: Option<&str>,
) -> Result<Explained> {
    let snapshot = &view.snapshot;
    let named = snapshot.vulnerabilities_named(vulnerability);
    let number = named.first().map(|v| v.no).ok_or_else(|| Error::NotFound("vulnerability".to_owned()))?;
    let package = choose_package(view, scope, asset, number, package)?;
    let explanation = snapshot
        .explain(scope, view.now, asset, number, package)
        .ok_or_else(|| Error::NotFound("finding".to_owned()))?;
    let mut explained = outline(scope, &explanation);
    let mut session = app.store.read().await?;
    for showing in &explanation.showings {
        for (_, found) in session.set_evidence(showing.set, |no| no == package).await? {
            explained.evidence.push(Evidence {
                layer: showing.layer.to_owned(),
                database: found.database,
                paths: found.paths.iter().map(|p| String::from_utf8_lossy(p).into_owned()).collect(),
                from: format_rfc3339(showing.held.from),
                to: format_rfc3339(showing.held.to),
            });
        }
    }
    let numbers: Vec<_> = explanation.statements.iter().map(|s| s.row.advisory).collect();
    let records: BTreeMap<_, _> = session.advisories(&numbers).await?.into_iter().collect();
    for statement in &explanation.statements {
        let row = statement.row;
        let record = records.get(&row.advisory);
        let key = MatchKey { package, vulnerability: row.vulnerability, advisory: row.advisory };
        explained.statements.push(Said {
            advisory: record.map(|r| r.id.clone()).unwrap_or_default(),
            chosen: statement.chosen,
            state: row.state.to_string(),
            fixed_version: row.fixed_version.clone(),
            range: session.match_range(&key, row.held.from).await?.unwrap_or_default(),
            summary: record.map(|r| r.summary.clone()).unwrap_or_default(),
            url: record.map(|r| r.url.clone()).unwrap_or_default(),
            from: format_rfc3339(row.held.from),
            to: format_rfc3339(row.held.to),
            closed: row.closed.map_or("", |reason| reason.as_str()).to_owned(),
        });
    }
    Ok(explained)
}

/// The package that was named, by name or `name version`, or the only one there is.
fn choose_package(
    view: &View,
    scope: &Scope,
    asset: AssetNo,
    vulnerability: VulnerabilityNo,
    named: Option<&str>,
) -> Result<PackageNo> {
    let shown = view.snapshot.packages_of(scope, asset).ok_or_else(|| Error::NotFound("asset".to_owned()))?;
    let mut candidates: Vec<_> = shown
        .iter()
        .map(|shown| shown.package)
        .filter(|package| match named {
            Some(name) => {
                package.key.name == name || format!("{} {}", package.key.name, package.key.version) == name
            }
            None => view
                .snapshot
                .explain(scope, view.now, asset, vulnerability, package.no)
                .is_some_and(|explanation| !explanation.statements.is_empty()),
        })
        .collect();
    candidates.sort_unstable_by_key(|package| package.no);
    candidates.dedup_by_key(|package| package.no);
    match candidates.as_slice() {
        [] => Err(Error::NotFound("package".to_owned())),
        [one] => Ok(one.no),
        several => {
            let names: Vec<String> =
                several.iter().take(10).map(|p| format!("{} {}", p.key.name, p.key.version)).collect();
            Err(Error::Invalid(format!("name one package: {}", names.join(", "))))
        }
    }
}

fn outline(scope: &Scope, explanation: &Explanation<'_>) -> Explained {
    let package = &explanation.package.key;
    let first = explanation.stints.first().map_or(i64::MAX, |stint| stint.from);
    let current = explanation.stints.last().map_or(i64::MAX, |stint| stint.from);
    Explained {
        why: explanation.why.clone(),
        open: explanation.finding.is_some(),
        asset: explanation.asset.name.clone(),
        coverage: explanation.asset_coverage.to_string(),
        package: format!("{} {} ({})", package.name, package.version, package.ecosystem),
        vulnerability: explanation.vulnerability.id.clone(),
        aliases: explanation.vulnerability.aliases.clone(),
        severity: explanation
            .finding
            .map_or(explanation.vulnerability.severity, |finding| finding.verdict.severity)
            .to_string(),
        first_found: format_rfc3339(first),
        reopened_at: format_rfc3339(current),
        evidence: Vec::new(),
        statements: Vec::new(),
        exceptions: explanation
            .exceptions
            .iter()
            .map(|covering| Covered {
                id: covering.exception.uuid.to_string(),
                title: covering.exception.title.clone(),
                standing: standing_word(covering.standing),
                approved_by: covering
                    .exception
                    .decisions
                    .iter()
                    .rev()
                    .find(|d| d.state == parapet_model::exception::ExceptionState::Approved)
                    .map(|d| d.by.clone())
                    .unwrap_or_default(),
                end: format_rfc3339(covering.exception.end),
                visible: scope.sees(covering.exception.project, covering.exception.enterprise_project),
            })
            .collect(),
    }
}

fn standing_word(standing: Standing) -> &'static str {
    match standing {
        Standing::Hides => "hides",
        Standing::AlsoHolds => "also_holds",
        Standing::Pending => "pending",
        Standing::NotYet => "not_yet",
        Standing::Expired => "expired",
        Standing::Rejected => "rejected",
        Standing::Ended => "ended",
    }
}
