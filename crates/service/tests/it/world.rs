//! A store, a small Debian system and a feed that speaks of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parapet_model::finding::Finding;
use parapet_model::time::DAY;
use parapet_model::{Filter, Principal, SeededIds, TestClock};
use parapet_posture::Query;
use parapet_service::connectors::Clouds;
use parapet_service::control_exceptions::ExceptionRules;
use parapet_service::feeds::{FeedSource, ImportOptions, ImportReport};
use parapet_service::notices::NotifyOptions;
use parapet_service::scan::{ScanOptions, ScanReport};
use parapet_service::{App, Options};
use parapet_store::StoreUrl;
use parapet_store::seal::MasterKey;
use tempfile::TempDir;

/// 2026-11-02, after everything the fixtures speak of.
const START: i64 = 1_793_577_600_000;

/// An open application with its folder.
pub(crate) struct World {
    pub(crate) app: Arc<App>,
    pub(crate) who: Principal,
    pub(crate) clock: TestClock,
    dir: TempDir,
}

fn options(dir: &Path, clock: &TestClock) -> Options {
    Options {
        url: StoreUrl::Sqlite(dir.join("parapet.db")),
        key: MasterKey::from_bytes([7; 32]),
        clock: Arc::new(clock.clone()),
        ids: Arc::new(SeededIds::default()),
        artifacts: parapet_service::ArtifactPlace::Folder(dir.join("artifacts")),
        stale_after: 30 * DAY,
        posture: true,
        checkpoint: Some(dir.join("posture")),
        shapes: Vec::new(),
        allow: parapet_fetch::AddressPolicy::default(),
        clouds: Clouds::default(),
        rules: ExceptionRules::default(),
        notify: NotifyOptions::default(),
    }
}

impl World {
    /// A new store, and a system with three packages.
    pub(crate) async fn new() -> Self {
        Self::with_clouds(Clouds::default()).await
    }

    /// The same with other places for clouds.
    pub(crate) async fn with_clouds(clouds: Clouds) -> Self {
        Self::open(clouds, ExceptionRules::default(), NotifyOptions::default()).await
    }

    /// The same, with rules for exceptions and channels for notices.
    pub(crate) async fn with(rules: ExceptionRules, notify: NotifyOptions) -> Self {
        Self::open(Clouds::default(), rules, notify).await
    }

    async fn open(clouds: Clouds, rules: ExceptionRules, notify: NotifyOptions) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = TestClock::at(START);
        let options = Options { clouds, rules, notify, ..options(dir.path(), &clock) };
        let app = App::open(options).await.unwrap();
        let who = app.local_principal().await.unwrap();
        let world = Self { app, who, clock, dir };
        world.write("root/etc/os-release", "ID=debian\nVERSION_ID=12\nPRETTY_NAME=\"Debian 12\"\n");
        world.host("fixture");
        world.install(&[("glass", "1.0-1"), ("stone", "2.0-1"), ("wood", "3.0-1")]);
        world
    }

    /// The same store opened once more, as by a program that starts again.
    pub(crate) async fn opened_again(&self) -> Arc<App> {
        App::open(options(self.dir.path(), &self.clock)).await.unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        self.write_bytes(name, text.as_bytes());
    }

    /// Writes a file; everybody may run it.
    pub(crate) fn write_bytes(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }

    /// Makes the system that of a host with this name.
    pub(crate) fn host(&self, name: &str) {
        self.write("root/etc/hostname", &format!("{name}\n"));
        let id: String = name.bytes().map(|b| format!("{b:02x}")).collect();
        self.write("root/etc/machine-id", &format!("{id:0>32}\n"));
    }

    /// Writes dpkg's status with these packages.
    pub(crate) fn install(&self, packages: &[(&str, &str)]) {
        let stanza = |(name, version): &(&str, &str)| {
            format!(
                "Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n\n"
            )
        };
        self.write("root/var/lib/dpkg/status", &packages.iter().map(stanza).collect::<String>());
    }

    /// Writes a record of the feed.
    pub(crate) fn advise(&self, id: &str, cve: &str, source: &str, fixed: Option<&str>) {
        let fixed = fixed.map(|v| format!(", {{\"fixed\": \"{v}\"}}")).unwrap_or_default();
        let record = format!(
            "{{\"id\": \"{id}\", \"modified\": \"2026-11-01T00:00:00Z\", \"upstream\": [\"{cve}\"], \"affected\": [{{\
             \"package\": {{\"ecosystem\": \"Debian:12\", \"name\": \"{source}\"}}, \"ranges\": [{{\"type\": \"ECOSYSTEM\", \
             \"events\": [{{\"introduced\": \"0\"}}{fixed}]}}]}}]}}"
        );
        self.write(&format!("feed/Debian/{id}.json"), &record);
    }

    /// Takes a record out of the feed.
    pub(crate) fn withdraw(&self, id: &str) {
        std::fs::remove_file(self.path(&format!("feed/Debian/{id}.json"))).unwrap();
    }

    /// Why matches of the package of that name were closed, oldest first.
    pub(crate) async fn closing_reasons(&self, package: &str) -> Vec<&'static str> {
        let snapshot = self.app.live().snapshot();
        let numbers: Vec<_> = snapshot.packages_named(package).map(|row| row.no).collect();
        let history = self.app.store().read().await.unwrap().match_history(&numbers).await.unwrap();
        history.iter().flat_map(|(_, rows)| rows).filter_map(|row| Some(row.closed?.as_str())).collect()
    }

    pub(crate) async fn scan(&self) -> ScanReport {
        self.scan_as(&self.who).await
    }

    pub(crate) async fn scan_as(&self, who: &Principal) -> ScanReport {
        let target = format!("rootfs:{}", self.path("root").display()).parse().unwrap();
        self.app.scans().scan(who, &target, &ScanOptions::default()).await.unwrap()
    }

    pub(crate) async fn import(&self, options: &ImportOptions) -> ImportReport {
        let source = FeedSource::recognise(&self.path("feed/Debian")).unwrap();
        self.app.feeds().import(&self.who, &source, options, None).await.unwrap()
    }

    /// `vulnerability package version` of every finding of a project.
    pub(crate) fn findings_of(&self, who: &Principal) -> Vec<String> {
        let (scope, everything) = (who.scope(), Filter::All);
        let mut lines = Vec::new();
        let snapshot = self.app.live().snapshot();
        let _ = snapshot.findings(&Query::new(&scope, &everything, self.app.now()), |finding| {
            lines.push(line(finding));
            std::ops::ControlFlow::<()>::Continue(())
        });
        lines.sort_unstable();
        lines
    }

    pub(crate) fn findings(&self) -> Vec<String> {
        self.findings_of(&self.who)
    }
}

fn line(finding: &Finding<'_>) -> String {
    let key = &finding.package.key;
    format!("{} {} {}", finding.vulnerability.id, key.name, key.version)
}
