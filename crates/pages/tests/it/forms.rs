//! Every page, looked at by every role, on all enterprise projects and on one of them alone: no link leads where
//! the visitor may not go, and no form is refused for want of a right.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use axum::http::StatusCode;
use parapet_model::sensor::{Registration, SILENT_AFTER};
use parapet_model::{Filter, Permission as P};
use parapet_service::exports::ExportRequest;
use parapet_service::feeds::{ImportOptions, Limits};
use parapet_service::{ChosenAssets, SignedIn};
use parapet_store::seal::Secret;

use crate::compliance::report;
use crate::links::href;
use crate::registry::TestRegistry;
use crate::visit::Browser;
use crate::world::World;

const PASSWORD: &str = "a password for tests";
/// Pages looked at of each kind: addresses that differ in ids and values alone are of one kind.
const OF_A_KIND: usize = 3;

/// A form as a browser would send it by one of its buttons.
#[derive(Debug, Clone)]
struct Sending {
    page: String,
    action: String,
    fields: Vec<(String, String)>,
}

/// The attributes of a tag.
fn attributes(tag: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = tag.split_once(char::is_whitespace).map_or("", |(_, rest)| rest).trim();
    while !rest.is_empty() {
        let name: String = rest.chars().take_while(|c| !c.is_whitespace() && *c != '=').collect();
        rest = &rest[name.len()..];
        let mut value = String::new();
        if let Some(quoted) = rest.strip_prefix("=\"") {
            let (text, after) = quoted.split_once('"').unwrap();
            value = unescaped(text);
            rest = after;
        }
        found.insert(name, value);
        rest = rest.trim_start();
    }
    found
}

fn unescaped(text: &str) -> String {
    let signs =
        [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&"), ("&quot;", "\"")];
    signs.iter().fold(text.to_owned(), |text, (entity, sign)| text.replace(entity, sign))
}

/// Tags in their order, each with the text behind it.
fn tags(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split('<').skip(1).filter_map(|piece| piece.split_once('>'))
}

/// The links of a page within the server.
fn links(text: &str) -> Vec<String> {
    let found = tags(text).filter(|(tag, _)| tag.starts_with("a ") || tag.contains("data-load="));
    let addresses = found.flat_map(|(tag, _)| {
        let mut attributes = attributes(tag);
        [attributes.remove("href"), attributes.remove("data-load")].into_iter().flatten()
    });
    addresses.filter(|address| address.starts_with('/')).collect()
}

/// The forms of a page that write, by each of their buttons.
fn forms(page: &str, text: &str) -> Vec<Sending> {
    let mut found = Vec::new();
    for form in text.split("<form").skip(1) {
        let form = format!("form{}", form.split("</form>").next().unwrap());
        let (head, body) = form.split_once('>').unwrap();
        let head = attributes(head);
        if head.get("method").map(String::as_str) != Some("post") || head["action"] == "/sign-out" {
            continue;
        }
        let (mut fields, mut buttons, mut select) =
            (Vec::new(), Vec::new(), None::<(String, Option<String>)>);
        for (tag, text) in tags(body) {
            let known = attributes(tag);
            let value = |usual: &str| known.get("value").cloned().unwrap_or_else(|| usual.to_owned());
            match tag.split_whitespace().next().unwrap() {
                "input" => {
                    let boxed = matches!(known.get("type").map(String::as_str), Some("checkbox" | "radio"));
                    if !boxed || known.contains_key("checked") {
                        fields.push((known["name"].clone(), value(if boxed { "on" } else { "" })));
                    }
                }
                "textarea" => fields.push((known["name"].clone(), unescaped(text))),
                "select" => select = Some((known["name"].clone(), None)),
                "option" => {
                    if let Some((_, chosen)) = &mut select
                        && (chosen.is_none() || known.contains_key("selected"))
                    {
                        *chosen = Some(value(text));
                    }
                }
                "/select" => {
                    if let Some((name, Some(chosen))) = select.take() {
                        fields.push((name, chosen));
                    }
                }
                "button" => buttons.push(known.get("name").map(|name| (name.clone(), value("")))),
                _ => {}
            }
        }
        for button in buttons {
            let fields = fields.iter().cloned().chain(button).collect();
            found.push(Sending { page: page.to_owned(), action: head["action"].clone(), fields });
        }
    }
    found
}

/// What kind of page an address is of: ids, names and values are left out.
fn kind(address: &str) -> String {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let is_word = |part: &&str| part.chars().all(|c| c.is_ascii_lowercase() || c == '-') && part.len() < 25;
    let parts: Vec<&str> = path.split('/').map(|part| if is_word(&part) { part } else { "*" }).collect();
    let mut names: Vec<&str> = query.split('&').filter_map(|pair| pair.split('=').next()).collect();
    names.sort_unstable();
    format!("{}?{}", parts.join("/"), names.join("&"))
}

