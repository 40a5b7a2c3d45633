//! What other files add to os-release: branches of Alpine's repositories, products of SUSE, Ubuntu Pro,
//! the repositories that a layer of Red Hat was built from.

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

/// Whether a product of SUSE brings the updates that go on after general support.
pub(super) fn is_long_term(product: &str) -> bool {
    // SLES_SAP has those of its own line, which OSV names as the line.
    product == "SLES_SAP"
        || ["-LTSS", "-ESPOS", "-LTSS-Extended-Security"].iter().any(|mark| product.ends_with(mark))
}

/// Whether the machine gets the fixes of Ubuntu Pro: the client's own word, else the sources that it
/// adds.
pub(super) fn is_attached_to_pro(status: Option<&str>, sources: &[&str]) -> bool {
    #[derive(serde::Deserialize)]
    struct Status {
        attached: bool,
        #[serde(default)]
        services: Vec<Service>,
    }
    #[derive(serde::Deserialize)]
    struct Service {
        #[serde(default)]
        name: String,
        #[serde(default)]
        status: String,
    }
    let is_esm = |service: &Service| service.name.starts_with("esm-");
    match status.and_then(|text| serde_json::from_str::<Status>(text).ok()) {
        // The contract alone brings no fix: a service can be turned off.
        Some(Status { attached, services }) if services.iter().any(is_esm) => {
            attached && services.iter().any(|service| is_esm(service) && service.status == "enabled")
        }
        Some(status) => status.attached,
        None => sources.iter().any(|text| text.lines().any(is_source)),
    }
}

/// `deb https://esm.ubuntu.com/…` or `URIs: https://esm.ubuntu.com/…`, not behind a `#`.
fn is_source(line: &str) -> bool {
    let line = line.trim();
    (line.starts_with("deb ") || line.starts_with("URIs:")) && line.contains("esm.ubuntu.com")
}

/// The content sets that a layer of Red Hat says it was built from.
pub(super) fn content_sets(text: &str) -> Vec<String> {
    #[derive(serde::Deserialize)]
    struct Manifest {
        #[serde(default)]
        content_sets: Vec<String>,
    }
    serde_json::from_str::<Manifest>(text).map(|manifest| manifest.content_sets).unwrap_or_default()
}

/// The update stream of one minor release (`EUS`, `E4S`, `AUS`, `TUS`), or `ELS`, that all sets of a
/// release's base packages are of: `rhel-9-for-x86_64-baseos-eus-rpms`, `rhel-7-server-els-rpms`.
pub(super) fn stream_of<'a>(sets: impl Iterator<Item = &'a str>) -> Option<&'static str> {
    let base = sets.filter(|set| {
        set.contains("-baseos-") || (set.starts_with("rhel-7-server-") && !set.contains("-extras-"))
    });
    let mut streams = base.map(|set| {
        let words = || set.split('-');
        ["eus", "e4s", "aus", "tus", "els"].into_iter().find(|stream| words().any(|word| word == *stream))
    });
    let first = streams.next()??;
    let name = match first {
        "eus" => "EUS",
        "e4s" => "E4S",
        "aus" => "AUS",
        "tus" => "TUS",
        _ => "ELS",
    };
    streams.all(|stream| stream == Some(first)).then_some(name)
}
