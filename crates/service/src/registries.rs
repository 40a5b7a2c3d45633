//! Registries: their settings, and the jobs that list and scan them.

use std::sync::Arc;

use parapet_fetch::{Registry as Remote, RegistryOptions};
use parapet_model::job::JobKind;
use parapet_model::{Permission, Principal, Scope};
use parapet_store::jobs::NewJob;
use parapet_store::registries::{Credentials, Globs, Registry, RegistrySettings};
use parapet_store::seal::Secret;
use uuid::Uuid;

use crate::accounts::require;
use crate::app::App;
use crate::audit;
use crate::error::{Error, Result};
use crate::jobs::payload::{ListRegistryJob, Payload, ScanImageJob};
use crate::jobs::{Outcome, Run};

/// Most repositories of one listing.
const MAX_REPOSITORIES: usize = 100_000;
/// Most tags of one repository.
const MAX_TAGS: usize = 100_000;
/// Scans enqueued in one transaction.
const BATCH: usize = 200;

/// Use cases around registries.
#[derive(Debug, Clone, Copy)]
pub struct Registries<'a>(pub(crate) &'a App);

impl Registries<'_> {
    /// The project's registries after number `after`.
    pub async fn list(&self, who: &Principal, after: u32, limit: u32) -> Result<Vec<Registry>> {
        require(who, Permission::RegistriesRead)?;
        Ok(self.0.store.read().await?.registries(&who.scope(), after, limit).await?)
    }

    /// Makes a registry; the secret is sealed and never comes back.
    pub async fn create(
        &self,
        who: &Principal,
        settings: RegistrySettings,
        secret: Secret,
    ) -> Result<Registry> {
        require(who, Permission::RegistriesWrite)?;
        let credentials = Credentials { username: settings.username.clone(), secret };
        self.remote(&settings, &credentials)?;
        super::scan::parse_platform(&settings.platform)?;
        let mut tx = self.0.store.begin().await?;
        let registry = tx.create_registry(&who.scope(), &self.0.key, &settings, &credentials.secret).await?;
        let after = serde_json::to_value(&registry).map_err(Error::internal)?;
        let id = registry.uuid.to_string();
        audit::event(&mut tx, who, "create", "registry", &id, audit::NONE, Some(after)).await?;
        tx.commit().await?;
        Ok(registry)
    }

    /// Deletes a registry. Assets that were read from it stay.
    pub async fn delete(&self, who: &Principal, id: Uuid) -> Result<()> {
        require(who, Permission::RegistriesWrite)?;
        let mut tx = self.0.store.begin().await?;
        if !tx.delete_registry(&who.scope(), &id).await? {
            return Err(Error::NotFound("registry".to_owned()));
        }
        audit::event(&mut tx, who, "delete", "registry", &id.to_string(), audit::NONE, audit::NONE).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Starts a job that lists the registry and scans what its selection takes.
    pub async fn scan_job(&self, who: &Principal, id: Uuid, force: bool) -> Result<Uuid> {
        require(who, Permission::AssetsWrite)?;
        let found = self.0.store.read().await?.registry(&who.scope(), &id).await?;
        found.ok_or_else(|| Error::NotFound("registry".to_owned()))?;
        let mut tx = self.0.store.begin().await?;
        let jobs = self.0.jobs();
        let payload = Payload::ListRegistry(ListRegistryJob { registry: id, force });
        let uuid = jobs
            .enqueue(&mut tx, &who.scope(), who, JobKind::ListRegistry, &payload, &id.to_string())
            .await?;
        tx.commit().await?;
        jobs.wake();
        Ok(uuid)
    }

    /// A client for a registry of the scope, and the name its references carry.
    pub(crate) async fn connect(&self, scope: &Scope, id: Uuid) -> Result<(Remote, String)> {
        let mut session = self.0.store.read().await?;
        let registry = session.registry(scope, &id).await?;
        let registry = registry.ok_or_else(|| Error::NotFound("registry".to_owned()))?;
        let credentials = session.registry_credentials(scope, &id, &self.0.key).await?;
        let credentials = credentials.ok_or_else(|| Error::NotFound("registry".to_owned()))?;
        let remote = self.remote(&registry.settings, &credentials)?;
        let name = remote.name().to_owned();
        Ok((remote, name))
    }

    fn remote(&self, settings: &RegistrySettings, credentials: &Credentials) -> Result<Remote> {
        let given = !credentials.username.is_empty();
        let options = RegistryOptions {
            endpoint: settings.endpoint.clone(),
            plain_http: settings.plain_http,
            authority: Some(settings.ca_pem.clone().into_bytes()).filter(|pem| !pem.is_empty()),
            credentials: given.then(|| parapet_fetch::Credentials {
                user: credentials.username.clone(),
                secret: credentials.secret.expose().to_owned(),
            }),
            token_hosts: settings.token_hosts.clone(),
        };
        Ok(Remote::new(&self.0.client, options)?)
    }
}

