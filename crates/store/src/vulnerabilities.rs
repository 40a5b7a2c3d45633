//! Vulnerabilities: a number for every id that was ever named, who is the same as whom since when,
//! and in which severity band it was. KEV and EPSS are joined on reading, so a new score rewrites
//! nothing here.

use std::collections::{HashMap, HashSet};

use parapet_model::package::is_clean;
use parapet_model::time::{FOREVER, Millis};
use parapet_model::vulnerability::Vulnerability;
use parapet_model::{AdvisoryNo, Severity, VulnerabilityNo};

use crate::error::{Error, Result};
use crate::log::Kind;
use crate::numbers::Counter;
use crate::session::Session;
use crate::sql::{Bulk, Row, Value, args, to_json};
use crate::tx::Tx;

const FIND: Bulk<1> = Bulk {
    before: "WITH k(id) AS (VALUES ",
    after: ") SELECT t.no, t.id FROM k CROSS JOIN vulnerability t WHERE t.id = k.id ORDER BY t.no",
};
/// Bare rows: of most ids nothing more is ever stored than what they are joined with.
const INSERT: Bulk<3> = Bulk {
    before: "WITH k(no, id, canonical) AS (VALUES ",
    after: ") INSERT INTO vulnerability (no, id, canonical, aliases, title, severity, cvss_vector, cvss_score, \
            published) SELECT k.no, k.id, k.canonical, '[]', '', 0, '', -1.0, 0 FROM k",
};
const READ: Bulk<1> = Bulk {
    before: "WITH k(no) AS (VALUES ",
    after: ") SELECT t.no, t.id, t.canonical, t.aliases, t.title, t.severity, t.cvss_vector, t.cvss_score, \
            t.published, COALESCE(kev.added, 0), COALESCE(epss.score, -1.0) \
            FROM k CROSS JOIN vulnerability t LEFT JOIN kev ON kev.cve = t.id LEFT JOIN epss ON epss.cve = t.id \
            WHERE t.no = k.no ORDER BY t.no",
};
const UPDATE: Bulk<8> = Bulk {
    before: "WITH k(no, canonical, aliases, title, severity, cvss_vector, cvss_score, published) AS (VALUES ",
    after: ") UPDATE vulnerability SET canonical = k.canonical, aliases = k.aliases, title = k.title, \
            severity = k.severity, cvss_vector = k.cvss_vector, cvss_score = k.cvss_score, \
            published = k.published FROM k WHERE vulnerability.no = k.no",
};
const CLOSE_BAND: Bulk<2> = Bulk {
    before: "WITH k(no, at) AS (VALUES ",
    after: ") UPDATE vulnerability_band SET to_at = k.at FROM k \
            WHERE vulnerability_band.vulnerability = k.no AND vulnerability_band.to_at = 9223372036854775807",
};
const OPEN_BAND: Bulk<4> = Bulk {
    before: "INSERT INTO vulnerability_band (vulnerability, from_at, to_at, severity) VALUES ",
    after: " ON CONFLICT (vulnerability, from_at) DO UPDATE SET to_at = excluded.to_at, severity = excluded.severity",
};
const CLOSE_SAME_AS: Bulk<2> = Bulk {
    before: "WITH k(no, at) AS (VALUES ",
    after: ") UPDATE same_as SET to_at = k.at FROM k \
            WHERE same_as.vulnerability = k.no AND same_as.to_at = 9223372036854775807",
};
const OPEN_SAME_AS: Bulk<4> = Bulk {
    before: "INSERT INTO same_as (vulnerability, from_at, to_at, canonical) VALUES ",
    after: " ON CONFLICT (vulnerability, from_at) DO UPDATE SET to_at = excluded.to_at, canonical = excluded.canonical",
};
const BAND_AT: Bulk<2> = Bulk {
    before: "WITH k(no, at) AS (VALUES ",
    after: ") SELECT t.vulnerability, t.severity FROM k CROSS JOIN vulnerability_band t \
            WHERE t.vulnerability = k.no AND t.from_at <= k.at AND t.to_at > k.at ORDER BY t.vulnerability",
};
const SAME_AS_AT: Bulk<2> = Bulk {
    before: "WITH k(no, at) AS (VALUES ",
    after: ") SELECT t.vulnerability, t.canonical FROM k CROSS JOIN same_as t \
            WHERE t.vulnerability = k.no AND t.from_at <= k.at AND t.to_at > k.at ORDER BY t.vulnerability",
};
const OF_CANONICAL: &str = "SELECT no FROM vulnerability WHERE canonical = $1 ORDER BY no";
const NAMING: Bulk<1> = Bulk {
    before: "WITH k(no) AS (VALUES ",
    after: ") SELECT t.vulnerability, t.advisory FROM k CROSS JOIN advisory_vulnerability t \
            WHERE t.vulnerability = k.no ORDER BY t.vulnerability, t.advisory",
};

