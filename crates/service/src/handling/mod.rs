//! What people do about a vulnerability on some assets: ignore it, mark it as repaired, put it on the
//! white list, or take that back. All of it is exceptions of the one engine, one for each
//! vulnerability, so that one pair can be taken back without the others.

mod history;

use std::collections::BTreeMap;

use parapet_model::exception::{Asked, Decision, Exception, ExceptionState, TargetKind};
use parapet_model::filter::{Field, Op};
use parapet_model::{AssetNo, ExceptionNo, Filter, Permission, Principal, Scope};
use parapet_posture::Snapshot;
use parapet_store::Tx;
use uuid::Uuid;

pub use history::{Handled, HandledHow};

use crate::accounts::require;
use crate::app::App;
use crate::error::{Error, Result};
use crate::exceptions::{NewException, edit, require_change};

/// Reason of an exception by which somebody ignores a vulnerability.
pub const IGNORED: &str = "risk_accepted";
/// Reason of one by which somebody says that it is repaired. It holds until the asset is looked at
/// again: then the packages tell.
pub const REPAIRED: &str = "marked as repaired";
/// Reason of one that is an entry of the white list.
pub const WHITELISTED: &str = "whitelisted";
/// Most pairs of asset and vulnerability of one request.
const MAX_PAIRS: usize = 250_000;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handle {
    /// Accept it.
    Ignore,
    /// Say that it is repaired.
    Repaired,
    /// Put it on the white list.
    Whitelist,
    /// Take any of these back.
    Restore,
}

impl Handle {
    fn reason(self) -> &'static str {
        match self {
            Self::Repaired => REPAIRED,
            Self::Whitelist => WHITELISTED,
            Self::Ignore | Self::Restore => IGNORED,
        }
    }

    fn title(self, vulnerability: &str) -> String {
        match self {
            Self::Repaired => format!("{vulnerability} is repaired"),
            Self::Whitelist => format!("{vulnerability} is on the white list"),
            Self::Ignore | Self::Restore => format!("{vulnerability} is ignored"),
        }
    }
}

/// One vulnerability on some assets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnAssets {
    /// Its id.
    pub vulnerability: String,
    /// Where.
    pub assets: Vec<Uuid>,
}

/// Use cases around handling.
#[derive(Debug, Clone, Copy)]
pub struct Handling<'a>(pub(crate) &'a App);

