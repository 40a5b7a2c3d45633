//! Lists of repositories that registries without `/v2/_catalog` offer in ways of their own.

use parapet_fetch::{DockerHub, Ecr};
use parapet_model::ProjectNo;
use parapet_store::connectors::Cloud;
use parapet_store::registries::{RegistryKind, RegistrySettings};

use super::{Connectors, SignIn};
use crate::error::Result;

impl Connectors<'_> {
    /// The repositories of a registry by its cloud's or hub's own list; `None` when it has none and
    /// the registry itself is asked.
    pub(crate) async fn repositories(
        &self,
        project: ProjectNo,
        settings: &RegistrySettings,
        sign_in: &SignIn,
        limit: usize,
    ) -> Result<Option<Vec<String>>> {
        let source = &settings.source;
        if settings.kind == RegistryKind::DockerHub && !source.organization.is_empty() {
            let endpoint = self.0.clouds.docker_hub.as_deref();
            let hub = DockerHub::new(&self.0.client, endpoint, sign_in.now().await?)?;
            return Ok(Some(hub.repositories(&source.organization, limit).await?));
        }
        let Some(id) = source.connector else { return Ok(None) };
        let connector = self.0.store.read().await?.connector(project, &id).await?;
        match connector.filter(|connector| connector.settings.cloud == Cloud::Aws) {
            Some(connector) => {
                let ecr = Ecr::assume(&self.0.client, self.ecr(&connector, settings)?).await?;
                Ok(Some(ecr.repositories(limit).await?))
            }
            None => Ok(None),
        }
    }
}
