//! Synthetic estates with the shapes of real ones, for benchmarks and for trying things out.
//!
//! The same wishes on a store with the same advisories give the same facts; only recorded times and
//! the ids of exceptions differ. Everything is written as a scan, a sensor or a person would write
//! it: packages are numbered and matched by the one matcher, assets are recorded by the one recorder.
//! What is drawn how often stands in `docs/generate.md`.
//!
//! | module | holds |
//! |---|---|
//! | `random` | numbers by seed |
//! | `catalogue` | which packages there are |
//! | `estate` | what each asset is |
//! | `write` | how it is recorded |

mod catalogue;
mod estate;
mod random;
mod write;

use parapet_model::time::{DAY, TestClock, format_rfc3339};
use parapet_model::{Clock as _, Millis, Permission, Principal};
use serde::Serialize;

pub use estate::Shape;

use crate::accounts::require;
use crate::app::App;
use crate::error::{Error, Result};

/// Most images, containers and hosts of one estate.
const MOST: usize = 10_000_000;
/// Most packages of an image.
const MOST_PACKAGES: usize = 5_000;

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Wishes {
    /// Images.
    pub images: usize,
    /// Containers, all of them started from one of the images.
    pub containers: usize,
    /// Hosts.
    pub hosts: usize,
    /// Packages of each image; hosts have three times as many.
    pub packages_per_image: usize,
    /// What is drawn.
    pub seed: u64,
    /// Whether images share layers.
    pub shape: Shape,
    /// The time over which it is recorded; without one everything is recorded now.
    pub history: Option<History>,
}

/// A stretch of time that ends now, through which the application's clock moves while an estate is
/// written, so that questions about the past have something to find. Assets are spread evenly over it.
#[derive(Debug, Clone)]
pub struct History {
    clock: TestClock,
    from: Millis,
    to: Millis,
}

impl History {
    /// From what the clock shows to `to`. The application must have been opened with this clock.
    pub fn until(clock: TestClock, to: Millis) -> Self {
        Self { from: clock.now(), clock, to }
    }

    /// Moves the clock to where so many of all assets are recorded.
    fn reach(&self, done: usize, all: usize) {
        let passed = (self.to - self.from) as i128 * done as i128 / all.max(1) as i128;
        self.clock.set(self.from + passed as Millis);
    }
}

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Generated {
    /// Images.
    pub images: usize,
    /// Containers.
    pub containers: usize,
    /// Hosts.
    pub hosts: usize,
    /// Different packages.
    pub packages: usize,
    /// Different package sets.
    pub sets: usize,
    /// Tags that moved from one image to another.
    pub moved_tags: usize,
    /// Exceptions.
    pub exceptions: usize,
    /// Whether packages were named after the store's advisories.
    pub from_advisories: bool,
}

impl App {
    /// Writes a synthetic estate into the asker's project. `progress` hears what is being done.
    ///
    /// # Errors
    /// [`Error::Invalid`] for wishes that cannot be.
    pub async fn generate(
        &self,
        who: &Principal,
        wishes: &Wishes,
        progress: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<Generated> {
        require(who, Permission::AssetsWrite)?;
        require(who, Permission::ExceptionsApprove)?;
        check(wishes)?;
        if let Some(history) = &wishes.history {
            let last = self.store().head().await?.recorded;
            // What was recorded at the beginning itself, advisories too, made time pass a little.
            if last > history.from + DAY / 24 {
                let last = format_rfc3339(last);
                return Err(Error::Invalid(format!(
                    "the store was written to at {last}, after its history would begin"
                )));
            }
        }
        write::estate(self, who, wishes, progress).await
    }
}

fn check(wishes: &Wishes) -> Result<()> {
    let counts = [("images", wishes.images), ("containers", wishes.containers), ("hosts", wishes.hosts)];
    if let Some((name, _)) = counts.iter().find(|(_, count)| *count > MOST) {
        return Err(Error::Invalid(format!("more than {MOST} {name}")));
    }
    if wishes.packages_per_image == 0 || wishes.packages_per_image > MOST_PACKAGES {
        return Err(Error::Invalid(format!("packages per image must be 1 to {MOST_PACKAGES}")));
    }
    if wishes.containers > 0 && wishes.images == 0 {
        return Err(Error::Invalid("containers need images to be started from".to_owned()));
    }
    if wishes.images + wishes.hosts == 0 {
        return Err(Error::Invalid("nothing is wanted: no images and no hosts".to_owned()));
    }
    Ok(())
}
