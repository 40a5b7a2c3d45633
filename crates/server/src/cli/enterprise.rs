//! `parapet enterprise-project`.

use anyhow::bail;
use clap::{Args, Subcommand};
use parapet_model::Filter;
use parapet_service::ChosenAssets;
use serde_json::json;
use uuid::Uuid;

use super::options::StoreOptions;
use super::output::{self, Format};

/// Divide assets into enterprise projects, and say who sees which.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  parapet enterprise-project add Finance --id finance
  parapet enterprise-project assign finance --where 'repository ~ \"payments\"'
  parapet enterprise-project grant alice finance
  parapet enterprise-project grant alice --all")]
pub(super) struct EnterpriseProject {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    store: StoreOptions,
    /// How to print
    #[arg(long, value_enum, default_value_t, global = true)]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make one
    Add {
        /// Name
        name: String,
        /// Id by which wires call it; without it one is made
        #[arg(long)]
        id: Option<String>,
    },
    /// Give one another name
    Rename {
        /// Its id
        id: String,
        /// The new name
        name: String,
    },
    /// List them
    List,
    /// Put assets into one; each leaves the one it was in
    Assign {
        /// Its id
        id: String,
        /// Ids of assets
        assets: Vec<Uuid>,
        /// The assets that a filter selects instead
        #[arg(long = "where", value_name = "FILTER", conflicts_with = "assets")]
        filter: Option<String>,
    },
    /// Say on which of them a user's rights are good
    Grant {
        /// Name of the user
        user: String,
        /// Ids of the only ones the user sees
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        ids: Vec<String>,
        /// On all of them, also those made later
        #[arg(long)]
        all: bool,
    },
}

impl EnterpriseProject {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        // Assets are found in posture; nothing else is.
        let (app, who) = if matches!(self.action, Action::Assign { .. }) {
            self.store.open().await?
        } else {
            self.store.open_without_posture().await?
        };
        let accounts = app.accounts();
        match self.action {
            Action::Add { name, id } => {
                let row = accounts.create_enterprise_project(&who, &name, id.as_deref()).await?;
                match self.format {
                    Format::Json => output::print_json(&json!({"id": row.id, "name": row.name})),
                    Format::Table => output::print(&format!("{}\n", row.id)),
                }
            }
            Action::Rename { id, name } => {
                accounts.rename_enterprise_project(&who, &id, &name).await?;
                Ok(())
            }
            Action::List => {
                let rows = accounts.enterprise_projects(&who).await?;
                if self.format == Format::Json {
                    let rows: Vec<_> =
                        rows.iter().map(|row| json!({"id": row.id, "name": row.name})).collect();
                    return output::print_json(&rows);
                }
                let mut table = vec![vec!["ID".to_owned(), "NAME".to_owned()]];
                table.extend(rows.into_iter().map(|row| vec![row.id, row.name]));
                output::print(&output::table(&table))
            }
            Action::Assign { id, assets, filter } => {
                let assets = match filter {
                    Some(text) => ChosenAssets::Where(Filter::parse(&text)?),
                    None if assets.is_empty() => bail!("name assets, or choose them with --where"),
                    None => ChosenAssets::Named(assets),
                };
                let moved = accounts.move_assets(&who, &id, assets).await?;
                match self.format {
                    Format::Json => output::print_json(&json!({"moved": moved})),
                    Format::Table => output::print(&format!("{moved} assets moved\n")),
                }
            }
            Action::Grant { user, ids, all } => {
                Ok(accounts.grant(&who, &user, (!all).then_some(ids.as_slice())).await?)
            }
        }
    }
}
