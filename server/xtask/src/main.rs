//! The build-time tool: `cargo xtask <verb>`. Everything that building, testing and trying Steading
//! takes beyond a plain `cargo build`, in one place, the same on a desk and in continuous integration.

mod command;
mod images;
mod progress;
mod workspace;

use anyhow::Result;
use clap::{Parser, Subcommand};
use progress::Progress;
use workspace::Workspace;

/// Builds, tests and tries Steading.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Make the OCI archives in target/images/ that the demo, the tests and the examples use.
    Images,
}

fn main() -> Result<()> {
    let workspace = Workspace::locate()?;
    match Arguments::parse().verb {
        Verb::Images => {
            let mut progress = Progress::of(images::STEPS);
            images::make_all(&workspace, &mut progress)
        }
    }
}
