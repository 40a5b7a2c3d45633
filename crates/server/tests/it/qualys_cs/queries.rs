//! What queries select, in which order, page by page.

use serde_json::Value;

use super::world::{SEEN, World, config, container, id, image, manifest, sha, url_encoded};

#[test]
fn a_query_is_about_the_asset_not_about_one_row() {
    let world = World::new();
    let (web, clean) = ("team/web", "team/clean");
    let web_id = &sha(&config("web"))[..12];
    let digest = sha(&manifest("web"));
    let in_use = format!("imagesInUse:[{} ... {}]", SEEN - 1, SEEN + 86_400_000);
    for (filter, expected) in [
        ("vulnerabilities.severity:5", vec![web]),
        ("NOT vulnerabilities.severity:5 AND repo.registry:registry.example", vec![clean]),
        ("vulnerabilities.severity:3", vec![web]),
        ("vulnerabilities.severity:4", vec![]),
        // One finding must be both: glass is critical and fixable, stone neither.
        ("vulnerabilities.severity:5 AND vulnerabilities.patchAvailable:true", vec![web]),
        ("vulnerabilities.severity:5 AND vulnerabilities.patchAvailable:false", vec![]),
        ("vulnerabilities.severity:[4 .. 5] and vulnerabilities.software.name:stone", vec![]),
        // With NOT between, they are two questions.
        ("vulnerabilities.severity:5 AND NOT vulnerabilities.patchAvailable:false", vec![]),
        ("vulnerabilities.cveids:CVE-2026-0002", vec![web]),
        ("vulnerabilities.typeDetected:POTENTIAL", vec![]),
        ("vulnerabilities.severity5Count > 0", vec![web]),
        // Packages are found without findings, too.
        ("softwares.name:wood", vec![clean, web]),
        ("softwares.name:wood AND softwares.version:`2.0-1`", vec![]),
        ("softwares.name:wood AND vulnerabilities.severity:5", vec![web]),
        ("NOT softwares.name:glass AND repo.tag:*", vec![clean]),
        (in_use.as_str(), vec!["", clean, web]),
        ("imagesInUse:'[now-7d ... now]' AND repo.tag:v1", vec![]),
        ("image.repo.repository:`team/web` OR (image.repo.tag:latest)", vec![clean, web]),
        ("label.value:clean", vec![clean]),
        ("architecture:amd64 AND size > 1500", vec![web]),
        ("associatedContainersCount >= 2", vec![web]),
        ("source:REGISTRY", vec![clean, web]),
        ("scanStatus:SUCCESS", vec![clean, web]),
        ("NOT scanStatus:*", vec![""]),
        ("riskScore:*", vec![]),
    ] {
        let found = world.selected("images", filter, |row| &row["repo"][0]["repository"]);
        assert_eq!(found, expected, "{filter}");
    }
    for filter in [
        format!("imageId:{web_id}"),
        format!("sha:{}", sha(&config("web"))),
        format!("repoDigests.digest:{digest}"),
    ] {
        assert_eq!(world.selected("images", &filter, |row| &row["repo"][0]["repository"]), [web], "{filter}");
    }
}

#[test]
fn containers_are_found_by_their_own_words_and_by_their_image() {
    let world = World::new();
    let both = vec!["web-1", "web-2"];
    let web = sha(&config("web"));
    for (filter, expected) in [
        (format!("sha:{}", id("web-1")), vec!["web-1"]),
        (format!("containerId:{}", &id("web-2")[..12]), vec!["web-2"]),
        (format!("imageSha:{web}"), both.clone()),
        (format!("image.imageId:{}", &web[..12]), both.clone()),
        (format!("container.image.repoDigest.digest:{}", sha(&manifest("web"))), both.clone()),
        ("image.repo.repository:web".to_owned(), both.clone()),
        ("repo.tag:latest".to_owned(), vec!["clean-1"]),
        ("vulnerabilities.severity:5".to_owned(), both.clone()),
        ("NOT vulnerabilities.severity:5".to_owned(), vec!["clean-1", "lost-1"]),
        ("softwares.name:wood".to_owned(), vec!["clean-1", "web-1", "web-2"]),
        ("image.label.value:web".to_owned(), both.clone()),
        ("state:RUNNING AND host.hostname:host-of-web".to_owned(), both.clone()),
        ("container.state:`STOPPED`".to_owned(), vec![]),
        ("cluster.k8s.pod.namespace:*".to_owned(), vec![]),
        ("isDrift:true".to_owned(), vec![]),
    ] {
        assert_eq!(world.selected("containers", &filter, |row| &row["name"]), expected, "{filter}");
    }
}

