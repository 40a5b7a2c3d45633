//! Telling somebody that an exception ends soon or was reopened: by webhook and by e-mail, as jobs, so
//! that what fails is tried again with growing waits and nothing is lost when the server stops.
//!
//! A reopening is noted in the transaction that reopens, whichever program that is; the server hands it to
//! jobs. What ends soon is looked for. The store remembers what was told, so everything is told once.
//! Exceptions of vulnerabilities and of controls are told alike.

use std::sync::Arc;
use std::time::Duration;

use parapet_fetch::{MailRelay, Webhook};
use parapet_model::control_exception::ControlException;
use parapet_model::exception::Exception;
use parapet_model::job::{JobKind, JobState};
use parapet_model::time::{DAY, Millis, format_seconds};
use parapet_model::{ControlExceptionNo, Permission, Principal, ProjectNo};
use parapet_store::Tx;
use parapet_store::jobs::Job;
use parapet_store::seal::Secret;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::watch;

use crate::accounts::require;
use crate::app::App;
use crate::audit;
use crate::error::{Error, Result};
use crate::jobs::payload::Payload;
use crate::jobs::{Outcome, Run};

/// How long before its end an exception is told.
pub const AHEAD: Millis = 7 * DAY;
/// Time between looks.
const PAUSE: Duration = Duration::from_secs(5);
/// What the store calls a reopening.
const REOPENED: &str = "reopened";
/// Exceptions told in one transaction.
const BATCH: u32 = 200;

/// Where notices go, as it is configured.
#[derive(Default)]
pub struct NotifyOptions {
    /// Address of a webhook, and the key its calls are signed with.
    pub webhook: Option<(String, Secret)>,
    /// A mail relay.
    pub mail: Option<MailOptions>,
}

/// A mail relay, as it is configured.
pub struct MailOptions {
    /// Its address (see [`MailRelay::new`]).
    pub url: String,
    /// The password of the user in the address.
    pub password: Option<Secret>,
    /// An authority to trust beside the machine's own, in PEM form.
    pub authority: Option<Vec<u8>>,
}

impl std::fmt::Debug for NotifyOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (webhook, mail) = (self.webhook.is_some(), self.mail.is_some());
        f.debug_struct("NotifyOptions").field("webhook", &webhook).field("mail", &mail).finish()
    }
}

impl NotifyOptions {
    pub(crate) fn open(&self, client: &parapet_fetch::Client) -> Result<Channels> {
        let webhook = self.webhook.as_ref();
        let webhook = webhook.map(|(url, key)| Webhook::new(client, url, key.expose().as_bytes()));
        let mail = match &self.mail {
            Some(mail) => {
                let relay = MailRelay::new(client, &mail.url, mail.password.as_ref().map(Secret::expose))?;
                Some(match &mail.authority {
                    Some(pem) => relay.trusting(pem)?,
                    None => relay,
                })
            }
            None => None,
        };
        Ok(Channels { webhook: webhook.transpose()?, mail })
    }
}

/// Where notices go.
#[derive(Debug, Clone, Default)]
pub(crate) struct Channels {
    webhook: Option<Webhook>,
    mail: Option<MailRelay>,
}

impl Channels {
    /// Whether there is a mail relay.
    pub(crate) fn has_mail(&self) -> bool {
        self.mail.is_some()
    }

    /// The mail relay.
    pub(crate) fn mail(&self) -> Option<&MailRelay> {
        self.mail.as_ref()
    }
}

/// How a notice is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Channel {
    /// By webhook.
    Webhook,
    /// By e-mail.
    Mail,
}

impl Channel {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Mail => "mail",
        }
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Event {
    /// It ends soon.
    #[serde(rename = "exception.expiring")]
    Expiring,
    /// It went back to pending, because another value was found.
    #[serde(rename = "exception.reopened")]
    Reopened,
    /// Somebody asked whether notices arrive.
    #[serde(rename = "test")]
    Test,
}

