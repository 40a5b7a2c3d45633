use axum::http::StatusCode;
use parapet_model::exception::TargetKind;
use parapet_model::facts::AssetRow;
use parapet_model::job::JobKind;
use parapet_model::{AssetKind, Filter, Permission as P};
use parapet_posture::{AssetFilter, Query};
use parapet_service::feeds::ImportOptions;
use parapet_store::jobs::JobFilter;
use uuid::Uuid;

use crate::assets::estate;
use crate::findings::two_findings;
use crate::links::{follow, href};
use crate::start::exception;
use crate::visit::Browser;
use crate::world::World;

/// Current assets of a kind with findings, those with most first.
fn assets(world: &World, kind: AssetKind) -> Vec<AssetRow> {
    let (snapshot, scope, now) = (world.app.live().snapshot(), world.who.scope(), world.app.now());
    let query = Query::new(&scope, &Filter::All, now);
    let numbers = snapshot.select(&scope, kind, &AssetFilter::All, now);
    let found = numbers.iter().filter_map(|no| snapshot.asset_summary(&query, parapet_model::AssetNo(no)));
    let mut found: Vec<_> = found.filter(|asset| asset.counts.findings > 0).collect();
    found.sort_by_key(|asset| std::cmp::Reverse(asset.counts.findings));
    found.into_iter().map(|asset| asset.asset.clone()).collect()
}

fn page_of(asset: &AssetRow) -> String {
    format!("/assets/{}", asset.uuid)
}

#[tokio::test]
async fn a_host_says_what_is_wrong_and_what_to_install() {
    let world = two_findings().await;
    world.advise("DSA-5-1", "CVE-2026-0005", "glass", Some("1.0-10"));
    world.import(&ImportOptions::default()).await;
    let browser = Browser::new(&world);
    let list = browser.get("/assets?kind=host").await;
    let page = follow(&browser, &list, "fixture").await;
    page.says("Debian 12").says("its end of life is on").says("assessed").says("3 unknown");
    page.says("CVE-2026-0001").says("glass 1.0-1").says("1.0-2").says("1–3 of 3");
    let explain = href(&page, "explain CVE-2026-0001 in glass 1.0-1");
    let id = href(&list, "fixture").replace("/assets/", "");
    assert_eq!(
        explain,
        format!("/findings/explain?asset={id}&vulnerability=CVE-2026-0001&package=glass%201.0-1")
    );
    // 1.0-10 is later than 1.0-2 and holds both fixes.
    let plan = follow(&browser, &page, "fix plan").await;
    plan.says("glass glass · Debian:12 1.0-1 1.0-10 2");
    follow(&browser, &plan, "glass").await.says("1–2 of 2").never_says("CVE-2026-0002");
    let narrowed = browser.get(&format!("/assets/{id}?where=not+fixable")).await;
    narrowed.says("CVE-2026-0002").says("1–1 of 1").never_says("CVE-2026-0001");
    let csv = browser.get(&format!("/assets/{id}?format=csv")).await;
    assert_eq!(csv.text.lines().count(), 4, "{}", csv.text);
}

#[tokio::test]
async fn the_history_of_a_host_is_told_by_day() {
    let world = two_findings().await;
    let browser = Browser::new(&world);
    let page = href(&browser.get("/assets?kind=host").await, "fixture");
    world.clock.advance(3 * parapet_model::time::DAY);
    world.install(&[("glass", "1.0-2"), ("stone", "2.0-1")]);
    world.scan().await;
    let history = browser.get(&format!("{page}?show=history")).await;
    history.says("First seen 2026-11-02T00:00Z").says("2026-11-05 0 1 1 2026-11-02 2 0 2");
}

#[tokio::test]
async fn an_image_says_which_layer_brought_what() {
    let world = estate().await;
    let browser = Browser::new(&world);
    let image = &assets(&world, AssetKind::Image)[0];
    let (snapshot, scope) = (world.app.live().snapshot(), world.who.scope());
    let layers = snapshot.layers_of(&scope, image.no).unwrap();
    assert!(layers.len() > 1, "an image of the estate has several layers");
    let page = browser.get(&format!("{}?show=layers", page_of(image))).await;
    for layer in &layers {
        page.says(&format!("{} {}", layer.layer, layer.packages.len()));
    }
    // Each number of findings is the length of its list, and together they are all.
    let mut sum = 0;
    for layer in &layers {
        let address = format!("{}?where=not+excepted&layer={}&format=csv", page_of(image), layer.layer);
        let rows = browser.get(&address).await.text.lines().count() - 1;
        sum += rows;
        if rows > 0 {
            page.says(&format!("{} {} {rows}", layer.layer, layer.packages.len()));
        }
    }
    let all = browser.get(&format!("{}?where=not+excepted&format=csv", page_of(image))).await;
    assert_eq!(sum, all.text.lines().count() - 1);
    assert!(sum > 0);
}

