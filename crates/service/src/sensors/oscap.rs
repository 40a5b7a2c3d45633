//! Runs `oscap`, the scanner of OpenSCAP, where it is installed, and keeps its results in a file until they
//! are sent. Nothing of the server's choosing runs: profile and content are the sensor's own options.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tempfile::NamedTempFile;
use tokio::process::Command;

use crate::error::{Error, Result};

/// Longest evaluation; walking a large tree takes minutes.
const MAX_RUN: Duration = Duration::from_secs(3600);
/// Where Debian's packages `ssg-*` put their content.
const CONTENT: &str = "/usr/share/xml/scap/ssg/content";
/// What is shown of the scanner's own words.
const MAX_WORDS: usize = 500;

/// What a sensor has its host evaluated against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checklist {
    /// Id of the profile, whole or its end.
    pub profile: String,
    /// The data stream; the one of this distribution when absent.
    pub content: Option<PathBuf>,
    /// The scanner.
    pub program: PathBuf,
}

impl std::str::FromStr for Checklist {
    type Err = String;

    /// `PROFILE` or `PROFILE,CONTENT`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (profile, content) = match text.split_once(',') {
            Some((profile, content)) => (profile.trim(), Some(PathBuf::from(content.trim()))),
            None => (text.trim(), None),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-:".contains(c);
        if profile.is_empty() || profile.starts_with('-') || !profile.chars().all(plain) {
            return Err(format!("{profile:?} is no id of a profile"));
        }
        Ok(Self { profile: profile.to_owned(), content, program: PathBuf::from("oscap") })
    }
}

impl Checklist {
    /// Evaluates the system at `root`; the file goes away when it is dropped.
    pub(super) async fn run(&self, root: &Path) -> Result<NamedTempFile> {
        let content = match &self.content {
            Some(content) => content.clone(),
            None => content_of(&std::fs::read_to_string(root.join("etc/os-release")).unwrap_or_default())?,
        };
        if !content.is_file() {
            return Err(Error::Invalid(format!(
                "there is no content at {}; install it (on Debian: ssg-debian) or name it after the profile",
                content.display()
            )));
        }
        let results = NamedTempFile::new().map_err(Error::internal)?;
        let mut command = Command::new(&self.program);
        command.args(["xccdf", "eval", "--profile", &self.profile, "--results-arf"]);
        command.arg(results.path()).arg(&content);
        if root != Path::new("/") {
            command.env("OSCAP_PROBE_ROOT", root);
        }
        let command =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let run = tokio::time::timeout(MAX_RUN, command.output()).await;
        let output = match run {
            Err(_) => return Err(Error::Invalid(format!("oscap took longer than {} s", MAX_RUN.as_secs()))),
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::Invalid(
                    "oscap is not installed (on Debian: openscap-scanner)".to_owned(),
                ));
            }
            Ok(output) => output.map_err(|error| Error::file(&self.program, error))?,
        };
        // 2 says that a rule failed, which is what one wants to know.
        match output.status.code() {
            Some(0 | 2) => Ok(results),
            code => {
                let words = String::from_utf8_lossy(&output.stderr);
                let words: String = words.trim().chars().take(MAX_WORDS).collect();
                Err(Error::Invalid(format!("oscap failed ({code:?}): {words}")))
            }
        }
    }
}

/// The data stream of the SCAP Security Guide for a distribution.
fn content_of(os_release: &str) -> Result<PathBuf> {
    let value = |name: &str| {
        let line = os_release.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.map(|value| value.trim().trim_matches('"').to_owned()).unwrap_or_default()
    };
    let (id, version) = (value("ID"), value("VERSION_ID"));
    let plain = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '.');
    if !plain(&id) || !plain(&version) {
        return Err(Error::Invalid("os-release names no distribution; name the content".to_owned()));
    }
    let major = version.split('.').next().unwrap_or(&version);
    let name = match id.as_str() {
        "ubuntu" => format!("ssg-ubuntu{}-ds.xml", version.replace('.', "")),
        id => format!("ssg-{id}{major}-ds.xml"),
    };
    Ok(Path::new(CONTENT).join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_is_that_of_the_distribution() {
        let of = |text: &str| content_of(text).map(|path| path.display().to_string());
        let debian = of("PRETTY_NAME=\"Debian\"\nVERSION_ID=\"12\"\nID=debian\n").unwrap();
        assert_eq!(debian, format!("{CONTENT}/ssg-debian12-ds.xml"));
        assert_eq!(
            of("ID=ubuntu\nVERSION_ID=\"22.04\"").unwrap(),
            format!("{CONTENT}/ssg-ubuntu2204-ds.xml")
        );
        assert_eq!(of("ID=\"rhel\"\nVERSION_ID=\"9.4\"").unwrap(), format!("{CONTENT}/ssg-rhel9-ds.xml"));
        assert!(of("ID=../../x\nVERSION_ID=1").is_err());
    }

    #[test]
    fn a_checklist_is_a_profile_and_maybe_its_content() {
        let list: Checklist = "standard".parse().unwrap();
        assert_eq!((list.profile.as_str(), list.content), ("standard", None));
        let list: Checklist = "standard,/srv/ds.xml".parse().unwrap();
        assert_eq!(list.content.as_deref(), Some(Path::new("/srv/ds.xml")));
        for wrong in ["", "--help", "a b", "x;y"] {
            assert!(wrong.parse::<Checklist>().is_err(), "{wrong}");
        }
    }
}
