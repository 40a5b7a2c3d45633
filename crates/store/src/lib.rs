#![doc = include_str!("../README.md")]

pub mod accounts;
mod address;
pub mod artifacts;
pub mod audit;
mod db;
mod error;
pub mod layer_cache;
mod lock;
mod log;
pub mod meta;
mod numbers;
pub mod projects;
pub mod registries;
mod schema;
pub mod seal;
mod session;
mod sql;
mod store;
mod tx;
mod visibility;

pub use address::StoreUrl;
pub use error::{Error, Result};
pub use lock::ServerLock;
pub use log::{Head, Kind, LogEntry};
pub use session::Session;
pub use store::{Options, Store};
pub use tx::{Committed, Side, Tx};