impl Handling<'_> {
    /// Does it, for all of them or none. What is done already is not done twice.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an asset that is not seen; [`Error::Conflict`] when something is to be
    /// taken back that a wider exception hides.
    pub async fn handle(&self, who: &Principal, what: Handle, on: &[OnAssets], remark: &str) -> Result<()> {
        require(who, Permission::ExceptionsRequest)?;
        if on.iter().map(|one| one.assets.len()).sum::<usize>() > MAX_PAIRS {
            return Err(Error::Invalid(format!("more than {MAX_PAIRS} pairs of asset and vulnerability")));
        }
        let mut tx = self.0.store.begin().await?;
        match what {
            Handle::Restore => self.restore(&mut tx, who, on, remark).await?,
            _ => self.hide(&mut tx, who, what, on, remark).await?,
        }
        tx.commit().await?;
        self.0.live().catch_up().await
    }

    async fn hide(
        &self,
        tx: &mut Tx,
        who: &Principal,
        what: Handle,
        on: &[OnAssets],
        remark: &str,
    ) -> Result<()> {
        let snapshot = self.0.live().snapshot();
        let scope = who.scope();
        for one in on {
            let mut left = Vec::new();
            for &id in &one.assets {
                let asset = snapshot.asset_by_uuid(&scope, id);
                let asset = asset.ok_or_else(|| Error::NotFound(format!("asset {id}")))?;
                let done = standing(&snapshot, &scope).any(|e| {
                    e.reason == what.reason()
                        && self.is_enough(e, who)
                        && holds_for(&snapshot, who, e, asset.no, one)
                });
                if !done {
                    left.push((id, asset.observed));
                }
            }
            if left.is_empty() {
                continue;
            }
            let new = NewException {
                title: what.title(&one.vulnerability),
                reason: what.reason().to_owned(),
                comment: remark.to_owned(),
                vulnerabilities: vec![one.vulnerability.clone()],
                asked: Asked::default(),
                start: None,
                end: None,
                ..target(what, &left)
            };
            self.0.exceptions().create_in(tx, who, &new).await?;
        }
        Ok(())
    }

    /// Takes assets out of the exceptions that name this vulnerability alone.
    async fn restore(&self, tx: &mut Tx, who: &Principal, on: &[OnAssets], remark: &str) -> Result<()> {
        let snapshot = self.0.live().snapshot();
        let scope = who.scope();
        let mut removed: BTreeMap<ExceptionNo, (&Exception, Vec<AssetNo>)> = BTreeMap::new();
        for one in on {
            for &id in &one.assets {
                let asset = snapshot.asset_by_uuid(&scope, id);
                let asset = asset.ok_or_else(|| Error::NotFound(format!("asset {id}")))?;
                for e in standing(&snapshot, &scope) {
                    if !holds_for(&snapshot, who, e, asset.no, one) {
                        continue;
                    }
                    if e.target.vulnerabilities.len() != 1 {
                        return Err(Error::Conflict(format!(
                            "{} is hidden by the exception {:?}, which is for more than it",
                            one.vulnerability, e.title
                        )));
                    }
                    removed.entry(e.no).or_insert_with(|| (e, Vec::new())).1.push(asset.no);
                }
            }
        }
        for (old, assets) in removed.into_values() {
            require_change(who, old)?;
            let mut next = old.clone();
            edit(&mut next.target, &[], &assets);
            if next.target.filter.is_none() && next.target.included.is_empty() {
                next.state = ExceptionState::Ended;
            }
            next.decisions.push(Decision {
                at: tx.recorded(),
                by: who.name.clone(),
                state: next.state,
                comment: remark.to_owned(),
            });
            self.0.exceptions().put_next(tx, who, "deassign", old, next).await?;
        }
        Ok(())
    }

    /// Puts a vulnerability on the white list of all hosts.
    pub async fn whitelist_all(&self, who: &Principal, vulnerabilities: &[String], why: &str) -> Result<()> {
        require(who, Permission::ExceptionsRequest)?;
        let (snapshot, scope) = (self.0.live().snapshot(), who.scope());
        let mut tx = self.0.store.begin().await?;
        for vulnerability in vulnerabilities {
            let known = standing(&snapshot, &scope).any(|e| {
                e.reason == WHITELISTED
                    && self.is_enough(e, who)
                    && e.target.filter.is_some()
                    && e.target.vulnerabilities == [vulnerability.as_str()]
            });
            if known {
                continue;
            }
            let new = NewException {
                title: Handle::Whitelist.title(vulnerability),
                reason: WHITELISTED.to_owned(),
                comment: why.to_owned(),
                kind: TargetKind::Dynamic,
                filter: Some(all_hosts()),
                assets: Vec::new(),
                vulnerabilities: vec![vulnerability.clone()],
                asked: Asked::default(),
                start: None,
                end: None,
            };
            self.0.exceptions().create_in(&mut tx, who, &new).await?;
        }
        tx.commit().await?;
        self.0.live().catch_up().await
    }

    /// The entries of the white list, by number.
    pub fn whitelist(&self, who: &Principal) -> Result<Vec<Exception>> {
        require(who, Permission::ExceptionsRead)?;
        let (snapshot, scope) = (self.0.live().snapshot(), who.scope());
        Ok(standing(&snapshot, &scope).filter(|e| e.reason == WHITELISTED).cloned().collect())
    }

    /// Changes what an entry of the white list is for: all hosts, or these.
    pub async fn change_whitelist(
        &self,
        who: &Principal,
        id: Uuid,
        hosts: Option<&[Uuid]>,
        why: Option<&str>,
    ) -> Result<()> {
        let unknown = || Error::NotFound("white list entry".to_owned());
        let old = self.whitelist(who)?.into_iter().find(|e| e.uuid == id).ok_or_else(unknown)?;
        require_change(who, &old)?;
        let snapshot = self.0.live().snapshot();
        let mut next = old.clone();
        match hosts {
            None => {
                next.target.kind = TargetKind::Dynamic;
                next.target.filter = Some(all_hosts());
                next.target.included.clear();
            }
            Some(hosts) => {
                let number = |id: &Uuid| {
                    let asset = snapshot.asset_by_uuid(&who.scope(), *id);
                    asset.map(|a| a.no).ok_or_else(|| Error::NotFound(format!("asset {id}")))
                };
                next.target.kind = TargetKind::Static;
                next.target.filter = None;
                next.target.included = hosts.iter().map(number).collect::<Result<_>>()?;
            }
        }
        next.target.excluded.clear();
        if let Some(why) = why {
            crate::exceptions::check_text("description", why)?;
            why.clone_into(&mut next.comment);
        }
        let mut tx = self.0.store.begin().await?;
        self.0.exceptions().put_next(&mut tx, who, "update", &old, next).await?;
        tx.commit().await?;
        self.0.live().catch_up().await
    }

    /// Takes entries off the white list, all or none.
    pub async fn unlist(&self, who: &Principal, ids: &[Uuid]) -> Result<()> {
        let entries = self.whitelist(who)?;
        let mut tx = self.0.store.begin().await?;
        for id in ids {
            let old = entries.iter().find(|e| e.uuid == *id);
            let old = old.ok_or_else(|| Error::NotFound("white list entry".to_owned()))?;
            require_change(who, old)?;
            let mut next = old.clone();
            next.state = ExceptionState::Ended;
            let by = who.name.clone();
            let (at, state, comment) = (tx.recorded(), next.state, String::new());
            next.decisions.push(Decision { at, by, state, comment });
            self.0.exceptions().put_next(&mut tx, who, "ended", old, next).await?;
        }
        tx.commit().await?;
        self.0.live().catch_up().await
    }

    /// Whether an exception does what the asker could do: somebody who may accept does not wait for
    /// what nobody accepted yet.
    fn is_enough(&self, e: &Exception, who: &Principal) -> bool {
        e.state == ExceptionState::Approved || !self.0.exceptions().approves(who)
    }
}

