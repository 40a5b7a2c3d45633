//! What this server offers, in the words of a cloud: one region, two services, each at the address by
//! which the client came.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, Uri};
use parapet_service::{Error, SignedIn};
use serde_json::{Value, json};

use super::{DOMAIN, KeystoneError};
use crate::http::auth::Caller;
use crate::http::origin::origin;

/// Name and type of a service, and what its address ends with; `PROJECT` is the caller's.
const SERVICES: [(&str, &str, &str); 2] =
    [("iam", "identity", "/v3"), ("hss", "host-security", "/v5/PROJECT")];

/// The catalogue of somebody who came by that address.
pub(super) fn of(signed_in: &SignedIn, origin: &str) -> Value {
    let project = signed_in.project.as_ref().map(|project| project.id.as_str());
    let entry = |(name, kind, end): &(&str, &str, &str)| {
        // Without a project there is no address of a service that needs one.
        let end = match project {
            Some(id) => end.replace("PROJECT", id),
            None if end.contains("PROJECT") => return None,
            None => (*end).to_owned(),
        };
        Some(json!({
            "id": name, "name": name, "type": kind,
            "endpoints": [{
                "id": format!("{name}-public"), "interface": "public", "region": DOMAIN,
                "region_id": DOMAIN, "url": format!("{origin}{end}"),
            }],
        }))
    };
    SERVICES.iter().filter_map(entry).collect()
}

/// `GET /v3/auth/catalog`.
pub(super) async fn show(uri: Uri, headers: HeaderMap, caller: Caller) -> Json<Value> {
    let catalog = of(&caller.0, &origin(&uri, &headers));
    Json(json!({"catalog": catalog, "links": links("/v3/auth/catalog")}))
}

/// `GET /v3/regions`: the one there is.
pub(super) async fn regions() -> Json<Value> {
    Json(json!({"regions": [region_document()], "links": links("/v3/regions")}))
}

/// `GET /v3/regions/{region}`.
pub(super) async fn region(Path(id): Path<String>) -> Result<Json<Value>, KeystoneError> {
    if id != DOMAIN {
        return Err(Error::NotFound("region".to_owned()).into());
    }
    Ok(Json(json!({"region": region_document()})))
}

fn region_document() -> Value {
    json!({
        "id": DOMAIN, "description": "", "parent_region_id": null, "type": "public",
        "locales": {"en-us": DOMAIN}, "links": {"self": format!("/v3/regions/{DOMAIN}")},
    })
}

/// `GET /v3/services`.
pub(super) async fn services() -> Json<Value> {
    let service = |(name, kind, _): &(&str, &str, &str)| {
        let links = json!({"self": format!("/v3/services/{name}")});
        json!({"id": name, "name": name, "type": kind, "enabled": true, "links": links})
    };
    let services: Vec<Value> = SERVICES.iter().map(service).collect();
    Json(json!({"services": services, "links": links("/v3/services")}))
}

/// `GET /v3/endpoints`.
pub(super) async fn endpoints(uri: Uri, headers: HeaderMap, caller: Caller) -> Json<Value> {
    let catalog = of(&caller.0, &origin(&uri, &headers));
    let endpoint = |service: &Value| {
        let mut endpoint = service["endpoints"][0].clone();
        endpoint["service_id"] = service["id"].clone();
        endpoint["enabled"] = json!(true);
        endpoint["links"] =
            json!({"self": format!("/v3/endpoints/{}", endpoint["id"].as_str().unwrap_or(""))});
        endpoint
    };
    let endpoints: Vec<Value> = catalog.as_array().into_iter().flatten().map(endpoint).collect();
    Json(json!({"endpoints": endpoints, "links": links("/v3/endpoints")}))
}

fn links(of: &str) -> Value {
    json!({"self": of, "previous": null, "next": null})
}