#[test]
fn what_cannot_be_understood_is_named() {
    let world = World::new();
    let web = sha(&config("web"));
    for (path, words) in [
        (format!("/images?filter={}", url_encoded("colour:red")), "unknown token \"colour\" at character 1"),
        (format!("/images?filter={}", url_encoded("sha:a AND (")), "at character 12"),
        (format!("/images?filter={}", url_encoded("vulnerabilities.severity:9")), "takes 1 to 5"),
        (format!("/images?filter={}", url_encoded("associatedContainersCount:many")), "takes a number"),
        (format!("/images?filter={}", url_encoded("imagesInUse:today")), "takes a range of instants"),
        ("/images?sort=colour:asc".to_owned(), "cannot sort by \"colour\""),
        ("/images?sort=created:up".to_owned(), "token:asc or token:desc"),
        ("/images/list?limit=251".to_owned(), "limit must be 1 to 250"),
        ("/images/list?limit=0".to_owned(), "limit must be 1 to 250"),
        ("/containers/list?paginationQuery=null".to_owned(), "paginationQuery"),
        (format!("/images/{web}/vuln?type=SOME"), "SUMMARY, DETAILS or ALL"),
        (format!("/images/{web}/vuln?applyException=maybe"), "true or false"),
        (format!("/images/{web}/vuln?sort=colour"), "cannot sort vulnerabilities"),
        (format!("/images/{web}/vuln?filter=colour%3A1"), "unknown token \"colour\""),
        (format!("/images/{web}/software?sort=colour"), "cannot sort software"),
    ] {
        let answer = world.call("GET", &path, None);
        let message = answer.body["message"].as_str().unwrap_or_default();
        assert_eq!(answer.status, 400, "{path}");
        assert!(message.contains(words), "{path}: {message}");
    }
    for path in ["/images/0123", "/images/zzzzzzzzzzzz", "/containers/0123456789ab/vuln"] {
        assert_eq!(world.call("GET", path, None).status, 404, "{path}");
    }
}

#[test]
fn lists_are_sorted_by_what_is_said() {
    let world = World::new();
    let order = |sort: &str| -> Vec<String> {
        let body = world.get(&format!("/images?filter=repo.tag%3A%2A&sort={sort}"));
        let rows = body["data"].as_array().unwrap().iter();
        rows.map(|row| row["repo"][0]["tag"].as_str().unwrap().to_owned()).collect()
    };
    for (sort, expected) in [
        ("created:desc", ["v1", "latest"]),
        ("created:asc", ["latest", "v1"]),
        ("size", ["latest", "v1"]),
        ("vulnerabilities.severity5:desc", ["v1", "latest"]),
        ("vulnerabilities.severity5Count:asc", ["latest", "v1"]),
        ("repo.tag:desc", ["v1", "latest"]),
    ] {
        assert_eq!(order(sort), expected, "{sort}");
    }
    let qids = |sort: &str| -> Vec<Value> {
        let body = world.get(&format!("/images/{}/vuln{sort}", sha(&config("web"))));
        body["details"].as_array().unwrap().iter().map(|row| row["qid"].clone()).collect()
    };
    let mut descending = qids("?sort=vulnerabilities.qid:desc");
    descending.reverse();
    assert_eq!(qids(""), descending);
}

/// The address of a link, taken apart as regscale does it.
fn address(link: &str) -> &str {
    assert!(link.ends_with(";rel=next"), "{link}");
    assert_eq!(link.split(',').count(), 1, "{link}");
    link.split(';').next().unwrap().trim_start_matches('<').trim_end_matches('>')
}

#[test]
fn bulk_pages_keep_their_order_while_the_data_changes() {
    let mut world = World::new();
    let name = |body: &Value| body["data"][0]["name"].as_str().unwrap_or_default().to_owned();
    let first = world.call("GET", "/containers/list?limit=1&filter=NOT%20name%3A%22lost%201%22", None);
    let link = first.link.unwrap();
    assert!(link.contains("/csapi/v1.3/containers/list?limit=1&filter="), "{link}");
    let mut seen = vec![name(&first.body)];
    // The one just read goes, another image and its container come.
    world = world.change(async |tx, who| {
        image(tx, who, "late", "v9", &[("wood", "3.0-1")]).await;
        container(tx, who, "late-1", "late").await;
    });
    world.call("DELETE", &format!("/containers?containerIds={}", id(&seen[0])), None);
    let port = world.server.url.clone();
    let mut next = Some(address(&link).to_owned());
    while let Some(url) = next {
        let path = url.split_once("/csapi").unwrap().1;
        let answer = world.call("GET", &format!("{port}/csapi{path}"), None);
        seen.push(name(&answer.body));
        next = answer.link.as_deref().map(|link| address(link).to_owned());
    }
    assert_eq!(seen, ["web-1", "web-2", "clean-1", "lost-1", "late-1"]);
}
