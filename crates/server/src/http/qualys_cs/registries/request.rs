//! A registry as it is asked for (contract 3.2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parapet_service::Error;
use parapet_store::connectors::{Cloud, Connector};
use parapet_store::registries::{RegistryKind, RegistrySettings, RegistrySource};
use parapet_store::seal::Secret;
use serde::Deserialize;
use uuid::Uuid;

use crate::http::auth::Caller;
use crate::http::qualys_cs::{CsError, CsResult};
use crate::http::state::AppState;

/// What the wire calls the kinds; `ACR` is what one client says for Azure.
const KINDS: [(&str, RegistryKind); 8] = [
    ("V2", RegistryKind::V2),
    ("V2_PRIVATE", RegistryKind::V2Private),
    ("DockerHub", RegistryKind::DockerHub),
    ("AWS", RegistryKind::Aws),
    ("Azure", RegistryKind::Azure),
    ("GCP", RegistryKind::Gcp),
    ("GOOGLE_ARTIFACT_REGISTRY", RegistryKind::GoogleArtifact),
    ("ACR", RegistryKind::Azure),
];
const CREDENTIAL_TYPES: [&str; 8] = ["None", "Token", "BasicAuth", "DockerHub", "Oauth", "AWS", "ACR", "GCP"];
/// With whom an access token is sent that came without a name; who it is, the token says.
const TOKEN_USER: &str = "_token";

/// The kind of that name.
pub(in crate::http::qualys_cs) fn kind_of(text: &str) -> CsResult<RegistryKind> {
    let found = KINDS.into_iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
    found.map(|(_, kind)| kind).ok_or_else(|| {
        let words = KINDS.map(|(word, _)| word).join(", ");
        CsError::invalid(format!("registryType must be one of {words}, not {text:?}"))
    })
}

/// The name of a kind.
pub(super) fn kind_word(kind: RegistryKind) -> &'static str {
    KINDS.into_iter().find(|(_, known)| *known == kind).map_or("V2", |(word, _)| word)
}

/// Body of create, validate and update.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::http::qualys_cs) struct RegistryRequest {
    registry_type: Option<String>,
    registry_uri: Option<String>,
    registry_name: Option<String>,
    credential_type: Option<String>,
    credential: Option<Credential>,
    access_token: Option<String>,
    docker_hub_org_name: Option<String>,
    aws: Option<Aws>,
    acr: Option<Acr>,
    gcp: Option<Gcp>,
    gcar: Option<Gcp>,
}

