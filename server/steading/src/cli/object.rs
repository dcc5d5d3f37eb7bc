//! `config-map`, `secret`, `claim`: objects that workflows use. They are made by `apply`.

use clap::Subcommand;
use steading_api::object::{ObjectBody, ObjectList};
use steading_api::operation::Operation;
use steading_api::operations::{
    DeleteClaim, DeleteConfigMap, DeleteSecret, GetClaim, GetConfigMap, GetSecret, ListClaims,
    ListConfigMaps, ListSecrets,
};
use steading_api::run::Done;

use super::client::Client;
use super::display::{self, span, table};
use super::exit::Failure;
use super::get::now;
use super::{Format, Output};

/// Verbs on objects of one kind.
#[derive(Debug, Subcommand)]
pub(crate) enum Objects {
    /// List them
    #[command(visible_alias = "ls")]
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Show one; the values of a secret are never shown
    Get {
        /// Its name
        name: String,
        #[command(flatten)]
        output: Output,
    },
    /// Delete some; tasks that run keep what they were given, and a claim goes after the last of them
    Delete {
        /// Their names
        #[arg(required = true)]
        names: Vec<String>,
    },
}

impl Objects {
    pub(crate) async fn config_maps(self, client: &Client) -> Result<(), Failure> {
        self.run::<ListConfigMaps, GetConfigMap, DeleteConfigMap>("ConfigMap", client)
            .await
    }

    pub(crate) async fn secrets(self, client: &Client) -> Result<(), Failure> {
        self.run::<ListSecrets, GetSecret, DeleteSecret>("Secret", client)
            .await
    }

    pub(crate) async fn claims(self, client: &Client) -> Result<(), Failure> {
        self.run::<ListClaims, GetClaim, DeleteClaim>("PersistentVolumeClaim", client)
            .await
    }

    async fn run<List, Get, Delete>(self, kind: &str, client: &Client) -> Result<(), Failure>
    where
        List: Operation<Query = (), Body = (), Answer = ObjectList>,
        Get: Operation<Query = (), Body = (), Answer = ObjectBody>,
        Delete: Operation<Query = (), Body = (), Answer = Done>,
    {
        match self {
            Self::List { output } => {
                let list = client.tenant_call::<List>(&[], &(), &()).await?;
                listed(&list.objects, output.format)
            }
            Self::Get { name, output } => {
                let object = client.tenant_call::<Get>(&[&name], &(), &()).await?;
                match output.format {
                    Format::Json => display::document(&object, Format::Json),
                    _ => display::document(&object, Format::Yaml),
                }
            }
            Self::Delete { names } => {
                for name in &names {
                    client.tenant_call::<Delete>(&[name], &(), &()).await?;
                    display::line(&format!("{kind} '{name}' deleted"))?;
                }
                Ok(())
            }
        }
    }
}

fn listed(objects: &[ObjectBody], format: Format) -> Result<(), Failure> {
    match format {
        Format::Json | Format::Yaml => display::document(&objects, format),
        Format::Name => {
            let names = objects.iter().map(|object| format!("{}\n", object.name));
            display::print(&names.collect::<String>())
        }
        Format::Text | Format::Wide => {
            let claims = objects.iter().any(|object| object.claim.is_some());
            let rows = objects.iter().map(|object| {
                let age = span(now().since(object.created));
                match &object.claim {
                    Some(claim) => {
                        let size = display::size(claim.size);
                        vec![object.name.clone(), size, claim.state.clone(), age]
                    }
                    None => vec![object.name.clone(), object.keys.len().to_string(), age],
                }
            });
            let head: &[&str] = match claims {
                true => &["NAME", "SIZE", "STATE", "AGE"],
                false => &["NAME", "KEYS", "AGE"],
            };
            display::print(&table(head, &rows.collect::<Vec<_>>()))
        }
    }
}
