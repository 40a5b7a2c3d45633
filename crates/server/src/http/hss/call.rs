//! The frame of every call: who asks, in which project, of what they see. A handler words its own
//! parameters and rows and nothing else.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use parapet_model::{Permission, Principal};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::estate::Estate;
use super::query::{Page, missing};
use super::{HssError, Query, enterprise_scope, in_project};
use crate::http::auth::Caller;
use crate::http::state::AppState;

/// A call before anything of it was checked but the credential.
pub(super) struct Call {
    pub(super) state: AppState,
    caller: Caller,
    path: HashMap<String, String>,
    pub(super) query: Query,
}

/// A call that may be answered.
pub(super) struct Allowed {
    pub(super) state: AppState,
    pub(super) principal: Principal,
    /// What the caller sees of the enterprise projects asked for, now.
    pub(super) estate: Estate,
    pub(super) query: Query,
}

/// What a list answers: how many rows there are in all, and those of the page.
pub(super) type Rows = (usize, Vec<Value>);

/// Rows as JSON.
pub(super) struct Written(Vec<Box<RawValue>>);

impl Written {
    pub(super) fn push(&mut self, row: &impl Serialize) -> Result<(), HssError> {
        self.0.push(json_of(row)?);
        Ok(())
    }
}

#[derive(Serialize)]
struct WrittenPage<'r> {
    total_num: usize,
    data_list: &'r [Box<RawValue>],
}

fn json_of(value: &impl Serialize) -> Result<Box<RawValue>, HssError> {
    Ok(serde_json::value::to_raw_value(value).map_err(parapet_service::Error::internal)?)
}

impl FromRequestParts<AppState> for Call {
    type Rejection = HssError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, HssError> {
        let unreadable = |_| HssError::invalid("the path is not readable".to_owned());
        let Path(path) = Path::from_request_parts(parts, state).await.map_err(unreadable)?;
        let State(state) =
            State::<AppState>::from_request_parts(parts, state).await.unwrap_or_else(|never| match never {});
        let caller = Caller::from_request_parts(parts, &state).await.map_err(|_| HssError::no_api())?;
        let query = Query::from_request_parts(parts, &state).await?;
        Ok(Self { state, caller, path, query })
    }
}

impl Call {
    /// A part of the path.
    pub(super) fn path(&self, name: &str) -> &str {
        self.path.get(name).map_or("", String::as_str)
    }

    /// Who asks, in the project of the path.
    pub(super) async fn principal(&self, right: Permission) -> Result<Principal, HssError> {
        in_project(&self.state, &self.caller, self.path("project_id"), right).await
    }

    /// Checks the right, and the enterprise project.
    pub(super) async fn allow(self, right: Permission) -> Result<Allowed, HssError> {
        let principal = self.principal(right).await?;
        let scope = enterprise_scope(&self.state, &principal, &self.query).await?;
        let estate = Estate::now(&self.state, &principal, scope).await?;
        Ok(Allowed { state: self.state, principal, estate, query: self.query })
    }

    /// Checks the right, for a call that knows no enterprise projects: it shows all that the caller sees.
    pub(super) async fn allow_everything(self, right: Permission) -> Result<Allowed, HssError> {
        let principal = self.principal(right).await?;
        let estate = Estate::now(&self.state, &principal, principal.scope()).await?;
        Ok(Allowed { state: self.state, principal, estate, query: self.query })
    }

    /// Answers a page of what can be seen of findings.
    pub(super) async fn list(
        self,
        rows: impl FnOnce(&Estate, &Query, Page) -> Result<Rows, HssError> + Send + 'static,
    ) -> Result<Json<Value>, HssError> {
        self.allow(Permission::FindingsRead).await?.list(rows).await
    }

    /// The same for rows that are very long: each is written as it comes.
    pub(super) async fn list_written(
        self,
        rows: impl FnOnce(&Estate, &Query, Page, &mut Written) -> Result<usize, HssError> + Send + 'static,
    ) -> Result<Json<Box<RawValue>>, HssError> {
        let Allowed { estate, query, .. } = self.allow(Permission::FindingsRead).await?;
        let answer = estate.ask(move |estate| {
            let page = query.page()?;
            let mut written = Written(Vec::new());
            let total = rows(estate, &query, page, &mut written)?;
            json_of(&WrittenPage { total_num: total, data_list: &written.0 })
        });
        Ok(Json(answer.await?))
    }
}

impl Allowed {
    /// Answers a page.
    pub(super) async fn list(
        self,
        rows: impl FnOnce(&Estate, &Query, Page) -> Result<Rows, HssError> + Send + 'static,
    ) -> Result<Json<Value>, HssError> {
        let Self { estate, query, .. } = self;
        let answer = estate.ask(move |estate| {
            let page = query.page()?;
            let (total, list) = rows(estate, &query, page)?;
            Ok(json!({"total_num": total, "data_list": list}))
        });
        Ok(Json(answer.await?))
    }
}

/// Where the reference says that a page must be asked for.
pub(super) fn page_is_given(query: &Query) -> Result<(), HssError> {
    for name in ["limit", "offset"] {
        query.text(name, 1..=20)?.ok_or_else(|| missing(name))?;
    }
    Ok(())
}
