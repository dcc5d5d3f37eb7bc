//! `template`: saved templates.

use std::path::PathBuf;

use clap::Subcommand;
use steading_api::operations::{DeleteTemplate, GetTemplate, ListTemplates};

use super::apply::Apply;
use super::client::Client;
use super::display::{self, span, table};
use super::exit::Failure;
use super::get::now;
use super::{Format, Output};

/// Verbs on templates.
#[derive(Debug, Subcommand)]
pub(crate) enum Template {
    /// List them
    #[command(visible_alias = "ls")]
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Show one
    Get {
        /// Its name
        name: String,
        #[command(flatten)]
        output: Output,
    },
    /// Create or change those of files
    #[command(visible_alias = "update")]
    Create {
        /// Files; `-` is standard input
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Delete some; runs made from them keep their copy
    Delete {
        /// Their names
        #[arg(required = true)]
        names: Vec<String>,
    },
}

impl Template {
    pub(crate) async fn run(self, client: &Client) -> Result<(), Failure> {
        match self {
            Self::List { output } => list(client, output.format).await,
            Self::Get { name, output } => {
                let template = client
                    .tenant_call::<GetTemplate>(&[&name], &(), &())
                    .await?;
                let format = if output.format == Format::Json {
                    Format::Json
                } else {
                    Format::Yaml
                };
                display::document(&template.object, format)
            }
            Self::Create { files } => Apply::of(files).run(client).await,
            Self::Delete { names } => {
                for name in &names {
                    client
                        .tenant_call::<DeleteTemplate>(&[name], &(), &())
                        .await?;
                    display::line(&format!("WorkflowTemplate '{name}' deleted"))?;
                }
                Ok(())
            }
        }
    }
}

async fn list(client: &Client, format: Format) -> Result<(), Failure> {
    let templates = client
        .tenant_call::<ListTemplates>(&[], &(), &())
        .await?
        .templates;
    match format {
        Format::Json | Format::Yaml => display::document(&templates, format),
        Format::Name => display::print(
            &templates
                .iter()
                .map(|t| format!("{}\n", t.name))
                .collect::<String>(),
        ),
        Format::Text | Format::Wide => {
            let rows: Vec<Vec<String>> = templates
                .iter()
                .map(|t| {
                    vec![
                        t.name.clone(),
                        t.version.to_string(),
                        span(now().since(t.changed)),
                    ]
                })
                .collect();
            display::print(&table(&["NAME", "VERSION", "AGE"], &rows))
        }
    }
}
