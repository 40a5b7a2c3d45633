//! What do I own, and is it covered?

use askama::Template;
use parapet_model::Severity;

use crate::filters;
use crate::layout::Layout;
use crate::link::Link;
use crate::parts::{Choice, Empty, Facet, Pager, QuestionError, Term};

/// The assets of a question.
#[derive(Debug, Template)]
#[template(path = "assets.html")]
pub(crate) struct Assets {
    /// Surroundings.
    pub(crate) layout: Layout,
    /// The question in the page's own box.
    pub(crate) question: String,
    /// What is wrong with it; the rows below are then those of the last good question.
    pub(crate) error: Option<QuestionError>,
    /// Other state that goes with the box.
    pub(crate) kept: Vec<(&'static str, String)>,
    /// Its terms.
    pub(crate) terms: Vec<Term>,
    /// Images, containers, hosts.
    pub(crate) tabs: Vec<Tab>,
    /// Repositories, tags, digests.
    pub(crate) levels: Vec<Choice>,
    /// Orders.
    pub(crate) orders: Vec<Choice>,
    /// Coverage words and the like, with counts.
    pub(crate) facets: Vec<Facet>,
    /// The rows.
    pub(crate) rows: Rows,
    /// Other rows.
    pub(crate) pager: Pager,
    /// Why there are none.
    pub(crate) empty: Option<Empty>,
    /// The same rows as a file.
    pub(crate) csv: Link,
    /// The findings of the question.
    pub(crate) findings: Link,
}

/// A kind of asset.
#[derive(Debug)]
pub(crate) struct Tab {
    /// What it is called.
    pub(crate) name: &'static str,
    /// How many the question finds.
    pub(crate) count: u64,
    /// Whether it is the one shown.
    pub(crate) chosen: bool,
    /// The page with it.
    pub(crate) link: Link,
}

/// Vulnerabilities by severity that no exception hides, worst first, those that are not 0, each with the
/// findings of it.
pub(crate) type Bands = Vec<(Severity, u64, Link)>;

/// The rows of one level.
#[derive(Debug)]
pub(crate) enum Rows {
    /// Repositories.
    Repositories(Vec<Repository>),
    /// Tags.
    Tags(Vec<Tag>),
    /// So many that tags are shown for less.
    TooMany(u64),
    /// Images, containers or hosts.
    Assets(Vec<Asset>),
}

/// A repository.
#[derive(Debug)]
pub(crate) struct Repository {
    /// Its name; empty for images without.
    pub(crate) name: String,
    /// Registries that have it.
    pub(crate) registries: Vec<String>,
    /// Its tags.
    pub(crate) link: Link,
    /// Images in it.
    pub(crate) images: u64,
    /// Those of them that are not wholly assessed.
    pub(crate) not_assessed: u64,
    /// And where they are.
    pub(crate) not_assessed_link: Link,
    /// See [`Bands`]; on all its images together.
    pub(crate) bands: Bands,
}

/// A tag, and the image it points to.
#[derive(Debug)]
pub(crate) struct Tag {
    /// The reference in full.
    pub(crate) reference: String,
    /// Its image.
    pub(crate) link: Link,
    /// Digest of the image, cut.
    pub(crate) digest: String,
    /// Platform of the image.
    pub(crate) platform: String,
    /// Since when it points there.
    pub(crate) since: String,
    /// Coverage word.
    pub(crate) coverage: &'static str,
    /// See [`Bands`].
    pub(crate) bands: Bands,
}

/// An asset.
#[derive(Debug)]
pub(crate) struct Asset {
    /// Its page.
    pub(crate) link: Link,
    /// Its name.
    pub(crate) name: String,
    /// Its digest, engine's id or machine id, cut.
    pub(crate) identity: String,
    /// The term that finds it.
    pub(crate) term: String,
    /// Where else it is named, or what it does.
    pub(crate) more: String,
    /// Distribution.
    pub(crate) distro: String,
    /// Coverage word.
    pub(crate) coverage: &'static str,
    /// Why it is not wholly assessed.
    pub(crate) gaps: Vec<String>,
    /// Why the last scan failed, or empty.
    pub(crate) scan_error: String,
    /// See [`Bands`].
    pub(crate) bands: Bands,
    /// When it was last looked at.
    pub(crate) observed: String,
}
