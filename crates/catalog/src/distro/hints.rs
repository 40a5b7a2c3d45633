//! What other files add to os-release: branches of Alpine's repositories, products of SUSE, Ubuntu Pro.

use crate::arf::ArfError;
use crate::arf::xml::Xml;

/// The branch that packages come from, where all repositories without a tag agree: `v3.20`, `edge`.
/// Lines with a tag (`@testing …`) are for packages that ask for it.
pub(super) fn alpine_branch(repositories: &str) -> Option<&str> {
    let lines = repositories.lines().map(str::trim);
    let mut branches =
        lines.filter(|line| !line.is_empty() && !line.starts_with(['#', '@'])).filter_map(branch);
    let first = branches.next()?;
    branches.all(|other| other == first).then_some(first)
}

/// `https://host/alpine/v3.20/main`: the part before the last.
fn branch(line: &str) -> Option<&str> {
    let mut parts = line.trim_end_matches('/').rsplit('/');
    let branch = parts.nth(1)?;
    let numbered =
        branch.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    (branch == "edge" || numbered).then_some(branch)
}

/// Name and version of a SUSE product, `SLES` and `15.6`.
pub(super) fn suse_product(text: &str) -> Option<(String, String)> {
    let read = || -> Result<(String, String), ArfError> {
        let mut xml = Xml::new(text.as_bytes(), text.len() as u64)?;
        let (mut name, mut version) = (String::new(), String::new());
        xml.root()?;
        while xml.child()? {
            match xml.name() {
                "name" if name.is_empty() => name = xml.text(100)?,
                "version" if version.is_empty() => version = xml.text(100)?,
                _ => xml.skip()?,
            }
        }
        Ok((name, version))
    };
    read().ok().filter(|(name, version)| !name.is_empty() && !version.is_empty())
}

/// Whether the machine was attached to Ubuntu Pro: the client's own word, else the sources that it adds.
pub(super) fn is_attached_to_pro(status: Option<&str>, sources: &[&str]) -> bool {
    #[derive(serde::Deserialize)]
    struct Status {
        attached: bool,
    }
    match status.and_then(|text| serde_json::from_str::<Status>(text).ok()) {
        Some(status) => status.attached,
        None => sources.iter().any(|text| text.lines().any(is_source)),
    }
}

/// `deb https://esm.ubuntu.com/…` or `URIs: https://esm.ubuntu.com/…`, not behind a `#`.
fn is_source(line: &str) -> bool {
    let line = line.trim();
    (line.starts_with("deb ") || line.starts_with("URIs:")) && line.contains("esm.ubuntu.com")
}
