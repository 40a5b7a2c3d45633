//! The columns of a findings export: their words, what each depends on, and a chosen selection.
//!
//! The words are those of the filter fields (`parapet_model::filter::Field`) wherever both have the
//! same thing, so that a header can be typed into `--where`. The level of a column says how often
//! its text changes: `Asset` once per asset, `Match` once per (package, vulnerability), `Finding`
//! with every row. The writers rely on it, so a column must not read more than its level names.

use parapet_model::Millis;
use parapet_model::filter::Level;

macro_rules! columns {
    ($($(#[doc = $doc:literal])* $name:ident = $word:literal: $level:ident,)+) => {
        /// What a column shows.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Column {
            $($(#[doc = $doc])* $name,)+
            /// Nothing: an empty cell that keeps the place of a column the caller asked for and we
            /// do not have (HSS `export_headers` with an unknown key).
            Blank,
        }

        impl Column {
            /// All columns that show something.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The word: CSV header, JSON key, and what a selection names.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ Self::Blank => "" }
            }

            /// What the column depends on.
            pub const fn level(self) -> Level {
                match self { $(Self::$name => Level::$level,)+ Self::Blank => Level::Match }
            }

            /// One line for help texts.
            pub fn help(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($doc),+).trim_start(),)+
                    Self::Blank => "Always empty",
                }
            }
        }
    };
}

columns! {
    /// Kind of asset: image, container, host
    Kind = "kind": Asset,
    /// Name of the asset
    Asset = "asset": Asset,
    /// Id of the asset
    AssetId = "asset_id": Asset,
    /// Config digest of an image; empty for containers and hosts
    Digest = "digest": Asset,
    /// Current references in full, `registry/repository:tag`
    References = "references": Asset,
    /// Registries of the current references, each once
    Registry = "registry": Asset,
    /// Repositories of the current references, each once
    Repository = "repository": Asset,
    /// Tags of the current references, each once
    Tag = "tag": Asset,
    /// Enterprise project, by name
    EnterpriseProject = "enterprise_project": Asset,
    /// Name of the distribution
    Distro = "distro": Asset,
    /// Worst coverage word of the asset
    Coverage = "coverage": Asset,
    /// Start of the first stint of (asset, vulnerability)
    FirstFound = "first_found": Finding,
    /// Start of the current stint
    ReopenedAt = "reopened_at": Finding,
    /// Last observation of the asset
    LastFound = "last_found": Finding,
    /// Kernel package that does not run here
    NotRunHere = "not_run_here": Finding,
    /// Id of the exception that hides the finding
    Exception = "exception": Finding,
    /// Title of that exception
    ExceptionTitle = "exception_title": Finding,
    /// First instant at which it no longer holds; empty when it has no end
    ExceptionEnd = "exception_end": Finding,
    /// Place in the order of urgency: greater is to be fixed earlier
    Risk = "risk": Finding,
    /// Why it stands there, the most important first
    RiskReasons = "risk_reasons": Finding,
    /// Id of the vulnerability
    Vulnerability = "vulnerability": Match,
    /// Other ids of the vulnerability
    Aliases = "aliases": Match,
    /// QID of the vulnerability
    Qid = "qid": Match,
    /// Severity band: the vendor's word where it rates
    Severity = "severity": Match,
    /// CVSS base score
    Cvss = "cvss": Match,
    /// CVSS vector
    CvssVector = "cvss_vector": Match,
    /// EPSS probability, 0 to 1
    Epss = "epss": Match,
    /// Known exploited (CISA KEV)
    Kev = "kev": Match,
    /// Day on which CISA listed it
    KevAdded = "kev_added": Match,
    /// Name of the package
    Package = "package": Match,
    /// Version of the package
    Version = "version": Match,
    /// Architecture of the package
    Arch = "arch": Match,
    /// Ecosystem of the package, with release
    Ecosystem = "ecosystem": Match,
    /// Name of the source package
    Source = "source": Match,
    /// Version of the source package
    SourceVersion = "source_version": Match,
    /// State of the match: affected, fix_available, …
    State = "state": Match,
    /// Whether a fix can be installed
    Fixable = "fixable": Match,
    /// First version with the fix
    FixedVersion = "fixed_version": Match,
    /// Kind of statement: vulnerability, informational, malware
    Class = "class": Match,
    /// Title of the vulnerability
    Title = "title": Match,
}

impl Column {
    /// The columns of an export that names none: asset columns, then finding columns, then match
    /// columns, so that the two long ends of a row are formatted once and copied.
    pub const DEFAULT: &[Self] = &[
        Self::Kind,
        Self::Asset,
        Self::AssetId,
        Self::EnterpriseProject,
        Self::Distro,
        Self::Coverage,
        Self::FirstFound,
        Self::ReopenedAt,
        Self::LastFound,
        Self::NotRunHere,
        Self::Exception,
        Self::ExceptionEnd,
        Self::Vulnerability,
        Self::Severity,
        Self::Cvss,
        Self::Epss,
        Self::Kev,
        Self::Package,
        Self::Version,
        Self::Arch,
        Self::Ecosystem,
        Self::Source,
        Self::State,
        Self::Fixable,
        Self::FixedVersion,
        Self::Class,
        Self::Title,
    ];

