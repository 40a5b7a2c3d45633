//! The names by which a document knows its host, and which of them tell hosts apart.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// Longest name kept, in bytes.
pub const MAX_NAME: usize = 255;
/// Most names of a kind.
const MAX_NAMES: usize = 64;

/// What a document says of its host. Names are in lower case, addresses in their one form; what every
/// host has (`localhost`, loopback, link-local and empty hardware addresses) is left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Target {
    /// The name shown.
    pub title: String,
    /// Machine ids and other ids of the installation.
    pub machine_ids: Vec<String>,
    /// Names with a domain.
    pub full_names: Vec<String>,
    /// Names without.
    pub host_names: Vec<String>,
    /// Hardware (MAC) addresses.
    pub hardware: Vec<String>,
    /// Network addresses, in the order of the document.
    pub addresses: Vec<String>,
}

impl Target {
    /// Takes a host name in, with or without domain, or an address.
    pub fn add_name(&mut self, name: &str) {
        let name = name.trim().trim_end_matches('.');
        if name.parse::<IpAddr>().is_ok() {
            return self.add_address(name);
        }
        let lower = name.to_ascii_lowercase();
        let local = lower == "localhost" || lower.starts_with("localhost.") || lower == "unknown";
        if lower.is_empty() || local || lower.contains(char::is_whitespace) {
            return;
        }
        if self.title.is_empty() {
            self.title = lower.clone();
        }
        add(if lower.contains('.') { &mut self.full_names } else { &mut self.host_names }, lower);
    }

    /// Takes a network address in.
    pub fn add_address(&mut self, address: &str) {
        if let Some(address) = telling_address(address) {
            add(&mut self.addresses, address);
        }
    }

    /// Takes a hardware address in.
    pub fn add_hardware(&mut self, address: &str) {
        let digits: String = address.chars().filter(char::is_ascii_hexdigit).collect();
        if digits.len() == 12 && digits.bytes().any(|b| b != b'0') {
            add(&mut self.hardware, digits.to_ascii_lowercase());
        }
    }

    /// Takes a machine id in.
    pub fn add_machine_id(&mut self, id: &str) {
        let id = id.trim().to_ascii_lowercase();
        if !id.is_empty() {
            add(&mut self.machine_ids, id);
        }
    }

    /// Takes in what another part of the document says of the same host.
    pub fn merge(&mut self, other: Self) {
        if self.title.is_empty() {
            self.title = other.title;
        }
        for (own, names) in [
            (&mut self.machine_ids, other.machine_ids),
            (&mut self.full_names, other.full_names),
            (&mut self.host_names, other.host_names),
            (&mut self.hardware, other.hardware),
            (&mut self.addresses, other.addresses),
        ] {
            names.into_iter().for_each(|name| add(own, name));
        }
    }

    /// The name shown: a host name, else an address, else a hardware address.
    pub fn shown(&self) -> &str {
        let first = self.addresses.first().or(self.hardware.first()).or(self.machine_ids.first());
        if self.title.is_empty() { first.map_or("", String::as_str) } else { &self.title }
    }

    /// Whether nothing tells the host from others.
    pub fn is_nameless(&self) -> bool {
        self.shown().is_empty()
    }

    /// What identifies a host that is known from documents only. It stays what it is while the strongest
    /// name does.
    pub fn identity(&self) -> Option<String> {
        let kinds = [
            ("id", &self.machine_ids),
            ("name", &self.full_names),
            ("mac", &self.hardware),
            ("name", &self.host_names),
            ("address", &self.addresses),
        ];
        kinds.into_iter().find_map(|(kind, names)| names.first().map(|name| format!("{kind}:{name}")))
    }
}

fn add(names: &mut Vec<String>, name: String) {
    if name.len() <= MAX_NAME && names.len() < MAX_NAMES && !names.contains(&name) {
        names.push(name);
    }
}

/// The one form of an address that may tell hosts apart; `None` for others.
pub fn telling_address(address: &str) -> Option<String> {
    let address = match address.trim().parse::<IpAddr>().ok()? {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(IpAddr::V6(v6), IpAddr::V4),
        v4 => v4,
    };
    let common = match address {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_broadcast(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    let common = common || address.is_loopback() || address.is_unspecified() || address.is_multicast();
    (!common).then(|| address.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_host_has_names_none() {
        let mut target = Target::default();
        for name in ["localhost", "localhost.localdomain", "127.0.0.1", "::1", " ", "unknown"] {
            target.add_name(name);
        }
        target.add_address("fe80:0:0:0:fc:ff:fe00:1");
        target.add_hardware("00:00:00:00:00:00");
        assert!(target.is_nameless());
        assert_eq!(target.identity(), None);
    }

    #[test]
    fn names_have_one_form() {
        let mut target = Target::default();
        target.add_name("Web-1.Example.TEST.");
        target.add_name("web-1");
        target.add_address("fd00:0:0:0:0:0:0:2");
        target.add_address("fd00::2");
        target.add_hardware("26:4C:A5:E8:77:C7");
        assert_eq!(target.full_names, ["web-1.example.test"]);
        assert_eq!(target.host_names, ["web-1"]);
        assert_eq!(target.addresses, ["fd00::2"]);
        assert_eq!(target.hardware, ["264ca5e877c7"]);
        assert_eq!(target.identity().as_deref(), Some("name:web-1.example.test"));
        assert_eq!(target.shown(), "web-1.example.test");
    }
}
