//! Platforms by CPE name, and what people call them.

/// Vendor and product of a CPE name, what people call it, and whether a version is written `12.x`.
const KNOWN: [(&str, &str, &str, bool); 14] = [
    ("debian", "debian_linux", "Debian GNU/Linux", true),
    ("canonical", "ubuntu_linux", "Ubuntu Linux", true),
    ("redhat", "enterprise_linux", "Red Hat Enterprise Linux", true),
    ("centos", "centos", "CentOS", true),
    ("fedoraproject", "fedora", "Fedora", false),
    ("almalinux", "almalinux", "AlmaLinux", true),
    ("rocky", "rocky", "Rocky Linux", true),
    ("rocky_linux", "rocky_linux", "Rocky Linux", true),
    ("oracle", "linux", "Oracle Enterprise Linux", true),
    ("amazon", "amazon_linux", "Amazon Linux", false),
    ("suse", "linux_enterprise_server", "SUSE Linux Enterprise Server", true),
    ("suse", "linux_enterprise_desktop", "SUSE Linux Enterprise Desktop", true),
    ("opensuse", "leap", "openSUSE Leap", true),
    ("apple", "macos", "macOS", true),
];

/// The name for hosts whose platform no document named.
pub const UNNAMED: &str = "Unknown platform";

/// Part, vendor, product and version of a CPE name in either form (2.2 URI, 2.3 string).
fn parts(cpe: &str) -> Option<(String, String, String, String)> {
    let rest = cpe.strip_prefix("cpe:/").or_else(|| cpe.strip_prefix("cpe:2.3:"))?;
    let mut parts = rest.split(':').map(|part| part.replace('\\', "").to_ascii_lowercase());
    let mut next = || parts.next().filter(|part| part != "*" && part != "-").unwrap_or_default();
    let (part, vendor, product, version) = (next(), next(), next(), next());
    (!vendor.is_empty() && !product.is_empty()).then_some((part, vendor, product, version))
}

/// The one form of a CPE name under which a platform is known: `cpe:/o:debian:debian_linux:12`. `None`
/// for what is no CPE name, such as the applicability ids (`#machine`) of a benchmark.
pub fn normal_cpe(cpe: &str) -> Option<String> {
    let (part, vendor, product, version) = parts(cpe)?;
    let end = if version.is_empty() { String::new() } else { format!(":{version}") };
    Some(format!("cpe:/{part}:{vendor}:{product}{end}"))
}

/// Whether a CPE name is of an operating system.
pub fn is_operating_system(cpe: &str) -> bool {
    parts(cpe).is_some_and(|(part, ..)| part == "o")
}

/// What people call the platform; `title` is the dictionary's title for a platform we have no name for.
pub fn name(cpe: &str, title: &str) -> String {
    let Some((_, vendor, product, version)) = parts(cpe) else { return UNNAMED.to_owned() };
    if let Some((_, _, name, whole)) = KNOWN.iter().find(|known| (known.0, known.1) == (&vendor, &product)) {
        return match version.as_str() {
            "" => (*name).to_owned(),
            version if *whole && !version.contains('.') => format!("{name} {version}.x"),
            version => format!("{name} {version}"),
        };
    }
    if !title.trim().is_empty() {
        return title.trim().to_owned();
    }
    let words: Vec<&str> = product.split('_').collect();
    format!("{} {version}", words.join(" ")).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_are_named_as_people_write_them() {
        for (cpe, title, wanted) in [
            ("cpe:/o:debian:debian_linux:12", "Debian Linux 12", "Debian GNU/Linux 12.x"),
            ("cpe:2.3:o:debian:debian_linux:11:*:*:*:*:*:*:*", "", "Debian GNU/Linux 11.x"),
            ("cpe:/o:canonical:ubuntu_linux:22.04", "", "Ubuntu Linux 22.04"),
            ("cpe:/o:redhat:enterprise_linux:9", "", "Red Hat Enterprise Linux 9.x"),
            ("cpe:/o:acme:road_runner:3", "Acme RoadRunner 3", "Acme RoadRunner 3"),
            ("cpe:/o:acme:road_runner:3", "", "road runner 3"),
            ("#machine", "", UNNAMED),
        ] {
            assert_eq!(name(cpe, title), wanted, "{cpe}");
        }
    }

    #[test]
    fn both_forms_of_a_cpe_name_are_one_platform() {
        let normal = normal_cpe("cpe:2.3:o:debian:debian_linux:12:*:*:*:*:*:*:*");
        assert_eq!(normal.as_deref(), Some("cpe:/o:debian:debian_linux:12"));
        assert_eq!(normal_cpe("cpe:/o:Debian:debian_linux:12"), normal);
        assert_eq!(normal_cpe("#package_sudo"), None);
        assert!(is_operating_system("cpe:/o:debian:debian_linux") && !is_operating_system("cpe:/a:x:y:1"));
    }
}
