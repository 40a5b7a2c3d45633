//! The verdict of a server, with its feeds and its exceptions.
//!
//! The server reads an image reference itself, as a job. Anything else lies here, so it is read here
//! to learn which asset it is, and the server is asked what it holds of that asset; one that it does
//! not know cannot be judged.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use parapet_fetch::{Client, ClientOptions, Environment, ParapetServer};
use parapet_model::Coverage;
use parapet_model::filter::{Field, Filter, Op};
use parapet_service::scan::{ScanOptions, Target};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::policy::{Breach, Policy, SHOWN, TargetVerdict, Verdict};
use super::{Gate, GateFormat};
use crate::cli::accounts::read_password;
use crate::cli::options::StoreOptions;
use crate::cli::output;

/// How long between two looks at a job.
const LOOK: Duration = Duration::from_millis(500);

/// Which server is asked, and how to sign in there.
#[derive(Debug, Args)]
pub(super) struct Server {
    /// Ask this server
    #[arg(long, value_name = "URL", env = "PARAPET_SERVER")]
    server: Option<String>,
    /// File whose first line is a token of the server
    #[arg(long, value_name = "FILE", requires = "server", conflicts_with = "server_user")]
    token_file: Option<PathBuf>,
    /// Account at the server, by its name or an access key of it
    #[arg(long, value_name = "NAME", requires = "server_password_file")]
    server_user: Option<String>,
    /// File whose first line is the account's password, or the secret of the access key
    #[arg(long, value_name = "FILE", requires = "server_user")]
    server_password_file: Option<PathBuf>,
    /// Certificates (PEM) of the server's own authority
    #[arg(long, value_name = "FILE", requires = "server")]
    server_ca_file: Option<PathBuf>,
    /// Longest wait for the server's scan of an image
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    wait: u64,
}

impl Server {
    /// Its address, when one is to be asked.
    pub(super) fn address(&self) -> Option<&str> {
        self.server.as_deref()
    }

    fn connect(&self, address: &str) -> anyhow::Result<ParapetServer> {
        let mut client = Client::new(ClientOptions::default(), Environment::system())?;
        if let Some(file) = &self.server_ca_file {
            let pem = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
            client = client.trusting(&pem)?;
        }
        Ok(match (&self.token_file, &self.server_user, &self.server_password_file) {
            (Some(file), ..) => ParapetServer::with_token(&client, address, read_password(file)?.expose())?,
            (None, Some(user), Some(file)) => {
                ParapetServer::new(&client, address, user, read_password(file)?.expose())?
            }
            _ => bail!("--server needs --token-file, or --server-user and --server-password-file"),
        })
    }
}

#[derive(Deserialize)]
struct Ticket {
    job: String,
}

#[derive(Deserialize)]
struct Job {
    state: String,
    error: Option<String>,
    result: Option<Value>,
}

#[derive(Deserialize)]
struct Assets {
    assets: Vec<Asset>,
}

#[derive(Deserialize)]
struct Asset {
    id: String,
}

#[derive(Deserialize)]
struct Detail {
    name: String,
    coverage: String,
    counts: Counts,
    not_assessed: Vec<Gap>,
}

#[derive(Deserialize)]
struct Gap {
    what: String,
    coverage: String,
    why: String,
}

#[derive(Deserialize)]
struct Counts {
    vulnerabilities: u64,
    findings: u64,
    excepted: u64,
}

#[derive(Deserialize)]
struct Findings {
    findings: Vec<Breach>,
}

/// Has the targets judged, prints.
pub(super) async fn decide(gate: &Gate, address: &str, policy: &Policy) -> anyhow::Result<Verdict> {
    if gate.format == GateFormat::Sarif {
        bail!("--format sarif names files of a scan; it is not there with --server");
    }
    if !gate.feed.is_empty() {
        bail!("with --server the server's feeds judge; leave --feed out");
    }
    let targets: Vec<Target> = gate.targets.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
    let server = gate.server.connect(address)?;
    let mut verdicts = Vec::new();
    for target in &targets {
        let asset = match target {
            Target::Image(_) => scanned(gate, &server, target).await?,
            _ => known(gate, &server, target).await?,
        };
        verdicts.push(judge(&server, policy, target, &asset).await?);
    }
    let verdict = Verdict::of(policy, verdicts);
    match gate.format {
        GateFormat::Json => output::print_json(&verdict)?,
        GateFormat::Table | GateFormat::Sarif => output::print(&verdict.describe())?,
    }
    Ok(verdict)
}

