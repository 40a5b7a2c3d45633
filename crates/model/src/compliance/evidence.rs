//! Evidence: what a check found on a host, and what it expected.
//!
//! Two evidences are compared by [`Evidence::found`], a digest over what was *found* alone: the set of
//! (test, kind of item, fields). Item numbers, order, times of files and what was expected do not count,
//! so a second look at an unchanged host shows no change. A test that found nothing is evidence too.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::digest::Digest;

/// What a check found and expected. Build it with [`Evidence::new`], which puts it into its one order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The tests that were run, by id.
    pub tests: Vec<TestEvidence>,
    /// What the scanner said beside: errors, warnings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<String>,
    /// Digest of everything found, items that were left out of [`TestEvidence::items`] included.
    pub found: Digest,
}

/// One test of a check.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TestEvidence {
    /// Id of the test.
    pub test: String,
    /// What it says of itself, or empty.
    #[serde(default)]
    pub title: String,
    /// `true`, `false`, `error`, `unknown`, … in the words of OVAL.
    pub result: String,
    /// How many items must exist: `at_least_one_exists`, `none_exist`, … in the words of OVAL.
    #[serde(default)]
    pub existence: String,
    /// What items must be like; none when only their existence is tested.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expected: Vec<Expected>,
    /// What was found; empty: nothing was found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Item>,
    /// Items that were found and are not listed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: u32,
}

/// What a field must be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Expected {
    /// Name of the field.
    pub field: String,
    /// `equals`, `pattern match`, `greater than or equal`, … in the words of OVAL.
    pub operation: String,
    /// The values; several where a variable has several.
    pub values: Vec<String>,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Item {
    /// `textfilecontent`, `file`, `variable`, `dpkginfo`, …
    pub kind: String,
    /// Name and value, sorted.
    pub fields: Vec<(String, String)>,
}

/// Serde's test for a number that is left out.
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Fields that change although nothing else did, or that say where a check looked rather than what it
/// found there.
const FLEETING: [&str; 7] = ["a_time", "c_time", "m_time", "last_login", "size", "instance", "pattern"];

impl Item {
    /// What of the item is compared.
    fn compared(&self) -> impl Iterator<Item = &(String, String)> {
        // Where there is a text, `line` is what was searched for.
        let searched = self.field("text").map(|_| "line");
        self.fields
            .iter()
            .filter(move |(name, _)| !FLEETING.contains(&name.as_str()) && searched != Some(name.as_str()))
    }
}

/// A set of found things being digested.
#[derive(Debug, Clone, Default)]
pub struct Found(BTreeSet<[u8; 32]>);

impl Found {
    /// Takes an item of a test in.
    pub fn add(&mut self, test: &str, item: &Item) {
        let mut hash = Sha256::new();
        let mut field = |text: &str| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        };
        field(test);
        field(&item.kind);
        for (name, value) in item.compared() {
            field(name);
            field(value);
        }
        self.0.insert(hash.finalize().into());
    }

    /// Takes another set in.
    pub fn extend(&mut self, other: &Self) {
        self.0.extend(&other.0);
    }

    /// How many different things were found.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The digest of the set.
    pub fn digest(&self) -> Digest {
        let mut hash = Sha256::new();
        hash.update(b"parapet evidence 1\n");
        for item in &self.0 {
            hash.update(item);
        }
        Digest(hash.finalize().into())
    }
}

impl Evidence {
    /// Most items kept of a test.
    pub const MAX_ITEMS: usize = 100;

    /// Evidence of tests that hold all that was found: sorts it, works out the digest, and keeps the
    /// first [`Self::MAX_ITEMS`] items of each test.
    pub fn new(mut tests: Vec<TestEvidence>, messages: Vec<String>) -> Self {
        let mut found = Found::default();
        for test in &mut tests {
            for item in &mut test.items {
                item.fields.sort_unstable();
            }
            test.items.sort_unstable();
            test.items.dedup();
            for item in &test.items {
                found.add(&test.test, item);
            }
            let left_out = test.items.len().saturating_sub(Self::MAX_ITEMS);
            test.items.truncate(Self::MAX_ITEMS);
            test.more = test.more.saturating_add(u32::try_from(left_out).unwrap_or(u32::MAX));
        }
        Self::of_found(tests, messages, &found)
    }

    /// Evidence of tests that were cut before, with all that was found.
    pub fn of_found(mut tests: Vec<TestEvidence>, messages: Vec<String>, found: &Found) -> Self {
        tests.sort_unstable();
        tests.dedup();
        Self { tests, messages, found: found.digest() }
    }

    /// Whether nothing was found by any test.
    pub fn is_empty(&self) -> bool {
        self.tests.iter().all(|test| test.items.is_empty() && test.more == 0)
    }

