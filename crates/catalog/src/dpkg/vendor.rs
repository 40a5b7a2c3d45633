//! Whose package it is: vendors that put their own packages into a distribution's database.
//!
//! dpkg keeps no origin, and maintainers of the distributions themselves write from any address. So
//! the question is turned round: a package is a vendor's when its `Maintainer` is one that vendors
//! use and no package of Debian main does. What is not in the table stays the distribution's, as before.

/// Where a vendor's maintainers write from, and the vendor. With `@` it is one whole address, where
/// the domain alone would take in a maintainer of Debian.
const VENDORS: [(&str, &str); 27] = [
    ("amazon.com", "Amazon"),
    ("azul.com", "Azul"),
    ("chromium-dev@chromium.org", "Google"),
    ("clickhouse.com", "ClickHouse"),
    ("confluent.io", "Confluent"),
    ("containerd.io", "Docker"),
    ("cudatools@nvidia.com", "NVIDIA"),
    ("datadoghq.com", "Datadog"),
    ("docker.com", "Docker"),
    ("elastic.co", "Elastic"),
    ("f5.com", "F5"),
    ("gitlab.com", "GitLab"),
    ("grafana.com", "Grafana"),
    ("hashicorp.com", "HashiCorp"),
    ("influxdata.com", "InfluxData"),
    ("influxdb.com", "InfluxData"),
    ("microsoft.com", "Microsoft"),
    ("mongodb.com", "MongoDB"),
    ("newrelic.com", "New Relic"),
    ("nginx.com", "F5"),
    ("nodesource.com", "NodeSource"),
    ("oracle.com", "Oracle"),
    ("percona.com", "Percona"),
    ("redis.com", "Redis"),
    ("redis.io", "Redis"),
    ("tailscale.com", "Tailscale"),
    ("temurin-dev@eclipse.org", "Adoptium"),
];

/// Maintainers without an address.
const NAMES: [(&str, &str); 1] = [("GitHub", "GitHub")];

/// The vendor behind a `Maintainer` field (`Name <address>`), if it is one of the table.
pub(super) fn of_maintainer(maintainer: &str) -> Option<&'static str> {
    let Some((_, address)) = maintainer.trim().trim_end_matches('>').rsplit_once('<') else {
        return NAMES.iter().find(|(name, _)| *name == maintainer.trim()).map(|(_, vendor)| *vendor);
    };
    let address = address.trim().to_ascii_lowercase();
    let (_, host) = address.rsplit_once('@')?;
    let is_of = |from: &str| match from.contains('@') {
        true => address == from,
        false => host.strip_suffix(from).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
    };
    VENDORS.iter().find(|(from, _)| is_of(from)).map(|(_, vendor)| *vendor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vendors_are_known_by_their_addresses_and_distributions_are_none() {
        for (maintainer, vendor) in [
            ("Docker <support@docker.com>", Some("Docker")),
            ("MySQL Release Engineering <mysql-build@oss.oracle.com>", Some("Oracle")),
            ("Support <Support@NodeSource.com>", Some("NodeSource")),
            ("NVIDIA CORPORATION <cudatools@nvidia.com>", Some("NVIDIA")),
            ("A Developer <adeveloper@nvidia.com>", None),
            ("GitHub", Some("GitHub")),
            ("GitHub fans <fans@example.org>", None),
            ("Debian Docker Team <team+docker@tracker.debian.org>", None),
            ("Ubuntu Developers <ubuntu-devel-discuss@lists.ubuntu.com>", None),
            ("Somebody <somebody@notdocker.com>", None),
            ("Somebody <docker.com>", None),
            ("", None),
        ] {
            assert_eq!(of_maintainer(maintainer), vendor, "{maintainer}");
        }
    }
}
