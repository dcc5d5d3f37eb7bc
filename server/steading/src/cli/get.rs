//! `get`: one run, as Argo's client prints it.

use clap::Args;
use steading_api::node::{NodeBody, NodeFilter};
use steading_api::operations::{GetRun, GetRunObject, ListNodes};
use steading_api::run::RunDetail;
use steading_types::Millis;

use super::client::Client;
use super::display::{self, harmless, instant, phase, span, table};
use super::exit::Failure;
use super::tree::Tree;
use super::{Format, Output};

/// Arguments of `get`.
#[derive(Debug, Args)]
pub(crate) struct Get {
    /// Names or ids of runs, or @latest
    #[arg(required = true)]
    runs: Vec<String>,
    #[command(flatten)]
    output: Output,
}

impl Get {
    pub(crate) async fn run(self, client: &Client) -> Result<(), Failure> {
        for run in &self.runs {
            print(client, run, self.output.format).await?;
        }
        Ok(())
    }
}

/// Prints a run.
pub(crate) async fn print(client: &Client, run: &str, format: Format) -> Result<(), Failure> {
    match format {
        Format::Json | Format::Yaml => {
            let object = client.tenant_call::<GetRunObject>(&[run], &(), &()).await?;
            display::document(&object, format)
        }
        Format::Name => {
            let detail = client.tenant_call::<GetRun>(&[run], &(), &()).await?;
            display::print(&format!("{}\n", detail.summary.name))
        }
        Format::Text | Format::Wide => {
            let detail = client.tenant_call::<GetRun>(&[run], &(), &()).await?;
            let nodes = nodes(client, run).await?;
            display::print(&text(&detail, &nodes, now()))
        }
    }
}

/// All nodes of a run, page by page.
pub(crate) async fn nodes(client: &Client, run: &str) -> Result<Vec<NodeBody>, Failure> {
    let mut filter = NodeFilter {
        limit: Some(5000),
        ..NodeFilter::default()
    };
    let mut nodes = Vec::new();
    loop {
        let page = client
            .tenant_call::<ListNodes>(&[run], &filter, &())
            .await?;
        nodes.extend(page.nodes);
        match page.next {
            Some(next) => filter.after = Some(next),
            None => return Ok(nodes),
        }
    }
}

/// The present, for durations of what still runs.
pub(crate) fn now() -> Millis {
    steading_control::clock::now()
}

/// Head and tree.
pub(crate) fn text(detail: &RunDetail, nodes: &[NodeBody], now: Millis) -> String {
    let run = &detail.summary;
    let mut text = String::new();
    let mut line =
        |name: &str, value: &str| text.push_str(&format!("{:<20} {value}\n", format!("{name}:")));
    line("Name", &run.name);
    line("Tenant", &run.tenant);
    line("Status", &phase(run.phase));
    if let Some(message) = &run.message {
        line("Message", &harmless(message));
    }
    line("Created", &instant(run.created));
    if let Some(started) = run.started {
        line("Started", &instant(started));
        if let Some(finished) = run.finished {
            line("Finished", &instant(finished));
        }
        line(
            "Duration",
            &span(run.finished.unwrap_or(now).since(started)),
        );
    }
    line("Progress", &format!("{}/{}", run.done, run.total));
    for (title, values) in [
        ("Parameters", &detail.parameters),
        ("Output Parameters", &detail.outputs),
    ] {
        if !values.is_empty() {
            line(title, "");
            for (name, value) in values {
                line(&format!("  {name}"), &harmless(value));
            }
        }
    }
    let rows = Tree::new(nodes, now).rows();
    if !rows.is_empty() {
        text.push('\n');
        text.push_str(&table(&["STEP", "TEMPLATE", "DURATION", "MESSAGE"], &rows));
    }
    text
}
