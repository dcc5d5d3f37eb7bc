//! `serve`: arguments of the server.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use steading_exec::Egress;
use steading_types::task::Level;

use super::exit::Failure;
use crate::host::Options;

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The data directory; made when it is missing
    #[arg(long, env = "STEADING_DATA", default_value = "steading-data")]
    data: PathBuf,
    /// Where to listen
    #[arg(long, env = "STEADING_LISTEN", default_value = "127.0.0.1:2746")]
    listen: SocketAddr,
    #[command(flatten)]
    local: Local,
}

/// How tasks run on this host.
#[derive(Debug, Clone, Args)]
pub(crate) struct Local {
    /// How strongly tasks are kept apart from the host; no task gets less
    #[arg(long, value_enum, env = "STEADING_LEVEL", default_value = "image")]
    pub(crate) level: LevelName,
    /// Tasks that run at once; by default four for each processor, at least eight
    #[arg(long, env = "STEADING_SLOTS")]
    pub(crate) slots: Option<usize>,
    /// Whom http templates and stores of artifacts may lead to, several times: a host, *.domain, an address, a
    /// network, or * for all public addresses; nobody by default
    #[arg(
        long,
        env = "STEADING_EGRESS_ALLOW",
        value_delimiter = ',',
        value_name = "RULE"
    )]
    pub(crate) egress_allow: Vec<String>,
    /// Keys of the hosts that artifacts are fetched from by git over ssh, a known_hosts file of OpenSSH's
    #[arg(long, env = "STEADING_KNOWN_HOSTS", value_name = "FILE")]
    pub(crate) known_hosts: Option<PathBuf>,
    /// Whom tasks may talk to: nobody outside their run, or whomever this host can reach
    #[arg(
        long,
        value_enum,
        env = "STEADING_TASK_NETWORK",
        default_value = "closed"
    )]
    pub(crate) task_network: TaskNetwork,
}

/// The networks of tasks by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TaskNetwork {
    /// Nothing leads out of a run
    Closed,
    /// Tasks use the host's network, its loopback included: for tenants whom you trust with it
    Host,
}

impl From<TaskNetwork> for Egress {
    fn from(name: TaskNetwork) -> Self {
        match name {
            TaskNetwork::Closed => Self::Closed,
            TaskNetwork::Host => Self::Host,
        }
    }
}

/// The levels by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LevelName {
    /// The root file system of an imported image, in namespaces of its own
    Image,
    /// The host's programs, confined
    Sandbox,
    /// Plain processes: for a host of your own
    Process,
}

impl From<LevelName> for Level {
    fn from(name: LevelName) -> Self {
        match name {
            LevelName::Image => Self::Image,
            LevelName::Sandbox => Self::Sandbox,
            LevelName::Process => Self::Process,
        }
    }
}

impl Local {
    /// The host's options for a data directory.
    pub(crate) fn options(&self, data: PathBuf) -> Options {
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        Options {
            // Processes beside the server have other working directories.
            data: std::path::absolute(&data).unwrap_or(data),
            level: self.level.into(),
            egress: self.egress_allow.clone(),
            known_hosts: self.known_hosts.clone(),
            task_network: self.task_network.into(),
            slots: self
                .slots
                .unwrap_or_else(|| processors.saturating_mul(4).max(8))
                .clamp(1, 4096),
        }
    }
}

impl Serve {
    pub(crate) fn run(self) -> Result<(), Failure> {
        log_to_stderr();
        let seed = steading_exec::early_fork().map_err(Failure::internal)?;
        let runtime = runtime()?;
        let outcome = runtime.block_on(crate::serve::serve(
            seed,
            self.local.options(self.data),
            self.listen,
        ));
        // Open streams and waiting tasks have nothing left to do.
        runtime.shutdown_background();
        outcome.map_err(Failure::internal)
    }
}

/// The server's log: warnings unless `STEADING_LOG` says otherwise.
pub(crate) fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("STEADING_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // A line that can not be written, on a full disk or a closed pipe, must not end who writes it.
        .log_internal_errors(false)
        .init();
}

/// The server's threads.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let threads = std::thread::available_parallelism()
        .map_or(2, usize::from)
        .clamp(2, 8);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
        .map_err(Failure::internal)
}
