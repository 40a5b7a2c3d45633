//! Kernel packages.
//!
//! A container runs on its host's kernel, so kernel packages inside an image are kept but classed
//! *not run here*. On a host they count where they are the kernel that runs.

use parapet_model::PackageKey;

use crate::ecosystem::{Naming, family};
use crate::order::Order;

/// Whether the package is built from the kernel's source: images, modules, headers, tools.
///
/// `linux-libc-dev` is one: its findings are those of the kernel it was built from, and no program
/// runs that. `linux-base` or `linux-firmware` are not.
pub fn is_kernel_package(package: &PackageKey) -> bool {
    match family(&package.ecosystem).map(|f| (f.order, f.naming)) {
        Some((Some(Order::Dpkg), _)) => is_dpkg_kernel_source(source(package)),
        Some((Some(Order::Apk), _)) => is_apk_kernel_source(source(package)),
        Some((_, Naming::Binary)) => is_rpm_kernel_source(source(package)),
        _ => false,
    }
}

fn source(package: &PackageKey) -> &str {
    if package.source_name.is_empty() { &package.name } else { &package.source_name }
}

/// Debian: `linux`, `linux-6.1` (backported to an older release), `linux-signed-amd64`,
/// `linux-latest`. Ubuntu: one source per flavour, plus `-meta` and `-signed` ones.
fn is_dpkg_kernel_source(source: &str) -> bool {
    const FLAVOURS: [&str; 27] = [
        "aws",
        "azure",
        "bluefield",
        "fips",
        "gcp",
        "gke",
        "gkeop",
        "hwe",
        "ibm",
        "intel",
        "iot",
        "kvm",
        "laptop",
        "latest",
        "lowlatency",
        "lts",
        "meta",
        "nvidia",
        "oem",
        "oracle",
        "raspi",
        "realtime",
        "restricted",
        "riscv",
        "signed",
        "xilinx",
        "raspi2",
    ];
    let Some(rest) = source.strip_prefix("linux") else { return false };
    let Some(rest) = rest.strip_prefix('-') else { return rest.is_empty() };
    let flavour = rest.split_once('-').map_or(rest, |(first, _)| first);
    flavour.starts_with(|c: char| c.is_ascii_digit()) || FLAVOURS.contains(&flavour)
}

fn is_apk_kernel_source(source: &str) -> bool {
    const FLAVOURS: [&str; 8] = ["lts", "edge", "virt", "rpi", "vanilla", "hardened", "grsec", "headers"];
    source.strip_prefix("linux-").is_some_and(|flavour| FLAVOURS.contains(&flavour))
}

fn is_rpm_kernel_source(source: &str) -> bool {
    source == "kernel" || source.starts_with("kernel-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(ecosystem: &str, name: &str, source: &str, version: &str, arch: &str) -> PackageKey {
        let mut package = PackageKey::new(ecosystem, name, version);
        package.source_name = source.to_owned();
        package.arch = arch.to_owned();
        package
    }

    #[test]
    fn packages_of_the_kernels_source_are_known() {
        for (ecosystem, source) in [
            ("Debian:12", "linux"),
            ("Debian:11", "linux-6.1"),
            ("Debian:12", "linux-signed-amd64"),
            ("Ubuntu:22.04:LTS", "linux-hwe-6.5"),
            ("Ubuntu:22.04:LTS", "linux-meta-aws"),
            ("Alpine:v3.20", "linux-lts"),
            ("AlmaLinux:9", "kernel"),
        ] {
            assert!(is_kernel_package(&package(ecosystem, "x", source, "1", "")), "{source}");
        }
        for (ecosystem, source) in [
            ("Debian:12", "linux-base"),
            ("Debian:12", "linux-atm"),
            ("Ubuntu:22.04:LTS", "linux-firmware"),
            ("Debian:12", "util-linux"),
            ("Alpine:v3.20", "linux-pam"),
            ("PyPI", "linux"),
            ("npm", "kernel"),
        ] {
            assert!(!is_kernel_package(&package(ecosystem, source, source, "1", "")), "{source}");
        }
    }
}
