//! `updateinfo.xml`: what rpm repositories say of their own updates. Amazon and Oracle publish their
//! bulletins so and in no other way that is read here; Fedora, Rocky Linux and AlmaLinux do it too.
//!
//! The release is told by the bulletin's id and by the packages' release field (`.el9`, `.fc42`), never
//! by the name of the repository, which mirrors change. An extra of Amazon Linux 2 is a product of its
//! own: its `kernel` 5.4 is not the 4.14 of the core, so its bulletins must not speak of that.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Read};

use parapet_model::advisory::{Advisory, Affected, Event, Range, RangeKind};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event as Xml};

use super::osv::of_word;
use super::text::{MAX_DETAILS, MAX_SUMMARY, field, instant, is_url, one_line, text};
use super::{AdvisoryError, is_cve, is_id, source_of};

/// Bytes of one tag or text.
const MAX_TOKEN: usize = 1 << 20;
/// Elements inside each other.
const MAX_DEPTH: usize = 32;
/// Packages and references of one bulletin.
const MAX_PARTS: usize = 100_000;

/// Whether a text begins as such a file does.
pub fn is_updateinfo(head: &str) -> bool {
    let head = head.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    head.starts_with('<') && head.contains("<updates")
}

/// Gives each bulletin on vulnerabilities to `each`, which says whether to go on.
///
/// # Errors
/// [`AdvisoryError`] at the first thing that is not of the format's shape or breaks a limit.
pub fn read(reader: impl BufRead, each: &mut dyn FnMut(Advisory) -> bool) -> Result<(), AdvisoryError> {
    let mut reader = Reader::from_reader(Metered { inner: reader, token: 0 });
    reader.config_mut().expand_empty_elements = true;
    let (mut buffer, mut path) = (Vec::new(), Vec::<String>::new());
    let (mut update, mut heard) = (None::<Update>, String::new());
    loop {
        buffer.clear();
        reader.get_mut().token = 0;
        match reader.read_event_into(&mut buffer).map_err(broken)? {
            Xml::Start(tag) => {
                let name = String::from_utf8_lossy(tag.local_name().as_ref()).into_owned();
                if path.len() >= MAX_DEPTH {
                    return Err(AdvisoryError::TooDeep);
                }
                if path.is_empty() && name != "updates" {
                    return Err(AdvisoryError::Xml(format!("the outermost element is <{name}>")));
                }
                if path.len() == 1 && name == "update" {
                    update = Some(Update { kind: attribute(&tag, "type")?, ..Update::default() });
                } else if let Some(update) = &mut update {
                    update.open(&name, &tag)?;
                }
                heard.clear();
                path.push(name);
            }
            Xml::Text(part) => heard.push_str(&part.xml10_content().map_err(broken)?),
            Xml::CData(part) => heard.push_str(&part.xml10_content().map_err(broken)?),
            Xml::GeneralRef(part) => heard.push_str(resolved(&part)?.as_str()),
            Xml::End(_) => {
                let name = path.pop().unwrap_or_default();
                if path.len() == 1 && name == "update" {
                    let advisory = update.take().map(Update::advisory).transpose()?.flatten();
                    if advisory.is_some_and(|advisory| !each(advisory)) {
                        return Ok(());
                    }
                } else if let Some(update) = update.as_mut().filter(|_| path.len() == 2) {
                    update.close(&name, std::mem::take(&mut heard));
                }
                heard.clear();
            }
            Xml::DocType(_) => return Err(AdvisoryError::Xml("document types are refused".to_owned())),
            Xml::Eof if path.is_empty() => return Ok(()),
            Xml::Eof => return Err(AdvisoryError::Xml(format!("it ends inside <{}>", path.join("/")))),
            Xml::Comment(_) | Xml::Decl(_) | Xml::PI(_) | Xml::Empty(_) => {}
        }
        if heard.len() > MAX_TOKEN {
            return Err(AdvisoryError::TooLong("a text"));
        }
    }
}

fn broken(error: impl std::fmt::Display) -> AdvisoryError {
    AdvisoryError::Xml(error.to_string())
}

