//! `apply -f`: objects of files are created or changed.

use std::path::PathBuf;

use clap::Args;
use steading_api::operations::Apply as ApplyOperation;
use steading_api::template::Text;

use super::client::{Client, read_input};
use super::display;
use super::exit::{Failure, fault_line};

/// Arguments of `apply`.
#[derive(Debug, Args)]
pub(crate) struct Apply {
    /// A file with one or more documents; `-` is standard input
    #[arg(short, long = "filename", required = true)]
    files: Vec<PathBuf>,
}

impl Apply {
    /// Applies these files.
    pub(crate) fn of(files: Vec<PathBuf>) -> Self {
        Self { files }
    }

    pub(crate) async fn run(self, client: &Client) -> Result<(), Failure> {
        for file in &self.files {
            let applied = client
                .tenant_call::<ApplyOperation>(
                    &[],
                    &(),
                    &Text {
                        text: read_input(file)?,
                    },
                )
                .await?;
            for warning in &applied.warnings {
                eprintln!("{}", fault_line(warning));
            }
            for object in applied.objects {
                display::line(&format!(
                    "{}/{} {}",
                    object.kind.to_ascii_lowercase(),
                    object.name,
                    object.outcome
                ))?;
            }
        }
        Ok(())
    }
}
