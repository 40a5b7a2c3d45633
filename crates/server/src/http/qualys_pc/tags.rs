//! Tags of hosts in the family's words: the groups that hosts are put into. A host is in one group at most, so
//! it has one tag at most; `any` and `all` are answered by the same rule as with many.

use std::collections::BTreeSet;

use parapet_service::control_exceptions::HostWords;
use parapet_store::host_groups::HostGroup;

use super::error::{Code, PcError};
use super::params::{Call, MAX_ID};
use crate::http::auth::Caller;
use crate::http::state::AppState;

/// The parameters.
pub(super) const TAGS: [&str; 5] =
    ["tag_set_by", "tag_include_selector", "tag_exclude_selector", "tag_set_include", "tag_set_exclude"];

/// Hosts by their tags.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Tags {
    include: Option<Set>,
    exclude: Option<Set>,
}

/// Tags by name, of which a host has to have any or all.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Set {
    names: BTreeSet<String>,
    all: bool,
}

impl Set {
    fn has(&self, own: &str) -> bool {
        match self.all {
            true => self.names.iter().all(|name| name == own),
            false => self.names.contains(own),
        }
    }
}

/// The first of the parameters that a call has.
pub(super) fn named(call: &Call) -> Option<&'static str> {
    TAGS.into_iter().find(|name| call.text(name).is_some())
}

impl Tags {
    /// Reads the parameters of a call; `None` when it has none of them.
    pub(super) async fn of(state: &AppState, caller: &Caller, call: &Call) -> Result<Option<Self>, PcError> {
        if named(call).is_none() {
            return Ok(None);
        }
        let groups = state.app.hosts().groups(caller.principal()).await?;
        Self::read(call, &groups).map(Some)
    }

    fn read(call: &Call, groups: &[HostGroup]) -> Result<Self, PcError> {
        let by_name = call.word("tag_set_by", &["id", "name"])? == Some("name");
        let set = |set: &str, selector: &str| -> Result<Option<Set>, PcError> {
            let all = call.word(selector, &["any", "all"])? == Some("all");
            let Some(text) = call.text(set) else { return Ok(None) };
            let names = if by_name { by_names(set, text, groups) } else { by_ids(call, set, text, groups) };
            Ok(Some(Set { names: names?, all }))
        };
        let include = set("tag_set_include", "tag_include_selector")?;
        let exclude = set("tag_set_exclude", "tag_exclude_selector")?;
        if include.is_none() && exclude.is_none() {
            let text = "at least one of tag_set_include and tag_set_exclude must be specified";
            return Err(PcError::new(Code::AtLeastOneOf, text));
        }
        Ok(Self { include, exclude })
    }

    /// Whether a host is meant.
    pub(super) fn take(&self, host: &HostWords) -> bool {
        self.include.as_ref().is_none_or(|set| set.has(&host.group))
            && !self.exclude.as_ref().is_some_and(|set| set.has(&host.group))
    }
}

fn by_names(name: &str, text: &str, groups: &[HostGroup]) -> Result<BTreeSet<String>, PcError> {
    let known = |wanted: &str| match groups.iter().find(|group| group.name == wanted) {
        Some(group) => Ok(group.name.clone()),
        None => Err(PcError::why_invalid(name, text, "no such tag")),
    };
    text.split(',').map(|wanted| known(wanted.trim())).collect()
}

fn by_ids(call: &Call, name: &str, text: &str, groups: &[HostGroup]) -> Result<BTreeSet<String>, PcError> {
    let wanted = call.numbers(name, MAX_ID)?.unwrap_or_default();
    let known: Vec<&HostGroup> = groups.iter().filter(|group| wanted.contains(group.no.into())).collect();
    let asked = wanted.ranges().iter().map(|(a, b)| (b - a).saturating_add(1)).fold(0, u64::saturating_add);
    if asked != known.len() as u64 {
        return Err(PcError::why_invalid(name, text, "no such tag"));
    }
    Ok(known.into_iter().map(|group| group.name.clone()).collect())
}
