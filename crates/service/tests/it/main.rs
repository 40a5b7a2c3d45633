//! Use cases on a store of their own, with time in the test's hand.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod alone;
mod binary_readers;
mod checkpoint;
mod clouds;
mod compliance;
mod exports;
mod four_eyes;
mod generate;
mod held;
mod joins;
mod layers;
mod looks;
mod manage;
mod notices;
mod registry;
mod registry_sensors;
mod rematch;
mod schedules;
mod within;
mod world;
