//! Lists as CSV: `Accept: text/csv` or `format=csv` on any list gives all its rows, not one page of them.

use std::io::{self, Write};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use parapet_export::{CsvOptions, TableCsv};
use tokio::sync::mpsc;

/// Chunks that wait for a slow reader.
const WAITING: usize = 4;

/// Whether the caller wants the list as CSV; `format` is the parameter of that name.
pub(crate) fn wanted(headers: &HeaderMap, format: &str) -> bool {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let first = accepts.split([',', ';']).next().unwrap_or_default();
    format == "csv" || first.trim().eq_ignore_ascii_case("text/csv")
}

/// An answer whose rows `write` makes, away from the threads that serve connections and no faster than the
/// reader takes them. `name` is the file's, without ending.
pub(crate) fn answer<F>(name: &str, titles: &'static [&'static str], write: F) -> Response
where
    F: FnOnce(&mut TableCsv<Chunks>) -> io::Result<()> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::task::spawn_blocking(move || {
        let mut table = TableCsv::new(Chunks(sender), titles, CsvOptions::default());
        // An error is a reader that went away.
        let _ = write(&mut table).and_then(|()| table.finish().map(drop));
    });
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.csv\"")),
    ];
    (headers, Body::from_stream(futures_util::stream::unfold(receiver, next))).into_response()
}

/// A list so short that its rows are there already.
pub(crate) fn short<const N: usize>(
    name: &str,
    titles: &'static [&'static str; N],
    rows: Vec<[String; N]>,
) -> Response {
    answer(name, titles, move |table| rows.into_iter().try_for_each(|row| table.row(row)))
}

async fn next(mut receiver: mpsc::Receiver<Bytes>) -> Option<(io::Result<Bytes>, mpsc::Receiver<Bytes>)> {
    receiver.recv().await.map(|bytes| (Ok(bytes), receiver))
}

/// Sends what is written on its way.
#[derive(Debug)]
pub(crate) struct Chunks(mpsc::Sender<Bytes>);

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        self.0.blocking_send(Bytes::copy_from_slice(bytes)).map_err(gone)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
