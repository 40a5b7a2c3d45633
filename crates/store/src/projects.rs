//! Projects and enterprise projects: who owns what.

use parapet_model::Ids;
use parapet_model::facts::{EnterpriseProjectRow, ProjectRow};
use parapet_model::id::{EnterpriseProjectNo, ProjectNo};

use crate::error::Result;
use crate::log::Kind;
use crate::numbers::Counter;
use crate::session::Session;
use crate::sql::{Row, args};
use crate::tx::Tx;

const ALL: &str = "SELECT no, id, name FROM project ORDER BY no";
const BY_NO: &str = "SELECT no, id, name FROM project WHERE no = $1";
const BY_ID: &str = "SELECT no, id, name FROM project WHERE id = $1";
const BY_NAME: &str = "SELECT no, id, name FROM project WHERE name = $1";
const INSERT: &str = "INSERT INTO project (no, id, name) VALUES ($1, $2, $3)";
const SEED: &str = "INSERT INTO project (no, id, name) \
     SELECT next, $1, 'default' FROM counter WHERE name = 'project' AND next = 1";
const SEED_COUNTER: &str = "UPDATE counter SET next = 2 WHERE name = 'project' AND next = 1";

const ALL_ENTERPRISE: &str = "SELECT no, id, name FROM enterprise_project ORDER BY no";
const ENTERPRISE_BY_ID: &str = "SELECT no, id, name FROM enterprise_project WHERE id = $1";
const INSERT_ENTERPRISE: &str = "INSERT INTO enterprise_project (no, id, name) VALUES ($1, $2, $3)";

/// Name of the project every store starts with.
pub const DEFAULT_PROJECT: &str = "default";

fn project(row: &Row) -> Result<ProjectRow> {
    let mut f = row.fields("project");
    Ok(ProjectRow { no: ProjectNo(f.u32("no")?), id: f.text()?, name: f.text()? })
}

fn enterprise_project(row: &Row) -> Result<EnterpriseProjectRow> {
    let mut f = row.fields("enterprise_project");
    Ok(EnterpriseProjectRow { no: EnterpriseProjectNo(f.u32("no")?), id: f.text()?, name: f.text()? })
}

impl Session {
    /// All projects, by number.
    pub async fn projects(&mut self) -> Result<Vec<ProjectRow>> {
        self.fetch(ALL, args![]).await?.iter().map(project).collect()
    }

    /// A project by number.
    pub async fn project(&mut self, no: ProjectNo) -> Result<Option<ProjectRow>> {
        self.fetch_one(BY_NO, args![no]).await?.as_ref().map(project).transpose()
    }

    /// A project by its id on wires.
    pub async fn project_by_id(&mut self, id: &str) -> Result<Option<ProjectRow>> {
        self.fetch_one(BY_ID, args![id]).await?.as_ref().map(project).transpose()
    }

    /// A project by name.
    pub async fn project_by_name(&mut self, name: &str) -> Result<Option<ProjectRow>> {
        self.fetch_one(BY_NAME, args![name]).await?.as_ref().map(project).transpose()
    }

    /// All enterprise projects, by number; number 0 is the default one.
    pub async fn enterprise_projects(&mut self) -> Result<Vec<EnterpriseProjectRow>> {
        self.fetch(ALL_ENTERPRISE, args![]).await?.iter().map(enterprise_project).collect()
    }

    /// An enterprise project by its id on wires.
    pub async fn enterprise_project_by_id(&mut self, id: &str) -> Result<Option<EnterpriseProjectRow>> {
        self.fetch_one(ENTERPRISE_BY_ID, args![id]).await?.as_ref().map(enterprise_project).transpose()
    }
}

impl Tx {
    /// The project of that name, made if there is none.
    pub async fn ensure_project(&mut self, name: &str) -> Result<ProjectRow> {
        if let Some(found) = self.project_by_name(name).await? {
            return Ok(found);
        }
        let no = ProjectNo(self.take_number(Counter::Project).await?);
        let row = ProjectRow { no, id: self.uuid().simple().to_string(), name: name.to_owned() };
        self.execute(INSERT, args![no, &row.id, &row.name]).await?;
        self.log(Kind::Project, no.0);
        Ok(row)
    }

    /// The enterprise project of that id, made with that name if there is none.
    pub async fn ensure_enterprise_project(&mut self, id: &str, name: &str) -> Result<EnterpriseProjectRow> {
        if let Some(found) = self.enterprise_project_by_id(id).await? {
            return Ok(found);
        }
        let no = EnterpriseProjectNo(self.take_number(Counter::EnterpriseProject).await?);
        self.execute(INSERT_ENTERPRISE, args![no, id, name]).await?;
        self.log(Kind::EnterpriseProject, 0);
        Ok(EnterpriseProjectRow { no, id: id.to_owned(), name: name.to_owned() })
    }
}

/// Gives a new store its project `default`.
pub(crate) async fn seed(session: &mut Session, ids: &dyn Ids) -> Result<()> {
    session.execute(SEED, args![&ids.uuid().simple().to_string()]).await?;
    session.execute(SEED_COUNTER, args![]).await?;
    Ok(())
}
