//! One `TestResult`: which host, which profile, and what became of each rule.

use std::collections::BTreeMap;
use std::io::Read;

use parapet_model::Millis;
use parapet_model::compliance::{ControlStatus, Target, WHOLE_HOST};
use parapet_model::time::parse_instant;

use super::error::{ArfError, Result};
use super::xml::{Xml, cut};

/// Most results of one document, and most `TestResult`s.
const MAX_RULE_RESULTS: usize = 200_000;
const MAX_TEST_RESULTS: usize = 1_000;
/// Most platforms of a result, checks of a rule, messages of a rule.
const MAX_PLATFORMS: usize = 1_000;
const MAX_CHECKS: usize = 1_000;
const MAX_MESSAGES: usize = 10;
/// Bytes of an id, of a name of the host, of an instance, of a message, of a check's output.
const MAX_ID: usize = 512;
const MAX_NAME: usize = 300;
const MAX_INSTANCE: usize = 200;
const MAX_MESSAGE: usize = 1_000;
const MAX_OUTPUT: usize = 16_000;

/// What a `TestResult` says.
#[derive(Debug, Default)]
pub(super) struct TestResult {
    pub(super) benchmark: String,
    pub(super) version: String,
    pub(super) profile: String,
    pub(super) target: Target,
    /// Id of the asset in an ARF.
    pub(super) asset: String,
    pub(super) platforms: Vec<String>,
    pub(super) observed: Option<Millis>,
    pub(super) rules: Vec<RawRule>,
}

/// What became of a rule.
#[derive(Debug)]
pub(super) struct RawRule {
    pub(super) rule: String,
    pub(super) instance: String,
    pub(super) status: ControlStatus,
    /// The definitions whose evaluation it is: report and id.
    pub(super) checks: Vec<(String, String)>,
    /// Whether one result stands for each definition of its check.
    pub(super) several: bool,
    /// What a script printed: name and text.
    pub(super) outputs: Vec<(String, String)>,
    pub(super) messages: Vec<String>,
}

/// Reads the present `TestResult`; `before` were read already.
pub(super) fn read<R: Read>(xml: &mut Xml<R>, before: usize) -> Result<TestResult> {
    if before >= MAX_TEST_RESULTS {
        return Err(ArfError::TooMany { what: "TestResult elements", most: MAX_TEST_RESULTS });
    }
    let mut out = TestResult {
        version: xml.attribute_or_empty("version")?,
        observed: instant(&xml.attribute_or_empty("end-time")?),
        ..TestResult::default()
    };
    if out.observed.is_none() {
        out.observed = instant(&xml.attribute_or_empty("start-time")?);
    }
    while xml.child()? {
        match xml.name() {
            "benchmark" => {
                out.benchmark = xml.attribute_or_empty("id")?;
                xml.skip()?;
            }
            "profile" => {
                out.profile = xml.attribute_or_empty("idref")?;
                xml.skip()?;
            }
            "target" => {
                let name = xml.line(MAX_NAME)?;
                out.target.add_name(&name);
            }
            "target-address" => {
                let address = xml.line(MAX_NAME)?;
                out.target.add_address(&address);
            }
            "target-facts" => facts(xml, &mut out.target)?,
            "target-id-ref" => {
                out.asset = xml.attribute_or_empty("name")?;
                xml.skip()?;
            }
            "platform" => {
                if out.platforms.len() < MAX_PLATFORMS {
                    out.platforms.push(xml.attribute_or_empty("idref")?);
                }
                xml.skip()?;
            }
            "rule-result" => {
                if out.rules.len() >= MAX_RULE_RESULTS {
                    return Err(ArfError::TooMany { what: "rule results", most: MAX_RULE_RESULTS });
                }
                if let Some(rule) = rule_result(xml)? {
                    out.rules.push(rule);
                }
            }
            _ => xml.skip()?,
        }
    }
    for text in [&mut out.benchmark, &mut out.profile, &mut out.version] {
        cut(text, MAX_ID);
    }
    Ok(out)
}

/// An instant; one without offset is taken as UTC.
fn instant(text: &str) -> Option<Millis> {
    parse_instant(text).or_else(|| parse_instant(&format!("{text}Z")))
}

/// What scanners say of a host beside its name.
fn facts<R: Read>(xml: &mut Xml<R>, target: &mut Target) -> Result<()> {
    while xml.child()? {
        let name = xml.attribute_or_empty("name")?;
        let value = xml.line(MAX_NAME)?;
        match name.rsplit(':').next().unwrap_or("") {
            "fqdn" | "host_name" => target.add_name(&value),
            "mac" | "MAC" => target.add_hardware(&value),
            "ipv4" | "ipv6" => target.add_address(&value),
            "guid" | "machine_id" => target.add_machine_id(&value),
            _ => {}
        }
    }
    Ok(())
}

