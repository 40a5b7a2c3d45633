//! The small set written by us, for a first look without network. Named as such everywhere.

use std::fs;

use parapet_matching::starter;
use parapet_model::Principal;

use super::Feeds;
use super::import::{ImportOptions, ImportReport};
use super::source::{FeedFormat, FeedSource};
use crate::error::{Error, Result};

impl Feeds<'_> {
    /// Loads the starter set.
    pub async fn import_starter(&self, who: &Principal) -> Result<ImportReport> {
        let dir = tempfile::tempdir().map_err(|e| Error::file(&std::env::temp_dir(), e))?;
        for (i, record) in starter::records().enumerate() {
            let path = dir.path().join(format!("{i}.json"));
            fs::write(&path, record).map_err(|e| Error::file(&path, e))?;
        }
        let source = FeedSource {
            format: FeedFormat::Osv,
            name: starter::NAME.to_owned(),
            path: dir.path().to_owned(),
        };
        let options = ImportOptions {
            starter: true,
            location: Some("built in".to_owned()),
            ..ImportOptions::default()
        };
        self.import(who, &source, &options, None).await
    }
}
