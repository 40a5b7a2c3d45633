//! Artifacts: files that jobs made. The row is written, in the job's own last transaction, when the
//! file is durable, and goes before the file does: a row without a file cannot be, a file without a
//! row is swept.

use std::collections::BTreeSet;

use parapet_model::{Digest, EnterpriseProjectNo, Millis, ProjectNo, Scope};
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::error::Result;
use crate::numbers::Counter;
use crate::session::Session;
use crate::sql::{Bulk, Row, Value, args};
use crate::tx::Tx;
use crate::visibility::{read_granted, write_granted};

const INSERT: &str = "INSERT INTO artifact (no, uuid, project, enterprise_projects, job, file_name, size, \
     sha256, media_type, path, provenance, created, expires) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
const LIST: &str = "SELECT no, uuid, project, enterprise_projects, job, file_name, size, sha256, media_type, \
     path, provenance, created, expires FROM artifact WHERE project = $1 AND no < $2 \
     ORDER BY no DESC LIMIT $3";
const OF_JOB: &str = "SELECT no, uuid, project, enterprise_projects, job, file_name, size, sha256, \
     media_type, path, provenance, created, expires FROM artifact WHERE project = $1 AND job = $2 ORDER BY no";
const BY_UUID: &str = "SELECT no, uuid, project, enterprise_projects, job, file_name, size, sha256, \
     media_type, path, provenance, created, expires FROM artifact WHERE project = $1 AND uuid = $2";
const EXPIRE: &str = "DELETE FROM artifact WHERE no IN ( \
     SELECT no FROM artifact WHERE expires <= $1 ORDER BY expires, no LIMIT $2) RETURNING path";
const DELETE_OF_JOB: &str = "DELETE FROM artifact WHERE job = $1 RETURNING path";
const KNOWN: Bulk<1> = Bulk {
    before: "WITH wanted(uuid) AS (VALUES ",
    after: ") SELECT job.uuid FROM wanted CROSS JOIN job WHERE job.uuid = wanted.uuid AND \
     (job.state IN (0, 1) OR EXISTS (SELECT 1 FROM artifact WHERE artifact.job = job.no)) ORDER BY job.uuid",
};

/// A file that a job made.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// Number.
    pub no: u32,
    /// Id for people and wires.
    pub uuid: Uuid,
    /// Owner.
    pub project: ProjectNo,
    /// The enterprise projects it was made from; `None` means all of the project. Who sees less
    /// does not see it.
    pub enterprise_projects: Option<BTreeSet<EnterpriseProjectNo>>,
    /// Number of the job that made it.
    pub job: u32,
    /// Name a download gets.
    pub file_name: String,
    /// Bytes.
    pub size: u64,
    /// Checksum of the file.
    pub sha256: Digest,
    /// Media type.
    pub media_type: String,
    /// Where it is inside the artifact store.
    pub path: String,
    /// JSON: filter, log position, feed dates, coverage.
    pub provenance: Box<RawValue>,
    /// When it was made, recorded time.
    pub created: Millis,
    /// First instant at which it may be deleted.
    pub expires: Millis,
}

/// An artifact to be written down.
#[derive(Debug, Clone)]
pub struct NewArtifact<'a, P: Serialize> {
    /// What its maker could see, and whose it is.
    pub scope: &'a Scope,
    /// Number of the job.
    pub job: u32,
    /// Name a download gets.
    pub file_name: &'a str,
    /// Bytes.
    pub size: u64,
    /// Checksum.
    pub sha256: Digest,
    /// Media type.
    pub media_type: &'a str,
    /// Where it is inside the artifact store.
    pub path: &'a str,
    /// See [`Artifact::provenance`].
    pub provenance: &'a P,
    /// First instant at which it may be deleted; [`parapet_model::FOREVER`] keeps it.
    pub expires: Millis,
}

fn artifact(row: &Row) -> Result<Artifact> {
    let mut f = row.fields("artifact");
    let (no, uuid, project) = (f.u32("no")?, f.uuid("uuid")?, ProjectNo(f.u32("project")?));
    let granted = read_granted(f.str()?).ok_or_else(|| f.inconsistent("enterprise_projects"))?;
    Ok(Artifact {
        no,
        uuid,
        project,
        enterprise_projects: granted,
        job: f.u32("job")?,
        file_name: f.text()?,
        size: f.u64("size")?,
        sha256: Digest(f.array("sha256")?),
        media_type: f.text()?,
        path: f.text()?,
        provenance: f.json("provenance")?,
        created: f.i64()?,
        expires: f.i64()?,
    })
}

