//! The table of what judges which ecosystem, as posture shows it.

use parapet_model::Coverage;
use parapet_model::coverage::EcosystemCoverage;

use crate::error::Result;
use crate::log::Kind;
use crate::session::Session;
use crate::sql::{Bulk, Row, Value, args, to_json};
use crate::tx::Tx;

const ALL: &str = "SELECT ecosystem, coverage, feeds, records FROM ecosystem_coverage ORDER BY ecosystem";
const CLEAR: &str = "DELETE FROM ecosystem_coverage";
const INSERT: Bulk<4> = Bulk {
    before: "INSERT INTO ecosystem_coverage (ecosystem, coverage, feeds, records) VALUES ",
    after: "",
};

fn coverage(row: &Row) -> Result<EcosystemCoverage> {
    let mut f = row.fields("ecosystem_coverage");
    Ok(EcosystemCoverage {
        ecosystem: f.text()?,
        coverage: f.word("coverage", Coverage::from_number)?,
        feeds: f.json("feeds")?,
        records: f.u64("records")?,
    })
}

impl Session {
    /// The whole table, by ecosystem.
    pub async fn coverage(&mut self) -> Result<Vec<EcosystemCoverage>> {
        self.fetch(ALL, args![]).await?.iter().map(coverage).collect()
    }
}

impl Tx {
    /// Makes the table exactly this; writes nothing when it is. Whether it changed.
    pub async fn put_coverage(&mut self, table: &[EcosystemCoverage]) -> Result<bool> {
        let mut wanted = table.to_vec();
        wanted.sort_by(|a, b| a.ecosystem.cmp(&b.ecosystem));
        if self.coverage().await? == wanted {
            return Ok(false);
        }
        self.execute(CLEAR, args![]).await?;
        let feeds = wanted.iter().map(|row| to_json(&row.feeds)).collect::<Result<Vec<_>>>()?;
        let rows: Vec<[Value<'_>; 4]> = wanted
            .iter()
            .zip(&feeds)
            .map(|(row, feeds)| {
                [(&row.ecosystem).into(), (row.coverage as u8).into(), feeds.into(), row.records.into()]
            })
            .collect();
        self.bulk(&INSERT, &rows).await?;
        self.log(Kind::Coverage, 0);
        Ok(true)
    }
}
