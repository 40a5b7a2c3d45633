//! Which addresses may be connected to.
//!
//! A registry, a redirect or a feed address is input: without a check it can make the server ask
//! the metadata service of the cloud it runs in for credentials. The check is made on addresses,
//! never on names, at the moment of connecting.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which addresses may be connected to.
///
/// Never allowed, whatever the options: link-local addresses (169.254.0.0/16, fe80::/10) and the
/// other addresses at which clouds serve instance credentials, unspecified, multicast, broadcast
/// and reserved ones. IPv6 forms that carry an IPv4 address are judged by that address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressPolicy {
    /// Allow 127.0.0.0/8 and ::1. Default: yes, registries run beside the server.
    pub loopback: bool,
    /// Allow 10/8, 172.16/12, 192.168/16, 100.64/10 and fc00::/7. Default: yes, self-hosted
    /// registries live there.
    pub private: bool,
}

impl Default for AddressPolicy {
    fn default() -> Self {
        Self { loopback: true, private: true }
    }
}

/// Instance metadata services outside the link-local ranges, as their owners document them.
const METADATA: [IpAddr; 5] = [
    // AWS, IPv6.
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    // Google Cloud, IPv6.
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
    // Alibaba Cloud.
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    // Oracle Cloud, first generation.
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    // Azure's wire server.
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
];

impl AddressPolicy {
    /// `Err` with the kind of the address, in words, when it may not be connected to.
    pub fn check(&self, address: IpAddr) -> Result<(), &'static str> {
        let address = carried(address);
        if METADATA.contains(&address) {
            return Err("a metadata service's address");
        }
        match address {
            IpAddr::V4(v4) => self.check_v4(v4),
            IpAddr::V6(v6) => self.check_v6(v6),
        }
    }

    fn check_v4(&self, address: Ipv4Addr) -> Result<(), &'static str> {
        let [a, b, ..] = address.octets();
        if a == 0 {
            Err("an unspecified address")
        } else if address.is_link_local() {
            Err("a link-local address")
        } else if address.is_multicast() {
            Err("a multicast address")
        } else if a >= 240 {
            Err("a reserved address")
        } else if address.is_loopback() && !self.loopback {
            Err("a loopback address")
        } else if (address.is_private() || (a == 100 && (64..128).contains(&b))) && !self.private {
            Err("a private address")
        } else {
            Ok(())
        }
    }

    fn check_v6(&self, address: Ipv6Addr) -> Result<(), &'static str> {
        if address.is_unspecified() {
            Err("an unspecified address")
        } else if address.is_unicast_link_local() {
            Err("a link-local address")
        } else if address.is_multicast() {
            Err("a multicast address")
        } else if address.is_loopback() && !self.loopback {
            Err("a loopback address")
        } else if address.is_unique_local() && !self.private {
            Err("a private address")
        } else {
            Ok(())
        }
    }
}

/// The IPv4 address inside an IPv6 one: mapped and compatible (RFC 4291), NAT64 (RFC 6052), 6to4
/// (RFC 3056); else the address itself.
fn carried(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    if v6.is_loopback() || v6.is_unspecified() {
        return address;
    }
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match v6.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => v4(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        [0x2002, high, low, ..] => v4(high, low),
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(policy: AddressPolicy, address: &str) -> Result<(), &'static str> {
        policy.check(address.parse().unwrap())
    }

    #[test]
    fn metadata_and_link_local_are_never_allowed() {
        for address in [
            "169.254.169.254",
            "169.254.170.2",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "fe80::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "100.100.100.200",
            "192.0.0.192",
            "168.63.129.16",
            "0.0.0.0",
            "0.1.2.3",
            "::",
            "224.0.0.251",
            "ff02::fb",
            "255.255.255.255",
            "240.0.0.1",
        ] {
            assert!(verdict(AddressPolicy::default(), address).is_err(), "{address}");
        }
    }

    #[test]
    fn loopback_and_private_are_the_operators_choice() {
        let strict = AddressPolicy { loopback: false, private: false };
        for address in [
            "127.0.0.1",
            "::1",
            "::ffff:127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "fd12::1",
        ] {
            assert_eq!(verdict(AddressPolicy::default(), address), Ok(()), "{address}");
            assert!(verdict(strict, address).is_err(), "{address}");
        }
    }

    #[test]
    fn the_public_net_is_allowed() {
        let strict = AddressPolicy { loopback: false, private: false };
        for address in
            ["93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:2800:220:1::1", "2002:5db8:d822::1"]
        {
            assert_eq!(verdict(strict, address), Ok(()), "{address}");
        }
    }
}
