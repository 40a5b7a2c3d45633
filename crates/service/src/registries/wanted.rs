//! Which images of a registry are wanted: the globs of its own selection, or the filters of a
//! schedule.
//!
//! A filter names repositories and tags by name, by glob (`team/*`), or by regular expression
//! (`.*`, `v[0-9]+`); `!` before any of them takes it out again, and nothing but exceptions means
//! "everything except". What appears later is judged when it appears.

use std::collections::BTreeSet;

use parapet_store::registries::{Globs, Selection};
use parapet_store::schedules::{RepoTag, ScanPlan, ScheduleFilter};
use regex::{Regex, RegexBuilder};

use crate::error::{Error, Result};

/// Most patterns of one plan.
const MAX_PATTERNS: usize = 500;
/// Longest list of patterns, in bytes.
const MAX_TEXT: usize = 4_096;
/// Most memory of one compiled expression, in bytes.
const MAX_EXPRESSION: usize = 128 * 1024;

/// One way to name names.
#[derive(Debug)]
enum Pattern {
    Exact(String),
    Glob(String),
    Expression(Regex),
}

impl Pattern {
    fn read(text: &str) -> Result<Self> {
        let expression =
            text.contains(".*") || text.contains(['^', '$', '(', ')', '[', ']', '{', '}', '|', '+', '\\']);
        if !expression {
            let glob = text.contains(['*', '?']);
            return Ok(if glob { Self::Glob(text.to_owned()) } else { Self::Exact(text.to_owned()) });
        }
        RegexBuilder::new(&format!("^(?:{text})$"))
            .size_limit(MAX_EXPRESSION)
            .build()
            .map(Self::Expression)
            .map_err(|error| {
                // The first line repeats the pattern with what was put around it.
                let why = error.to_string();
                let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                Error::Invalid(format!("{text:?} is no usable regular expression: {why}"))
            })
    }

    /// The name, when it is one and no pattern.
    fn exact(&self) -> Option<&str> {
        match self {
            Self::Exact(name) => Some(name),
            Self::Glob(_) | Self::Expression(_) => None,
        }
    }

    fn accepts(&self, name: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == name,
            Self::Glob(pattern) => glob(pattern.as_bytes(), name.as_bytes()),
            Self::Expression(expression) => expression.is_match(name),
        }
    }
}

/// Names wanted: those that match one of `include` (all, when it is empty) and none of `exclude`.
#[derive(Debug, Default)]
struct Names {
    include: Vec<Pattern>,
    exclude: Vec<Pattern>,
}

impl Names {
    fn globs(globs: &Globs) -> Self {
        let read = |list: &[String]| list.iter().cloned().map(Pattern::Glob).collect();
        Self { include: read(&globs.include), exclude: read(&globs.exclude) }
    }

    /// Reads a list with commas between; `*` alone and nothing at all mean everything.
    fn read(text: &str) -> Result<Self> {
        if text.len() > MAX_TEXT {
            return Err(Error::Invalid(format!("a list of names has at most {MAX_TEXT} bytes")));
        }
        let mut names = Self::default();
        for item in split(text).into_iter().map(str::trim).filter(|item| !item.is_empty()) {
            match item.strip_prefix('!') {
                Some(item) => names.exclude.push(Pattern::read(item.trim())?),
                None => names.include.push(Pattern::read(item)?),
            }
        }
        Ok(names)
    }

    fn accepts(&self, name: &str) -> bool {
        let any = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.accepts(name));
        (self.include.is_empty() || any(&self.include)) && !any(&self.exclude)
    }

    fn is_everything(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    fn len(&self) -> usize {
        self.include.len() + self.exclude.len()
    }

    /// The names, when there are no patterns to be looked up.
    fn exact(&self) -> Option<Vec<&str>> {
        if self.include.is_empty() { None } else { self.include.iter().map(Pattern::exact).collect() }
    }
}

