//! Mail of finished reports: to whom their maker wished, through the relay that notices use too. The wish
//! becomes a job in the transaction that finishes the report, so each report is mailed once, and what
//! fails is tried again.

use parapet_fetch::{MailFile, Recipients};
use parapet_model::Millis;
use parapet_model::job::JobKind;
use parapet_model::time::format_seconds;
use parapet_store::Tx;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use uuid::Uuid;

use super::{MailWish, ReportSettings};
use crate::app::App;
use crate::error::{Error, Result};
use crate::jobs::payload::Payload;
use crate::jobs::{Outcome, Run};

/// Most recipients of one report.
const MOST: usize = 50;
/// Largest file that goes with a mail; many relays take no more, and a larger one is downloaded.
const LARGEST: u64 = 10 << 20;

/// The file of a report.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ReportFile {
    /// Where it lies.
    pub(crate) place: String,
    /// What it is called.
    pub(crate) name: String,
    /// Its media type.
    pub(crate) media_type: String,
    /// Bytes.
    pub(crate) size: u64,
    /// Rows.
    pub(crate) rows: u64,
    /// When it goes.
    pub(crate) expires: Millis,
}

/// One mail of one report, as a job keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct MailReportJob {
    report: Uuid,
    name: String,
    wish: MailWish,
    file: ReportFile,
}

/// Whether mail can go to whom it is wished for.
pub(super) fn check(wish: &MailWish) -> Result<()> {
    if wish.notify {
        Recipients::parse(&wish.recipient, MOST)
            .map_err(|why| Error::Invalid(format!("recipient: {why}")))?;
    }
    Ok(())
}

/// Hands the mail of a report that this transaction finishes to a job, when somebody wished it and there is
/// a relay. A job that makes no report has none.
pub(crate) async fn enqueue(app: &App, tx: &mut Tx, run: &Run, file: ReportFile) -> Result<()> {
    if !app.channels.has_mail() {
        return Ok(());
    }
    let Some((report, settings)) = tx.report_of_job(run.scope.project(), run.no()).await? else {
        return Ok(());
    };
    let settings: ReportSettings = serde_json::from_str(settings.get()).map_err(Error::internal)?;
    if settings.mail.notify {
        let job = MailReportJob { report, name: settings.name, wish: settings.mail, file };
        let (scope, who, payload) = (&run.scope, &run.principal, Payload::MailReport(job));
        app.jobs().enqueue(tx, scope, who, JobKind::Notify, &payload, "").await?;
    }
    Ok(())
}

impl MailReportJob {
    fn subject(&self) -> String {
        match self.wish.subject.trim() {
            "" => format!("Report {}", self.name),
            subject => subject.to_owned(),
        }
    }

    fn text(&self, attached: bool) -> String {
        let Self { report, name, wish, file } = self;
        let message = if wish.message.is_empty() { String::new() } else { format!("{}\n\n", wish.message) };
        let whole = match (wish.attach, attached) {
            (true, false) => "\nThe file is too large for a mail, or is not kept any more.",
            _ => "",
        };
        format!(
            "{message}Report: {name}\nRows: {}\nFile: {}, {} bytes, kept until {}\n\
             Download: /csapi/v1.3/reports/{report}/download{whole}\n",
            file.rows,
            file.name,
            file.size,
            format_seconds(file.expires),
        )
    }
}

/// Sends the mail of one report. Without a relay nothing is sent, and that is no failure.
pub(crate) async fn run(app: &App, run: &Run, job: MailReportJob) -> Result<Outcome> {
    let mut sent = false;
    if let Some(relay) = app.channels.mail() {
        let to = Recipients::parse(&job.wish.recipient, MOST).map_err(Error::Invalid)?;
        let file = if job.wish.attach { attachment(app, &job.file).await? } else { None };
        let text = job.text(file.is_some());
        relay.send_to(&run.id.to_string(), &to, &job.subject(), &text, file).await?;
        sent = true;
    }
    Ok(Outcome { tx: run.begin(app).await?, result: json!({"sent": sent}) })
}

/// The file, unless it is too large or not kept any more.
async fn attachment(app: &App, file: &ReportFile) -> Result<Option<MailFile>> {
    if file.size > LARGEST {
        return Ok(None);
    }
    let mut body = match app.artifacts.read(&file.place, 0, file.size).await {
        Err(Error::NotFound(_)) => return Ok(None),
        body => body?,
    };
    let mut bytes = Vec::new();
    body.read_to_end(&mut bytes).await.map_err(Error::internal)?;
    let (name, media_type) = (file.name.clone(), file.media_type.clone());
    Ok(Some(MailFile { name, media_type, bytes }))
}
