//! `/v3/auth/tokens`: signing in, looking at a token, ending one.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use parapet_model::Permission;
use parapet_model::time::format_rfc3339;
use parapet_service::{Error, SignedIn, TokenScope};
use parapet_store::seal::Secret;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{DOMAIN, KeystoneError, catalog};
use crate::http::auth::Caller;
use crate::http::origin::origin;
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
    uri: Uri,
    headers: HeaderMap,
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
    let catalog = wants_catalog(query.as_deref()).then(|| catalog::of(&signed_in, &origin(&uri, &headers)));
    let header = HeaderValue::from_str(token.expose()).map_err(Error::internal)?;
    let document = Json(document(&signed_in, catalog));
    Ok((StatusCode::CREATED, [(SUBJECT_TOKEN, header)], document).into_response())
}

/// Shows what a token stands for; 200 and the same header.
pub(super) async fn validate(
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
    uri: Uri,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, KeystoneError> {
    let (token, subject) = subject(&headers)?;
    let unknown = || KeystoneError::from(Error::NotFound("token".to_owned()));
    let signed_in = state.app.accounts().by_token(token).await.map_err(|_| unknown())?;
    let own = signed_in.principal.user == caller.principal().user;
    if !own && !caller.principal().may(Permission::UsersWrite) {
        return Err(unknown());
    }
    let catalog = wants_catalog(query.as_deref()).then(|| catalog::of(&signed_in, &origin(&uri, &headers)));
    Ok(([(SUBJECT_TOKEN, subject.clone())], Json(document(&signed_in, catalog))).into_response())
}

/// Ends a token before its time.
pub(super) async fn revoke(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<StatusCode, KeystoneError> {
    let (token, _) = subject(&headers)?;
    state.app.accounts().end_token(caller.principal(), token).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The token that a request is about.
fn subject(headers: &HeaderMap) -> Result<(&str, &HeaderValue), KeystoneError> {
    let subject = headers
        .get(SUBJECT_TOKEN)
        .ok_or_else(|| KeystoneError::malformed("the header X-Subject-Token is missing"))?;
    let token = subject.to_str().map_err(|_| Error::NotFound("token".to_owned()))?;
    Ok((token, subject))
}

/// Any non-empty `nocatalog` leaves the catalogue out.
fn wants_catalog(query: Option<&str>) -> bool {
    let mut parameters = query.unwrap_or_default().split('&');
    !parameters.any(|parameter| parameter.strip_prefix("nocatalog=").is_some_and(|value| !value.is_empty()))
}

fn document(signed_in: &SignedIn, catalog: Option<Value>) -> Value {
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
    token["catalog"] = catalog.unwrap_or_else(|| json!([]));
    json!({"token": token})
}

/// `2020-01-04T09:05:22.701000Z`: six digits, as the contract shows.
pub(super) fn keystone_time(at: i64) -> String {
    format_rfc3339(at).replace('Z', "000Z")
}
