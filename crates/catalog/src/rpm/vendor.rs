//! Whose package it is: every package built for a distribution names that as its vendor.
//!
//! The database does not know which distribution it belongs to, so packages carry their vendor until
//! layers are combined. Then those of the distribution itself get its ecosystem, and the others keep
//! their vendor's: EPEL's packages on AlmaLinux are Fedora's, and AlmaLinux's feed is silent on them.
//! A package without a vendor was built by hand and counts as the distribution's.

use parapet_model::inventory::Distro;

use super::FAMILY;

/// How the vendors of each distribution begin, in lower case, by the id of os-release.
const DISTRIBUTIONS: [(&[&str], &[&str]); 13] = [
    (&["almalinux"], &["almalinux"]),
    (&["rocky"], &["rocky"]),
    (&["rhel", "redhat"], &["red hat"]),
    (&["centos"], &["centos", "red hat"]),
    (&["fedora"], &["fedora"]),
    (&["ol"], &["oracle"]),
    (&["amzn"], &["amazon"]),
    (&["sles", "sle_hpc", "sles_sap", "sled", "sl-micro"], &["suse"]),
    (
        &["opensuse", "opensuse-leap", "opensuse-tumbleweed", "opensuse-microos", "opensuse-leap-micro"],
        &["opensuse", "suse"],
    ),
    (&["mageia"], &["mageia"]),
    (&["openeuler"], &["openeuler", "http://openeuler.org"]),
    (&["azurelinux", "mariner"], &["microsoft"]),
    // It changed hands.
    (&["photon"], &["vmware", "broadcom"]),
];

/// Longest name of a vendor, in characters.
const MAX_NAME: usize = 80;

/// The ecosystem of a package of this vendor: `rpm:VENDOR`, or `rpm` where none is named.
pub(super) fn with_vendor(vendor: &str) -> String {
    // `SUSE LLC <https://www.suse.com/>`
    let name = vendor.split('<').next().unwrap_or_default().trim();
    let name: String = name.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
    if name.is_empty() { FAMILY.to_owned() } else { format!("{FAMILY}:{name}") }
}

fn vendor_of(ecosystem: &str) -> Option<String> {
    ecosystem.split_once(':').map(|(_, vendor)| vendor.to_lowercase())
}

/// Whether a vendor is some distribution, whose packages own what they bring along. Fedora is none
/// here: its packages stand in other distributions' databases too, as those of EPEL.
pub(super) fn is_a_distribution(ecosystem: &str) -> bool {
    vendor_of(ecosystem).is_none_or(|vendor| {
        let mut all = DISTRIBUTIONS.iter().flat_map(|(_, vendors)| vendors.iter());
        !vendor.starts_with("fedora") && all.any(|begin| vendor.starts_with(begin))
    })
}

/// The ecosystem of a package when the distribution is known.
pub(crate) fn ecosystem(found: &str, distro: Option<&Distro>) -> String {
    let known = distro.and_then(|distro| Some((distro, vendors(&distro.id)?)));
    let Some((distro, vendors)) = known else {
        // Nobody can say which vendor is the distribution itself.
        return if is_a_distribution(found) || distro.is_none() {
            FAMILY.to_owned()
        } else {
            found.to_owned()
        };
    };
    let is_own = vendor_of(found).is_none_or(|vendor| vendors.iter().any(|begin| vendor.starts_with(begin)));
    match is_own {
        true if distro.ecosystem.is_empty() => FAMILY.to_owned(),
        true => distro.ecosystem.clone(),
        false => found.to_owned(),
    }
}

fn vendors(id: &str) -> Option<&'static [&'static str]> {
    DISTRIBUTIONS.iter().find(|(ids, _)| ids.contains(&id)).map(|(_, vendors)| *vendors)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(vendor: &str, id: &str, own: &str) -> String {
        let distro = Distro { id: id.to_owned(), ecosystem: own.to_owned(), ..Distro::default() };
        ecosystem(&with_vendor(vendor), Some(&distro))
    }

    #[test]
    fn a_distributions_own_packages_are_told_from_those_of_others() {
        for (vendor, id, own, expected) in [
            ("AlmaLinux", "almalinux", "AlmaLinux:9", "AlmaLinux:9"),
            ("", "almalinux", "AlmaLinux:9", "AlmaLinux:9"),
            ("Fedora Project", "almalinux", "AlmaLinux:9", "rpm:Fedora Project"),
            ("Docker", "almalinux", "AlmaLinux:9", "rpm:Docker"),
            ("Red Hat, Inc.", "rhel", "Red Hat", "Red Hat"),
            ("SUSE LLC <https://www.suse.com/>", "sles", "SUSE", "SUSE"),
            (
                "obs://build.opensuse.org/home:somebody",
                "opensuse-leap",
                "openSUSE",
                "rpm:obs://build.opensuse.org/home:somebody",
            ),
            ("Microsoft Corporation", "azurelinux", "Azure Linux:3", "Azure Linux:3"),
            ("Microsoft Corporation", "rocky", "Rocky Linux:9", "rpm:Microsoft Corporation"),
            ("CentOS", "centos", "", "rpm"),
            ("Docker", "debian", "Debian:12", "rpm:Docker"),
            ("AlmaLinux", "debian", "Debian:12", "rpm"),
        ] {
            assert_eq!(of(vendor, id, own), expected, "{vendor} on {id}");
        }
        assert_eq!(ecosystem("rpm:Docker", None), "rpm");
    }
}
