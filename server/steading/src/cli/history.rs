//! `events`: who did what to a run, when and why.

use clap::Args;
use serde_json::Value;
use steading_api::history::RunEventBody;
use steading_api::operations::ListRunEvents;

use super::client::Client;
use super::display::{self, instant, table};
use super::exit::Failure;
use super::{Format, Output};

/// Arguments of `events`.
#[derive(Debug, Args)]
pub(crate) struct Events {
    /// Name or id of a run, or @latest
    run: String,
    #[command(flatten)]
    output: Output,
}

impl Events {
    pub(crate) async fn run(self, client: &Client) -> Result<(), Failure> {
        let run = [self.run.as_str()];
        let list = client.tenant_call::<ListRunEvents>(&run, &(), &()).await?;
        let events = list.events;
        match self.output.format {
            Format::Json | Format::Yaml => display::document(&events, self.output.format),
            Format::Text | Format::Wide | Format::Name => {
                let rows: Vec<_> = events.iter().map(row).collect();
                display::print(&table(&["WHEN", "WHO", "WHAT", "ON", "WHY"], &rows))
            }
        }
    }
}

fn row(event: &RunEventBody) -> Vec<String> {
    let deed = serde_json::to_value(event.deed).unwrap_or_default();
    let values = event.values.iter();
    let values = values.map(|(name, value)| format!("{name}={value}"));
    let on = event.other.iter().map(|other| other.name.clone());
    let on = on.chain(event.nodes.clone()).chain(values);
    vec![
        instant(event.at),
        event.who.clone(),
        deed.as_str()
            .map_or_else(|| Value::to_string(&deed), str::to_owned),
        on.collect::<Vec<_>>().join(" "),
        event.why.clone().unwrap_or_default(),
    ]
}
