//! Results of security checklists: ARF (the Asset Reporting Format, what `oscap --results-arf` writes) and
//! plain XCCDF 1.2 results (`oscap --results`), packed with gzip or not.
//!
//! A document is read twice, because what a check found comes after the results that need it and may come
//! before: first who, when and which rules ([`result`]) and what the benchmark says of them ([`benchmark`]),
//! then what OVAL found ([`oval`]). Nothing but what is given out is kept, whatever the size; everything that
//! is kept has a bound, and beyond it is a clear error. Nothing is fetched: document types, entities and
//! references to files are refused or passed over. Secrets in what was found are removed ([`secrets`]).
//!
//! Plain XCCDF results hold no values, so they give results without evidence, but for what scripts printed.

mod benchmark;
mod error;
mod oval;
mod result;
mod secrets;
#[cfg(test)]
mod tests;
mod texts;
pub(crate) mod xml;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::{self, BufRead, BufReader, Read};

use parapet_model::compliance::{ControlStatus, Evidence, Item, Target, TestEvidence, technology};
use parapet_model::{Digest, Millis};

use benchmark::Texts;
pub use error::ArfError;
use error::Result;
use oval::Oval;
use result::{RawRule, TestResult};
pub use texts::RuleTexts;
use xml::Xml;

/// Most bytes of a document when unpacked, unless said otherwise.
pub const MAX_UNPACKED: u64 = 4 << 30;
/// Most things said beside the results.
const MAX_WARNINGS: usize = 100;

/// What a document says, one entry for each host and profile in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResultsDocument {
    /// The evaluations, in the order of the document.
    pub evaluations: Vec<Evaluation>,
    /// What is worth saying: repeated rules and the like.
    pub warnings: Vec<String>,
}

/// How one host stood with one profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluation {
    /// The host. Whether a host without names is an error ([`ArfError::NoHost`]) is the caller's to say:
    /// it may know better.
    pub target: Target,
    /// Id of the benchmark.
    pub benchmark: String,
    /// Its version.
    pub version: String,
    /// Id of the profile, or empty.
    pub profile: String,
    /// Title of the profile, else of the benchmark, else empty.
    pub title: String,
    /// CPE name of the platform, or empty.
    pub platform: String,
    /// What people call it.
    pub platform_name: String,
    /// When the host was looked at.
    pub observed: Millis,
    /// What became of the rules that were selected, by rule and instance.
    pub results: Vec<RuleResult>,
    /// What the benchmark says of these rules; those of a document without benchmark have none.
    pub texts: RuleTexts,
}

/// What became of one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleResult {
    /// Id of the rule.
    pub rule: String,
    /// [`parapet_model::compliance::WHOLE_HOST`], or one of several things looked at.
    pub instance: String,
    /// The result.
    pub status: ControlStatus,
    /// What was found; `None` when the document does not say.
    pub evidence: Option<Evidence>,
}

/// Something that can be read from its beginning more than once: a file, a buffer.
pub trait Source {
    /// The bytes from the beginning.
    fn open(&self) -> io::Result<Box<dyn Read + '_>>;
}

impl Source for std::path::Path {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(std::fs::File::open(self)?))
    }
}

impl Source for [u8] {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(self))
    }
}

impl Evaluation {
    /// Digest of all that it says of the host: the same document packed otherwise has the same. Of two
    /// evaluations of one instant the greater digest counts, so one that says what was found is greater
    /// than any that does not.
    pub fn content(&self) -> Digest {
        let mut bytes = Vec::new();
        let mut field = |text: &str| {
            bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
            bytes.extend_from_slice(text.as_bytes());
        };
        field("parapet evaluation 1");
        for text in [&self.benchmark, &self.version, &self.profile, &self.platform] {
            field(text);
        }
        for result in &self.results {
            field(&result.rule);
            field(&result.instance);
            field(result.status.as_str());
            let evidence = result.evidence.as_ref();
            field(&evidence.map(|evidence| evidence.found.hex()).unwrap_or_default());
        }
        bytes.extend_from_slice(&self.observed.to_le_bytes());
        let mut digest = Digest::of(&bytes);
        let [first, ..] = &mut digest.0;
        let told = self.results.iter().any(|result| result.evidence.is_some());
        *first = *first & 0x7f | if told { 0x80 } else { 0 };
        digest
    }
}

