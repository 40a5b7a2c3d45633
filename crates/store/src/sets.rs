//! Package sets: members for posture, evidence for explaining.
//!
//! `members` is the ascending distinct package numbers, packed as in `src/blob.rs`. `evidence` is
//! zstd over one entry per found package: number, database, count of paths, each path; numbers as
//! LEB128, texts and paths with their length before them.

use std::collections::{HashMap, HashSet};
use std::io::Read as _;

use parapet_model::facts::SetRow;
use parapet_model::inventory::PackageSet;
use parapet_model::{Digest, PackageNo, SetNo};

use crate::blob;
use crate::error::{Error, Result};
use crate::log::Kind;
use crate::numbers::Counter;
use crate::session::Session;
use crate::sql::{Bulk, Row, Value, args};
use crate::tx::Tx;

const FIND: &str = "SELECT no FROM package_set WHERE digest = $1";
const FIND_ALL: Bulk<1> = Bulk {
    before: "WITH k(digest) AS (VALUES ",
    after: ") SELECT t.no, t.digest FROM k CROSS JOIN package_set t WHERE t.digest = k.digest ORDER BY t.no",
};
const INSERT: Bulk<3> = Bulk { before: "INSERT INTO package_set (no, digest, members) VALUES ", after: "" };
const INSERT_EVIDENCE: Bulk<2> =
    Bulk { before: "INSERT INTO package_set_evidence (package_set, evidence) VALUES ", after: "" };
const READ: Bulk<1> = Bulk {
    before: "WITH k(no) AS (VALUES ",
    after: ") SELECT t.no, t.members FROM k CROSS JOIN package_set t WHERE t.no = k.no ORDER BY t.no",
};
const EVIDENCE: &str = "SELECT package_set, evidence FROM package_set_evidence WHERE package_set = $1";

/// Most bytes of one set's evidence, unpacked. A set over it is refused when it is put.
const MAX_EVIDENCE: usize = 256 << 20;

/// Where a package was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Kind of the database that named it.
    pub database: String,
    /// Files that show it, relative to the root.
    pub paths: Vec<Vec<u8>>,
}

fn set(row: &Row) -> Result<SetRow> {
    let mut f = row.fields("package_set");
    let no = SetNo(f.u32("no")?);
    let members = blob::unpack(f.blob()?).ok_or_else(|| f.inconsistent("members"))?;
    Ok(SetRow { no, members: members.into_iter().map(PackageNo).collect() })
}

impl Session {
    /// Sets by number, ascending; unknown numbers are left out.
    pub async fn sets(&mut self, numbers: &[SetNo]) -> Result<Vec<SetRow>> {
        let keys: Vec<[Value<'_>; 1]> = numbers.iter().map(|&no| [no.into()]).collect();
        self.bulk_fetch(&READ, &keys).await?.iter().map(set).collect()
    }

    /// The set of that content, if it is known.
    pub async fn set_by_digest(&mut self, digest: &Digest) -> Result<Option<SetNo>> {
        let row = self.fetch_one(FIND, args![digest]).await?;
        row.map(|row| row.fields("package_set").u32("no").map(SetNo)).transpose()
    }

    /// Where a set shows the packages that are `wanted`: one entry for each package and database that
    /// names it, in the order of the set; nothing for packages that the set does not hold.
    pub async fn set_evidence(
        &mut self,
        set: SetNo,
        wanted: impl Fn(PackageNo) -> bool + Send,
    ) -> Result<Vec<(PackageNo, Evidence)>> {
        let Some(row) = self.fetch_one(EVIDENCE, args![set]).await? else { return Ok(Vec::new()) };
        let mut f = row.fields("package_set_evidence");
        f.i64()?;
        unpack_evidence(f.blob()?, wanted).ok_or_else(|| f.inconsistent("evidence"))
    }
}

impl Tx {
    /// The number of a set, stored if it is new (then the second value is true). `numbers` holds
    /// the number of each of its packages, in the same order.
    pub async fn put_set(&mut self, set: &PackageSet, numbers: &[PackageNo]) -> Result<(SetNo, bool)> {
        let put = self.put_sets(&[(set, numbers)]).await?;
        put.first().copied().ok_or(Error::Exhausted("package_set"))
    }