    /// What was found, in one line each, for people and for history. A test that found nothing says so.
    pub fn lines(&self) -> Vec<String> {
        let mut out = Vec::new();
        for test in &self.tests {
            if test.items.is_empty() {
                out.push(NOTHING_FOUND.to_owned());
            }
            out.extend(test.items.iter().map(Item::telling));
            if test.more > 0 {
                out.push(format!("and {} more", test.more));
            }
        }
        out.dedup();
        out
    }
}

/// What stands for a test without items.
pub const NOTHING_FOUND: &str = "nothing found";

/// Fields that tell what an item is worth, the best first.
const TELLING: [&str; 8] = ["subexpression", "value", "text", "line", "version", "evr", "running", "chg_req"];

impl Item {
    /// The value of a field.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The telling part: the value where there is one, the permissions of a file, else all fields.
    pub fn telling(&self) -> String {
        let told = TELLING.iter().find_map(|name| self.field(name).filter(|value| !value.is_empty()));
        if let Some(value) = told {
            return value.to_owned();
        }
        if let Some(mode) = self.mode() {
            let owner = |name| self.field(name).unwrap_or("?");
            let path = self.field("filepath").or_else(|| self.field("path")).unwrap_or("");
            return format!("{path} mode {mode:04o} owner {}:{}", owner("user_id"), owner("group_id"));
        }
        let all: Vec<String> = self.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        all.join(" ")
    }

    /// Permission bits of a file, which OVAL writes as twelve truths.
    fn mode(&self) -> Option<u32> {
        const BITS: [&str; 12] = [
            "suid", "sgid", "sticky", "uread", "uwrite", "uexec", "gread", "gwrite", "gexec", "oread",
            "owrite", "oexec",
        ];
        BITS.iter().try_fold(0, |mode, bit| {
            let set = matches!(self.field(bit)?, "true" | "1");
            Some(mode << 1 | u32::from(set))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(fields: &[(&str, &str)]) -> Item {
        let fields = fields.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        Item { kind: "textfilecontent".to_owned(), fields }
    }

    fn evidence(test: &str, items: Vec<Item>) -> Evidence {
        let test = TestEvidence {
            test: test.to_owned(),
            title: String::new(),
            result: "false".to_owned(),
            existence: String::new(),
            expected: Vec::new(),
            items,
            more: 0,
        };
        Evidence::new(vec![test], Vec::new())
    }

    #[test]
    fn order_and_times_of_files_are_no_change_but_values_are() {
        let one = evidence("t", vec![item(&[("value", "18"), ("m_time", "1")]), item(&[("value", "2")])]);
        let two = evidence("t", vec![item(&[("value", "2")]), item(&[("m_time", "9"), ("value", "18")])]);
        assert_eq!(one.found, two.found);
        let three = evidence("t", vec![item(&[("value", "2")]), item(&[("value", "22")])]);
        assert_ne!(one.found, three.found);
    }

    #[test]
    fn nothing_found_is_evidence_and_differs_from_something() {
        let nothing = evidence("t", Vec::new());
        assert!(nothing.is_empty());
        assert_eq!(nothing.lines(), [NOTHING_FOUND]);
        assert_ne!(nothing.found, evidence("t", vec![item(&[("value", "")])]).found);
    }

    #[test]
    fn items_beyond_the_cap_still_count() {
        let many = |last: usize| {
            let items =
                (0..=300).map(|n| item(&[("value", &format!("{:04}", if n == 300 { last } else { n }))]));
            evidence("t", items.collect())
        };
        let (one, two) = (many(300), many(301));
        assert_eq!((one.tests[0].items.len(), one.tests[0].more), (Evidence::MAX_ITEMS, 201));
        assert_eq!(one.tests, two.tests);
        assert_ne!(one.found, two.found);
    }

    #[test]
    fn a_file_tells_its_mode() {
        let mut fields: Vec<(String, String)> =
            ["suid", "sgid", "sticky", "uwrite", "uexec", "gwrite", "gexec", "owrite", "oexec"]
                .map(|bit| (bit.to_owned(), (bit == "uwrite").to_string()))
                .to_vec();
        for bit in ["uread", "gread", "oread"] {
            fields.push((bit.to_owned(), "true".to_owned()));
        }
        for (name, value) in [("filepath", "/etc/shadow"), ("user_id", "0"), ("group_id", "42")] {
            fields.push((name.to_owned(), value.to_owned()));
        }
        let file = Item { kind: "file".to_owned(), fields };
        assert_eq!(file.telling(), "/etc/shadow mode 0644 owner 0:42");
    }
}