/// Reads a document of at most `most` bytes when unpacked.
///
/// # Errors
/// [`ArfError`]; then nothing of the document is to be recorded.
pub fn read<S: Source + ?Sized>(source: &S, most: u64) -> Result<ResultsDocument> {
    let mut first = First::default();
    first.read(&mut Xml::new(unpacked(source)?, most)?)?;
    let mut warnings = Vec::new();
    let First { texts, mut results, assets } = first;
    if results.is_empty() {
        return Err(ArfError::NoResults);
    }
    for result in &mut results {
        result.tidy(&mut warnings);
        if let Some(asset) = assets.get(&result.asset) {
            result.target.merge(asset.clone());
        }
    }
    let reports = second(source, most, &results)?;
    let mut evaluations = Vec::with_capacity(results.len());
    for result in results {
        evaluations.push(evaluation(result, &texts, &reports)?);
    }
    if warnings.len() > MAX_WARNINGS {
        let more = warnings.len() - MAX_WARNINGS;
        warnings.truncate(MAX_WARNINGS);
        warnings.push(format!("and {more} more of the kind"));
    }
    Ok(ResultsDocument { evaluations, warnings })
}

/// The bytes, unpacked if they are packed.
fn unpacked<S: Source + ?Sized>(source: &S) -> Result<Box<dyn Read + '_>> {
    let mut bytes = BufReader::with_capacity(64 << 10, source.open()?);
    Ok(if bytes.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
        Box::new(flate2::bufread::MultiGzDecoder::new(bytes))
    } else {
        Box::new(bytes)
    })
}

/// What the first pass gathers.
#[derive(Default)]
struct First {
    texts: Texts,
    results: Vec<TestResult>,
    /// Hosts by the id of their asset.
    assets: HashMap<String, Target>,
}

impl First {
    fn read<R: Read>(&mut self, xml: &mut Xml<R>) -> Result<()> {
        xml.root()?;
        match xml.name() {
            "asset-report-collection" => self.collection(xml)?,
            "Benchmark" => self.texts.benchmark(xml, &mut self.results)?,
            "TestResult" => self.results.push(result::read(xml, 0)?),
            other => return Err(ArfError::Root(other.chars().take(100).collect())),
        }
        xml.finish()
    }

    fn collection<R: Read>(&mut self, xml: &mut Xml<R>) -> Result<()> {
        while xml.child()? {
            match xml.name() {
                "report-requests" => self.requests(xml)?,
                "assets" => {
                    while xml.child()? {
                        let id = xml.attribute_or_empty("id")?;
                        let mut target = Target::default();
                        asset(xml, &mut target)?;
                        if self.assets.len() < 1_000 {
                            self.assets.insert(id, target);
                        }
                    }
                }
                "reports" => self.requests(xml)?,
                _ => xml.skip()?,
            }
        }
        Ok(())
    }

