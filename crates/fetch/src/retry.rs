//! When to try again, and after how long.
//!
//! `Retry-After` (RFC 9110, 10.2.3) is honoured up to a limit; beyond that the error carries it, so
//! that a job can be put back into the queue instead of holding a worker.

use std::time::Duration;

use parapet_model::Millis;
use reqwest::StatusCode;

/// Bounds of trying again inside one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all, the first included; at least 1.
    pub attempts: u32,
    /// Wait before the second attempt; doubles from attempt to attempt.
    pub first_wait: Duration,
    /// Longest wait, also the longest `Retry-After` that is waited for.
    pub longest_wait: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 4, first_wait: Duration::from_millis(500), longest_wait: Duration::from_secs(30) }
    }
}

impl RetryPolicy {
    /// The wait after attempt number `attempt` (from 1), or `None` when it was the last one or the
    /// other side asks for more patience than allowed.
    pub(crate) fn wait_after(&self, attempt: u32, asked: Option<Duration>) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let doubled = self.first_wait.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)));
        match asked {
            Some(asked) if asked > self.longest_wait => None,
            Some(asked) => Some(asked),
            None => Some(doubled.min(self.longest_wait)),
        }
    }
}

/// Whether a status may pass by itself: 408, 429, and 5xx other than 501 and 505.
pub(crate) fn is_transient(status: StatusCode) -> bool {
    match status.as_u16() {
        408 | 429 => true,
        501 | 505 => false,
        code => code >= 500,
    }
}

/// Reads `Retry-After`: seconds, or an HTTP date relative to `now`.
pub(crate) fn parse_retry_after(value: &str, now: Millis) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?.as_millisecond();
    Some(Duration::from_millis(u64::try_from(at.saturating_sub(now)).unwrap_or(0)))
}

/// Reads `X-Retry-After`: epoch seconds, told from the time to wait for.
pub(crate) fn parse_retry_instant(value: &str, now: Millis) -> Option<Duration> {
    let at = value.trim().parse::<Millis>().ok()?.checked_mul(1000)?;
    Some(Duration::from_millis(u64::try_from(at.saturating_sub(now)).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let policy = RetryPolicy {
            attempts: 4,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(3),
        };
        let waits: Vec<_> = (1..=4).map(|n| policy.wait_after(n, None).map(|d| d.as_secs())).collect();
        assert_eq!(waits, [Some(1), Some(2), Some(3), None]);
    }

    #[test]
    fn the_other_sides_wish_counts_within_the_limit() {
        let policy = RetryPolicy::default();
        assert_eq!(policy.wait_after(1, Some(Duration::from_secs(7))), Some(Duration::from_secs(7)));
        assert_eq!(policy.wait_after(1, Some(Duration::from_secs(3600))), None);
    }

    #[test]
    fn both_forms_of_retry_after_are_read() {
        assert_eq!(parse_retry_after(" 12 ", 0), Some(Duration::from_secs(12)));
        let now = 784_111_777_000; // 1994-11-06T08:49:37Z
        assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:49:57 GMT", now), Some(Duration::from_secs(20)));
        assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:49:07 GMT", now), Some(Duration::ZERO));
        assert_eq!(parse_retry_after("soon", now), None);
        assert_eq!(parse_retry_instant("784111797", now), Some(Duration::from_secs(20)));
        assert_eq!(parse_retry_instant("5", now), Some(Duration::ZERO));
        assert_eq!(parse_retry_instant("soon", now), None);
    }
}