/// XML's five entities and characters by number; there are no others without a document type.
fn resolved(reference: &quick_xml::events::BytesRef<'_>) -> Result<String, AdvisoryError> {
    if let Some(character) = reference.resolve_char_ref().map_err(broken)? {
        return Ok(character.to_string());
    }
    let name = reference.decode().map_err(broken)?;
    let known = quick_xml::escape::resolve_predefined_entity(&name);
    known.map(str::to_owned).ok_or_else(|| AdvisoryError::Xml(format!("unknown entity {name:?}")))
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<String, AdvisoryError> {
    let found = tag.try_get_attribute(name).map_err(broken)?;
    let Some(found) = found else { return Ok(String::new()) };
    let raw = String::from_utf8_lossy(&found.value).into_owned();
    Ok(quick_xml::escape::unescape(&raw).map_err(broken)?.into_owned())
}

/// A bulletin while it is read.
#[derive(Default)]
struct Update {
    kind: String,
    id: String,
    title: String,
    issued: String,
    updated: String,
    severity: String,
    description: String,
    url: String,
    cves: BTreeSet<String>,
    module: String,
    packages: BTreeSet<Package>,
}

/// Name, module, release of the distribution, version with epoch.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    name: String,
    module: String,
    release: String,
    version: String,
}

impl Update {
    fn open(&mut self, name: &str, tag: &BytesStart<'_>) -> Result<(), AdvisoryError> {
        match name {
            "issued" => self.issued = attribute(tag, "date")?,
            "updated" => self.updated = attribute(tag, "date")?,
            "collection" => self.module.clear(),
            "module" => self.module = format!("{}:{}", attribute(tag, "name")?, attribute(tag, "stream")?),
            "reference" => {
                let (id, url) = (attribute(tag, "id")?, attribute(tag, "href")?);
                if is_cve(&id) && self.cves.len() < MAX_PARTS {
                    self.cves.insert(id);
                } else if self.url.is_empty() && is_url(&url) && attribute(tag, "type")? == "self" {
                    self.url = url;
                }
            }
            "package" if self.packages.len() < MAX_PARTS => {
                let (version, release) = (attribute(tag, "version")?, attribute(tag, "release")?);
                let epoch = match attribute(tag, "epoch")?.as_str() {
                    "" | "0" => String::new(),
                    epoch => format!("{epoch}:"),
                };
                // Sources are not installed.
                if !matches!(attribute(tag, "arch")?.as_str(), "src" | "nosrc") {
                    self.packages.insert(Package {
                        name: attribute(tag, "name")?,
                        module: self.module.clone(),
                        version: format!("{epoch}{version}-{release}"),
                        release,
                    });
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, name: &str, heard: String) {
        match name {
            "id" => self.id = heard.trim().to_owned(),
            "title" => self.title = heard,
            "severity" => self.severity = heard,
            "description" => self.description = heard,
            _ => {}
        }
    }

    /// `None` for what speaks of no vulnerability, or of no release that is known here.
    fn advisory(self) -> Result<Option<Advisory>, AdvisoryError> {
        if !is_id(&self.id) {
            return Err(AdvisoryError::BadId(self.id.chars().take(64).collect()));
        }
        if self.cves.is_empty() && self.kind != "security" {
            return Ok(None);
        }
        let mut entries: BTreeMap<(String, String, String), Vec<Range>> = BTreeMap::new();
        for package in self.packages {
            let Some(ecosystem) = ecosystem(&self.id, &package.release) else { continue };
            let fixed = Event::Fixed(field(package.version, "package version")?);
            let range =
                Range { kind: RangeKind::Ecosystem, events: vec![Event::Introduced("0".to_owned()), fixed] };
            let ranges = entries.entry((ecosystem, package.name, package.module)).or_default();
            if !ranges.contains(&range) {
                ranges.push(range);
            }
        }
        if entries.is_empty() {
            return Ok(None);
        }
        let mut affected = Vec::with_capacity(entries.len());
        for ((ecosystem, name, module), ranges) in entries {
            affected.push(Affected {
                ecosystem,
                name: field(name, "package name")?,
                module: field(module, "module")?,
                ranges,
                ..Affected::default()
            });
        }
        let vulnerabilities: Vec<String> =
            if self.cves.is_empty() { vec![self.id.clone()] } else { self.cves.into_iter().collect() };
        let published = instant(&spelled(&self.issued));
        Ok(Some(Advisory {
            source: source_of(&self.id).to_owned(),
            published,
            modified: instant(&spelled(&self.updated)).max(published),
            vulnerabilities,
            summary: one_line(text(self.title, "title", MAX_SUMMARY)?),
            details: text(self.description, "description", MAX_DETAILS)?,
            url: self.url,
            vendor_severity: of_word(self.severity.trim()).unwrap_or_default(),
            affected,
            id: self.id,
            ..Advisory::default()
        }))
    }
}

/// `2026-08-01 12:00:00` and `2026-08-01 12:00` as an instant is spelled; the rest as it stands.
fn spelled(date: &str) -> String {
    match (date.trim(), date.trim().split_once(' ')) {
        (_, Some((day, time))) if time.len() == 8 => format!("{day}T{time}Z"),
        (_, Some((day, _))) => day.to_owned(),
        (date, None) => date.to_owned(),
    }
}

/// The release that a bulletin's package is of.
fn ecosystem(id: &str, release: &str) -> Option<String> {
    let marked = |mark: &str| {
        let at = release.rfind(mark)? + mark.len();
        let digits: String = release.get(at..)?.chars().take_while(char::is_ascii_digit).collect();
        (!digits.is_empty()).then_some(digits)
    };
    let el = || marked(".el").or_else(|| marked("+el")).or_else(|| marked("_el"));
    let prefix = id.split('-').next()?;
    match prefix {
        "ALAS" => Some("Amazon Linux:1".to_owned()),
        "ALAS2" => Some("Amazon Linux:2".to_owned()),
        "ALAS2023" => Some("Amazon Linux:2023".to_owned()),
        // An extra or a live patch: `ALAS2KERNEL-5.4-2026-001`.
        _ if prefix.starts_with("ALAS2") => {
            Some(format!("Amazon Linux:2:{}", prefix.get(5..)?.to_ascii_lowercase()))
        }
        "ELSA" => Some(format!("Oracle Linux:{}", el()?)),
        "RLSA" | "RXSA" => Some(format!("Rocky Linux:{}", el()?)),
        "ALSA" => Some(format!("AlmaLinux:{}", el()?)),
        "RHSA" => Some(format!("Red Hat:{}", el()?)),
        // EPEL's packages are nobody's distribution.
        "FEDORA" if !id.starts_with("FEDORA-EPEL") => Some(format!("Fedora:{}", marked(".fc")?)),
        _ => None,
    }
}

/// Counts the bytes of the present token, which the tokenizer gathers.
struct Metered<R> {
    inner: R,
    token: usize,
}

impl<R: BufRead> Read for Metered<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(out)?;
        self.count(n)?;
        Ok(n)
    }
}

impl<R: BufRead> BufRead for Metered<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.token > MAX_TOKEN {
            return Err(io::Error::other(format!("a tag or text is longer than {MAX_TOKEN} bytes")));
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, n: usize) {
        self.token = self.token.saturating_add(n);
        self.inner.consume(n);
    }
}