/// Reads the present `rule-result`; `None` for a rule that was not selected.
fn rule_result<R: Read>(xml: &mut Xml<R>) -> Result<Option<RawRule>> {
    let mut rule = xml.attribute_or_empty("idref")?;
    cut(&mut rule, MAX_ID);
    let mut out = RawRule {
        rule,
        instance: String::new(),
        status: ControlStatus::Unknown,
        checks: Vec::new(),
        several: false,
        outputs: Vec::new(),
        messages: Vec::new(),
    };
    let mut said = false;
    while xml.child()? {
        match xml.name() {
            "result" => {
                let word = xml.line(MAX_NAME)?;
                let status = ControlStatus::parse(&word);
                out.status =
                    status.ok_or_else(|| ArfError::Status { result: word, rule: out.rule.clone() })?;
                said = true;
            }
            "instance" => {
                let instance = xml.line(MAX_INSTANCE * 2)?;
                if !out.instance.is_empty() {
                    out.instance.push(',');
                }
                out.instance.push_str(&instance);
            }
            "message" => {
                let message = xml.line(MAX_MESSAGE)?;
                if out.messages.len() < MAX_MESSAGES && !message.is_empty() {
                    out.messages.push(message);
                }
            }
            "check" | "complex-check" => check(xml, &mut out)?,
            _ => xml.skip()?,
        }
    }
    if !said {
        return Err(ArfError::Status { result: String::new(), rule: out.rule });
    }
    bound_instance(&mut out.instance);
    Ok((out.status != ControlStatus::NotSelected).then_some(out))
}

/// Reads the present check, or checks in checks.
fn check<R: Read>(xml: &mut Xml<R>, out: &mut RawRule) -> Result<()> {
    out.several |= matches!(xml.attribute_or_empty("multi-check")?.as_str(), "true" | "1");
    while xml.child()? {
        match xml.name() {
            "check-content-ref" => {
                let report = xml.attribute_or_empty("href")?.trim_start_matches('#').to_owned();
                let definition = xml.attribute_or_empty("name")?;
                if out.checks.len() < MAX_CHECKS && !definition.is_empty() {
                    out.checks.push((report, definition));
                }
                xml.skip()?;
            }
            "check-import" => {
                let name = xml.attribute_or_empty("import-name")?;
                let text = xml.text(MAX_OUTPUT)?;
                if out.outputs.len() < MAX_CHECKS && !text.is_empty() {
                    out.outputs.push((name, text));
                }
            }
            "check" | "complex-check" => check(xml, out)?,
            _ => xml.skip()?,
        }
    }
    Ok(())
}

/// A long instance keeps its beginning and a digest of the whole.
fn bound_instance(instance: &mut String) {
    if instance.len() > MAX_INSTANCE {
        let digest = parapet_model::Digest::of(instance.as_bytes()).hex();
        cut(instance, MAX_INSTANCE);
        instance.push('#');
        instance.push_str(digest.get(..16).unwrap_or(&digest));
    }
}

impl TestResult {
    /// Gives every rule its instance and makes rules and instances distinct: of several results of one, the
    /// worst is kept. What was repeated is said.
    pub(super) fn tidy(&mut self, warnings: &mut Vec<String>) {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for rule in &self.rules {
            *counts.entry(&rule.rule).or_default() += 1;
        }
        let repeated: std::collections::BTreeSet<String> =
            counts.into_iter().filter(|(_, count)| *count > 1).map(|(rule, _)| rule.to_owned()).collect();
        for rule in &mut self.rules {
            if rule.instance.is_empty() && rule.several && repeated.contains(&rule.rule) {
                rule.instance = rule.checks.first().map(|(_, id)| id.clone()).unwrap_or_default();
                bound_instance(&mut rule.instance);
            }
            if rule.instance.is_empty() {
                WHOLE_HOST.clone_into(&mut rule.instance);
            }
        }
        // Stable, so the first of equals stays first.
        self.rules.sort_by(|a, b| {
            (&a.rule, &a.instance, b.status.concern()).cmp(&(&b.rule, &b.instance, a.status.concern()))
        });
        let mut again: BTreeMap<String, usize> = BTreeMap::new();
        self.rules.dedup_by(|next, kept| {
            let same = (&next.rule, &next.instance) == (&kept.rule, &kept.instance);
            if same {
                *again.entry(kept.rule.clone()).or_insert(1) += 1;
            }
            same
        });
        for (rule, count) in again {
            warnings.push(format!("rule {rule} has {count} results of one instance; the worst was kept"));
        }
    }
}
