#![doc = include_str!("../README.md")]

mod address;
mod db;
mod error;
mod lock;
mod log;
pub mod meta;
mod numbers;
pub mod projects;
mod schema;
mod session;
mod sql;
mod store;
mod tx;

pub use address::StoreUrl;
pub use error::{Error, Result};
pub use lock::ServerLock;
pub use log::{Head, Kind, LogEntry};
pub use session::Session;
pub use store::{Options, Store};
pub use tx::{Committed, Side, Tx};