/// Looks at every page that can be reached from the start; the forms that were met.
async fn walk(browser: &Browser, who: &str) -> Vec<Sending> {
    let (mut seen, mut kinds) = (BTreeSet::new(), BTreeMap::<String, usize>::new());
    let (mut met, mut known) = (Vec::new(), BTreeSet::new());
    let mut next = VecDeque::from([("/".to_owned(), String::new())]);
    while let Some((address, from)) = next.pop_front() {
        let count = kinds.entry(kind(&address)).or_default();
        if *count == OF_A_KIND || address.ends_with("/file") || !seen.insert(address.clone()) {
            continue;
        }
        *count += 1;
        let answer = browser.get(&address).await;
        if answer.status == StatusCode::SEE_OTHER {
            next.push_back((answer.location, address));
            continue;
        }
        assert_eq!(answer.status, StatusCode::OK, "{who} is led to {address} by {from}: {}", answer.words());
        for sending in forms(&address, &answer.text) {
            let values: Vec<&String> = sending.fields.iter().map(|(name, _)| name).collect();
            if known.insert(format!("{} {values:?} {:?}", sending.action, sending.fields.last())) {
                met.push(sending);
            }
        }
        next.extend(links(&answer.text).into_iter().map(|link| (link, address.clone())));
    }
    met
}

/// Sends the forms, those last that take something away.
async fn send(browser: &Browser, who: &str, mut met: Vec<Sending>) -> usize {
    const LAST: &[&str] = &["delete", "state", "password", "cancel", "reject", "rollback", "end"];
    met.sort_by_key(|sending| {
        let word = sending.action.rsplit('/').next().unwrap_or_default();
        LAST.contains(&word) || sending.fields.last().is_some_and(|(_, value)| LAST.contains(&value.as_str()))
    });
    let count = met.len();
    for Sending { page, action, fields } in met {
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = browser.post(&action, &fields).await;
        let refused = matches!(answer.status, StatusCode::FORBIDDEN | StatusCode::METHOD_NOT_ALLOWED)
            // No route is there for whoever has not its right.
            || (answer.status == StatusCode::NOT_FOUND && answer.text.is_empty());
        assert!(
            !refused,
            "{who} is shown {action} {fields:?} on {page}: {} {}",
            answer.status,
            answer.words()
        );
        assert!(!answer.status.is_server_error(), "{who}: {action} of {page} broke: {}", answer.words());
    }
    count
}

/// Something of everything that pages show, all of it in the enterprise project `finance`.
async fn estate() -> (World, TestRegistry) {
    let (world, remote) = (World::new().await, TestRegistry::start().await);
    let (app, browser) = (&world.app, Browser::new(&world));
    app.accounts().create_enterprise_project(&world.who, "Finance", Some("finance")).await.unwrap();
    world.scan().await;
    world.advise("DSA-1-1", "CVE-2026-0001", "glass", Some("1.0-2"));
    world.advise("DSA-2-1", "CVE-2026-0002", "stone", None);
    world.import(&ImportOptions::default()).await;
    remote.image("team/web", "1", "glass", "2026-01-02T03:04:05Z");
    for (name, endpoint) in [("hub", remote.endpoint.as_str()), ("gone", "http://127.0.0.1:1")] {
        let fields = [
            ("name", name),
            ("kind", "v2"),
            ("endpoint", endpoint),
            ("plain_http", "1"),
            ("platform", "linux/amd64"),
        ];
        let page = browser.post("/sources/registries/new", &fields).await.location;
        let page = page.split('?').next().unwrap().to_owned();
        browser.post(&format!("{page}/scan"), &[]).await;
        let fields = [("when", "every"), ("days", "1"), ("time", "02:00"), ("age", "0")];
        browser.post(&format!("{page}/schedules/new"), &fields).await;
    }
    report(&world, &[]).await;
    browser
        .post(
            "/sources/profiles/new",
            &[("name", "night"), ("kind", "General"), ("hours", "24"), ("concurrent", "1")],
        )
        .await;
    let said =
        Registration { identity: "5".repeat(32), hostname: "quiet".to_owned(), ..Registration::default() };
    app.sensors().register(&world.who, said).await.unwrap();
    app.exports()
        .request(&world.who, &world.who.scope(), ExportRequest::findings(Filter::All))
        .await
        .unwrap();
    app.run_jobs().await.unwrap();
    world.clock.advance(SILENT_AFTER + 60_000);
    app.accounts().move_assets(&world.who, "finance", ChosenAssets::Where(Filter::All)).await.unwrap();
    world.withdraw("DSA-1-1");
    let limits = Limits { max_closed: Some(0), ..Limits::default() };
    world.import(&ImportOptions { limits, ..ImportOptions::default() }).await;
    (world, remote)
}

