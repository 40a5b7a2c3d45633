//! Documents that were read, and when each host was looked at for each policy.
//!
//! A document counts once it is complete. Until then its results may stand already, but it is no look: the
//! next document is put in as if it had never been, and recording it again puts it in whole.

use parapet_model::compliance::Assessment;
use parapet_model::time::{FOREVER, Millis};
use parapet_model::{AssetNo, ControlNo, Digest, PolicyNo, ProjectNo, TechnologyNo};

use super::Said;
use crate::error::Result;
use crate::log::Kind;
use crate::session::Session;
use crate::sql::{Row, args};
use crate::tx::Tx;

const LOOKS: &str = "SELECT observed, content FROM assessment_document \
     WHERE host = $1 AND policy = $2 AND complete = 1 ORDER BY host, policy, observed, content";
const OF_CONTENT: &str = "SELECT observed FROM assessment_document \
     WHERE host = $1 AND policy = $2 AND content = $3 AND complete = 1";
const BEGIN: &str = "INSERT INTO assessment_document (host, policy, observed, content, recorded, complete) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (host, policy, observed, content) DO NOTHING";
const COMPLETE: &str = "UPDATE assessment_document SET complete = 1, recorded = $1 \
     WHERE host = $2 AND policy = $3 AND observed = $4 AND content = $5";
const NEWEST: &str = "INSERT INTO assessment (host, policy, technology, observed, content, created) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (host, policy) DO UPDATE SET \
     technology = excluded.technology, observed = excluded.observed, content = excluded.content";
const OF_HOST: &str = "SELECT host, policy, technology, observed, created FROM assessment \
     WHERE host = $1 ORDER BY host, policy";
const OF_POLICY: &str = "SELECT host, policy, technology, observed, created FROM assessment \
     WHERE policy = $1 AND host > $2 ORDER BY policy, host LIMIT $3";
const BY_KEY: &str = "SELECT host, policy, technology, observed, created FROM assessment \
     WHERE host = $1 AND policy = $2";

/// A document that is being recorded, as far as one host and policy are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Document {
    /// Owner.
    pub project: ProjectNo,
    /// The host.
    pub host: AssetNo,
    /// The policy.
    pub policy: PolicyNo,
    /// The platform of the host.
    pub technology: TechnologyNo,
    /// When the host was looked at.
    pub observed: Millis,
    /// Digest of what the document says.
    pub content: Digest,
}

/// What a document turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// The newest look at this host for this policy.
    Newest,
    /// A newer look is known; this one becomes history and changes no current state.
    Older,
    /// It was recorded before. Nothing is to be done.
    Duplicate,
    /// Another look at the very same instant has the word. Nothing is to be done but to complete it.
    Overruled,
}

impl Document {
    pub(super) fn said(&self) -> Said {
        Said { observed: self.observed, content: self.content }
    }
}

fn assessment(row: &Row) -> Result<Assessment> {
    let mut f = row.fields("assessment");
    Ok(Assessment {
        host: AssetNo(f.u32("host")?),
        policy: PolicyNo(f.u32("policy")?),
        technology: TechnologyNo(f.u32("technology")?),
        observed: f.i64()?,
        created: f.i64()?,
    })
}

impl Session {
    /// The policies for which a host was looked at.
    pub async fn assessments_of_host(&mut self, host: AssetNo) -> Result<Vec<Assessment>> {
        self.fetch(OF_HOST, args![host]).await?.iter().map(assessment).collect()
    }

    /// At most `limit` hosts that were looked at for a policy, with numbers above `after`, ascending.
    pub async fn assessments_of_policy(
        &mut self,
        policy: PolicyNo,
        after: AssetNo,
        limit: u32,
    ) -> Result<Vec<Assessment>> {
        self.fetch(OF_POLICY, args![policy, after, limit]).await?.iter().map(assessment).collect()
    }

    /// A host as a policy sees it.
    pub async fn assessment(&mut self, host: AssetNo, policy: PolicyNo) -> Result<Option<Assessment>> {
        self.fetch_one(BY_KEY, args![host, policy]).await?.as_ref().map(assessment).transpose()
    }

    /// All complete documents of a host and policy by time, with the digest of each.
    pub(super) async fn looks(&mut self, host: AssetNo, policy: PolicyNo) -> Result<Vec<Said>> {
        let rows = self.fetch(LOOKS, args![host, policy]).await?;
        rows.iter()
            .map(|row| {
                let mut f = row.fields("assessment_document");
                Ok(Said { observed: f.i64()?, content: Digest(f.array("content")?) })
            })
            .collect()
    }
}

impl Tx {
    /// Begins to record a document, and says what it is. Ask again in every transaction of it: another
    /// document may have come between.
    pub async fn begin_document(&mut self, document: &Document) -> Result<Arrival> {
        let Document { host, policy, observed, content, .. } = document;
        if self.fetch_one(OF_CONTENT, args![*host, *policy, content]).await?.is_some() {
            return Ok(Arrival::Duplicate);
        }
        let recorded = self.recorded();
        self.execute(BEGIN, args![*host, *policy, *observed, content, recorded, false]).await?;
        let looks = self.looks(*host, *policy).await?;
        let own = document.said();
        Ok(if looks.iter().any(|look| look.observed == own.observed && *look > own) {
            Arrival::Overruled
        } else if looks.last().is_some_and(|newest| newest.observed > own.observed) {
            Arrival::Older
        } else {
            Arrival::Newest
        })
    }

    /// Ends a document: from now on it is a look. `controls` are those that the policy asks for by it.
    /// Results that it did not name must have been recorded as gone before.
    pub async fn end_document(&mut self, document: &Document, controls: &[ControlNo]) -> Result<()> {
        let Document { host, policy, technology, observed, content, .. } = document;
        let arrival = self.begin_document(document).await?;
        if arrival == Arrival::Duplicate {
            return Ok(());
        }
        let now = self.recorded();
        self.execute(COMPLETE, args![now, *host, *policy, *observed, content]).await?;
        if arrival == Arrival::Newest {
            self.execute(NEWEST, args![*host, *policy, *technology, *observed, content, now]).await?;
        }
        self.policy_evaluated(*policy, *observed).await?;
        // The newest document of all hosts says what the policy asks for.
        if self.policy_said(*policy).await?.is_none_or(|last| last <= document.said()) {
            self.set_members(*policy, controls).await?;
        }
        self.log(Kind::ControlResults, host.0);
        Ok(())
    }
}

/// The instant of the next look after `at`, or [`FOREVER`].
pub(super) fn next_look(looks: &[Said], at: Millis) -> Millis {
    let after = looks.partition_point(|look| look.observed <= at);
    looks.get(after).map_or(FOREVER, |look| look.observed)
}
