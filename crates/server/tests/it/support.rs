//! A small Debian system, a feed that speaks of it, and a running server.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use parapet_model::time::{DAY, format_rfc3339};
use parapet_model::{Clock as _, SystemClock};
use tempfile::TempDir;

/// The binary under test.
pub(crate) fn parapet() -> Command {
    clean(Command::new(env!("CARGO_BIN_EXE_parapet")))
}

/// Without what the environment of the tests says of stores.
fn clean(mut command: Command) -> Command {
    command.env_remove("PARAPET_DATA_DIR").env_remove("PARAPET_DATABASE_URL");
    command
}

/// Yesterday: when the records of fixtures were made. Commands live in the present, in which a feed grows stale.
pub(crate) fn yesterday() -> String {
    format_rfc3339(SystemClock.now() - DAY)
}

/// A folder with a root file system and feeds, written by us.
pub(crate) struct Fixture {
    dir: TempDir,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let fixture = Self { dir: tempfile::tempdir().unwrap() };
        fixture.write("root/etc/os-release", "ID=debian\nVERSION_ID=12\nPRETTY_NAME=\"Debian 12\"\n");
        fixture.write("root/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
        fixture.write("root/etc/hostname", "fixture\n");
        fixture.install(&[("glass", "1.0-1"), ("stone", "2.0-1"), ("wood", "3.0-1")]);
        fixture.advise("DSA-1-1", "CVE-2026-0001", "glass", Some("1.0-2"));
        fixture.advise("DEBIAN-CVE-2026-0002", "CVE-2026-0002", "stone", None);
        fixture
    }