#[tokio::test]
async fn two_images_are_laid_side_by_side() {
    let world = estate().await;
    let browser = Browser::new(&world);
    let images = assets(&world, AssetKind::Image);
    let (one, other) = (&images[0], images.last().unwrap());
    let page = browser.get(&format!("{}?compare={}", page_of(one), other.uuid)).await;
    let keys = |asset: &AssetRow| {
        let (snapshot, scope, filter) = (world.app.live().snapshot(), world.who.scope(), Filter::All);
        let only = [asset.no.0].into_iter().collect();
        let query = Query { within: Some(&only), ..Query::new(&scope, &filter, world.app.now()) };
        let mut keys = std::collections::BTreeSet::new();
        let _ = snapshot.findings(&query, |row| {
            keys.insert((row.vulnerability.id.clone(), row.package.key.name.clone()));
            std::ops::ControlFlow::Continue(())
        });
        keys
    };
    let (here, there) = (keys(one), keys(other));
    page.says(&format!("Only here: {}", here.difference(&there).count()));
    page.says(&format!("Only there: {}", there.difference(&here).count()));
    page.says(&format!("On both: {}", here.intersection(&there).count()));
    browser
        .get(&format!("{}?compare={}", page_of(one), Uuid::nil()))
        .await
        .says("There is no asset with this id");
}

#[tokio::test]
async fn a_container_names_its_image_and_what_it_inherits() {
    let world = estate().await;
    let browser = Browser::new(&world);
    let container = &assets(&world, AssetKind::Container)[0];
    let (snapshot, scope) = (world.app.live().snapshot(), world.who.scope());
    let image = snapshot.asset(&scope, container.image.unwrap()).unwrap();
    let mut new = exception("For the image", "kev", 10, world.app.now());
    (new.filter, new.kind, new.assets) = (None, TargetKind::Static, vec![image.uuid]);
    world.app.exceptions().create(&world.who, &new).await.unwrap();
    world.clock.advance(1000);
    let page = browser.get(&page_of(container)).await;
    page.says("Image").says("its image").says("excepted: ").never_says("no package database");
    let own = follow(&browser, &page, "exceptions").await;
    own.says("For the image").says("inherited from its image").says("holds");
    let reader = Browser::with_rights(&world, &[P::FindingsRead]);
    let hidden = reader.get(&format!("{}?show=exceptions", page_of(container))).await;
    hidden.says("You may not see exceptions").never_says("inherited");
    let containers = browser.get(&format!("/assets/{}?show=containers", image.uuid)).await;
    assert!(containers.text.contains(&page_of(container)), "{}", containers.words());
}

#[tokio::test]
async fn an_asset_is_scanned_again_and_deleted_by_those_who_may() {
    let world = estate().await;
    let browser = Browser::new(&world);
    let image = assets(&world, AssetKind::Image).into_iter().find(|image| {
        image.references.iter().any(|row| row.held.is_open() && !row.reference.registry.is_empty())
    });
    let page = page_of(&image.unwrap());
    let reader = Browser::with_rights(&world, &[P::FindingsRead]);
    reader.get(&page).await.never_says("Scan again").never_says("Delete");
    browser.get(&page).await.says("Scan again").says("Delete this image");
    let asked = browser.post(&format!("{page}/scan"), &[]).await;
    assert_eq!(
        (asked.status, asked.location.as_str()),
        (StatusCode::SEE_OTHER, format!("{page}?done=scan").as_str())
    );
    browser.get(&asked.location).await.says("The scan was asked for");
    let filter = JobFilter { kind: Some(JobKind::ScanImage), ..JobFilter::default() };
    let jobs = world.app.jobs().list(&world.who, &filter, u32::MAX, 10).await.unwrap();
    assert_eq!(jobs.jobs.len(), 1);

    let gone = browser.post(&format!("{page}/delete"), &[]).await;
    assert_eq!((gone.status, gone.location.as_str()), (StatusCode::SEE_OTHER, page.as_str()));
    browser.get(&page).await.says("It was deleted on").never_says("Scan again");
    assert_eq!(browser.post(&format!("{page}/delete"), &[]).await.status, StatusCode::NOT_FOUND);
    browser.get(&format!("/assets/{}", Uuid::nil())).await.says("There is no asset here that you may see");
}
