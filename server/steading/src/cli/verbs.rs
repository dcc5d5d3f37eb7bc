//! Verbs on runs and their nodes.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use steading_api::operations::{
    DeleteRun, ResubmitRun, ResumeRun, RetryRun, SetNodes, SkipNodes, StopRun, SuspendRun,
    TerminateRun,
};
use steading_api::run::{NodeVerb, RunAgain, Why};

use super::client::Client;
use super::display;
use super::exit::{Code, Failure};

/// Runs to act on.
#[derive(Debug, Args)]
pub(crate) struct Runs {
    /// Names or ids of runs, or @latest
    #[arg(required = true)]
    runs: Vec<String>,
    /// Why, for the run's events
    #[arg(long)]
    reason: Option<String>,
}

macro_rules! on_each {
    ($runs:expr, $client:expr, $operation:ty, $body:expr, $done:literal) => {{
        for run in $runs {
            $client
                .tenant_call::<$operation>(&[run], &(), $body)
                .await?;
            display::line(&format!("workflow {run} {}", $done))?;
        }
        Ok(())
    }};
}

impl Runs {
    fn why(&self) -> Why {
        Why {
            reason: self.reason.clone(),
        }
    }

    pub(crate) async fn suspend(self, client: &Client) -> Result<(), Failure> {
        on_each!(&self.runs, client, SuspendRun, &self.why(), "suspended")
    }

    pub(crate) async fn terminate(self, client: &Client) -> Result<(), Failure> {
        on_each!(&self.runs, client, TerminateRun, &self.why(), "terminated")
    }

    pub(crate) async fn delete(self, client: &Client) -> Result<(), Failure> {
        for run in &self.runs {
            client.tenant_call::<DeleteRun>(&[run], &(), &()).await?;
            display::line(&format!("Workflow '{run}' deleted"))?;
        }
        Ok(())
    }
}

/// Runs, or suspend nodes of them.
#[derive(Debug, Args)]
pub(crate) struct Nodes {
    #[command(flatten)]
    runs: Runs,
    /// Only these suspend nodes, e.g. displayName=approve
    #[arg(long, value_name = "SELECTOR")]
    node_field_selector: Option<String>,
    /// Shown on the node
    #[arg(long)]
    message: Option<String>,
}

impl Nodes {
    fn body(&self) -> NodeVerb {
        NodeVerb {
            node_field_selector: self.node_field_selector.clone(),
            message: self.message.clone(),
            reason: self.runs.reason.clone(),
            ..NodeVerb::default()
        }
    }

    pub(crate) async fn resume(self, client: &Client) -> Result<(), Failure> {
        on_each!(&self.runs.runs, client, ResumeRun, &self.body(), "resumed")
    }

    pub(crate) async fn stop(self, client: &Client) -> Result<(), Failure> {
        on_each!(&self.runs.runs, client, StopRun, &self.body(), "stopped")
    }
}

/// Arguments of `retry`.
#[derive(Debug, Args)]
pub(crate) struct Retry {
    #[command(flatten)]
    runs: Runs,
    /// Also run successful nodes again that the selector names
    #[arg(long, requires = "node_field_selector")]
    restart_successful: bool,
    /// Which nodes
    #[arg(long, value_name = "SELECTOR")]
    node_field_selector: Option<String>,
    /// A new value of a parameter, NAME=VALUE
    #[arg(short, long = "parameter", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
}

impl Retry {
    pub(crate) async fn run(self, client: &Client) -> Result<(), Failure> {
        let body = RunAgain {
            restart_successful: self.restart_successful,
            node_field_selector: self.node_field_selector.clone(),
            parameters: pairs(&self.parameters)?,
            memoized: false,
            reason: self.runs.reason,
        };
        on_each!(&self.runs.runs, client, RetryRun, &body, "retried")
    }
}

