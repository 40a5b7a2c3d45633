//! Numbers and identifiers.
//!
//! Facts carry dense `u32` numbers, given out by the store inside the write transaction and never
//! reused. People and wires see uuids and names; those come from an [`Ids`] that is passed in.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl $name {
            /// The number as an index.
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// A package (name, version, ecosystem, …), global to the store.
    PackageNo
);
number!(
    /// A content-addressed package set, global to the store.
    SetNo
);
number!(
    /// An image, container or host.
    AssetNo
);
number!(
    /// An advisory (source and id).
    AdvisoryNo
);
number!(
    /// A vulnerability id that was ever named. Never merged, never deleted.
    VulnerabilityNo
);
number!(
    /// An exception.
    ExceptionNo
);
number!(
    /// A project: the tenant that owns assets.
    ProjectNo
);
number!(
    /// An enterprise project: a division inside the account, as HSS knows it. Number 0 is the
    /// default one.
    EnterpriseProjectNo
);
number!(
    /// A compliance policy: a profile of a benchmark.
    PolicyNo
);
number!(
    /// A control: a rule of benchmarks. Numbers begin at 100,000, above Qualys' own.
    ControlNo
);
number!(
    /// A technology: the platform of hosts.
    TechnologyNo
);
number!(
    /// How one host stands with one control of one policy at one instance.
    ControlResultNo
);
number!(
    /// What a check found; 0 stands for a document without evidence.
    EvidenceNo
);

number!(
    /// An exception of a control.
    ControlExceptionNo
);

/// The QID of vulnerability number 0. Qualys' own numbers stay far below.
pub const QID_BASE: u64 = 1_000_000_000;

impl VulnerabilityNo {
    /// The stable number that the Qualys family shows.
    pub const fn qid(self) -> u64 {
        QID_BASE + self.0 as u64
    }

    /// The vulnerability of a QID of ours, if it is one.
    pub fn from_qid(qid: u64) -> Option<Self> {
        u32::try_from(qid.checked_sub(QID_BASE)?).ok().map(Self)
    }
}

/// A source of fresh identifiers and secret bytes.
pub trait Ids: Send + Sync + std::fmt::Debug {
    /// A fresh uuid.
    fn uuid(&self) -> Uuid;
}

/// Random (version 7) uuids, ordered by time.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    #[expect(clippy::disallowed_methods, reason = "the one place identifiers come from")]
    fn uuid(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// Predictable uuids for tests: 1, 2, 3, …
#[derive(Debug, Default)]
pub struct SeededIds(AtomicU64);

impl Ids for SeededIds {
    fn uuid(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::SeqCst) + 1))
    }
}
