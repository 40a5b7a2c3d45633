//! Real clients: curl with the commands of the page, and what Python people use. They talk to the server
//! over a socket, plain and by TLS.

use std::process::Stdio;

use tokio::process::Command;
use tokio::sync::oneshot;

use super::world::{INSTANCE, World, element};
use crate::http::testing::PASSWORD;
use crate::http::{Tls, TlsFiles};

/// A world that listens.
struct Served {
    world: World,
    base: String,
    stop: oneshot::Sender<()>,
    _dir: tempfile::TempDir,
}

async fn serve(encrypted: bool) -> Served {
    let world = World::new().await;
    let dir = tempfile::tempdir().unwrap();
    let tls = encrypted.then(|| {
        let files = TlsFiles::in_folder(dir.path(), vec!["localhost".into(), "127.0.0.1".into()]).unwrap();
        let again = TlsFiles::in_folder(dir.path(), vec!["other".into()]).unwrap();
        assert_eq!(std::fs::read(&files.certificate).unwrap(), std::fs::read(&again.certificate).unwrap());
        Tls::load(&files).unwrap()
    });
    let (listener, address) = crate::http::bind("127.0.0.1:0").await.unwrap();
    let (stop, stopped) = oneshot::channel();
    let app = world.server.app.clone();
    tokio::spawn(crate::http::serve(listener, app, tls, async {
        let _ = stopped.await;
    }));
    let scheme = if encrypted { "https" } else { "http" };
    Served { world, base: format!("{scheme}://{address}"), stop, _dir: dir }
}

async fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().await.unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    out.into_owned()
}

fn left_out(variable: &str) -> bool {
    if std::env::var_os(variable).is_some() {
        return false;
    }
    assert!(std::env::var_os("PARAPET_REQUIRE_PEERS").is_none(), "{variable} is required");
    println!("left out: real clients, set {variable}");
    true
}

/// The two commands of the page, option by option; only ids, address and account are ours.
#[tokio::test]
async fn curl_sends_the_two_commands_of_the_page() {
    if left_out("PARAPET_CURL") {
        return;
    }
    for encrypted in [true, false] {
        let served = serve(encrypted).await;
        let (world, url) = (&served.world, format!("{}/api/2.0/fo/compliance/exception/", served.base));
        let (host, policy, technology) = (world.host, world.policy, world.technology);
        let (user, assignee) = (format!("manager:{PASSWORD}"), world.users["auditor"]);
        let first = format!(
            "action=request&control_id={}&host_id={host}&policy_id={policy}&technology_id={technology}\
             &assignee_id={assignee}&reopen_on_evidence_change=0&comments=comment&instance_string={INSTANCE}",
            world.controls[2]
        );
        let mut curl = Command::new("curl");
        curl.args([
            "-s",
            "-k",
            "-H",
            "X-Requested-With: Curl",
            "-u",
            &user,
            "-X",
            "POST",
            "-d",
            &first,
            &url,
        ]);
        let answer = run(&mut curl).await;
        let second = format!(
            "action=request&control_id={}&host_id={host}&policy_id={policy}&technology_id={technology}\
             &assignee_id={assignee}&reopen_on_evidence_change=1&comments=new exception",
            world.controls[0]
        );
        let mut curl = Command::new("curl");
        curl.args([
            "-s",
            "-k",
            "-u",
            &user,
            "-H",
            "X-Requested-With: Curl",
            "-X",
            "POST",
            "-d",
            &second,
            &url,
        ]);
        for (answer, number) in [(answer, "1"), (run(&mut curl).await, "2")] {
            let system =
                format!("<!DOCTYPE SIMPLE_RETURN SYSTEM \"{}/api/2.0/simple_return.dtd\">", served.base);
            assert!(answer.contains(&system), "{answer}");
            assert_eq!(element(&answer, "TEXT"), "Exception created successfully");
            assert_eq!((element(&answer, "KEY"), element(&answer, "VALUE")), ("EXCEPTION_NUMBER", number));
        }
        let _ = served.stop.send(());
    }
}

#[tokio::test]
async fn python_clients_work_when_their_address_is_changed() {
    if left_out("PARAPET_PYTHON") {
        return;
    }
    let python = std::env::var("PARAPET_PYTHON").unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/src/http/qualys_pc/tests/clients.py");
    for (program, encrypted) in [("qualysclient", false), ("qualysapi", true)] {
        let served = serve(encrypted).await;
        let world = &served.world;
        let ids = serde_json::json!({
            "control": world.controls[0].0, "host": world.host.0, "policy": world.policy.0,
            "technology": world.technology.0, "assignee": world.users["auditor"],
        });
        let mut command = Command::new(&python);
        command.args([script, program, &served.base, PASSWORD, &ids.to_string()]);
        assert!(run(&mut command).await.ends_with("ok\n"), "{program}");
        let _ = served.stop.send(());
    }
}
