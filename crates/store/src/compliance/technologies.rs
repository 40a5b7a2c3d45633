//! Technologies: platforms, and the controls that are judged there.

use parapet_model::compliance::Technology;
use parapet_model::{ControlNo, ProjectNo, TechnologyNo};

use super::check_name;
use crate::error::Result;
use crate::numbers::Counter;
use crate::session::Session;
use crate::sql::{Bulk, Row, Value, args};
use crate::tx::Tx;

const PAGE: &str = "SELECT no, project, cpe, name FROM compliance_technology \
     WHERE project = $1 AND no > $2 ORDER BY no LIMIT $3";
const BY_NO: &str = "SELECT no, project, cpe, name FROM compliance_technology WHERE project = $1 AND no = $2";
const BY_CPE: &str =
    "SELECT no, project, cpe, name FROM compliance_technology WHERE project = $1 AND cpe = $2";
const INSERT: &str = "INSERT INTO compliance_technology (no, project, cpe, name) VALUES ($1, $2, $3, $4)";
const OF_CONTROLS: Bulk<1> = Bulk {
    before: "WITH k(control) AS (VALUES ",
    after: ") SELECT t.control, t.technology FROM k CROSS JOIN control_technology t \
            WHERE t.control = k.control ORDER BY t.control, t.technology",
};
const LINK: Bulk<2> = Bulk {
    before: "INSERT INTO control_technology (control, technology) VALUES ",
    after: " ON CONFLICT DO NOTHING",
};

fn technology(row: &Row) -> Result<Technology> {
    let mut f = row.fields("compliance_technology");
    Ok(Technology {
        no: TechnologyNo(f.u32("no")?),
        project: ProjectNo(f.u32("project")?),
        cpe: f.text()?,
        name: f.text()?,
    })
}

impl Session {
    /// At most `limit` technologies of the project with numbers above `after`, ascending.
    pub async fn technologies(
        &mut self,
        project: ProjectNo,
        after: TechnologyNo,
        limit: u32,
    ) -> Result<Vec<Technology>> {
        self.fetch(PAGE, args![project, after, limit]).await?.iter().map(technology).collect()
    }

    /// A technology of the project.
    pub async fn technology(&mut self, project: ProjectNo, no: TechnologyNo) -> Result<Option<Technology>> {
        self.fetch_one(BY_NO, args![project, no]).await?.as_ref().map(technology).transpose()
    }

    /// The technologies on which controls are judged, by control.
    pub async fn technologies_of_controls(
        &mut self,
        controls: &[ControlNo],
    ) -> Result<Vec<(ControlNo, TechnologyNo)>> {
        let keys: Vec<[Value<'_>; 1]> = controls.iter().map(|&no| [no.into()]).collect();
        let rows = self.bulk_fetch(&OF_CONTROLS, &keys).await?;
        rows.iter()
            .map(|row| {
                let mut f = row.fields("control_technology");
                Ok((ControlNo(f.u32("control")?), TechnologyNo(f.u32("technology")?)))
            })
            .collect()
    }
}

impl Tx {
    /// The number of a platform, a new one when it was not known. Its name is that of the first time.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] for a CPE name over 512 bytes or with a NUL.
    pub async fn put_technology(
        &mut self,
        project: ProjectNo,
        cpe: &str,
        name: &str,
    ) -> Result<TechnologyNo> {
        check_name("the CPE name of a platform", cpe)?;
        if let Some(row) = self.fetch_one(BY_CPE, args![project, cpe]).await? {
            return Ok(technology(&row)?.no);
        }
        let no = TechnologyNo(self.take_number(Counter::Technology).await?);
        self.execute(INSERT, args![no, project, cpe, name]).await?;
        Ok(no)
    }

    /// Notes that these controls are judged on a platform.
    pub(super) async fn link_controls(&mut self, controls: &[ControlNo], on: TechnologyNo) -> Result<()> {
        let rows: Vec<[Value<'_>; 2]> = controls.iter().map(|&no| [no.into(), on.into()]).collect();
        self.bulk(&LINK, &rows).await?;
        Ok(())
    }
}
