//! How large what a sensor says may be. A request is bounded as a whole before it comes here; this
//! keeps its parts from being what no row, page or walk should have to carry.

use std::collections::{BTreeMap, BTreeSet};

use parapet_model::READER_VERSION;
use parapet_model::asset::{HostFacts, ImageFacts};
use parapet_model::inventory::{FoundPackage, Inventory, PackageSet};
use parapet_model::sensor::{EngineReport, ImageContent, Registration, SensorReport};

use crate::error::{Error, Result};
use crate::registries::walk::{ListedRepository, MAX_ERRORS, WalkEnd};

const MAX_NAME: usize = 512;
const MAX_TEXT: usize = 4096;
const MAX_LABELS: usize = 64;
const MAX_NAMES: usize = 64;
const MAX_IMAGES: usize = 20_000;
const MAX_CONTAINERS: usize = 20_000;
const MAX_CONTENTS: usize = 100;
const MAX_TAGS: usize = 100_000;
const MAX_LAYERS: usize = 1_000;
const MAX_PACKAGES: usize = 100_000;
const MAX_PATHS: usize = 1_000;
const MAX_DATABASES: usize = 10_000;

fn text(what: &str, text: &str, most: usize) -> Result<()> {
    if text.len() > most || text.contains('\0') {
        return Err(Error::Invalid(format!("{what} is longer than {most} bytes or holds a NUL")));
    }
    Ok(())
}

fn count(what: &str, found: usize, most: usize) -> Result<()> {
    if found > most {
        return Err(Error::Invalid(format!("{found} {what}, at most {most} are taken at once")));
    }
    Ok(())
}

fn labels(labels: &BTreeMap<String, String>) -> Result<()> {
    count("labels", labels.len(), MAX_LABELS)?;
    labels.iter().try_for_each(|(key, value)| {
        text("the key of a label", key, MAX_NAME)?;
        text("a label", value, MAX_TEXT)
    })
}

/// Checks a registration, and gives it a name.
pub(super) fn registration(new: &mut Registration) -> Result<()> {
    if new.identity.trim().is_empty() || new.identity.chars().any(char::is_control) {
        return Err(Error::Invalid("identity must be the machine id of the host".to_owned()));
    }
    let words = [
        ("identity", &new.identity),
        ("name", &new.name),
        ("hostname", &new.hostname),
        ("os", &new.os),
        ("platform", &new.platform),
        ("engine", &new.engine),
        ("version", &new.version),
    ];
    words.into_iter().try_for_each(|(what, word)| text(what, word, MAX_NAME))?;
    addresses(&new.addresses)?;
    labels(&new.labels)?;
    if new.name.is_empty() {
        new.name = if new.hostname.is_empty() { new.identity.clone() } else { new.hostname.clone() };
    }
    Ok(())
}

fn addresses(list: &[String]) -> Result<()> {
    count("addresses", list.len(), MAX_NAMES)?;
    list.iter().try_for_each(|address| text("an address", address, MAX_NAME))
}

/// Checks a report, and brings inventories into the form that readers give them.
pub(super) fn report(report: &mut SensorReport) -> Result<()> {
    if report.observed <= 0 {
        return Err(Error::Invalid("observed must be epoch milliseconds".to_owned()));
    }
    if let Some(host) = &mut report.host {
        text("the name of the host", &host.name, MAX_NAME)?;
        let HostFacts { kernel, addresses: list, group, asset_value } = &host.facts;
        text("kernel", kernel, MAX_NAME)?;
        text("group", group, MAX_NAME)?;
        if !matches!(asset_value.as_str(), "" | "important" | "common" | "test") {
            return Err(Error::Invalid("asset_value is important, common or test".to_owned()));
        }
        addresses(list)?;
        inventory(&mut host.inventory)?;
    }
    if let Some(seen) = &report.engine {
        engine(seen)?;
    }
    count("images with content", report.contents.len(), MAX_CONTENTS)?;
    report.contents.iter_mut().try_for_each(content)
}

/// Checks what is in an image.
pub(super) fn content(content: &mut ImageContent) -> Result<()> {
    text("the name of an image", &content.name, MAX_NAME)?;
    count("digests", content.digests.len(), MAX_NAMES)?;
    let ImageFacts { manifest_digests, platform, labels: list, .. } = &content.facts;
    count("digests", manifest_digests.len(), MAX_NAMES)?;
    text("platform", platform, MAX_NAME)?;
    count("labels", list.len(), MAX_PATHS)?;
    list.iter().try_for_each(|(key, value)| {
        text("the key of a label", key, MAX_TEXT)?;
        text("a label", value, 16 * MAX_TEXT)
    })?;
    inventory(&mut content.inventory)
}

