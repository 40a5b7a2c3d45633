//! Why an asset is not wholly assessed: by ecosystem and word, by package database,
//! one gap each.

use std::collections::BTreeMap;

use parapet_export::Gap;
use parapet_model::inventory::ReadOutcome;
use parapet_model::{AssetNo, Coverage, Filter, Scope};
use parapet_posture::Query;

use crate::findings::View;

/// Longest reason shown, in characters: what a reader says may quote its input.
const REASON: usize = 120;

/// The gaps of an asset of the scope; empty when it was wholly assessed.
pub fn gaps_of(view: &View, scope: &Scope, asset: AssetNo) -> Vec<Gap> {
    let (snapshot, mut gaps) = (&view.snapshot, Vec::new());
    let Some(row) = snapshot.asset(scope, asset) else { return gaps };
    let mut words: BTreeMap<(&str, Coverage), u64> = BTreeMap::new();
    for shown in snapshot.packages_of(scope, asset).unwrap_or_default() {
        *words.entry((shown.package.key.ecosystem.as_str(), shown.coverage)).or_default() += 1;
    }
    for ((ecosystem, coverage), packages) in words {
        let judged = snapshot.ecosystems().iter().find(|row| row.ecosystem == ecosystem);
        let feeds = judged.map(|row| row.feeds.join(", ")).filter(|feeds| !feeds.is_empty());
        let why = match coverage {
            Coverage::Assessed => continue,
            Coverage::VersionUnparsed => "no order has a place for the version".to_owned(),
            _ => feeds.map_or_else(|| "no feed".to_owned(), |feeds| format!("judged by {feeds}")),
        };
        gaps.push(Gap { what: format!("{packages} packages of {ecosystem}"), coverage, why });
    }
    // A container shows what its image does.
    let image = row.image.and_then(|image| snapshot.asset(scope, image));
    let databases = || row.databases.iter().chain(image.iter().flat_map(|image| &image.databases));
    for database in databases() {
        let (coverage, why) = match &database.outcome {
            ReadOutcome::Unreadable(why) => (Coverage::Unreadable, why),
            ReadOutcome::NotRead(why) => (Coverage::NotScanned, why),
            ReadOutcome::Read => continue,
        };
        let what = match database.path.as_str() {
            "" => database.kind.clone(),
            path => format!("{} at {path}", database.kind),
        };
        gaps.push(Gap { what, coverage, why: why.chars().take(REASON).collect() });
    }
    if databases().next().is_none() {
        let why = "no package database was found".to_owned();
        gaps.push(Gap { what: "everything".to_owned(), coverage: Coverage::NotScanned, why });
    }
    gaps
}

/// How many findings of a query are left out because they are of kernels that do not run there.
pub fn kernels_left_out(view: &View, scope: &Scope, filter: &Filter) -> u64 {
    let query = view.query(scope, filter);
    let all = Query { include_not_run_here: true, ..query };
    view.snapshot.count(&all).findings - view.snapshot.count(&query).findings
}
