//! What OVAL found: the second pass over a document.
//!
//! Results name definitions; a definition names tests and other definitions; a test names the items that it
//! looked at, which come last. All of it is kept only as far as a wanted definition may need it, and bounded:
//! of each test the first hundred items in their one order, of all others a digest.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::Read;

use parapet_model::compliance::evidence::Found;
use parapet_model::compliance::{Evidence, Expected, Item, TestEvidence};

use super::benchmark::MAX_TITLE;
use super::error::{ArfError, Result};
use super::secrets;
use super::xml::{Xml, cut};

/// Most definitions, tests, states, links between them, and items.
const MAX_DEFINITIONS: usize = 100_000;
const MAX_LINKS: usize = 1_000_000;
const MAX_TESTS: usize = 100_000;
const MAX_STATES: usize = 100_000;
const MAX_ITEMS: usize = 500_000;
/// Bytes of items that are kept.
const MAX_KEPT: usize = 32 << 20;
/// Bytes of a value that are read, and that are kept.
const MAX_READ: usize = 64 << 10;
const MAX_VALUE: usize = 2_000;
/// Fields of an item, expected values of a test.
const MAX_FIELDS: usize = 100;
const MAX_EXPECTED: usize = 100;

/// One report of OVAL results.
#[derive(Debug, Default)]
pub(super) struct Oval {
    definitions: HashMap<String, Criteria>,
    links: usize,
    tests: HashMap<String, Test>,
    states: HashMap<String, Vec<RawExpected>>,
    /// The tests that looked at an item.
    looked_at: HashMap<u64, Vec<u32>>,
    /// By the numbers in `looked_at`.
    found: Vec<TestFound>,
    kept: usize,
}

/// What a definition is made of.
#[derive(Debug, Default)]
struct Criteria {
    tests: Vec<String>,
    definitions: Vec<String>,
}

/// What a test says of itself and what it came to.
#[derive(Debug, Default)]
struct Test {
    title: String,
    existence: String,
    states: Vec<String>,
    result: String,
    /// Values of the variables it used.
    variables: BTreeMap<String, Vec<String>>,
    /// Where its items are.
    found: Option<u32>,
}

#[derive(Debug, Default)]
struct TestFound {
    test: String,
    all: Found,
    first: BTreeSet<Item>,
}

#[derive(Debug)]
struct RawExpected {
    field: String,
    operation: String,
    value: String,
    variable: String,
}

fn room(used: usize, most: usize, what: &'static str) -> Result<()> {
    if used < most { Ok(()) } else { Err(ArfError::TooMany { what, most }) }
}

impl Oval {
    /// Reads the present `oval_results`, keeping what the wanted definitions may need.
    pub(super) fn read<R: Read>(xml: &mut Xml<R>, wanted: &HashSet<&str>) -> Result<Self> {
        let mut oval = Self::default();
        while xml.child()? {
            match xml.name() {
                "oval_definitions" => {
                    while xml.child()? {
                        match xml.name() {
                            "definitions" => oval.definitions(xml)?,
                            "tests" => oval.test_texts(xml, wanted)?,
                            "states" => oval.states(xml)?,
                            _ => xml.skip()?,
                        }
                    }
                }
                "results" => oval.results(xml, wanted)?,
                _ => xml.skip()?,
            }
        }
        Ok(oval)
    }

    fn results<R: Read>(&mut self, xml: &mut Xml<R>, wanted: &HashSet<&str>) -> Result<()> {
        while xml.child()? {
            if xml.name() != "system" {
                xml.skip()?;
                continue;
            }
            while xml.child()? {
                match xml.name() {
                    "definitions" => self.definitions(xml)?,
                    "tests" => self.test_results(xml, wanted)?,
                    "oval_system_characteristics" => {
                        while xml.child()? {
                            match xml.name() {
                                "system_data" => self.items(xml)?,
                                _ => xml.skip()?,
                            }
                        }
                    }
                    _ => xml.skip()?,
                }
            }
        }
        Ok(())
    }

    /// Definitions are the same graph in the source and in the results; either will do.
    fn definitions<R: Read>(&mut self, xml: &mut Xml<R>) -> Result<()> {
        while xml.child()? {
            let mut id = xml.attribute_or_empty("definition_id")?;
            if id.is_empty() {
                id = xml.attribute_or_empty("id")?;
            }
            let mut criteria = self.definitions.remove(&id).unwrap_or_default();
            while xml.child()? {
                match xml.name() {
                    "criteria" => self.criteria(xml, &mut criteria)?,
                    _ => xml.skip()?,
                }
            }
            room(self.definitions.len(), MAX_DEFINITIONS, "OVAL definitions")?;
            self.definitions.insert(id, criteria);
        }
        Ok(())
    }

