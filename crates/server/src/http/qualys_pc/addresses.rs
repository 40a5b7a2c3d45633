//! Lists of addresses as the family writes them: `192.0.2.1,192.0.2.5-192.0.2.9`.

use std::net::IpAddr;

use parapet_service::control_exceptions::HostWords;

use super::error::PcError;
use super::params::Call;

/// Addresses as ranges, both ends inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Addresses(Vec<(IpAddr, IpAddr)>);

impl Addresses {
    /// Reads a parameter.
    pub(super) fn of(call: &Call, name: &str) -> Result<Option<Self>, PcError> {
        let Some(text) = call.text(name) else { return Ok(None) };
        match Self::parse(text) {
            Some(addresses) => Ok(Some(addresses)),
            None => Err(PcError::invalid(name, text)),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let read = |text: &str| text.trim().parse::<IpAddr>().ok();
        let range = |piece: &str| match piece.split_once('-') {
            Some((first, last)) => {
                let (first, last) = (read(first)?, read(last)?);
                (first.is_ipv4() == last.is_ipv4() && first <= last).then_some((first, last))
            }
            None => read(piece).map(|address| (address, address)),
        };
        text.split(',').map(range).collect::<Option<_>>().map(Self)
    }

    /// Whether a host has one of them.
    pub(super) fn have(&self, host: &HostWords) -> bool {
        let own = [&host.ip, &host.ipv6].into_iter().filter_map(|text| text.parse::<IpAddr>().ok());
        let mut own = own;
        own.any(|ip| self.0.iter().any(|(first, last)| *first <= ip && ip <= *last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_addresses_are_read() {
        let wanted = Addresses::parse("192.0.2.1, 192.0.2.5-192.0.2.9,2001:db8::1").unwrap();
        let host = |ip: &str| HostWords { ip: ip.to_owned(), ..HostWords::default() };
        for ip in ["192.0.2.1", "192.0.2.5", "192.0.2.7", "2001:db8::1"] {
            assert!(wanted.have(&host(ip)), "{ip}");
        }
        for ip in ["192.0.2.2", "192.0.2.10", "2001:db8::2", ""] {
            assert!(!wanted.have(&host(ip)), "{ip}");
        }
        for bad in ["", "192.0.2", "192.0.2.9-192.0.2.1", "192.0.2.1-2001:db8::1", "a,b", "192.0.2.1,"] {
            assert_eq!(Addresses::parse(bad), None, "{bad}");
        }
    }
}
