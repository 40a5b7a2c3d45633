//! What the results of an answer refer to. Only what has a result in it is listed: a client takes every
//! element named CONTROL for one with results.

use std::collections::{BTreeMap, BTreeSet};

use parapet_model::compliance::Policy;
use parapet_model::time::format_seconds;
use parapet_model::{AssetNo, ControlNo, TechnologyNo};
use parapet_service::control_posture::PostureRow;

use super::super::error::PcError;
use super::super::lists::{self, TRACKING};
use super::super::xml::Xml;
use super::Writing;
use super::evidence::Labels;
use super::request::Details;

/// What was referred to.
#[derive(Debug, Default)]
pub(super) struct Seen {
    hosts: BTreeSet<AssetNo>,
    controls: BTreeMap<ControlNo, BTreeSet<TechnologyNo>>,
    users: BTreeSet<u32>,
}

impl Seen {
    /// Notes what a result refers to.
    pub(super) fn note(&mut self, row: &PostureRow) {
        self.hosts.insert(row.result.identity.host);
        self.controls.entry(row.result.identity.control).or_default().insert(row.result.technology);
        if let Some((e, _)) = &row.exception {
            self.users.extend([e.assignee, e.created_by]);
        }
    }
}

/// `GLOSSARY`.
pub(super) async fn write(
    xml: &mut Xml,
    writing: &Writing,
    policy: &Policy,
    (seen, labels): (&Seen, &Labels),
    percentages: &BTreeMap<AssetNo, u64>,
) -> Result<(), PcError> {
    if seen.hosts.is_empty() {
        return Ok(());
    }
    let (postures, who) = (writing.state.app.control_postures(), writing.caller.principal());
    let all = writing.request.details == Details::All;
    let hosts = postures.hosts(who, &Vec::from_iter(seen.hosts.iter().copied())).await?;
    let controls = postures.controls_of(who, policy.no).await?;
    let technologies = postures.technologies(who).await?;
    xml.node("GLOSSARY", |xml| {
        if !seen.users.is_empty() {
            xml.node("USER_LIST", |xml| {
                for user in &seen.users {
                    xml.node("USER", |xml| xml.leaf("USER_LOGIN", writing.logins.name(*user)));
                }
            });
        }
        if !hosts.is_empty() {
            xml.node("HOST_LIST", |xml| {
                for host in hosts.values() {
                    xml.node("HOST", |xml| {
                        xml.leaf("ID", host.no);
                        xml.leaf("IP", &host.words.ip);
                        xml.leaf("TRACKING_METHOD", TRACKING);
                        xml.cdata("DNS", &host.words.name);
                        xml.cdata("OS", &host.words.os);
                        if host.scanned > 0 {
                            xml.leaf("LAST_VULN_SCAN_DATETIME", format_seconds(host.scanned));
                        }
                        if host.assessed > 0 {
                            xml.leaf("LAST_COMPLIANCE_SCAN_DATETIME", format_seconds(host.assessed));
                        }
                        if let Some(percentage) = percentages.get(&host.no).filter(|_| all) {
                            xml.leaf("PERCENTAGE", format!("{percentage}%"));
                        }
                    });
                }
            });
        }
        let known = || seen.controls.iter().filter_map(|(no, on)| Some((controls.get(no)?, on)));
        if known().next().is_some() {
            xml.node("CONTROL_LIST", |xml| {
                for (control, on) in known() {
                    xml.node("CONTROL", |xml| {
                        xml.leaf("ID", control.no);
                        xml.cdata("STATEMENT", &control.text.statement);
                        lists::criticality(xml, control.text.criticality);
                        if all && !control.text.rationale.is_empty() {
                            xml.node("RATIONALE_LIST", |xml| {
                                for technology in on {
                                    xml.node("RATIONALE", |xml| {
                                        xml.leaf("TECHNOLOGY_ID", technology);
                                        xml.cdata("TEXT", &control.text.rationale);
                                    });
                                }
                            });
                        }
                    });
                }
            });
        }
        let on: BTreeSet<&TechnologyNo> = seen.controls.values().flatten().collect();
        if writing.request.details != Details::Light && !on.is_empty() {
            xml.node("TECHNOLOGY_LIST", |xml| {
                for no in on {
                    let name = technologies.get(no).map_or("", String::as_str);
                    lists::named(xml, "TECHNOLOGY", no.0, name);
                }
            });
        }
        labels.write(xml);
    });
    Ok(())
}
