//! `parapet gate`: the exit code is the answer, alone, in a store and asked of a server.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Fixture, Server, parapet, yesterday};

/// The codes of the command.
const PASSED: i32 = 0;
const BROKEN: i32 = 1;
const NOT_SCANNED: i32 = 2;
const NOT_ASSESSED: i32 = 3;

/// The fixture's records are as old as they are; that they are is another test's matter.
const ACCEPT: [&str; 2] = ["--accept", "stale-feed"];

struct Ended {
    code: i32,
    out: String,
    errors: String,
}

fn end(command: &mut Command) -> Ended {
    let output = command.output().unwrap();
    Ended {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        errors: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Alone, with the fixture's feed.
fn alone(fixture: &Fixture, more: &[&str]) -> Ended {
    let mut command = parapet();
    command.args(["gate", &fixture.target(), "--feed"]).arg(fixture.feed()).args(ACCEPT).args(more);
    end(&mut command)
}

/// In the fixture's store.
fn in_store(fixture: &Fixture, more: &[&str]) -> Ended {
    let mut command = parapet();
    command.args(["gate", &fixture.target(), "--data-dir"]).arg(fixture.data()).args(ACCEPT).args(more);
    end(&mut command)
}

fn rated(id: &str, package: &str, severity: &str) -> String {
    let modified = yesterday();
    format!(
        "{{\"id\": \"{id}\", \"modified\": \"{modified}\", \"affected\": [{{\"package\": \
         {{\"ecosystem\": \"Debian:12\", \"name\": \"{package}\"}}, \"ecosystem_specific\": {{\"urgency\": \"{severity}\"}}, \
         \"ranges\": [{{\"type\": \"ECOSYSTEM\", \"events\": [{{\"introduced\": \"0\"}}]}}]}}]}}"
    )
}

#[test]
fn what_nobody_rated_breaks_the_policy_unless_it_is_let_pass() {
    let fixture = Fixture::new();
    let broken = alone(&fixture, &[]);
    assert_eq!(broken.code, BROKEN, "{}{}", broken.out, broken.errors);
    assert!(broken.out.contains("CVE-2026-0001") && broken.out.contains("policy broken"), "{}", broken.out);
    assert_eq!(alone(&fixture, &["--pass-unknown"]).code, PASSED);
}

#[test]
fn severity_and_filter_say_what_breaks_it() {
    let fixture = Fixture::new();
    fixture.record("DEBIAN-CVE-2026-0003", &rated("DEBIAN-CVE-2026-0003", "wood", "medium"));
    let medium = ["--pass-unknown", "--fail-on", "medium"];
    assert_eq!(alone(&fixture, &["--pass-unknown"]).code, PASSED);
    assert_eq!(alone(&fixture, &medium).code, BROKEN);
    assert_eq!(
        alone(&fixture, &["--pass-unknown", "--fail-on", "medium", "--where", "fixable"]).code,
        PASSED
    );
    let wrong = alone(&fixture, &["--where", "nonsense = 1"]);
    assert_eq!((wrong.code, wrong.out.as_str()), (NOT_SCANNED, ""), "{}", wrong.errors);
}

#[test]
fn what_was_not_assessed_is_no_pass() {
    let fixture = Fixture::new();
    fixture.withdraw("DSA-1-1");
    fixture.withdraw("DEBIAN-CVE-2026-0002");
    fixture.record("DEBIAN-CVE-2026-0003", &rated("DEBIAN-CVE-2026-0003", "absent", "low"));
    assert_eq!(alone(&fixture, &[]).code, PASSED);
    // Without any feed nothing is known, which is no pass, and is accepted only by name.
    let bare = |more: &[&str]| end(parapet().args(["gate", &fixture.target()]).args(more));
    let unknown = bare(&[]);
    assert_eq!(unknown.code, NOT_ASSESSED, "{}", unknown.out);
    assert!(unknown.out.contains("no-feed") && unknown.out.contains("not fully assessed"), "{}", unknown.out);
    assert_eq!(bare(&["--accept", "no-feed"]).code, PASSED);
    assert_eq!(bare(&["--accept", "fixes-only,stale-feed"]).code, NOT_ASSESSED);
}

#[test]
fn what_cannot_be_scanned_has_its_own_code() {
    let fixture = Fixture::new();
    for target in ["rootfs:/no/such/folder", "archive:/no/such/file", "oci:/no/such/layout", ""] {
        let ended = end(parapet().args(["gate", target]));
        assert_eq!(ended.code, NOT_SCANNED, "{target}: {}", ended.errors);
        assert!(!ended.errors.is_empty() && ended.out.is_empty(), "{target}");
    }
    let missing = end(parapet().args(["gate", &fixture.target(), "--feed", "/no/such/feed"]));
    assert_eq!(missing.code, NOT_SCANNED);
    let both = end(parapet().args(["gate", &fixture.target(), "--feed", "x", "--data-dir", "y"]));
    assert_eq!(both.code, NOT_SCANNED, "called wrongly");
}

#[test]
fn machines_read_the_verdict() {
    let fixture = Fixture::new();
    let ended = alone(&fixture, &["--format", "json"]);
    let verdict: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(
        (verdict["outcome"].as_str(), verdict["exit_code"].as_i64()),
        (Some("policy_broken"), Some(1))
    );
    let target = &verdict["targets"][0];
    assert_eq!((target["findings"].as_u64(), target["vulnerabilities"].as_u64()), (Some(2), Some(2)));
    assert_eq!(target["first"][0]["vulnerability"], "CVE-2026-0001", "the one that can be fixed comes first");
    assert!(target["first"][0]["risk_reasons"].as_array().unwrap().contains(&json!("fix-available")));

    let ended = alone(&fixture, &["--format", "sarif", "--where", "fixable"]);
    let log: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(ended.code, BROKEN);
    assert_eq!(log["runs"][0]["results"].as_array().unwrap().len(), 1);
}

#[test]
fn exceptions_of_a_store_and_of_a_server_count() {
    let fixture = Fixture::new();
    fixture.fill();
    assert_eq!(in_store(&fixture, &[]).code, BROKEN);
    let server = Server::start(&fixture);
    let except = |cve: &str| {
        server.post(
            "/api/v1/exceptions",
            &json!({"title": cve, "reason": "risk_accepted", "vulnerabilities": [cve], "where": "kind = host"}),
        )
    };
    except("CVE-2026-0001");
    let one = in_store(&fixture, &["--format", "json"]);
    let verdict: Value = serde_json::from_str(&one.out).unwrap();
    assert_eq!((one.code, verdict["targets"][0]["findings"].as_u64()), (BROKEN, Some(1)));

    let remote = |more: &[&str]| {
        let mut command = parapet();
        command.args(["gate", &fixture.target(), "--server", &server.url, "--server-user", "admin"]);
        command.arg("--server-password-file").arg(fixture.path("password")).args(ACCEPT).args(more);
        end(&mut command)
    };
    let asked = remote(&["--format", "json"]);
    assert_eq!(asked.code, BROKEN, "{}{}", asked.out, asked.errors);
    let verdict: Value = serde_json::from_str(&asked.out).unwrap();
    let target = &verdict["targets"][0];
    assert_eq!((target["findings"].as_u64(), target["excepted"].as_u64()), (Some(1), Some(1)));
    assert_eq!(target["first"][0]["vulnerability"], "CVE-2026-0002");

    except("CVE-2026-0002");
    assert_eq!(in_store(&fixture, &[]).code, PASSED);
    assert_eq!(remote(&[]).code, PASSED);
    assert_eq!(alone(&fixture, &[]).code, BROKEN, "alone there are none");
    assert_eq!(remote(&["--format", "sarif"]).code, NOT_SCANNED);

    // Another host, which the server does not know.
    fixture.rename("stranger");
    let unknown = remote(&[]);
    assert_eq!(unknown.code, NOT_SCANNED);
    assert!(unknown.errors.contains("the server knows no asset"), "{}", unknown.errors);
}

#[test]
fn a_token_signs_in_and_a_wrong_one_is_no_verdict() {
    let fixture = Fixture::new();
    fixture.fill();
    let server = Server::start(&fixture);
    let password = fixture.path("password");
    let token = fixture.run(&[
        "token",
        "issue",
        "admin",
        "--format",
        "json",
        "--password-file",
        password.to_str().unwrap(),
    ]);
    let token: Value = serde_json::from_str(&token).unwrap();
    let file = fixture.path("token");
    let ask = |token: &str| {
        std::fs::write(&file, token).unwrap();
        let mut command = parapet();
        command
            .args(["gate", &fixture.target(), "--server", &server.url, "--token-file"])
            .arg(&file)
            .args(ACCEPT);
        end(&mut command)
    };
    assert_eq!(ask(token["token"].as_str().unwrap()).code, BROKEN);
    let refused = ask("nonsense");
    assert_eq!(refused.code, NOT_SCANNED, "{}", refused.out);
}

#[test]
fn a_vex_document_closes_and_opens_as_the_vendor_says() {
    let fixture = Fixture::new();
    let vex = r#"{"document": {"category": "csaf_vex", "csaf_version": "2.0", "title": "t",
        "publisher": {"name": "Debian Test"},
        "tracking": {"id": "CVE-2026-0009", "current_release_date": "YESTERDAY"}},
        "product_tree": {"branches": [
            {"category": "product_name", "name": "Debian 12", "product": {"name": "Debian 12", "product_id": "d12",
                "product_identification_helper": {"cpe": "cpe:/o:debian:debian_linux:12"}}},
            {"category": "product_version", "name": "wood", "product": {"name": "wood", "product_id": "wood",
                "product_identification_helper": {"purl": "pkg:deb/debian/wood?arch=source"}}}],
            "relationships": [{"category": "default_component_of", "product_reference": "wood",
                "relates_to_product_reference": "d12", "full_product_name": {"name": "x", "product_id": "d12:wood"}}]},
        "vulnerabilities": [{"cve": "CVE-2026-0009", "product_status": {"known_affected": ["d12:wood"]},
            "remediations": [{"category": "no_fix_planned", "details": "Will not fix", "product_ids": ["d12:wood"]}],
            "threats": [{"category": "impact", "details": "Important"}]}]}"#;
    let vex = vex.replace("YESTERDAY", &yesterday());
    let folder = fixture.path("vex");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("cve-2026-0009.json"), vex).unwrap();
    let mut command = parapet();
    command.args(["gate", &fixture.target(), "--format", "json", "--feed"]).arg(&folder).args(ACCEPT);
    let ended = end(&mut command);
    let verdict: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(ended.code, BROKEN, "{}", ended.errors);
    let first = &verdict["targets"][0]["first"][0];
    assert_eq!(
        (first["vulnerability"].as_str(), first["severity"].as_str()),
        (Some("CVE-2026-0009"), Some("high"))
    );
    assert_eq!(first["state"], "wont_fix");
}
