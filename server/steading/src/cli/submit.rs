//! `submit`: from a file, standard input or a template.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use steading_api::operations::SubmitRun;
use steading_api::run::{RunSummary, Submission};

use super::client::{Client, read_input};
use super::display;
use super::exit::{Code, Failure, fault_line};
use super::follow::{self, Patience};
use super::get;
use super::{Format, Output, logs};

/// Arguments of `submit`.
#[derive(Debug, Args)]
pub(crate) struct Submit {
    /// A workflow as YAML or JSON; `-` is standard input
    #[arg(required_unless_present = "from")]
    file: Option<PathBuf>,
    /// Submit a saved template: NAME or workflowtemplate/NAME
    #[arg(long, conflicts_with = "file")]
    from: Option<String>,
    /// A parameter, NAME=VALUE; may be given several times
    #[arg(short, long = "parameter", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
    /// Parameters as a YAML or JSON map
    #[arg(short = 'f', long, value_name = "FILE")]
    parameter_file: Option<PathBuf>,
    /// The run's name
    #[arg(long)]
    name: Option<String>,
    /// The beginning of the run's name
    #[arg(long)]
    generate_name: Option<String>,
    /// The template to begin with
    #[arg(long)]
    entrypoint: Option<String>,
    /// Labels, a=b,c=d
    #[arg(short, long)]
    labels: Option<String>,
    /// Higher goes first
    #[arg(long, allow_negative_numbers = true)]
    priority: Option<i32>,
    /// Check everything, run nothing
    #[arg(long, visible_alias = "server-dry-run")]
    dry_run: bool,
    /// Wait until the run is over
    #[arg(short, long)]
    wait: bool,
    /// Watch the run until it is over
    #[arg(long)]
    watch: bool,
    /// Print what the tasks print until the run is over
    #[arg(long)]
    log: bool,
    /// Wait no longer than this many seconds
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
    #[command(flatten)]
    output: Output,
}

impl Submit {
    /// Submits, and follows where that was asked.
    pub(crate) async fn run(self, client: &Client) -> Result<(), Failure> {
        let run = self.submit(client).await?;
        self.print(client, &run).await?;
        if self.dry_run || !(self.wait || self.watch || self.log) {
            return Ok(());
        }
        self.follow(client, &run).await
    }

    /// Submits and waits in any case: `steading run`.
    pub(crate) async fn and_follow(self, client: &Client) -> Result<(), Failure> {
        let run = self.submit(client).await?;
        if self.dry_run {
            return self.print(client, &run).await;
        }
        if self.log || self.watch {
            return self.follow(client, &run).await;
        }
        let printed = logs::follow(client, &run.name, &Default::default(), logs::Prefix::Pod).await;
        let ended = follow::until_over(client, &run.name, self.patience()).await;
        get::print(client, &run.name, self.output.format).await?;
        printed?;
        follow::outcome(&ended?)
    }

    async fn submit(&self, client: &Client) -> Result<RunSummary, Failure> {
        let submitted = client
            .tenant_call::<SubmitRun>(&[], &(), &self.submission()?)
            .await?;
        for warning in &submitted.warnings {
            eprintln!("{}", fault_line(warning));
        }
        Ok(submitted.run)
    }

    fn submission(&self) -> Result<Submission, Failure> {
        let mut parameters = match &self.parameter_file {
            Some(file) => parameters_of(&read_input(file)?)?,
            None => BTreeMap::new(),
        };
        for pair in &self.parameters {
            let (name, value) = pair
                .split_once('=')
                .ok_or_else(|| Failure::new(Code::Usage, format!("'{pair}' is not NAME=VALUE")))?;
            parameters.insert(name.to_owned(), value.to_owned());
        }
        Ok(Submission {
            text: self.file.as_ref().map(read_input).transpose()?,
            template: self.from.as_deref().map(template_name).transpose()?,
            parameters,
            name: self.name.clone(),
            generate_name: self.generate_name.clone(),
            entrypoint: self.entrypoint.clone(),
            priority: self.priority,
            labels: labels_of(self.labels.as_deref().unwrap_or_default())?,
            dry_run: self.dry_run,
            ..Submission::default()
        })
    }

    async fn print(&self, client: &Client, run: &RunSummary) -> Result<(), Failure> {
        match self.output.format {
            Format::Name => display::print(&format!("{}\n", run.name)),
            Format::Json | Format::Yaml if !self.dry_run => {
                get::print(client, &run.name, self.output.format).await
            }
            Format::Json | Format::Yaml => display::document(run, self.output.format),
            Format::Text | Format::Wide => display::print(&format!(
                "{}{}\n",
                run.name,
                if self.dry_run { " (dry-run)" } else { "" }
            )),
        }
    }

    async fn follow(&self, client: &Client, run: &RunSummary) -> Result<(), Failure> {
        let ended = if self.watch {
            follow::watch(client, &run.name, self.patience()).await?
        } else if self.log {
            logs::follow(client, &run.name, &Default::default(), logs::Prefix::Pod).await?;
            follow::until_over(client, &run.name, self.patience()).await?
        } else {
            follow::until_over(client, &run.name, self.patience()).await?
        };
        if !self.watch {
            eprintln!("{} {}", ended.name, ended.phase.as_str());
        }
        follow::outcome(&ended)
    }

    fn patience(&self) -> Patience {
        Patience(self.timeout.map(Duration::from_secs))
    }
}

/// `NAME`, `workflowtemplate/NAME`, `wftmpl/NAME`.
fn template_name(text: &str) -> Result<String, Failure> {
    match text.split_once('/') {
        None => Ok(text.to_owned()),
        Some((kind, name))
            if ["workflowtemplate", "workflowtemplates", "wftmpl"]
                .contains(&kind.to_ascii_lowercase().as_str()) =>
        {
            Ok(name.to_owned())
        }
        Some((kind, _)) => Err(Failure::new(
            Code::Usage,
            format!("runs can not be submitted from a {kind} in this version"),
        )),
    }
}

fn parameters_of(text: &str) -> Result<BTreeMap<String, String>, Failure> {
    let map: BTreeMap<String, serde_json::Value> =
        serde_norway::from_str(text).map_err(|error| {
            Failure::new(
                Code::Usage,
                format!("the parameter file is no map: {error}"),
            )
        })?;
    Ok(map
        .into_iter()
        .map(|(name, value)| {
            (
                name,
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned),
            )
        })
        .collect())
}

fn labels_of(text: &str) -> Result<BTreeMap<String, String>, Failure> {
    let pairs = text.split(',').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            pair.split_once('=')
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .ok_or_else(|| Failure::new(Code::Usage, format!("'{pair}' is not LABEL=VALUE")))
        })
        .collect()
}
