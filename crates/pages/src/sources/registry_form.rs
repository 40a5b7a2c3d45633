//! `/sources/registries/new` and `/edit`: what its owner says of a registry. A secret is typed and never
//! shown again, not even to whoever typed it.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use parapet_store::registries::{Globs, RegistrySettings, RegistrySource, Selection};
use parapet_store::seal::Secret;
use uuid::Uuid;

use super::forms::{Pick, names};
use super::rows::{KINDS, registry_link};
use super::{HERE, all_connectors};
use crate::PageResult;
use crate::layout::Layout;
use crate::link::Link;
use crate::render::html;
use crate::state::Pages;
use crate::visitor::{Form, Visitor};
use crate::words::{ForVisitor as _, Problem, refused, see, unkept};

#[derive(Debug, Template)]
#[template(path = "sources/registry_form.html")]
struct View {
    layout: Layout,
    heading: String,
    /// Where the form goes.
    to: Link,
    /// Where giving up leads.
    back: Link,
    /// A secret is stored that stays when none is typed.
    stored: bool,
    problem: Option<Problem>,
    /// The test went well.
    answers: bool,
    kinds: Vec<Pick>,
    connectors: Vec<Pick>,
    account_types: Vec<Pick>,
    settings: RegistrySettings,
    include: String,
    exclude: String,
    tags_include: String,
    tags_exclude: String,
    token_hosts: String,
}

async fn view(
    state: &Pages,
    visitor: &Visitor,
    settings: RegistrySettings,
    old: Option<(Uuid, &RegistrySettings)>,
) -> PageResult<View> {
    let connector = settings.source.connector.map(|id| id.to_string()).unwrap_or_default();
    let connectors = all_connectors(state, visitor).await?;
    let connectors =
        connectors.into_iter().map(|c| Pick::new(c.uuid.to_string(), c.settings.name, &connector));
    let kinds = KINDS.map(|(kind, word, name)| Pick {
        value: word.to_owned(),
        name: name.to_owned(),
        chosen: kind == settings.kind,
    });
    let account_type = settings.source.account_type.as_str();
    let account_types = [("", "–"), ("Global", "Global"), ("US_Gov", "US Gov")]
        .map(|(word, name)| Pick::new(word, name, account_type));
    let (heading, to, back) = match old {
        Some((id, old)) => {
            let link = registry_link(id);
            (format!("Change {}", old.name), link.clone().part("edit"), link)
        }
        None => ("Add a registry".to_owned(), Link::to("/sources/registries/new"), Link::to(HERE)),
    };
    let globs = &settings.selection;
    Ok(View {
        layout: visitor.layout(&heading, HERE),
        heading,
        to,
        back,
        stored: old.is_some_and(|(_, old)| !old.username.is_empty()),
        problem: None,
        answers: false,
        kinds: kinds.into(),
        connectors: [Pick::new("", "none", &connector)].into_iter().chain(connectors).collect(),
        account_types: account_types.into(),
        include: globs.repositories.include.join("\n"),
        exclude: globs.repositories.exclude.join("\n"),
        tags_include: globs.tags.include.join("\n"),
        tags_exclude: globs.tags.exclude.join("\n"),
        token_hosts: settings.token_hosts.join("\n"),
        settings,
    })
}

/// The empty form.
pub(crate) async fn new(State(state): State<Pages>, visitor: Visitor) -> PageResult {
    let view = view(&state, &visitor, RegistrySettings::default(), None).await.shown_to(&visitor)?;
    Ok(html(&view))
}

/// The form of a registry.
pub(crate) async fn edit(State(state): State<Pages>, visitor: Visitor, Path(id): Path<Uuid>) -> PageResult {
    let registry = state.app.registries().get(visitor.principal(), id).await.shown_to(&visitor)?;
    let settings = registry.settings;
    let view = view(&state, &visitor, settings.clone(), Some((id, &settings))).await.shown_to(&visitor)?;
    Ok(html(&view))
}

/// Reads the form.
fn read(form: &Form) -> Result<RegistrySettings, Problem> {
    let kind = KINDS.iter().find(|(_, word, _)| *word == form.text("kind"));
    let Some((kind, ..)) = kind else { return Err(Problem::of("kind", "Choose what it is.")) };
    if form.text("endpoint").is_empty() {
        return Err(Problem::of("endpoint", "Where is it? https://host, with a port if it has one."));
    }
    if form.text("name").is_empty() {
        return Err(Problem::of("name", "It needs a name."));
    }
    let connector = match form.text("connector") {
        "" => None,
        id => Some(Uuid::try_parse(id).map_err(|_| Problem::of("connector", "There is no such connector."))?),
    };
    let text = |name: &str| form.text(name).to_owned();
    let globs = |include: &str, exclude: &str| Globs {
        include: names(form.text(include)),
        exclude: names(form.text(exclude)),
    };
    Ok(RegistrySettings {
        name: text("name"),
        kind: *kind,
        endpoint: text("endpoint"),
        username: text("username"),
        ca_pem: text("ca_pem"),
        plain_http: form.is_set("plain_http"),
        token_hosts: names(form.text("token_hosts")),
        selection: Selection {
            repositories: globs("include", "exclude"),
            tags: globs("tags_include", "tags_exclude"),
        },
        platform: text("platform"),
        source: RegistrySource {
            organization: text("organization"),
            connector,
            account: text("account"),
            region: text("region"),
            account_type: text("account_type"),
            cloud_project: text("cloud_project"),
            repository: text("repository"),
        },
    })
}

