//! Exceptions: ask, preview, decide, end. One engine; wire families bring their own words to it.

mod four_eyes;
mod look;

use parapet_model::exception::{Asked, Decision, Exception, ExceptionState, Target, TargetKind};
use parapet_model::filter::{Field, Filter};
use parapet_model::lifecycle::StepRefused;
use parapet_model::{
    AssetNo, EnterpriseProjectNo, ExceptionNo, FOREVER, Millis, Permission, Principal, Scope,
};
use parapet_posture::{Counts, Query};
use parapet_store::lists::VulnerabilityList;
use parapet_store::{Session, Tx};
use serde_json::json;
use uuid::Uuid;

pub use look::Version;

use crate::accounts::require;
use crate::app::App;
use crate::audit;
use crate::error::{Error, Result};
use crate::lists;

/// Longest title, reason and comment, in characters.
const MAX_TEXT: usize = 4096;
/// Most assets or vulnerabilities named one by one.
const MAX_NAMED: usize = 100_000;

/// An exception as it is asked for.
#[derive(Debug, Clone)]
pub struct NewException {
    /// One line.
    pub title: String,
    /// Why.
    pub reason: String,
    /// Longer text.
    pub comment: String,
    /// Whether the filter is evaluated once or live.
    pub kind: TargetKind,
    /// Findings it is for; `None` when assets are named.
    pub filter: Option<Filter>,
    /// Assets it is for.
    pub assets: Vec<Uuid>,
    /// Vulnerability ids; empty means all.
    pub vulnerabilities: Vec<String>,
    /// How a wire family asked. With a list, the vulnerabilities are the list's.
    pub asked: Asked,
    /// First instant; `None` means now.
    pub start: Option<Millis>,
    /// First instant it no longer holds; `None` means without end.
    pub end: Option<Millis>,
}

/// Use cases around exceptions.
#[derive(Debug, Clone, Copy)]
pub struct Exceptions<'a>(pub(crate) &'a App);

