//! The state of the page, as it stands in the address.

use parapet_posture::{PackageOrder, VulnerabilityOrder};
use serde::Deserialize;

use crate::link::Link;

/// See the module.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Params {
    /// The question.
    #[serde(rename = "where", default)]
    pub(super) where_: String,
    /// The last question that could be read; comes with the search box only.
    pub(super) good: Option<String>,
    #[serde(default)]
    pub(super) group: Group,
    #[serde(default)]
    pub(super) order: Order,
    #[serde(default)]
    pub(super) offset: usize,
    /// Log position to stay at while paging.
    pub(super) at: Option<u64>,
    /// A past day or instant to look at.
    #[serde(default)]
    pub(super) as_of: String,
    /// Day or instant since which changes are shown.
    #[serde(default)]
    pub(super) from: String,
    /// Until when; now when it is left out.
    #[serde(default)]
    pub(super) to: String,
    /// The part that a page of a large estate left out, because it takes longer.
    #[serde(default)]
    pub(super) part: Part,
    /// `csv` for all rows as a file.
    #[serde(default)]
    pub(super) format: String,
}

/// What the rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Group {
    #[default]
    Vulnerability,
    Asset,
    Package,
    Fix,
}

/// A part of the page that may come later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Part {
    #[default]
    None,
    Counts,
    Rows,
    /// A past day that has to be worked out.
    Past,
}

/// In which order they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Order {
    #[default]
    Risk,
    Severity,
    Assets,
    New,
    Findings,
    Name,
}

impl Group {
    pub(super) const ALL: [(Self, &'static str, &'static str); 4] = [
        (Self::Vulnerability, "", "vulnerability"),
        (Self::Asset, "asset", "asset"),
        (Self::Package, "package", "package"),
        (Self::Fix, "fix", "fix"),
    ];

    /// The orders its rows can have.
    pub(super) fn orders(self) -> &'static [(Order, &'static str, &'static str)] {
        match self {
            Self::Vulnerability => &[
                (Order::Risk, "", "risk"),
                (Order::Severity, "severity", "severity"),
                (Order::Assets, "assets", "most assets"),
                (Order::New, "new", "newest"),
            ],
            Self::Asset => &[],
            Self::Package | Self::Fix => &[
                (Order::Risk, "", "risk"),
                (Order::Findings, "findings", "most findings"),
                (Order::Assets, "assets", "most assets"),
                (Order::Name, "name", "name"),
            ],
        }
    }
}

impl Order {
    pub(super) fn of_vulnerabilities(self) -> VulnerabilityOrder {
        match self {
            Self::Severity => VulnerabilityOrder::Severity,
            Self::Assets => VulnerabilityOrder::Assets,
            Self::New => VulnerabilityOrder::FirstFound,
            Self::Risk | Self::Findings | Self::Name => VulnerabilityOrder::Risk,
        }
    }

    pub(super) fn of_packages(self) -> PackageOrder {
        match self {
            Self::Findings => PackageOrder::Findings,
            Self::Assets => PackageOrder::Assets,
            Self::Name => PackageOrder::Name,
            Self::Risk | Self::Severity | Self::New => PackageOrder::Risk,
        }
    }
}

impl Params {
    /// The page with what is chosen, but for the question and the place in the list.
    pub(super) fn link(&self) -> Link {
        let group = Group::ALL.iter().find(|(group, ..)| *group == self.group);
        let order = self.group.orders().iter().find(|(order, ..)| *order == self.order);
        Link::to("/findings")
            .with("where", "")
            .with("group", group.map_or("", |(_, word, _)| *word))
            .with("order", order.map_or("", |(_, word, _)| *word))
            .with("as_of", self.as_of.trim())
            .with("from", self.from.trim())
            .with("to", self.to.trim())
    }
}
