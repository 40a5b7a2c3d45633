//! What a check found, in the family's form: an expression over data points, and the value of each.

use parapet_model::Millis;
use parapet_model::compliance::evidence::NOTHING_FOUND;
use parapet_model::compliance::{Evidence, Item, TestEvidence};
use parapet_model::time::format_seconds;

use super::super::xml::Xml;

/// Name of the data point of a test, counted from 1.
fn label(at: usize) -> String {
    format!(":dp_{}", at + 1)
}

/// `EVIDENCE`.
pub(super) fn write(xml: &mut Xml, found: &Evidence, evaluated: Millis, extended: bool) {
    xml.node("EVIDENCE", |xml| {
        xml.cdata("BOOLEAN_EXPR", &expression(found));
        if !found.tests.is_empty() {
            xml.node("DPV_LIST", |xml| {
                for (at, test) in found.tests.iter().enumerate() {
                    xml.node_with("DPV", ("lastUpdated", &format_seconds(evaluated)), |xml| {
                        xml.leaf("LABEL", label(at));
                        values(test).iter().for_each(|value| xml.cdata("V", value));
                    });
                }
            });
        }
        if extended {
            xml.cdata("EXTENDED_EVIDENCE", &everything(found));
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
    let mut terms = Vec::new();
    for (at, test) in found.tests.iter().enumerate() {
        let label = label(at);
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

fn everything(found: &Evidence) -> String {
    let mut lines = Vec::new();
    for (at, test) in found.tests.iter().enumerate() {
        lines.push(format!("{} {} ({}): {}", label(at), test.test, test.title, test.result));
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
