//! From what is asked of a report to the export that makes it.

use std::sync::Arc;

use parapet_model::{Permission, Principal, Scope};

use super::ReportSettings;
use crate::accounts::require;
use crate::app::App;
use crate::error::{Error, Result};
use crate::exports::{Asked, ColumnChoice, ExportRequest, Selection, make, promise};
use crate::findings::View;
use crate::jobs::{Outcome, Run};

/// Registries looked at; more are not configured by hand.
const MOST_REGISTRIES: u32 = 10_000;
/// Longest beginning of a file's name.
const LONGEST_FILE_NAME: usize = 100;

/// The export that makes a report of a view. The assets are chosen here and now, so that nothing
/// that happens later changes them.
pub(super) async fn request_of(
    app: &App,
    who: &Principal,
    scope: &Scope,
    settings: &ReportSettings,
    view: &View,
) -> Result<ExportRequest> {
    let Selection { assets, filter } = select(app, who, scope, settings, view).await?;
    let choice = |column: &String| ColumnChoice { column: column.clone(), label: column.clone() };
    Ok(ExportRequest {
        rows: settings.rows,
        assets: Some(assets),
        question: settings.question.clone(),
        columns: settings.columns.iter().map(choice).collect(),
        shape: settings.shape.clone(),
        zip: settings.zip,
        keep_days: settings.keep_days,
        name: file_name(&settings.name),
        ..ExportRequest::findings(filter.and(settings.filter.clone()))
    })
}

/// What the report's question chooses.
pub(super) async fn select(
    app: &App,
    who: &Principal,
    scope: &Scope,
    settings: &ReportSettings,
    view: &View,
) -> Result<Selection> {
    let shape = app.shapes.get(&settings.shape).cloned();
    let shape = shape.ok_or_else(|| Error::Invalid(format!("no shape is named {:?}", settings.shape)))?;
    let registries = match who.may(Permission::RegistriesRead) {
        true => app.registries().list(who, 0, MOST_REGISTRIES).await?,
        false => Vec::new(),
    };
    let (question, kind) = (settings.question.clone(), settings.kind);
    let (view, scope) = (view.clone(), scope.clone());
    tokio::task::spawn_blocking(move || {
        let (question, registries) = (question.as_str(), registries.as_slice());
        shape.select(&Asked { question, kind, view: &view, scope: &scope, registries })
    })
    .await?
}

/// Letters, digits and a few signs of the report's name.
fn file_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' };
    let text: String = name.trim().chars().take(LONGEST_FILE_NAME).map(plain).collect();
    if text.is_empty() { "report".to_owned() } else { text }
}

/// Runs the job of a report that a schedule made: what is known when it begins is what it says.
pub(crate) async fn run(app: &Arc<App>, run: &Run, settings: &ReportSettings) -> Result<Outcome> {
    require(&run.principal, Permission::ExportsCreate)?;
    let view = app.findings().view(None, None).await?;
    let request = request_of(app, &run.principal, &run.scope, settings, &view).await?;
    request.check(app)?;
    let export = promise(&view, &run.scope, request).await?;
    make(app, run, export, view).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_a_report_makes_a_name_of_a_file() {
        assert_eq!(file_name("weekly, shop/web"), "weekly__shop_web");
        assert_eq!(file_name(" \u{1f4c8} "), "_");
        assert_eq!(file_name(""), "report");
        assert_eq!(file_name(&"x".repeat(500)).len(), 100);
    }
}
