//! Reads an OCI layout (or, with `rootfs:` before it, a directory) as a scan would and says how long
//! it took and how much memory.
//!
//! ```sh
//! cargo run --release -p parapet-catalog --example scan -- DIRECTORY [TIMES]
//! ```
#![expect(clippy::print_stdout, reason = "it is a program")]

use std::cell::RefCell;
use std::collections::HashMap;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use parapet_catalog::image::layout;
use parapet_catalog::layer::LayerContents;
use parapet_catalog::oci::Platform;
use parapet_catalog::{LayerCache, Limits, NoCache, rootfs, scan_layers};
use parapet_model::Digest;
use parapet_model::inventory::Inventory;

/// Keeps layers in the form in which they are stored.
#[derive(Default)]
struct Encoded(RefCell<HashMap<Digest, Vec<u8>>>);

impl LayerCache for Encoded {
    fn get(&self, layer: &Digest) -> Option<Arc<LayerContents>> {
        LayerContents::from_bytes(self.0.borrow().get(layer)?).ok().map(Arc::new)
    }

    fn put(&self, layer: &Digest, contents: &Arc<LayerContents>) {
        if let Ok(bytes) = contents.to_bytes() {
            self.0.borrow_mut().insert(*layer, bytes);
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().ok_or("name a directory")?;
    if let Some(root) = directory.strip_prefix("rootfs:") {
        let start = Instant::now();
        let inventory = rootfs::read(Path::new(root), &Limits::default())?;
        println!("{} packages in {:?}", inventory.packages().count(), start.elapsed());
        summary(&inventory);
        return Ok(());
    }
    let times: u32 = arguments.next().map_or(Ok(1), |text| text.parse())?;
    let (image, layout) = layout::open(Path::new(&directory), None, &Platform::default())?;
    let open = |layer: &_| layout.open_layer(layer);
    for _ in 0..times {
        let start = Instant::now();
        let inventory = scan_layers(&image, open, &NoCache, &Limits::default())?;
        let count = inventory.packages().count();
        println!("cold: {count} packages in {:?}", start.elapsed());
    }
    let cache = Encoded::default();
    scan_layers(&image, open, &cache, &Limits::default())?;
    let start = Instant::now();
    let inventory = scan_layers(&image, open, &cache, &Limits::default())?;
    println!("cached: {:?}", start.elapsed());
    let bytes: usize = cache.0.borrow().values().map(Vec::len).sum();
    println!("cached layers: {bytes} bytes for {} of layers", image.facts.size);
    summary(&inventory);
    Ok(())
}

fn summary(inventory: &Inventory) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("peak unknown"));
    println!("{:?}", inventory.distro);
    for database in &inventory.databases {
        println!("{} {}: {} {:?}", database.kind, database.path, database.packages, database.outcome);
    }
}