/// Has the server read an image; the id of the asset.
async fn scanned(gate: &Gate, server: &ParapetServer, target: &Target) -> anyhow::Result<String> {
    output::progress(&format!("the server reads {target}"));
    let wanted = json!({"image": target.to_string()});
    let ticket: Ticket = server.post("/api/v1/assets/scan", &wanted).await?;
    let path = format!("/api/v1/jobs/{}", ticket.job);
    let mut waited = Duration::ZERO;
    loop {
        let job: Job = server.get(&path, &[]).await?;
        match job.state.as_str() {
            "succeeded" => {
                let id = job.result.as_ref().and_then(|result| result["asset"].as_str());
                return id.map(str::to_owned).context("the server's job names no asset");
            }
            "failed" | "cancelled" => {
                bail!("the server could not read {target}: {}", job.error.unwrap_or(job.state));
            }
            _ if waited >= Duration::from_secs(gate.server.wait) => {
                bail!("the server did not read {target} within {} seconds", gate.server.wait);
            }
            _ => {}
        }
        tokio::time::sleep(LOOK).await;
        waited += LOOK;
    }
}

/// The id of an asset that lies here and that the server knows.
async fn known(gate: &Gate, server: &ParapetServer, target: &Target) -> anyhow::Result<String> {
    let folder = tempfile::tempdir()?;
    let (app, who) = StoreOptions::thrown_away(folder.path()).open().await?;
    output::progress(&format!("reading {target}"));
    let options = ScanOptions { last: true, ..gate.access.options()? };
    let here = app.scans().scan(&who, target, &options).await?.asset;
    app.live().load().await?;
    let view = app.findings().view(None, None).await?;
    let identity = view.snapshot.asset_by_uuid(&who.scope(), here).map(|asset| asset.identity.clone());
    let identity = identity.with_context(|| format!("{target} was read but is not in the store"))?;
    let filter = Filter::test(Field::Identity, Op::Eq, identity.as_str()).to_string();
    let found: Assets = ask(server, "/api/v1/assets", &[("where", &filter), ("limit", "1")]).await?;
    let asset = found.assets.into_iter().next();
    asset.map(|asset| asset.id).with_context(|| {
        format!("the server knows no asset {identity}, which is {target}: have it scanned there first")
    })
}

async fn judge(
    server: &ParapetServer,
    policy: &Policy,
    target: &Target,
    asset: &str,
) -> anyhow::Result<TargetVerdict> {
    let detail: Detail = ask(server, &format!("/api/v1/assets/{asset}"), &[]).await?;
    let breaks = Filter::test(Field::AssetId, Op::Eq, asset).and(policy.breaks.clone()).to_string();
    let counts: Counts = ask(server, "/api/v1/findings/counts", &[("where", &breaks)]).await?;
    let limit = SHOWN.to_string();
    let page = [("where", breaks.as_str()), ("sort", "risk"), ("limit", &limit)];
    let page: Findings = ask(server, "/api/v1/findings", &page).await?;
    let coverage: Coverage = detail.coverage.parse().map_err(anyhow::Error::msg)?;
    let gap = |gap: &Gap| format!("{}: {} ({})", gap.what, gap.coverage, gap.why);
    Ok(TargetVerdict {
        target: target.to_string(),
        asset: detail.name,
        coverage,
        assessed: policy.is_assessed(coverage),
        gaps: detail.not_assessed.iter().map(gap).collect(),
        vulnerabilities: counts.vulnerabilities,
        findings: counts.findings,
        excepted: detail.counts.excepted,
        first: page.findings,
    })
}

async fn ask<T: DeserializeOwned>(
    server: &ParapetServer,
    path: &str,
    query: &[(&str, &str)],
) -> anyhow::Result<T> {
    Ok(server.get(path, query).await?)
}
