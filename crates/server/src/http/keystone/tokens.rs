//! `POST /v3/auth/tokens` and `GET /v3/auth/tokens`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use parapet_model::time::format_rfc3339;
use parapet_service::{Error, SignedIn, TokenScope};
use parapet_store::seal::Secret;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{DOMAIN, KeystoneError};
use crate::http::state::AppState;

/// Answer header that carries the token.
const SUBJECT_TOKEN: HeaderName = HeaderName::from_static("x-subject-token");

#[derive(Deserialize)]
struct Body {
    auth: Auth,
}

#[derive(Deserialize)]
struct Auth {
    identity: Identity,
    scope: Option<ScopeBody>,
}

#[derive(Deserialize)]
struct Identity {
    methods: Vec<String>,
    password: Option<PasswordMethod>,
}

#[derive(Deserialize)]
struct PasswordMethod {
    user: User,
}

#[derive(Deserialize)]
struct User {
    name: String,
    password: String,
    domain: NameOrId,
}

#[derive(Deserialize)]
struct ScopeBody {
    project: Option<NameOrId>,
    domain: Option<NameOrId>,
}

#[derive(Deserialize)]
struct NameOrId {
    id: Option<String>,
    name: Option<String>,
}

impl NameOrId {
    fn given(&self) -> Option<&str> {
        self.id.as_deref().or(self.name.as_deref())
    }
}

/// Signs in with a password: 201, the token in `X-Subject-Token`.
pub(super) async fn create(
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Result<Response, KeystoneError> {
    let body: Body = serde_json::from_slice(&body)
        .map_err(|e| KeystoneError::malformed(format!("malformed request: {e}")))?;
    let identity = body.auth.identity;
    if identity.methods != ["password"] {
        return Err(KeystoneError::malformed("the identity method must be password"));
    }
    let user =
        identity.password.ok_or_else(|| KeystoneError::malformed("identity.password is missing"))?.user;
    let scope = match body.auth.scope {
        None | Some(ScopeBody { project: None, domain: None }) => TokenScope::HomeProject,
        Some(ScopeBody { project: Some(project), domain: None }) => {
            let named =
                project.given().ok_or_else(|| KeystoneError::malformed("scope.project names no project"))?;
            TokenScope::Project(named.to_owned())
        }
        Some(ScopeBody { project: None, domain: Some(domain) }) => {
            if domain.given() != Some(DOMAIN) {
                return Err(Error::Unauthenticated.into());
            }
            TokenScope::Domain
        }
        Some(_) => return Err(KeystoneError::malformed("scope takes a project or a domain, not both")),
    };
    if user.domain.given() != Some(DOMAIN) {
        return Err(Error::Unauthenticated.into());
    }
    let accounts = state.app.accounts();
    let signed_in = accounts.sign_in(&user.name, Secret::new(user.password)).await?;
    let (token, signed_in) = accounts.issue_token(&signed_in, &scope).await?;
    let catalog = !query.unwrap_or_default().split('&').any(|p| p.starts_with("nocatalog=") && p.len() > 10);
    let header = HeaderValue::from_str(token.expose()).map_err(Error::internal)?;
    let document = Json(document(&signed_in, catalog));
    Ok((StatusCode::CREATED, [(SUBJECT_TOKEN, header)], document).into_response())
}

/// Shows what a token stands for; 200 and the same header.
pub(super) async fn validate(
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, KeystoneError> {
    let subject = headers
        .get(SUBJECT_TOKEN)
        .ok_or_else(|| KeystoneError::malformed("the header X-Subject-Token is missing"))?;
    let token = subject.to_str().map_err(|_| Error::NotFound("token".to_owned()))?;
    let signed_in = state
        .app
        .accounts()
        .by_token(token)
        .await
        .map_err(|_| KeystoneError::from(Error::NotFound("token".to_owned())))?;
    let catalog = !query.unwrap_or_default().contains("nocatalog=");
    Ok(([(SUBJECT_TOKEN, subject.clone())], Json(document(&signed_in, catalog))).into_response())
}

fn document(signed_in: &SignedIn, catalog: bool) -> Value {
    let domain = json!({"id": DOMAIN, "name": DOMAIN});
    let roles: Vec<Value> = signed_in.roles.iter().map(|name| json!({"id": "0", "name": name})).collect();
    let mut token = json!({
        "methods": ["password"],
        "issued_at": keystone_time(signed_in.issued_at),
        "expires_at": keystone_time(signed_in.expires_at),
        "user": {
            "id": format!("{:032x}", signed_in.principal.user),
            "name": signed_in.principal.name,
            "password_expires_at": "",
            "domain": domain,
        },
        "roles": roles,
    });
    match &signed_in.project {
        Some(project) => {
            token["project"] = json!({"id": project.id, "name": project.name, "domain": domain});
        }
        None => token["domain"] = domain,
    }
    // The SDKs are given their endpoint; there is nothing to catalogue.
    if catalog {
        token["catalog"] = json!([]);
    }
    json!({"token": token})
}

/// `2020-01-04T09:05:22.701000Z`: six digits, as the contract shows.
fn keystone_time(at: i64) -> String {
    format_rfc3339(at).replace('Z', "000Z")
}
