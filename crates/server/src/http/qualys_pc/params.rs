//! Parameters as clients of the family send them: in the query, in an urlencoded body (with raw spaces
//! and colons, as the publisher's own samples do) or in a multipart one, or some here and some there.
//! A name that comes twice counts as it came last, and the body comes after the query. An empty value
//! is no value.

use axum::body::Bytes;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{Method, header};
use parapet_model::time::{day_of_us_date, parse_instant};
use parapet_model::{Millis, Ranges};

use super::called::Called;
use super::error::{Code, PcError};
use crate::http::query;

/// Most parameters of one call.
const MAX_PARAMETERS: usize = 10_000;
/// Largest number that an id has: 64 bits with a sign, as ids of the real service need.
pub(super) const MAX_ID: u64 = i64::MAX as u64;
/// Largest number of an exception.
pub(super) const MAX_EXCEPTION: u64 = u32::MAX as u64;

/// A call: where it went, how, and with which parameters.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) called: Called,
    pub(super) method: Method,
    /// In the order they were sent.
    sent: Vec<(String, String)>,
}

impl<S: Send + Sync> FromRequest<S> for Call {
    type Rejection = PcError;

    async fn from_request(request: Request, state: &S) -> Result<Self, PcError> {
        let called = request.extensions().get::<Called>().cloned();
        let called = called.unwrap_or_else(|| Called::of(request.uri(), request.headers()));
        let method = request.method().clone();
        let mut sent = pairs(request.uri().query().unwrap_or_default())?;
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let multipart = kind.is_some_and(|kind| kind.to_ascii_lowercase().starts_with("multipart/form-data"));
        if multipart {
            sent.extend(fields(request, state).await?);
        } else {
            let bytes = Bytes::from_request(request, state).await;
            let bytes = bytes.map_err(|error| PcError::refused(error.status(), error.body_text()))?;
            let text = std::str::from_utf8(&bytes);
            let text = text.map_err(|_| PcError::new(Code::InvalidValue, "the body is not UTF-8"))?;
            sent.extend(pairs(text.trim_end_matches(['\r', '\n']))?);
        }
        if sent.len() > MAX_PARAMETERS {
            return Err(PcError::new(Code::InvalidValue, "too many parameters"));
        }
        Ok(Self { called, method, sent })
    }
}

fn pairs(text: &str) -> Result<Vec<(String, String)>, PcError> {
    query::pairs(text).collect::<Result<_, _>>().map_err(|why| PcError::new(Code::InvalidValue, why))
}

async fn fields<S: Send + Sync>(request: Request, state: &S) -> Result<Vec<(String, String)>, PcError> {
    let bad = |text: String| PcError::new(Code::InvalidValue, text);
    let multipart = Multipart::from_request(request, state).await;
    let mut multipart = multipart.map_err(|error| bad(error.body_text()))?;
    let mut sent = Vec::new();
    while let Some(field) =
        multipart.next_field().await.map_err(|error| PcError::refused(error.status(), error.body_text()))?
    {
        let name = field.name().unwrap_or_default().to_owned();
        let value = field.text().await;
        let value = value.map_err(|error| PcError::refused(error.status(), error.body_text()))?;
        if name.contains('\0') || value.contains('\0') {
            return Err(bad("a parameter contains a NUL".to_owned()));
        }
        sent.push((name, value));
        if sent.len() > MAX_PARAMETERS {
            return Err(bad("too many parameters".to_owned()));
        }
    }
    Ok(sent)
}

impl Call {
    /// The value of a parameter, if it has one.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let last = self.sent.iter().rev().find(|(sent, _)| sent == name);
        last.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// All parameters as they were sent.
    pub(super) fn sent(&self) -> &[(String, String)] {
        &self.sent
    }

    /// Refuses parameters that the call does not have; all of them are named.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), PcError> {
        let common = ["action", "echo_request"];
        let is_known = |name: &str| common.contains(&name) || known.contains(&name);
        let mut unknown: Vec<&str> = Vec::new();
        for (name, _) in &self.sent {
            if !is_known(name) && !unknown.contains(&name.as_str()) && unknown.len() < 20 {
                unknown.push(name);
            }
        }
        if unknown.is_empty() {
            self.flag("echo_request").map(|_| ())
        } else {
            let names: Vec<String> = unknown.iter().map(|name| name.chars().take(100).collect()).collect();
            Err(PcError::new(
                Code::UnknownParameter,
                format!("Unrecognized parameter(s): {}", names.join(", ")),
            ))
        }
    }

    /// Refuses a call in which one of these is missing; all that are missing are named.
    pub(super) fn needs(&self, names: &[&str]) -> Result<(), PcError> {
        let missing: Vec<&str> = names.iter().filter(|name| self.text(name).is_none()).copied().collect();
        if missing.is_empty() { Ok(()) } else { Err(PcError::missing(&missing.join(", "))) }
    }

    /// Refuses a call that changes something by another method than POST.
    pub(super) fn needs_post(&self) -> Result<(), PcError> {
        match self.method == Method::POST {
            true => Ok(()),
            false => Err(PcError::new(
                Code::Method,
                format!(
                    "method {} is not supported with action={}",
                    self.method,
                    self.text("action").unwrap_or_default()
                ),
            )),
        }
    }

    /// Whether the parameters are to stand in the answer.
    pub(super) fn echoes(&self) -> bool {
        self.text("echo_request") == Some("1")
    }

    /// A parameter that is 0 or 1.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, PcError> {
        match self.text(name) {
            None => Ok(None),
            Some("0") => Ok(Some(false)),
            Some("1") => Ok(Some(true)),
            Some(other) => Err(PcError::invalid(name, other)),
        }
    }

    /// A parameter that is one id.
    pub(super) fn id(&self, name: &str) -> Result<Option<u64>, PcError> {
        self.number(name, MAX_ID)
    }

    /// A parameter that is one number up to `most`.
    pub(super) fn number(&self, name: &str, most: u64) -> Result<Option<u64>, PcError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let plain = text.bytes().all(|b| b.is_ascii_digit());
        let number = text.parse().ok().filter(|number| plain && *number <= most);
        number.map(Some).ok_or_else(|| PcError::invalid(name, text))
    }

    /// A parameter that is a list of numbers and ranges up to `most`.
    pub(super) fn numbers(&self, name: &str, most: u64) -> Result<Option<Ranges>, PcError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let wrong =
            |piece: &str| PcError::why_invalid(name, text, &format!("Invalid value: {}", crop(piece)));
        Ranges::parse(text, most).map(Some).map_err(wrong)
    }

    /// The first instant of a day written `mm/dd/yyyy`.
    pub(super) fn us_date(&self, name: &str) -> Result<Option<Millis>, PcError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        day_of_us_date(text).map(Some).ok_or_else(|| PcError::invalid(name, text))
    }

    /// An instant written `YYYY-MM-DD` or `YYYY-MM-DDTHH:MM:SSZ`.
    pub(super) fn instant(&self, name: &str) -> Result<Option<Millis>, PcError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        parse_instant(text).map(Some).ok_or_else(|| PcError::invalid(name, text))
    }

    /// One of `words`, compared without case; as it stands in `words`.
    pub(super) fn word(&self, name: &str, words: &[&'static str]) -> Result<Option<&'static str>, PcError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let found = words.iter().find(|word| word.eq_ignore_ascii_case(text));
        found.copied().map(Some).ok_or_else(|| PcError::invalid(name, text))
    }
}

fn crop(text: &str) -> String {
    text.chars().take(100).collect()
}
