//! The command line: habits of `argo`, `kubectl` and `gh`; data on standard output, everything else on
//! standard error, colours only on a terminal.

mod apply;
mod artifact;
mod cache;
mod client;
mod display;
mod exit;
mod follow;
mod get;
mod history;
mod image;
mod lint;
mod list;
mod lock;
mod logs;
mod object;
mod run;
mod serve;
mod site;
mod submit;
mod template;
mod tree;
mod verbs;

use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::cli::client::Connection;
use crate::cli::exit::Failure;

/// Pipelines in one program: server, command line, page and plugins.
#[derive(Debug, Parser)]
#[command(
    name = "steading",
    version,
    propagate_version = true,
    max_term_width = 100
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Start the server
    Serve(serve::Serve),
    /// Run a workflow here, without a server, and end with its exit code
    Run(run::Run),
    /// Submit a workflow
    Submit(submit::Submit),
    /// Show a run as a tree
    Get(get::Get),
    /// List runs
    #[command(visible_alias = "ls")]
    List(list::List),
    /// Print what a run's tasks printed
    Logs(logs::Logs),
    /// List what the nodes of a run gave as files
    Artifacts(artifact::Artifacts),
    /// Copy what a node gave as a file or directory
    Cp(artifact::Cp),
    /// Wait until runs are over
    Wait(follow::Wait),
    /// Watch a run until it is over
    Watch(follow::Watch),
    /// Start nothing new in a run
    Suspend(verbs::Runs),
    /// Go on with a suspended run, or end its suspend nodes
    Resume(verbs::Nodes),
    /// End a run; exit handlers run
    Stop(verbs::Nodes),
    /// End a run now
    Terminate(verbs::Runs),
    /// Run the failed parts of a run again
    Retry(verbs::Retry),
    /// Run a node of a finished run again, with all that depends on it and all that failed
    Restart(verbs::Restart),
    /// Submit the workflow of a run again
    Resubmit(verbs::Resubmit),
    /// Who did what to a run, when and why
    Events(history::Events),
    /// Delete a run and its history
    Delete(verbs::Runs),
    /// Show locks, who has them and who waits
    Locks(lock::Locks),
    /// Work with the limits of semaphores
    #[command(subcommand)]
    Limit(lock::Limit),
    /// Work on nodes
    #[command(subcommand)]
    Node(verbs::Node),
    /// Check files without storing anything
    Lint(lint::Lint),
    /// Create or change the objects of files
    Apply(apply::Apply),
    /// Work with saved templates
    #[command(subcommand)]
    Template(template::Template),
    /// Work with templates of the site
    #[command(subcommand)]
    ClusterTemplate(template::Template),
    /// Work with ConfigMaps
    #[command(subcommand)]
    ConfigMap(object::Objects),
    /// Work with secrets
    #[command(subcommand)]
    Secret(object::Objects),
    /// Work with claims
    #[command(subcommand)]
    Claim(object::Objects),
    /// Work with what is remembered of memoized templates
    #[command(subcommand)]
    Cache(cache::Cache),
    /// Work with images
    #[command(subcommand)]
    Image(image::Image),
    /// Work with tenants
    #[command(subcommand)]
    Tenant(site::Tenant),
    /// Work with tokens
    #[command(subcommand)]
    Token(site::Token),
    /// Who the server takes you for; with --link, a one-time login for the page
    Login(site::Login),
    /// What this host provides, and how to get the rest
    Doctor(site::Doctor),
    /// Print a completion script
    Completion {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// How data is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Text,
    /// For people with wide screens
    Wide,
    /// Names only
    Name,
    /// JSON
    Json,
    /// YAML
    Yaml,
}

/// The option that many verbs share.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Output {
    /// How to print
    #[arg(short = 'o', long = "output", value_enum, default_value_t)]
    format: Format,
}

/// Carries out the arguments.
pub(crate) fn main(arguments: Arguments) -> ExitCode {
    // Processes must be forked before the first thread is started.
    let outcome = match arguments.verb {
        Verb::Serve(serve) => serve.run(),
        Verb::Run(run) => run.run(),
        Verb::Completion { shell } => completion(shell),
        verb => on_one_thread(remote(verb, arguments.connection)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// Written in one piece: clap panics when a pager closes its pipe in between.
fn completion(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "steading", &mut script);
    display::print(&String::from_utf8_lossy(&script))
}

fn on_one_thread(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::internal)?;
    runtime.block_on(work)
}

async fn remote(verb: Verb, connection: Connection) -> Result<(), Failure> {
    match verb {
        // Answered by `main`: they need no connection.
        Verb::Serve(_) | Verb::Run(_) | Verb::Completion { .. } => Ok(()),
        Verb::Submit(submit) => submit.run(&connection.open()?).await,
        Verb::Get(get) => get.run(&connection.open()?).await,
        Verb::List(list) => list.run(&connection.open()?).await,
        Verb::Logs(logs) => logs.run(&connection.open()?).await,
        Verb::Artifacts(artifacts) => artifacts.run(&connection.open()?).await,
        Verb::Cp(cp) => cp.run(&connection.open()?).await,
        Verb::Wait(wait) => wait.run(&connection.open()?).await,
        Verb::Watch(watch) => watch.run(&connection.open()?).await,
        Verb::Suspend(runs) => runs.suspend(&connection.open()?).await,
        Verb::Terminate(runs) => runs.terminate(&connection.open()?).await,
        Verb::Delete(runs) => runs.delete(&connection.open()?).await,
        Verb::Resume(nodes) => nodes.resume(&connection.open()?).await,
        Verb::Stop(nodes) => nodes.stop(&connection.open()?).await,
        Verb::Retry(retry) => retry.run(&connection.open()?).await,
        Verb::Restart(restart) => restart.run(&connection.open()?).await,
        Verb::Events(events) => events.run(&connection.open()?).await,
        Verb::Resubmit(resubmit) => resubmit.run(&connection.open()?).await,
        Verb::Locks(locks) => locks.run(&connection.open()?).await,
        Verb::Limit(limit) => limit.run(&connection.open()?).await,
        Verb::Node(node) => node.run(&connection.open()?).await,
        Verb::Lint(lint) => lint.run(&connection).await,
        Verb::Apply(apply) => apply.run(&connection.open()?).await,
        Verb::Template(template) => template.tenants(&connection.open()?).await,
        Verb::ClusterTemplate(template) => template.sites(&connection.open()?).await,
        Verb::ConfigMap(objects) => objects.config_maps(&connection.open()?).await,
        Verb::Secret(objects) => objects.secrets(&connection.open()?).await,
        Verb::Claim(objects) => objects.claims(&connection.open()?).await,
        Verb::Cache(cache) => cache.run(&connection.open()?).await,
        Verb::Image(image) => image.run(&connection).await,
        Verb::Tenant(tenant) => tenant.run(&connection.open()?).await,
        Verb::Token(token) => token.run(&connection.open()?).await,
        Verb::Login(login) => login.run(&connection.open()?).await,
        Verb::Doctor(doctor) => doctor.run(&connection).await,
    }
}
