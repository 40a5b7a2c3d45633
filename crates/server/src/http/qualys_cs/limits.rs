//! Rate limits of the family (contract 1.7): calls per user, group of paths and minute.
//!
//! A client that reads these headers without looking first is why all of them come with every 429.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use parapet_model::Millis;

use super::CsError;

/// Length of a window.
const WINDOW: Millis = 60_000;
/// Most (user, group) pairs counted; beyond that, ended windows are forgotten.
const MAX_COUNTED: usize = 100_000;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const WINDOW_SEC: HeaderName = HeaderName::from_static("x-ratelimit-window-sec");
const TO_WAIT: HeaderName = HeaderName::from_static("x-ratelimit-towait-sec");

/// Paths that share a limit, longest prefix first, and calls per minute.
const GROUPS: [(&str, u32); 6] = [
    ("/csapi/v1.3/containers/list", 120),
    ("/csapi/v1.3/containers", 5000),
    ("/csapi/v1.3/images/list", 120),
    ("/csapi/v1.3/images", 5000),
    ("/csapi/v1.3/registry", 1000),
    ("/csapi/v1.3/sensors", 1000),
];

#[derive(Debug, Clone, Copy)]
struct Counted {
    since: Millis,
    calls: u32,
}

/// The calls of the present minute.
#[derive(Debug, Default)]
pub(crate) struct Limits(Mutex<HashMap<(u32, usize), Counted>>);

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowance {
    limit: u32,
    remaining: u32,
    /// Seconds to wait; the call is refused.
    wait: Option<u64>,
}

impl Limits {
    /// Counts one call; `None` for paths without a limit.
    pub(crate) fn take(&self, user: u32, path: &str, now: Millis) -> Option<Allowance> {
        let within = |prefix: &str| {
            path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let group = GROUPS.iter().position(|(prefix, _)| within(prefix))?;
        let limit = GROUPS[group].1;
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.len() >= MAX_COUNTED {
            counted.retain(|_, c| now - c.since < WINDOW);
        }
        let c = counted.entry((user, group)).or_insert(Counted { since: now, calls: 0 });
        if now - c.since >= WINDOW {
            *c = Counted { since: now, calls: 0 };
        }
        c.calls = c.calls.saturating_add(1);
        let remaining = limit.saturating_sub(c.calls);
        let left = u64::try_from(c.since + WINDOW - now).unwrap_or_default().div_ceil(1000);
        Some(Allowance { limit, remaining, wait: (c.calls > limit).then_some(left.max(1)) })
    }
}

impl Allowance {
    /// The refusal, when the limit is reached.
    pub(crate) fn refusal(self) -> Option<Response> {
        let seconds = self.wait?;
        let message = format!("Rate limit of {} calls per minute exceeded", self.limit);
        let mut response = CsError::new(StatusCode::TOO_MANY_REQUESTS, message).into_response();
        self.tell(response.headers_mut());
        response.headers_mut().insert(TO_WAIT, HeaderValue::from(seconds));
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        Some(response)
    }

    /// Says what is left.
    pub(crate) fn tell(self, headers: &mut HeaderMap) {
        headers.insert(LIMIT, HeaderValue::from(self.limit));
        headers.insert(REMAINING, HeaderValue::from(self.remaining));
        headers.insert(WINDOW_SEC, HeaderValue::from(WINDOW / 1000));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BULK: &str = "/csapi/v1.3/images/list";

    #[test]
    fn the_call_after_the_limit_waits_for_the_next_minute() {
        let limits = Limits::default();
        for call in 1..=120 {
            let allowed = limits.take(1, BULK, 1_000 + call).unwrap();
            assert_eq!((allowed.wait, allowed.remaining), (None, 120 - u32::try_from(call).unwrap()));
        }
        let refused = limits.take(1, BULK, 31_001).unwrap().refusal().unwrap();
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        for (name, value) in [
            ("x-ratelimit-limit", "120"),
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-window-sec", "60"),
            ("x-ratelimit-towait-sec", "30"),
            ("retry-after", "30"),
        ] {
            assert_eq!(refused.headers()[name], value, "{name}");
        }
        assert_eq!(limits.take(2, BULK, 31_001).unwrap().wait, None, "somebody else's calls do not count");
        assert_eq!(limits.take(1, "/csapi/v1.3/images/abc/vuln", 31_001).unwrap().limit, 5000);
        assert_eq!(limits.take(1, BULK, 61_001).unwrap().wait, None);
        assert_eq!(limits.take(1, "/csapi/v1.3/exception", 0), None);
        assert_eq!(limits.take(1, "/csapi/v1.3/imagesque", 0), None);
    }
}