impl Exceptions<'_> {
    /// What the exception would hide if it held, without storing anything.
    pub async fn preview(&self, who: &Principal, new: &NewException) -> Result<Counts> {
        let exception = self.drafted(who, new).await?;
        let app = self.0;
        Ok(app.live().snapshot().preview(&exception, &who.scope(), app.now()))
    }

    /// The exception as it would be if it held now, for a preview. Nothing is stored.
    pub async fn drafted(&self, who: &Principal, new: &NewException) -> Result<Exception> {
        require(who, Permission::ExceptionsRead)?;
        let app = self.0;
        let list = list_named(&mut app.store.read().await?, who, new).await?;
        let mut exception = self.draft(who, new, list, &[], app.now())?;
        exception.state = ExceptionState::Approved;
        // A window that starts later is previewed as if it had started.
        exception.start = exception.start.min(app.now());
        exception.no = ExceptionNo(u32::MAX);
        Ok(exception)
    }

    /// Whether what somebody asks for is approved at once. With four eyes, whoever may approve asks
    /// like everybody else.
    pub fn approves(&self, who: &Principal) -> bool {
        who.may(Permission::ExceptionsApprove) && !self.0.rules.four_eyes
    }

    /// Makes an exception: approved when the asker may approve, otherwise pending.
    pub async fn create(&self, who: &Principal, new: &NewException) -> Result<Exception> {
        let app = self.0;
        let mut tx = app.store.begin().await?;
        let exception = self.create_in(&mut tx, who, new).await?;
        tx.commit().await?;
        app.live().catch_up().await?;
        Ok(exception)
    }

    /// The same as a part of something larger.
    pub(crate) async fn create_in(
        &self,
        tx: &mut Tx,
        who: &Principal,
        new: &NewException,
    ) -> Result<Exception> {
        require(who, Permission::ExceptionsRequest)?;
        let now = tx.recorded();
        let list = list_named(tx, who, new).await?;
        let mut exception = self.draft(who, new, list, &[], now)?;
        if self.approves(who) {
            exception.state = ExceptionState::Approved;
            let by = who.name.clone();
            exception.decisions.push(Decision {
                at: now,
                by,
                state: exception.state,
                comment: String::new(),
            });
        }
        let exception = tx.put_exception(&exception).await?;
        let id = exception.uuid.to_string();
        audit::event(tx, who, "create", "exception", &id, audit::NONE, Some(summary(&exception))).await?;
        Ok(exception)
    }

    /// Changes an exception: words, window, vulnerabilities and live filter become what is said,
    /// assets named are added to those it has, `remove` are taken out. What was decided stays.
    ///
    /// # Errors
    /// [`Error::Forbidden`] when it is approved and the asker may not approve; [`Error::Conflict`] when
    /// whoever asked for it wants it to hide more and the rules want somebody else to approve that.
    pub async fn update(
        &self,
        who: &Principal,
        id: Uuid,
        new: &NewException,
        remove: &[Uuid],
    ) -> Result<Exception> {
        let mut tx = self.0.store.begin().await?;
        let old = self.of_scope(&mut tx, who, id).await?;
        require_change(who, &old)?;
        if !matches!(old.state, ExceptionState::Pending | ExceptionState::Approved) {
            return Err(Error::Conflict(format!("a {} exception cannot be changed", old.state.as_str())));
        }
        let list = list_named(&mut tx, who, new).await?;
        let mut next = self.draft(who, new, list, &old.target.included, tx.recorded())?;
        let removed = self.assets_named(&who.scope(), remove)?;
        let added = std::mem::take(&mut next.target.included);
        next.target.excluded = old.target.excluded.clone();
        edit(&mut next.target, &added, &removed);
        let next = Exception {
            no: old.no,
            uuid: old.uuid,
            enterprise_project: old.enterprise_project,
            state: old.state,
            requested_by: old.requested_by.clone(),
            requested_at: old.requested_at,
            decisions: old.decisions.clone(),
            ..next
        };
        self.store_next(tx, who, "update", &old, next).await
    }

    /// Adds an asset to an exception or takes it out.
    ///
    /// # Errors
    /// Like [`Exceptions::update`].
    pub async fn assign(&self, who: &Principal, id: Uuid, asset: Uuid, holds: bool) -> Result<Exception> {
        let asset = self.assets_named(&who.scope(), &[asset])?;
        let mut tx = self.0.store.begin().await?;
        let old = self.of_scope(&mut tx, who, id).await?;
        require_change(who, &old)?;
        let mut next = old.clone();
        let (added, removed): (&[AssetNo], &[AssetNo]) = if holds { (&asset, &[]) } else { (&[], &asset) };
        edit(&mut next.target, added, removed);
        self.store_next(tx, who, if holds { "assign" } else { "deassign" }, &old, next).await
    }

    /// Exceptions that are for an asset, whatever their state, by number.
    pub async fn of_asset(&self, who: &Principal, asset: Uuid) -> Result<Vec<Exception>> {
        require(who, Permission::ExceptionsRead)?;
        let (scope, now) = (who.scope(), self.0.now());
        let no = self.assets_named(&scope, &[asset])?;
        let snapshot = self.0.live().snapshot();
        let is_for = |e: &Exception| no.iter().any(|&no| snapshot.is_for_asset(e, &scope, no, now));
        Ok(snapshot.exceptions(&scope).filter(|e| is_for(e)).cloned().collect())
    }

    /// An exception the asker may see, for a change.
    async fn of_scope(&self, tx: &mut Tx, who: &Principal, id: Uuid) -> Result<Exception> {
        let found = tx.exception(who.project, &id).await?;
        found
            .filter(|e| who.scope().sees(e.project, e.enterprise_project))
            .ok_or_else(|| Error::NotFound("exception".to_owned()))
    }

    async fn store_next(
        &self,
        mut tx: Tx,
        who: &Principal,
        action: &str,
        old: &Exception,
        next: Exception,
    ) -> Result<Exception> {
        let next = self.put_next(&mut tx, who, action, old, next).await?;
        tx.commit().await?;
        self.0.live().catch_up().await?;
        Ok(next)
    }

    /// Stores the next version of an exception, as a part of something larger. Every change of one goes
    /// through here, so the rule of four eyes is kept here.
    pub(crate) async fn put_next(
        &self,
        tx: &mut Tx,
        who: &Principal,
        action: &str,
        old: &Exception,
        next: Exception,
    ) -> Result<Exception> {
        self.refuse_more(who, old, &next)?;
        let next = tx.put_exception(&next).await?;
        let (id, before, after) = (old.uuid.to_string(), summary(old), summary(&next));
        audit::event(tx, who, action, "exception", &id, Some(before), Some(after)).await?;
        Ok(next)
    }

    /// Decides on an exception: approve, reject or end.
    pub async fn decide(
        &self,
        who: &Principal,
        id: Uuid,
        next: ExceptionState,
        comment: &str,
    ) -> Result<Exception> {
        let app = self.0;
        check_text("comment", comment)?;
        let mut tx = app.store.begin().await?;
        let old = self.of_scope(&mut tx, who, id).await?;
        let mut exception = old.clone();
        let withdraws = next == ExceptionState::Ended
            && exception.state == ExceptionState::Pending
            && exception.requested_by == who.name;
        if !withdraws {
            require(who, Permission::ExceptionsApprove)?;
        }
        let own = old.requested_by == who.name;
        if next == ExceptionState::Approved && app.rules.four_eyes && own {
            return Err(Error::Conflict("somebody else has to approve it".to_owned()));
        }
        let life = old.life().step(next, None, tx.recorded()).map_err(|refused| refusal(refused, next))?;
        exception.state = life.state;
        exception.decisions.push(Decision {
            at: tx.recorded(),
            by: who.name.clone(),
            state: next,
            comment: comment.to_owned(),
        });
        self.store_next(tx, who, next.as_str(), &old, exception).await
    }

    /// An exception of the asker's scope.
    pub async fn get(&self, who: &Principal, id: Uuid) -> Result<Exception> {
        require(who, Permission::ExceptionsRead)?;
        let found = self.0.store.read().await?.exception(who.project, &id).await?;
        found
            .filter(|e| who.scope().sees(e.project, e.enterprise_project))
            .ok_or_else(|| Error::NotFound("exception".to_owned()))
    }

    /// Exceptions of the asker's project after `after`, oldest first.
    pub async fn list(&self, who: &Principal, after: ExceptionNo, limit: u32) -> Result<Vec<Exception>> {
        require(who, Permission::ExceptionsRead)?;
        let scope = who.scope();
        let mut list = self.0.store.read().await?.exceptions(who.project, after, limit).await?;
        list.retain(|e| scope.sees(e.project, e.enterprise_project));
        Ok(list)
    }

    /// Checks the request and resolves what a static one holds, beside the assets it keeps.
    fn draft(
        &self,
        who: &Principal,
        new: &NewException,
        list: Option<VulnerabilityList>,
        keeping: &[AssetNo],
        now: Millis,
    ) -> Result<Exception> {
        check_text("title", &new.title)?;
        check_text("reason", &new.reason)?;
        check_text("comment", &new.comment)?;
        if new.title.trim().is_empty() {
            return Err(Error::Invalid("an exception needs a title".to_owned()));
        }
        if new.assets.len() > MAX_NAMED || new.vulnerabilities.len() > MAX_NAMED {
            return Err(Error::Invalid(format!("more than {MAX_NAMED} assets or vulnerabilities")));
        }
        let (start, end) = (new.start.unwrap_or(now), new.end.unwrap_or(FOREVER));
        if end <= start || end <= now {
            return Err(Error::Invalid("an exception must end after it starts, and after now".to_owned()));
        }
        let scope = who.scope();
        let mut included = self.assets_named(&scope, &new.assets)?;
        let mut filter = new.filter.clone();
        if let Some(wanted) = &filter {
            check_filter(wanted)?;
            if new.kind == TargetKind::Static {
                let held = self.assets_held(&scope, wanted, now);
                if held.is_empty() && included.is_empty() && keeping.is_empty() {
                    let message = "a static exception must hold at least one asset; the filter holds none";
                    return Err(Error::Invalid(message.to_owned()));
                }
                included.extend(held);
                filter = None;
            }
        }
        included.extend(keeping);
        included.sort_unstable();
        included.dedup();
        // A question is asked of all assets of the project, later too.
        filter = filter.map(|filter| self.within(who, filter));
        if filter.is_none() && included.is_empty() {
            return Err(Error::Invalid("an exception needs a filter or assets".to_owned()));
        }
        Ok(Exception {
            no: ExceptionNo(0),
            uuid: Uuid::nil(),
            project: who.project,
            enterprise_project: first_granted(who),
            title: new.title.clone(),
            reason: new.reason.clone(),
            comment: new.comment.clone(),
            target: Target {
                kind: new.kind,
                filter,
                included,
                excluded: Vec::new(),
                vulnerabilities: list
                    .map_or_else(|| new.vulnerabilities.clone(), |list| lists::vulnerabilities(&list)),
            },
            asked: new.asked.clone(),
            start,
            end,
            state: ExceptionState::Pending,
            requested_by: who.name.clone(),
            requested_at: now,
            decisions: Vec::new(),
        })
    }

    fn assets_named(&self, scope: &Scope, ids: &[Uuid]) -> Result<Vec<AssetNo>> {
        let snapshot = self.0.live().snapshot();
        ids.iter()
            .map(|id| {
                let asset = snapshot.asset_by_uuid(scope, *id);
                asset.map(|a| a.no).ok_or_else(|| Error::NotFound(format!("asset {id}")))
            })
            .collect()
    }

    /// A question about those assets alone that the asker may see.
    fn within(&self, who: &Principal, filter: Filter) -> Filter {
        let Some(granted) = &who.enterprise_projects else { return filter };
        let snapshot = self.0.live().snapshot();
        let names = granted.iter().filter_map(|no| snapshot.enterprise_project(*no));
        filter.and(Filter::any_of(Field::EnterpriseProject, names.map(|row| row.name.clone())))
    }

    fn assets_held(&self, scope: &Scope, filter: &Filter, now: Millis) -> Vec<AssetNo> {
        let snapshot = self.0.live().snapshot();
        let query = Query { include_not_run_here: true, ..Query::new(scope, filter, now) };
        snapshot.asset_numbers(&query).iter().map(AssetNo).collect()
    }
}

