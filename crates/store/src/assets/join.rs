//! A host that documents named first and a sensor reports later is one asset.
//!
//! Which of the two was known first does not matter. A sensor that is new takes over the asset that documents
//! made: its number, its id and everything that was said of it stay, and it learns the machine id. Where the
//! sensor's host is an asset already, what was said of the other one moves to it, and the other one ends.
//!
//! Two machines must never become one, so a host is joined only when it was known from documents alone, when
//! its name or address is no other host's too, and when nothing else that both say of themselves disagrees.

use std::collections::BTreeSet;

use parapet_model::AssetNo;
use parapet_model::asset::{AssetKind, ScanState};
use parapet_model::compliance::Target;
use parapet_model::compliance::target::MAX_NAME;
use parapet_model::facts::AssetRow;

use super::host::HostObservation;
use super::names::Common;
use crate::error::Result;
use crate::log::Kind;
use crate::session::Session;
use crate::sql::args;
use crate::tx::Tx;

const SET_IDENTITY: &str = "UPDATE asset SET identity = $1 WHERE no = $2";
const MOVE_NAMES: &str = "INSERT INTO host_name (project, kind, name, host) \
     SELECT project, kind, name, CAST($1 AS BIGINT) FROM host_name WHERE host = $2 ON CONFLICT DO NOTHING";
const DROP_NAMES: &str = "DELETE FROM host_name WHERE host = $1";
const MOVE_ASSESSMENTS: &str = "UPDATE assessment SET host = $1 WHERE host = $2";
const MOVE_DOCUMENTS: &str = "UPDATE assessment_document SET host = $1 WHERE host = $2";
const MOVE_RESULTS: &str = "UPDATE control_result SET host = $1 WHERE host = $2";
const MOVE_EXCEPTIONS: &str = "UPDATE control_exception SET host = $1 WHERE host = $2";
const OWN_EXCEPTIONS: &str =
    "UPDATE control_exception SET enterprise_project = $1 WHERE host = $2 AND enterprise_project <> $3";

impl Session {
    /// The host known from documents alone that a sensor's host is, if there is exactly one; `but` the host
    /// itself.
    async fn find_document_host(
        &mut self,
        host: &HostObservation<'_>,
        but: Option<AssetNo>,
    ) -> Result<Option<AssetRow>> {
        let project = host.look.project;
        let mut own = Target::default();
        own.add_machine_id(host.identity);
        own.add_name(host.look.name);
        host.facts.addresses.iter().for_each(|address| own.add_address(address));
        for id in &own.machine_ids {
            let uuid = AssetKind::Host.uuid(project, &format!("id:{id}"));
            if let Some(known) = self.asset_by_uuid(project, &uuid).await?
                && is_of_documents(&known)
            {
                return Ok(Some(known));
            }
        }
        let Some((no, common)) = self.find_named(project, &own, but).await? else { return Ok(None) };
        let Some(known) = self.asset(no).await?.filter(is_of_documents) else { return Ok(None) };
        let names = self.names_of_target(no).await?;
        Ok((!contradict(&own, &names, common)).then_some(known))
    }
}

/// Whether nobody but documents ever spoke of a host.
fn is_of_documents(host: &AssetRow) -> bool {
    host.kind == AssetKind::Host && host.scan == ScanState::NotScanned && host.observed == 0
}

/// Whether what is in common is too weak for what else is said.
fn contradict(one: &Target, other: &Target, common: Common) -> bool {
    let labels = |target: &Target| -> BTreeSet<String> {
        let names = target.full_names.iter().chain(&target.host_names);
        names.map(|name| name.split('.').next().unwrap_or_default().to_owned()).collect()
    };
    let disjoint = |one: BTreeSet<String>, other: BTreeSet<String>| {
        !one.is_empty() && !other.is_empty() && one.is_disjoint(&other)
    };
    let set = |names: &[String]| names.iter().cloned().collect();
    match common {
        Common::Strong => false,
        Common::Address => {
            disjoint(labels(one), labels(other)) || disjoint(set(&one.full_names), set(&other.full_names))
        }
        Common::BareName => disjoint(set(&one.addresses), set(&other.addresses)),
    }
}

