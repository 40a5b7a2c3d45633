//! Where is it, in which versions?

use askama::Template;
use parapet_model::Severity;

use crate::filters;
use crate::layout::Layout;
use crate::link::Link;
use crate::parts::Pager;

/// The page of a package.
#[derive(Debug, Template)]
#[template(path = "package.html")]
pub(super) struct PackagePage {
    pub(super) layout: Layout,
    pub(super) name: String,
    pub(super) purl: String,
    /// Assets that show it in any version.
    pub(super) assets: usize,
    /// Findings of it.
    pub(super) affected: u64,
    pub(super) findings: Link,
    /// Versions that some asset shows.
    pub(super) in_use: usize,
    pub(super) versions: Vec<VersionLine>,
    pub(super) more_versions: usize,
    pub(super) places: Vec<PlaceLine>,
    /// All places as a file.
    pub(super) csv: Link,
    pub(super) pager: Pager,
    pub(super) denied: Vec<Closed>,
    /// Advisories that speak of it.
    pub(super) checked: usize,
    /// Of them, those that apply.
    pub(super) applying: usize,
    /// Versions against which they are held.
    pub(super) checked_versions: usize,
    pub(super) advisories: Vec<AdvisoryLine>,
    pub(super) previous: Option<Link>,
    pub(super) next: Option<Link>,
    /// Number of the first advisory shown.
    pub(super) first: usize,
}

/// One version of one architecture.
#[derive(Debug)]
pub(super) struct VersionLine {
    pub(super) version: String,
    pub(super) ecosystem: String,
    pub(super) arch: String,
    /// Name and version of the source package, where it has another name.
    pub(super) source: String,
    pub(super) assets: u64,
    pub(super) coverage: &'static str,
    /// Worst of its findings.
    pub(super) severity: Option<Severity>,
    pub(super) vulnerabilities: u64,
    pub(super) kev: bool,
    /// The version with every known fix, or empty.
    pub(super) fixed: String,
    pub(super) findings: Link,
}

/// An asset that shows it.
#[derive(Debug)]
pub(super) struct PlaceLine {
    pub(super) link: Link,
    /// The term of a question that means the asset.
    pub(super) term: String,
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) places: Vec<Place>,
}

/// Where an asset shows it.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) version: String,
    pub(super) ecosystem: String,
    /// Digest of the layer, or empty.
    pub(super) layer: String,
    /// The image that a container has it from.
    pub(super) image: Option<(Link, String)>,
    pub(super) since: String,
    pub(super) database: String,
    pub(super) paths: Vec<String>,
    pub(super) more_paths: usize,
}

/// A vulnerability that it does not have.
#[derive(Debug)]
pub(super) struct Closed {
    pub(super) link: Link,
    pub(super) id: String,
    pub(super) versions: String,
}

/// An advisory that was held against it.
#[derive(Debug)]
pub(super) struct AdvisoryLine {
    pub(super) id: String,
    pub(super) url: String,
    pub(super) summary: String,
    pub(super) published: String,
    pub(super) applies: bool,
    pub(super) vulnerabilities: Vec<(Link, String)>,
    pub(super) more_vulnerabilities: usize,
    pub(super) words: Vec<WordLine>,
}

/// What an advisory says of one version.
#[derive(Debug)]
pub(super) struct WordLine {
    pub(super) version: String,
    pub(super) ecosystem: String,
    pub(super) applies: bool,
    pub(super) why: String,
    pub(super) range: String,
    pub(super) fixed: String,
}
