//! What is known of the asset, above every part.

use parapet_model::filter::{Field, Op};
use parapet_model::{AssetKind, Filter, Permission, Severity};
use parapet_posture::Counts;
use parapet_service::{end_of_life, gaps_of, kernels_left_out};

use super::Desk;
use super::view::{AssetPage, Fact, Part};
use crate::assets::{Bands, page_of, text, this};
use crate::dates::{day, minute};
use crate::layout::Layout;
use crate::link::Link;
use crate::parts::Choice;
use crate::parts::bytes;
use crate::question::asked;

/// Digests and names that are listed.
const MOST: usize = 20;

pub(super) fn page(desk: &Desk<'_>, layout: Layout, tabs: Vec<Choice>, part: Part) -> AssetPage {
    let (asset, snapshot) = (desk.asset, &desk.view.snapshot);
    let standing = Filter::test(Field::Excepted, Op::Eq, false);
    let shown = snapshot.asset_summary(&desk.query(&Filter::All), asset.no);
    let (coverage, all) = shown.map_or_else(Default::default, |shown| (shown.coverage, shown.counts));
    let open = snapshot.count(&desk.query(&standing));
    let current = snapshot.is_current(asset.no);
    let gone = match () {
        () if !asset.held.is_open() => format!("It was deleted on {}.", minute(asset.held.to)),
        () if !current => "No tag and no container points to it any more, so it counts no longer.".to_owned(),
        () => String::new(),
    };
    let may = desk.visitor.may(Permission::AssetsWrite) && asset.held.is_open();
    let act = |what: &str| format!("{}/{what}", desk.link());
    AssetPage {
        name: text(&asset.name, &asset.identity),
        kind: asset.kind.as_str(),
        gone,
        scan_error: asset.scan_error.clone(),
        coverage: coverage.as_str(),
        gaps: gaps_of(desk.view, desk.scope, asset.no)
            .into_iter()
            .map(|gap| format!("{}: {} ({})", gap.what, gap.why, gap.coverage))
            .collect(),
        bands: bands(desk, &open),
        fixable: open.fixable,
        excepted: all.excepted,
        kernels: kernels_left_out(desk.view, desk.scope, &this(asset)),
        facts: facts(desk),
        tabs,
        part,
        scan: (may && can_be_read(desk)).then(|| act("scan")),
        delete: may.then(|| act("delete")),
        layout,
    }
}

/// Vulnerabilities that no exception hides, each band with its findings on this page.
fn bands(desk: &Desk<'_>, open: &Counts) -> Bands {
    let counted = Severity::WORST_FIRST.map(|band| (band, open.severity(band).vulnerabilities));
    let link = |band| {
        let standing = Filter::test(Field::Excepted, Op::Eq, true).negate();
        asked(&desk.link(), &Filter::test(Field::Severity, Op::Eq, band).and(standing))
    };
    counted
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(band, count)| (band, count, link(band)))
        .collect()
}

/// Whether the server or a sensor can read it again: hosts, and images that are in a registry.
fn can_be_read(desk: &Desk<'_>) -> bool {
    let image = match desk.asset.kind {
        AssetKind::Host => return true,
        AssetKind::Container => desk
            .asset
            .image
            .and_then(|image| desk.view.snapshot.asset(desk.scope, image))
            .unwrap_or(desk.asset),
        AssetKind::Image => desk.asset,
    };
    image.references.iter().any(|row| row.held.is_open() && !row.reference.registry.is_empty())
}

fn facts(desk: &Desk<'_>) -> Vec<Fact> {
    let asset = desk.asset;
    let plain = |name, text: String| Fact { name, values: vec![(text, None)] };
    let mut facts = Vec::new();
    match asset.kind {
        AssetKind::Image => image(desk, &mut facts),
        AssetKind::Container => container(desk, &mut facts),
        AssetKind::Host => {
            let host = &asset.host_facts;
            facts.push(plain("Machine id", asset.identity.clone()));
            facts.push(plain("Addresses", host.addresses.join(", ")));
            facts.push(plain("Running kernel", host.kernel.clone()));
            facts.push(plain("Group", host.group.clone()));
            facts.push(plain("Asset value", host.asset_value.clone()));
            let here = Filter::test(Field::Host, Op::Eq, asset.name.clone());
            let containers = asked(&Link::to("/assets"), &here).with("kind", "container");
            facts.push(Fact {
                name: "Containers",
                values: vec![("on this host".to_owned(), Some(containers))],
            });
        }
    }
    let ends = end_of_life(&asset.ecosystem).map(|at| match at <= desk.view.now {
        true => format!("past its end of life since {}", day(at)),
        false => format!("its end of life is on {}", day(at)),
    });
    let distro = [Some(asset.distro.clone()).filter(|name| !name.is_empty()), ends];
    facts.push(plain("Distribution", distro.into_iter().flatten().collect::<Vec<_>>().join(", ")));
    facts.push(plain("First seen", minute(asset.first_seen)));
    facts.push(plain("Last seen", minute(asset.observed)));
    // A container is not read: its image is.
    if asset.kind != AssetKind::Container {
        let (word, read) = (asset.scan.as_str().replace('_', " "), minute(asset.scanned));
        facts.push(plain("Last scan", format!("{word} {read}").trim().to_owned()));
    }
    facts.retain(|fact| fact.values.iter().any(|(text, _)| !text.is_empty()));
    facts
}

fn image(desk: &Desk<'_>, facts: &mut Vec<Fact>) {
    let asset = desk.asset;
    let of = &asset.image_facts;
    let current = asset.references.iter().filter(|row| row.held.is_open()).take(MOST);
    let names = current.map(|row| {
        let filter = Filter::test(Field::Repository, Op::Eq, row.reference.repository.clone());
        (row.reference.to_string(), Some(asked(&Link::to("/assets"), &filter).with("by", "tag")))
    });
    let manifests = of.manifest_digests.iter().take(MOST).map(|digest| (digest.to_string(), None));
    facts.push(Fact { name: "Names", values: names.collect() });
    facts.push(Fact { name: "Config digest", values: vec![(asset.identity.clone(), None)] });
    facts.push(Fact { name: "Manifest digests", values: manifests.collect() });
    let size = if of.size == 0 { String::new() } else { bytes(of.size) };
    for (name, text) in [("Platform", of.platform.clone()), ("Size", size), ("Built", minute(of.created))] {
        facts.push(Fact { name, values: vec![(text, None)] });
    }
}

fn container(desk: &Desk<'_>, facts: &mut Vec<Fact>) {
    let (asset, snapshot) = (desk.asset, &desk.view.snapshot);
    let of = &asset.container_facts;
    let image = asset.image.and_then(|image| snapshot.asset(desk.scope, image));
    let image = match image {
        Some(image) => (text(&image.name, &image.identity), Some(page_of(image))),
        None => (of.image_name.clone(), None),
    };
    let host = of.host_id.and_then(|id| snapshot.asset_by_uuid(desk.scope, id));
    facts.push(Fact { name: "Image", values: vec![image] });
    facts.push(Fact { name: "Host", values: vec![(of.host.clone(), host.map(page_of))] });
    let since = minute(of.state_since);
    let state = asset.container_state().as_str().to_ascii_lowercase();
    let state = if since.is_empty() { state } else { format!("{state} since {since}") };
    for (name, text) in [("State", state), ("Id", asset.identity.clone()), ("Made", minute(of.created))] {
        facts.push(Fact { name, values: vec![(text, None)] });
    }
}