/// Where an exception belongs: those who see this enterprise project see the exception.
fn first_granted(who: &Principal) -> EnterpriseProjectNo {
    who.enterprise_projects.as_ref().and_then(|granted| granted.first().copied()).unwrap_or_default()
}

/// Why a step is not taken, in words.
fn refusal(refused: StepRefused, next: ExceptionState) -> Error {
    Error::Conflict(match refused {
        StepRefused::NoSuchStep(from, _) => {
            format!("a {} exception cannot become {}", from.as_str(), next.as_str())
        }
        StepRefused::NeedsEnd => "its end has passed; change the end first".to_owned(),
    })
}

/// The list that an exception takes its vulnerabilities from.
async fn list_named(
    session: &mut Session,
    who: &Principal,
    new: &NewException,
) -> Result<Option<VulnerabilityList>> {
    let Some(id) = new.asked.list else { return Ok(None) };
    let list = session.vulnerability_list(who.project, &id).await?;
    list.map(Some).ok_or_else(|| Error::Invalid(format!("there is no list {id}")))
}

/// Whoever may approve changes every exception; who asked for one changes it while it is pending.
pub(crate) fn require_change(who: &Principal, exception: &Exception) -> Result<()> {
    let own = exception.state == ExceptionState::Pending && exception.requested_by == who.name;
    let right = if own { Permission::ExceptionsRequest } else { Permission::ExceptionsApprove };
    require(who, right)
}

