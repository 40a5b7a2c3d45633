//! The read model: findings derived from facts, in memory.
//!
//! A finding is never stored: it is presence ⋈ match, less exceptions, evaluated when somebody asks.
//! [`Posture`] takes [changes](parapet_model::facts::Change) in and publishes [`Snapshot`]s;
//! a snapshot answers every question and never changes.
//!
//! | module | holds |
//! |---|---|
//! | `sets`, `block`, `assets` | who shows what: immutable blocks of flat arrays and the few recent changes |
//! | `tables`, `verdict` | what advisories say of packages, in copy-on-write pages |
//! | `presence`, `stints` | what one asset shows, and since when it has a vulnerability |
//! | `exceptions`, `hiding` | which exceptions hold, and what they hide |
//! | `asset_set` | assets chosen beforehand |
//! | `split`, `walk` | a filter cut by what it depends on, and the walk from assets to findings |
//! | `count`, `lists`, `select`, `inventory`, `explain` | the questions |
//! | [`as_of`], [`oracle`] | facts cut at a date; the same answers by plain loops |
//!
//! # How do I add a question?
//!
//! 1. Give [`Snapshot`] a method in a module of its own; take a [`Query`] or a `Scope`, never less.
//! 2. Walk with `Snapshot::walk`, and leave `wants_since` off when no row shows a date.
//! 3. Answer the same by plain loops in [`oracle`] and compare in `tests/equal_to_oracle.rs`.

pub mod as_of;
mod asset_set;
mod assets;
mod block;
mod count;
mod data;
mod exceptions;
mod explain;
mod hiding;
mod index;
mod inventory;
mod lists;
pub mod oracle;
mod pages;
mod posture;
mod presence;
mod query;
mod round_table;
mod select;
mod sets;
mod snapshot;
mod split;
mod stints;
mod tables;
mod verdict;
mod walk;

pub use asset_set::AssetSet;
pub use count::{BandCounts, Counts};
pub use explain::{Covering, Explanation, Standing, Statement};
pub use inventory::{AssetCoverage, EcosystemWord, Showing, ShownPackage};
pub use lists::{AssetOrder, AssetSummary, VulnerabilityOrder, VulnerabilitySummary, concern};
pub use posture::Posture;
pub use presence::is_running_kernel;
pub use query::{Cursor, CursorError, List, Query, Window};
pub use select::{AssetFilter, AssetTest};
pub use snapshot::{FindingPage, Snapshot};
