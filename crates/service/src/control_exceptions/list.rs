//! Looking at exceptions of controls, with what they are for. Rows come in order of their numbers; those
//! that were not asked for are passed over a chunk at a time, so a page costs what lies before its end.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use parapet_model::compliance::{Control, Policy, Technology};
use parapet_model::control_exception::{ControlException, HistoryEntry};
use parapet_model::facts::AssetRow;
use parapet_model::lifecycle::Standing;
use parapet_model::time::FOREVER;
use parapet_model::{
    AssetNo, ControlNo, Millis, Permission, PolicyNo, Principal, ProjectNo, Ranges, TechnologyNo,
};
use parapet_store::Session;

use super::{ControlExceptions, PROGRAM, host_of};
use crate::accounts::require;
use crate::error::Result;

/// Rows read at once.
const CHUNK: u32 = 2_000;
/// Most controls of a policy read at once.
const MEMBERS: u32 = 10_000;

/// Which exceptions are wanted; all conditions hold together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// With these numbers.
    pub numbers: Option<Ranges>,
    /// Number from here on.
    pub first: Option<u64>,
    /// Number up to here.
    pub last: Option<u64>,
    /// For a host with this address.
    pub ip: Option<IpAddr>,
    /// That stand so.
    pub standing: Option<Standing>,
    /// Whose host, policy and control are still there (or are not).
    pub active: Option<bool>,
    /// For controls whose number begins so.
    pub control_prefix: Option<String>,
    /// For controls whose statement has this text, whatever the case.
    pub statement: Option<String>,
    /// Of this policy.
    pub policy: Option<u64>,
    /// On the technology with this name, whatever the case.
    pub technology: Option<String>,
    /// For this user to look at.
    pub assignee: Option<u64>,
    /// That this user asked for.
    pub created_by: Option<u64>,
    /// That this user changed last.
    pub modified_by: Option<u64>,
    /// Asked for then or later.
    pub created_after: Option<Millis>,
    /// Changed then or later.
    pub updated_after: Option<Millis>,
    /// Whose last day lies before the day that begins then.
    pub expired_before: Option<Millis>,
    /// Whose last day is that of this instant, or later.
    pub expired_after: Option<Millis>,
}

/// What is shown of a host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostWords {
    /// Its IPv4 address, else any, else empty.
    pub ip: String,
    /// Its IPv6 address, or empty.
    pub ipv6: String,
    /// Its name, or empty.
    pub name: String,
    /// Its operating system, or empty.
    pub os: String,
    /// The group it is in, or empty.
    pub group: String,
}

impl HostWords {
    /// The words for a host.
    pub fn of(asset: &AssetRow) -> Self {
        let addresses = || asset.host_facts.addresses.iter().filter_map(|a| a.parse::<IpAddr>().ok());
        let v4 = addresses().find(IpAddr::is_ipv4);
        let v6 = addresses().find(IpAddr::is_ipv6);
        let word = |address: Option<IpAddr>| address.map(|a| a.to_string()).unwrap_or_default();
        Self {
            ip: word(v4.or(v6)),
            ipv6: word(v6),
            name: asset.name.clone(),
            os: asset.distro.clone(),
            group: asset.host_facts.group.clone(),
        }
    }
}

/// An exception with what it is for; parts that are gone are `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The exception.
    pub exception: ControlException,
    /// How it stands.
    pub standing: Standing,
    /// The host.
    pub host: Option<HostWords>,
    /// The technology.
    pub technology: Option<Technology>,
    /// The policy.
    pub policy: Option<Policy>,
    /// The control.
    pub control: Option<Control>,
    /// Whether host, policy and control are still there, and the policy still holds the control.
    pub active: bool,
    /// What was done and why; empty unless it was asked for.
    pub history: Vec<HistoryEntry>,
}

impl Listed {
    /// Why it waits again, when the evidence changed under it; the history must have been asked for.
    pub fn reopened(&self) -> Option<&HistoryEntry> {
        let last = self.history.iter().rev().find(|entry| entry.what.starts_with("Status: "));
        let by_evidence = |entry: &&HistoryEntry| entry.by == PROGRAM && self.standing == Standing::Pending;
        last.filter(by_evidence)
    }
}