impl Tx {
    /// The asset that a sensor's new host takes over, if documents made one for it; it is the host of that
    /// machine from now on.
    pub(super) async fn adopt(&mut self, host: &HostObservation<'_>) -> Result<Option<AssetRow>> {
        if host.identity.len() > MAX_NAME || host.identity.contains('\0') {
            return Ok(None);
        }
        let Some(known) = self.find_document_host(host, None).await? else { return Ok(None) };
        self.learn_machine(host.look.project, known.no, host.identity).await?;
        self.execute(SET_IDENTITY, args![host.identity, known.no]).await?;
        self.own_exceptions(host, known.no).await?;
        Ok(Some(known))
    }

    /// Moves what documents said of an asset of their own to the sensor's host that it is, and ends that
    /// asset. One that was looked at for the same policy as that host stays: two lives of one result do not
    /// become one.
    pub(super) async fn absorb(
        &mut self,
        host: &HostObservation<'_>,
        into: AssetNo,
    ) -> Result<Option<AssetRow>> {
        let known = self.find_document_host(host, Some(into)).await?;
        let Some(known) = known.filter(|known| known.held.is_open()) else { return Ok(None) };
        let policies = |assessments: Vec<parapet_model::compliance::Assessment>| -> BTreeSet<_> {
            assessments.into_iter().map(|assessment| assessment.policy).collect()
        };
        let own = policies(self.assessments_of_host(into).await?);
        if !own.is_disjoint(&policies(self.assessments_of_host(known.no).await?)) {
            return Ok(None);
        }
        for statement in [MOVE_NAMES, MOVE_ASSESSMENTS, MOVE_DOCUMENTS, MOVE_RESULTS, MOVE_EXCEPTIONS] {
            self.execute(statement, args![into, known.no]).await?;
        }
        self.execute(DROP_NAMES, args![known.no]).await?;
        self.own_exceptions(host, into).await?;
        self.delete_asset(known.no).await?;
        self.log(Kind::ControlResults, into.0);
        self.log(Kind::ControlResults, known.no.0);
        Ok(Some(known))
    }

    /// Exceptions of a host belong to whom the host belongs to.
    async fn own_exceptions(&mut self, host: &HostObservation<'_>, no: AssetNo) -> Result<()> {
        let owner = host.look.enterprise_project;
        self.execute(OWN_EXCEPTIONS, args![owner, no, owner]).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(names: &[&str]) -> Target {
        let mut target = Target::default();
        names.iter().for_each(|name| target.add_name(name));
        target
    }

    #[test]
    fn a_weak_name_joins_only_what_nothing_contradicts() {
        for (one, other, common, wanted) in [
            (&["web-1", "192.0.2.1"][..], &["web-1.example.test", "192.0.2.1"][..], Common::Address, false),
            (&["192.0.2.1"], &["db", "192.0.2.1"], Common::Address, false),
            (&["web-1", "192.0.2.1"], &["db-1", "192.0.2.1"], Common::Address, true),
            (&["web.a.test", "192.0.2.1"], &["web.b.test", "192.0.2.1"], Common::Address, true),
            (&["web", "192.0.2.1"], &["web"], Common::BareName, false),
            (&["web", "192.0.2.1", "192.0.2.2"], &["web", "192.0.2.2"], Common::BareName, false),
            (&["web", "192.0.2.1"], &["web", "198.51.100.1"], Common::BareName, true),
            (&["web.a.test", "192.0.2.1"], &["web.a.test", "192.0.2.9"], Common::Strong, false),
        ] {
            assert_eq!(contradict(&target(one), &target(other), common), wanted, "{one:?} {other:?}");
        }
    }
}
