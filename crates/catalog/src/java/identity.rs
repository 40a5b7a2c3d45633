//! What an archive without Maven's files is: told from its manifest, its name and its classes.
//!
//! The version comes from the manifest or the name of the file. The group, without which no advisory
//! can be found, is asked of a table for the well-known ones that carry no Maven files (they are built
//! by Gradle or Ant), then of `Implementation-Vendor-Id`, the OSGi name, and last of the package that
//! all classes have in common. Where none says anything the archive is unknown; nothing is made up.
//!
//! Sources: *JAR File Specification*, "JAR Manifest"; *OSGi Core*, "Bundle Manifest Headers".

use std::collections::BTreeMap;

/// The main part of a manifest.
#[derive(Default)]
pub(super) struct Manifest(BTreeMap<String, String>);

impl Manifest {
    /// Reads the part before the first empty line; a line that begins with a space goes on.
    pub(super) fn parse(text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(text);
        let mut all: BTreeMap<String, String> = BTreeMap::new();
        let mut last = String::new();
        for line in text.lines() {
            if let Some(more) = line.strip_prefix(' ') {
                if let Some(value) = all.get_mut(&last) {
                    value.push_str(more);
                }
            } else if line.is_empty() {
                break;
            } else if let Some((name, value)) = line.split_once(':') {
                last = name.trim().to_ascii_lowercase();
                all.insert(last.clone(), value.trim().to_owned());
            }
        }
        Self(all)
    }

    /// A value that is filled in.
    fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name).map(String::as_str)?;
        // `Bundle-SymbolicName: name;singleton:=true`
        let value = value.split(';').next().unwrap_or_default().trim();
        (!value.is_empty() && !value.contains("${")).then_some(value)
    }
}

/// The packages of an archive's classes, as far as they have a beginning in common.
#[derive(Default)]
pub(super) struct Classes {
    count: u64,
    common: Option<Vec<String>>,
}