    /// Whether it depends on asset and match at once, so that no part of a row with it may be kept.
    pub(crate) const fn is_of_all(self) -> bool {
        matches!(self, Self::Risk | Self::RiskReasons)
    }

    /// Whether it shows since when an asset has a vulnerability.
    pub(crate) const fn is_since(self) -> bool {
        matches!(self, Self::FirstFound | Self::ReopenedAt)
    }

    /// The column of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|column| column.as_str() == word)
    }
}

/// What is wrong with a list of columns.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// No column has this word.
    #[error("unknown column {0:?}; one of {list}", list = all_words())]
    Unknown(String),
    /// A column was named twice.
    #[error("column {0:?} is named twice")]
    Twice(String),
}

fn all_words() -> String {
    let words: Vec<&str> = Column::ALL.iter().map(|column| column.as_str()).collect();
    words.join(", ")
}

/// A column and the title printed above it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// What is shown.
    pub column: Column,
    /// Title in the header line of a CSV. JSON lines use the column's word.
    pub label: String,
}

/// A selection of columns in the order in which they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    headings: Vec<Heading>,
    as_of: Option<Millis>,
}

impl Default for Columns {
    fn default() -> Self {
        Self::of(Column::DEFAULT)
    }
}

impl Columns {
    /// These columns under their own words.
    pub fn of(columns: &[Column]) -> Self {
        let heading = |&column: &Column| Heading { column, label: column.as_str().to_owned() };
        Self { headings: columns.iter().map(heading).collect(), as_of: None }
    }

    /// These columns under the caller's titles; any order, doubles and [`Column::Blank`] allowed.
    pub fn labelled(headings: Vec<Heading>) -> Self {
        Self { headings, as_of: None }
    }

    /// Reads a comma-separated list of words; blanks around them are ignored.
    ///
    /// # Errors
    /// A word that is no column, or one that comes twice.
    pub fn parse(list: &str) -> Result<Self, SelectionError> {
        let mut columns = Vec::new();
        for word in list.split(',').map(str::trim) {
            let shown = || word.chars().take(100).collect::<String>();
            let column = Column::parse(word).ok_or_else(|| SelectionError::Unknown(shown()))?;
            if columns.contains(&column) {
                return Err(SelectionError::Twice(shown()));
            }
            columns.push(column);
        }
        Ok(Self::of(&columns))
    }

    /// Shows the references as they were at `at` instead of those that are still open.
    #[must_use]
    pub fn as_of(mut self, at: Millis) -> Self {
        self.as_of = Some(at);
        self
    }

    /// The columns with their titles, in order.
    pub fn headings(&self) -> &[Heading] {
        &self.headings
    }

    /// The titles, in order.
    pub fn labels(&self) -> Vec<String> {
        self.headings.iter().map(|heading| heading.label.clone()).collect()
    }

    /// Whether any of them shows since when an asset has a vulnerability; findings need not know it
    /// otherwise.
    pub fn show_since(&self) -> bool {
        self.headings.iter().any(|heading| heading.column.is_since())
    }

    /// Whether one shows the coverage word of the asset.
    pub fn show_coverage(&self) -> bool {
        self.headings.iter().any(|heading| heading.column == Column::Coverage)
    }

    /// The instant set by [`Columns::as_of`].
    pub(crate) fn references_at(&self) -> Option<Millis> {
        self.as_of
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_leads_back_to_its_column() {
        for &column in Column::ALL {
            assert_eq!(Column::parse(column.as_str()), Some(column));
            assert!(!column.help().is_empty());
        }
        assert_eq!(Column::parse(""), None, "the blank column cannot be asked for by word");
    }

    #[test]
    fn the_default_order_keeps_assets_first_and_matches_last() {
        let rank = |column: &Column| match column.level() {
            Level::Asset => 0,
            Level::Finding => 1,
            Level::Match => 2,
        };
        assert!(Column::DEFAULT.is_sorted_by_key(rank));
    }

    #[test]
    fn a_selection_is_read_and_its_mistakes_are_named() {
        let columns = Columns::parse("vulnerability, asset").map(|columns| columns.labels());
        assert_eq!(columns, Ok(vec!["vulnerability".to_owned(), "asset".to_owned()]));
        assert_eq!(Columns::parse("asset,,kind"), Err(SelectionError::Unknown(String::new())));
        assert_eq!(Columns::parse("asset,asset"), Err(SelectionError::Twice("asset".to_owned())));
        let error = Columns::parse("hostname").map_err(|e| e.to_string());
        assert!(error.is_err_and(|text| text.contains("\"hostname\"") && text.contains("asset_id")));
    }
}
