//! The files from before os-release.

use super::files::variables;
use super::{Said, starts_with_digit};

/// Files of one line such as `CentOS release 6.10 (Final)`, the more telling ones first: relatives
/// of Red Hat have its file, too.
const ONE_LINE: [(&str, &str); 10] = [
    ("etc/almalinux-release", "almalinux"),
    ("etc/rocky-release", "rocky"),
    ("etc/oracle-release", "ol"),
    ("etc/openEuler-release", "openeuler"),
    ("etc/photon-release", "photon"),
    ("etc/azurelinux-release", "azurelinux"),
    ("etc/mariner-release", "mariner"),
    ("etc/mageia-release", "mageia"),
    ("etc/centos-release", "centos"),
    ("etc/redhat-release", "rhel"),
];

/// What they say.
pub(super) fn by_older_files<'a>(file: impl Fn(&[u8]) -> Option<&'a str>) -> Option<Said> {
    let said =
        |id: &str, version: &str, name: &str| Some((id.to_owned(), version.to_owned(), name.to_owned()));
    let text = |name: &str| file(name.as_bytes()).map(str::trim);
    if let Some(version) = text("etc/alpine-release") {
        return said("alpine", version, &format!("Alpine Linux {version}"));
    }
    if let Some(text) = text("etc/lsb-release") {
        let variables = variables(text);
        let value = |key: &str| variables.get(key).map_or("", String::as_str);
        if !value("DISTRIB_ID").is_empty() {
            let id = value("DISTRIB_ID").to_lowercase();
            return said(&id, value("DISTRIB_RELEASE"), value("DISTRIB_DESCRIPTION"));
        }
    }
    if let Some(text) = text("etc/SuSE-release") {
        let variables = variables_with_blanks(text);
        let value =
            |key: &str| variables.iter().find(|(name, _)| *name == key).map_or("", |(_, value)| *value);
        let first = text.lines().next().unwrap_or_default();
        let id = if first.starts_with("openSUSE") { "opensuse" } else { "sles" };
        let version = match (value("VERSION"), value("PATCHLEVEL")) {
            (version, "") => version.to_owned(),
            (version, pack) => format!("{version}.{pack}"),
        };
        return said(id, &version, first);
    }
    for (path, id) in ONE_LINE {
        if let Some(text) = text(path) {
            return said(of_line(id, text), number(text), text.lines().next().unwrap_or_default());
        }
    }
    if let Some(text) = text("etc/system-release")
        && text.starts_with("Amazon Linux")
    {
        return said("amzn", number(text), text.lines().next().unwrap_or_default());
    }
    let version = text("etc/debian_version")?;
    let release = if starts_with_digit(version) { version } else { "" };
    said("debian", release, format!("Debian GNU/Linux {version}").trim_end())
}

/// `redhat-release` is also what relatives without a file of their own have.
fn of_line<'a>(id: &'a str, text: &str) -> &'a str {
    if id != "rhel" || text.starts_with("Red Hat") {
        return id;
    }
    let names = [("AlmaLinux", "almalinux"), ("Rocky", "rocky"), ("CentOS", "centos"), ("Fedora", "fedora")];
    names.iter().find(|(name, _)| text.starts_with(name)).map_or(id, |(_, id)| *id)
}

/// The first word that begins with a digit.
fn number(text: &str) -> &str {
    text.split_whitespace().find(|word| starts_with_digit(word)).unwrap_or_default()
}

/// `VERSION = 11` on lines of their own.
fn variables_with_blanks(text: &str) -> Vec<(&str, &str)> {
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.trim(), value.trim()))
        .collect()
}
