//! Who may do what, and whose things they see.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::id::{EnterpriseProjectNo, ProjectNo};

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)+) => {
        /// A right. Every route states the one it needs in one table.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Permission {
            $($(#[$doc])* #[serde(rename = $word)] $name,)+
        }

        impl Permission {
            /// All rights.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The word used in roles and errors.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }
        }
    };
}

permissions! {
    /// See assets, vulnerabilities, findings, jobs.
    FindingsRead = "findings.read",
    /// Make and download exports.
    ExportsCreate = "exports.create",
    /// Start scans, add and delete assets.
    AssetsWrite = "assets.write",
    /// See registries.
    RegistriesRead = "registries.read",
    /// Change registries and their credentials.
    RegistriesWrite = "registries.write",
    /// See exceptions.
    ExceptionsRead = "exceptions.read",
    /// Ask for an exception; it stays pending until somebody accepts.
    ExceptionsRequest = "exceptions.request",
    /// Accept, reject and end exceptions.
    ExceptionsApprove = "exceptions.approve",
    /// See feeds.
    FeedsRead = "feeds.read",
    /// Import feeds, roll them back, decide on held imports.
    FeedsWrite = "feeds.write",
    /// Cancel jobs.
    JobsWrite = "jobs.write",
    /// See the audit trail.
    AuditRead = "audit.read",
    /// Manage users, roles and keys.
    UsersWrite = "users.write",
    /// Report hosts as a sensor.
    SensorReport = "sensor.report",
    /// See sensor profiles.
    SensorProfilesView = "sensor_profiles.view",
    /// Make sensor profiles.
    SensorProfilesCreate = "sensor_profiles.create",
    /// Change sensor profiles.
    SensorProfilesUpdate = "sensor_profiles.update",
    /// Delete sensor profiles.
    SensorProfilesDelete = "sensor_profiles.delete",
}

/// What a caller of a route must be or hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Open,
    /// Anybody who signed in.
    SignedIn,
    /// Whoever holds the right.
    Right(Permission),
}

impl Permission {
    /// The right of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|p| p.as_str() == word)
    }
}

/// A named set of rights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Name: one of [`Role::built_in`], or one of the owner's making.
    pub name: String,
    /// What it may do.
    pub permissions: BTreeSet<Permission>,
}

impl Role {
    /// The roles every store starts with.
    pub fn built_in() -> Vec<Self> {
        use Permission::*;
        const DECIDER: [Permission; 7] = [
            FindingsRead,
            ExportsCreate,
            RegistriesRead,
            ExceptionsRead,
            ExceptionsRequest,
            ExceptionsApprove,
            FeedsRead,
        ];
        let role = |name: &str, permissions: &[Permission]| Self {
            name: name.to_owned(),
            permissions: permissions.iter().copied().collect(),
        };
        vec![
            role("manager", Permission::ALL),
            role(
                "analyst",
                &[
                    FindingsRead,
                    ExportsCreate,
                    AssetsWrite,
                    RegistriesRead,
                    ExceptionsRead,
                    ExceptionsRequest,
                    FeedsRead,
                    SensorProfilesView,
                ],
            ),
            role(
                "reader",
                &[FindingsRead, ExportsCreate, RegistriesRead, ExceptionsRead, FeedsRead, SensorProfilesView],
            ),
            role("sensor", &[SensorReport]),
            // Those of the Qualys Policy Compliance family; its scanner is the analyst.
            role("auditor", &DECIDER),
            // Decides for the enterprise projects that are granted.
            role("unit_manager", &DECIDER),
            role("requester", &[FindingsRead, ExceptionsRead, ExceptionsRequest]),
        ]
    }
}

/// Somebody who proved who they are, acting in one project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Number of the user; 0 is the local command line.
    pub user: u32,
    /// Name for the audit trail.
    pub name: String,
    /// The one project this credential acts in.
    pub project: ProjectNo,
    /// Rights in that project.
    pub permissions: BTreeSet<Permission>,
    /// The enterprise projects granted; `None` means all of them.
    pub enterprise_projects: Option<BTreeSet<EnterpriseProjectNo>>,
}

impl Principal {
    /// The person at the machine's own command line, who may do everything in `project`.
    pub fn local(project: ProjectNo) -> Self {
        Self {
            user: 0,
            name: "local".to_owned(),
            project,
            permissions: Permission::ALL.iter().copied().collect(),
            enterprise_projects: None,
        }
    }

    /// Whether the right is held.
    pub fn may(&self, permission: Permission) -> bool {
        self.permissions.contains(&permission)
    }

    /// The enterprise project of what this principal brings: the default one where they see it, else
    /// the first that they see.
    pub fn home(&self) -> EnterpriseProjectNo {
        let first = self.enterprise_projects.as_ref().and_then(|granted| granted.first());
        first.copied().unwrap_or_default()
    }

    /// The scope of everything this principal may see.
    pub fn scope(&self) -> Scope {
        Scope { project: self.project, enterprise_projects: self.enterprise_projects.clone() }
    }
}

/// What a query may see. Made only from a [`Principal`], and narrowed, never widened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    project: ProjectNo,
    enterprise_projects: Option<BTreeSet<EnterpriseProjectNo>>,
}

impl Scope {
    /// The project.
    pub fn project(&self) -> ProjectNo {
        self.project
    }

    /// The enterprise projects seen; `None` means all of them.
    pub fn enterprise_projects(&self) -> Option<&BTreeSet<EnterpriseProjectNo>> {
        self.enterprise_projects.as_ref()
    }

    /// Whether everything is visible that was made from this project and these enterprise projects
    /// (`None`: all of them), such as an export by somebody else.
    pub fn covers(
        &self,
        project: ProjectNo,
        enterprise_projects: Option<&BTreeSet<EnterpriseProjectNo>>,
    ) -> bool {
        self.project == project
            && match (&self.enterprise_projects, enterprise_projects) {
                (None, _) => true,
                (Some(_), None) => false,
                (Some(granted), Some(needed)) => needed.is_subset(granted),
            }
    }

    /// The same scope, seeing one enterprise project only; `None` when that one is not granted.
    pub fn narrow(&self, enterprise_project: EnterpriseProjectNo) -> Option<Self> {
        match &self.enterprise_projects {
            Some(granted) if !granted.contains(&enterprise_project) => None,
            _ => Some(Self {
                project: self.project,
                enterprise_projects: Some(BTreeSet::from([enterprise_project])),
            }),
        }
    }

    /// Whether an asset of this project and enterprise project is visible.
    pub fn sees(&self, project: ProjectNo, enterprise_project: EnterpriseProjectNo) -> bool {
        self.project == project
            && self.enterprise_projects.as_ref().is_none_or(|granted| granted.contains(&enterprise_project))
    }

    /// A stable text of the scope, for the identity of an export.
    pub fn describe(&self) -> String {
        match &self.enterprise_projects {
            None => format!("project {}", self.project),
            Some(granted) => {
                let list: Vec<String> = granted.iter().map(ToString::to_string).collect();
                format!("project {}, enterprise projects {}", self.project, list.join(","))
            }
        }
    }
}
