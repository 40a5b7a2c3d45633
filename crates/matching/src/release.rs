//! Which release's packages a record speaks of, where publishers name products and a machine only
//! knows its release.
//!
//! Red Hat names products by CPE (`Red Hat:enterprise_linux:9::baseos`), SUSE by marketing names
//! (`SUSE:Linux Enterprise Module for Basesystem 15 SP6`), several per image. What is installed on
//! a machine of the release may come from any of its ordinary repositories, so those are one:
//! `Red Hat:9`, `SUSE:Linux Enterprise 15 SP6`. Everything else keeps its own name and is met by no
//! package of the release: layered products (Satellite, OpenShift), other lines of products. Without
//! that, a base image is told the vulnerabilities of products that are not in it.
//!
//! Fixes for a release past its general support, which need a contract, are the release's
//! *subscription*: Ubuntu Pro, SUSE's LTSS, Red Hat's ELS. So are, for a machine that stays on one
//! minor release of Red Hat's, the update streams of that (EUS, E4S, AUS, TUS). Packages of a system
//! that has one are of the subscription's ecosystem (`Ubuntu:Pro:22.04:LTS`), and the release's
//! records speak of them too.

use std::borrow::Cow;

/// The ecosystem under which packages and records meet.
pub fn canonical(ecosystem: &str) -> Cow<'_, str> {
    let named = if let Some(product) = ecosystem.strip_prefix("Red Hat:") {
        red_hat(product)
    } else if let Some(product) = ecosystem.strip_prefix("SUSE:Linux Enterprise ") {
        suse(product)
    } else {
        None
    };
    named.map_or(Cow::Borrowed(ecosystem), Cow::Owned)
}

/// Red Hat's update streams of one minor release.
const STREAMS: [(&str, &str); 4] =
    [("rhel_eus", "EUS"), ("rhel_e4s", "E4S"), ("rhel_aus", "AUS"), ("rhel_tus", "TUS")];

/// `enterprise_linux:9::baseos` → `Red Hat:9`; `rhel_els:7` → `Red Hat:ELS:7`; `rhel_eus:9.2::baseos` →
/// `Red Hat:EUS:9.2`.
fn red_hat(product: &str) -> Option<String> {
    let (name, rest) = product.split_once(':')?;
    let version = rest.split(':').next()?;
    let major = version.split('.').next().filter(|major| is_number(major))?;
    match name {
        "enterprise_linux" => Some(format!("Red Hat:{major}")),
        "rhel_els" => Some(format!("Red Hat:ELS:{major}")),
        _ => {
            let (_, stream) = STREAMS.iter().find(|(product, _)| *product == name)?;
            version.split('.').all(is_number).then(|| format!("Red Hat:{stream}:{version}"))
        }
    }
}

/// Product lines whose updates every machine of the service pack gets.
const ORDINARY: [&str; 4] = ["Server", "Desktop", "Software Development Kit", "Workstation Extension"];
/// Lines that go on after general support, each under a contract of its own.
const LONG_TERM: [&str; 2] = ["Server for SAP Applications", "High Performance Computing"];

/// `Module for Basesystem 15 SP6` → `SUSE:Linux Enterprise 15 SP6`; `Server 15 SP4-LTSS` →
/// `SUSE:LTSS:Linux Enterprise 15 SP4`.
fn suse(product: &str) -> Option<String> {
    // The release is the last number, or the one before ` SPn`, with marks behind it.
    let (product, mark) = match product.rsplit_once('-') {
        Some((product, mark)) if mark.bytes().all(|c| c.is_ascii_uppercase() || c == b'_') => (product, mark),
        _ => (product, ""),
    };
    let (line, release) = match product.rsplit_once(" SP") {
        Some((before, pack)) if is_number(pack) => {
            let (line, version) = before.rsplit_once(' ')?;
            (line, is_number(version).then(|| format!("{version} SP{pack}"))?)
        }
        _ => {
            let (line, version) = product.rsplit_once(' ')?;
            (line, version.split('.').all(is_number).then(|| version.to_owned())?)
        }
    };
    let is_ordinary = ORDINARY.contains(&line) || line.starts_with("Module for ");
    match (is_ordinary, mark) {
        (true, "") => Some(format!("SUSE:Linux Enterprise {release}")),
        (true, "LTSS" | "ESPOS") => Some(format!("SUSE:LTSS:Linux Enterprise {release}")),
        (false, _) if LONG_TERM.contains(&line) => Some(format!("SUSE:LTSS:Linux Enterprise {release}")),
        _ => None,
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit())
}

/// How subscriptions name their ecosystems: what stands before the release, without and with one.
const SUBSCRIPTIONS: [(&str, &str); 3] = [
    ("Ubuntu:", "Ubuntu:Pro:"),
    ("SUSE:Linux Enterprise ", "SUSE:LTSS:Linux Enterprise "),
    ("Red Hat:", "Red Hat:ELS:"),
];

/// `Ubuntu:22.04:LTS` → `Ubuntu:Pro:22.04:LTS`.
pub(crate) fn subscription_of(ecosystem: &str) -> Option<String> {
    if is_subscription(ecosystem) {
        return None;
    }
    SUBSCRIPTIONS.iter().find_map(|(plain, with)| Some(format!("{with}{}", ecosystem.strip_prefix(plain)?)))
}

/// Whether `with` is the subscription's ecosystem of `ecosystem`. Both are canonical.
fn is_subscription_of(with: &str, ecosystem: &str) -> bool {
    !is_subscription(ecosystem)
        && SUBSCRIPTIONS.iter().any(|(plain, prefix)| {
            match (with.strip_prefix(prefix), ecosystem.strip_prefix(plain)) {
                (Some(a), Some(b)) => a == b,
                _ => false,
            }
        })
}

