//! Controls: rules of benchmarks, numbered once per project.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};

use parapet_model::compliance::{Control, ControlText, Criticality};
use parapet_model::{ControlNo, ProjectNo, TechnologyNo};

use super::check_name;
use crate::error::Result;
use crate::log::Kind;
use crate::numbers::Counter;
use crate::session::Session;
use crate::sql::{Bulk, Row, Value, args, to_json};
use crate::tx::Tx;

const PAGE: &str = "SELECT no, project, rule, statement, category, sub_category, rationale, criticality, refs, \
     created, updated, version FROM compliance_control WHERE project = $1 AND no > $2 ORDER BY no LIMIT $3";
const BY_NO: Bulk<2> = Bulk {
    before: "WITH k(project, no) AS (VALUES ",
    after: ") SELECT t.no, t.project, t.rule, t.statement, t.category, t.sub_category, t.rationale, \
            t.criticality, t.refs, t.created, t.updated, t.version \
            FROM k CROSS JOIN compliance_control t WHERE t.no = k.no AND t.project = k.project ORDER BY t.no",
};
const BY_RULE: Bulk<2> = Bulk {
    before: "WITH k(project, rule) AS (VALUES ",
    after: ") SELECT t.no, t.project, t.rule, t.statement, t.category, t.sub_category, t.rationale, \
            t.criticality, t.refs, t.created, t.updated, t.version FROM k \
            CROSS JOIN compliance_control t WHERE t.project = k.project AND t.rule = k.rule ORDER BY t.no",
};
const PUT: Bulk<12> = Bulk {
    before: "INSERT INTO compliance_control (no, project, rule, statement, category, sub_category, rationale, \
             criticality, refs, created, updated, version) VALUES ",
    after: " ON CONFLICT (no) DO UPDATE SET statement = excluded.statement, category = excluded.category, \
            sub_category = excluded.sub_category, rationale = excluded.rationale, \
            criticality = excluded.criticality, refs = excluded.refs, updated = excluded.updated, \
            version = excluded.version",
};

/// A control as a document names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewControl {
    /// Id of the rule.
    pub rule: String,
    /// What is said of it; `None` when the document has results only.
    pub text: Option<ControlText>,
}

/// A control with the version of the benchmark that had the word, in the form that sorts.
struct Known {
    control: Control,
    version: String,
}

fn known(row: &Row) -> Result<Known> {
    let mut f = row.fields("compliance_control");
    let control = Control {
        no: ControlNo(f.u32("no")?),
        project: ProjectNo(f.u32("project")?),
        rule: f.text()?,
        text: ControlText {
            statement: f.text()?,
            category: f.text()?,
            sub_category: f.text()?,
            rationale: f.text()?,
            criticality: f.word("criticality", Criticality::from_number)?,
            references: f.json("refs")?,
        },
        created: f.i64()?,
        updated: f.i64()?,
    };
    Ok(Known { control, version: f.text()? })
}

fn control(row: &Row) -> Result<Control> {
    known(row).map(|known| known.control)
}

impl Session {
    /// At most `limit` controls of the project with numbers above `after`, ascending.
    pub async fn controls(
        &mut self,
        project: ProjectNo,
        after: ControlNo,
        limit: u32,
    ) -> Result<Vec<Control>> {
        self.fetch(PAGE, args![project, after, limit]).await?.iter().map(control).collect()
    }