impl Classes {
    /// Takes the path of a class.
    pub(super) fn add(&mut self, path: &[u8]) {
        self.count += 1;
        if path.starts_with(b"META-INF/") || path.ends_with(b"module-info.class") {
            return;
        }
        let Ok(path) = std::str::from_utf8(path) else { return };
        let inner =
            ["WEB-INF/classes/", "BOOT-INF/classes/"].into_iter().find_map(|dir| path.strip_prefix(dir));
        let path = inner.unwrap_or(path);
        let mut parts = path.rsplit_once('/').map_or("", |(dir, _)| dir).split('/');
        match &mut self.common {
            None => self.common = Some(parts.take(8).map(str::to_owned).collect()),
            Some(common) => {
                let same = common.iter().take_while(|part| parts.next() == Some(part.as_str())).count();
                common.truncate(same);
            }
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// `org.example.tool`, if it is as long as a group.
    fn package(&self) -> Option<String> {
        let common = self.common.as_deref().filter(|parts| parts.len() >= 2)?;
        Some(common.iter().take(3).cloned().collect::<Vec<_>>().join("."))
    }
}

/// Groups of artifacts that are published without Maven's files: how their names begin.
const GROUPS: [(&str, &str); 26] = [
    ("spring-boot", "org.springframework.boot"),
    ("spring-security-", "org.springframework.security"),
    ("spring-data-", "org.springframework.data"),
    ("spring-integration-", "org.springframework.integration"),
    ("spring-cloud-", "org.springframework.cloud"),
    ("spring-webflow", "org.springframework.webflow"),
    ("spring-batch-", "org.springframework.batch"),
    ("spring-", "org.springframework"),
    ("kotlin-", "org.jetbrains.kotlin"),
    ("kotlinx-", "org.jetbrains.kotlinx"),
    ("okhttp", "com.squareup.okhttp3"),
    ("okio", "com.squareup.okio"),
    ("hibernate-validator", "org.hibernate.validator"),
    ("hibernate-core", "org.hibernate"),
    ("groovy", "org.codehaus.groovy"),
    ("lombok", "org.projectlombok"),
    ("micrometer-", "io.micrometer"),
    ("reactor-core", "io.projectreactor"),
    ("reactor-netty", "io.projectreactor.netty"),
    ("jedis", "redis.clients"),
    ("postgresql", "org.postgresql"),
    ("h2", "com.h2database"),
    ("grpc-", "io.grpc"),
    ("commons-lang3", "org.apache.commons"),
    ("elasticsearch", "org.elasticsearch"),
    ("lucene-", "org.apache.lucene"),
];

/// Beginnings of names that are groups of their own: `commons-io:commons-io`.
const OWN_GROUP: [&str; 13] = [
    "commons-beanutils",
    "commons-cli",
    "commons-codec",
    "commons-collections",
    "commons-configuration",
    "commons-fileupload",
    "commons-httpclient",
    "commons-io",
    "commons-lang",
    "commons-logging",
    "dom4j",
    "log4j",
    "xalan",
];

/// First parts of names of domains, by which a group is known as one.
const DOMAINS: [&str; 22] = [
    "ai", "be", "biz", "ch", "cn", "com", "de", "dev", "edu", "eu", "fr", "gov", "io", "it", "jakarta",
    "javax", "me", "net", "nl", "org", "ru", "uk",
];

/// Group, artifact and version, where all three can be told.
pub(super) fn of(manifest: &Manifest, file: &[u8], classes: &Classes) -> Option<(String, String, String)> {
    let file = std::str::from_utf8(file).ok()?;
    let (by_name, named_version) = name_and_version(file);
    let title = manifest.get("implementation-title").filter(|title| is_artifact(title));
    let artifact = match (by_name, title) {
        // A file that was renamed to a word of its own is less to be believed than its title.
        (name, Some(title)) if named_version.is_none() && !title.eq_ignore_ascii_case(name) => title,
        (name, _) => name,
    };
    let version = [
        manifest.get("implementation-version").filter(|version| is_version(version)),
        named_version,
        manifest.get("bundle-version"),
        manifest.get("specification-version"),
    ];
    let version = version.into_iter().flatten().find(|version| is_version(version))?;
    let group = group(manifest, artifact, classes)?;
    Some((group, artifact.to_owned(), version.to_owned()))
}

/// Splits `log4j-core-2.14.1.jar` before the first number behind a dash.
fn name_and_version(file: &str) -> (&str, Option<&str>) {
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let starts = stem.match_indices('-').map(|(at, _)| at);
    let is_number =
        |at: &usize| stem.get(at + 1..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    match starts.into_iter().find(is_number).map(|at| stem.split_at(at)) {
        Some((name, version)) if !name.is_empty() => (name, version.strip_prefix('-')),
        _ => (stem, None),
    }
}

fn is_version(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit()) && !text.contains(char::is_whitespace)
}

fn is_artifact(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'))
}

fn is_group(text: &str) -> bool {
    let first = text.split('.').next().unwrap_or_default();
    DOMAINS.contains(&first)
        && text.contains('.')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

fn group(manifest: &Manifest, artifact: &str, classes: &Classes) -> Option<String> {
    if OWN_GROUP.contains(&artifact) {
        return Some(artifact.to_owned());
    }
    let known = GROUPS.iter().find(|(begin, _)| match begin.ends_with('-') {
        true => artifact.starts_with(begin),
        false => artifact.strip_prefix(begin).is_some_and(|rest| rest.is_empty() || rest.starts_with('-')),
    });
    if let Some((_, group)) = known {
        return Some((*group).to_owned());
    }
    let vendor = manifest.get("implementation-vendor-id").filter(|id| is_group(id) && *id != "org.apache");
    let by_name = || {
        let names = ["bundle-symbolicname", "automatic-module-name", "extension-name"];
        names.into_iter().filter_map(|name| manifest.get(name)).find(|name| is_group(name)).map(|name| {
            // Bundles are usually called `GROUP.ARTIFACT`, without what both have in common.
            let last = artifact.rsplit('-').next().unwrap_or_default();
            let whole =
                [artifact, last].into_iter().find_map(|end| name.strip_suffix(end)?.strip_suffix('.'));
            match whole {
                Some(group) if group.contains('.') => group,
                _ => name,
            }
            .to_owned()
        })
    };
    vendor
        .map(str::to_owned)
        .or_else(by_name)
        .or_else(|| classes.package().filter(|package| is_group(package)))
}
