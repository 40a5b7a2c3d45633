//! The parameters of the exports as filters of ours (contract 2.1, 2.2 and 3). All that are given
//! hold together.

use std::ops::RangeInclusive;

use parapet_model::AssetKind;
use parapet_model::filter::{Field, Filter, Op};

use super::super::body::Fields;
use super::super::estate::{Estate, Wanted};
use super::super::query::missing;
use super::super::{HssError, Query, words};

/// As many entries as a body of the largest size can hold.
const ANY: RangeInclusive<usize> = 0..=usize::MAX;
/// Times and sizes.
const NUMBERS: RangeInclusive<i64> = 0..=i64::MAX;

/// The filter of `POST vul/export`.
pub(super) fn of_hosts(estate: &Estate, query: &Query, body: &Fields) -> Result<Filter, HssError> {
    let mut wanted = Wanted::of(estate, AssetKind::Host);
    if let Some(word) = query.word("type", &words::TYPES)? {
        wanted.add(words::type_filter(word));
    }
    wanted.ids(query, 1)?;
    wanted.name(query, 1)?;
    if let Some(id) = query.text("host_id", 1..=256)? {
        wanted.add(Filter::test(Field::AssetId, Op::Eq, id));
    }
    let levels = query.words("repair_priority", &words::LEVELS)?;
    if !levels.is_empty() {
        wanted.add(words::levels_filter(&levels));
    }
    wanted.handling(query)?;
    let labels = query.list("label_list", 1..=128, 100)?;
    if !labels.is_empty() {
        wanted.add(words::labels_filter(&labels));
    }
    wanted.hosts(query, 1)?;
    for (name, field) in [("vul_id_list", Field::Vulnerability), ("host_id_list", Field::AssetId)] {
        let ids = body.texts(name, ANY, 1..=256)?;
        if !ids.is_empty() {
            wanted.add(Filter::any_of(field, ids));
        }
    }
    Ok(wanted.finish())
}

/// The filter of `POST image/local-vulnerability/export`. With `operate_all` the image list is
/// ignored; without it an image or vulnerability list is needed.
pub(super) fn of_images(estate: &Estate, body: &Fields) -> Result<Filter, HssError> {
    let all = body.boolean("operate_all")?.unwrap_or(false);
    let images = body.texts("image_id_list", ANY, 1..=256)?;
    let vulnerabilities = body.texts("vul_id_list", ANY, 1..=256)?;
    if !all && images.is_empty() && vulnerabilities.is_empty() {
        return Err(missing("image_id_list: it, vul_id_list or operate_all"));
    }
    let mut wanted = Wanted::of(estate, AssetKind::Image);
    if !all && !images.is_empty() {
        wanted.add(images_named(images));
    }
    if let Some(word) = body.word("vul_type", &words::IMAGE_TYPES)? {
        wanted.add(words::type_filter(word));
    }
    if let Some(word) = body.word("handle_status", &words::HANDLE_STATUS)? {
        wanted.add(words::handled(word));
    }
    if let Some(word) = body.word("scan_status", &words::IMAGE_SCAN_STATUS)? {
        wanted.add(scan_filter(word));
    }
    if let Some(name) = body.text("image_name", 1..=256)? {
        wanted.add(Filter::test(Field::Repository, Op::Contains, name));
    }
    if let Some(tag) = body.text("image_version", 1..=256)? {
        wanted.add(Filter::test(Field::Tag, Op::Eq, tag));
    }
    for (name, field, op) in [
        ("image_size", Field::Size, Op::Eq),
        ("start_latest_update_time", Field::Created, Op::Ge),
        ("end_latest_update_time", Field::Created, Op::Le),
        ("start_latest_scan_time", Field::Scanned, Op::Ge),
        ("end_latest_scan_time", Field::Scanned, Op::Le),
    ] {
        if let Some(number) = body.integer(name, NUMBERS)? {
            wanted.add(Filter::test(field, op, number));
        }
    }
    if let Some(has) = body.boolean("has_container")? {
        wanted.add(with_containers(estate, has));
    }
    if !vulnerabilities.is_empty() {
        wanted.add(Filter::any_of(Field::Vulnerability, vulnerabilities));
    }
    Ok(wanted.finish())
}

/// Images by their id or by any of their digests.
pub(in crate::http::hss) fn images_named(ids: Vec<String>) -> Filter {
    Filter::Or(vec![Filter::any_of(Field::AssetId, ids.iter().cloned()), Filter::any_of(Field::Digest, ids)])
}

/// The images in a state of scanning. What is being scanned is known when it was.
pub(in crate::http::hss) fn scan_filter(word: &str) -> Filter {
    match word {
        "success" => Filter::test(Field::Scan, Op::Eq, "scanned"),
        "failed" => Filter::test(Field::Scan, Op::Eq, "failed"),
        "unscan" => Filter::test(Field::Scan, Op::Eq, "not_scanned"),
        _ => Filter::Nothing,
    }
}

/// The images that a live container runs, or those that none runs.
fn with_containers(estate: &Estate, has: bool) -> Filter {
    let running = |image: &parapet_model::facts::AssetRow| {
        !estate.snapshot.containers_of(&estate.scope, image.no).is_empty()
    };
    estate.where_asset(AssetKind::Image, |image| running(image) == has)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::http::testing::TestServer;

    async fn estate() -> (TestServer, Estate) {
        let server = TestServer::new().await;
        let estate = Estate {
            snapshot: server.app.live().snapshot(),
            scope: server.local.scope(),
            now: server.app.now(),
            verifying: Arc::default(),
        };
        (server, estate)
    }

    #[tokio::test]
    async fn the_reference_example_becomes_one_filter() {
        let (_server, estate) = estate().await;
        let query = Query::parse(
            "handle_status=unhandled&repair_priority=Critical,High,Medium,Low&offset=0&category=vul&type=linux_vul\
             &export_size=200000&enterprise_project_id=xxx",
        )
        .unwrap();
        let text = of_hosts(&estate, &query, &Fields::default()).unwrap().to_string();
        assert!(text.starts_with("kind = \"host\" and (ecosystem ^= \"Debian\" or "), "{text}");
        assert!(
            text.ends_with(
                "and severity in (critical, high, medium, low, none, unknown) and excepted = false"
            ),
            "{text}"
        );
    }

    #[tokio::test]
    async fn an_image_export_of_nothing_in_particular_is_refused() {
        let (_server, estate) = estate().await;
        let images = |body: &str| of_images(&estate, &Fields::read(body.as_bytes())?);
        assert!(images("").is_err());
        assert!(images("{\"operate_all\": false, \"image_id_list\": []}").is_err());
        assert_eq!(images("{\"operate_all\": true}").unwrap().to_string(), "kind = \"image\"");
    }
}
