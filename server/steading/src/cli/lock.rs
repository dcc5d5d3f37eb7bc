//! Locks: who has them, who waits, how many may have them.

use clap::{Args, Subcommand};
use steading_api::lock::{LimitBody, LockHolder};
use steading_api::operations::{ListLimits, ListLocks, SetLimit};

use super::client::Client;
use super::display::{self, table};
use super::exit::Failure;
use super::{Format, Output};

/// Arguments of `locks`.
#[derive(Debug, Args)]
pub(crate) struct Locks {
    #[command(flatten)]
    output: Output,
}

impl Locks {
    pub(crate) async fn run(self, client: &Client) -> Result<(), Failure> {
        let locks = client.tenant_call::<ListLocks>(&[], &(), &()).await?.locks;
        let names = |list: &[LockHolder]| {
            let names = list.iter().map(|one| one.holder.as_str());
            names.collect::<Vec<_>>().join(" ")
        };
        match self.output.format {
            Format::Json | Format::Yaml => display::document(&locks, self.output.format),
            Format::Name => display::print(
                &locks
                    .iter()
                    .map(|lock| format!("{}\n", lock.name))
                    .collect::<String>(),
            ),
            format => display::print(&table(
                &["NAME", "HELD", "LIMIT", "HOLDERS", "WAITING"],
                &locks
                    .iter()
                    .map(|lock| {
                        vec![
                            lock.name.clone(),
                            lock.holders.len().to_string(),
                            lock.limit
                                .map_or_else(|| "?".to_owned(), |limit| limit.to_string()),
                            names(&lock.holders),
                            match format {
                                Format::Wide => names(&lock.waiters),
                                _ => lock.waiters.len().to_string(),
                            },
                        ]
                    })
                    .collect::<Vec<_>>(),
            )),
        }
    }
}

/// Verbs on the limits of semaphores.
#[derive(Debug, Subcommand)]
pub(crate) enum Limit {
    /// List them
    #[command(visible_alias = "ls")]
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Set one; it holds at once
    Set {
        /// The key of `semaphores[].database`, or NAMESPACE/KEY
        name: String,
        /// How many may have it at once
        limit: u32,
    },
}

impl Limit {
    pub(crate) async fn run(self, client: &Client) -> Result<(), Failure> {
        match self {
            Self::Set { name, limit } => {
                let body = LimitBody { name, limit };
                client.tenant_call::<SetLimit>(&[], &(), &body).await?;
                display::line(&format!("limit {} set to {limit}", body.name))
            }
            Self::List { output } => {
                let limits = client
                    .tenant_call::<ListLimits>(&[], &(), &())
                    .await?
                    .limits;
                match output.format {
                    Format::Json | Format::Yaml => display::document(&limits, output.format),
                    Format::Name => display::print(
                        &limits
                            .iter()
                            .map(|limit| format!("{}\n", limit.name))
                            .collect::<String>(),
                    ),
                    Format::Text | Format::Wide => display::print(&table(
                        &["NAME", "LIMIT"],
                        &limits
                            .into_iter()
                            .map(|limit| vec![limit.name, limit.limit.to_string()])
                            .collect::<Vec<_>>(),
                    )),
                }
            }
        }
    }
}