/// What of the form can be shown again when it cannot be read.
fn typed(form: &Form) -> RegistrySettings {
    let text = |name: &str| form.text(name).to_owned();
    RegistrySettings {
        name: text("name"),
        endpoint: text("endpoint"),
        username: text("username"),
        ca_pem: text("ca_pem"),
        plain_http: form.is_set("plain_http"),
        token_hosts: names(form.text("token_hosts")),
        platform: text("platform"),
        selection: Selection {
            repositories: Globs {
                include: names(form.text("include")),
                exclude: names(form.text("exclude")),
            },
            tags: Globs {
                include: names(form.text("tags_include")),
                exclude: names(form.text("tags_exclude")),
            },
        },
        ..RegistrySettings::default()
    }
}

/// Makes it, or tries whether it answers.
pub(crate) async fn create(State(state): State<Pages>, visitor: Visitor, form: Form) -> PageResult {
    let registries = state.app.registries();
    let secret = Secret::new(form.raw("password").to_owned());
    let settings = match read(&form) {
        Ok(settings) => settings,
        Err(problem) => return again(&state, &visitor, typed(&form), None, Err(problem)).await,
    };
    let outcome = if form.text("do") == "test" {
        registries.probe(visitor.principal(), &settings, &secret).await
    } else {
        match registries.create(visitor.principal(), settings.clone(), secret).await {
            Ok(made) => return see(registry_link(made.uuid).with("done", "saved")),
            Err(error) => Err(error),
        }
    };
    let outcome = match outcome {
        Ok(()) => Ok(()),
        Err(error) => Err(Problem::said(error, "endpoint").shown_to(&visitor)?),
    };
    again(&state, &visitor, settings, None, outcome).await
}

/// Changes it, or tries whether it answers.
pub(crate) async fn update(
    State(state): State<Pages>,
    visitor: Visitor,
    Path(id): Path<Uuid>,
    form: Form,
) -> PageResult {
    let registries = state.app.registries();
    let old = registries.get(visitor.principal(), id).await.shown_to(&visitor)?.settings;
    let settings = match read(&form) {
        Ok(settings) => settings,
        Err(problem) => return again(&state, &visitor, typed(&form), Some((id, &old)), Err(problem)).await,
    };
    let typed = !form.raw("password").is_empty();
    // A stored password is for the place and the person it was given for.
    let moved = settings.endpoint != old.endpoint || settings.username != old.username;
    if !typed && !settings.username.is_empty() && (moved || form.text("do") == "test") {
        let why = match form.text("do") {
            "test" => {
                "Type the password to test what is written here; the stored one is tested on the registry's page."
            }
            _ => "Type the password again: the stored one was given for another address or user.",
        };
        let problem = Problem::of("password", why);
        return again(&state, &visitor, settings, Some((id, &old)), Err(problem)).await;
    }
    let secret = Secret::new(form.raw("password").to_owned());
    let outcome = if form.text("do") == "test" {
        registries.probe(visitor.principal(), &settings, &secret).await
    } else {
        // Without a user there is no password to keep.
        let secret = (typed || settings.username.is_empty()).then_some(&secret);
        match registries.update(visitor.principal(), id, &settings, secret).await {
            Ok(_) => return see(registry_link(id).with("done", "saved")),
            Err(error) => Err(error),
        }
    };
    let outcome = match outcome {
        Ok(()) => Ok(()),
        Err(error) => Err(Problem::said(error, "endpoint").shown_to(&visitor)?),
    };
    again(&state, &visitor, settings, Some((id, &old)), outcome).await
}

/// The form with what was typed, but for the secret, and what became of it.
async fn again(
    state: &Pages,
    visitor: &Visitor,
    settings: RegistrySettings,
    old: Option<(Uuid, &RegistrySettings)>,
    outcome: Result<(), Problem>,
) -> PageResult {
    let mut view = view(state, visitor, settings, old).await.shown_to(visitor)?;
    view.answers = outcome.is_ok();
    view.problem = outcome.err();
    let status = if view.problem.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    Ok(unkept(refused(&view, status)))
}
