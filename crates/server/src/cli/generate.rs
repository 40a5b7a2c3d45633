//! `parapet generate`.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use parapet_model::time::{DAY, TestClock};
use parapet_model::{Clock as _, SystemClock};
use parapet_service::feeds::{FeedSource, ImportOptions};
use parapet_service::generate::{Generated, History, Shape, Wishes};

use super::options::StoreOptions;
use super::output::{self, Format};

/// Fill a store with a synthetic estate that has the shapes of a real one: base layers shared by some
/// 330 images, repositories of 20 builds that share a middle layer, packages of their own, tags that
/// move, containers, hosts, and one exception of each kind. The same seed gives the same estate.
///
/// Packages are named after the advisories in the store, so import feeds first if there are to be
/// findings; without any, a small list stands in. What is drawn how often: docs/generate.md.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  parapet feed import Debian.zip npm.zip PyPI.zip --data-dir estate
  parapet generate --images 100000 --containers 100000 --seed 1 --data-dir estate
  parapet generate --images 5000 --history-days 180 --feed Debian.zip --feed npm.zip --data-dir estate
  parapet generate --images 2000 --shape adversarial --packages-per-image 150 --data-dir estate --format json
  parapet serve --data-dir estate")]
pub(super) struct Generate {
    /// Images
    #[arg(long, value_name = "N", default_value_t = 1000)]
    images: usize,
    /// Containers, started from these images
    #[arg(long, value_name = "N", default_value_t = 0)]
    containers: usize,
    /// Hosts
    #[arg(long, value_name = "N", default_value_t = 0)]
    hosts: usize,
    /// Packages of each image: 62 % in its base, 33 % in a layer shared by all builds of its
    /// repository, the rest its own; a host has three times as many
    #[arg(long, value_name = "N", default_value_t = 100)]
    packages_per_image: usize,
    /// What is drawn
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Whether images share layers
    #[arg(long, value_enum, default_value_t = ShapeWord::Layered)]
    shape: ShapeWord,
    /// Record it over the last N days, the first images first, instead of now; the store must be new
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(..=3650))]
    history_days: u16,
    /// Advisories to import before, at the beginning of the history; may be given several times
    #[arg(long, value_name = "FILE")]
    feed: Vec<PathBuf>,
    #[command(flatten)]
    store: StoreOptions,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ShapeWord {
    /// Bases, repositories and builds, as in the world
    Layered,
    /// No image shares anything with another: the worst case
    Adversarial,
}

impl Generate {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let (now, mut options) = (SystemClock.now(), self.store.app_options()?);
        let history = (self.history_days > 0).then(|| {
            let clock = TestClock::at(now - i64::from(self.history_days) * DAY);
            options.clock = Arc::new(clock.clone());
            History::until(clock, now)
        });
        let (app, who) = StoreOptions::open_with(options).await?;
        for path in &self.feed {
            output::progress(&format!("importing {}", path.display()));
            app.feeds().import(&who, &FeedSource::recognise(path)?, &ImportOptions::default(), None).await?;
        }
        let wishes = Wishes {
            images: self.images,
            containers: self.containers,
            hosts: self.hosts,
            packages_per_image: self.packages_per_image,
            seed: self.seed,
            shape: match self.shape {
                ShapeWord::Layered => Shape::Layered,
                ShapeWord::Adversarial => Shape::Adversarial,
            },
            history,
        };
        let done = app.generate(&who, &wishes, &output::progress).await?;
        match self.format {
            Format::Json => output::print_json(&done),
            Format::Table => output::print(&describe(&done)),
        }
    }
}

fn describe(done: &Generated) -> String {
    let names = if done.from_advisories {
        "packages are named after the advisories of the store"
    } else {
        "no advisories are loaded: packages have names of a small list, and there are no findings"
    };
    format!(
        "{} images, {} containers, {} hosts\n{} packages in {} sets; {} tags moved, {} exceptions\n{names}\n",
        done.images, done.containers, done.hosts, done.packages, done.sets, done.moved_tags, done.exceptions
    )
}
