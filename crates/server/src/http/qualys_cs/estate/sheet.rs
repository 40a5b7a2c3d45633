//! All that rows of one image or container are made of, looked up once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;

use parapet_model::facts::AssetRow;
use parapet_model::filter::{Field, Filter, Op};
use parapet_model::finding::Finding;
use parapet_model::{PackageNo, VulnerabilityNo};
use parapet_posture::Query;
use serde::Serialize;
use serde_json::Value;

use super::Estate;
use super::software::SoftwareRow;
use super::vulns::SoftwareOf;
use crate::http::qualys_cs::qql::assets::Subject;

/// What a package of the asset shows beside its findings.
#[derive(Debug, Default)]
pub(super) struct Shown<'e> {
    /// Digests of the layers, without `sha256:`.
    pub(super) layers: BTreeSet<&'e str>,
    /// The container shows it, and its image does not.
    pub(super) drift: bool,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Sheet<'e> {
    pub(super) estate: &'e Estate,
    pub(super) subject: Subject,
    /// By vulnerability, then package.
    pub(super) findings: BTreeMap<VulnerabilityNo, Vec<Finding<'e>>>,
    pub(super) shown: HashMap<PackageNo, Shown<'e>>,
}

impl<'e> Sheet<'e> {
    /// Looks everything up. `exempted`: also what exceptions hide.
    pub(super) fn of(estate: &'e Estate, subject: Subject, asset: &'e AssetRow, exempted: bool) -> Self {
        let mut filter = Filter::test(Field::AssetId, Op::Eq, asset.uuid.to_string());
        if !exempted {
            filter = filter.and(Filter::test(Field::Excepted, Op::Eq, false));
        }
        let query = Query::new(&estate.scope, &filter, estate.now);
        let mut findings: BTreeMap<VulnerabilityNo, Vec<Finding<'e>>> = BTreeMap::new();
        let _ = estate.snapshot.findings(&query, |finding| {
            findings.entry(finding.vulnerability.no).or_default().push(*finding);
            ControlFlow::Continue(())
        });
        Self { estate, subject, findings, shown: shown(estate, subject, asset) }
    }

    /// Digests of the layers that show packages, ascending.
    pub(super) fn layers(&self) -> BTreeSet<&'e str> {
        self.shown.values().flat_map(|shown| shown.layers.iter().copied()).collect()
    }
}

/// Where each package of the asset comes from.
pub(super) fn shown<'e>(
    estate: &'e Estate,
    subject: Subject,
    asset: &AssetRow,
) -> HashMap<PackageNo, Shown<'e>> {
    let packages = estate.snapshot.packages_of(&estate.scope, asset.no).unwrap_or_default();
    let of = packages.into_iter().map(|package| {
        let layers = package.showings.iter().filter(|showing| !showing.layer.is_empty());
        let layers = layers.map(|showing| super::bare(showing.layer)).collect();
        let own = package.showings.iter().all(|showing| showing.image.is_none());
        (package.package.no, Shown { layers, drift: subject == Subject::Container && own })
    });
    of.collect()
}

/// A row of the bulk lists: details, with vulnerabilities in brief.
#[derive(Debug, Serialize)]
pub(super) struct BulkRow<'e> {
    #[serde(flatten)]
    pub(super) words: Value,
    pub(super) softwares: Vec<SoftwareRow<'e>>,
    pub(super) vulnerabilities: Option<Vec<Brief<'e>>>,
}

/// What bulk lists say of a vulnerability.
#[derive(Debug, Serialize)]
pub(super) struct Brief<'e> {
    qid: u64,
    result: String,
    software: Vec<SoftwareOf<'e>>,
}

impl<'e> Sheet<'e> {
    /// The vulnerabilities in brief, by QID.
    pub(super) fn briefs(&self) -> Vec<Brief<'e>> {
        let brief = |findings: &Vec<Finding<'e>>| {
            let qid = findings.first()?.vulnerability.no.qid();
            let software = findings.iter().map(SoftwareOf::of).collect();
            let packages = findings.iter().map(|f| (f.package, f.verdict.fixed_version.as_str()));
            Some(Brief { qid, result: super::vulns::result(packages), software })
        };
        self.findings.values().filter_map(brief).collect()
    }
}