fn all_hosts() -> Filter {
    Filter::test(Field::Kind, Op::Eq, "host")
}

/// What the exception is for. A repair is believed until the asset is looked at again.
fn target(what: Handle, assets: &[(Uuid, i64)]) -> NewException {
    let mut new = NewException {
        title: String::new(),
        reason: String::new(),
        comment: String::new(),
        kind: TargetKind::Static,
        filter: None,
        assets: Vec::new(),
        vulnerabilities: Vec::new(),
        asked: Asked::default(),
        start: None,
        end: None,
    };
    if what == Handle::Repaired {
        let until_next_look = |(id, observed): &(Uuid, i64)| {
            let asset = Filter::test(Field::AssetId, Op::Eq, id.to_string());
            asset.and(Filter::test(Field::Scanned, Op::Le, *observed))
        };
        new.kind = TargetKind::Dynamic;
        new.filter = Some(Filter::Or(assets.iter().map(until_next_look).collect()));
    } else {
        new.assets = assets.iter().map(|(id, _)| *id).collect();
    }
    new
}

/// Exceptions that hide, or will when somebody accepts them.
fn standing<'s>(snapshot: &'s Snapshot, scope: &'s Scope) -> impl Iterator<Item = &'s Exception> {
    snapshot
        .exceptions(scope)
        .filter(|e| matches!(e.state, ExceptionState::Pending | ExceptionState::Approved))
}

/// Whether an exception is for the vulnerability on the asset.
fn holds_for(snapshot: &Snapshot, who: &Principal, e: &Exception, asset: AssetNo, on: &OnAssets) -> bool {
    let named = e.target.vulnerabilities.is_empty()
        || e.target.vulnerabilities.iter().any(|id| same(snapshot, id, &on.vulnerability));
    named && snapshot.is_for_asset(e, &who.scope(), asset, snapshot.recorded())
}

/// Whether two ids mean the same vulnerability.
fn same(snapshot: &Snapshot, a: &str, b: &str) -> bool {
    if a.eq_ignore_ascii_case(b) {
        return true;
    }
    let (a, b) = (snapshot.vulnerabilities_named(a), snapshot.vulnerabilities_named(b));
    a.iter().any(|one| b.iter().any(|other| one.no == other.no))
}
