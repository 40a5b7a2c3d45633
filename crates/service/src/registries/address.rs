//! Which addresses a registry may have: none that the address policy forbids, and not this server's
//! own, which would have it ask itself. Names are judged by what they mean now; what is connected to
//! later is judged again by `fetch`.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use parapet_fetch::Registry as Remote;

use crate::app::App;
use crate::error::{Error, Result};

/// Refuses an address that must not be a registry's.
pub(super) async fn check(app: &App, remote: &Remote) -> Result<()> {
    let (host, port) = remote.place();
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let found: Vec<IpAddr> = match literal {
        Ok(address) => vec![address],
        // A name that means nothing today may tomorrow.
        Err(_) => match tokio::net::lookup_host((host, port)).await {
            Ok(found) => found.map(|socket| socket.ip()).collect(),
            Err(_) => Vec::new(),
        },
    };
    for address in &found {
        if app.own_address.get().is_some_and(|own| is_own(*own, *address, port)) {
            return Err(Error::Invalid(format!("{host}:{port} is this server itself, not a registry")));
        }
    }
    let verdicts = found.iter().map(|address| app.client.options().allow.check(*address));
    let refused: Vec<&str> = verdicts.filter_map(std::result::Result::err).collect();
    match refused.first() {
        Some(kind) if refused.len() == found.len() => {
            Err(Error::Invalid(format!("{host} is at {kind}: connecting there is not allowed")))
        }
        _ => Ok(()),
    }
}

fn is_own(own: SocketAddr, address: IpAddr, port: u16) -> bool {
    let (listening, address) = (own.ip().to_canonical(), address.to_canonical());
    own.port() == port
        && (listening == address
            || listening.is_unspecified()
            // Only an address of this machine can be bound to.
            && (address.is_unspecified() || UdpSocket::bind((address, 0)).is_ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_knows_itself_by_every_address_it_listens_on() {
        let own =
            |own: &str, address: &str, port| is_own(own.parse().unwrap(), address.parse().unwrap(), port);
        assert!(own("127.0.0.1:8080", "127.0.0.1", 8080) && own("127.0.0.1:8080", "::ffff:127.0.0.1", 8080));
        assert!(!own("127.0.0.1:8080", "127.0.0.1", 5000) && !own("127.0.0.1:8080", "127.0.0.9", 8080));
        assert!(own("0.0.0.0:8080", "127.0.0.1", 8080) && !own("0.0.0.0:8080", "192.0.2.1", 8080));
    }
}
