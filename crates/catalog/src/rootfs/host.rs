//! Who a host is.

use std::fs;
use std::path::Path;

use parapet_model::asset::HostFacts;

/// The identity of a host and what is known of it beside its packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostIdentity {
    /// The machine id (machine-id(5)); the host name where there is none.
    pub identity: String,
    /// Host name, or empty.
    pub hostname: String,
    /// The running kernel where the root is that of the running system.
    pub facts: HostFacts,
}

/// Reads who the host with this root is. What is missing is empty.
pub fn host_facts(root: &Path) -> HostIdentity {
    let running = root == Path::new("/");
    let line = |path: &str| {
        fs::read_to_string(root.join(path))
            .ok()
            .and_then(|text| text.lines().next().map(|line| line.trim().to_owned()))
            .filter(|line| line.len() <= 255 && !line.chars().any(char::is_control))
            .unwrap_or_default()
    };
    let kernel = |path: &str| if running { line(path) } else { String::new() };
    let mut hostname = kernel("proc/sys/kernel/hostname");
    if hostname.is_empty() {
        hostname = line("etc/hostname");
    }
    let machine_id = ["etc/machine-id", "var/lib/dbus/machine-id"]
        .into_iter()
        .map(line)
        .find(|id| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()));
    HostIdentity {
        identity: machine_id.unwrap_or_else(|| hostname.clone()),
        hostname,
        facts: HostFacts { kernel: kernel("proc/sys/kernel/osrelease"), ..HostFacts::default() },
    }
}