/// Arguments of `restart`.
#[derive(Debug, Args)]
pub(crate) struct Restart {
    #[command(flatten)]
    runs: Runs,
    /// From which node on, e.g. displayName=train
    #[arg(long, value_name = "SELECTOR")]
    from: String,
    /// A new value of a parameter, NAME=VALUE
    #[arg(short, long = "parameter", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
}

impl Restart {
    pub(crate) async fn run(self, client: &Client) -> Result<(), Failure> {
        let body = RunAgain {
            restart_successful: true,
            node_field_selector: Some(self.from),
            parameters: pairs(&self.parameters)?,
            memoized: false,
            reason: self.runs.reason,
        };
        on_each!(&self.runs.runs, client, RetryRun, &body, "restarted")
    }
}

/// Arguments of `resubmit`.
#[derive(Debug, Args)]
pub(crate) struct Resubmit {
    #[command(flatten)]
    runs: Runs,
    /// Take over what went well in a failed run
    #[arg(long)]
    memoized: bool,
    /// A new value of a parameter, NAME=VALUE
    #[arg(short, long = "parameter", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
}

impl Resubmit {
    pub(crate) async fn run(self, client: &Client) -> Result<(), Failure> {
        let body = RunAgain {
            parameters: pairs(&self.parameters)?,
            memoized: self.memoized,
            reason: self.runs.reason,
            ..RunAgain::default()
        };
        for run in &self.runs.runs {
            let submitted = client
                .tenant_call::<ResubmitRun>(&[run], &(), &body)
                .await?;
            display::line(submitted.run.name.as_str())?;
        }
        Ok(())
    }
}

/// Verbs on nodes.
#[derive(Debug, Subcommand)]
pub(crate) enum Node {
    /// Give suspend nodes an outcome or output parameters
    Set(Set),
    /// Go on without nodes that have not begun or have failed
    Skip(Skip),
}

/// Arguments of `node set`.
#[derive(Debug, Args)]
pub(crate) struct Set {
    #[command(flatten)]
    nodes: Given,
    /// Succeeded, Failed or Error
    #[arg(long)]
    phase: Option<String>,
    /// Shown on the node
    #[arg(long)]
    message: Option<String>,
}

/// Arguments of `node skip`.
#[derive(Debug, Args)]
pub(crate) struct Skip {
    #[command(flatten)]
    nodes: Given,
}

/// Nodes, and what is given for them.
#[derive(Debug, Args)]
pub(crate) struct Given {
    #[command(flatten)]
    runs: Runs,
    /// Which nodes, e.g. displayName=approve
    #[arg(long, value_name = "SELECTOR")]
    node_field_selector: String,
    /// A value of an output parameter, NAME=VALUE
    #[arg(short = 'p', long = "output-parameter", value_name = "NAME=VALUE")]
    output_parameters: Vec<String>,
}

impl Given {
    fn body(&self) -> Result<NodeVerb, Failure> {
        Ok(NodeVerb {
            node_field_selector: Some(self.node_field_selector.clone()),
            output_parameters: pairs(&self.output_parameters)?,
            reason: self.runs.reason.clone(),
            ..NodeVerb::default()
        })
    }
}

impl Node {
    pub(crate) async fn run(self, client: &Client) -> Result<(), Failure> {
        match self {
            Self::Set(set) => {
                let body = NodeVerb {
                    message: set.message,
                    phase: set.phase,
                    ..set.nodes.body()?
                };
                for run in &set.nodes.runs.runs {
                    client.tenant_call::<SetNodes>(&[run], &(), &body).await?;
                    display::line("workflow values set")?;
                }
                Ok(())
            }
            Self::Skip(skip) => {
                let body = skip.nodes.body()?;
                on_each!(&skip.nodes.runs.runs, client, SkipNodes, &body, "goes on")
            }
        }
    }
}

fn pairs(texts: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    texts
        .iter()
        .map(|pair| {
            pair.split_once('=')
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .ok_or_else(|| Failure::new(Code::Usage, format!("'{pair}' is not NAME=VALUE")))
        })
        .collect()
}
