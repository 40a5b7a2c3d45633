//! `parapet sensor`, and the same sensor built into `parapet serve`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use parapet_fetch::{Client, ClientOptions, Environment, ParapetServer};
use parapet_model::SystemClock;
use parapet_model::sensor::{Registration, ReportAnswer, SensorKind, SensorReport, SensorSettings};
use parapet_service::sensors::{
    Agent, AgentOptions, BuiltIn, Checklist, Round, Upstream, Work, WorkAnswer, WorkReport,
};
use parapet_service::{App, Result};
use serde::Deserialize;
use serde_json::json;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::accounts::read_password;
use super::output::{self, Format};

/// Report this host and its containers to a server.
#[derive(Debug, Args)]
#[command(after_help = "The account needs the right sensor.report and no other: role `sensor`.

Examples:
  parapet sensor --server https://parapet.example --user node-1 --password-file /etc/parapet/sensor
  parapet sensor --server https://parapet.example --user node-1 --password-file /etc/parapet/sensor \\
      --engine-socket /var/run/docker.sock
  parapet sensor --server https://parapet.example --user registries --password-file /etc/parapet/sensor \\
      --type registry
  parapet sensor --server https://parapet.example --user node-1 --password-file /etc/parapet/sensor \\
      --compliance anssi_bp28_minimal
  parapet sensor --server http://127.0.0.1:8080 --user node-1 --password-file sensor.txt --once --format json")]
pub(super) struct Sensor {
    /// Address of the server
    #[arg(long, value_name = "URL", env = "PARAPET_SERVER")]
    server: String,
    /// Account that reports, by its name or an access key of it
    #[arg(long, value_name = "NAME", env = "PARAPET_SENSOR_USER")]
    user: String,
    /// File whose first line is the account's password, or the secret of the access key
    #[arg(long, value_name = "FILE", env = "PARAPET_SENSOR_PASSWORD_FILE")]
    password_file: PathBuf,
    /// Certificates (PEM) of the server's own authority
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    #[command(flatten)]
    looks: Looks,
    /// What the sensor is for
    #[arg(long = "type", value_enum, default_value_t)]
    kind: Kind,
    /// Look once and end
    #[arg(long)]
    once: bool,
    /// Seconds between two check-ins, 10 to 600 [default: what the server says]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(10..=600))]
    interval: Option<u32>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What a sensor looks at.
#[derive(Debug, Clone, Args)]
struct Looks {
    /// Root file system of the host
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
    /// Socket of a Docker-compatible engine
    #[arg(long, value_name = "PATH")]
    engine_socket: Option<PathBuf>,
    /// Name of the sensor [default: the host name]
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    sensor_name: String,
    /// Evaluate the host against this profile with `oscap`, and report the results. The content is that of
    /// the SCAP Security Guide for this distribution, or the data stream named after a comma
    #[arg(long, value_name = "PROFILE[,CONTENT]")]
    compliance: Option<Checklist>,
}

impl Looks {
    fn options(&self) -> AgentOptions {
        AgentOptions {
            root: self.root.clone(),
            socket: self.engine_socket.clone(),
            name: self.sensor_name.clone(),
            kind: SensorKind::General,
            client: None,
            checklist: self.compliance.clone(),
        }
    }
}

/// The sensor built into the server.
#[derive(Debug, Args)]
pub(super) struct BuiltInSensor {
    /// Be the sensor of this host too
    #[arg(long)]
    sensor: bool,
    #[command(flatten)]
    looks: Looks,
}

impl BuiltInSensor {
    /// Starts it when it is wanted. It reports into the project `default`.
    pub(super) async fn start(&self, app: &Arc<App>) -> anyhow::Result<Option<JoinHandle<()>>> {
        if !self.sensor {
            if self.looks.engine_socket.is_some() {
                bail!("--engine-socket is for the sensor; add --sensor");
            }
            if self.looks.compliance.is_some() {
                bail!("--compliance is for the sensor; add --sensor");
            }
            return Ok(None);
        }
        let upstream = BuiltIn { app: app.clone(), who: app.local_principal().await? };
        let agent = Agent::new(upstream, self.looks.options(), Arc::new(SystemClock))?;
        Ok(Some(tokio::spawn(forever(agent, None, Format::Table))))
    }
}

/// A server on the other side of the network.
struct Far(ParapetServer);

impl Upstream for Far {
    async fn register(&self, new: &Registration) -> Result<SensorSettings> {
        Ok(self.0.post("/api/v1/sensors/register", new).await?)
    }

