//! What Maven puts into the archives it builds: `pom.properties` and `pom.xml`.
//!
//! Sources: the reference of Maven Archiver; *java.util.Properties*; Maven's *POM Reference*. A value
//! that is still to be filled in (`${…}`) is none.

use quick_xml::Reader;
use quick_xml::events::Event;

/// Group, artifact and version, where a `pom.properties` has all three.
pub(super) fn properties(text: &[u8]) -> Option<(String, String, String)> {
    let text = String::from_utf8_lossy(text);
    let (mut group, mut artifact, mut version) = (String::new(), String::new(), String::new());
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', '!'])) {
        let Some((name, value)) = line.split_once(['=', ':']) else { continue };
        let slot = match name.trim() {
            "groupId" => &mut group,
            "artifactId" => &mut artifact,
            "version" => &mut version,
            _ => continue,
        };
        value.trim().clone_into(slot);
    }
    let is_said = |value: &str| !value.is_empty() && !value.contains("${");
    let all_said = is_said(&group) && is_said(&artifact) && is_said(&version);
    all_said.then_some((group, artifact, version))
}

/// The version in a `pom.xml`: the project's own, else its parent's.
pub(super) fn version(text: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(text);
    let mut reader = Reader::from_str(&text);
    let mut path: Vec<Vec<u8>> = Vec::new();
    let (mut own, mut parents) = (None, None);
    loop {
        match reader.read_event().ok()? {
            Event::Start(element) => {
                // Of deeper ones nothing is asked.
                if path.len() > 64 {
                    return None;
                }
                path.push(element.local_name().as_ref().to_vec());
            }
            Event::End(_) => {
                path.pop();
            }
            Event::Text(value) => {
                let path: Vec<&[u8]> = path.iter().map(Vec::as_slice).collect();
                let slot = match path.as_slice() {
                    [b"project", b"version"] => &mut own,
                    [b"project", b"parent", b"version"] => &mut parents,
                    _ => continue,
                };
                *slot = value.decode().ok().map(|value| value.trim().to_owned());
            }
            Event::DocType(_) => return None,
            Event::Eof => break,
            _ => {}
        }
    }
    own.or(parents).filter(|version| !version.is_empty() && !version.contains("${"))
}
