//! Every kind of answer is valid against the document type it names, as `xmllint` sees it; and the types
//! are served where the answers say.

use std::io::Write as _;
use std::process::{Command, Stdio};

use axum::body::Body;
use axum::http::{Method, Request};

use super::world::World;
use crate::http::qualys_pc::dtd;

/// Checks a document with the document type in a file, so that nothing is fetched.
fn check(document: &str, types: &std::path::Path) {
    let at = document.find("SYSTEM \"").unwrap() + "SYSTEM \"".len();
    let system = &document[at..at + document[at..].find('"').unwrap()];
    let file = types.join(system.rsplit('/').next().unwrap());
    assert!(file.exists(), "{system} is served");
    let local = document.replacen(system, file.to_str().unwrap(), 1);
    let mut xmllint = Command::new("xmllint")
        .args(["--noout", "--nonet", "--valid", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    xmllint.stdin.take().unwrap().write_all(local.as_bytes()).unwrap();
    let output = xmllint.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}\n{document}");
}

#[tokio::test]
async fn every_answer_is_valid_and_its_type_is_served_without_credentials() {
    let world = World::new().await;
    let types = tempfile::tempdir().unwrap();
    for kind in dtd::ALL {
        for path in [kind.path.to_owned(), kind.path.replace("/2.0/", "/3.0/")] {
            let request = Request::get(&path).body(Body::empty()).unwrap();
            let answer = world.server.send(request).await;
            assert_eq!(answer.status, 200, "{path}");
            assert_eq!(answer.headers["content-type"], "application/xml-dtd");
            assert!(answer.text().contains(&format!("<!ELEMENT {} ", kind.root)));
            std::fs::write(types.path().join(path.rsplit('/').next().unwrap()), answer.text()).unwrap();
        }
    }
    if std::env::var_os("PARAPET_XMLLINT").is_none() {
        assert!(std::env::var_os("PARAPET_REQUIRE_PEERS").is_none(), "xmllint is required");
        println!("left out: valid answers, set PARAPET_XMLLINT=1");
        return;
    }
    let (app, local) = (&world.server.app, &world.server.local);
    let host = app.live().snapshot().asset(&local.scope(), world.host).unwrap().uuid;
    let tag = app.hosts().create_group(local, "web & more", &[host]).await.unwrap().no;
    let tagged = world.request(0).replace(&format!("&host_id={}", world.host), "");
    let tagged = format!("{tagged}&tag_set_include={tag}&reopen_on_evidence_change=1&echo_request=1");
    let asked = world.send("analyst", Method::POST, "/api/3.0/fo/compliance/exception/", &tagged).await;
    check(asked.text(), types.path());
    world.ask("analyst", 2, "").await;
    let posture = format!("/api/2.0/fo/compliance/posture/info/?action=list&policy_id={}", world.policy);
    let exceptions = "/api/2.0/fo/compliance/exception/?action=";
    let (get, post) = (Method::GET, Method::POST);
    let mut calls = vec![
        (
            &post,
            format!("{exceptions}update&exception_numbers=1-9&comments=c&status=Approved&echo_request=1"),
        ),
        (&post, format!("{exceptions}update&exception_numbers=8-9&comments=c&echo_request=1")),
        (&get, format!("{exceptions}list&echo_request=1&truncation_limit=1")),
        (&get, format!("{exceptions}list&details=All")),
        (&get, format!("{exceptions}list&details=None")),
        (&get, format!("{exceptions}list&status=rejected")),
        (&get, format!("{exceptions}approve")),
        (&get, "/msp/user_list.php".to_owned()),
        (&get, "/api/2.0/fo/nothing".to_owned()),
        (&post, "/api/2.0/fo/session/?action=logout".to_owned()),
        (&post, format!("{exceptions}delete&exception_numbers=2&echo_request=1")),
    ];
    for list in
        ["/api/2.0/fo/compliance/control/", "/api/2.0/fo/compliance/policy/", "/api/2.0/fo/asset/host/"]
    {
        for more in
            ["", "&details=All", "&details=None", "&id_min=900000", "&truncation_limit=1&echo_request=1"]
        {
            calls.push((&get, format!("{list}?action=list{more}")));
        }
    }
    for more in [
        "",
        "&details=None",
        "&details=Light",
        "&details=All&cause_of_failure=1&show_extended_evidence=1",
        "&truncation_limit=1&echo_request=1&cause_of_failure=1",
        "&host_ids=999",
        "&details=All&include_dp_name=1",
    ] {
        calls.push((&get, format!("{posture}{more}")));
    }
    calls.push((
        &get,
        format!("/api/2.0/fo/asset/host/?action=list&show_tags=1&use_tags=1&tag_set_include={tag}"),
    ));
    calls.push((&get, posture.replace("policy_id", "policy_ids")));
    calls.push((&get, format!("{}&details=None", posture.replace("policy_id", "policy_ids"))));
    for (method, target) in calls {
        let answer = world.send("manager", method.clone(), &target, "").await;
        check(answer.text(), types.path());
    }
}
