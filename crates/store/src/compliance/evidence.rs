//! What checks found, kept once for all results that found the same.

use std::collections::{BTreeMap, HashMap};

use parapet_model::compliance::Evidence;
use parapet_model::{Digest, EvidenceNo};

use crate::error::Result;
use crate::numbers::Counter;
use crate::session::Session;
use crate::sql::{Bulk, Value, to_json};
use crate::tx::Tx;

const FIND: Bulk<1> = Bulk {
    before: "WITH k(digest) AS (VALUES ",
    after: ") SELECT t.no, t.digest FROM k CROSS JOIN control_evidence t WHERE t.digest = k.digest ORDER BY t.no",
};
const INSERT: Bulk<4> =
    Bulk { before: "INSERT INTO control_evidence (no, digest, found, body) VALUES ", after: "" };
const READ: Bulk<1> = Bulk {
    before: "WITH k(no) AS (VALUES ",
    after: ") SELECT t.no, t.body FROM k CROSS JOIN control_evidence t WHERE t.no = k.no ORDER BY t.no",
};
const FOUND: Bulk<1> = Bulk {
    before: "WITH k(no) AS (VALUES ",
    after: ") SELECT t.no, t.found FROM k CROSS JOIN control_evidence t WHERE t.no = k.no ORDER BY t.no",
};

impl Session {
    /// Evidence by number; 0 and unknown numbers are left out.
    pub async fn evidence(&mut self, numbers: &[EvidenceNo]) -> Result<BTreeMap<EvidenceNo, Evidence>> {
        let rows = self.bulk_fetch(&READ, &keys(numbers)).await?;
        rows.iter()
            .map(|row| {
                let mut f = row.fields("control_evidence");
                Ok((EvidenceNo(f.u32("no")?), f.json("body")?))
            })
            .collect()
    }

    /// The digests that are compared, by number.
    pub(super) async fn found(&mut self, numbers: &[EvidenceNo]) -> Result<HashMap<EvidenceNo, Digest>> {
        let rows = self.bulk_fetch(&FOUND, &keys(numbers)).await?;
        rows.iter()
            .map(|row| {
                let mut f = row.fields("control_evidence");
                Ok((EvidenceNo(f.u32("no")?), Digest(f.array("found")?)))
            })
            .collect()
    }
}

fn keys(numbers: &[EvidenceNo]) -> Vec<[Value<'_>; 1]> {
    numbers.iter().map(|&no| [no.into()]).collect()
}

impl Tx {
    /// The numbers of evidences, in the order given; 0 for none.
    pub(super) async fn put_evidence(&mut self, evidences: &[Option<&Evidence>]) -> Result<Vec<EvidenceNo>> {
        let mut bodies: BTreeMap<Digest, (String, Digest)> = BTreeMap::new();
        let mut digests = Vec::with_capacity(evidences.len());
        for evidence in evidences {
            let Some(evidence) = evidence else {
                digests.push(None);
                continue;
            };
            let body = to_json(evidence)?;
            let digest = Digest::of(body.as_bytes());
            bodies.insert(digest, (body, evidence.found));
            digests.push(Some(digest));
        }
        let wanted: Vec<[Value<'_>; 1]> = bodies.keys().map(|digest| [digest.into()]).collect();
        let mut numbers: HashMap<Digest, EvidenceNo> = HashMap::with_capacity(bodies.len());
        for row in self.bulk_fetch(&FIND, &wanted).await? {
            let mut f = row.fields("control_evidence");
            let no = EvidenceNo(f.u32("no")?);
            numbers.insert(Digest(f.array("digest")?), no);
        }
        let new: Vec<(&Digest, &(String, Digest))> =
            bodies.iter().filter(|(digest, _)| !numbers.contains_key(digest)).collect();
        if !new.is_empty() {
            let first = self.take_numbers(Counter::ControlEvidence, new.len()).await?;
            let rows: Vec<[Value<'_>; 4]> = (first..)
                .zip(&new)
                .map(|(no, (digest, (body, found)))| [no.into(), (*digest).into(), found.into(), body.into()])
                .collect();
            self.bulk(&INSERT, &rows).await?;
            numbers.extend((first..).zip(&new).map(|(no, (digest, _))| (**digest, EvidenceNo(no))));
        }
        let number = |digest: Option<Digest>| digest.and_then(|d| numbers.get(&d).copied());
        Ok(digests.into_iter().map(|digest| number(digest).unwrap_or_default()).collect())
    }
}
