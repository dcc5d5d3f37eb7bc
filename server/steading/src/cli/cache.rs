//! `cache`: what is remembered of memoized templates.

use clap::Subcommand;
use steading_api::memo::{MemoBody, MemoFilter};
use steading_api::operations::{ClearMemos, ListMemos};

use super::client::Client;
use super::display::{self, span, table};
use super::exit::Failure;
use super::get::now;
use super::{Format, Output};

/// Verbs on caches.
#[derive(Debug, Subcommand)]
pub(crate) enum Cache {
    /// List what is remembered
    #[command(visible_alias = "ls")]
    List {
        /// Of this cache
        cache: Option<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Forget what is remembered, so that it runs again
    Clear {
        /// Of this cache
        #[arg(required_unless_present = "all")]
        cache: Option<String>,
        /// This key alone
        #[arg(long, requires = "cache")]
        key: Option<String>,
        /// Of every cache
        #[arg(long, conflicts_with = "cache")]
        all: bool,
    },
}

impl Cache {
    pub(crate) async fn run(self, client: &Client) -> Result<(), Failure> {
        match self {
            Self::List { cache, output } => {
                let filter = MemoFilter { cache, key: None };
                let page = client.tenant_call::<ListMemos>(&[], &filter, &()).await?;
                if page.more {
                    eprintln!("there are more; name a cache");
                }
                listed(&page.memos, output.format)
            }
            Self::Clear { cache, key, .. } => {
                let filter = MemoFilter { cache, key };
                let done = client.tenant_call::<ClearMemos>(&[], &filter, &()).await?;
                display::line(&format!("{} forgotten", done.cleared))
            }
        }
    }
}

fn listed(memos: &[MemoBody], format: Format) -> Result<(), Failure> {
    match format {
        Format::Json | Format::Yaml => display::document(&memos, format),
        Format::Name => {
            let names = memos
                .iter()
                .map(|memo| format!("{}/{}\n", memo.cache, memo.key));
            display::print(&names.collect::<String>())
        }
        Format::Text | Format::Wide => {
            let rows = memos.iter().map(|memo| {
                let left = memo.expires.map(|at| span(at.since(now())));
                vec![
                    memo.cache.clone(),
                    memo.key.clone(),
                    span(now().since(memo.made)),
                    left.unwrap_or_else(|| "never".to_owned()),
                ]
            });
            let rows = rows.collect::<Vec<_>>();
            display::print(&table(&["CACHE", "KEY", "AGE", "EXPIRES IN"], &rows))
        }
    }
}