    /// Controls of the project by number, ascending; unknown numbers are left out.
    pub async fn controls_by_number(
        &mut self,
        project: ProjectNo,
        numbers: &[ControlNo],
    ) -> Result<Vec<Control>> {
        let keys: Vec<[Value<'_>; 2]> = numbers.iter().map(|&no| [project.into(), no.into()]).collect();
        self.bulk_fetch(&BY_NO, &keys).await?.iter().map(control).collect()
    }

    /// A control of the project.
    pub async fn control(&mut self, project: ProjectNo, no: ControlNo) -> Result<Option<Control>> {
        Ok(self.controls_by_number(project, &[no]).await?.pop())
    }
}

impl Tx {
    /// The numbers of controls, in the order given; rules that were not known get new ones. The words of
    /// the newest `version` of a benchmark count, whichever document came first. `on` is the platform the
    /// controls are judged on.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] for a rule id over 512 bytes or with a NUL.
    pub async fn put_controls(
        &mut self,
        project: ProjectNo,
        new: &[NewControl],
        version: &str,
        on: TechnologyNo,
    ) -> Result<Vec<ControlNo>> {
        for control in new {
            check_name("the id of a rule", &control.rule)?;
        }
        let keys: Vec<[Value<'_>; 2]> =
            new.iter().map(|control| [project.into(), (&control.rule).into()]).collect();
        let mut by_rule: HashMap<String, Known> = HashMap::new();
        for row in self.bulk_fetch(&BY_RULE, &keys).await? {
            let known = known(&row)?;
            by_rule.insert(known.control.rule.clone(), known);
        }
        let rules: BTreeSet<&str> = new.iter().map(|control| control.rule.as_str()).collect();
        let unknown = rules.into_iter().filter(|rule| !by_rule.contains_key(*rule)).count();
        let mut next = match unknown {
            0 => 0,
            count => self.take_numbers(Counter::Control, count).await?,
        };
        let (now, version) = (self.recorded(), sortable(version));
        let mut written = BTreeSet::new();
        for NewControl { rule, text } in new {
            match by_rule.get_mut(rule) {
                None => {
                    let (rule, text) = (rule.clone(), text.clone());
                    let version = if text.is_some() { version.clone() } else { String::new() };
                    let (no, text) = (ControlNo(next), text.unwrap_or_default());
                    next += 1;
                    written.insert(rule.clone());
                    let control =
                        Control { no, project, rule: rule.clone(), text, created: now, updated: now };
                    by_rule.insert(rule, Known { control, version });
                }
                Some(known) => {
                    let Some(text) = text.as_ref().filter(|text| has_the_word(text, &version, known)) else {
                        continue;
                    };
                    if known.control.text != *text {
                        known.control.text = text.clone();
                        known.control.updated = now;
                    }
                    known.version = version.clone();
                    written.insert(rule.clone());
                }
            }
        }
        let written: Vec<&Known> = written.iter().filter_map(|rule| by_rule.get(rule)).collect();
        self.write_controls(&written).await?;
        let numbers: Vec<ControlNo> =
            new.iter().filter_map(|control| Some(by_rule.get(&control.rule)?.control.no)).collect();
        self.link_controls(&numbers, on).await?;
        Ok(numbers)
    }

    async fn write_controls(&mut self, written: &[&Known]) -> Result<()> {
        let references: Vec<String> =
            written.iter().map(|known| to_json(&known.control.text.references)).collect::<Result<_>>()?;
        let rows: Vec<[Value<'_>; 12]> = written
            .iter()
            .zip(&references)
            .map(|(Known { control, version }, references)| {
                let text = &control.text;
                [
                    control.no.into(),
                    control.project.into(),
                    (&control.rule).into(),
                    (&text.statement).into(),
                    (&text.category).into(),
                    (&text.sub_category).into(),
                    (&text.rationale).into(),
                    (text.criticality as u8).into(),
                    references.into(),
                    control.created.into(),
                    control.updated.into(),
                    version.into(),
                ]
            })
            .collect();
        self.bulk(&PUT, &rows).await?;
        for known in written {
            self.log(Kind::Control, known.control.no.0);
        }
        Ok(())
    }
}

/// Whether a text replaces the known one. Two texts of one version are told apart by their contents, so
/// that the same one stays whichever came first.
fn has_the_word(text: &ControlText, version: &str, known: &Known) -> bool {
    let old = &known.control.text;
    match version.cmp(&known.version) {
        Ordering::Equal => text > old,
        order => order.is_gt(),
    }
}

/// A version with its numbers padded, so that texts sort as versions do.
fn sortable(version: &str) -> String {
    let parts = version.split(|c: char| !c.is_ascii_alphanumeric()).take(8);
    let parts: Vec<String> = parts
        .map(|part| part.chars().take(20).collect::<String>())
        .map(|part| if part.bytes().all(|b| b.is_ascii_digit()) { format!("{part:0>20}") } else { part })
        .collect();
    parts.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_sort_by_their_numbers() {
        assert!(sortable("0.1.9") < sortable("0.1.76"));
        assert!(sortable("") < sortable("0.1"));
        assert_eq!(sortable("1.2"), sortable("1-2"));
    }
}