impl<R> Metered<R> {
    fn count(&mut self, n: usize) -> io::Result<()> {
        self.token = self.token.saturating_add(n);
        if self.token > MAX_TOKEN {
            return Err(io::Error::other(format!("a tag or text is longer than {MAX_TOKEN} bytes")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge;
    use parapet_model::{MatchState, PackageKey, Severity};

    const FILE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<updates>
  <update author="a" status="final" type="security" version="1">
    <id>ALAS2-2026-1</id><title>Amazon Linux 2 - ALAS2-2026-1: &lt;bash&gt;</title>
    <issued date="2026-07-01 10:00" /><updated date="2026-07-02 10:00:00"/><severity>important</severity>
    <description>Two &amp; more</description>
    <references><reference href="https://a.example/1" id="CVE-2026-0001" type="cve"/>
      <reference href="https://a.example/2" id="CVE-2026-0002" type="cve"/></references>
    <pkglist><collection short="amazon-linux-2"><name>Amazon Linux 2</name>
      <package arch="x86_64" epoch="1" name="bash" release="34.amzn2" version="4.2.46"><filename>f</filename></package>
      <package arch="aarch64" epoch="1" name="bash" release="34.amzn2" version="4.2.46"><filename>f</filename></package>
      <package arch="src" epoch="1" name="bash-source" release="34.amzn2" version="4.2.46"/></collection></pkglist>
  </update>
  <update type="security"><id>ALAS2KERNEL-5.4-2026-001</id><references><reference id="CVE-2026-0003" type="cve"/></references>
    <pkglist><collection><package arch="x86_64" name="kernel-headers" release="1.amzn2" version="5.4.200"/></collection></pkglist></update>
  <update type="bugfix"><id>ELBA-2026-1</id></update>
  <update type="security"><id>ELSA-2026-7</id><references><reference id="CVE-2026-0004" type="cve"/></references>
    <pkglist><collection><module name="nodejs" stream="18"/>
      <package arch="x86_64" epoch="1" name="nodejs" release="1.module+el8.9.0+1" version="18.20.0"/></collection>
      <collection><package arch="noarch" name="docs" release="1.el8_9" version="2"/></collection></pkglist></update>
</updates>"#;

    fn records() -> Vec<Advisory> {
        let mut all = Vec::new();
        read(FILE.as_bytes(), &mut |advisory| {
            all.push(advisory);
            true
        })
        .unwrap();
        all
    }

    #[test]
    fn bulletins_become_records() {
        assert!(is_updateinfo(FILE) && !is_updateinfo("{}") && !is_updateinfo("<html>"));
        let records = records();
        let ids: Vec<&str> = records.iter().map(|record| record.id.as_str()).collect();
        assert_eq!(ids, ["ALAS2-2026-1", "ALAS2KERNEL-5.4-2026-001", "ELSA-2026-7"]);
        let first = &records[0];
        assert_eq!(first.vulnerabilities, ["CVE-2026-0001", "CVE-2026-0002"]);
        assert_eq!((first.vendor_severity, first.affected.len()), (Severity::High, 1));
        assert_eq!(
            (first.summary.as_str(), first.details.as_str()),
            ("Amazon Linux 2 - ALAS2-2026-1: <bash>", "Two & more")
        );
        assert!(first.modified > first.published && first.published > 0);
        let bash = |version: &str| judge(&PackageKey::new("Amazon Linux:2", "bash", version), first).pop();
        assert_eq!(bash("1:4.2.46-33.amzn2").unwrap().fixed_version, "1:4.2.46-34.amzn2");
        assert_eq!(bash("1:4.2.46-34.amzn2"), None);
    }

    #[test]
    fn an_extras_kernel_says_nothing_of_the_cores() {
        let headers = PackageKey::new("Amazon Linux:2", "kernel-headers", "4.14.300-1.amzn2");
        assert_eq!(judge(&headers, &records()[1]), []);
    }

    #[test]
    fn modules_and_releases_are_told() {
        let record = &records()[2];
        let mut node = PackageKey::new("Oracle Linux:8", "nodejs", "1:18.1.0-1.module+el8.7.0+1");
        node.module = "nodejs:18:8070:abc".to_owned();
        assert_eq!(judge(&node, record).pop().map(|v| v.state), Some(MatchState::FixAvailable));
        node.module = "nodejs:20:8070:abc".to_owned();
        assert_eq!(judge(&node, record), []);
        let docs = PackageKey::new("Oracle Linux:8", "docs", "1-1.el8");
        assert_eq!(judge(&docs, record).pop().map(|v| v.state), Some(MatchState::FixAvailable));
    }

    proptest::proptest! {
        #[test]
        fn a_file_that_was_changed_anywhere_is_read_or_refused(at in 0usize..FILE.len(), byte: u8, cut in 0usize..60) {
            let mut bytes = FILE.as_bytes().to_vec();
            bytes[at] = byte;
            bytes.drain(at..(at + cut).min(FILE.len()));
            let _ = read(bytes.as_slice(), &mut |_| true);
        }
    }

    #[test]
    fn hostile_files_are_errors() {
        for (text, why) in [
            ("<updates><update><id>a b</id></update></updates>", "is no advisory id"),
            ("<updates><update>", "it ends inside"),
            ("<html/>", "the outermost element"),
            ("<!DOCTYPE x [<!ENTITY a \"b\">]><updates/>", "document types"),
            ("<updates><update><id>&a;</id></update></updates>", "unknown entity"),
        ] {
            let error = read(text.as_bytes(), &mut |_| true).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
        let deep = format!("<updates>{}", "<a>".repeat(100));
        assert!(read(deep.as_bytes(), &mut |_| true).is_err());
        let long = format!("<updates><update><id>{}", "x".repeat(3 << 20));
        assert!(read(long.as_bytes(), &mut |_| true).is_err());
        read("<updates/>".as_bytes(), &mut |_| true).unwrap();
    }
}