fn visible(scope: &Scope, artifact: &Artifact) -> bool {
    scope.covers(artifact.project, artifact.enterprise_projects.as_ref())
}

impl Session {
    /// The artifacts seen, newest first: what is visible of the `limit` ones below number `before`
    /// (`u32::MAX` for the first page), and where the next page begins, unless this is the last.
    pub async fn artifacts(
        &mut self,
        scope: &Scope,
        before: u32,
        limit: u32,
    ) -> Result<(Vec<Artifact>, Option<u32>)> {
        let rows = self.fetch(LIST, args![scope.project(), before, limit]).await?;
        let mut all = rows.iter().map(artifact).collect::<Result<Vec<_>>>()?;
        let full = u32::try_from(all.len()).is_ok_and(|length| length >= limit);
        let next = all.last().filter(|_| full).map(|last| last.no);
        all.retain(|artifact| visible(scope, artifact));
        Ok((all, next))
    }

    /// What a job made, oldest first.
    pub async fn artifacts_of_job(&mut self, scope: &Scope, job: u32) -> Result<Vec<Artifact>> {
        let rows = self.fetch(OF_JOB, args![scope.project(), job]).await?;
        let mut all = rows.iter().map(artifact).collect::<Result<Vec<_>>>()?;
        all.retain(|artifact| visible(scope, artifact));
        Ok(all)
    }

    /// An artifact, if it is seen.
    pub async fn artifact(&mut self, scope: &Scope, uuid: &Uuid) -> Result<Option<Artifact>> {
        let row = self.fetch_one(BY_UUID, args![scope.project(), uuid]).await?;
        let found = row.as_ref().map(artifact).transpose()?;
        Ok(found.filter(|artifact| visible(scope, artifact)))
    }

    /// Of these jobs, those whose files must be kept: not over yet, or named by an artifact. Files
    /// of all others are orphans.
    pub async fn jobs_with_files(&mut self, jobs: &[Uuid]) -> Result<BTreeSet<Uuid>> {
        let rows: Vec<[Value<'_>; 1]> = jobs.iter().map(|uuid| [uuid.into()]).collect();
        let found = self.bulk_fetch(&KNOWN, &rows).await?;
        found.iter().map(|row| row.fields("job").uuid("uuid")).collect()
    }
}

impl Tx {
    /// Writes an artifact down whose file is durable. Call it with the job's fence in the same
    /// transaction.
    pub async fn create_artifact<P: Serialize>(&mut self, new: &NewArtifact<'_, P>) -> Result<Artifact> {
        let provenance = serde_json::value::to_raw_value(new.provenance)
            .map_err(|e| crate::Error::Invalid(format!("cannot be written as JSON: {e}")))?;
        let made = Artifact {
            no: self.take_number(Counter::Artifact).await?,
            uuid: self.uuid(),
            project: new.scope.project(),
            enterprise_projects: new.scope.enterprise_projects().cloned(),
            job: new.job,
            file_name: new.file_name.to_owned(),
            size: new.size,
            sha256: new.sha256,
            media_type: new.media_type.to_owned(),
            path: new.path.to_owned(),
            provenance,
            created: self.recorded(),
            expires: new.expires,
        };
        self.execute(
            INSERT,
            args![
                made.no,
                &made.uuid,
                made.project,
                &write_granted(made.enterprise_projects.as_ref()),
                made.job,
                &made.file_name,
                made.size,
                &made.sha256,
                &made.media_type,
                &made.path,
                made.provenance.get(),
                made.created,
                made.expires
            ],
        )
        .await?;
        Ok(made)
    }

    /// Forgets what a job made; the paths of the files, to be deleted after the commit.
    pub async fn delete_artifacts_of_job(&mut self, job: u32) -> Result<Vec<String>> {
        let rows = self.write_many(DELETE_OF_JOB, args![job]).await?;
        rows.iter().map(|row| row.fields("artifact").text()).collect()
    }

    /// Forgets at most `limit` artifacts that expired by `now`; the paths of their files, to be
    /// deleted after the commit.
    pub async fn expire_artifacts(&mut self, now: Millis, limit: u32) -> Result<Vec<String>> {
        let rows = self.write_many(EXPIRE, args![now, limit]).await?;
        rows.iter().map(|row| row.fields("artifact").text()).collect()
    }
}
