//! Policies: profiles of benchmarks, and the controls they ask for.

use parapet_model::compliance::Policy;
use parapet_model::time::FOREVER;
use parapet_model::{ControlNo, Digest, PolicyNo, ProjectNo};

use super::{Said, check_name};
use crate::error::Result;
use crate::log::Kind;
use crate::numbers::Counter;
use crate::session::Session;
use crate::sql::{Bulk, Row, Value, args};
use crate::tx::Tx;

const PAGE: &str = "SELECT no, project, benchmark, profile, title, version, created, updated, evaluated \
     FROM compliance_policy WHERE project = $1 AND no > $2 ORDER BY no LIMIT $3";
const BY_NO: &str = "SELECT no, project, benchmark, profile, title, version, created, updated, evaluated \
     FROM compliance_policy WHERE project = $1 AND no = $2";
const BY_KEY: &str = "SELECT no, project, benchmark, profile, title, version, created, updated, evaluated, \
     said, said_by FROM compliance_policy WHERE project = $1 AND benchmark = $2 AND profile = $3";
const INSERT: &str = "INSERT INTO compliance_policy (no, project, benchmark, profile, title, version, \
     created, updated, evaluated, said, said_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
const UPDATE: &str = "UPDATE compliance_policy SET title = $1, version = $2, updated = $3, said = $4, \
     said_by = $5 WHERE no = $6";
const SAID: &str = "SELECT said, said_by FROM compliance_policy WHERE no = $1";
const TOUCH: &str = "UPDATE compliance_policy SET updated = $1 WHERE no = $2";
const EVALUATED: &str = "UPDATE compliance_policy SET evaluated = $1 WHERE no = $2 AND evaluated < $3";
const MEMBERS: &str = "SELECT control FROM policy_control \
     WHERE policy = $1 AND to_at = 9223372036854775807 ORDER BY control, from_at";
const MEMBERS_PAGE: &str = "SELECT control FROM policy_control \
     WHERE policy = $1 AND control > $2 AND to_at = 9223372036854775807 ORDER BY control, from_at LIMIT $3";
const HOLDS: &str = "SELECT control FROM policy_control \
     WHERE policy = $1 AND control = $2 AND to_at = 9223372036854775807";
const OPEN: Bulk<4> = Bulk {
    before: "INSERT INTO policy_control (policy, control, from_at, to_at) VALUES ",
    after: " ON CONFLICT (policy, control, from_at) DO UPDATE SET to_at = excluded.to_at",
};
const CLOSE: Bulk<3> = Bulk {
    before: "WITH k(policy, control, at) AS (VALUES ",
    after: ") UPDATE policy_control SET to_at = k.at FROM k WHERE policy_control.policy = k.policy \
            AND policy_control.control = k.control AND policy_control.to_at = 9223372036854775807",
};

/// A policy as a document names it.
#[derive(Debug, Clone, Copy)]
pub struct NewPolicy<'a> {
    /// Owner.
    pub project: ProjectNo,
    /// Id of the benchmark.
    pub benchmark: &'a str,
    /// Id of the profile, or empty.
    pub profile: &'a str,
    /// Title of the profile; empty when the document does not say it.
    pub title: &'a str,
    /// Version of the benchmark.
    pub version: &'a str,
}

fn policy(row: &Row) -> Result<Policy> {
    let mut f = row.fields("compliance_policy");
    Ok(Policy {
        no: PolicyNo(f.u32("no")?),
        project: ProjectNo(f.u32("project")?),
        benchmark: f.text()?,
        profile: f.text()?,
        title: f.text()?,
        version: f.text()?,
        created: f.i64()?,
        updated: f.i64()?,
        evaluated: f.i64()?,
    })
}

fn control(row: &Row) -> Result<ControlNo> {
    row.fields("policy_control").u32("control").map(ControlNo)
}

impl Session {
    /// At most `limit` policies of the project with numbers above `after`, ascending.
    pub async fn policies(&mut self, project: ProjectNo, after: PolicyNo, limit: u32) -> Result<Vec<Policy>> {
        self.fetch(PAGE, args![project, after, limit]).await?.iter().map(policy).collect()
    }

    /// A policy of the project.
    pub async fn policy(&mut self, project: ProjectNo, no: PolicyNo) -> Result<Option<Policy>> {
        self.fetch_one(BY_NO, args![project, no]).await?.as_ref().map(policy).transpose()
    }

