//! Which distribution and release this is, and what OSV calls its packages.
//!
//! `os-release` speaks first (os-release(5): `/etc` before `/usr/lib`); images without it are told
//! by the older files that its relatives left behind. Releases are named as OSV's list of
//! ecosystems does. A family that is known, with a release that is not (Debian sid, Alpine edge),
//! has the bare name, so that matching can say "release unknown" instead of guessing one.

mod files;
mod hints;
mod older;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use parapet_model::inventory::Distro;
use parapet_model::package::family_of;

pub(crate) use self::files::release_file;
use self::files::variables;

/// Recognises the distribution from the texts of its release files, by their place below the root.
pub(crate) fn recognise(files: &BTreeMap<&[u8], &str>) -> Option<Distro> {
    let file = |name: &[u8]| files.get(name).copied();
    let variables = ["etc/os-release", "usr/lib/os-release"]
        .iter()
        .filter_map(|name| file(name.as_bytes()))
        .map(variables)
        .find(|variables| variables.contains_key("ID"));
    let (id, version, name) = match variables {
        Some(variables) => by_os_release(&variables, file),
        None => older::by_older_files(file)?,
    };
    Some(refined(id, version, name, files))
}

/// What is said of a distribution: id, version, name for people.
type Said = (String, String, String);

fn by_os_release<'a>(variables: &BTreeMap<&str, String>, file: impl Fn(&[u8]) -> Option<&'a str>) -> Said {
    let value = |key: &str| variables.get(key).cloned().unwrap_or_default();
    let (id, mut version) = (value("ID").to_lowercase(), value("VERSION_ID"));
    let own =
        |path: &[u8]| file(path).map(str::trim).filter(|text| starts_with_digit(text)).map(str::to_owned);
    match id.as_str() {
        "debian" if version.is_empty() => version = own(b"etc/debian_version").unwrap_or_default(),
        "alpine" if version.is_empty() => version = own(b"etc/alpine-release").unwrap_or_default(),
        // `VERSION` says which service pack: `24.03 (LTS-SP1)`.
        "openeuler" => {
            let pack =
                value("VERSION").split_once('(').map(|(_, pack)| pack.trim_end_matches(')').to_owned());
            if let Some(pack) = pack.filter(|pack| !pack.is_empty() && !version.is_empty()) {
                version = format!("{version}-{pack}");
            }
        }
        _ => {}
    }
    let pretty = value("PRETTY_NAME");
    let name = if pretty.is_empty() { format!("{id} {version}").trim_end().to_owned() } else { pretty };
    (id, version, name)
}

/// With what other files add.
fn refined(id: String, mut version: String, mut name: String, files: &BTreeMap<&[u8], &str>) -> Distro {
    let file = |name: &str| files.get(name.as_bytes()).copied();
    let mut edge = false;
    match id.as_str() {
        "alpine" => match file("etc/apk/repositories").and_then(hints::alpine_branch) {
            Some("edge") => edge = true,
            Some(branch) if version.is_empty() => branch.trim_start_matches('v').clone_into(&mut version),
            _ => {}
        },
        _ if is_suse(&id) && version.is_empty() => {
            if let Some((_, number)) = products(files).find(|(product, _)| product.starts_with("SLE")) {
                version = number;
            }
        }
        _ => {}
    }
    let plain = if edge { "Alpine".to_owned() } else { ecosystem(&id, &version) };
    let ecosystem = match subscribed(&id, &version, &plain, files) {
        Some((subscription, mark)) => {
            name.push_str(mark);
            subscription
        }
        None => plain,
    };
    Distro { ecosystem, id: clean(id), version: clean(version), name: clean(name) }
}

