//! `cargo xtask demo`: a fresh server on loopback, a real pipeline through it, and the page.

mod server;

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use server::Server;

use crate::progress::Progress;
use crate::setup::{self, Need};
use crate::workspace::Workspace;
use crate::{command, images, program};

/// Steps that [`run`] reports.
pub(crate) const STEPS: usize = setup::STEPS + program::STEPS + images::STEPS + 3;

/// The pipeline's file and the name that it gives its run.
const PIPELINE: &str = "server/xtask/demo/estimate-pi.yaml";
const RUN: &str = "estimate-pi";

/// What happens once the pipeline has ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Afterwards {
    /// The server stays until Ctrl-C.
    Stay,
    /// The server ends.
    Exit,
}

/// Builds everything, starts a server with a fresh data directory and runs the pipeline.
pub(crate) fn run(
    workspace: &Workspace,
    progress: &mut Progress,
    afterwards: Afterwards,
) -> Result<()> {
    setup::install(&[Need::Wasm, Need::Debian], progress)?;
    let program = program::build(workspace, progress)?;
    images::make_all(workspace, progress)?;
    let mut server = progress.step("a fresh server", || {
        Server::start(program, &workspace.target("demo"))
    })?;
    progress.step("its images", || {
        import_all(&server, &workspace.target("images"))
    })?;
    progress.step("the pipeline", || {
        let pipeline = workspace.root().join(PIPELINE);
        command::run(server.client().args(["submit", "--wait"]).arg(pipeline))
    })?;

    println!();
    command::run(server.client().args(["get", RUN]))?;
    println!();
    command::run(server.client().args(["logs", RUN]))?;
    println!("\nThe page: {}", login_link(&server)?);
    if afterwards == Afterwards::Stay {
        println!("Ctrl-C ends the server.");
        return server.wait();
    }
    server.stop()
}

fn import_all(server: &Server, directory: &Path) -> Result<()> {
    let mut archives = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "tar") {
            archives.push(path);
        }
    }
    archives.sort();
    for archive in archives {
        command::output(
            server
                .client()
                .args(["image", "import"])
                .arg(archive)
                .arg("--data")
                .arg(server.data()),
        )?;
    }
    Ok(())
}

/// The page's address with a code that logs in once.
fn login_link(server: &Server) -> Result<String> {
    let mut command: Command = server.client();
    let link = command::text(command.args(["login", "--link"]))?;
    let link = link.lines().last().context("no link was printed")?.trim();
    if !link.starts_with("http") {
        bail!("{link:?} is no address");
    }
    Ok(link.to_owned())
}