/// The numbers of ids.
pub(crate) struct Named {
    /// In the order of the ids.
    pub(crate) numbers: Vec<VulnerabilityNo>,
    /// Those that were joined while they were numbered.
    pub(crate) joined: Vec<String>,
}

fn vulnerability(row: &Row) -> Result<Vulnerability> {
    let mut f = row.fields("vulnerability");
    Ok(Vulnerability {
        no: VulnerabilityNo(f.u32("no")?),
        id: f.text()?,
        canonical: VulnerabilityNo(f.u32("canonical")?),
        aliases: f.json("aliases")?,
        title: f.text()?,
        severity: f.word("severity", Severity::from_number)?,
        cvss_vector: f.text()?,
        cvss_score: f.f64()?,
        published: f.i64()?,
        kev_added: f.i64()?,
        epss: f.f64()?,
    })
}

impl Session {
    /// Vulnerabilities by number; unknown numbers are left out.
    pub async fn vulnerabilities(&mut self, numbers: &[VulnerabilityNo]) -> Result<Vec<Vulnerability>> {
        let keys: Vec<[Value<'_>; 1]> = numbers.iter().map(|&no| [no.into()]).collect();
        self.bulk_fetch(&READ, &keys).await?.iter().map(vulnerability).collect()
    }

    /// The numbers of those of these ids that were ever named.
    pub async fn find_vulnerabilities(&mut self, ids: &[&str]) -> Result<HashMap<String, VulnerabilityNo>> {
        let keys: Vec<[Value<'_>; 1]> = ids.iter().map(|&id| [id.into()]).collect();
        let rows = self.bulk_find(&FIND, &keys).await?;
        let pair = |row: &Row| {
            let mut f = row.fields("vulnerability");
            let no = VulnerabilityNo(f.u32("no")?);
            Ok((f.text()?, no))
        };
        rows.iter().map(pair).collect()
    }

    /// The vulnerability of that id, be it canonical or an alias. Follow `canonical` for the one
    /// that stands for it now.
    pub async fn vulnerability_by_id(&mut self, id: &str) -> Result<Option<Vulnerability>> {
        match self.find_vulnerabilities(&[id]).await?.get(id) {
            Some(&no) => Ok(self.vulnerabilities(&[no]).await?.pop()),
            None => Ok(None),
        }
    }

    /// All numbers that stand for the same as this canonical one, itself included.
    pub async fn same_vulnerabilities(&mut self, canonical: VulnerabilityNo) -> Result<Vec<VulnerabilityNo>> {
        let rows = self.fetch(OF_CANONICAL, args![canonical]).await?;
        rows.iter().map(|row| row.fields("vulnerability").u32("no").map(VulnerabilityNo)).collect()
    }

    /// The advisories whose current record names these very numbers.
    pub async fn advisories_naming(
        &mut self,
        numbers: &[VulnerabilityNo],
    ) -> Result<Vec<(VulnerabilityNo, AdvisoryNo)>> {
        let keys: Vec<[Value<'_>; 1]> = numbers.iter().map(|&no| [no.into()]).collect();
        let pair = |row: &Row| {
            let mut f = row.fields("advisory_vulnerability");
            Ok((VulnerabilityNo(f.u32("vulnerability")?), AdvisoryNo(f.u32("advisory")?)))
        };
        self.bulk_fetch(&NAMING, &keys).await?.iter().map(pair).collect()
    }

    /// Sets severity band and canonical number back to what was known at `at`.
    pub(crate) async fn vulnerabilities_as_of(
        &mut self,
        all: &mut [Vulnerability],
        at: Millis,
    ) -> Result<()> {
        let keys: Vec<[Value<'_>; 2]> = all.iter().map(|v| [v.no.into(), at.into()]).collect();
        let mut bands = HashMap::new();
        for row in self.bulk_fetch(&BAND_AT, &keys).await? {
            let mut f = row.fields("vulnerability_band");
            bands.insert(f.u32("vulnerability")?, f.word("severity", Severity::from_number)?);
        }
        let mut same = HashMap::new();
        for row in self.bulk_fetch(&SAME_AS_AT, &keys).await? {
            let mut f = row.fields("same_as");
            same.insert(f.u32("vulnerability")?, VulnerabilityNo(f.u32("canonical")?));
        }
        for v in all {
            v.severity = bands.get(&v.no.0).copied().unwrap_or_default();
            v.canonical = same.get(&v.no.0).copied().unwrap_or(v.no);
        }
        Ok(())
    }
}

impl Tx {
    /// A number for each id, in the same order; ids never named before get a bare row.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an empty id, one over 1,024 bytes or with a NUL.
    pub async fn vulnerability_numbers(&mut self, ids: &[&str]) -> Result<Vec<VulnerabilityNo>> {
        self.join_vulnerabilities(ids, &HashMap::new()).await.map(|named| named.numbers)
    }

    /// As [`Tx::vulnerability_numbers`]; an id never named before that `joins` leads to another id of
    /// the list is joined with that one from the start.
    pub(crate) async fn join_vulnerabilities(
        &mut self,
        ids: &[&str],
        joins: &HashMap<&str, &str>,
    ) -> Result<Named> {
        if let Some(bad) = ids.iter().find(|id| id.is_empty() || !is_clean(id)) {
            let start: String = bad.chars().take(60).collect();
            return Err(Error::Invalid(format!("not an id of a vulnerability: {start:?}")));
        }
        let mut known = self.find_vulnerabilities(ids).await?;
        let mut seen = HashSet::new();
        let fresh: Vec<&str> =
            ids.iter().copied().filter(|&id| !known.contains_key(id) && seen.insert(id)).collect();
        let mut joined = Vec::new();
        if !fresh.is_empty() {
            let first = self.take_numbers(Counter::Vulnerability, fresh.len()).await?;
            let numbered: Vec<(VulnerabilityNo, &str)> = (first..).map(VulnerabilityNo).zip(fresh).collect();
            known.extend(numbered.iter().map(|&(no, id)| (id.to_owned(), no)));
            let target = |id: &str| known.get(*joins.get(id)?).copied();
            let rows: Vec<(VulnerabilityNo, &str, VulnerabilityNo)> =
                numbered.iter().map(|&(no, id)| (no, id, target(id).unwrap_or(no))).collect();
            self.insert_vulnerabilities(&rows).await?;
            joined = rows.iter().filter(|(no, _, to)| no != to).map(|(_, id, _)| (*id).to_owned()).collect();
        }
        let numbers = ids.iter().filter_map(|&id| known.get(id).copied()).collect();
        Ok(Named { numbers, joined })
    }

    /// Bare rows with the number that stands for each. They have no severity band, which is that of
    /// unknown, and are not in the log: followers want vulnerabilities that something matched, and
    /// get them with the matches.
    async fn insert_vulnerabilities(
        &mut self,
        rows: &[(VulnerabilityNo, &str, VulnerabilityNo)],
    ) -> Result<()> {
        let now = self.recorded();
        let bare: Vec<[Value<'_>; 3]> =
            rows.iter().map(|&(no, id, canonical)| [no.into(), id.into(), canonical.into()]).collect();
        self.bulk(&INSERT, &bare).await?;
        let joined: Vec<[Value<'_>; 4]> = rows
            .iter()
            .filter(|(no, _, canonical)| no != canonical)
            .map(|&(no, _, canonical)| [no.into(), now.into(), FOREVER.into(), canonical.into()])
            .collect();
        self.bulk(&OPEN_SAME_AS, &joined).await?;
        Ok(())
    }

    /// Brings vulnerabilities up to date and returns how many differed; only those are written.
    /// They are found by `no`, which must exist; `id`, `kev_added` and `epss` are not taken from
    /// here. A change of band or canonical number closes one interval and opens another.
    pub async fn put_vulnerabilities(&mut self, wanted: &[Vulnerability]) -> Result<usize> {
        let numbers: Vec<VulnerabilityNo> = wanted.iter().map(|v| v.no).collect();
        let now: HashMap<VulnerabilityNo, Vulnerability> =
            self.vulnerabilities(&numbers).await?.into_iter().map(|v| (v.no, v)).collect();
        let changed: Vec<(&Vulnerability, &Vulnerability)> = wanted
            .iter()
            .filter_map(|new| Some((now.get(&new.no)?, new)))
            .filter(|(a, b)| differ(a, b))
            .collect();
        let aliases =
            changed.iter().map(|(_, new)| to_json(&new.aliases)).collect::<Result<Vec<String>>>()?;
        let rows: Vec<[Value<'_>; 8]> = changed
            .iter()
            .zip(&aliases)
            .map(|((_, v), aliases)| {
                [
                    v.no.into(),
                    v.canonical.into(),
                    aliases.into(),
                    (&v.title).into(),
                    (v.severity as u8).into(),
                    (&v.cvss_vector).into(),
                    v.cvss_score.into(),
                    v.published.into(),
                ]
            })
            .collect();
        self.bulk(&UPDATE, &rows).await?;
        self.move_bands(&changed).await?;
        self.move_canonical(&changed).await?;
        for (_, v) in &changed {
            self.log(Kind::Vulnerability, v.no.0);
        }
        Ok(changed.len())
    }

    async fn move_bands(&mut self, changed: &[(&Vulnerability, &Vulnerability)]) -> Result<()> {
        let now = self.recorded();
        let moved: Vec<&Vulnerability> =
            changed.iter().filter(|(old, new)| old.severity != new.severity).map(|(_, new)| *new).collect();
        let close: Vec<[Value<'_>; 2]> = moved.iter().map(|v| [v.no.into(), now.into()]).collect();
        self.bulk(&CLOSE_BAND, &close).await?;
        let open: Vec<[Value<'_>; 4]> = moved
            .iter()
            .map(|v| [v.no.into(), now.into(), FOREVER.into(), (v.severity as u8).into()])
            .collect();
        self.bulk(&OPEN_BAND, &open).await?;
        Ok(())
    }

    async fn move_canonical(&mut self, changed: &[(&Vulnerability, &Vulnerability)]) -> Result<()> {
        let now = self.recorded();
        let moved: Vec<&Vulnerability> =
            changed.iter().filter(|(old, new)| old.canonical != new.canonical).map(|(_, new)| *new).collect();
        let close: Vec<[Value<'_>; 2]> = moved.iter().map(|v| [v.no.into(), now.into()]).collect();
        self.bulk(&CLOSE_SAME_AS, &close).await?;
        let open: Vec<[Value<'_>; 4]> = moved
            .iter()
            .filter(|v| v.canonical != v.no)
            .map(|v| [v.no.into(), now.into(), FOREVER.into(), v.canonical.into()])
            .collect();
        self.bulk(&OPEN_SAME_AS, &open).await?;
        Ok(())
    }
}

/// Whether anything differs that is stored here.
fn differ(old: &Vulnerability, new: &Vulnerability) -> bool {
    let stored = |v: &Vulnerability| (v.canonical, v.severity, v.published, v.cvss_score.to_bits());
    stored(old) != stored(new)
        || old.title != new.title
        || old.aliases != new.aliases
        || old.cvss_vector != new.cvss_vector
}