/// A page of exceptions.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// By number.
    pub rows: Vec<Listed>,
    /// The number from which the next page begins; `None` after the last.
    pub next: Option<u64>,
}

impl ControlExceptions<'_> {
    /// At most `limit` exceptions the asker sees.
    pub async fn list(&self, who: &Principal, filter: &Filter, limit: usize, history: bool) -> Result<Page> {
        require(who, Permission::ExceptionsRead)?;
        let now = self.0.now();
        let mut session = self.0.store.read().await?;
        let bounds = filter.numbers.as_ref().map(|numbers| {
            let ranges = numbers.ranges();
            (ranges.first().map_or(1, |r| r.0), ranges.last().map_or(0, |r| r.1))
        });
        let (low, high) = bounds.unwrap_or((0, u64::MAX));
        let mut after = low.max(filter.first.unwrap_or(0)).saturating_sub(1);
        let high = high.min(filter.last.unwrap_or(u64::MAX));
        let mut context = Context::new(self, who);
        let mut page = Page::default();
        let to = u32::try_from(high).unwrap_or(u32::MAX);
        while let Ok(from) = u32::try_from(after) {
            let missing = u32::try_from(limit.saturating_add(1) - page.rows.len()).unwrap_or(u32::MAX);
            let chunk = if page.rows.is_empty() { missing.min(CHUNK) } else { CHUNK };
            let rows = session.control_exceptions(who.project, from, to, chunk).await?;
            let Some(last) = rows.last() else { break };
            after = last.no.0.into();
            let rows = rows.into_iter().filter(|e| filter.takes(e, now) && context.sees(e)).collect();
            page.rows.extend(context.describe(&mut session, rows, filter, now).await?);
            if page.rows.len() > limit {
                page.next = page.rows.get(limit).map(|row| row.exception.no.0.into());
                page.rows.truncate(limit);
                break;
            }
        }
        if history {
            add_history(&mut session, &mut page.rows).await?;
        }
        Ok(page)
    }
}

async fn add_history(session: &mut Session, rows: &mut [Listed]) -> Result<()> {
    let numbers: Vec<_> = rows.iter().map(|row| row.exception.no).collect();
    let mut histories = session.control_exception_history(&numbers).await?;
    for row in rows {
        row.history = histories.remove(&row.exception.no).unwrap_or_default();
    }
    Ok(())
}

impl Filter {
    /// What can be said from the row alone.
    fn takes(&self, e: &ControlException, now: Millis) -> bool {
        let is = |wanted: Option<u64>, own: u32| wanted.is_none_or(|wanted| wanted == u64::from(own));
        let prefix = |prefix: &String| e.target.identity.control.to_string().starts_with(prefix.as_str());
        self.numbers.as_ref().is_none_or(|numbers| numbers.contains(e.no.0.into()))
            && self.standing.is_none_or(|standing| e.life.standing(now) == standing)
            && self.control_prefix.as_ref().is_none_or(prefix)
            && is(self.policy, e.target.identity.policy.0)
            && is(self.assignee, e.assignee)
            && is(self.created_by, e.created_by)
            && is(self.modified_by, e.modified_by)
            && self.created_after.is_none_or(|at| e.created_at >= at)
            && self.updated_after.is_none_or(|at| e.modified_at >= at)
            && self.expired_before.is_none_or(|at| e.life.end <= at)
            && self.expired_after.is_none_or(|at| at < e.life.end && e.life.end != FOREVER)
    }

    /// What can be said once it is known what it is for.
    fn takes_described(&self, row: &Listed) -> bool {
        let same = |text: &str, wanted: &str| text.to_lowercase() == wanted.to_lowercase();
        let holds = |text: &str, wanted: &str| text.to_lowercase().contains(&wanted.to_lowercase());
        let control = row.control.as_ref();
        let technology = row.technology.as_ref();
        self.active.is_none_or(|active| row.active == active)
            && self.ip.is_none_or(|ip| row.host.as_ref().is_some_and(|host| host.has(ip)))
            && (self.statement.as_ref())
                .is_none_or(|wanted| control.is_some_and(|c| holds(&c.text.statement, wanted)))
            && (self.technology.as_ref())
                .is_none_or(|wanted| technology.is_some_and(|t| same(&t.name, wanted)))
    }
}