    /// Makes the root file system that of another host.
    pub(crate) fn rename(&self, name: &str) {
        self.write("root/etc/hostname", format!("{name}\n"));
        let id: String = name.bytes().map(|b| format!("{b:02x}")).collect();
        self.write("root/etc/machine-id", format!("{id:0>32}\n"));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// What `rootfs:` takes.
    pub(crate) fn target(&self) -> String {
        format!("rootfs:{}", self.path("root").display())
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// Writes dpkg's status with these packages.
    pub(crate) fn install(&self, packages: &[(&str, &str)]) {
        let status: String = packages
            .iter()
            .map(|(name, version)| {
                format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n\n")
            })
            .collect();
        self.write("root/var/lib/dpkg/status", &status);
    }

    /// Writes an OSV record into the feed.
    pub(crate) fn advise(&self, id: &str, cve: &str, source: &str, fixed: Option<&str>) {
        let fixed = fixed.map(|v| format!(", {{\"fixed\": \"{v}\"}}")).unwrap_or_default();
        let modified = yesterday();
        let record = format!(
            "{{\"id\": \"{id}\", \"modified\": \"{modified}\", \"upstream\": [\"{cve}\"], \"affected\": [{{\
             \"package\": {{\"ecosystem\": \"Debian:12\", \"name\": \"{source}\"}}, \"ranges\": [{{\"type\": \"ECOSYSTEM\", \
             \"events\": [{{\"introduced\": \"0\"}}{fixed}]}}]}}]}}"
        );
        self.record(id, &record);
    }

    /// Writes an OSV record into the feed as it stands.
    pub(crate) fn record(&self, id: &str, record: &str) {
        self.write(&format!("feed/Debian/{id}.json"), record);
    }

    /// Takes a record out of the feed.
    pub(crate) fn withdraw(&self, id: &str) {
        std::fs::remove_file(self.path(&format!("feed/Debian/{id}.json"))).unwrap();
    }

    pub(crate) fn feed(&self) -> PathBuf {
        self.path("feed/Debian")
    }

    /// Runs a command on the data folder and gives its standard output; it must succeed.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let output = parapet().args(arguments).arg("--data-dir").arg(self.data()).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?} failed: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Scans the root file system and imports the feed.
    pub(crate) fn fill(&self) {
        let target = self.target();
        self.run(&["scan", &target, "--format", "json"]);
        self.import();
    }

    pub(crate) fn import(&self) -> String {
        let feed = self.feed();
        self.run(&["feed", "import", feed.to_str().unwrap()])
    }

    /// The findings as CSV lines without the heading.
    pub(crate) fn findings(&self, more: &[&str]) -> Vec<String> {
        let file = self.path("findings.csv");
        let columns = "asset,vulnerability,package,version,fixed_version,state";
        let mut arguments =
            vec!["export", "findings", "--columns", columns, "--output", file.to_str().unwrap()];
        arguments.extend(more);
        self.run(&arguments);
        read_lines(&file)
    }

    /// Writes a file of the folder.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

pub(crate) fn read_lines(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().skip(1).map(str::to_owned).collect()
}

/// A server on a free port; ended when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    pub(crate) password: String,
}

impl Server {
    /// Starts a server on the fixture's data folder with a known password for `admin`.
    pub(crate) fn start(fixture: &Fixture) -> Self {
        Self::start_as(fixture, parapet())
    }

    /// The same, but no file may grow beyond `bytes`: what a disk that is full looks like.
    pub(crate) fn start_limited(fixture: &Fixture, bytes: u64) -> Self {
        let mut command = Command::new("sh");
        // Blocks of 512 bytes (POSIX); without the trap a write beyond the limit would kill.
        let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", bytes / 512);
        command.args(["-c", &script]).arg(env!("CARGO_BIN_EXE_parapet"));
        Self::start_as(fixture, clean(command))
    }

    /// The same with a command of the caller's making, to which the usual arguments are added.
    pub(crate) fn start_as(fixture: &Fixture, command: Command) -> Self {
        Self::start_with(fixture, command, &[])
    }

    /// The same with more arguments of `serve`.
    pub(crate) fn start_with(fixture: &Fixture, mut command: Command, more: &[&str]) -> Self {
        let password = "a password for tests".to_owned();
        let file = fixture.path("password");
        std::fs::write(&file, &password).unwrap();
        let mut child = command
            .args(["serve", "--listen", "127.0.0.1:0", "--admin-password-file"])
            .arg(&file)
            .arg("--data-dir")
            .arg(fixture.data())
            .args(more)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let url = lines
            .by_ref()
            .map(|line| line.unwrap())
            .find_map(|line| line.strip_prefix("listening on ").map(str::to_owned))
            .expect("the server says where it listens");
        // Keep reading, so that the server never waits for its log.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url, password }
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// A request signed in as admin with Basic.
    pub(crate) fn get(&self, path: &str) -> serde_json::Value {
        let response =
            client().get(format!("{}{path}", self.url)).basic_auth("admin", Some(&self.password)).send();
        json(response.unwrap())
    }

    pub(crate) fn post(&self, path: &str, body: &serde_json::Value) -> serde_json::Value {
        let request = client().post(format!("{}{path}", self.url)).basic_auth("admin", Some(&self.password));
        json(request.body(body.to_string()).header("content-type", "application/json").send().unwrap())
    }

    /// Asks until `done` accepts the answer; gives up after a minute.
    pub(crate) fn wait_for(
        &self,
        path: &str,
        done: impl Fn(&serde_json::Value) -> bool,
    ) -> serde_json::Value {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        loop {
            let answer = self.get(path);
            if done(&answer) {
                return answer;
            }
            assert!(std::time::Instant::now() < deadline, "{path} never got there: {answer}");
            std::thread::yield_now();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn client() -> reqwest::blocking::Client {
    // The client wants a TLS library even for plain HTTP.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::blocking::Client::builder().no_proxy().build().unwrap()
}

pub(crate) fn json(response: reqwest::blocking::Response) -> serde_json::Value {
    let status = response.status();
    let text = response.text().unwrap();
    assert!(status.is_success(), "{status}: {text}");
    serde_json::from_str(&text).unwrap()
}

/// The value of a variable that names a peer. Without it the test is left out, which is an error
/// when all peers are required.
pub(crate) fn peer(variable: &str, what: &str) -> Option<String> {
    let value = std::env::var(variable).ok();
    if value.is_none() {
        assert!(std::env::var_os("PARAPET_REQUIRE_PEERS").is_none(), "{variable} is needed for {what}");
        eprintln!("left out: {what}, set {variable}");
    }
    value
}
