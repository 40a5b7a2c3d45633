//! What a check found, in the family's form: an expression over data points, and the value of each.

use std::collections::BTreeMap;

use parapet_model::Millis;
use parapet_model::compliance::evidence::NOTHING_FOUND;
use parapet_model::compliance::{Evidence, Item, TestEvidence};
use parapet_model::time::format_seconds;

use super::super::xml::Xml;

/// Names of data points: each result counts its own from 1, or, where they are named in the glossary, each
/// test has one for the whole answer.
#[derive(Debug, Default)]
pub(super) struct Labels(Option<BTreeMap<String, DataPoint>>);

/// A test that is a data point of the answer.
#[derive(Debug)]
struct DataPoint {
    label: String,
    title: String,
}

impl Labels {
    /// Labels that hold for the whole answer.
    pub(super) fn of_answer() -> Self {
        Self(Some(BTreeMap::new()))
    }

    /// The label of a test, the `at`th of its result.
    fn of(&mut self, at: usize, test: &TestEvidence) -> String {
        let Some(known) = &mut self.0 else { return format!(":dp_{}", at + 1) };
        let label = format!(":dp_{}", known.len() + 1);
        let new = || DataPoint { label, title: test.title.clone() };
        known.entry(test.test.clone()).or_insert_with(new).label.clone()
    }

    fn of_all(&mut self, found: &Evidence) -> Vec<String> {
        found.tests.iter().enumerate().map(|(at, test)| self.of(at, test)).collect()
    }

    /// `DPD_LIST`: what the labels stand for.
    pub(super) fn write(&self, xml: &mut Xml) {
        let Some(known) = self.0.as_ref().filter(|known| !known.is_empty()) else { return };
        xml.node("DPD_LIST", |xml| {
            for (name, point) in known {
                xml.node("DPD", |xml| {
                    xml.leaf("LABEL", &point.label);
                    xml.cdata("NAME", name);
                    xml.cdata("DESC", &point.title);
                });
            }
        });
    }
}

/// `EVIDENCE`.
pub(super) fn write(xml: &mut Xml, found: &Evidence, evaluated: Millis, extended: bool, labels: &mut Labels) {
    let labels = labels.of_all(found);
    xml.node("EVIDENCE", |xml| {
        xml.cdata("BOOLEAN_EXPR", &expression_with(found, &labels));
        if !found.tests.is_empty() {
            xml.node("DPV_LIST", |xml| {
                for (label, test) in labels.iter().zip(&found.tests) {
                    xml.node_with("DPV", ("lastUpdated", &format_seconds(evaluated)), |xml| {
                        xml.leaf("LABEL", label);
                        values(test).iter().for_each(|value| xml.cdata("V", value));
                    });
                }
            });
        }
        if extended {
            xml.cdata("EXTENDED_EVIDENCE", &everything(found, &labels));
        }
    });
}

/// What a test found, in one value for each item; nothing found is a value too.
fn values(test: &TestEvidence) -> Vec<String> {
    let mut out: Vec<String> = test.items.iter().map(Item::telling).collect();
    if out.is_empty() {
        out.push(NOTHING_FOUND.to_owned());
    }
    if test.more > 0 {
        out.push(format!("and {} more", test.more));
    }
    out
}

/// What is expected of all tests.
pub(super) fn expression(found: &Evidence) -> String {
    expression_with(found, &Labels::default().of_all(found))
}

fn expression_with(found: &Evidence, labels: &[String]) -> String {
    let mut terms = Vec::new();
    for (label, test) in labels.iter().zip(&found.tests) {
        if test.expected.is_empty() {
            terms.push(match test.existence.as_str() {
                "none_exist" => format!("not exists {label}"),
                _ => format!("exists {label}"),
            });
        }
        for expected in &test.expected {
            let value = expected.values.join(", ");
            terms.push(format!("{label} {} {value}", operator(&expected.operation)));
        }
    }
    terms.join(" AND ")
}

/// OVAL's words as signs, where there is one.
fn operator(word: &str) -> &str {
    match word {
        "equals" | "" => "==",
        "not equal" => "!=",
        "greater than" => ">",
        "greater than or equal" => ">=",
        "less than" => "<",
        "less than or equal" => "<=",
        "pattern match" => "matches",
        other => other,
    }
}

fn everything(found: &Evidence, labels: &[String]) -> String {
    let mut lines = Vec::new();
    for (label, test) in labels.iter().zip(&found.tests) {
        lines.push(format!("{label} {} ({}): {}", test.test, test.title, test.result));
        for item in &test.items {
            let fields: Vec<String> =
                item.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
            lines.push(format!("  {} {}", item.kind, fields.join(" ")));
        }
    }
    lines.extend(found.messages.iter().cloned());
    lines.join("\n")
}

/// `CAUSE_OF_FAILURE`: what was found and should not be, and what should have been. It is there in every
/// failed record, empty when nothing is known.
pub(super) fn cause_of_failure(xml: &mut Xml, found: Option<&Evidence>) {
    let (mut unexpected, mut missing): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for test in found.iter().flat_map(|found| &found.tests).filter(|test| test.result != "true") {
        if test.items.is_empty() && test.more == 0 {
            let expected = test.expected.iter().flat_map(|expected| expected.values.iter().cloned());
            let before = missing.len();
            missing.extend(expected);
            if missing.len() == before && test.existence != "none_exist" {
                missing.push(if test.title.is_empty() { &test.test } else { &test.title }.clone());
            }
        } else {
            unexpected.extend(values(test));
            if test.existence != "none_exist" {
                missing.extend(test.expected.iter().flat_map(|expected| expected.values.iter().cloned()));
            }
        }
    }
    xml.node("CAUSE_OF_FAILURE", |xml| {
        for (element, values) in [("UNEXPECTED", unexpected), ("MISSING", missing)] {
            if !values.is_empty() {
                xml.node(element, |xml| values.iter().for_each(|value| xml.cdata("V", value)));
            }
        }
    });
}
