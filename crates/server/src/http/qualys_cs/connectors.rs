//! `/registry/{aws,acr,gcp}`: connectors to the registries of clouds (contract 3.6). Lists are bare
//! arrays, and a connector is deleted by a body.

use axum::Json;
use axum::extract::{Multipart, Path, State};
use axum::http::StatusCode;
use parapet_store::connectors::{Cloud, Connector, ConnectorSettings};
use parapet_store::seal::Secret;
use serde::Deserialize;
use serde_json::{Value, json};

use super::body::Body;
use super::{CsError, CsResult};
use crate::http::auth::Caller;
use crate::http::state::AppState;

/// Longest key of a service account, in bytes.
const MAX_KEY: usize = 64 * 1024;

fn needed(name: &str, value: Option<String>) -> CsResult<String> {
    let value = value.filter(|text| !text.trim().is_empty());
    value.ok_or_else(|| CsError::invalid(format!("{name} is mandatory")))
}

/// `GET /registry/aws-base`. The external id is a number here, and a text when a connector is made.
pub(super) async fn aws_base(State(state): State<AppState>, caller: Caller) -> CsResult<Json<Value>> {
    let (account, external_id) = state.app.connectors().aws_base(caller.principal())?;
    Ok(Json(json!({"accountId": account, "externalId": external_id})))
}

fn aws_row(connector: &Connector) -> Value {
    let ConnectorSettings { identity, name, description, account_type, .. } = &connector.settings;
    json!({"arn": identity, "name": name, "description": description, "accountType": account_type})
}

/// `GET /registry/aws/connectors`.
pub(super) async fn aws_list(State(state): State<AppState>, caller: Caller) -> CsResult<Json<Vec<Value>>> {
    let all = state.app.connectors().list(caller.principal(), Cloud::Aws).await?;
    Ok(Json(all.iter().map(aws_row).collect()))
}

/// `GET /registry/aws/connectors/{accountId}`: those of one account.
pub(super) async fn aws_of_account(
    State(state): State<AppState>,
    Path(account): Path<String>,
    caller: Caller,
) -> CsResult<Json<Vec<Value>>> {
    let all = state.app.connectors().list(caller.principal(), Cloud::Aws).await?;
    let of_account = |c: &&Connector| c.settings.identity.split(':').nth(4) == Some(account.as_str());
    Ok(Json(all.iter().filter(of_account).map(aws_row).collect()))
}

/// A role to be taken.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AwsRequest {
    arn: Option<String>,
    name: Option<String>,
    description: Option<String>,
    external_id: Option<Value>,
    account_type: Option<String>,
}

/// `POST /registry/aws/connector`.
pub(super) async fn aws_create(
    State(state): State<AppState>,
    caller: Caller,
    Body(request): Body<AwsRequest>,
) -> CsResult<Json<Value>> {
    // The list of bases gives it as a number, so some send it back as one.
    let external_id = match request.external_id {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text,
        Some(Value::Number(number)) => number.to_string(),
        Some(_) => return Err(CsError::invalid("externalId must be a text")),
    };
    let settings = ConnectorSettings {
        cloud: Cloud::Aws,
        identity: needed("arn", request.arn)?,
        name: needed("name", request.name)?,
        description: request.description.unwrap_or_default(),
        external_id,
        account_type: request.account_type.unwrap_or_else(|| "Global".to_owned()),
        tenant: String::new(),
    };
    let made = state.app.connectors().create(caller.principal(), &settings, &Secret::default()).await?;
    Ok(Json(json!({"arn": made.settings.identity})))
}

/// Which role.
#[derive(Debug, Deserialize)]
pub(super) struct AwsDelete {
    arn: Option<String>,
}

/// `DELETE /registry/aws/connector`: 200 without a body, 412 while a registry uses it.
pub(super) async fn aws_delete(
    State(state): State<AppState>,
    caller: Caller,
    Body(request): Body<AwsDelete>,
) -> CsResult<StatusCode> {
    let arn = needed("arn", request.arn)?;
    state.app.connectors().delete(caller.principal(), Cloud::Aws, &arn).await?;
    Ok(StatusCode::OK)
}

fn acr_row(connector: &Connector) -> Value {
    let ConnectorSettings { identity, name, description, tenant, .. } = &connector.settings;
    let tenant = Some(tenant).filter(|tenant| !tenant.is_empty());
    json!({"connectorId": connector.uuid, "name": name, "applicationId": identity,
        "description": description, "tenantId": tenant})
}

fn gcp_row(connector: &Connector) -> Value {
    let ConnectorSettings { identity, name, description, .. } = &connector.settings;
    json!({"connectorId": connector.uuid, "name": name, "clientEmail": identity, "description": description})
}

async fn one(state: &AppState, caller: &Caller, cloud: Cloud, id: &str) -> CsResult<Connector> {
    let uuid = super::id(id, "connector")?;
    let all = state.app.connectors().list(caller.principal(), cloud).await?;
    all.into_iter().find(|c| c.uuid == uuid).ok_or_else(|| CsError::not_found(format!("connector {id}")))
}

