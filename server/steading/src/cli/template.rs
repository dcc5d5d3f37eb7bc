//! `template`, `cluster-template`: saved templates.

use std::path::PathBuf;

use clap::Subcommand;
use steading_api::operation::Operation;
use steading_api::operations::{
    DeleteClusterTemplate, DeleteTemplate, GetClusterTemplate, GetTemplate, ListClusterTemplates,
    ListTemplates,
};
use steading_api::run::Done;
use steading_api::template::{TemplateBody, TemplateList};

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
    /// On those of the tenant.
    pub(crate) async fn tenants(self, client: &Client) -> Result<(), Failure> {
        let parts = client.tenant_parts(&[]);
        self.run::<ListTemplates, GetTemplate, DeleteTemplate>("WorkflowTemplate", &parts, client)
            .await
    }

    /// On those of the site.
    pub(crate) async fn sites(self, client: &Client) -> Result<(), Failure> {
        let kind = "ClusterWorkflowTemplate";
        self.run::<ListClusterTemplates, GetClusterTemplate, DeleteClusterTemplate>(
            kind,
            &[],
            client,
        )
        .await
    }

    /// `parts` lead to the templates.
    async fn run<List, Get, Delete>(
        self,
        kind: &str,
        parts: &[&str],
        client: &Client,
    ) -> Result<(), Failure>
    where
        List: Operation<Query = (), Body = (), Answer = TemplateList>,
        Get: Operation<Query = (), Body = (), Answer = TemplateBody>,
        Delete: Operation<Query = (), Body = (), Answer = Done>,
    {
        match self {
            Self::List { output } => {
                let list = client.call::<List>(parts, &(), &()).await?;
                listed(&list.templates, output.format)
            }
            Self::Get { name, output } => {
                let parts = [parts, &[&name]].concat();
                let template = client.call::<Get>(&parts, &(), &()).await?;
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
                    let parts = [parts, &[name]].concat();
                    client.call::<Delete>(&parts, &(), &()).await?;
                    display::line(&format!("{kind} '{name}' deleted"))?;
                }
                Ok(())
            }
        }
    }
}

fn listed(templates: &[TemplateBody], format: Format) -> Result<(), Failure> {
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
