//! Which configured registry holds what a reference names.

use parapet_model::Permission;
use parapet_model::facts::AssetRow;
use parapet_store::registries::Registry;
use uuid::Uuid;

use super::super::CsResult;
use crate::http::auth::Caller;
use crate::http::state::AppState;

/// Registries looked at; more are not configured by hand.
const MOST: u32 = 10_000;

/// A configured registry.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) uuid: Uuid,
    pub(super) name: String,
    /// Its address, as configured.
    pub(super) endpoint: String,
    /// Host and port, as references carry it.
    host: String,
}

/// The registries that the caller may know of.
#[derive(Debug, Clone, Default)]
pub(super) struct Places(Vec<Place>);

impl Places {
    /// The registries of the caller's project; none without the right to see them.
    pub(super) async fn of(state: &AppState, caller: &Caller) -> CsResult<Self> {
        if !caller.principal().may(Permission::RegistriesRead) {
            return Ok(Self::default());
        }
        Ok(Self::of_registries(&state.app.registries().list(caller.principal(), 0, MOST).await?))
    }

    /// These registries.
    pub(super) fn of_registries(registries: &[Registry]) -> Self {
        let places = registries.iter().map(|registry| {
            let endpoint = registry.settings.endpoint.clone();
            let bare = endpoint.split_once("://").map_or(endpoint.as_str(), |(_, rest)| rest);
            let host = bare.split('/').next().unwrap_or_default().to_owned();
            Place { uuid: registry.uuid, name: registry.settings.name.clone(), endpoint, host }
        });
        Self(places.collect())
    }

    /// The registries under that host.
    pub(super) fn at<'p, 'h>(&'p self, host: &'h str) -> impl Iterator<Item = &'p Place> + use<'p, 'h> {
        self.0.iter().filter(move |place| place.host.eq_ignore_ascii_case(host))
    }

    /// The configured registries that hold an image now.
    pub(super) fn holding(&self, image: &AssetRow) -> Vec<&Place> {
        let current = image.references.iter().filter(|row| row.held.is_open());
        let mut found: Vec<&Place> = current.flat_map(|row| self.at(&row.reference.registry)).collect();
        found.sort_by_key(|place| place.uuid);
        found.dedup_by_key(|place| place.uuid);
        found
    }
}
