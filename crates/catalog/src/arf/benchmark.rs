//! What a benchmark says: titles of profiles, texts of rules, the platform it is for.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;

use parapet_model::compliance::{ControlReference, ControlText, Criticality};

use super::error::{ArfError, Result};
use super::result::{self, TestResult};
use super::texts::RuleTexts;
use super::xml::Xml;

/// Most rules, profiles and platforms of a document.
const MAX_RULES: usize = 20_000;
const MAX_PROFILES: usize = 2_000;
const MAX_PLATFORMS: usize = 1_000;
/// Most references of a rule.
const MAX_REFERENCES: usize = 200;
/// Bytes of all texts that are kept.
const MAX_TEXTS: usize = 24 << 20;
/// Bytes of a title, of a rationale, of a reference.
pub(super) const MAX_TITLE: usize = 1_000;
const MAX_RATIONALE: usize = 4_000;
const MAX_REFERENCE: usize = 500;

/// What the benchmarks of a document say.
#[derive(Debug, Default)]
pub(super) struct Texts {
    /// By rule.
    pub(super) rules: RuleTexts,
    /// Titles of profiles.
    pub(super) profiles: HashMap<String, String>,
    /// Benchmarks by id.
    pub(super) benchmarks: BTreeMap<String, Benchmark>,
    /// Titles of platforms by CPE name.
    pub(super) platforms: HashMap<String, String>,
    kept: usize,
}

/// A benchmark as a whole.
#[derive(Debug, Default, Clone)]
pub(super) struct Benchmark {
    pub(super) title: String,
    pub(super) version: String,
    pub(super) platforms: Vec<String>,
}

impl Texts {
    fn keep(&mut self, bytes: usize) -> Result<()> {
        self.kept = self.kept.saturating_add(bytes);
        let most = MAX_TEXTS;
        if self.kept > most { Err(ArfError::TooMany { what: "bytes of rule texts", most }) } else { Ok(()) }
    }

    /// Reads the present `Benchmark`; results inside it go to `results`.
    pub(super) fn benchmark<R: Read>(
        &mut self,
        xml: &mut Xml<R>,
        results: &mut Vec<TestResult>,
    ) -> Result<()> {
        let id = xml.attribute_or_empty("id")?;
        let mut benchmark = Benchmark::default();
        let first = results.len();
        while xml.child()? {
            match xml.name() {
                "title" => benchmark.title = xml.line(MAX_TITLE)?,
                "version" => benchmark.version = xml.line(100)?,
                "platform" => {
                    if benchmark.platforms.len() < MAX_PLATFORMS {
                        benchmark.platforms.push(xml.attribute_or_empty("idref")?);
                    }
                    xml.skip()?;
                }
                "Profile" => self.profile(xml)?,
                "Group" => self.group(xml, &mut Vec::new())?,
                "Rule" => self.rule(xml, &[])?,
                "TestResult" => results.push(result::read(xml, results.len())?),
                _ => xml.skip()?,
            }
        }
        for result in results.iter_mut().skip(first).filter(|result| result.benchmark.is_empty()) {
            result.benchmark.clone_from(&id);
        }
        self.keep(id.len() + benchmark.title.len())?;
        self.benchmarks.insert(id, benchmark);
        Ok(())
    }

    /// Reads the present `Profile`.
    pub(super) fn profile<R: Read>(&mut self, xml: &mut Xml<R>) -> Result<()> {
        let id = xml.attribute_or_empty("id")?;
        let mut title = String::new();
        while xml.child()? {
            match xml.name() {
                "title" if title.is_empty() => title = xml.line(MAX_TITLE)?,
                _ => xml.skip()?,
            }
        }
        self.keep(id.len() + title.len())?;
        if self.profiles.len() >= MAX_PROFILES {
            return Err(ArfError::TooMany { what: "profiles", most: MAX_PROFILES });
        }
        self.profiles.insert(id, title);
        Ok(())
    }

    fn group<R: Read>(&mut self, xml: &mut Xml<R>, path: &mut Vec<String>) -> Result<()> {
        path.push(String::new());
        while xml.child()? {
            match xml.name() {
                "title" => {
                    let title = xml.line(MAX_TITLE)?;
                    if let Some(own) = path.last_mut() {
                        *own = title;
                    }
                }
                "Group" => self.group(xml, path)?,
                "Rule" => self.rule(xml, path)?,
                _ => xml.skip()?,
            }
        }
        path.pop();
        Ok(())
    }

    fn rule<R: Read>(&mut self, xml: &mut Xml<R>, path: &[String]) -> Result<()> {
        let id = xml.attribute_or_empty("id")?;
        let mut text = ControlText {
            criticality: Criticality::of_severity(&xml.attribute_or_empty("severity")?),
            category: path.get(1).or(path.first()).cloned().unwrap_or_default(),
            sub_category: path.last().cloned().unwrap_or_default(),
            ..ControlText::default()
        };
        let mut references = Vec::new();
        while xml.child()? {
            let framework = match xml.name() {
                "title" => {
                    text.statement = xml.line(MAX_TITLE)?;
                    continue;
                }
                "rationale" => {
                    text.rationale = xml.line(MAX_RATIONALE)?;
                    continue;
                }
                "ident" => xml.attribute_or_empty("system")?,
                "reference" => xml.attribute_or_empty("href")?,
                _ => {
                    xml.skip()?;
                    continue;
                }
            };
            let section = xml.line(MAX_REFERENCE)?;
            if references.len() < MAX_REFERENCES && framework.len() <= MAX_REFERENCE && !section.is_empty() {
                references.push(ControlReference { framework, section });
            }
        }
        let bytes = |r: &ControlReference| r.framework.len() + r.section.len() + 48;
        let own = id.len() + text.statement.len() + text.rationale.len() + text.category.len() * 2 + 200;
        self.keep(own + references.iter().map(bytes).sum::<usize>())?;
        text.references = references;
        if self.rules.len() >= MAX_RULES {
            return Err(ArfError::TooMany { what: "rules", most: MAX_RULES });
        }
        self.rules.insert(&id, &text);
        Ok(())
    }

    /// Reads the present `cpe-item` of a dictionary.
    pub(super) fn platform<R: Read>(&mut self, xml: &mut Xml<R>) -> Result<()> {
        let name = xml.attribute_or_empty("name")?;
        let mut title = String::new();
        while xml.child()? {
            match xml.name() {
                "title" if title.is_empty() => title = xml.line(MAX_TITLE)?,
                _ => xml.skip()?,
            }
        }
        if self.platforms.len() < MAX_PLATFORMS {
            self.keep(name.len() + title.len())?;
            self.platforms.insert(name, title);
        }
        Ok(())
    }
}
