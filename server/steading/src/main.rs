//! The program: one binary for the server, the command line and everything embedded. Thin: it parses
//! arguments, wires the crates together and turns an outcome into an exit code.

mod cli;
mod embedded;
mod host;
mod local;
mod serve;
mod site;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // A plugin of somebody else is compiled in a child of this program, under limits.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|argument| argument == host::COMPILE_ARGUMENT)
    {
        return ExitCode::from(steading_plugin_host::compile::child_main());
    }
    cli::main(cli::Arguments::parse())
}
