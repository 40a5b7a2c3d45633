//! Slows down guessing: after a few failures of one name, attempts have to wait, longer each time.
//! Nobody is locked out for good, and one throttle serves all families.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use parapet_model::Millis;

use crate::error::{Error, Result};

/// Failures that cost nothing.
const FREE: u32 = 5;
/// Wait after the first failure beyond those; doubles with each further one.
const FIRST_WAIT: Millis = 1_000;
/// Longest wait.
const LONGEST_WAIT: Millis = 5 * 60 * 1000;
/// Most names remembered; beyond that the oldest waits are forgotten.
const MAX_NAMES: usize = 100_000;

/// See the module documentation.
#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<HashMap<String, Failures>>);

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    free_at: Millis,
}

impl Throttle {
    /// Refuses while the name has to wait.
    pub(super) fn check(&self, name: &str, now: Millis) -> Result<()> {
        match self.names().get(&name.to_lowercase()) {
            Some(failures) if failures.free_at > now => {
                Err(Error::Throttled(u64::try_from((failures.free_at - now + 999) / 1000).unwrap_or(1)))
            }
            _ => Ok(()),
        }
    }

    /// One more failure.
    pub(super) fn failed(&self, name: &str, now: Millis) {
        let mut names = self.names();
        if names.len() >= MAX_NAMES {
            names.retain(|_, failures| failures.free_at > now);
        }
        let failures = names.entry(name.to_lowercase()).or_insert(Failures { count: 0, free_at: 0 });
        failures.count = failures.count.saturating_add(1);
        if failures.count > FREE {
            let doublings = (failures.count - FREE - 1).min(20);
            failures.free_at = now + (FIRST_WAIT << doublings).min(LONGEST_WAIT);
        }
    }

    /// Forgets the failures of a name.
    pub(super) fn succeeded(&self, name: &str) {
        self.names().remove(&name.to_lowercase());
    }

    fn names(&self) -> MutexGuard<'_, HashMap<String, Failures>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_success_forgets() {
        let throttle = Throttle::default();
        for _ in 0..FREE {
            throttle.failed("Ann", 0);
        }
        assert!(throttle.check("ann", 0).is_ok());
        throttle.failed("ann", 0);
        assert!(matches!(throttle.check("ANN", 0), Err(Error::Throttled(1))));
        assert!(throttle.check("ann", 1_000).is_ok());
        throttle.failed("ann", 1_000);
        assert!(matches!(throttle.check("ann", 1_000), Err(Error::Throttled(2))));
        assert!(throttle.check("bob", 1_000).is_ok());
        throttle.succeeded("ann");
        assert!(throttle.check("ann", 1_000).is_ok());
    }
}
