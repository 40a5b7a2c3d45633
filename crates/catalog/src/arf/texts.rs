//! What a benchmark says of its rules, packed. A benchmark has hundreds of rules with dozens of references
//! each; as they are used they would be the most that a document needs of memory, so each is unpacked when it
//! is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parapet_model::compliance::{ControlReference, ControlText, Criticality};

/// Stands between the parts of a packed text. No text of a document holds it.
const BETWEEN: char = '\0';

/// Texts by rule.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RuleTexts(BTreeMap<Box<str>, Packed>);

/// Statement, category, sub-category, rationale, then framework and section of each reference.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Packed {
    criticality: Criticality,
    parts: Arc<str>,
}

impl RuleTexts {
    /// What is said of a rule.
    pub fn get(&self, rule: &str) -> Option<ControlText> {
        let packed = self.0.get(rule)?;
        let mut parts = packed.parts.split(BETWEEN).map(str::to_owned);
        let mut next = || parts.next().unwrap_or_default();
        let mut text = ControlText {
            statement: next(),
            category: next(),
            sub_category: next(),
            rationale: next(),
            criticality: packed.criticality,
            references: Vec::new(),
        };
        while let (Some(framework), Some(section)) = (parts.next(), parts.next()) {
            text.references.push(ControlReference { framework, section });
        }
        Some(text)
    }

    /// Whether anything is said of a rule.
    pub fn has(&self, rule: &str) -> bool {
        self.0.contains_key(rule)
    }

    /// How many rules something is said of.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is said of any.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn insert(&mut self, rule: &str, text: &ControlText) {
        let own = [&text.statement, &text.category, &text.sub_category, &text.rationale];
        let references = text.references.iter().flat_map(|r| [&r.framework, &r.section]);
        let parts: Vec<&str> = own.into_iter().chain(references).map(String::as_str).collect();
        let parts = parts.join(BETWEEN.encode_utf8(&mut [0; 4])).into();
        self.0.insert(rule.into(), Packed { criticality: text.criticality, parts });
    }

    /// Those of some rules.
    pub(super) fn of(&self, rules: &BTreeSet<&str>) -> Self {
        let named = rules.iter().filter_map(|&rule| Some((rule.into(), self.0.get(rule)?.clone())));
        Self(named.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked_as_it_was() {
        let reference = |framework: &str, section: &str| ControlReference {
            framework: framework.to_owned(),
            section: section.to_owned(),
        };
        let whole = ControlText {
            statement: "Default umask — in login.defs".to_owned(),
            category: "Access".to_owned(),
            sub_category: String::new(),
            rationale: "files stay\nprivate".to_owned(),
            criticality: Criticality::Medium,
            references: vec![reference("CIS", "5.4.2"), reference("", "7")],
        };
        let mut texts = RuleTexts::default();
        texts.insert("a", &whole);
        texts.insert("b", &ControlText::default());
        assert_eq!(texts.get("a"), Some(whole));
        assert_eq!(texts.get("b"), Some(ControlText::default()));
        assert_eq!((texts.get("c"), texts.len()), (None, 2));
        let some = texts.of(&BTreeSet::from(["b", "c"]));
        assert!(some.has("b") && !some.has("a") && some.len() == 1 && !some.is_empty());
    }
}
