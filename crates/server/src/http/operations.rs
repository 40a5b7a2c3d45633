//! Probes and metrics: `/livez`, `/readyz`, `/metrics`.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::route::{Access, Family, Table};
use super::state::AppState;

/// Rows of the route table. The probes and the metrics are open: they say nothing of what is
/// stored beyond counts.
pub(crate) fn routes() -> Table {
    Table::new(Family::Operations)
        .add(Method::GET, "/livez", Access::Open, live)
        .add(Method::GET, "/readyz", Access::Open, ready)
        .add(Method::GET, "/metrics", Access::Open, metrics)
}

/// Counters of the process.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    /// Answers by status class 1xx … 5xx.
    answers: [AtomicU64; 5],
}

/// Counts every answer.
pub(crate) async fn count(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let class = usize::from(response.status().as_u16() / 100).clamp(1, 5) - 1;
    if let Some(counter) = state.metrics.answers.get(class) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
    response
}

/// The process lives.
async fn live() -> &'static str {
    "ok\n"
}

/// Posture is current: every committed fact is visible to queries.
async fn ready(State(state): State<AppState>) -> Response {
    match state.app.live().lag().await {
        Ok(0) => "ok\n".into_response(),
        Ok(behind) => {
            let text = format!("posture is {behind} log entries behind\n");
            (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
        }
        Err(error) => {
            tracing::warn!(%error, "readiness check failed");
            (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n").into_response()
        }
    }
}

/// Prometheus text format, version 0.0.4.
async fn metrics(State(state): State<AppState>) -> Response {
    let mut out = String::new();
    let mut metric = |name: &str, kind: &str, help: &str, samples: &[(String, u64)]| {
        let _ = writeln!(out, "# HELP parapet_{name} {help}\n# TYPE parapet_{name} {kind}");
        for (labels, value) in samples {
            let _ = writeln!(out, "parapet_{name}{labels} {value}");
        }
    };
    let answers: Vec<(String, u64)> = state
        .metrics
        .answers
        .iter()
        .enumerate()
        .map(|(i, n)| (format!("{{class=\"{}xx\"}}", i + 1), n.load(Ordering::Relaxed)))
        .collect();
    metric("http_responses_total", "counter", "Answers by status class.", &answers);
    let snapshot = state.app.live().snapshot();
    let one = |n: u64| [(String::new(), n)];
    metric("posture_sequence", "gauge", "Log position of the read model.", &one(snapshot.seq()));
    let ecosystems = snapshot.ecosystems().len() as u64;
    metric("posture_ecosystems", "gauge", "Ecosystems with a coverage word.", &one(ecosystems));
    match state.app.job_counts().await {
        Ok(counts) => {
            let samples: Vec<(String, u64)> = counts
                .into_iter()
                .map(|(kind, job_state, n)| {
                    (format!("{{kind=\"{}\",state=\"{}\"}}", kind.as_str(), job_state.as_str()), n)
                })
                .collect();
            metric("jobs", "gauge", "Jobs by kind and state.", &samples);
        }
        Err(error) => tracing::warn!(%error, "jobs could not be counted"),
    }
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], out).into_response()
}
