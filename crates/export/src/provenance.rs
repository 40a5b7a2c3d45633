//! Where an export comes from: written beside it, so that a file found years later still says what
//! was asked, of which state of the world, and how much of it could be judged.

use std::collections::BTreeMap;

use parapet_model::{Coverage, Digest, Millis};
use serde::{Deserialize, Serialize};

/// What every as-of answer has to say (DESIGN, *Two clocks*).
pub const AS_OF_NOTE: &str = "presence, matches, references, exceptions and severity bands are as of the given \
    instant; KEV is judged by its own date; EPSS and texts are those of the day the export was made";

/// What an export was made of. The file holds three more keys that come from the artifact itself:
/// `file`, `size` (bytes) and `sha256` (64 hex digits).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Provenance {
    /// Version of Parapet.
    pub parapet: String,
    /// Format: `csv`, `jsonl`, with `+zip` where wrapped.
    pub format: String,
    /// The filter as text; empty for everything.
    pub filter: String,
    /// What the asker may see, as `Scope::describe` words it.
    pub scope: String,
    /// Log position the rows belong to.
    pub seq: u64,
    /// Recorded time of that position.
    #[serde(with = "instant")]
    pub recorded: Millis,
    /// The instant asked for, if it was not now.
    #[serde(default, with = "optional_instant")]
    pub as_of: Option<Millis>,
    /// The feeds that were judged with.
    pub feeds: Vec<FeedDate>,
    /// Assets in the export's scope by their worst coverage word.
    pub coverage: BTreeMap<Coverage, u64>,
    /// The feeds are the small starter set: findings are an example, not an assessment.
    pub starter_set: bool,
    /// Rows written.
    pub rows: u64,
    /// Titles of the columns, in order.
    pub columns: Vec<String>,
    /// Whatever else a reader must know, such as [`AS_OF_NOTE`].
    pub notes: Vec<String>,
}

/// A feed and how old its data are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedDate {
    /// Name of the feed.
    pub name: String,
    /// Date of its data, if it states one.
    #[serde(default, with = "optional_instant")]
    pub date: Option<Millis>,
    /// Records loaded from it.
    pub records: u64,
}

/// The provenance as written: with what only the finished file knows.
#[derive(Debug, Serialize)]
pub(crate) struct Sidecar<'a> {
    pub(crate) file: &'a str,
    pub(crate) size: u64,
    pub(crate) sha256: String,
    #[serde(flatten)]
    pub(crate) provenance: &'a Provenance,
}

impl<'a> Sidecar<'a> {
    pub(crate) fn new(file: &'a str, size: u64, digest: Digest, provenance: &'a Provenance) -> Self {
        Self { file, size, sha256: digest.hex(), provenance }
    }
}

/// What the name of an artifact's provenance ends in.
pub(crate) const SUFFIX: &str = ".provenance.json";

/// The name of the provenance beside the artifact `name`.
pub fn provenance_name(name: &str) -> String {
    format!("{name}{SUFFIX}")
}

/// [`Millis`] as RFC 3339 text.
mod instant {
    use parapet_model::Millis;
    use parapet_model::time::{format_rfc3339, parse_instant};
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(at: &Millis, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&format_rfc3339(*at))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Millis, D::Error> {
        let text = String::deserialize(d)?;
        parse_instant(&text).ok_or_else(|| de::Error::custom(format!("not an instant: {text:?}")))
    }
}

/// The same, or null.
mod optional_instant {
    use parapet_model::Millis;
    use parapet_model::time::{format_rfc3339, parse_instant};
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    pub(super) fn serialize<S: Serializer>(at: &Option<Millis>, s: S) -> Result<S::Ok, S::Error> {
        at.map(format_rfc3339).serialize(s)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Millis>, D::Error> {
        let Some(text) = Option::<String>::deserialize(d)? else { return Ok(None) };
        let at = parse_instant(&text);
        at.map(Some).ok_or_else(|| de::Error::custom(format!("not an instant: {text:?}")))
    }
}