impl Event {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Expiring => "exception.expiring",
            Self::Reopened => "exception.reopened",
            Self::Test => "test",
        }
    }
}

/// One notice by one channel, as a job keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NotifyJob {
    channel: Channel,
    event: Event,
    /// When it happened.
    at: Millis,
    /// `control` or `vulnerability`.
    kind: String,
    /// Number of the exception.
    number: u32,
    /// Its id.
    id: uuid::Uuid,
    /// What it is for, in one line.
    title: String,
    /// First instant it no longer holds; empty for no end.
    end: String,
    /// Who is to look at it, or asked for it.
    person: String,
    /// More words.
    comment: String,
}

impl NotifyJob {
    fn body(&self) -> serde_json::Value {
        if self.event == Event::Test {
            return json!({"event": self.event.as_str(), "at": format_seconds(self.at), "person": self.person});
        }
        json!({
            "event": self.event.as_str(),
            "at": format_seconds(self.at),
            "exception": {
                "kind": self.kind, "number": self.number, "id": self.id, "title": self.title,
                "end": self.end, "person": self.person, "comment": self.comment,
            },
        })
    }

    fn subject(&self) -> String {
        let what = match self.event {
            Event::Expiring => format!("ends at {}", self.end),
            Event::Reopened => "was reopened".to_owned(),
            Event::Test => return "Test: notices of this server arrive here".to_owned(),
        };
        format!("Exception {} {what}: {}", self.number, self.title)
    }

    fn text(&self) -> String {
        if self.event == Event::Test {
            return format!("{}\n\nAsked for by: {}\n", self.subject(), self.person);
        }
        format!(
            "{}\n\nKind: {}\nNumber: {}\nFor: {}\nPerson: {}\nEnd: {}\n{}\n",
            self.subject(),
            self.kind,
            self.number,
            self.title,
            self.person,
            if self.end.is_empty() { "never" } else { &self.end },
            self.comment
        )
    }
}

/// Which channels are set, without their addresses, which may hold secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelsSet {
    /// A webhook.
    pub webhook: bool,
    /// A mail relay.
    pub mail: bool,
}

/// A notice as people look at it.
#[derive(Debug, Clone)]
pub struct Told {
    /// When it was made, recorded time.
    pub at: Millis,
    /// `webhook` or `mail`.
    pub channel: &'static str,
    /// What it says, in one line.
    pub subject: String,
    /// Whether it arrived.
    pub state: JobState,
    /// Why it has not, or empty.
    pub error: String,
}

/// Use cases around notices.
#[derive(Debug, Clone, Copy)]
pub struct Notices<'a>(pub(crate) &'a App);

