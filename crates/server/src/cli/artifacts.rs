//! `--artifacts`: where finished exports are kept.
//!
//! A bucket takes its settings from the variables that every AWS program reads. Profiles, files and
//! metadata services are not consulted: what is not in the environment is an error that says so.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use parapet_fetch::BucketOptions;
use parapet_service::ArtifactPlace;

/// Reads `file:DIR` or `s3://BUCKET[/PREFIX]`. `variable` gives environment variables.
pub(super) fn artifact_place(
    text: &str,
    data_dir: &Path,
    variable: &dyn Fn(&str) -> Option<String>,
) -> anyhow::Result<ArtifactPlace> {
    if let Some(folder) = text.strip_prefix("file:") {
        if folder.is_empty() {
            bail!("--artifacts file: names no folder");
        }
        let folder = folder.strip_prefix("//").unwrap_or(folder);
        return Ok(ArtifactPlace::Folder(PathBuf::from(folder)));
    }
    let Some(rest) = text.strip_prefix("s3://") else {
        bail!("--artifacts takes file:DIR or s3://BUCKET/PREFIX, not {text:?}");
    };
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
    if bucket.is_empty() || !bucket.chars().all(plain) {
        bail!("--artifacts: {bucket:?} is no name of a bucket");
    }
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let needed = |name: &str| set(name).with_context(|| format!("--artifacts {text} needs {name}"));
    Ok(ArtifactPlace::Bucket {
        bucket: BucketOptions {
            bucket: bucket.to_owned(),
            prefix: prefix.trim_matches('/').to_owned(),
            endpoint: set("AWS_ENDPOINT_URL_S3").or_else(|| set("AWS_ENDPOINT_URL")),
            region: set("AWS_REGION").map_or_else(|| needed("AWS_DEFAULT_REGION"), Ok)?,
            access_key: needed("AWS_ACCESS_KEY_ID")?,
            secret_key: needed("AWS_SECRET_ACCESS_KEY")?,
            session_token: set("AWS_SESSION_TOKEN"),
        },
        staging: data_dir.join("artifacts"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, variables: &[(&str, &str)]) -> anyhow::Result<ArtifactPlace> {
        let variable =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        artifact_place(text, Path::new("data"), &variable)
    }

    #[test]
    fn a_folder_needs_nothing_else() {
        for text in ["file:/srv/exports", "file:///srv/exports"] {
            assert!(
                matches!(place(text, &[]).unwrap(), ArtifactPlace::Folder(dir) if dir == Path::new("/srv/exports"))
            );
        }
    }

    #[test]
    fn a_bucket_takes_the_usual_variables() {
        let keys = [("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret"), ("AWS_REGION", "here")];
        let ArtifactPlace::Bucket { bucket, staging } = place("s3://exports/team/a/", &keys).unwrap() else {
            panic!("a bucket was asked for");
        };
        assert_eq!((bucket.bucket.as_str(), bucket.prefix.as_str()), ("exports", "team/a"));
        assert_eq!((bucket.region.as_str(), bucket.endpoint.as_deref()), ("here", None));
        assert_eq!(staging, Path::new("data/artifacts"));
        assert!(!format!("{bucket:?}").contains("secret"));
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = |text, variables: &[_]| place(text, variables).unwrap_err().to_string();
        assert!(error("s3://b/p", &[]).contains("AWS_DEFAULT_REGION"));
        assert!(error("s3://b/p", &[("AWS_REGION", "x")]).contains("AWS_ACCESS_KEY_ID"));
        assert!(error("s3://", &[]).contains("no name of a bucket"));
        assert!(error("s3://a_b@c/p", &[]).contains("no name of a bucket"));
        assert!(error("ftp://b", &[]).contains("file:DIR or s3://BUCKET"));
    }
}