/// Runs a listing: every selected tag becomes a scan, which is this job's child; tags that are gone
/// are retired.
pub(crate) async fn run_list(app: &Arc<App>, run: &Run, job: ListRegistryJob) -> Result<Outcome> {
    let (remote, name) = app.registries().connect(&run.scope, job.registry).await?;
    let registry = app.store.read().await?.registry(&run.scope, &job.registry).await?;
    let settings = registry.ok_or_else(|| Error::NotFound("registry".to_owned()))?.settings;
    let mut images = Vec::new();
    let mut repositories = remote.repositories().all(MAX_REPOSITORIES).await?;
    repositories.retain(|repository| selects(&settings.selection.repositories, repository));
    for repository in &repositories {
        if run.progress.is_cancelled() {
            return Err(Error::Conflict("the job was cancelled".to_owned()));
        }
        let observed = app.now();
        let tags = match remote.tags(repository)?.all(MAX_TAGS).await {
            Ok(tags) => tags,
            // A repository whose last tag was deleted may be listed and yet be gone.
            Err(parapet_fetch::FetchError::NotFound { .. }) => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        let mut tx = run.begin(app).await?;
        let shown: Vec<&str> = tags.iter().map(String::as_str).collect();
        tx.retire_references(run.project(), &name, repository, &shown, observed).await?;
        tx.commit().await?;
        let selected = tags.iter().filter(|tag| selects(&settings.selection.tags, tag));
        images.extend(selected.map(|tag| format!("{repository}:{tag}")));
    }
    for batch in images.chunks(BATCH) {
        let mut tx = run.begin(app).await?;
        for image in batch {
            let scan = ScanImageJob {
                registry: Some(job.registry),
                image: image.clone(),
                platform: settings.platform.clone(),
                force: job.force,
            };
            let dedup_key = scan.dedup_key();
            tx.enqueue(&NewJob {
                scope: &run.scope,
                kind: JobKind::ScanImage,
                owner: &run.principal.name,
                payload: &Payload::ScanImage(scan),
                parent: Some(run.no()),
                dedup_key: &dedup_key,
                fired: None,
                not_before: 0,
            })
            .await?;
        }
        tx.commit().await?;
        app.jobs().wake();
    }
    let result = serde_json::json!({"repositories": repositories.len(), "images": images.len()});
    Ok(Outcome { tx: run.begin(app).await?, result })
}

fn selects(globs: &Globs, name: &str) -> bool {
    let any = |patterns: &[String]| patterns.iter().any(|pattern| glob(pattern.as_bytes(), name.as_bytes()));
    (globs.include.is_empty() || any(&globs.include)) && !any(&globs.exclude)
}

/// Shell-like match: `*` stands for any text, `?` for one byte; nothing else is special. Linear in
/// the product of the lengths.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p, t));
                p += 1;
            }
            Some(b'?') => (p, t) = (p + 1, t + 1),
            Some(c) if text.get(t) == Some(c) => (p, t) = (p + 1, t + 1),
            _ => match retry {
                Some((star, from)) => {
                    retry = Some((star, from + 1));
                    (p, t) = (star + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|c| *c == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_select_names() {
        let selects = |include: &[&str], exclude: &[&str], name: &str| {
            let list = |globs: &[&str]| globs.iter().map(|g| (*g).to_owned()).collect();
            selects(&Globs { include: list(include), exclude: list(exclude) }, name)
        };
        assert!(selects(&[], &[], "team/web"));
        assert!(selects(&["team/*"], &[], "team/web"));
        assert!(!selects(&["team/*"], &["*/web"], "team/web"));
        assert!(selects(&["t??m/*e*"], &[], "team/web"));
        assert!(!selects(&["team"], &[], "team/web"));
        assert!(selects(&["**b"], &[], "team/web"));
    }
}