async fn visitor(world: &World, name: &str, role: &str, limited: bool) -> Browser {
    let accounts = world.app.accounts();
    accounts
        .create_user(&world.who, name, Secret::new(PASSWORD.to_owned()), &[role.to_owned()])
        .await
        .unwrap();
    if limited {
        accounts.grant(&world.who, name, Some(&["finance".to_owned()])).await.unwrap();
    }
    let signed_in: SignedIn = accounts.sign_in(name, Secret::new(PASSWORD.to_owned())).await.unwrap();
    Browser::signed_in(world, signed_in)
}

#[tokio::test]
async fn nobody_is_shown_a_link_or_a_form_that_their_rights_refuse() {
    let (world, _remote) = estate().await;
    let roles = world.app.accounts().roles(&world.who).await.unwrap();
    let mut visitors = Vec::new();
    for role in &roles {
        for limited in [true, false] {
            let name = format!("{}{}", role.name.replace('_', "-"), if limited { "-limited" } else { "" });
            visitors.push((role, limited, visitor(&world, &name, &role.name, limited).await, name));
        }
    }
    // Of each something that waits: an exception of findings, one of a control, a run and an export.
    let asker = &visitors.iter().find(|(role, limited, ..)| role.name == "requester" && *limited).unwrap().2;
    asker
        .post(
            "/exceptions/new",
            &[("act", "request"), ("title", "Glass"), ("where", "fixable"), ("until", "30")],
        )
        .await;
    // And one of somebody who sees all, which hides findings of those who do not see it.
    let fields = [("act", "request"), ("title", "Stone"), ("where", "package = stone"), ("until", "30")];
    Browser::new(&world).post("/exceptions/new", &fields).await;
    let vulnerability = asker.get("/vulnerabilities/CVE-2026-0002").await;
    vulnerability.says("excepted Stone");
    assert!(!links(&vulnerability.text).iter().any(|link| link.starts_with("/exceptions/0")));
    let list = asker.get("/compliance?view=list&posture=failed").await;
    let result = links(&list.text).into_iter().find(|link| link.starts_with("/compliance/results/")).unwrap();
    asker.post(&result, &[("comment", "The build needs it.")]).await;
    for (role, limited, browser, name) in &visitors {
        if role.permissions.contains(&P::ExportsCreate) && *limited {
            browser.post("/exports", &[("where", ""), ("format", "csv"), ("keep_days", "7")]).await;
        }
        world.app.accounts().create_key(&world.who, name).await.unwrap();
    }
    // Those who may least begin, and nobody takes away what others are to be shown before they were.
    visitors.sort_by_key(|(role, limited, ..)| (role.permissions.len(), !limited));
    let mut walked = Vec::new();
    for (role, limited, browser, name) in &visitors {
        let met = walk(browser, name).await;
        let writes = role.permissions.contains(&P::UsersWrite);
        assert!(met.len() > if writes { 20 } else { 0 }, "{name} met {} forms", met.len());
        let users: Vec<_> =
            met.iter().filter(|sending| sending.action.starts_with("/settings/users/")).collect();
        if writes && *limited {
            assert!(
                users.iter().any(|sending| sending.action.starts_with("/settings/users/reader-limited/"))
            );
            assert!(
                !users.iter().any(|sending| sending.action.starts_with("/settings/users/reader/")),
                "{users:?}"
            );
        }
        walked.push((browser, name, met));
    }
    for (browser, name, met) in walked {
        send(browser, name, met).await;
    }
}

#[tokio::test]
async fn every_list_is_a_file_for_whoever_asks_for_one() {
    let (world, _remote) = estate().await;
    let browser = Browser::new(&world);
    browser
        .post("/exceptions/new", &[("act", "request"), ("title", "Glass"), ("where", "package = nosuch")])
        .await;
    for (page, begins, rows) in [
        ("/packages/pkg%3Adeb%2Fdebian%2Fglass", "asset,kind,ecosystem,version,layer,image,since\n", 2),
        ("/exceptions/idle", "why,title,covers,", 1),
        ("/feeds/of/Debian", "state,started,ended,records,", 2),
        ("/sources/profiles", "profile,description,for,", 1),
        ("/sources/connectors", "name,description,cloud,", 0),
        ("/settings/enterprise-projects", "name,id,users", 2),
        ("/settings/notices", "at,channel,subject,", 0),
    ] {
        let file = browser.ask(page, &[("Accept", "text/csv")]).await;
        let text = file.text.replace('\r', "");
        assert!(text.starts_with(begins), "{page}: {text}");
        assert_eq!(text.lines().count(), 1 + rows, "{page}: {text}");
        let link = href(&browser.get(page).await, "CSV");
        assert_eq!(browser.get(&link).await.text.replace('\r', ""), text, "{link}");
    }
}
