//! What is asked of posture.

use std::sync::atomic::AtomicBool;

use parapet_model::compliance::{ControlPosture, Criticality, Policy};
use parapet_model::{Permission, PolicyNo};
use parapet_service::control_exceptions::HostWords;
use parapet_service::control_posture::PostureQuery;
use parapet_store::compliance::{Ranges as Wanted, ResultFilter};

use super::super::addresses::Addresses;
use super::super::error::{Code, PcError};
use super::super::lists;
use super::super::params::{Call, MAX_ID};
use super::super::tags::Tags;
use crate::http::auth::Caller;
use crate::http::state::AppState;

const KNOWN: [&str; 28] = [
    "policy_id",
    "policy_ids",
    "output_format",
    "details",
    "hide_evidence",
    "show_extended_evidence",
    "include_dp_name",
    "show_remediation_info",
    "cause_of_failure",
    "truncation_limit",
    "ips",
    "host_ids",
    "asset_group_ids",
    "control_ids",
    "ids",
    "id_min",
    "id_max",
    "status",
    "status_changes_since",
    "evaluation_date",
    "criticality_labels",
    "criticality_values",
    "tag_set_by",
    "tag_include_selector",
    "tag_exclude_selector",
    "tag_set_include",
    "tag_set_exclude",
    "echo_request",
];
const DEFAULT_LIMIT: u64 = 5_000;
const MAX_LIMIT: u64 = 1_000_000;
/// Policies of one call.
const MAX_POLICIES: usize = 10;

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Details {
    /// Ids.
    None,
    /// Results and exceptions.
    Basic,
    /// And evidence.
    Light,
    /// And everything that is known beside.
    All,
}

/// In which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// XML.
    Xml,
    /// CSV with a table about the answer before it.
    CsvWithMetadata,
    /// CSV.
    Csv,
}

/// A request that can be answered.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) policies: Vec<Policy>,
    /// Whether policies were asked for in the form for several.
    pub(super) several: bool,
    pub(super) format: Format,
    pub(super) details: Details,
    pub(super) evidence: bool,
    pub(super) extended: bool,
    /// Whether data points are named.
    pub(super) named: bool,
    pub(super) cause_of_failure: bool,
    pub(super) limit: usize,
    /// Number of the first result.
    pub(super) first: u64,
    /// Whether a piece of the answer was sent.
    pub(super) started: AtomicBool,
    filter: ResultFilter,
    shown: Vec<ControlPosture>,
    criticalities: Vec<Criticality>,
}

impl Request {
    /// Reads a call and looks up what it names.
    pub(super) async fn of(state: &AppState, caller: &Caller, call: &Call) -> Result<Self, PcError> {
        lists::only_list(call)?;
        call.only(&KNOWN)?;
        if !caller.principal().may(Permission::FindingsRead) {
            return Err(PcError::forbidden());
        }
        if call.text("asset_group_ids").is_some() {
            let text = "asset_group_ids is not supported: there are no asset groups here";
            return Err(PcError::new(Code::Combination, text));
        }
        let several = call.text("policy_ids").is_some();
        let format = format(call, several)?;
        let policies = policies(state, caller, call, several).await?;
        let details = match call.word("details", &["None", "Basic", "Light", "All"])? {
            Some("None") => Details::None,
            Some("Light") => Details::Light,
            Some("All") => Details::All,
            _ => Details::Basic,
        };
        let shows_evidence = matches!(details, Details::Light | Details::All) || format != Format::Xml;
        call.flag("show_remediation_info")?;
        let first = call.id("id_min")?.unwrap_or(0);
        Ok(Self {
            several,
            format,
            details,
            evidence: shows_evidence && call.flag("hide_evidence")? != Some(true),
            extended: call.flag("show_extended_evidence")? == Some(true),
            named: call.flag("include_dp_name")? == Some(true),
            cause_of_failure: call.flag("cause_of_failure")? == Some(true),
            limit: match several || format != Format::Xml && call.text("truncation_limit").is_none() {
                true => usize::MAX - 1,
                false => lists::limit_or_all(call, DEFAULT_LIMIT, MAX_LIMIT)?,
            },
            first,
            started: AtomicBool::new(false),
            filter: filter(state, caller, call, &policies, first).await?,
            shown: call
                .word("status", &["Passed", "Failed", "Error"])?
                .and_then(ControlPosture::parse)
                .into_iter()
                .collect(),
            criticalities: criticalities(call)?,
            policies,
        })
    }

    /// The question to the store for one policy.
    pub(super) fn query_for(&self, policy: PolicyNo) -> PostureQuery {
        PostureQuery {
            filter: ResultFilter { policy: Some(policy), ..self.filter.clone() },
            shown: self.shown.clone(),
            criticalities: self.criticalities.clone(),
            evidence: self.evidence || self.cause_of_failure,
        }
    }
}

