//! `run`: a workflow without a server. The server's own parts run inside, on a port that nobody else knows
//! the token of, so that there is one way for a run to run.

use std::path::PathBuf;

use clap::Args;
use tokio::net::TcpListener;

use super::client::Connection;
use super::exit::{Code, Failure};
use super::serve::{LevelName, Local, TaskNetwork, log_to_stderr, runtime};
use super::submit::Submit;
use crate::host::{Options, open, operator_token};

/// Arguments of `run`.
#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    submit: Submit,
    /// Keep the run, and use the images, of this data directory; else everything is temporary
    #[arg(long)]
    data: Option<PathBuf>,
    /// How strongly tasks are kept apart from the host [default: image with --data, else sandbox]
    #[arg(long, value_enum)]
    level: Option<LevelName>,
    /// Tasks that run at once
    #[arg(long)]
    slots: Option<usize>,
    /// Whom http templates may call, as for `serve`; nobody by default
    #[arg(long, value_delimiter = ',', value_name = "RULE")]
    egress_allow: Vec<String>,
    /// Keys of hosts for git over ssh, as for `serve`
    #[arg(long, value_name = "FILE")]
    known_hosts: Option<PathBuf>,
    /// Whom tasks may talk to
    #[arg(long, value_enum, default_value = "closed")]
    task_network: TaskNetwork,
}

impl Run {
    pub(crate) fn run(self) -> Result<(), Failure> {
        log_to_stderr();
        let seed = steading_exec::early_fork().map_err(Failure::internal)?;
        let temporary = match &self.data {
            Some(_) => None,
            None => Some(tempfile::tempdir().map_err(Failure::internal)?),
        };
        let data = match (&self.data, &temporary) {
            (Some(data), _) => data.clone(),
            (None, Some(dir)) => dir.path().to_owned(),
            (None, None) => return Err(Failure::new(Code::Usage, "no data directory")),
        };
        let level = self.level.unwrap_or(if self.data.is_some() {
            LevelName::Image
        } else {
            LevelName::Sandbox
        });
        let options = Local {
            level,
            slots: self.slots,
            egress_allow: self.egress_allow,
            known_hosts: self.known_hosts,
            task_network: self.task_network,
        }
        .options(data);
        let runtime = runtime()?;
        let outcome = runtime.block_on(embedded(seed, options, self.submit));
        runtime.shutdown_background();
        outcome
    }
}

async fn embedded(
    seed: steading_exec::SpawnerSeed,
    options: Options,
    submit: Submit,
) -> Result<(), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let control = open(seed, &options).await.map_err(Failure::internal)?;
    let token = operator_token(&control, &options.data)
        .await
        .map_err(Failure::internal)?;
    let app = steading_http::App::new(control, steading_http::page::Page::default());
    tokio::spawn(steading_http::serve(
        listener,
        steading_http::router(app),
        std::future::pending(),
    ));
    let client = Connection::embedded(&format!("http://{address}"), token.expose()).open()?;
    submit.and_follow(&client).await
}