/// Splits at commas outside brackets, which regular expressions use too.
fn split(text: &str) -> Vec<&str> {
    let (mut out, mut depth, mut start) = (Vec::new(), 0i32, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth <= 0 => {
                out.extend(text.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    out.extend(text.get(start..));
    out
}

/// Repositories and which tags of them.
#[derive(Debug, Default)]
struct Rule {
    repositories: Names,
    tags: Names,
}

impl Rule {
    fn accepts(&self, repository: &str, tag: &str) -> bool {
        self.repositories.accepts(repository) && self.tags.accepts(tag)
    }
}

/// One filter.
#[derive(Debug, Default)]
struct Filter {
    /// Wanted; empty for everything.
    take: Vec<Rule>,
    /// Not wanted.
    leave: Vec<Rule>,
    days: u16,
}

impl Filter {
    fn read(filter: &ScheduleFilter) -> Result<Self> {
        let mut out = Self { days: filter.days, ..Self::default() };
        for RepoTag { repo, tag } in &filter.repo_tags {
            let (leave, repo) = match repo.trim().strip_prefix('!') {
                Some(repo) => (true, repo),
                None => (false, repo.trim()),
            };
            let tags = Names::read(tag.as_deref().unwrap_or_default())?;
            let rule = Rule { repositories: Names::read(repo)?, tags };
            if leave { out.leave.push(rule) } else { out.take.push(rule) }
        }
        Ok(out)
    }

    fn takes_of(&self, repository: &str) -> bool {
        (self.take.is_empty() || self.take.iter().any(|rule| rule.repositories.accepts(repository)))
            && !self
                .leave
                .iter()
                .any(|rule| rule.tags.is_everything() && rule.repositories.accepts(repository))
    }

    fn takes(&self, repository: &str, tag: &str) -> bool {
        (self.take.is_empty() || self.take.iter().any(|rule| rule.accepts(repository, tag)))
            && !self.leave.iter().any(|rule| rule.accepts(repository, tag))
    }
}

/// What is wanted of a registry.
#[derive(Debug)]
pub(crate) struct Wanted {
    filters: Vec<Filter>,
    newest: Option<u32>,
}

impl Wanted {
    /// What a registry's own selection takes.
    pub(crate) fn of_selection(selection: &Selection) -> Self {
        let rule =
            Rule { repositories: Names::globs(&selection.repositories), tags: Names::globs(&selection.tags) };
        Self { filters: vec![Filter { take: vec![rule], ..Filter::default() }], newest: None }
    }

    /// What a schedule takes.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a pattern that cannot be used, and for too many of them.
    pub(crate) fn of_plan(plan: &ScanPlan) -> Result<Self> {
        let mut filters = plan.filters.iter().map(Filter::read).collect::<Result<Vec<_>>>()?;
        if filters.is_empty() {
            filters.push(Filter::default());
        }
        let rules = filters.iter().flat_map(|filter| filter.take.iter().chain(&filter.leave));
        let patterns: usize = rules.map(|rule| rule.repositories.len() + rule.tags.len()).sum();
        if patterns > MAX_PATTERNS {
            return Err(Error::Invalid(format!("at most {MAX_PATTERNS} names and patterns are allowed")));
        }
        Ok(Self { filters, newest: plan.newest })
    }

    /// The repositories, when all are named and none has to be looked for.
    pub(crate) fn named(&self) -> Option<BTreeSet<String>> {
        let mut out = BTreeSet::new();
        for filter in &self.filters {
            if filter.take.is_empty() {
                return None;
            }
            for rule in &filter.take {
                out.extend(rule.repositories.exact()?.into_iter().map(str::to_owned));
            }
        }
        Some(out)
    }

    /// The repositories that are named, beside patterns.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        let rules = self.filters.iter().flat_map(|filter| &filter.take);
        let patterns = rules.flat_map(|rule| &rule.repositories.include);
        patterns.filter_map(Pattern::exact).map(str::to_owned).collect()
    }

    /// Whether a tag of that repository may be wanted.
    pub(crate) fn takes_of(&self, repository: &str) -> bool {
        self.filters.iter().any(|filter| filter.takes_of(repository))
    }

    /// Whether a tag is wanted: `None` for no, else the days since it was built at most; 0 for any.
    pub(crate) fn takes(&self, repository: &str, tag: &str) -> Option<u16> {
        let taking = self.filters.iter().filter(|filter| filter.takes(repository, tag));
        let days: Vec<u16> = taking.map(|filter| filter.days).collect();
        if days.contains(&0) { Some(0) } else { days.into_iter().max() }
    }

    /// So many tags of a repository, those built last.
    pub(crate) fn newest(&self) -> Option<usize> {
        self.newest.map(|n| usize::try_from(n).unwrap_or(usize::MAX))
    }
}

/// Shell-like match: `*` stands for any text, `?` for one byte; nothing else is special. Linear in
/// the product of the lengths.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p, t));
                p += 1;
            }
            Some(b'?') => (p, t) = (p + 1, t + 1),
            Some(c) if text.get(t) == Some(c) => (p, t) = (p + 1, t + 1),
            _ => match retry {
                Some((star, from)) => {
                    retry = Some((star, from + 1));
                    (p, t) = (star + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|c| *c == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repository, and tags or all.
    type Given<'a> = (&'a str, Option<&'a str>);

    fn plan(filters: &[(&[Given<'_>], u16)]) -> ScanPlan {
        let repo_tag =
            |(repo, tag): &Given<'_>| RepoTag { repo: (*repo).to_owned(), tag: tag.map(str::to_owned) };
        let filters = filters.iter().map(|(repo_tags, days)| ScheduleFilter {
            repo_tags: repo_tags.iter().map(repo_tag).collect(),
            days: *days,
        });
        ScanPlan { filters: filters.collect(), newest: None }
    }

    fn wanted(repo: &str, tag: Option<&str>) -> Wanted {
        Wanted::of_plan(&plan(&[(&[(repo, tag)], 0)])).unwrap()
    }

    #[test]
    fn selections_are_globs() {
        let takes = |include: &[&str], exclude: &[&str], name: &str| {
            let list = |globs: &[&str]| globs.iter().map(|g| (*g).to_owned()).collect();
            let repositories = Globs { include: list(include), exclude: list(exclude) };
            Wanted::of_selection(&Selection { repositories, tags: Globs::default() })
                .takes(name, "1")
                .is_some()
        };
        assert!(takes(&[], &[], "team/web"));
        assert!(takes(&["team/*"], &[], "team/web"));
        assert!(!takes(&["team/*"], &["*/web"], "team/web"));
        assert!(takes(&["t??m/*e*"], &[], "team/web"));
        assert!(!takes(&["team"], &[], "team/web"));
        assert!(takes(&["**b"], &[], "team/web"));
    }

    #[test]
    fn tags_are_names_patterns_and_expressions_with_commas_between() {
        let takes = |tags: Option<&str>, tag: &str| wanted("team/web", tags).takes("team/web", tag).is_some();
        assert!(takes(None, "1") && takes(Some(""), "1") && takes(Some("*"), "1") && takes(Some(".*"), "1"));
        assert!(takes(Some("1, 2"), "2") && !takes(Some("1, 2"), "12"));
        assert!(takes(Some("v1.*"), "v1.2") && takes(Some("v*"), "v2") && !takes(Some("v*"), "w2"));
        assert!(takes(Some("v[0-9]{1,3},latest"), "v123") && takes(Some("v[0-9]{1,3},latest"), "latest"));
        assert!(!takes(Some("v[0-9]{1,3},latest"), "v1234"));
        assert!(takes(Some("!latest,!dev-*"), "1") && !takes(Some("!latest,!dev-*"), "dev-1"));
        assert!(takes(Some("v*,!v1"), "v2") && !takes(Some("v*,!v1"), "v1"));
    }

    #[test]
    fn everything_except_takes_what_appears_later() {
        let except = wanted("!team/old*", None);
        assert!(except.named().is_none());
        assert!(except.takes_of("new/one") && !except.takes_of("team/old-1"));
        let both = Wanted::of_plan(&plan(&[(&[("team/*", None), ("!team/web", Some("dev-*"))], 0)])).unwrap();
        assert!(both.takes_of("team/web") && both.takes("team/web", "1").is_some());
        assert_eq!((both.takes("team/web", "dev-1"), both.takes("other/web", "1")), (None, None));
    }

    #[test]
    fn names_need_no_catalogue_and_the_widest_age_counts() {
        let named = Wanted::of_plan(&plan(&[(&[("a/b", None), ("c", None)], 0)])).unwrap().named();
        assert_eq!(named, Some(BTreeSet::from(["a/b".to_owned(), "c".to_owned()])));
        assert!(Wanted::of_plan(&plan(&[])).unwrap().named().is_none());
        assert!(Wanted::of_plan(&plan(&[])).unwrap().takes("any", "1").is_some());
        let ages =
            Wanted::of_plan(&plan(&[(&[("a", None)], 3), (&[("a", Some("1"))], 14), (&[("b", None)], 2)]));
        let ages = ages.unwrap();
        assert_eq!(
            (ages.takes("a", "1"), ages.takes("a", "2"), ages.takes("b", "1")),
            (Some(14), Some(3), Some(2))
        );
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        let long = "x,".repeat(MAX_TEXT);
        let many = "x,".repeat(MAX_PATTERNS + 1);
        for bad in ["(", "[z-a]", "a{99999}{99999}", "x++(?<", &long, &many] {
            let error = Wanted::of_plan(&plan(&[(&[("r", Some(bad))], 0)]));
            assert!(matches!(error, Err(Error::Invalid(_))), "{}", bad.len());
        }
    }
}