#[derive(Default, Deserialize)]
struct Credential {
    username: Option<String>,
    password: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Aws {
    account_id: Option<String>,
    arn: Option<String>,
    region: Option<String>,
    account_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Acr {
    connector_id: Option<String>,
    connector_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Gcp {
    connector_id: Option<String>,
    location: Option<String>,
    project_id: Option<String>,
    registry: Option<String>,
}

/// A request that was understood.
pub(super) struct Read {
    pub(super) settings: RegistrySettings,
    pub(super) secret: Secret,
    /// A name was given.
    pub(super) named: bool,
    /// Something to sign in with was given.
    pub(super) signs_in: bool,
    /// Name and secret as they were sent, when what was read of them is their Base64.
    raw: Option<(String, Secret)>,
}

fn needed(name: &str, value: Option<String>) -> CsResult<String> {
    let value = value.filter(|text| !text.trim().is_empty());
    value.ok_or_else(|| CsError::invalid(format!("{name} is mandatory")))
}

impl RegistryRequest {
    pub(super) async fn read(self, state: &AppState, caller: &Caller) -> CsResult<Read> {
        let kind = kind_of(&needed("registryType", self.registry_type)?)?;
        let endpoint = needed("registryUri", self.registry_uri)?.trim().trim_end_matches('/').to_owned();
        let credential_type = self.credential_type.as_deref().map(credential_type).transpose()?;
        let host = endpoint.split_once("://").map_or(endpoint.as_str(), |(_, rest)| rest);
        let name = self.registry_name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        let mut settings = RegistrySettings {
            name: name.clone().unwrap_or_else(|| host.to_owned()),
            kind,
            // Only an address that says so is spoken to without TLS.
            plain_http: endpoint.starts_with("http://"),
            endpoint,
            ..RegistrySettings::default()
        };
        settings.source = source(state, caller, kind, self.aws, self.acr, self.gcp, self.gcar).await?;
        settings.source.organization = self.docker_hub_org_name.unwrap_or_default();
        let Credential { username, password } = self.credential.unwrap_or_default();
        let (username, password) = (username.unwrap_or_default(), password.unwrap_or_default());
        let token = self.access_token.filter(|token| !token.is_empty());
        let (username, secret) = match (token, credential_type) {
            (Some(token), _) if username.is_empty() => (TOKEN_USER.to_owned(), token),
            (Some(token), _) => (username, token),
            (None, Some("BasicAuth")) if username.is_empty() || password.is_empty() => {
                return Err(CsError::invalid(
                    "credential with username and password is mandatory for BasicAuth",
                ));
            }
            (None, Some("Token")) if password.is_empty() => {
                return Err(CsError::invalid("accessToken is mandatory for Token"));
            }
            (None, _) if username.is_empty() && !password.is_empty() => (TOKEN_USER.to_owned(), password),
            (None, _) => (username, password),
        };
        let signs_in =
            !secret.is_empty() || settings.source.connector.is_some() || credential_type == Some("None");
        let decoded = decoded(&username).zip(decoded(&secret));
        let raw = decoded.is_some().then(|| (username.clone(), Secret::new(secret.clone())));
        let (username, secret) = decoded.unwrap_or((username, secret));
        settings.username = username;
        Ok(Read { settings, secret: Secret::new(secret), named: name.is_some(), signs_in, raw })
    }
}

impl Read {
    /// Clients send name and password as they are, or each in Base64, and do not say which. What
    /// decodes to text is taken for Base64, unless the registry refuses that.
    pub(super) async fn choose_secret(mut self, state: &AppState, caller: &Caller) -> CsResult<Self> {
        let Some((username, secret)) = self.raw.take() else { return Ok(self) };
        let registries = state.app.registries();
        match registries.probe(caller.principal(), &self.settings, &self.secret).await {
            Err(Error::Fetch(parapet_fetch::FetchError::CredentialsRefused { .. })) => {
                self.settings.username = username;
                self.secret = secret;
                Ok(self)
            }
            Ok(()) | Err(Error::Fetch(_)) => Ok(self),
            Err(error) => Err(error.into()),
        }
    }
}

fn credential_type(text: &str) -> CsResult<&'static str> {
    CREDENTIAL_TYPES.into_iter().find(|word| word.eq_ignore_ascii_case(text)).ok_or_else(|| {
        CsError::invalid(format!(
            "credentialType must be one of {}, not {text:?}",
            CREDENTIAL_TYPES.join(", ")
        ))
    })
}

/// What a text is in Base64, when that is text too.
fn decoded(text: &str) -> Option<String> {
    let text = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
    Some(text).filter(|text| !text.is_empty() && !text.contains(char::is_control))
}

/// What the kind needs beside the address.
async fn source(
    state: &AppState,
    caller: &Caller,
    kind: RegistryKind,
    aws: Option<Aws>,
    acr: Option<Acr>,
    gcp: Option<Gcp>,
    gcar: Option<Gcp>,
) -> CsResult<RegistrySource> {
    let connectors = |cloud| async move { state.app.connectors().list(caller.principal(), cloud).await };
    let none = RegistrySource::default();
    match kind {
        RegistryKind::V2 | RegistryKind::V2Private | RegistryKind::DockerHub => Ok(none),
        RegistryKind::Aws => {
            let Some(aws) = aws else { return Err(CsError::invalid("aws is mandatory for AWS")) };
            let arn = needed("aws.arn", aws.arn)?;
            let known = connectors(Cloud::Aws).await?;
            let connector = known.iter().find(|c| c.settings.identity == arn);
            let connector =
                connector.ok_or_else(|| CsError::invalid(format!("there is no connector {arn}")))?;
            let region = needed("aws.region", aws.region)?;
            let account_type = aws.account_type.unwrap_or_else(|| connector.settings.account_type.clone());
            let gov = match account_type.as_str() {
                "Global" => false,
                "US_Gov" => true,
                _ => return Err(CsError::invalid("accountType must be Global or US_Gov")),
            };
            if gov != region.starts_with("us-gov-") {
                return Err(CsError::invalid("a us-gov region and accountType US_Gov go together"));
            }
            let account = aws.account_id.unwrap_or_default();
            Ok(RegistrySource { connector: Some(connector.uuid), account, region, account_type, ..none })
        }
        RegistryKind::Azure => {
            // Azure registries can be signed in to with a name and password too.
            let Some(acr) = acr else { return Ok(none) };
            let known = connectors(Cloud::Azure).await?;
            let connector = match (acr.connector_id, acr.connector_name) {
                (Some(id), _) => by_id(&known, &id)?,
                (None, Some(name)) => known
                    .iter()
                    .find(|c| c.settings.name == name)
                    .map(|c| c.uuid)
                    .ok_or_else(|| CsError::invalid(format!("there is no connector {name}")))?,
                (None, None) => return Err(CsError::invalid("acr.connectorId is mandatory")),
            };
            Ok(RegistrySource { connector: Some(connector), ..none })
        }
        RegistryKind::Gcp | RegistryKind::GoogleArtifact => {
            let Some(google) = gcp.or(gcar) else { return Ok(none) };
            let id = needed("connectorId", google.connector_id)?;
            let connector = by_id(&connectors(Cloud::Google).await?, &id)?;
            Ok(RegistrySource {
                connector: Some(connector),
                region: google.location.unwrap_or_default(),
                cloud_project: google.project_id.unwrap_or_default(),
                repository: google.registry.unwrap_or_default(),
                ..none
            })
        }
    }
}

fn by_id(known: &[Connector], id: &str) -> CsResult<Uuid> {
    let uuid = Uuid::try_parse(id).ok();
    let found = known.iter().map(|connector| connector.uuid).find(|known| Some(*known) == uuid);
    found.ok_or_else(|| CsError::invalid(format!("there is no connector {id}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_recognised_and_words_are_left_alone() {
        assert_eq!(decoded("c2Nhbm5lcg==").as_deref(), Some("scanner"));
        assert_eq!(decoded("c2Nhbi1wYXNz").as_deref(), Some("scan-pass"));
        for plain in ["scanner", "scan-pass", "test", "admin", "", "AWS"] {
            assert_eq!(decoded(plain), None, "{plain}");
        }
    }

    #[test]
    fn every_kind_has_a_name() {
        for kind in RegistryKind::ALL {
            assert_eq!(kind_of(kind_word(kind)).unwrap(), kind);
        }
        assert_eq!(kind_of("ACR").unwrap(), RegistryKind::Azure);
        assert!(kind_of("Nexus").is_err());
    }
}
