//! Where clouds are, and who the server is there. All of it is the operator's word, so that the same
//! code speaks to a cloud, to one of a closed network, and to an emulator.

use parapet_fetch::AwsKeys;
use parapet_store::connectors::Cloud;
use url::{Host, Url};

use crate::error::{Error, Result};

/// Who the server is at AWS, before it takes a role.
#[derive(Debug, Clone)]
pub struct AwsIdentity {
    /// Its keys.
    pub keys: AwsKeys,
    /// Its account: 12 digits, which role owners trust.
    pub account: String,
    /// `http(s)://host[:port]` that stands for all of Amazon's services; `None` for Amazon itself.
    pub endpoint: Option<String>,
}

/// Places that stand for the clouds' own; the default is the clouds themselves.
#[derive(Debug, Clone, Default)]
pub struct Clouds {
    /// Who the server is at AWS; `None` for nobody.
    pub aws: Option<AwsIdentity>,
    /// Where applications of Azure sign in.
    pub azure_login: Option<String>,
    /// Where statements of Google's service accounts are exchanged.
    pub google_token: Option<String>,
    /// Docker Hub beside its registry.
    pub docker_hub: Option<String>,
    /// Hosts (`host` or `host:port`) that connectors sign in to beside the clouds' own.
    pub registry_hosts: Vec<String>,
}

impl Clouds {
    /// Refuses a registry that is not of the cloud, and was not named by the operator.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub(crate) fn check_host(&self, cloud: Cloud, endpoint: &str) -> Result<()> {
        let text = if endpoint.contains("://") { endpoint.to_owned() } else { format!("https://{endpoint}") };
        let url = Url::parse(&text).map_err(|_| Error::Invalid(format!("{endpoint:?} is not an address")))?;
        let host = url.host_str().unwrap_or_default();
        let named = self.registry_hosts.iter().any(|entry| {
            entry.eq_ignore_ascii_case(host)
                || url.port_or_known_default().is_some_and(|port| {
                    entry.rsplit_once(':').is_some_and(|(name, given)| {
                        name.eq_ignore_ascii_case(host) && given.parse() == Ok(port)
                    })
                })
        });
        if named || (url.scheme() == "https" && is_of(cloud, &url)) {
            return Ok(());
        }
        Err(Error::Invalid(format!(
            "{host} is no registry of that cloud, and its connectors sign in nowhere else; \
             the operator can name hosts with serve --cloud-registry-host"
        )))
    }
}

/// Whether an address is in the domains that the cloud alone gives out.
fn is_of(cloud: Cloud, url: &Url) -> bool {
    let Some(Host::Domain(host)) = url.host() else { return false };
    let under = |domain: &str| host.strip_suffix(domain).is_some_and(|front| front.ends_with('.'));
    match cloud {
        Cloud::Aws => {
            let amazon = ["amazonaws.com", "amazonaws.com.cn", "on.aws"];
            amazon.into_iter().any(under) && host.contains(".dkr")
        }
        Cloud::Azure => ["azurecr.io", "azurecr.cn", "azurecr.us"].into_iter().any(under),
        Cloud::Google => host == "gcr.io" || ["gcr.io", "pkg.dev"].into_iter().any(under),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connectors_sign_in_to_their_cloud_and_to_hosts_that_the_operator_named() {
        let clouds = Clouds {
            registry_hosts: vec!["mirror.example".to_owned(), "10.0.0.1:5000".to_owned()],
            ..Clouds::default()
        };
        for (cloud, endpoint) in [
            (Cloud::Aws, "https://123456789012.dkr.ecr.us-east-1.amazonaws.com"),
            (Cloud::Aws, "123456789012.dkr.ecr.us-gov-west-1.amazonaws.com"),
            (Cloud::Azure, "https://shop.azurecr.io"),
            (Cloud::Google, "https://eu.gcr.io"),
            (Cloud::Google, "gcr.io"),
            (Cloud::Google, "https://europe-west3-docker.pkg.dev"),
            (Cloud::Azure, "https://MIRROR.example"),
            (Cloud::Google, "http://10.0.0.1:5000"),
        ] {
            clouds.check_host(cloud, endpoint).unwrap_or_else(|error| panic!("{endpoint}: {error}"));
        }
        for (cloud, endpoint) in [
            (Cloud::Azure, "https://evil.example"),
            (Cloud::Azure, "https://azurecr.io.evil.example"),
            (Cloud::Azure, "https://evilazurecr.io"),
            (Cloud::Azure, "http://shop.azurecr.io"),
            (Cloud::Google, "https://notgcr.io"),
            (Cloud::Google, "https://10.0.0.1:5001"),
            (Cloud::Aws, "https://s3.amazonaws.com"),
            (Cloud::Aws, "https://shop.azurecr.io"),
        ] {
            assert!(clouds.check_host(cloud, endpoint).is_err(), "{endpoint}");
        }
    }
}
