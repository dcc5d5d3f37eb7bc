//! `list`: runs of a tenant.

use clap::Args;
use steading_api::operations::ListRuns;
use steading_api::run::{RunFilter, RunSummary};

use super::client::Client;
use super::display::{self, harmless, phase, span, table};
use super::exit::Failure;
use super::get::now;
use super::{Format, Output};

/// Arguments of `list`.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only runs that are not over
    #[arg(long, conflicts_with_all = ["completed", "status"])]
    running: bool,
    /// Only runs that are over
    #[arg(long, conflicts_with = "status")]
    completed: bool,
    /// Only these phases, separated by commas
    #[arg(long)]
    status: Option<String>,
    /// Only runs with these labels (a Kubernetes label selector)
    #[arg(short = 'l', long)]
    selector: Option<String>,
    /// Only runs with this in their name
    #[arg(long)]
    name: Option<String>,
    /// At most this many
    #[arg(long, default_value_t = 500)]
    limit: u32,
    /// No header line
    #[arg(long)]
    no_headers: bool,
    #[command(flatten)]
    output: Output,
}

impl List {
    pub(crate) async fn run(self, client: &Client) -> Result<(), Failure> {
        let phases = match (self.running, self.completed) {
            (true, _) => Some("Pending,Running".to_owned()),
            (_, true) => Some("Succeeded,Failed,Error".to_owned()),
            _ => self.status.clone(),
        };
        let mut filter = RunFilter {
            phase: phases,
            labels: self.selector.clone(),
            name: self.name.clone(),
            limit: None,
            after: None,
        };
        let mut runs: Vec<RunSummary> = Vec::new();
        while runs.len() < self.limit as usize {
            filter.limit = Some(500.min(self.limit.saturating_sub(runs.len() as u32)));
            let page = client.tenant_call::<ListRuns>(&[], &filter, &()).await?;
            runs.extend(page.runs);
            match page.next {
                Some(next) => filter.after = Some(next),
                None => break,
            }
        }
        self.print(&runs)
    }

    fn print(&self, runs: &[RunSummary]) -> Result<(), Failure> {
        let wide = match self.output.format {
            Format::Json | Format::Yaml => return display::document(&runs, self.output.format),
            Format::Name => {
                return display::print(
                    &runs
                        .iter()
                        .map(|run| format!("{}\n", run.name))
                        .collect::<String>(),
                );
            }
            Format::Wide => true,
            Format::Text => false,
        };
        if runs.is_empty() {
            eprintln!("no runs found");
            return Ok(());
        }
        let mut header = vec!["NAME", "STATUS", "AGE", "DURATION", "PRIORITY", "MESSAGE"];
        if wide {
            header.extend(["PROGRESS", "CREATOR"]);
        }
        let rows: Vec<Vec<String>> = runs.iter().map(|run| row(run, wide)).collect();
        let text = table(&header, &rows);
        let text = if self.no_headers {
            text.split_once('\n')
                .map_or(text.as_str(), |(_, rest)| rest)
        } else {
            &text
        };
        display::print(text)
    }
}

fn row(run: &RunSummary, wide: bool) -> Vec<String> {
    let took = run
        .started
        .map(|start| span(run.finished.unwrap_or_else(now).since(start)))
        .unwrap_or_default();
    let message = run.message.as_deref().map(harmless).unwrap_or_default();
    let mut cells = vec![
        run.name.clone(),
        phase(run.phase),
        span(now().since(run.created)),
        took,
        run.priority.to_string(),
        message,
    ];
    if wide {
        cells.extend([
            format!("{}/{}", run.done, run.total),
            harmless(&run.creator),
        ]);
    }
    cells
}
