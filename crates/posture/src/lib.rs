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
//! | `changes`, `places`, `layers` | what opened and closed since an instant; where assets are; what one is made of |
//! | `count`, `sums`, `lists`, `select`, `inventory`, `explain`, `effect` | the questions |
//! | `kept`, `census`, `column`, `sorted`, `words` | indexes of all assets that stand while posture moves on |
//! | `parts` | the findings of a query for several threads, package by package |
//! | `refresh` | makes them before anybody asks |
//! | `by_package`, `showing` | which packages a question finds, what an upgrade of each removes, counts of facets |
//! | `exposure` | how many assets had a vulnerability, over time |
//! | `by_vulnerability`, `only` | which vulnerabilities a question finds, and the findings of some |
//! | `pairs`, `holders`, `veil`, `tally`, `behind`, `ladder` | filters on what advisories say, answered for all assets at once |
//! | [`as_of`], [`oracle`] | facts cut at a date; the same answers by plain loops |
//!
//! # How do I add a question?
//!
//! 1. Give [`Snapshot`] a method in a module of its own; take a [`Query`] or a `Scope`, never less.
//! 2. Walk with `Snapshot::walk`, and leave `wants_since` off when no row shows a date.
//! 3. Answer the same by plain loops in [`oracle`] and compare in `tests/equal_to_oracle.rs`.

pub mod as_of;
mod assets;
mod bases;
mod behind;
mod bits;
mod blank;
mod block;
mod by_package;
mod by_vulnerability;
mod census;
mod changes;
mod column;
mod count;
mod data;
mod effect;
mod exceptions;
mod explain;
mod exposure;
mod facts;
mod hiding;
mod holders;
mod index;
mod inventory;
mod kept;
mod ladder;
mod layers;
mod lists;
mod only;
pub mod oracle;
mod pages;
mod pairs;
mod parts;
mod places;
mod posture;
mod presence;
mod query;
mod refresh;
mod risk;
mod round_table;
mod select;
mod sets;
mod showing;
mod snapshot;
mod sorted;
mod split;
mod stints;
mod sums;
mod tables;
mod tally;
mod threads;
mod veil;
mod verdict;
mod walk;
mod weights;
mod words;

pub use by_package::{Facets, PackageGroup, PackageOrder, PackageSummary};
pub use by_vulnerability::OnAsset;
pub use changes::{ChangeCause, ChangeList, ChangeRow, Changes};
pub use count::{BandCounts, Counts};
pub use effect::Effect;
pub use explain::{Covering, Explanation, Standing, Statement};
pub use inventory::{AssetCoverage, EcosystemWord, Showing, ShownPackage};
pub use layers::LayerPackages;
pub use lists::{AssetOrder, AssetSummary, Totals, VulnerabilityOrder, VulnerabilitySummary, concern};
pub use parts::{PackageRows, Walker, Walking, Wants};
pub use places::Place;
pub use posture::Posture;
pub use presence::is_running_kernel;
pub use query::{Cursor, CursorError, List, Query, Window};
pub use risk::RiskCursor;
pub use roaring::RoaringBitmap as AssetSet;
pub use select::{AssetFilter, AssetTest, CountTest};
pub use snapshot::{FindingPage, Snapshot};
pub use sorted::AssetSort;
pub use tally::Bands;
