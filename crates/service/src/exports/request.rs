//! What is asked of an export.

use parapet_export::{Column, Columns, Heading};
use parapet_model::Filter;
use parapet_posture::AssetSet;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::error::{Error, Result};
use crate::findings::PastInstant;
use crate::host_scans::Verifying;

/// Most columns of one export.
const MAX_COLUMNS: usize = 200;
/// Most rows that are kept with the job.
const MAX_GIVEN: usize = 100_000;
/// Days for which a finished file is kept when nothing else is said.
pub(crate) const KEPT_DAYS: u16 = 7;

fn kept_days() -> u16 {
    KEPT_DAYS
}

/// What one row stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowKind {
    /// Asset × vulnerability × package.
    Finding,
    /// A vulnerability on all its assets.
    Vulnerability,
    /// Asset × vulnerability.
    AssetVulnerability,
    /// Rows that the asker worked out: see [`ExportRequest::given`].
    Given,
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Comma-separated values.
    Csv,
    /// A JSON object per line; findings only.
    Jsonl,
    /// A workbook; findings only.
    Xlsx,
    /// Apache Parquet; findings only.
    Parquet,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Csv, Self::Jsonl, Self::Xlsx, Self::Parquet];

    /// The format of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == word)
    }

    /// The media type of such a file.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::Jsonl => "application/jsonl",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// The word, which is also the file's extension.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Xlsx => "xlsx",
            Self::Parquet => "parquet",
        }
    }
}

/// A column and its title.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnChoice {
    /// Word of the column, in the vocabulary of the shape.
    pub column: String,
    /// Title printed.
    pub label: String,
}

/// An export as it is asked for and kept with its job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExportRequest {
    /// What one row stands for.
    pub rows: RowKind,
    /// Which findings.
    pub filter: Filter,
    /// Of these assets only; `None` for all.
    #[serde(default, with = "assets", skip_serializing_if = "Option::is_none")]
    pub assets: Option<AssetSet>,
    /// The question that chose the assets, as it was asked.
    #[serde(default)]
    pub question: String,
    /// Chosen columns in order; empty means the default ones (findings only).
    pub columns: Vec<ColumnChoice>,
    /// Which vocabulary the columns are in: a registered shape, or empty for findings.
    pub shape: String,
    /// Rows passed over.
    pub offset: u64,
    /// Most rows.
    pub limit: Option<u64>,
    /// How rows are written.
    pub format: Format,
    /// Whether the file is wrapped in a ZIP.
    pub zip: bool,
    /// Whether CSV is written for spreadsheet programs: byte order mark, CRLF.
    pub bom: bool,
    /// A past instant, or now.
    pub as_of: Option<PastInstant>,
    /// Also kernel packages that do not run where they lie.
    pub include_not_run_here: bool,
    /// Beginning of the file's name.
    pub name: String,
    /// Days for which the finished file is kept.
    #[serde(default = "kept_days")]
    pub keep_days: u16,
    /// The rows of [`RowKind::Given`], a cell for each column.
    #[serde(default)]
    pub given: Vec<Vec<String>>,
    /// What is being verified when it is asked for, which rows per asset and vulnerability say.
    #[serde(default, skip_serializing_if = "Verifying::is_empty")]
    pub verifying: Verifying,
}

impl ExportRequest {
    /// All findings that match, as CSV with the default columns.
    pub fn findings(filter: Filter) -> Self {
        Self {
            rows: RowKind::Finding,
            filter,
            assets: None,
            question: String::new(),
            columns: Vec::new(),
            shape: String::new(),
            offset: 0,
            limit: None,
            format: Format::Csv,
            zip: false,
            bom: false,
            as_of: None,
            include_not_run_here: false,
            name: "findings".to_owned(),
            keep_days: KEPT_DAYS,
            given: Vec::new(),
            verifying: Verifying::default(),
        }
    }

    /// How many of `total` rows the request takes.
    pub fn taken_of(&self, total: u64) -> u64 {
        total.saturating_sub(self.offset).min(self.limit.unwrap_or(u64::MAX))
    }

    /// Refuses what cannot be written.
    pub(crate) fn check(&self, app: &App) -> Result<()> {
        if self.columns.len() > MAX_COLUMNS {
            return Err(Error::Invalid(format!("an export has at most {MAX_COLUMNS} columns")));
        }
        match self.rows {
            RowKind::Finding => self.finding_columns().map(|_| ()),
            RowKind::Given if self.given.len() > MAX_GIVEN => {
                Err(Error::Invalid(format!("an export has at most {MAX_GIVEN} rows that were worked out")))
            }
            _ if self.format != Format::Csv => {
                Err(Error::Invalid("rows that stand for several findings are written as CSV only".to_owned()))
            }
            RowKind::Given => Ok(()),
            _ if !app.shapes.contains_key(&self.shape) => {
                Err(Error::Invalid(format!("no export shape is named {:?}", self.shape)))
            }
            _ => Ok(()),
        }
    }

    /// The columns of finding rows.
    pub(crate) fn finding_columns(&self) -> Result<Columns> {
        let columns = if self.columns.is_empty() {
            Columns::default()
        } else {
            let heading = |choice: &ColumnChoice| {
                let column = Column::parse(&choice.column).ok_or_else(|| {
                    let all: Vec<_> = Column::ALL.iter().map(|c| c.as_str()).collect();
                    Error::Invalid(format!("no column {:?}; there are {}", choice.column, all.join(", ")))
                })?;
                Ok(Heading { column, label: choice.label.clone() })
            };
            Columns::labelled(self.columns.iter().map(heading).collect::<Result<_>>()?)
        };
        Ok(match self.as_of {
            Some(past) => columns.as_of(past.at),
            None => columns,
        })
    }
}

/// A set of assets in a job's row: Base64 of its bytes.
mod assets {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use parapet_posture::AssetSet;
    use serde::{Deserialize, Deserializer, Serializer, de, ser};

    pub(super) fn serialize<S: Serializer>(set: &Option<AssetSet>, s: S) -> Result<S::Ok, S::Error> {
        let Some(set) = set else { return s.serialize_none() };
        // Numbers that follow each other become one run.
        let mut packed = set.clone();
        packed.optimize();
        let mut bytes = Vec::with_capacity(packed.serialized_size());
        packed.serialize_into(&mut bytes).map_err(ser::Error::custom)?;
        s.serialize_some(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<AssetSet>, D::Error> {
        let Some(text) = Option::<String>::deserialize(d)? else { return Ok(None) };
        let bytes = STANDARD.decode(text).map_err(de::Error::custom)?;
        AssetSet::deserialize_from(bytes.as_slice()).map(Some).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_comes_back_from_its_row_and_older_rows_are_read() {
        let assets = Some([3, 70_000].into_iter().collect());
        let request = ExportRequest { assets, keep_days: 30, ..ExportRequest::findings(Filter::All) };
        let mut row = serde_json::to_value(&request).unwrap();
        assert_eq!(serde_json::from_value::<ExportRequest>(row.clone()).unwrap(), request);
        for added in ["assets", "question", "keep_days"] {
            row.as_object_mut().unwrap().remove(added);
        }
        let older: ExportRequest = serde_json::from_value(row).unwrap();
        assert_eq!(older, ExportRequest::findings(Filter::All));
    }
}