/// The ecosystem of a system that gets fixes which others do not, and what is said of it to people.
fn subscribed(
    id: &str,
    version: &str,
    plain: &str,
    files: &BTreeMap<&[u8], &str>,
) -> Option<(String, &'static str)> {
    let (family, release) = plain.split_once(':')?;
    match id {
        "ubuntu" => {
            let status = files.get(b"var/lib/ubuntu-advantage/status.json".as_slice()).copied();
            let of_apt = files.iter().filter(|(path, _)| path.starts_with(b"etc/apt/"));
            let sources: Vec<&str> = of_apt.map(|(_, text)| *text).collect();
            hints::is_attached_to_pro(status, &sources)
                .then(|| (format!("{family}:Pro:{release}"), " (Ubuntu Pro attached)"))
        }
        _ if is_suse(id) => products(files)
            .any(|(product, _)| hints::is_long_term(&product))
            .then(|| (format!("{family}:LTSS:{release}"), " (LTSS)")),
        "rhel" => {
            let manifests = files.iter().filter(|(path, _)| path.ends_with(b".json"));
            let sets: Vec<String> = manifests.flat_map(|(_, text)| hints::content_sets(text)).collect();
            match hints::stream_of(sets.iter().map(String::as_str))? {
                "ELS" => Some((format!("{family}:ELS:{release}"), " (ELS)")),
                // A stream is one of a minor release.
                stream if version.contains('.') => Some((
                    format!("{family}:{stream}:{version}"),
                    match stream {
                        "EUS" => " (EUS)",
                        "E4S" => " (E4S)",
                        "AUS" => " (AUS)",
                        _ => " (TUS)",
                    },
                )),
                _ => None,
            }
        }
        _ => None,
    }
}

fn is_suse(id: &str) -> bool {
    matches!(id, "sles" | "sle_hpc" | "sles_sap" | "sled")
}

/// Names and versions of SUSE's products that are installed.
fn products(files: &BTreeMap<&[u8], &str>) -> impl Iterator<Item = (String, String)> {
    let products = files.iter().filter(|(path, _)| path.ends_with(b".prod"));
    products.filter_map(|(_, text)| hints::suse_product(text))
}

/// Texts for people go into the store: cut, and without control characters.
fn clean(text: String) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
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
        _ if is_suse(id) => with("SUSE", suse_release(version)),
        "opensuse-leap" => with("openSUSE", minor().map(|(major, minor)| format!("Leap {major}.{minor}"))),
        "opensuse-tumbleweed" => "openSUSE:Tumbleweed".to_owned(),
        "opensuse" => "openSUSE".to_owned(),
        "mageia" => with("Mageia", major().map(str::to_owned)),
        "minimos" => "MinimOS".to_owned(),
        "openeuler" => with("openEuler", Some(version).filter(|v| starts_with_digit(v)).map(str::to_owned)),
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
        "openEuler" => "openeuler",
        "Wolfi" => "wolfi",
        "Chainguard" => "chainguard",
        _ => return None,
    };
    let release = without_subscription(family, release);
    let release = release.trim_start_matches("Linux Enterprise ").trim_start_matches("Leap ");
    Some((id, release.trim_start_matches('v').trim_end_matches(":LTS")))
}

/// `Pro:22.04:LTS` → `22.04:LTS`, `EUS:9.2` → `9.2`.
fn without_subscription<'a>(family: &str, release: &'a str) -> &'a str {
    let marks: &[&str] = match family {
        "Ubuntu" => &["Pro:"],
        "SUSE" => &["LTSS:"],
        "Red Hat" => &["ELS:", "EUS:", "E4S:", "AUS:", "TUS:"],
        _ => &[],
    };
    marks.iter().find_map(|mark| release.strip_prefix(mark)).unwrap_or(release)
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

/// Whether packages in a database of this family (`dpkg`, `apk`, `rpm`) are those of the ecosystem.
pub(crate) fn uses(ecosystem: &str, family: &str) -> bool {
    match family_of(ecosystem) {
        "Debian" | "Ubuntu" => family == crate::dpkg::FAMILY,
        "Alpine" | "Wolfi" | "Chainguard" | "MinimOS" => family == crate::apk::FAMILY,
        "" => false,
        _ => family == "rpm",
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() <= 6 && text.bytes().all(|b| b.is_ascii_digit())
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}