/// Whether a canonical ecosystem is a subscription's.
pub(crate) fn is_subscription(ecosystem: &str) -> bool {
    SUBSCRIPTIONS.iter().any(|(_, with)| ecosystem.starts_with(with)) || stream(ecosystem).is_some()
}

/// `Red Hat:EUS:9.2` → `9.2`.
fn stream(ecosystem: &str) -> Option<&str> {
    let rest = ecosystem.strip_prefix("Red Hat:")?;
    STREAMS.iter().find_map(|(_, mark)| rest.strip_prefix(mark)?.strip_prefix(':'))
}

/// The release whose subscription it is: `Ubuntu:Pro:22.04:LTS` → `Ubuntu:22.04:LTS`, `Red Hat:EUS:9.2`
/// → `Red Hat:9`.
pub(crate) fn release_of(ecosystem: &str) -> Option<String> {
    if let Some(version) = stream(ecosystem) {
        return Some(format!("Red Hat:{}", version.split('.').next()?));
    }
    SUBSCRIPTIONS.iter().find_map(|(plain, with)| Some(format!("{plain}{}", ecosystem.strip_prefix(with)?)))
}

/// Whether records of `speaking` speak of packages of `own` beside its own ones: those of its
/// subscription, or those of the release whose subscription it is. Both are canonical.
pub(crate) fn speaks_beside(speaking: &str, own: &str) -> bool {
    is_subscription_of(speaking, own)
        || is_subscription_of(own, speaking)
        || stream(own).is_some_and(|version| {
            speaking.strip_prefix("Red Hat:").is_some_and(|major| Some(major) == version.split('.').next())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_of_a_release_are_one_and_other_products_are_not() {
        for (published, met) in [
            ("Red Hat:enterprise_linux:9::baseos", "Red Hat:9"),
            ("Red Hat:enterprise_linux:9::appstream", "Red Hat:9"),
            ("Red Hat:enterprise_linux:10.0", "Red Hat:10"),
            ("Red Hat:9", "Red Hat:9"),
            ("Red Hat:rhel_els:7", "Red Hat:ELS:7"),
            ("Red Hat:rhel_eus:9.2::baseos", "Red Hat:EUS:9.2"),
            ("Red Hat:rhel_e4s:8.6::appstream", "Red Hat:E4S:8.6"),
            ("Red Hat:satellite:6.15::el8", "Red Hat:satellite:6.15::el8"),
            ("Red Hat:enterprise_linux", "Red Hat:enterprise_linux"),
            ("SUSE:Linux Enterprise Module for Basesystem 15 SP6", "SUSE:Linux Enterprise 15 SP6"),
            ("SUSE:Linux Enterprise Server 12 SP5", "SUSE:Linux Enterprise 12 SP5"),
            ("SUSE:Linux Enterprise Server 16.0", "SUSE:Linux Enterprise 16.0"),
            ("SUSE:Linux Enterprise Server 15 SP4-LTSS", "SUSE:LTSS:Linux Enterprise 15 SP4"),
            ("SUSE:Linux Enterprise Server for SAP Applications 15 SP4", "SUSE:LTSS:Linux Enterprise 15 SP4"),
            ("SUSE:Linux Enterprise Micro 5.3", "SUSE:Linux Enterprise Micro 5.3"),
            ("SUSE:Linux Enterprise 15 SP6", "SUSE:Linux Enterprise 15 SP6"),
            ("SUSE:Manager Server 4.3", "SUSE:Manager Server 4.3"),
            ("openSUSE:Leap 15.6", "openSUSE:Leap 15.6"),
            ("Debian:12", "Debian:12"),
        ] {
            assert_eq!(canonical(published), met, "{published}");
            assert_eq!(canonical(met), met, "{met} stands");
        }
    }

    #[test]
    fn subscriptions_belong_to_their_release() {
        for (plain, with) in [
            ("Ubuntu:22.04:LTS", "Ubuntu:Pro:22.04:LTS"),
            ("SUSE:Linux Enterprise 15 SP4", "SUSE:LTSS:Linux Enterprise 15 SP4"),
            ("Red Hat:7", "Red Hat:ELS:7"),
        ] {
            assert_eq!(subscription_of(plain).as_deref(), Some(with));
            assert!(is_subscription_of(with, plain) && !is_subscription_of(with, with));
            assert_eq!(subscription_of(with), None);
            assert_eq!(release_of(with).as_deref(), Some(plain));
            assert!(speaks_beside(with, plain) && speaks_beside(plain, with) && !speaks_beside(with, with));
        }
        assert_eq!(subscription_of("Debian:12"), None);
        assert_eq!(release_of("Debian:12"), None);
    }

    #[test]
    fn a_stream_belongs_to_its_release_but_the_release_not_to_the_stream() {
        assert_eq!(release_of("Red Hat:EUS:9.2").as_deref(), Some("Red Hat:9"));
        assert!(is_subscription("Red Hat:EUS:9.2") && !is_subscription("Red Hat:9"));
        assert!(speaks_beside("Red Hat:9", "Red Hat:EUS:9.2"));
        for (speaking, own) in [
            ("Red Hat:EUS:9.2", "Red Hat:9"),
            ("Red Hat:EUS:9.4", "Red Hat:EUS:9.2"),
            ("Red Hat:8", "Red Hat:EUS:9.2"),
            ("Red Hat:ELS:9", "Red Hat:EUS:9.2"),
        ] {
            assert!(!speaks_beside(speaking, own), "{speaking} of {own}");
        }
    }
}
