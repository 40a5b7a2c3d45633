//! Pages as their visitors get them, over a store of their own, with time in the test's hand. Sessions and
//! the check of rights are tested with the server; browsers in `server/tests/it/browser`.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod asset;
mod assets;
mod changes;
mod compliance;
mod exceptions;
mod explain;
mod exports;
mod feeds;
mod findings;
mod forms;
mod large;
mod links;
mod packages;
#[path = "../../../service/tests/it/registry.rs"]
#[expect(dead_code, reason = "shared with the tests of the services, which use more of it")]
mod registry;
mod settings;
mod sources;
mod start;
mod visit;
mod vulnerabilities;
#[path = "../../../service/tests/it/world.rs"]
#[expect(dead_code, reason = "shared with the tests of the services, which use more of it")]
mod world;