fn format(call: &Call, several: bool) -> Result<Format, PcError> {
    let format = match call.word("output_format", &["xml", "csv", "csv_no_metadata"])? {
        Some("csv") => Format::CsvWithMetadata,
        Some("csv_no_metadata") => Format::Csv,
        _ => Format::Xml,
    };
    if several && format != Format::Xml {
        return Err(PcError::new(Code::Combination, "output_format=csv needs policy_id"));
    }
    if several && call.text("truncation_limit").is_some() {
        return Err(PcError::new(Code::Combination, "truncation_limit cannot be specified with policy_ids"));
    }
    Ok(format)
}

async fn policies(
    state: &AppState,
    caller: &Caller,
    call: &Call,
    several: bool,
) -> Result<Vec<Policy>, PcError> {
    let name = if several { "policy_ids" } else { "policy_id" };
    let ids: Vec<u64> = match (call.id("policy_id")?, call.numbers("policy_ids", MAX_ID)?) {
        (Some(_), Some(_)) => {
            let text = "only one of policy_id and policy_ids may be specified";
            return Err(PcError::new(Code::OnlyOneOf, text));
        }
        (Some(id), None) => vec![id],
        (None, Some(ids)) => {
            let most = MAX_POLICIES as u64;
            let count =
                ids.ranges().iter().map(|(a, b)| (b - a).saturating_add(1)).fold(0, u64::saturating_add);
            if count > most {
                let text = call.text("policy_ids").unwrap_or_default();
                return Err(PcError::why_invalid("policy_ids", text, "more than 10 policies"));
            }
            ids.ranges().iter().flat_map(|(first, last)| *first..=*last).collect()
        }
        (None, None) => {
            let text = "at least one of policy_id and policy_ids must be specified";
            return Err(PcError::new(Code::AtLeastOneOf, text));
        }
    };
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let policy = state.app.control_postures().policy(caller.principal(), id).await?;
        found.push(policy.ok_or_else(|| PcError::invalid(name, &id.to_string()))?);
    }
    Ok(found)
}

async fn filter(
    state: &AppState,
    caller: &Caller,
    call: &Call,
    policies: &[Policy],
    first: u64,
) -> Result<ResultFilter, PcError> {
    let ranges = |name: &str| -> Result<Wanted, PcError> {
        let numbers = call.numbers(name, MAX_ID)?;
        Ok(numbers.map_or_else(Wanted::default, |numbers| Wanted::new(numbers.ranges().iter().copied())))
    };
    let mut hosts = ranges("host_ids")?;
    let (addresses, tags) = (Addresses::of(call, "ips")?, Tags::of(state, caller, call).await?);
    if addresses.is_some() || tags.is_some() {
        let meant = |host: &HostWords| {
            addresses.as_ref().is_none_or(|addresses| addresses.have(host))
                && tags.as_ref().is_none_or(|tags| tags.take(host))
        };
        let mut found = Vec::new();
        for policy in policies {
            let postures = state.app.control_postures();
            let with = postures.hosts_with(caller.principal(), policy.no, meant).await?;
            found.extend(with.into_iter().filter(|host| hosts.contains(host.0)));
        }
        // No host has the number 0, so nothing is found where no host was.
        let found = found.into_iter().map(|host| u64::from(host.0)).chain([0]);
        hosts = Wanted::new(found.map(|no| (no, no)));
    }
    let last = call.id("id_max")?.unwrap_or(MAX_ID);
    let numbers = match call.numbers("ids", MAX_ID)? {
        Some(ids) => {
            let inside = ids.ranges().iter().map(|(a, b)| ((*a).max(first), (*b).min(last)));
            let inside: Vec<(u64, u64)> = inside.filter(|(a, b)| a <= b).collect();
            if inside.is_empty() { Wanted::one(0) } else { Wanted::new(inside) }
        }
        None if first > 0 || last < MAX_ID => Wanted::new([(first, last)]),
        None => Wanted::default(),
    };
    Ok(ResultFilter {
        hosts,
        controls: ranges("control_ids")?,
        numbers,
        changed_since: call.instant("status_changes_since")?,
        evaluated_since: call.instant("evaluation_date")?,
        ..ResultFilter::default()
    })
}

fn criticalities(call: &Call) -> Result<Vec<Criticality>, PcError> {
    let (labels, values) = (call.text("criticality_labels"), call.text("criticality_values"));
    let (name, text) = match (labels, values) {
        (Some(_), Some(_)) => {
            let text = "only one of criticality_labels and criticality_values may be specified";
            return Err(PcError::new(Code::OnlyOneOf, text));
        }
        (Some(labels), None) => ("criticality_labels", labels),
        (None, Some(values)) => ("criticality_values", values),
        (None, None) => return Ok(Vec::new()),
    };
    let wanted = text.split(',').map(str::trim);
    let read = |word: &str| match name {
        "criticality_labels" => {
            Criticality::ALL.iter().copied().find(|c| c.as_str().eq_ignore_ascii_case(word))
        }
        _ => word.parse().ok().and_then(Criticality::from_number),
    };
    wanted.map(|word| read(word).ok_or_else(|| PcError::invalid(name, text))).collect()
}
