//! Projects and enterprise projects: who owns what.

use parapet_model::Ids;
use parapet_model::facts::{EnterpriseProjectRow, ProjectRow};
use parapet_model::id::{EnterpriseProjectNo, ProjectNo};

use crate::error::{Error, Result};
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
const ENTERPRISE_BY_NAME: &str = "SELECT no, id, name FROM enterprise_project WHERE name = $1";
const RENAME_ENTERPRISE: &str = "UPDATE enterprise_project SET name = $1 WHERE no = $2";
const INSERT_ENTERPRISE: &str = "INSERT INTO enterprise_project (no, id, name) VALUES ($1, $2, $3)";

const ENTERPRISE: &str = "enterprise project";
/// What wires say for all that the caller may see.
const ALL_GRANTED: &str = "all_granted_eps";
/// Longest id, and name of an enterprise project.
const MAX_ID: usize = 64;
const MAX_NAME: usize = 255;

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
        self.insert_enterprise_project(id, name).await
    }

    /// Makes an enterprise project.
    ///
    /// # Errors
    /// [`Error::Taken`] when there is one of that id or name; [`Error::Invalid`] for an id or a name that
    /// is none.
    pub async fn create_enterprise_project(&mut self, id: &str, name: &str) -> Result<EnterpriseProjectRow> {
        check_id(id)?;
        if self.enterprise_project_by_id(id).await?.is_some() {
            return Err(Error::Taken { what: ENTERPRISE, name: id.to_owned() });
        }
        self.refuse_enterprise_name(name).await?;
        self.insert_enterprise_project(id, name).await
    }

    /// Gives an enterprise project another name.
    ///
    /// # Errors
    /// Like [`Tx::create_enterprise_project`].
    pub async fn rename_enterprise_project(&mut self, row: &EnterpriseProjectRow, name: &str) -> Result<()> {
        if name != row.name {
            self.refuse_enterprise_name(name).await?;
            self.execute(RENAME_ENTERPRISE, args![name, row.no]).await?;
            self.log(Kind::EnterpriseProject, 0);
        }
        Ok(())
    }

    async fn refuse_enterprise_name(&mut self, name: &str) -> Result<()> {
        let bad = |c: char| c.is_control();
        if name.is_empty() || name.chars().count() > MAX_NAME || name.trim() != name || name.contains(bad) {
            return Err(Error::Invalid(format!(
                "the name of an enterprise project has 1 to {MAX_NAME} characters, none of them a control \
                 character, and no space at its ends"
            )));
        }
        match self.fetch_one(ENTERPRISE_BY_NAME, args![name]).await? {
            Some(_) => Err(Error::Taken { what: ENTERPRISE, name: name.to_owned() }),
            None => Ok(()),
        }
    }

    async fn insert_enterprise_project(&mut self, id: &str, name: &str) -> Result<EnterpriseProjectRow> {
        let no = EnterpriseProjectNo(self.take_number(Counter::EnterpriseProject).await?);
        self.execute(INSERT_ENTERPRISE, args![no, id, name]).await?;
        self.log(Kind::EnterpriseProject, 0);
        Ok(EnterpriseProjectRow { no, id: id.to_owned(), name: name.to_owned() })
    }
}

/// An id goes into addresses, and must not be a word that means something else there.
fn check_id(id: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if id.is_empty() || id.len() > MAX_ID || !id.chars().all(plain) || ["0", ALL_GRANTED].contains(&id) {
        return Err(Error::Invalid(format!(
            "the id of an enterprise project has 1 to {MAX_ID} letters, digits, - and _, and is not {ALL_GRANTED}"
        )));
    }
    Ok(())
}

/// Gives a new store its project `default`.
pub(crate) async fn seed(session: &mut Session, ids: &dyn Ids) -> Result<()> {
    session.execute(SEED, args![&ids.uuid().simple().to_string()]).await?;
    session.execute(SEED_COUNTER, args![]).await?;
    Ok(())
}