/// Adds and removes assets. What a live filter holds is only lost by being excluded.
pub(crate) fn edit(target: &mut Target, added: &[AssetNo], removed: &[AssetNo]) {
    target.excluded.retain(|no| !added.contains(no));
    target.included.extend(added);
    target.included.retain(|no| !removed.contains(no));
    if target.kind == TargetKind::Dynamic {
        target.excluded.extend(removed);
    }
    for list in [&mut target.included, &mut target.excluded] {
        list.sort_unstable();
        list.dedup();
    }
}

/// An exception cannot depend on exceptions.
fn check_filter(filter: &Filter) -> Result<()> {
    let mut result = Ok(());
    filter.each_test(&mut |test| {
        if matches!(test.field, Field::Excepted | Field::Exception) {
            result = Err(Error::Invalid(format!("an exception's filter cannot test {}", test.field)));
        }
    });
    result
}

pub(crate) fn check_text(what: &str, text: &str) -> Result<()> {
    if text.chars().count() > MAX_TEXT || text.contains('\0') {
        return Err(Error::Invalid(format!("{what} is longer than {MAX_TEXT} characters or holds a NUL")));
    }
    Ok(())
}

/// What the audit trail keeps.
fn summary(exception: &Exception) -> serde_json::Value {
    json!({
        "title": exception.title,
        "reason": exception.reason,
        "state": exception.state.as_str(),
        "kind": exception.target.kind,
        "filter": exception.target.filter.as_ref().map(ToString::to_string),
        "assets": exception.target.included.len(),
        "vulnerabilities": exception.target.vulnerabilities,
        "start": parapet_model::time::format_rfc3339(exception.start),
        "end": parapet_model::time::format_rfc3339(exception.end),
    })
}