    async fn check_in(&self, sensor: Uuid) -> Result<SensorSettings> {
        Ok(self.0.post("/api/v1/sensors/check-in", &json!({"sensor": sensor})).await?)
    }

    async fn report(&self, report: &SensorReport) -> Result<ReportAnswer> {
        Ok(self.0.post("/api/v1/sensors/report", report).await?)
    }

    async fn claim(&self, sensor: Uuid) -> Result<Option<Work>> {
        let next: NextWork = self.0.post("/api/v1/sensors/work", &json!({"sensor": sensor})).await?;
        Ok(next.work)
    }

    async fn worked(&self, report: &WorkReport) -> Result<WorkAnswer> {
        Ok(self.0.post("/api/v1/sensors/work-report", report).await?)
    }

    async fn results(&self, sensor: Uuid, file: &Path) -> Result<String> {
        let opened = std::fs::File::open(file).map_err(|e| parapet_service::Error::file(file, e))?;
        let path = format!("/api/v1/sensors/results?sensor={sensor}");
        let answer: serde_json::Value = self.0.post_file(&path, "application/xml", opened).await?;
        Ok(answer["evaluations"][0]["outcome"].as_str().unwrap_or_default().to_owned())
    }
}

/// The server's answer to a sensor that asks for work.
#[derive(Debug, Deserialize)]
struct NextWork {
    work: Option<Work>,
}

/// What a sensor is for, on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Kind {
    /// A host, its engine, and registries
    #[default]
    General,
    /// Registries only
    Registry,
    /// A build machine
    Cicd,
}

impl Sensor {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let server = connect(&self.server, &self.user, &self.password_file, self.ca_file.as_deref())?;
        let kind = match self.kind {
            Kind::General => SensorKind::General,
            Kind::Registry => SensorKind::Registry,
            Kind::Cicd => SensorKind::Cicd,
        };
        let client = Some(Client::new(ClientOptions::default(), Environment::system())?);
        let options = AgentOptions { kind, client, ..self.looks.options() };
        let mut agent = Agent::new(Far(server), options, Arc::new(SystemClock))?;
        if self.once {
            let round = agent.round().await?;
            print(&round, self.format)?;
            if !round.problems.is_empty() {
                bail!("{} things could not be read", round.problems.len());
            }
            return Ok(());
        }
        forever(agent, self.interval, self.format).await;
        Ok(())
    }
}

fn connect(
    server: &str,
    user: &str,
    password_file: &Path,
    ca_file: Option<&Path>,
) -> anyhow::Result<ParapetServer> {
    let mut client = Client::new(ClientOptions::default(), Environment::system())?;
    if let Some(file) = ca_file {
        let pem = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        client = client.trusting(&pem)?;
    }
    let password = read_password(password_file)?;
    Ok(ParapetServer::new(&client, server, user, password.expose())?)
}

/// Rounds without end: what fails is said, and tried again at the next check-in.
async fn forever<U: Upstream>(mut agent: Agent<U>, interval: Option<u32>, format: Format) {
    loop {
        match agent.round().await {
            Ok(round) => {
                for problem in &round.problems {
                    tracing::warn!(problem, "the sensor left something out");
                }
                if format == Format::Json && print(&round, format).is_err() {
                    return;
                }
            }
            Err(error) => tracing::warn!(%error, "the sensor could not report"),
        }
        let seconds = interval.unwrap_or_else(|| agent.wait_seconds());
        tokio::time::sleep(Duration::from_secs(u64::from(seconds))).await;
    }
}

fn print(round: &Round, format: Format) -> anyhow::Result<()> {
    if format == Format::Json {
        return output::print_json(round);
    }
    for problem in &round.problems {
        output::note(problem);
    }
    if round.blackout {
        return output::print("a blackout window holds: nothing was read\n");
    }
    let host = if round.host.is_empty() { "not due" } else { &round.host };
    let checklist =
        if round.checklist.is_empty() { String::new() } else { format!(", checklist {}", round.checklist) };
    output::print(&format!(
        "host {host}, {} containers, {} gone, {} images read; {} registries listed, {} images of them looked at{checklist}\n",
        round.containers, round.deleted, round.images, round.registries, round.registry_images
    ))
}
