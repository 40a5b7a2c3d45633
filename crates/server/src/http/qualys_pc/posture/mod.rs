//! `/api/2.0/fo/compliance/posture/info/` (contract 2.3): how hosts stand with the controls of a policy,
//! with the exceptions they are under. The answer is written while it is sent, a piece at a time, so its
//! size is not bounded by memory.

mod csv;
mod evidence;
mod glossary;
mod info;
mod request;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use parapet_model::compliance::Policy;
use parapet_model::time::format_seconds;
use parapet_model::{ControlResultNo, Ranges};
use parapet_service::control_posture::{PostureQuery, PostureRow};
use tokio::sync::mpsc;

use super::answer::{Answer, respond};
use super::dtd;
use super::error::PcError;
use super::lists::{Logins, number_set, warning};
use super::params::Call;
use super::xml::Xml;
use crate::http::auth::Caller;
use crate::http::state::AppState;
use evidence::Labels;
use glossary::Seen;
use request::{Details, Format, Request};

/// Results read at once.
const CHUNK: usize = 2_000;
/// Bytes of an answer that are put together before they are sent.
const PIECE: usize = 64 << 10;
/// Pieces that wait for a slow client.
const PIECES: usize = 4;

type Piece = Result<String, std::io::Error>;

/// The list.
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    call: Call,
) -> Result<Response, PcError> {
    let request = Request::of(&state, &caller, &call).await?;
    let logins = Logins::load(&state).await?;
    let (out, mut pieces) = mpsc::channel::<Piece>(PIECES);
    let format = request.format;
    let writing = Writing { state, caller, call, request, logins, out };
    let writer = tokio::spawn(async move { writing.run().await });
    // The first piece tells whether there is an answer at all.
    let Some(first) = pieces.recv().await else {
        return Err(match writer.await {
            Ok(Err(error)) => error,
            _ => PcError::from(parapet_service::Error::Internal(anyhow::anyhow!("posture was not written"))),
        });
    };
    let rest = futures_util::stream::poll_fn(move |context| pieces.poll_recv(context));
    let all = futures_util::StreamExt::chain(futures_util::stream::iter([first]), rest);
    let body = Body::from_stream(all);
    if format == Format::Xml {
        return Ok(respond(StatusCode::OK, body));
    }
    let mut response = body.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv;charset=utf-8"));
    Ok(response)
}

/// An answer being written.
struct Writing {
    state: AppState,
    caller: Caller,
    call: Call,
    request: Request,
    logins: Logins,
    out: mpsc::Sender<Piece>,
}

impl Writing {
    /// Writes everything. When it fails on the way, the client sees a transfer that breaks off, not an
    /// answer that looks whole.
    async fn run(self) -> Result<(), PcError> {
        let written = match self.request.format {
            Format::Xml => self.xml().await,
            Format::Csv | Format::CsvWithMetadata => self.csv().await,
        };
        if let Err(error) = &written {
            let broken = std::io::Error::other(error.text.clone());
            if self.out.strong_count() > 0 && self.started() {
                let _ = self.out.send(Err(broken)).await;
            }
        }
        written
    }