impl HostWords {
    fn has(&self, ip: IpAddr) -> bool {
        let word = ip.to_string();
        self.ip == word || self.ipv6 == word
    }
}

/// What exceptions are for, looked up once for a whole list.
struct Context<'a> {
    who: &'a Principal,
    snapshot: std::sync::Arc<parapet_posture::Snapshot>,
    policies: HashMap<PolicyNo, Option<Policy>>,
    members: HashMap<PolicyNo, HashSet<ControlNo>>,
    controls: HashMap<ControlNo, Control>,
    technologies: HashMap<TechnologyNo, Option<Technology>>,
    hosts: HashMap<AssetNo, Option<HostWords>>,
}

impl<'a> Context<'a> {
    fn new(app: &'a ControlExceptions<'a>, who: &'a Principal) -> Self {
        Self {
            who,
            snapshot: app.0.live().snapshot(),
            policies: HashMap::new(),
            members: HashMap::new(),
            controls: HashMap::new(),
            technologies: HashMap::new(),
            hosts: HashMap::new(),
        }
    }

    fn sees(&self, e: &ControlException) -> bool {
        self.who.scope().sees(e.project, e.enterprise_project)
    }

    async fn describe(
        &mut self,
        session: &mut Session,
        rows: Vec<ControlException>,
        filter: &Filter,
        now: Millis,
    ) -> Result<Vec<Listed>> {
        self.load(session, &rows).await?;
        let listed = rows.into_iter().map(|exception| {
            let identity = &exception.target.identity;
            let host = self.hosts.get(&identity.host).cloned().flatten();
            let held = self.members.get(&identity.policy).is_some_and(|all| all.contains(&identity.control));
            Listed {
                standing: exception.life.standing(now),
                policy: self.policies.get(&identity.policy).cloned().flatten(),
                control: self.controls.get(&identity.control).cloned(),
                technology: self.technologies.get(&exception.target.technology).cloned().flatten(),
                active: host.is_some() && held,
                host,
                history: Vec::new(),
                exception,
            }
        });
        Ok(listed.filter(|row| filter.takes_described(row)).collect())
    }

    async fn load(&mut self, session: &mut Session, rows: &[ControlException]) -> Result<()> {
        let project = self.who.project;
        for e in rows {
            let identity = &e.target.identity;
            if let Entry::Vacant(place) = self.policies.entry(identity.policy) {
                place.insert(session.policy(project, identity.policy).await?);
                let members = members(session, identity.policy).await?;
                self.members.insert(identity.policy, members);
            }
            if let Entry::Vacant(place) = self.technologies.entry(e.target.technology) {
                place.insert(session.technology(project, e.target.technology).await?);
            }
            if let Entry::Vacant(place) = self.hosts.entry(identity.host) {
                let there = host_of(&self.snapshot, self.who, identity.host).is_some();
                let asset = self.snapshot.asset(&self.who.scope(), identity.host).filter(|_| there);
                place.insert(asset.map(HostWords::of));
            }
        }
        let new: BTreeSet<ControlNo> = rows
            .iter()
            .map(|e| e.target.identity.control)
            .filter(|no| !self.controls.contains_key(no))
            .collect();
        let found = controls(session, project, &Vec::from_iter(new)).await?;
        self.controls.extend(found);
        Ok(())
    }
}

async fn members(session: &mut Session, policy: PolicyNo) -> Result<HashSet<ControlNo>> {
    let mut all = HashSet::new();
    let mut after = ControlNo(0);
    loop {
        let some = session.controls_of_policy(policy, after, MEMBERS).await?;
        let Some(last) = some.last() else { return Ok(all) };
        after = *last;
        all.extend(some);
    }
}

async fn controls(
    session: &mut Session,
    project: ProjectNo,
    numbers: &[ControlNo],
) -> Result<BTreeMap<ControlNo, Control>> {
    let found = session.controls_by_number(project, numbers).await?;
    Ok(found.into_iter().map(|control| (control.no, control)).collect())
}