/// `GET /registry/acr/connectors`.
pub(super) async fn acr_list(State(state): State<AppState>, caller: Caller) -> CsResult<Json<Vec<Value>>> {
    let all = state.app.connectors().list(caller.principal(), Cloud::Azure).await?;
    Ok(Json(all.iter().map(acr_row).collect()))
}

/// `GET /registry/acr/connector/{connectorId}`.
pub(super) async fn acr_get(
    State(state): State<AppState>,
    Path(connector): Path<String>,
    caller: Caller,
) -> CsResult<Json<Value>> {
    Ok(Json(acr_row(&one(&state, &caller, Cloud::Azure, &connector).await?)))
}

/// An application that may read registries.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AcrRequest {
    name: Option<String>,
    application_id: Option<String>,
    client_secret: Option<String>,
    description: Option<String>,
    /// The directory that knows the application. Clients of the contract do not send it.
    tenant_id: Option<String>,
}

/// `POST /registry/acr/connector`.
pub(super) async fn acr_create(
    State(state): State<AppState>,
    caller: Caller,
    Body(request): Body<AcrRequest>,
) -> CsResult<Json<Value>> {
    let settings = ConnectorSettings {
        cloud: Cloud::Azure,
        identity: needed("applicationId", request.application_id)?,
        name: needed("name", request.name)?,
        description: request.description.unwrap_or_default(),
        external_id: String::new(),
        account_type: String::new(),
        tenant: request.tenant_id.unwrap_or_default(),
    };
    let secret = Secret::new(needed("clientSecret", request.client_secret)?);
    let made = state.app.connectors().create(caller.principal(), &settings, &secret).await?;
    Ok(Json(json!({"connectorId": made.uuid})))
}

/// Which application.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AcrDelete {
    connector_id: Option<String>,
}

/// `DELETE /registry/acr/connector`: 200 without a body, 412 while a registry uses it.
pub(super) async fn acr_delete(
    State(state): State<AppState>,
    caller: Caller,
    Body(request): Body<AcrDelete>,
) -> CsResult<StatusCode> {
    let id = needed("connectorId", request.connector_id)?;
    let connector = one(&state, &caller, Cloud::Azure, &id).await?;
    let named = connector.uuid.to_string();
    state.app.connectors().delete(caller.principal(), Cloud::Azure, &named).await?;
    Ok(StatusCode::OK)
}

/// `GET /registry/gcp/connectors`.
pub(super) async fn gcp_list(State(state): State<AppState>, caller: Caller) -> CsResult<Json<Vec<Value>>> {
    let all = state.app.connectors().list(caller.principal(), Cloud::Google).await?;
    Ok(Json(all.iter().map(gcp_row).collect()))
}

/// `GET /registry/gcp/connector/{connectorId}`.
pub(super) async fn gcp_get(
    State(state): State<AppState>,
    Path(connector): Path<String>,
    caller: Caller,
) -> CsResult<Json<Value>> {
    Ok(Json(gcp_row(&one(&state, &caller, Cloud::Google, &connector).await?)))
}

/// What is used of a service account's key.
#[derive(Deserialize)]
struct ServiceAccount {
    client_email: Option<String>,
    private_key: Option<String>,
}

/// `POST /registry/gcp/connector`: a form in parts, with the key's file among them.
pub(super) async fn gcp_create(
    State(state): State<AppState>,
    caller: Caller,
    mut form: Multipart,
) -> CsResult<Json<Value>> {
    let (mut key, mut name, mut description) = (None, None, None);
    let wrong =
        |error: axum::extract::multipart::MultipartError| CsError::new(error.status(), error.body_text());
    while let Some(part) = form.next_field().await.map_err(wrong)? {
        let slot = match part.name() {
            Some("serviceAccountJson") => &mut key,
            Some("name") => &mut name,
            Some("description") => &mut description,
            _ => continue,
        };
        *slot = Some(part.text().await.map_err(wrong)?);
    }
    let key = needed("serviceAccountJson", key)?;
    let invalid = || CsError::invalid("serviceAccountJson must be the JSON key of a service account");
    if key.len() > MAX_KEY {
        return Err(invalid());
    }
    // The parser's message may quote the key, so it is left out.
    let account: ServiceAccount = serde_json::from_str(&key).map_err(|_| invalid())?;
    let identity = account.client_email.filter(|_| account.private_key.is_some()).ok_or_else(invalid)?;
    let settings = ConnectorSettings {
        cloud: Cloud::Google,
        identity,
        name: needed("name", name)?,
        description: description.unwrap_or_default(),
        external_id: String::new(),
        account_type: String::new(),
        tenant: String::new(),
    };
    let made = state.app.connectors().create(caller.principal(), &settings, &Secret::new(key)).await?;
    Ok(Json(json!({"connectorId": made.uuid})))
}
