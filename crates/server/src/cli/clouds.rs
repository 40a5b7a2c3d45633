//! Options of `serve` about clouds: who the server is at AWS before it takes a role, and what stands
//! for the addresses of clouds.

use anyhow::{Context as _, bail};
use clap::Args;
use parapet_fetch::AwsKeys;
use parapet_service::connectors::{AwsIdentity, Clouds};

/// See the module.
#[derive(Debug, Args)]
pub(super) struct CloudOptions {
    /// This server's own AWS account, 12 digits, for connectors to Amazon's registries; its keys and
    /// AWS_ENDPOINT_URL come from the usual AWS variables
    #[arg(long, value_name = "ACCOUNT", env = "PARAPET_AWS_ACCOUNT")]
    aws_account: Option<String>,
    /// Where applications of Azure sign in [default: https://login.microsoftonline.com]
    #[arg(long, value_name = "URL", env = "PARAPET_AZURE_LOGIN")]
    azure_login: Option<String>,
    /// Where keys of Google's service accounts are exchanged for tokens [default: what the key says]
    #[arg(long, value_name = "URL", env = "PARAPET_GOOGLE_TOKEN")]
    google_token: Option<String>,
    /// Docker Hub beside its registry [default: https://hub.docker.com]
    #[arg(long, value_name = "URL", env = "PARAPET_DOCKER_HUB")]
    docker_hub: Option<String>,
    /// A host or host:port beside the clouds' own that connectors may sign in to; may be repeated
    #[arg(long, value_name = "HOST")]
    cloud_registry_host: Vec<String>,
}

impl CloudOptions {
    /// What was said. `variable` gives environment variables.
    pub(super) fn read(&self, variable: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<Clouds> {
        let aws = self.aws_account.as_deref().map(|account| aws_identity(account, variable)).transpose()?;
        Ok(Clouds {
            aws,
            azure_login: self.azure_login.clone(),
            google_token: self.google_token.clone(),
            docker_hub: self.docker_hub.clone(),
            registry_hosts: self.cloud_registry_host.clone(),
        })
    }
}

/// The account given, with the keys that the usual variables hold. `variable` gives environment
/// variables; profiles, files and metadata services are not consulted.
fn aws_identity(account: &str, variable: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<AwsIdentity> {
    if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
        bail!("--aws-account takes the 12 digits of an account, not {account:?}");
    }
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let needed = |name: &str| set(name).with_context(|| format!("--aws-account needs {name}"));
    Ok(AwsIdentity {
        keys: AwsKeys {
            access_key: needed("AWS_ACCESS_KEY_ID")?,
            secret_key: needed("AWS_SECRET_ACCESS_KEY")?,
            session_token: set("AWS_SESSION_TOKEN"),
        },
        account: account.to_owned(),
        endpoint: set("AWS_ENDPOINT_URL"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let keys = |name: &str| match name {
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("x".to_owned()),
            _ => None,
        };
        assert_eq!(aws_identity("123456789012", &keys).unwrap().account, "123456789012");
        assert!(aws_identity("1234", &keys).unwrap_err().to_string().contains("12 digits"));
        let error = aws_identity("123456789012", &|_| None).unwrap_err().to_string();
        assert!(error.contains("AWS_ACCESS_KEY_ID"), "{error}");
    }
}
