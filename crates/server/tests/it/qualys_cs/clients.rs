//! Real clients, and the call sequences of those that cannot run here.

use std::process::Command;

use super::world::{SEEN, World, config, id, sha, url_encoded};
use crate::support::{client, peer};

/// Pages of two, so that four containers take two and a link leads from one to the other.
#[test]
fn qualysdk_lists_all_containers_and_their_vulnerabilities() {
    let Some(python) = peer("PARAPET_PYTHON", "the qualysdk client") else { return };
    let world = World::new();
    let output = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/qualys_sdk.py"))
        .args([&world.server.url, &world.server.password])
        .env("NO_PROXY", "127.0.0.1")
        .env("HOME", world.fixture.path(""))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("= ")).collect();
    assert_eq!(
        lines,
        [
            "= pages: 2",
            "= web-1: CVE-2026-0001 CVE-2026-0002 CVE-2026-0003 | 3 packages | severity5Count 1",
            "= web-2: CVE-2026-0001 CVE-2026-0002 CVE-2026-0003 | 3 packages | severity5Count 1",
            "= clean-1:  | 1 packages | severity5Count 0",
            "= lost-1:  | 0 packages | severity5Count 0",
            "= none: 0",
        ]
    );
}

/// Jenkins plugin: it asks by `sha` and a recent `lastScanned` until the image is there (204 before),
/// then for the details.
#[test]
fn the_jenkins_plugin_waits_for_204_to_become_200_and_reads_the_details() {
    let world = World::new();
    let web = sha(&config("web"));
    let query = |sha: &str, seconds: i64| {
        let filter = format!("sha:{sha} and lastScanned: [now-{seconds}s ... now]");
        world.call("GET", &format!("/images?pageNumber=0&filter={}", url_encoded(&filter)), None)
    };
    let absent = query(&"0".repeat(64), 300);
    assert_eq!((absent.status, absent.body.is_null()), (204, true));
    let long_ago = query(&web, 300);
    assert_eq!(long_ago.status, 204, "it was read before the build");
    let since = (parapet_model::Clock::now(&parapet_model::SystemClock) - SEEN) / 1000 + 60;
    let found = query(&web, since);
    assert_eq!((found.status, found.body["count"].as_u64()), (200, Some(1)));
    let details = world.get(&format!("/images/{web}"));
    assert!(details["vulnerabilities"].is_array(), "an array: processed");
    for key in
        ["softwares", "layers", "layersCount", "repo", "imageId", "uuid", "sha", "size", "architecture"]
    {
        assert!(!details[key].is_null(), "{key}");
    }
    let row = &details["vulnerabilities"][0];
    for key in ["qid", "severity", "cveids", "typeDetected", "patchAvailable", "software", "result"] {
        assert!(!row[key].is_null(), "{key}");
    }
    let bad = world.call("GET", "/images?filter=sha%3A", None);
    assert_eq!((bad.status, bad.body["message"].is_string()), (400, true), "it prints the message of a 400");
}

/// An image that only a container names is not processed yet: both scripts look at these nulls.
#[test]
fn the_jenkins_plugin_and_validate_image_see_that_an_image_is_not_ready() {
    let world = World::new();
    let lost = world.get(&format!("/containers/{}", id("lost-1")))["imageSha"].as_str().unwrap().to_owned();
    let details = world.get(&format!("/images/{lost}"));
    assert!(details["vulnerabilities"].is_null() && details["lastScanned"].is_null());
    assert!(details["scanStatus"].is_null());
}

/// `validate_image.sh`: sign in, then ask for the image by its short id until it is there and read.
#[test]
fn validate_image_polls_by_short_id() {
    let world = World::new();
    let short = &sha(&config("web"))[..12];
    assert_eq!(world.call("GET", &format!("/images/{}", "0".repeat(12)), None).status, 404);
    let details = world.get(&format!("/images/{short}"));
    assert_eq!(details["lastScanned"], SEEN.to_string());
    let severities: Vec<_> =
        details["vulnerabilities"].as_array().unwrap().iter().map(|v| &v["severity"]).collect();
    assert_eq!(severities, [5, 3, 2]);
}

/// regscale: `limit` on the page lists, and their links to the end.
#[test]
fn regscale_follows_links_on_the_page_lists() {
    let world = World::new();
    let mut names = Vec::new();
    let mut next = Some("/containers?limit=3".to_owned());
    while let Some(path) = next {
        let answer = world.call("GET", &path, None);
        let rows = answer.body["data"].as_array().unwrap().clone();
        names.extend(rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()));
        next = answer.link.map(|link| {
            assert!(link.contains("rel=next") && link.starts_with("<http://"), "{link}");
            link[1..link.find('>').unwrap()].to_owned()
        });
    }
    assert_eq!(names, ["web-1", "web-2", "clean-1", "lost-1"]);
    let paged = world.call("GET", "/containers?pageSize=3&pageNumber=1", None);
    assert!(paged.link.unwrap().contains("?pageSize=3&pageNumber=2>"));
    assert_eq!(world.call("GET", "/containers?pageSize=3&pageNumber=2", None).link, None);
}

/// qualysdk looks for `Link` in a plain dictionary, and a proxy in front may speak TLS.
#[test]
fn qualysdk_finds_link_by_its_capital_and_behind_a_proxy() {
    use std::io::{Read as _, Write as _};
    let world = World::new();
    let host = world.server.url.strip_prefix("http://").unwrap();
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    let token = client()
        .post(format!("{}/auth", world.server.url))
        .body(format!("username=admin&password={}", url_encoded(&world.server.password)))
        .header("content-type", "application/x-www-form-urlencoded")
        .send()
        .unwrap()
        .text()
        .unwrap();
    write!(
        stream,
        "GET /csapi/v1.3/containers/list?limit=1 HTTP/1.1\r\nHost: cs.example\r\nX-Forwarded-Proto: https\r\n\
         Authorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let link = text.lines().find(|line| line.starts_with("Link: ")).expect("a Link header");
    assert!(
        link.starts_with("Link: <https://cs.example/csapi/v1.3/containers/list?limit=1&paginationQuery=")
            && link.ends_with(">;rel=next"),
        "{link}"
    );
}
