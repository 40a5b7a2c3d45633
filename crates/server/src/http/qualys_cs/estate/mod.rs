//! Images and containers (contract 5). One set of handlers serves both; which of the two is meant is
//! in the path.
//!
//! | module | holds |
//! |---|---|
//! | `handlers` | the endpoints |
//! | `image`, `container` | rows and details |
//! | `sheet`, `vulns`, `software`, `severity` | what one of them has |
//! | `order`, `link`, `stretch` | sorting and paging |
//! | `places` | configured registries by host |

mod container;
mod handlers;
mod image;
mod link;
mod order;
mod places;
pub(super) mod severity;
mod sheet;
mod software;
mod stretch;
pub(super) mod tokens;
pub(super) mod vulns;

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use parapet_model::facts::{AssetRow, PackageRow};
use parapet_model::labels::Labels;
use parapet_model::{AssetKind, AssetNo, Millis, PackageNo, Scope};
use parapet_posture::{AssetFilter, AssetSet, Snapshot};
use parapet_service::exports::Asked;
use serde::Serialize;
use uuid::Uuid;

pub(super) use handlers::*;
use places::Places;
use severity::SeverityCounts;

use super::qql::assets::{Subject, compile};
use super::{CsError, CsResult};
use crate::http::auth::Caller;
use crate::http::state::AppState;

/// Fewest digits by which a digest may be called.
const SHORTEST: usize = 12;

/// What the caller sees, at one instant.
#[derive(Debug, Clone)]
pub(super) struct Estate {
    snapshot: Arc<Snapshot>,
    scope: Scope,
    now: Millis,
    places: Arc<Places>,
}

impl Estate {
    /// The present state.
    pub(super) async fn now(state: &AppState, caller: &Caller) -> CsResult<Self> {
        Ok(Self {
            snapshot: state.app.live().snapshot(),
            scope: caller.principal().scope(),
            now: state.app.now(),
            places: Arc::new(Places::of(state, caller).await?),
        })
    }

    /// What a question of an export is asked of.
    pub(super) fn of_asked(asked: &Asked<'_>) -> Self {
        Self {
            snapshot: Arc::clone(&asked.view.snapshot),
            scope: asked.scope.clone(),
            now: asked.view.now,
            places: Arc::new(Places::of_registries(asked.registries)),
        }
    }

    /// Nothing at all, at some instant.
    #[cfg(test)]
    pub(super) fn empty(now: Millis) -> Self {
        let scope = parapet_model::Principal::local(parapet_model::ProjectNo(1)).scope();
        let snapshot = Arc::new(Snapshot::build(parapet_model::facts::Change::default()));
        Self { snapshot, scope, now, places: Arc::default() }
    }

    /// The instant.
    pub(super) fn instant(&self) -> Millis {
        self.now
    }

    /// The image or container with this uuid, sha (with or without `sha256:`) or first digits of it.
    pub(super) fn find(&self, subject: Subject, name: &str) -> CsResult<&AssetRow> {
        let unknown = || CsError::not_found(format!("{} {name}", subject.kind().as_str()));
        let of_kind = |asset: &&AssetRow| asset.kind == subject.kind();
        if let Ok(uuid) = Uuid::try_parse(name) {
            let found = self.snapshot.asset_by_uuid(&self.scope, uuid).filter(of_kind);
            return found.filter(|asset| self.snapshot.is_current(asset.no)).ok_or_else(unknown);
        }
        let digits = name.strip_prefix("sha256:").unwrap_or(name);
        if digits.len() < SHORTEST || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(unknown());
        }
        let mut found = self.snapshot.assets_by_digits(&self.scope, digits);
        found.retain(of_kind);
        match found.as_slice() {
            [only] => Ok(only),
            _ => Err(unknown()),
        }
    }

    /// What a query means.
    pub(super) fn filter(&self, subject: Subject, text: Option<&str>) -> CsResult<AssetFilter> {
        compile(text, subject, self)
    }

    /// The assets that a query selects.
    pub(super) fn select(&self, subject: Subject, text: Option<&str>) -> CsResult<AssetSet> {
        Ok(self.selected(subject, &self.filter(subject, text)?))
    }

    /// The assets that a compiled query selects.
    pub(super) fn selected(&self, subject: Subject, filter: &AssetFilter) -> AssetSet {
        self.snapshot.select(&self.scope, subject.kind(), filter, self.now)
    }

    /// Their uuids.
    pub(super) fn select_uuids(&self, subject: Subject, text: Option<&str>) -> CsResult<Vec<Uuid>> {
        let numbers = self.select(subject, text)?;
        Ok(numbers.iter().filter_map(|no| self.row(AssetNo(no))).map(|asset| asset.uuid).collect())
    }

    /// A package.
    fn package(&self, no: PackageNo) -> Option<&PackageRow> {
        self.snapshot.package(no)
    }

    fn row(&self, no: AssetNo) -> Option<&AssetRow> {
        self.snapshot.asset(&self.scope, no)
    }

    /// The vulnerabilities of each that no exception hides.
    fn counts(&self, numbers: &[AssetNo]) -> impl Iterator<Item = SeverityCounts> {
        self.snapshot.bands(numbers, self.now).into_iter().map(|bands| SeverityCounts::of(&bands))
    }

    /// The image of a container.
    fn image_of(&self, container: &AssetRow) -> Option<&AssetRow> {
        self.row(container.image?)
    }
}

/// Which of the two a request is about.
impl<S: Send + Sync> FromRequestParts<S> for Subject {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let containers = parts.uri.path().starts_with("/csapi/v1.3/containers");
        Ok(if containers { Self::Container } else { Self::Image })
    }
}

/// When an image was built or a container made; where no engine said, when the container was first
/// known.
pub(super) fn created(asset: &AssetRow) -> Millis {
    match asset.kind {
        AssetKind::Container if asset.container_facts.created == 0 => asset.first_seen,
        AssetKind::Container => asset.container_facts.created,
        _ => asset.image_facts.created,
    }
}

/// A label as this wire has it.
#[derive(Debug, Serialize)]
struct Label<'e> {
    key: &'e str,
    value: &'e str,
}

/// Labels; none when there are none.
fn labels(labels: &Labels) -> Option<Vec<Label<'_>>> {
    let rows = labels.iter().map(|(key, value)| Label { key, value });
    (!labels.is_empty()).then(|| rows.collect())
}

/// A digest without its algorithm, as this wire has it.
pub(super) fn bare(digest: &str) -> &str {
    digest.strip_prefix("sha256:").unwrap_or(digest)
}

/// The first digits of a digest: an image id, a short container id.
pub(super) fn short(digest: &str) -> &str {
    let digits = bare(digest);
    digits.get(..SHORTEST).unwrap_or(digits)
}
