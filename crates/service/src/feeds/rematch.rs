//! A better matcher judges again what an older one judged: a job that a server begins at its start
//! when [`MATCHER_VERSION`] was raised. What it no longer says closes with reason `matcher_changed`.
//!
//! It looks at every package again first (its own coverage word, whether it is a kernel's, under which
//! keys it is spoken of), then goes through the standing advisories, all in small transactions. One that is killed begins anew;
//! what was judged already is the same and writes nothing. The store's version comes last.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use parapet_model::advisory::Advisory;
use parapet_model::facts::PackageRow;
use parapet_model::job::JobKind;
use parapet_model::verdict::ClosingReason;
use parapet_model::{AdvisoryNo, MATCHER_VERSION, PackageNo};
use parapet_store::advisories::BATCH;
use parapet_store::meta;
use parapet_store::packages::NewPackage;
use serde_json::json;
use uuid::Uuid;

use crate::app::App;
use crate::error::{Error, Result};
use crate::jobs::payload::Payload;
use crate::jobs::{Outcome, Run};
use crate::matcher;

/// The matcher of stores that do not say which one computed their matches.
const FIRST: &str = "1";

impl App {
    /// Begins the job when the matches of the store are another matcher's; its id, if there is one.
    /// A store without feeds has no matches and only learns the version.
    pub async fn rematch_if_needed(&self) -> Result<Option<Uuid>> {
        let current = MATCHER_VERSION.to_string();
        let mut session = self.store.read().await?;
        let stored = session.meta(meta::MATCHER_VERSION).await?;
        if stored.as_deref().unwrap_or(FIRST) == current {
            return Ok(None);
        }
        let empty = session.feeds().await?.is_empty();
        drop(session);
        let mut tx = self.store.begin().await?;
        if empty {
            tx.set_meta(meta::MATCHER_VERSION, &current).await?;
            tx.commit().await?;
            return Ok(None);
        }
        let who = self.local_principal().await?;
        let (jobs, scope) = (self.jobs(), who.scope());
        let job = jobs.enqueue(&mut tx, &scope, &who, JobKind::Rematch, &Payload::Rematch, &current).await?;
        tx.commit().await?;
        jobs.wake();
        tracing::info!(%job, "the matcher is a better one: all matches are computed again");
        Ok(Some(job))
    }
}

/// Runs the job.
pub(crate) async fn run(app: &Arc<App>, run: &Run) -> Result<Outcome> {
    run.progress.set_total(app.store.read().await?.advisory_count().await?);
    describe_packages(app, run).await?;
    let (mut opened, mut closed) = (0, 0);
    let mut after = AdvisoryNo(0);
    loop {
        stop_if_cancelled(run)?;
        let mut tx = run.begin(app).await?;
        let page = tx.advisories_after(after, BATCH as u32).await?;
        let Some((last, _)) = page.last() else { break };
        after = *last;
        let standing: Vec<(AdvisoryNo, Option<&Advisory>)> =
            page.iter().map(|(no, record)| (*no, (record.withdrawn == 0).then_some(record))).collect();
        let delta = matcher::match_advisories(&mut tx, &standing, ClosingReason::MatcherChanged).await?;
        tx.commit().await?;
        opened += delta.opened.len();
        closed += delta.closed.len();
        run.progress.done().fetch_add(page.len() as u64, Ordering::Relaxed);
    }
    let mut tx = run.begin(app).await?;
    tx.set_meta(meta::MATCHER_VERSION, &MATCHER_VERSION.to_string()).await?;
    Ok(Outcome { tx, result: json!({"matches_opened": opened, "matches_closed": closed}) })
}

/// Stores what this matcher knows of the packages, where an older one thought otherwise.
async fn describe_packages(app: &App, run: &Run) -> Result<()> {
    let mut after = PackageNo(0);
    loop {
        stop_if_cancelled(run)?;
        let mut tx = run.begin(app).await?;
        let page = tx.packages_after(after, BATCH as u32).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.no;
        let described: Vec<(PackageRow, NewPackage)> = page
            .into_iter()
            .map(|row| {
                let now = matcher::describe(&row.key);
                (row, now)
            })
            .collect();
        tx.describe_packages(&described).await?;
        tx.commit().await?;
    }
}

fn stop_if_cancelled(run: &Run) -> Result<()> {
    match run.progress.is_cancelled() {
        true => Err(Error::Conflict("the job was cancelled".to_owned())),
        false => Ok(()),
    }
}