    /// Looks for benchmarks, dictionaries and results, wherever a stream of components puts them.
    fn requests<R: Read>(&mut self, xml: &mut Xml<R>) -> Result<()> {
        let end = xml.depth();
        while xml.depth() >= end {
            if !xml.child()? {
                continue;
            }
            match xml.name() {
                "Benchmark" => self.texts.benchmark(xml, &mut self.results)?,
                "Tailoring" => {
                    while xml.child()? {
                        match xml.name() {
                            "Profile" => self.texts.profile(xml)?,
                            _ => xml.skip()?,
                        }
                    }
                }
                "TestResult" => self.results.push(result::read(xml, self.results.len())?),
                "cpe-item" => self.texts.platform(xml)?,
                // What is inside these is much, and nothing of it is wanted in this pass.
                "oval_definitions" | "oval_results" | "ocil" => xml.skip()?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// What ARF says of a host, at any depth of its asset.
fn asset<R: Read>(xml: &mut Xml<R>, target: &mut Target) -> Result<()> {
    while xml.child()? {
        match xml.name() {
            "fqdn" | "hostname" => {
                let name = xml.line(300)?;
                target.add_name(&name);
            }
            "ip-v4" | "ip-v6" => {
                let address = xml.line(300)?;
                target.add_address(&address);
            }
            "mac-address" => {
                let address = xml.line(300)?;
                target.add_hardware(&address);
            }
            "motherboard-guid" => {
                let id = xml.line(300)?;
                target.add_machine_id(&id);
            }
            _ => asset(xml, target)?,
        }
    }
    Ok(())
}

/// The second pass: OVAL reports by id, as far as results name them.
fn second<S: Source + ?Sized>(
    source: &S,
    most: u64,
    results: &[TestResult],
) -> Result<HashMap<String, Oval>> {
    let checks = results.iter().flat_map(|result| &result.rules).flat_map(|rule| &rule.checks);
    let mut wanted: HashMap<&str, HashSet<&str>> = HashMap::new();
    for (report, definition) in checks {
        wanted.entry(report).or_default().insert(definition);
    }
    let mut reports = HashMap::new();
    let mut xml = Xml::new(unpacked(source)?, most)?;
    xml.root()?;
    if wanted.is_empty() || xml.name() != "asset-report-collection" {
        return Ok(reports);
    }
    while xml.child()? {
        if xml.name() != "reports" {
            xml.skip()?;
            continue;
        }
        while xml.child()? {
            let id = xml.attribute_or_empty("id")?;
            let Some(definitions) = wanted.get(id.as_str()) else {
                xml.skip()?;
                continue;
            };
            // report, content, oval_results
            while xml.child()? {
                while xml.child()? {
                    match xml.name() {
                        "oval_results" => {
                            let oval = Oval::read(&mut xml, definitions)?;
                            reports.insert(id.clone(), oval);
                        }
                        _ => xml.skip()?,
                    }
                }
            }
        }
    }
    xml.finish()?;
    Ok(reports)
}

fn evaluation(result: TestResult, texts: &Texts, reports: &HashMap<String, Oval>) -> Result<Evaluation> {
    if result.benchmark.is_empty() {
        return Err(ArfError::NoBenchmark);
    }
    let observed = result.observed.ok_or(ArfError::NoTime)?;
    let benchmark = texts.benchmarks.get(&result.benchmark).cloned().unwrap_or_default();
    let titles = [texts.profiles.get(&result.profile), Some(&benchmark.title)];
    let title = titles.into_iter().flatten().find(|title| !title.is_empty());
    let platforms = || result.platforms.iter().chain(&benchmark.platforms);
    let system = platforms().find(|cpe| technology::is_operating_system(cpe));
    let platform = system.or_else(|| platforms().find(|cpe| technology::normal_cpe(cpe).is_some()));
    let cpe = platform.cloned().unwrap_or_default();
    let cpe_title = texts.platforms.get(&cpe).map_or("", String::as_str);
    let rules: BTreeSet<&str> = result.rules.iter().map(|rule| rule.rule.as_str()).collect();
    Ok(Evaluation {
        title: title.cloned().unwrap_or_default(),
        platform_name: technology::name(&cpe, cpe_title),
        platform: technology::normal_cpe(&cpe).unwrap_or_default(),
        observed,
        version: if benchmark.version.is_empty() { result.version } else { benchmark.version },
        texts: texts.rules.of(&rules),
        results: result.rules.into_iter().map(|rule| rule_result(rule, reports)).collect(),
        target: result.target,
        benchmark: result.benchmark,
        profile: result.profile,
    })
}

fn rule_result(rule: RawRule, reports: &HashMap<String, Oval>) -> RuleResult {
    let mut by_report: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (report, definition) in &rule.checks {
        by_report.entry(report).or_default().push(definition);
    }
    let mut messages = rule.messages;
    messages.iter_mut().for_each(secrets::remove_from_text);
    let evaluated = rule.status.posture().is_some() || rule.status == ControlStatus::Informational;
    let of_reports = by_report
        .iter()
        .filter_map(|(report, definitions)| reports.get(*report)?.evidence(definitions, messages.clone()));
    let mut evidence = of_reports.reduce(join).filter(|_| evaluated);
    if !rule.outputs.is_empty() {
        let printed = printed(rule.outputs, messages);
        evidence = Some(evidence.map_or(printed.clone(), |evidence| join(evidence, printed)));
    }
    RuleResult { rule: rule.rule, instance: rule.instance, status: rule.status, evidence }
}

/// What scripts printed.
fn printed(outputs: Vec<(String, String)>, messages: Vec<String>) -> Evidence {
    let test = |(name, mut text): (String, String)| {
        secrets::remove_from_text(&mut text);
        let item = Item { kind: "output".to_owned(), fields: vec![("text".to_owned(), text)] };
        TestEvidence {
            test: name,
            title: String::new(),
            result: String::new(),
            existence: String::new(),
            expected: Vec::new(),
            items: vec![item],
            more: 0,
        }
    };
    Evidence::new(outputs.into_iter().map(test).collect(), messages)
}

/// Two evidences of one rule as one.
fn join(mut one: Evidence, other: Evidence) -> Evidence {
    let found = [one.found.0, other.found.0].concat();
    one.tests.extend(other.tests);
    one.tests.sort_unstable();
    one.tests.dedup();
    one.found = Digest::of(&found);
    one
}
