//! `parapet generate`.

use clap::{Args, ValueEnum};
use parapet_service::generate::{Generated, Shape, Wishes};

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
        let (app, who) = self.store.open().await?;
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
