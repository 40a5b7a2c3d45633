//! All that rows of one image or container are made of, looked up once.

use std::fmt;
use std::ops::ControlFlow;

use parapet_model::PackageNo;
use parapet_model::facts::AssetRow;
use parapet_model::filter::{Field, Filter, Op};
use parapet_model::finding::Finding;
use parapet_posture::Query;
use serde::{Serialize, Serializer};

use super::Estate;
use super::severity::SeverityCounts;
use super::software::SoftwareRow;
use super::vulns::SoftwareOf;
use crate::http::qualys_cs::qql::assets::Subject;

/// What a package of the asset shows beside its findings.
#[derive(Debug)]
pub(super) struct Shown<'e> {
    pub(super) package: PackageNo,
    /// Digests of the layers, without `sha256:`; ascending, each once.
    pub(super) layers: Vec<&'e str>,
    /// The container shows it, and its image does not.
    pub(super) drift: bool,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Sheet<'e> {
    pub(super) estate: &'e Estate,
    pub(super) subject: Subject,
    /// By vulnerability, then package.
    pub(super) findings: Vec<Finding<'e>>,
    /// By package.
    pub(super) shown: Vec<Shown<'e>>,
}

impl<'e> Sheet<'e> {
    /// Looks everything up. `exempted`: also what exceptions hide.
    pub(super) fn of(estate: &'e Estate, subject: Subject, asset: &'e AssetRow, exempted: bool) -> Self {
        let mut filter = Filter::test(Field::AssetId, Op::Eq, asset.uuid.to_string());
        if !exempted {
            filter = filter.and(Filter::test(Field::Excepted, Op::Eq, false));
        }
        let query = Query::new(&estate.scope, &filter, estate.now);
        let mut findings: Vec<Finding<'e>> = Vec::new();
        let _ = estate.snapshot.findings(&query, |finding| {
            findings.push(*finding);
            ControlFlow::Continue(())
        });
        findings.sort_by_key(|finding| finding.vulnerability.no);
        Self { estate, subject, findings, shown: shown(estate, subject, asset) }
    }

    /// The findings of each vulnerability, by its number.
    pub(super) fn by_vulnerability(&self) -> impl Iterator<Item = &[Finding<'e>]> {
        by_vulnerability(&self.findings)
    }

    /// Where the place of a package is in `shown`.
    pub(super) fn place(&self, package: PackageNo) -> Option<usize> {
        self.shown.binary_search_by_key(&package, |shown| shown.package).ok()
    }

    /// Digests of the layers that show packages, ascending.
    pub(super) fn layers(&self) -> Vec<&'e str> {
        let mut layers: Vec<&str> =
            self.shown.iter().flat_map(|shown| shown.layers.iter().copied()).collect();
        layers.sort_unstable();
        layers.dedup();
        layers
    }

    /// The vulnerabilities in brief.
    pub(super) fn into_briefs(self) -> Briefs<'e> {
        Briefs(self.findings)
    }
}

fn by_vulnerability<'f, 'e>(findings: &'f [Finding<'e>]) -> impl Iterator<Item = &'f [Finding<'e>]> {
    findings.chunk_by(|a, b| a.vulnerability.no == b.vulnerability.no)
}

/// Where each package of the asset comes from.
pub(super) fn shown<'e>(estate: &'e Estate, subject: Subject, asset: &AssetRow) -> Vec<Shown<'e>> {
    let packages = estate.snapshot.packages_of(&estate.scope, asset.no).unwrap_or_default();
    let of = packages.into_iter().map(|package| {
        let layers = package.showings.iter().filter(|showing| !showing.layer.is_empty());
        let mut layers: Vec<&str> = layers.map(|showing| super::bare(showing.layer)).collect();
        layers.sort_unstable();
        layers.dedup();
        let own = package.showings.iter().all(|showing| showing.image.is_none());
        Shown { package: package.package.no, layers, drift: subject == Subject::Container && own }
    });
    of.collect()
}

/// A row of the page lists.
#[derive(Debug, Serialize)]
pub(super) struct PageRow<W> {
    #[serde(flatten)]
    pub(super) words: W,
    pub(super) vulnerabilities: SeverityCounts,
}

/// A row of the bulk lists: details, with vulnerabilities in brief.
#[derive(Debug, Serialize)]
pub(super) struct BulkRow<'e, W, M> {
    #[serde(flatten)]
    pub(super) words: W,
    #[serde(flatten)]
    pub(super) more: M,
    pub(super) softwares: Vec<SoftwareRow<'e>>,
    pub(super) vulnerabilities: Option<Briefs<'e>>,
}

/// The vulnerabilities of a row in brief, by QID. Made while they are written: an image has thousands.
#[derive(Debug)]
pub(super) struct Briefs<'e>(Vec<Finding<'e>>);

impl Serialize for Briefs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(by_vulnerability(&self.0).filter_map(Brief::of))
    }
}

/// What bulk lists say of a vulnerability.
#[derive(Debug, Serialize)]
struct Brief<'f, 'e> {
    qid: u64,
    #[serde(serialize_with = "as_text")]
    result: ResultTable<'f, 'e>,
    #[serde(serialize_with = "as_software")]
    software: &'f [Finding<'e>],
}

impl<'f, 'e> Brief<'f, 'e> {
    fn of(findings: &'f [Finding<'e>]) -> Option<Self> {
        let qid = findings.first()?.vulnerability.no.qid();
        Some(Self { qid, result: ResultTable(findings), software: findings })
    }
}

fn as_text<S: Serializer>(table: &ResultTable<'_, '_>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(table)
}

fn as_software<S: Serializer>(findings: &[Finding<'_>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(findings.iter().map(SoftwareOf::of))
}

/// The text of `result`: a table with a line per package and the version that fixes it.
#[derive(Debug)]
struct ResultTable<'f, 'e>(&'f [Finding<'e>]);

impl fmt::Display for ResultTable<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let packages = self.0.iter().map(|f| (f.package, f.verdict.fixed_version.as_str()));
        super::vulns::write_result(f, packages)
    }
}