    /// Like [`Tx::put_set`] for many.
    pub async fn put_sets(&mut self, wanted: &[(&PackageSet, &[PackageNo])]) -> Result<Vec<(SetNo, bool)>> {
        if wanted.iter().any(|(set, numbers)| set.packages.len() != numbers.len()) {
            return Err(Error::Invalid("a set needs one number for each of its packages".into()));
        }
        let digests: Vec<Digest> = wanted.iter().map(|(set, _)| set.digest()).collect();
        let mut known = self.sets_known(&digests).await?;
        let mut met = HashSet::new();
        let is_new = |at: &usize| !known.contains_key(&digests[*at]) && met.insert(digests[*at]);
        let fresh: Vec<usize> = (0..wanted.len()).filter(is_new).collect();
        let made = self.insert_sets(wanted, &digests, &fresh).await?;
        known.extend(fresh.iter().map(|at| digests[*at]).zip(made));
        let put = digests
            .iter()
            .enumerate()
            .filter_map(|(at, digest)| Some((*known.get(digest)?, fresh.binary_search(&at).is_ok())));
        Ok(put.collect())
    }

    async fn sets_known(&mut self, digests: &[Digest]) -> Result<HashMap<Digest, SetNo>> {
        let keys: Vec<[Value<'_>; 1]> = digests.iter().map(|digest| [digest.into()]).collect();
        let rows = self.bulk_fetch(&FIND_ALL, &keys).await?;
        let known = rows.iter().map(|row| {
            let mut f = row.fields("package_set");
            let no = SetNo(f.u32("no")?);
            Ok((Digest(f.array("digest")?), no))
        });
        known.collect()
    }

    async fn insert_sets(
        &mut self,
        wanted: &[(&PackageSet, &[PackageNo])],
        digests: &[Digest],
        fresh: &[usize],
    ) -> Result<Vec<SetNo>> {
        if fresh.is_empty() {
            return Ok(Vec::new());
        }
        let mut packed = Vec::with_capacity(fresh.len());
        for (set, numbers) in fresh.iter().map(|&at| wanted[at]) {
            let mut members: Vec<u32> = numbers.iter().map(|no| no.0).collect();
            members.sort_unstable();
            members.dedup();
            packed.push((blob::pack(members.into_iter()), pack_evidence(set, numbers)?));
        }
        let first = self.take_numbers(Counter::Set, fresh.len()).await?;
        let made: Vec<SetNo> = (first..).map(SetNo).take(fresh.len()).collect();
        let (mut sets, mut evidence): (Vec<[Value<'_>; 3]>, Vec<[Value<'_>; 2]>) = Default::default();
        for ((&no, &at), (members, paths)) in made.iter().zip(fresh).zip(&packed) {
            sets.push([no.into(), (&digests[at]).into(), members.into()]);
            evidence.push([no.into(), paths.into()]);
            self.log(Kind::Set, no.0);
        }
        self.bulk(&INSERT, &sets).await?;
        self.bulk(&INSERT_EVIDENCE, &evidence).await?;
        Ok(made)
    }
}

fn pack_evidence(set: &PackageSet, numbers: &[PackageNo]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    for (found, no) in set.packages.iter().zip(numbers) {
        blob::put(&mut out, no.0);
        blob::put_bytes(&mut out, found.database.as_bytes());
        blob::put(&mut out, u32::try_from(found.paths.len()).unwrap_or(u32::MAX));
        for path in &found.paths {
            blob::put_bytes(&mut out, path);
        }
        if out.len() > MAX_EVIDENCE {
            return Err(Error::Invalid("the paths of one package set are too long".into()));
        }
    }
    zstd::bulk::compress(&out, 1).map_err(|e| Error::Invalid(format!("evidence cannot be packed: {e}")))
}

fn unpack_evidence(packed: &[u8], wanted: impl Fn(PackageNo) -> bool) -> Option<Vec<(PackageNo, Evidence)>> {
    let mut all = Vec::new();
    let limit = (MAX_EVIDENCE as u64).checked_mul(2)?;
    zstd::stream::read::Decoder::new(packed).ok()?.take(limit).read_to_end(&mut all).ok()?;
    let mut rest = all.as_slice();
    let mut out = Vec::new();
    while !rest.is_empty() {
        let no = PackageNo(blob::take(&mut rest)?);
        let is_wanted = wanted(no);
        let database = blob::take_bytes(&mut rest)?;
        let count = blob::take(&mut rest)?;
        let mut paths = Vec::new();
        for _ in 0..count {
            let path = blob::take_bytes(&mut rest)?;
            if is_wanted {
                paths.push(path.to_vec());
            }
        }
        if is_wanted {
            let database = std::str::from_utf8(database).ok()?.to_owned();
            out.push((no, Evidence { database, paths }));
        }
    }
    Some(out)
}