    /// Whether something was sent.
    fn started(&self) -> bool {
        self.request.started.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Sends what is written so far when it is enough, or when it is the last.
    async fn send(&self, text: String) -> Result<(), PcError> {
        self.request.started.store(true, std::sync::atomic::Ordering::Relaxed);
        // A client that went away needs no rest.
        self.out
            .send(Ok(text))
            .await
            .map_err(|_| PcError::refused(StatusCode::BAD_REQUEST, "gone".to_owned()))
    }

    async fn xml(&self) -> Result<(), PcError> {
        let now = self.state.app.now();
        let login = self.caller.principal().name.clone();
        let mut answer = Answer::begin(&self.call, &login, now, &dtd::POSTURE_LIST);
        answer.xml.open("RESPONSE");
        answer.xml.leaf("DATETIME", format_seconds(now));
        for policy in &self.request.policies {
            if self.request.several {
                answer.xml.open("POLICY");
                answer.xml.leaf("ID", policy.no);
                answer.xml.leaf("DATETIME", format_seconds(now));
            }
            self.policy(&mut answer.xml, policy).await?;
            if self.request.several {
                answer.xml.close("POLICY");
            }
        }
        answer.xml.close("RESPONSE");
        self.send(answer.last_piece()).await
    }

    async fn policy(&self, xml: &mut Xml, policy: &Policy) -> Result<(), PcError> {
        let details = self.request.details;
        let mut seen = Seen::default();
        let mut labels = if self.request.named { Labels::of_answer() } else { Labels::default() };
        let list = if details == Details::None { "ID_SET" } else { "INFO_LIST" };
        let mut pages = self.pages(policy);
        let mut opened = false;
        while let Some(rows) = pages.next(self).await? {
            if rows.is_empty() {
                continue;
            }
            if details == Details::None {
                let ids = Ranges::from_each(rows.iter().map(|row| row.result.no.0.into()));
                pages.ids.push(ids);
                continue;
            }
            if !opened {
                xml.open(list);
                opened = true;
            }
            for row in &rows {
                seen.note(row);
                let history = pages.history.get(&row.result.no);
                info::write(xml, row, &self.request, &self.logins, history, &mut labels);
            }
            if xml.len() > PIECE {
                self.send(xml.take()).await?;
            }
        }
        if opened {
            xml.close(list);
        }
        if !pages.ids.is_empty() {
            let ids = pages.ids.iter().flat_map(|ids| ids.ranges().iter().copied());
            number_set(xml, list, "ID", &Ranges::of(ids.collect()));
        }
        if details != Details::None {
            let (summary, percentages) =
                self.state.app.control_postures().summary(self.caller.principal(), policy.no).await?;
            info::summary(xml, &summary);
            self.warn(xml, &pages);
            glossary::write(xml, self, policy, (&seen, &labels), &percentages).await?;
        } else {
            self.warn(xml, &pages);
        }
        Ok(())
    }

    fn warn(&self, xml: &mut Xml, pages: &Pages) {
        if let (Some(next), false) = (pages.next, self.request.several) {
            warning(xml, &self.call, self.request.limit, "id_min", next);
        }
    }

    fn pages(&self, policy: &Policy) -> Pages {
        let query = self.request.query_for(policy.no);
        Pages {
            after: ControlResultNo(u32::try_from(self.request.first.saturating_sub(1)).unwrap_or(u32::MAX)),
            query,
            left: self.request.limit,
            next: None,
            done: false,
            ids: Vec::new(),
            history: Default::default(),
        }
    }
}

/// Results of one policy, read a chunk at a time.
struct Pages {
    query: PostureQuery,
    after: ControlResultNo,
    /// How many more may be shown.
    left: usize,
    /// The number from which the next answer begins.
    next: Option<u64>,
    done: bool,
    /// Numbers shown, when nothing else is.
    ids: Vec<Ranges>,
    /// Comments of the exceptions of the chunk, by result.
    history: std::collections::BTreeMap<ControlResultNo, Vec<parapet_model::control_exception::HistoryEntry>>,
}

impl Pages {
    async fn next(&mut self, writing: &Writing) -> Result<Option<Vec<PostureRow>>, PcError> {
        if self.done {
            return Ok(None);
        }
        let who = writing.caller.principal();
        let limit = self.left.min(CHUNK);
        let (rows, more) =
            writing.state.app.control_postures().page(who, &self.query, self.after, limit).await?;
        if let Some(last) = rows.last() {
            self.after = last.result.no;
        }
        self.left -= rows.len();
        if !more {
            self.done = true;
        } else if self.left == 0 {
            self.done = true;
            self.next = Some(u64::from(self.after.0) + 1);
        }
        self.history = match writing.request.details {
            Details::All => writing.state.app.control_postures().histories(who, &rows).await?,
            _ => Default::default(),
        };
        Ok(Some(rows))
    }
}