/// Checks what a sensor listed in a registry.
pub(super) fn listed(found: &[ListedRepository]) -> Result<()> {
    for repository in found {
        text("the name of a repository", &repository.name, MAX_NAME)?;
        count("tags", repository.tags.len(), MAX_TAGS)?;
        count("tags", repository.wanted.len(), MAX_TAGS)?;
        if !repository.name.chars().all(|c| c.is_ascii_graphic() && c != ':' && c != '@') {
            return Err(Error::Invalid(format!("{:?} is no name of a repository", repository.name)));
        }
        for tag in repository.tags.iter().chain(&repository.wanted) {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
            if tag.is_empty() || tag.len() > 128 || !tag.chars().all(plain) {
                return Err(Error::Invalid(format!("{tag:?} is no tag")));
            }
        }
        let there: BTreeSet<&String> = repository.tags.iter().collect();
        if repository.wanted.iter().any(|tag| !there.contains(tag)) {
            return Err(Error::Invalid(format!("a tag of {} is wanted that is not there", repository.name)));
        }
    }
    Ok(())
}

/// Cuts what a sensor says of a listing to what the server would have said.
pub(super) fn walk_end(end: &mut WalkEnd) -> Result<()> {
    count("errors", end.errors.len(), MAX_ERRORS)?;
    for error in &end.errors {
        text("the name of an image", &error.image, MAX_TEXT)?;
        text("a reason", &error.error, MAX_TEXT)?;
    }
    Ok(())
}

fn engine(seen: &EngineReport) -> Result<()> {
    count("images", seen.images.len(), MAX_IMAGES)?;
    count("containers", seen.containers.len(), MAX_CONTAINERS)?;
    for image in &seen.images {
        text("the id of an image", &image.id, MAX_NAME)?;
        count("digests", image.digests.len(), MAX_NAMES)?;
        count("names", image.names.len(), MAX_NAMES)?;
        image.names.iter().try_for_each(|name| text("the name of an image", name, MAX_NAME))?;
    }
    for container in &seen.containers {
        if container.id.is_empty() {
            return Err(Error::Invalid("a container needs an id".to_owned()));
        }
        text("the id of a container", &container.id, MAX_NAME)?;
        text("the name of a container", &container.name, MAX_NAME)?;
        text("the image of a container", &container.image_name, MAX_NAME)?;
        text("the state of a container", &container.state, MAX_NAME)?;
        count("digests", container.image_digests.len(), MAX_NAMES)?;
        labels(&container.labels)?;
    }
    Ok(())
}

fn inventory(found: &mut Inventory) -> Result<()> {
    count("layers", found.layers.len(), MAX_LAYERS)?;
    count("packages", found.packages().count(), MAX_PACKAGES)?;
    count("package databases", found.databases.len(), MAX_DATABASES)?;
    // A newer reader's word would keep this server from reading again.
    found.reader_version = found.reader_version.min(READER_VERSION);
    if let Some(distro) = &found.distro {
        for word in [&distro.id, &distro.version, &distro.name, &distro.ecosystem] {
            text("the distribution", word, MAX_NAME)?;
        }
    }
    for database in &found.databases {
        text("the kind of a package database", &database.kind, MAX_NAME)?;
        text("the path of a package database", &database.path, MAX_TEXT)?;
    }
    let mut seen = BTreeSet::new();
    for layer in &mut found.layers {
        text("the digest of a layer", &layer.layer, MAX_NAME)?;
        let mut packages = std::mem::take(&mut layer.set.packages);
        packages.iter_mut().try_for_each(package)?;
        // Sets of one inventory are disjoint.
        packages.retain(|found| seen.insert(found.clone()));
        layer.set = PackageSet::new(packages);
    }
    Ok(())
}

fn package(found: &mut FoundPackage) -> Result<()> {
    let key = &found.package;
    let words = [
        &key.ecosystem,
        &key.name,
        &key.version,
        &key.arch,
        &key.source_name,
        &key.source_version,
        &key.module,
        &found.database,
    ];
    words.into_iter().try_for_each(|word| text("a field of a package", word, MAX_TEXT))?;
    if key.name.is_empty() || key.ecosystem.is_empty() {
        return Err(Error::Invalid("a package needs an ecosystem and a name".to_owned()));
    }
    count("paths of a package", found.paths.len(), MAX_PATHS)?;
    if found.paths.iter().any(|path| path.len() > MAX_TEXT) {
        return Err(Error::Invalid(format!("the path of a package is longer than {MAX_TEXT} bytes")));
    }
    found.paths.sort_unstable();
    Ok(())
}