impl Notices<'_> {
    /// Notes that an exception of a control was reopened, in the transaction that does it.
    pub(crate) async fn reopened(&self, tx: &mut Tx, e: &ControlException) -> Result<()> {
        let at = tx.recorded();
        tx.put_notice(REOPENED, e.no.0, at, false).await?;
        Ok(())
    }

    /// Hands what was not told to jobs; how many notices. With no channel there is nobody to tell: what was
    /// reopened meanwhile is not told later.
    pub async fn tell(&self) -> Result<usize> {
        let mut told = self.reopenings().await?;
        if self.has_channel() {
            told += self.ending_controls().await? + self.ending_vulnerabilities().await?;
        }
        if told > 0 {
            self.0.jobs().wake();
        }
        Ok(told)
    }

    /// Which channels are set.
    pub fn channels(&self, who: &Principal) -> Result<ChannelsSet> {
        require(who, Permission::UsersWrite)?;
        let Channels { webhook, mail } = &self.0.channels;
        Ok(ChannelsSet { webhook: webhook.is_some(), mail: mail.is_some() })
    }

    /// What was told in the asker's project, newest first.
    pub async fn told(&self, who: &Principal, limit: u32) -> Result<Vec<Told>> {
        require(who, Permission::UsersWrite)?;
        let (jobs, _) = self.0.store.read().await?.notice_jobs(&who.scope(), u32::MAX, limit).await?;
        let told = |job: Job| {
            let (channel, subject) = match Payload::read(&job).ok()? {
                Payload::Notify(notice) => (notice.channel.as_str(), notice.subject()),
                Payload::MailReport(_) => (Channel::Mail.as_str(), "A finished report".to_owned()),
                _ => return None,
            };
            Some(Told { at: job.created, channel, subject, state: job.state, error: job.error })
        };
        Ok(jobs.into_iter().filter_map(told).collect())
    }

    /// Sends a notice by every channel that is set, to see whether it arrives; how many.
    ///
    /// # Errors
    /// [`Error::Conflict`] when no channel is set.
    pub async fn test(&self, who: &Principal) -> Result<usize> {
        require(who, Permission::UsersWrite)?;
        if !self.has_channel() {
            return Err(Error::Conflict("no channel is set: see serve --notify-webhook".to_owned()));
        }
        let notice = NotifyJob {
            channel: Channel::Webhook,
            event: Event::Test,
            at: self.0.now(),
            kind: String::new(),
            number: 0,
            id: uuid::Uuid::nil(),
            title: String::new(),
            end: String::new(),
            person: who.name.clone(),
            comment: String::new(),
        };
        let mut tx = self.0.store.begin().await?;
        let sent = self.enqueue(&mut tx, who.project, &notice).await?;
        audit::event(&mut tx, who, "test", "notices", "", audit::NONE, audit::NONE).await?;
        tx.commit().await?;
        self.0.jobs().wake();
        Ok(sent)
    }

    fn has_channel(&self) -> bool {
        self.0.channels.webhook.is_some() || self.0.channels.mail.is_some()
    }

    async fn reopenings(&self) -> Result<usize> {
        let mut told = 0;
        loop {
            let waiting = self.0.store.read().await?.notices_waiting(REOPENED, BATCH).await?;
            if waiting.is_empty() {
                return Ok(told);
            }
            let mut tx = self.0.store.begin().await?;
            for (no, at) in waiting {
                if !tx.tell_notice(REOPENED, no, at).await? || !self.has_channel() {
                    continue;
                }
                let no = ControlExceptionNo(no);
                let Some(e) = tx.control_exception(no).await? else { continue };
                let mut notice = self.of_control(&mut tx, &e, Event::Reopened, at).await?;
                let history = tx.control_exception_history(&[no]).await?.remove(&no).unwrap_or_default();
                let entry = history.into_iter().find(|entry| entry.at == at);
                notice.comment = entry.map(|entry| entry.comment).unwrap_or_default();
                self.enqueue(&mut tx, e.project, &notice).await?;
                told += 1;
            }
            tx.commit().await?;
        }
    }

    async fn ending_controls(&self) -> Result<usize> {
        let mut told = 0;
        loop {
            let now = self.0.now();
            let ending =
                self.0.store.read().await?.control_exceptions_ending(now, now + AHEAD, BATCH).await?;
            if ending.is_empty() {
                return Ok(told);
            }
            let mut tx = self.0.store.begin().await?;
            for e in &ending {
                if tx.put_notice("control_exception", e.no.0, e.life.end, true).await? {
                    let notice = self.of_control(&mut tx, e, Event::Expiring, now).await?;
                    self.enqueue(&mut tx, e.project, &notice).await?;
                    told += 1;
                }
            }
            tx.commit().await?;
        }
    }

    async fn ending_vulnerabilities(&self) -> Result<usize> {
        let now = self.0.now();
        let projects = self.0.store.read().await?.projects().await?;
        let snapshot = self.0.live().snapshot();
        let mut told = 0;
        for project in projects {
            let scope = Principal::local(project.no).scope();
            let soon = |e: &&Exception| e.holds(now) && e.end <= now.saturating_add(AHEAD);
            let ending: Vec<Exception> = snapshot.exceptions(&scope).filter(soon).cloned().collect();
            for batch in ending.chunks(BATCH as usize) {
                let mut tx = self.0.store.begin().await?;
                for e in batch {
                    if tx.put_notice("exception", e.no.0, e.end, true).await? {
                        let notice = of_vulnerability(e, now);
                        self.enqueue(&mut tx, e.project, &notice).await?;
                        told += 1;
                    }
                }
                tx.commit().await?;
            }
        }
        Ok(told)
    }

    async fn of_control(
        &self,
        tx: &mut Tx,
        e: &ControlException,
        event: Event,
        at: Millis,
    ) -> Result<NotifyJob> {
        let identity = &e.target.identity;
        let control = tx.control(e.project, identity.control).await?;
        let statement = control.map(|control| control.text.statement).unwrap_or_default();
        let scope = Principal::local(e.project).scope();
        let snapshot = self.0.live().snapshot();
        let host = snapshot.asset(&scope, identity.host).map(|asset| asset.name.clone()).unwrap_or_default();
        let assignee = tx.user(e.assignee).await?.map(|user| user.name).unwrap_or_default();
        Ok(NotifyJob {
            channel: Channel::Webhook,
            event,
            at,
            kind: "control".to_owned(),
            number: e.no.0,
            id: e.uuid,
            title: format!("control {} ({statement}) on {host}, {}", identity.control, identity.instance),
            end: format_seconds(e.life.end),
            person: assignee,
            comment: String::new(),
        })
    }

    /// Makes a job for each channel that is set; how many.
    async fn enqueue(&self, tx: &mut Tx, project: ProjectNo, notice: &NotifyJob) -> Result<usize> {
        let who = Principal::local(project);
        let channels = &self.0.channels;
        let wanted =
            [(channels.webhook.is_some(), Channel::Webhook), (channels.mail.is_some(), Channel::Mail)];
        let mut made = 0;
        for (_, channel) in wanted.into_iter().filter(|(set, _)| *set) {
            let payload = Payload::Notify(NotifyJob { channel, ..notice.clone() });
            self.0.jobs().enqueue(tx, &who.scope(), &who, JobKind::Notify, &payload, "").await?;
            made += 1;
        }
        Ok(made)
    }
}

