//! The build-time tool: `cargo xtask <verb>`. Everything that building, testing and trying Steading
//! takes beyond a plain `cargo build`, in one place, the same on a desk and in continuous integration.

mod check;
mod command;
mod demo;
mod images;
mod page;
mod plugins;
mod program;
mod progress;
mod setup;
mod stores;
mod test;
mod trial;
mod wasm;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use demo::Afterwards;
use progress::Progress;
use setup::Need;
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
    /// Install what building and testing need, or name it.
    Setup,
    /// Build the WASM plugins that the program embeds.
    Plugins,
    /// Build the page that the program embeds.
    Page,
    /// Build the program with its plugins and its page: target/debug/steading.
    Build,
    /// Build the program to hand out: one stripped file, target/dist/steading.
    Dist,
    /// Make the OCI archives that the demo, the tests and the examples use: target/images/.
    Images {
        /// The one in which Nextflow runs, too. Needs Maven.
        #[arg(long)]
        nextflow: bool,
    },
    /// Check the form: rustfmt, clippy, licences.
    Check,
    /// Build everything and run every test.
    Test,
    /// Kill the server, its spawner and supervisors at random instants, and compare the accounts.
    Faults {
        /// Kills, at each of two levels.
        #[arg(long, default_value_t = 500)]
        kills: u64,
    },
    /// Measure the program to hand out, beside make, xargs and Dagu.
    Bench {
        /// `--short`, and the parts to measure: start, latency, flows, pods, sustained, large, locks, restart; or
        /// `stores`, which are measured alone, beside the AWS command line, with `--short` behind it.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Build everything, start a server with a fresh data directory and run a pipeline in it.
    Demo {
        /// End the server afterwards, instead of at Ctrl-C.
        #[arg(long)]
        exit: bool,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().verb) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(verb: Verb) -> Result<()> {
    let workspace = Workspace::locate()?;
    let mut progress = Progress::of(steps(&verb));
    match verb {
        Verb::Setup => {
            setup::install(Need::EVERYTHING, &mut progress)?;
            stores::install(&workspace, &mut progress)
        }
        Verb::Plugins => {
            setup::install(&[Need::Wasm], &mut progress)?;
            plugins::build(&workspace, &mut progress)
        }
        Verb::Page => {
            setup::install(&[Need::Wasm], &mut progress)?;
            page::build(&workspace, &mut progress)
        }
        Verb::Build => {
            setup::install(&[Need::Wasm], &mut progress)?;
            program::build(&workspace, &mut progress).map(drop)
        }
        Verb::Dist => {
            setup::install(&[Need::Wasm], &mut progress)?;
            program::dist(&workspace, &mut progress)
        }
        Verb::Images { nextflow } => {
            setup::install(&[Need::Debian], &mut progress)?;
            images::make_all(&workspace, &mut progress)?;
            if nextflow {
                images::make_nextflow(&workspace, &mut progress)?;
            }
            Ok(())
        }
        Verb::Check => check::all(&workspace, &mut progress),
        Verb::Test => test::all(&workspace, &mut progress),
        Verb::Faults { kills } => trial::faults(&workspace, &mut progress, kills),
        Verb::Bench { arguments } if of_stores(&arguments) => trial::bench_stores(
            &workspace,
            &mut progress,
            arguments.get(1..).unwrap_or_default(),
        ),
        Verb::Bench { arguments } => trial::bench(&workspace, &mut progress, &arguments),
        Verb::Demo { exit } => {
            let afterwards = if exit {
                Afterwards::Exit
            } else {
                Afterwards::Stay
            };
            demo::run(&workspace, &mut progress, afterwards)
        }
    }
}

/// The artifact stores are measured without the program.
fn of_stores(arguments: &[String]) -> bool {
    arguments.first().is_some_and(|part| part == "stores")
}

fn steps(verb: &Verb) -> usize {
    match verb {
        Verb::Setup => setup::STEPS + stores::STEPS,
        Verb::Plugins => setup::STEPS + plugins::STEPS,
        Verb::Page => setup::STEPS + page::STEPS,
        Verb::Build | Verb::Dist => setup::STEPS + program::STEPS,
        Verb::Images { nextflow } => setup::STEPS + images::STEPS + usize::from(*nextflow),
        Verb::Check => check::STEPS,
        Verb::Test => test::STEPS,
        Verb::Faults { .. } => trial::FAULTS,
        Verb::Bench { arguments } if of_stores(arguments) => trial::BENCH_STORES,
        Verb::Bench { .. } => trial::BENCH,
        Verb::Demo { .. } => demo::STEPS,
    }
}
