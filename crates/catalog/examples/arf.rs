//! Reads a results document as an import would, and says how long it took and how much memory.
//!
//! ```sh
//! cargo run --release -p parapet-catalog --example arf -- FILE [TIMES]
//! ```
#![expect(clippy::print_stdout, reason = "it is a program")]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::time::Instant;

use parapet_catalog::arf;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("name a file")?;
    let times: u32 = arguments.next().map_or(Ok(1), |text| text.parse())?;
    for _ in 0..times {
        let start = Instant::now();
        let document = arf::read(Path::new(&file), arf::MAX_UNPACKED)?;
        println!("read in {:?}", start.elapsed());
        for evaluation in &document.evaluations {
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            for result in &evaluation.results {
                *counts.entry(result.status.as_str()).or_default() += 1;
            }
            let (host, platform) = (evaluation.target.shown(), &evaluation.platform_name);
            println!("{host}, {platform}, {}: {counts:?}", evaluation.title);
        }
        document.warnings.iter().for_each(|warning| println!("{warning}"));
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("peak unknown"));
    Ok(())
}