    fn criteria<R: Read>(&mut self, xml: &mut Xml<R>, into: &mut Criteria) -> Result<()> {
        while xml.child()? {
            let (list, name) = match xml.name() {
                "criteria" => {
                    self.criteria(xml, into)?;
                    continue;
                }
                "criterion" => (&mut into.tests, "test_ref"),
                "extend_definition" => (&mut into.definitions, "definition_ref"),
                _ => {
                    xml.skip()?;
                    continue;
                }
            };
            let id = xml.attribute_or_empty(name)?;
            if !id.is_empty() && !list.contains(&id) {
                room(self.links, MAX_LINKS, "OVAL criteria and items")?;
                self.links += 1;
                list.push(id);
            }
            xml.skip()?;
        }
        Ok(())
    }

    /// The tests that definitions need, through those that they extend.
    fn tests_of<'a>(&self, definitions: impl IntoIterator<Item = &'a str>) -> BTreeSet<&str> {
        let mut seen: HashSet<&str> = HashSet::new();
        let mut tests = BTreeSet::new();
        let mut open: Vec<&str> = definitions
            .into_iter()
            .filter_map(|id| self.definitions.get_key_value(id).map(|(id, _)| id.as_str()))
            .collect();
        while let Some(id) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            if let Some(criteria) = self.definitions.get(id) {
                tests.extend(criteria.tests.iter().map(String::as_str));
                open.extend(criteria.definitions.iter().map(String::as_str));
            }
        }
        tests
    }

    /// Makes a place for each test that is needed and not there yet.
    fn place_tests(&mut self, wanted: &HashSet<&str>) -> Result<()> {
        let needed: Vec<String> =
            self.tests_of(wanted.iter().copied()).into_iter().map(str::to_owned).collect();
        room(needed.len(), MAX_TESTS, "OVAL tests")?;
        for test in needed {
            self.tests.entry(test).or_default();
        }
        Ok(())
    }

    fn test_texts<R: Read>(&mut self, xml: &mut Xml<R>, wanted: &HashSet<&str>) -> Result<()> {
        self.place_tests(wanted)?;
        while xml.child()? {
            let id = xml.attribute_or_empty("id")?;
            let Some(test) = self.tests.get_mut(&id) else {
                xml.skip()?;
                continue;
            };
            test.title = xml.attribute_or_empty("comment")?;
            cut(&mut test.title, MAX_TITLE);
            test.existence = xml.attribute_or_empty("check_existence")?;
            while xml.child()? {
                if xml.name() == "state" && test.states.len() < MAX_EXPECTED {
                    test.states.push(xml.attribute_or_empty("state_ref")?);
                }
                xml.skip()?;
            }
        }
        Ok(())
    }

    fn states<R: Read>(&mut self, xml: &mut Xml<R>) -> Result<()> {
        let needed: HashSet<String> =
            self.tests.values().flat_map(|test| test.states.iter().cloned()).collect();
        while xml.child()? {
            let id = xml.attribute_or_empty("id")?;
            if !needed.contains(&id) {
                xml.skip()?;
                continue;
            }
            room(self.states.len(), MAX_STATES, "OVAL states")?;
            let mut expected = Vec::new();
            while xml.child()? {
                let field = xml.name().to_owned();
                let mut operation = xml.attribute_or_empty("operation")?;
                if operation.is_empty() {
                    "equals".clone_into(&mut operation);
                }
                let variable = xml.attribute_or_empty("var_ref")?;
                let mut value = xml.text(MAX_VALUE)?;
                secrets::remove_from_text(&mut value);
                if expected.len() < MAX_EXPECTED {
                    expected.push(RawExpected { field, operation, value, variable });
                }
            }
            self.states.insert(id, expected);
        }
        Ok(())
    }

    fn test_results<R: Read>(&mut self, xml: &mut Xml<R>, wanted: &HashSet<&str>) -> Result<()> {
        self.place_tests(wanted)?;
        while xml.child()? {
            let id = xml.attribute_or_empty("test_id")?;
            if !self.tests.contains_key(&id) {
                xml.skip()?;
                continue;
            }
            let (result, existence) =
                (xml.attribute_or_empty("result")?, xml.attribute_or_empty("check_existence")?);
            let place = u32::try_from(self.found.len()).unwrap_or(u32::MAX);
            self.found.push(TestFound { test: id.clone(), ..TestFound::default() });
            let mut variables: BTreeMap<String, Vec<String>> = BTreeMap::new();
            while xml.child()? {
                match xml.name() {
                    "tested_item" => {
                        // The schema says that it is a number.
                        if let Ok(item) = xml.attribute_or_empty("item_id")?.parse() {
                            room(self.links, MAX_LINKS, "OVAL criteria and items")?;
                            self.links += 1;
                            self.looked_at.entry(item).or_default().push(place);
                        }
                        xml.skip()?;
                    }
                    "tested_variable" => {
                        let variable = xml.attribute_or_empty("variable_id")?;
                        let mut value = xml.text(MAX_VALUE)?;
                        secrets::remove_from_text(&mut value);
                        let values = variables.entry(variable).or_default();
                        if values.len() < MAX_EXPECTED {
                            values.push(value);
                        }
                    }
                    _ => xml.skip()?,
                }
            }
            if let Some(test) = self.tests.get_mut(&id) {
                test.result = result;
                if !existence.is_empty() {
                    test.existence = existence;
                }
                test.variables = variables;
                test.found = Some(place);
            }
        }
        Ok(())
    }

    fn items<R: Read>(&mut self, xml: &mut Xml<R>) -> Result<()> {
        let mut count = 0;
        while xml.child()? {
            let id = xml.attribute_or_empty("id")?.parse().unwrap_or(0);
            let Some(places) = self.looked_at.remove(&id) else {
                xml.skip()?;
                continue;
            };
            count += 1;
            room(count, MAX_ITEMS, "OVAL items")?;
            let item = item(xml)?;
            self.keep(item, &places)?;
        }
        Ok(())
    }

    /// Gives an item to the tests that looked at it. What is compared is the whole; what is kept is cut.
    fn keep(&mut self, mut item: Item, places: &[u32]) -> Result<()> {
        for &place in places {
            if let Some(found) = self.found.get_mut(place as usize) {
                found.all.add(&found.test, &item);
            }
        }
        for (_, value) in &mut item.fields {
            if value.len() > MAX_VALUE {
                cut(value, MAX_VALUE);
                value.push('…');
            }
        }
        let size = |item: &Item| item.fields.iter().map(|(n, v)| n.len() + v.len() + 48).sum::<usize>() + 64;
        for &place in places {
            let Some(found) = self.found.get_mut(place as usize) else { continue };
            self.kept += size(&item);
            found.first.insert(item.clone());
            if found.first.len() > Evidence::MAX_ITEMS
                && let Some(last) = found.first.pop_last()
            {
                self.kept -= size(&last);
            }
        }
        room(self.kept, MAX_KEPT, "bytes of OVAL items")
    }

    /// What was found and expected for some definitions; `None` when none of them is in this report.
    pub(super) fn evidence(&self, definitions: &[&str], messages: Vec<String>) -> Option<Evidence> {
        if !definitions.iter().any(|id| self.definitions.contains_key(*id)) {
            return None;
        }
        let (mut tests, mut all) = (Vec::new(), Found::default());
        for id in self.tests_of(definitions.iter().copied()) {
            let Some(test) = self.tests.get(id).filter(|test| test.is_evaluated()) else { continue };
            let found = test.found.and_then(|place| self.found.get(place as usize));
            let items: Vec<Item> = found.map(|f| f.first.iter().cloned().collect()).unwrap_or_default();
            let count = found.map_or(0, |found| found.all.len());
            if let Some(found) = found {
                all.extend(&found.all);
            }
            tests.push(TestEvidence {
                test: id.to_owned(),
                title: test.title.clone(),
                result: test.result.clone(),
                existence: test.existence.clone(),
                expected: self.expected(test),
                more: if items.len() < Evidence::MAX_ITEMS {
                    0
                } else {
                    u32::try_from(count.saturating_sub(items.len())).unwrap_or(u32::MAX)
                },
                items,
            });
        }
        Some(Evidence::of_found(tests, messages, &all))
    }

    fn expected(&self, test: &Test) -> Vec<Expected> {
        let states = test.states.iter().filter_map(|state| self.states.get(state)).flatten();
        let mut out: Vec<Expected> = states
            .map(|raw| {
                let values = match test.variables.get(&raw.variable) {
                    Some(values) if !raw.variable.is_empty() => values.clone(),
                    _ if raw.value.is_empty() && !raw.variable.is_empty() => vec![raw.variable.clone()],
                    _ => vec![raw.value.clone()],
                };
                Expected { field: raw.field.clone(), operation: raw.operation.clone(), values }
            })
            .collect();
        out.truncate(MAX_EXPECTED);
        out
    }
}

impl Test {
    fn is_evaluated(&self) -> bool {
        !matches!(self.result.as_str(), "" | "not evaluated" | "not applicable")
    }
}

/// Reads the present item.
fn item<R: Read>(xml: &mut Xml<R>) -> Result<Item> {
    let name = xml.name();
    let kind = name.strip_suffix("_item").unwrap_or(name).to_owned();
    let status = xml.attribute_or_empty("status")?;
    let mut fields = Vec::new();
    if !status.is_empty() && status != "exists" {
        fields.push(("status".to_owned(), status));
    }
    while xml.child()? {
        let mut name = xml.name().to_owned();
        cut(&mut name, 100);
        let value = xml.text(MAX_READ)?;
        if fields.len() < MAX_FIELDS && name != "message" {
            fields.push((name, value));
        }
    }
    secrets::remove(&mut fields);
    fields.sort_unstable();
    Ok(Item { kind, fields })
}