fn of_vulnerability(e: &Exception, now: Millis) -> NotifyJob {
    NotifyJob {
        channel: Channel::Webhook,
        event: Event::Expiring,
        at: now,
        kind: "vulnerability".to_owned(),
        number: e.no.0,
        id: e.uuid,
        title: e.title.clone(),
        end: format_seconds(e.end),
        person: e.requested_by.clone(),
        comment: e.comment.clone(),
    }
}

/// Sends one notice. A channel that is no longer set takes nothing, and that is no failure.
pub(crate) async fn run_notify(app: &App, run: &Run, job: NotifyJob) -> Result<Outcome> {
    let id = run.id.to_string();
    let sent = match job.channel {
        Channel::Webhook => match &app.channels.webhook {
            Some(webhook) => {
                let body = job.body().to_string();
                webhook.send(job.event.as_str(), &id, app.now() / 1000, body.as_bytes()).await?;
                true
            }
            None => false,
        },
        Channel::Mail => match &app.channels.mail {
            Some(mail) => {
                mail.send(&id, &job.subject(), &job.text()).await?;
                true
            }
            None => false,
        },
    };
    Ok(Outcome { tx: run.begin(app).await?, result: json!({"sent": sent}) })
}

/// Looks for what is to be told, until it is told to stop.
pub(crate) async fn tick(app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        if let Err(error) = app.notices().tell().await {
            tracing::error!(%error, "notices could not be made");
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            _ = stopped.changed() => {}
        }
    }
}
