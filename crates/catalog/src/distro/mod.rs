//! Which distribution and release this is, and what OSV calls its packages.
//!
//! `os-release` speaks first (os-release(5): `/etc` before `/usr/lib`); images without it are told
//! by the older files that its relatives left behind. Releases are named as OSV's list of
//! ecosystems does. A family that is known, with a release that is not (Debian sid, Alpine edge),
//! has the bare name, so that matching can say "release unknown" instead of guessing one.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use parapet_model::inventory::Distro;
use parapet_model::package::family_of;

/// The files that may say which distribution this is.
const FILES: [&[u8]; 9] = [
    b"etc/os-release",
    b"usr/lib/os-release",
    b"etc/lsb-release",
    b"etc/debian_version",
    b"etc/alpine-release",
    b"etc/almalinux-release",
    b"etc/rocky-release",
    b"etc/redhat-release",
    b"etc/centos-release",
];

/// Whether the path is one of them.
pub(crate) fn is_release_file(path: &[u8]) -> bool {
    (path.starts_with(b"etc/") || path.starts_with(b"usr/lib/")) && FILES.contains(&path)
}

/// Recognises the distribution from the texts of its release files, by path.
pub(crate) fn recognise(files: &BTreeMap<&[u8], &str>) -> Option<Distro> {
    let file = |name: &[u8]| files.get(name).copied();
    let debian_version = file(b"etc/debian_version").map(str::trim);
    let variables = ["etc/os-release", "usr/lib/os-release"]
        .iter()
        .filter_map(|name| file(name.as_bytes()))
        .map(variables)
        .find(|variables| variables.contains_key("ID"));
    if let Some(variables) = variables {
        let value = |key: &str| variables.get(key).cloned().unwrap_or_default();
        let (id, mut version) = (value("ID").to_lowercase(), value("VERSION_ID"));
        if version.is_empty() && id == "debian" {
            version = debian_version.filter(|text| starts_with_digit(text)).unwrap_or_default().to_owned();
        }
        let pretty = value("PRETTY_NAME");
        let name = if pretty.is_empty() { format!("{id} {version}").trim_end().to_owned() } else { pretty };
        return Some(named(id, version, name));
    }
    older(file).map(|(id, version, name)| named(id, version, name))
}

fn named(id: String, version: String, name: String) -> Distro {
    let ecosystem = ecosystem(&id, &version);
    Distro { ecosystem, id: clean(id), version: clean(version), name: clean(name) }
}

/// Texts for people go into the store: cut, and without control characters.
fn clean(text: String) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// The files from before os-release.
fn older<'a>(file: impl Fn(&[u8]) -> Option<&'a str>) -> Option<(String, String, String)> {
    let of = |id: &str, version: &str, name: &str| Some((id.to_owned(), version.to_owned(), name.to_owned()));
    if let Some(version) = file(b"etc/alpine-release").map(str::trim) {
        return of("alpine", version, &format!("Alpine Linux {version}"));
    }
    if let Some(text) = file(b"etc/lsb-release") {
        let variables = variables(text);
        let value = |key: &str| variables.get(key).map_or("", String::as_str);
        if !value("DISTRIB_ID").is_empty() {
            let id = value("DISTRIB_ID").to_lowercase();
            return of(&id, value("DISTRIB_RELEASE"), value("DISTRIB_DESCRIPTION"));
        }
    }
    let red_hat: [(&[u8], &str); 4] = [
        (b"etc/almalinux-release", "almalinux"),
        (b"etc/rocky-release", "rocky"),
        (b"etc/centos-release", "centos"),
        (b"etc/redhat-release", "rhel"),
    ];
    for (path, id) in red_hat {
        if let Some(text) = file(path).map(str::trim) {
            let version = text.split_whitespace().find(|word| starts_with_digit(word)).unwrap_or_default();
            return of(id, version, text);
        }
    }
    let version = file(b"etc/debian_version")?.trim();
    let number = if starts_with_digit(version) { version } else { "" };
    of("debian", number, format!("Debian GNU/Linux {version}").trim_end())
}

