//! Peers and data that a test uses only when an environment variable names them.

use std::io::Write as _;

/// The value of `variable`; when it is unset, says on the real standard error what was left out, or
/// fails where all peers are required.
pub(crate) fn named(variable: &str, what: &str) -> Option<String> {
    let value = std::env::var(variable).ok().filter(|value| !value.is_empty());
    if value.is_none() {
        assert!(std::env::var_os("PARAPET_REQUIRE_PEERS").is_none(), "{variable} is needed for {what}");
        // Not `eprintln!`, which the test harness swallows when the test passes.
        let _ = writeln!(std::io::stderr(), "left out: {what}, set {variable}");
    }
    value
}
