//! `--aws-account`: who the server is at AWS before it takes a role.

use anyhow::{Context as _, bail};
use parapet_fetch::AwsKeys;
use parapet_service::connectors::AwsIdentity;

/// The account given, with the keys that the usual variables hold. `variable` gives environment
/// variables; profiles, files and metadata services are not consulted.
pub(super) fn aws_identity(
    account: &str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> anyhow::Result<AwsIdentity> {
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
