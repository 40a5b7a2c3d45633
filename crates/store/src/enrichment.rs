//! KEV and EPSS: today's lists, without history (REVIEW A8). Only differences are written, and
//! followers hear of the vulnerabilities whose entry changed.

use std::collections::HashMap;

use parapet_model::vulnerability::{EpssScore, KevEntry};

use crate::error::Result;
use crate::log::Kind;
use crate::session::Session;
use crate::sql::{Bulk, Row, Value, args};
use crate::tx::Tx;

const ALL_KEV: &str = "SELECT cve, added, due, ransomware FROM kev ORDER BY cve";
const PUT_KEV: Bulk<4> = Bulk {
    before: "INSERT INTO kev (cve, added, due, ransomware) VALUES ",
    after: " ON CONFLICT (cve) DO UPDATE SET added = excluded.added, due = excluded.due, \
            ransomware = excluded.ransomware",
};
const DELETE_KEV: Bulk<1> =
    Bulk { before: "WITH k(cve) AS (VALUES ", after: ") DELETE FROM kev WHERE cve IN (SELECT k.cve FROM k)" };

const READ_EPSS: Bulk<1> = Bulk {
    before: "WITH k(cve) AS (VALUES ",
    after: ") SELECT t.cve, t.score, t.percentile FROM k CROSS JOIN epss t WHERE t.cve = k.cve ORDER BY t.cve",
};
const PUT_EPSS: Bulk<3> = Bulk {
    before: "INSERT INTO epss (cve, score, percentile) VALUES ",
    after: " ON CONFLICT (cve) DO UPDATE SET score = excluded.score, percentile = excluded.percentile",
};
const DELETE_EPSS: Bulk<1> = Bulk {
    before: "WITH k(cve) AS (VALUES ",
    after: ") DELETE FROM epss WHERE cve IN (SELECT k.cve FROM k)",
};
const EPSS_PAGE: &str = "SELECT cve FROM epss WHERE cve > $1 ORDER BY cve LIMIT $2";

fn kev(row: &Row) -> Result<KevEntry> {
    let mut f = row.fields("kev");
    Ok(KevEntry { cve: f.text()?, added: f.i64()?, due: f.i64()?, ransomware: f.bool("ransomware")? })
}

fn epss(row: &Row) -> Result<EpssScore> {
    let mut f = row.fields("epss");
    Ok(EpssScore { cve: f.text()?, score: f.f64()?, percentile: f.f64()? })
}

impl Session {
    /// The whole KEV catalogue, by CVE (some 1,500 entries).
    pub async fn kev(&mut self) -> Result<Vec<KevEntry>> {
        self.fetch(ALL_KEV, args![]).await?.iter().map(kev).collect()
    }

    /// The scores of these CVEs, as far as they have one.
    pub async fn epss(&mut self, cves: &[&str]) -> Result<Vec<EpssScore>> {
        let keys: Vec<[Value<'_>; 1]> = cves.iter().map(|&cve| [cve.into()]).collect();
        self.bulk_fetch(&READ_EPSS, &keys).await?.iter().map(epss).collect()
    }

    /// At most `limit` CVEs with a score, after `after`: for finding those the publisher dropped.
    pub async fn epss_cves(&mut self, after: &str, limit: u32) -> Result<Vec<String>> {
        let rows = self.fetch(EPSS_PAGE, args![after, limit]).await?;
        rows.iter().map(|row| row.fields("epss").text()).collect()
    }
}

impl Tx {
    /// Makes the KEV catalogue exactly `wanted`; the number of entries added, changed or removed.
    pub async fn replace_kev(&mut self, wanted: &[KevEntry]) -> Result<usize> {
        let mut stale: HashMap<String, KevEntry> =
            self.kev().await?.into_iter().map(|entry| (entry.cve.clone(), entry)).collect();
        let put: Vec<&KevEntry> =
            wanted.iter().filter(|entry| stale.remove(&entry.cve).as_ref() != Some(*entry)).collect();
        let rows: Vec<[Value<'_>; 4]> = put
            .iter()
            .map(|e| [(&e.cve).into(), e.added.into(), e.due.into(), e.ransomware.into()])
            .collect();
        self.bulk(&PUT_KEV, &rows).await?;
        let gone: Vec<[Value<'_>; 1]> = stale.keys().map(|cve| [cve.into()]).collect();
        self.bulk(&DELETE_KEV, &gone).await?;
        let touched: Vec<&str> =
            put.iter().map(|e| e.cve.as_str()).chain(stale.keys().map(String::as_str)).collect();
        self.log_vulnerabilities(&touched).await?;
        Ok(touched.len())
    }

    /// Stores the scores that differ; how many did. Give each CVE once.
    pub async fn put_epss(&mut self, scores: &[EpssScore]) -> Result<usize> {
        let cves: Vec<&str> = scores.iter().map(|s| s.cve.as_str()).collect();
        let known: HashMap<String, EpssScore> =
            self.epss(&cves).await?.into_iter().map(|s| (s.cve.clone(), s)).collect();
        let put: Vec<&EpssScore> = scores.iter().filter(|s| known.get(&s.cve) != Some(*s)).collect();
        let rows: Vec<[Value<'_>; 3]> =
            put.iter().map(|s| [(&s.cve).into(), s.score.into(), s.percentile.into()]).collect();
        self.bulk(&PUT_EPSS, &rows).await?;
        let touched: Vec<&str> = put.iter().map(|s| s.cve.as_str()).collect();
        self.log_vulnerabilities(&touched).await?;
        Ok(touched.len())
    }

    /// Removes scores the publisher dropped.
    pub async fn remove_epss(&mut self, cves: &[&str]) -> Result<u64> {
        let keys: Vec<[Value<'_>; 1]> = cves.iter().map(|&cve| [cve.into()]).collect();
        let removed = self.bulk(&DELETE_EPSS, &keys).await?;
        self.log_vulnerabilities(cves).await?;
        Ok(removed)
    }

    /// Logs those of these ids that are known vulnerabilities.
    async fn log_vulnerabilities(&mut self, ids: &[&str]) -> Result<()> {
        for no in self.find_vulnerabilities(ids).await?.into_values() {
            self.log(Kind::Vulnerability, no.0);
        }
        Ok(())
    }
}
