//! Enterprise projects from the command line, seen by a user of one of them.

use serde_json::{Value, json};

use crate::support::{Fixture, Server, client, json};

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn the_command_line_divides_assets_and_grants_parts() {
    let fixture = Fixture::new();
    fixture.fill();
    fixture.rename("second");
    fixture.fill();
    let password = fixture.path("alice");
    std::fs::write(&password, "a password for alice\n").unwrap();
    let password = password.to_str().unwrap();
    fixture.run(&["user", "add", "alice", "--role", "reader", "--password-file", password]);
    assert_eq!(fixture.run(&["enterprise-project", "add", "Finance", "--id", "finance"]), "finance\n");
    let moved = ["enterprise-project", "assign", "finance", "--where", "asset = second", "--format", "json"];
    assert_eq!(parsed(&fixture.run(&moved)), json!({"moved": 1}));
    assert_eq!(parsed(&fixture.run(&moved)), json!({"moved": 0}), "it is there already");
    let listed = fixture.run(&["enterprise-project", "list", "--format", "json"]);
    assert_eq!(
        parsed(&listed),
        json!([{"id": "0", "name": "default"}, {"id": "finance", "name": "Finance"}])
    );
    fixture.run(&["enterprise-project", "rename", "finance", "Money"]);
    fixture.run(&["enterprise-project", "grant", "alice", "finance"]);

    let server = Server::start(&fixture);
    let names = |user: &str, password: &str| -> Vec<String> {
        let asked = client().get(format!("{}/api/v1/assets", server.url)).basic_auth(user, Some(password));
        let page = json(asked.send().unwrap());
        let assets = page["assets"].as_array().unwrap().iter();
        assets.map(|asset| asset["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("alice", "a password for alice"), ["second"]);
    assert_eq!(names("admin", &server.password), ["fixture", "second"]);
    // While the server runs, the other way round; it follows.
    fixture.run(&["enterprise-project", "grant", "alice", "--all"]);
    assert_eq!(names("alice", "a password for alice"), ["fixture", "second"]);
}