/// The OSV ecosystem of a distribution's own packages; empty for a family that OSV does not name.
/// `id` is the one of os-release.
pub(crate) fn ecosystem(id: &str, version: &str) -> String {
    let major = || version.split('.').next().filter(|major| is_number(major));
    let minor = || {
        let mut parts = version.split('.');
        let both = (parts.next()?, parts.next()?);
        (is_number(both.0) && is_number(both.1)).then_some(both)
    };
    let with = |family: &str, release: Option<String>| match release {
        Some(release) => format!("{family}:{release}"),
        None => family.to_owned(),
    };
    match id {
        "debian" => with("Debian", major().map(str::to_owned)),
        "ubuntu" => with("Ubuntu", minor().map(ubuntu_release)),
        // 3.21_alpha20240807 is edge, which has no branch of its own.
        "alpine" if version.contains('_') => "Alpine".to_owned(),
        "alpine" => with("Alpine", minor().map(|(major, minor)| format!("v{major}.{minor}"))),
        "almalinux" => with("AlmaLinux", major().map(str::to_owned)),
        "rocky" => with("Rocky Linux", major().map(str::to_owned)),
        "rhel" => with("Red Hat", major().map(str::to_owned)),
        "centos" => with("CentOS", major().map(str::to_owned)),
        "fedora" => with("Fedora", major().map(str::to_owned)),
        "ol" => with("Oracle Linux", major().map(str::to_owned)),
        // The first one counted by months: 2018.03.
        "amzn" if version.contains('.') => "Amazon Linux:1".to_owned(),
        "amzn" => with("Amazon Linux", major().map(str::to_owned)),
        "photon" => with("Photon OS", minor().map(|(major, minor)| format!("{major}.{minor}"))),
        "azurelinux" | "mariner" => with("Azure Linux", major().map(str::to_owned)),
        "sles" | "sled" | "sle_hpc" | "sles_sap" => with("SUSE", suse_release(version)),
        "opensuse-leap" => with("openSUSE", minor().map(|(major, minor)| format!("Leap {major}.{minor}"))),
        "opensuse-tumbleweed" => "openSUSE:Tumbleweed".to_owned(),
        "opensuse" => "openSUSE".to_owned(),
        "mageia" => with("Mageia", major().map(str::to_owned)),
        "minimos" => "MinimOS".to_owned(),
        "wolfi" => "Wolfi".to_owned(),
        "chainguard" => "Chainguard".to_owned(),
        _ => String::new(),
    }
}

/// The way back from [`ecosystem`]: the id of os-release and the release, which may be empty.
/// `None` for what is no distribution's.
pub fn identity(ecosystem: &str) -> Option<(&'static str, &str)> {
    let family = family_of(ecosystem);
    let release = ecosystem.get(family.len()..)?.trim_start_matches(':');
    let id = match family {
        "Debian" => "debian",
        "Ubuntu" => "ubuntu",
        "Alpine" => "alpine",
        "AlmaLinux" => "almalinux",
        "Rocky Linux" => "rocky",
        "Red Hat" => "rhel",
        "CentOS" => "centos",
        "Fedora" => "fedora",
        "Oracle Linux" => "ol",
        "Amazon Linux" => "amzn",
        "Photon OS" => "photon",
        "Azure Linux" => "azurelinux",
        "SUSE" => "sles",
        "openSUSE" if release == "Tumbleweed" => return Some(("opensuse-tumbleweed", "")),
        "openSUSE" if release.starts_with("Leap ") => "opensuse-leap",
        "openSUSE" => "opensuse",
        "Mageia" => "mageia",
        "MinimOS" => "minimos",
        "Wolfi" => "wolfi",
        "Chainguard" => "chainguard",
        _ => return None,
    };
    let release = release.trim_start_matches("Linux Enterprise ").trim_start_matches("Leap ");
    Some((id, release.trim_start_matches('v').trim_end_matches(":LTS")))
}

/// `15.6` is service pack 6 of 15; from 16 on the numbers are releases.
fn suse_release(version: &str) -> Option<String> {
    let (major, rest) = version.split_once(['.', ' ']).unwrap_or((version, ""));
    let rest = rest.trim_start_matches("SP");
    if !is_number(major) || !(rest.is_empty() || is_number(rest)) {
        return None;
    }
    Some(match rest {
        "" | "0" if major.len() == 2 && major < "16" => format!("Linux Enterprise {major}"),
        pack if major.len() == 2 && major < "16" => format!("Linux Enterprise {major} SP{pack}"),
        _ => format!("Linux Enterprise {version}"),
    })
}

/// Long-term releases are those of April in even years (Ubuntu, *Release cycle*), and OSV marks
/// them.
fn ubuntu_release((year, month): (&str, &str)) -> String {
    let even = year.bytes().last().is_some_and(|digit| digit % 2 == 0);
    let lts = if even && month == "04" { ":LTS" } else { "" };
    format!("{year}.{month}{lts}")
}

/// Whether packages in a database of this family (`dpkg`, `apk`) are those of the ecosystem.
pub(crate) fn uses(ecosystem: &str, family: &str) -> bool {
    match family_of(ecosystem) {
        "Debian" | "Ubuntu" => family == crate::dpkg::FAMILY,
        "Alpine" | "Wolfi" | "Chainguard" => family == crate::apk::FAMILY,
        _ => false,
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() <= 6 && text.bytes().all(|b| b.is_ascii_digit())
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// Reads assignments as a shell would: comments, quotes and backslashes, but no expansion.
fn variables(text: &str) -> BTreeMap<&str, String> {
    let assignments = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    assignments.filter_map(|line| line.split_once('=')).map(|(key, value)| (key, unquoted(value))).collect()
}

fn unquoted(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut quote = None;
    let mut characters = value.chars();
    while let Some(c) = characters.next() {
        match (c, quote) {
            ('\\', None | Some('"')) => out.extend(characters.next()),
            ('"' | '\'', None) => quote = Some(c),
            (_, Some(open)) if c == open => quote = None,
            (c, None) if c.is_whitespace() => break,
            (c, _) => out.push(c),
        }
    }
    out
}