    /// At most `limit` controls that the policy asks for now, with numbers above `after`, ascending.
    pub async fn controls_of_policy(
        &mut self,
        policy: PolicyNo,
        after: ControlNo,
        limit: u32,
    ) -> Result<Vec<ControlNo>> {
        self.fetch(MEMBERS_PAGE, args![policy, after, limit]).await?.iter().map(control).collect()
    }

    /// Whether the policy asks for the control now.
    pub async fn policy_holds(&mut self, policy: PolicyNo, control: ControlNo) -> Result<bool> {
        Ok(self.fetch_one(HOLDS, args![policy, control]).await?.is_some())
    }

    /// The document that had the word on a policy last.
    pub(super) async fn policy_said(&mut self, no: PolicyNo) -> Result<Option<Said>> {
        let row = self.fetch_one(SAID, args![no]).await?;
        row.map(|row| {
            let mut f = row.fields("compliance_policy");
            Ok(Said { observed: f.i64()?, content: Digest(f.array("said_by")?) })
        })
        .transpose()
    }
}

impl Tx {
    /// The number of a policy, a new one when it was not known. What is said of it is taken over from a
    /// newer document.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] for an identifier over 512 bytes or with a NUL.
    pub async fn put_policy(&mut self, new: &NewPolicy<'_>, said: Said) -> Result<PolicyNo> {
        check_name("the id of a benchmark", new.benchmark)?;
        check_name("the id of a profile", new.profile)?;
        let now = self.recorded();
        let Some(row) = self.fetch_one(BY_KEY, args![new.project, new.benchmark, new.profile]).await? else {
            let no = PolicyNo(self.take_number(Counter::Policy).await?);
            let said_at = said.observed;
            let ids = [new.title, new.profile, new.benchmark];
            let title = ids.into_iter().find(|text| !text.is_empty()).unwrap_or_default();
            self.execute(
                INSERT,
                args![
                    no,
                    new.project,
                    new.benchmark,
                    new.profile,
                    title,
                    new.version,
                    now,
                    now,
                    0_i64,
                    said_at,
                    &said.content,
                ],
            )
            .await?;
            self.log(Kind::Policy, no.0);
            return Ok(no);
        };
        let known = policy(&row)?;
        if self.policy_said(known.no).await?.is_some_and(|last| last >= said) {
            return Ok(known.no);
        }
        let title = if new.title.is_empty() { &known.title } else { new.title };
        let same = (known.title.as_str(), known.version.as_str()) == (title, new.version);
        let updated = if same { known.updated } else { now };
        self.execute(UPDATE, args![title, new.version, updated, said.observed, &said.content, known.no])
            .await?;
        if !same {
            self.log(Kind::Policy, known.no.0);
        }
        Ok(known.no)
    }

    /// Notes that a host was evaluated.
    pub(super) async fn policy_evaluated(&mut self, policy: PolicyNo, observed: i64) -> Result<()> {
        if self.execute(EVALUATED, args![observed, policy, observed]).await? > 0 {
            self.log(Kind::Policy, policy.0);
        }
        Ok(())
    }

    /// Makes `wanted` the controls that the policy asks for.
    pub(super) async fn set_members(&mut self, policy: PolicyNo, wanted: &[ControlNo]) -> Result<()> {
        let held = self.fetch(MEMBERS, args![policy]).await?;
        let held: std::collections::BTreeSet<ControlNo> = held.iter().map(control).collect::<Result<_>>()?;
        let wanted: std::collections::BTreeSet<ControlNo> = wanted.iter().copied().collect();
        let now = self.recorded();
        let opened: Vec<[Value<'_>; 4]> = wanted
            .difference(&held)
            .map(|&control| [policy.into(), control.into(), now.into(), FOREVER.into()])
            .collect();
        let closed: Vec<[Value<'_>; 3]> =
            held.difference(&wanted).map(|&control| [policy.into(), control.into(), now.into()]).collect();
        self.bulk(&OPEN, &opened).await?;
        self.bulk(&CLOSE, &closed).await?;
        if !opened.is_empty() || !closed.is_empty() {
            self.execute(TOUCH, args![now, policy]).await?;
            self.log(Kind::Policy, policy.0);
        }
        Ok(())
    }
}
