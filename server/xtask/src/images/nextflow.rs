//! The image in which Nextflow runs: Debian's Java, Nextflow's jars from Maven Central, a small pipeline
//! in the directory where containers start.

use std::process::Command;

use anyhow::{Context, Result};

use super::oci::Start;
use super::recipes::{self, DEBIAN, Recipe};
use super::tree::Tree;
use crate::command;
use crate::workspace::Workspace;

/// Not among the others: it is large, and made where somebody asks for it.
pub(crate) const RECIPE: Recipe = Recipe {
    name: "ghcr.io/yourorg/nf-runtime:jdk17",
    description: "Nextflow 24.10.0 on Debian's Java 17, with a pipeline in /workspace; no plugins",
    packages: &[DEBIAN, &["openjdk-17-jre-headless"]],
    start: Start {
        entrypoint: &[],
        cmd: &["bash"],
    },
    finish,
};

fn finish(tree: &mut Tree) -> Result<()> {
    recipes::debian(tree)?;
    let java = tree
        .files()
        .find(|path| path.starts_with("usr/lib/jvm/") && path.ends_with("/bin/java"))
        .context("the image has no java")?
        .to_owned();
    tree.symlink("bin/java", &format!("/{java}"));
    tree.file("bin/nextflow", 0o755, include_str!("nextflow/launcher.sh"));
    tree.directory("workspace", 0o1777);
    tree.file("workspace/main.nf", 0o644, include_str!("nextflow/main.nf"));
    jars(tree)
}

/// Nextflow and what it needs, by Maven, which checks the sums.
fn jars(tree: &mut Tree) -> Result<()> {
    let directory = tempfile::tempdir()?;
    std::fs::write(
        directory.path().join("pom.xml"),
        include_str!("nextflow/pom.xml"),
    )?;
    let repository = Workspace::locate()?.target("cache/maven");
    command::run(
        Command::new("mvn")
            .args(["-q", "-B", "dependency:copy-dependencies"])
            .args(["-DoutputDirectory=jars", "-DincludeScope=runtime"])
            .arg(format!("-Dmaven.repo.local={}", repository.display()))
            .current_dir(directory.path()),
    )
    .context("Nextflow's jars come by Maven: apt-get install maven")?;
    for jar in std::fs::read_dir(directory.path().join("jars"))? {
        let jar = jar?;
        let path = format!("usr/share/nextflow/{}", jar.file_name().to_string_lossy());
        tree.file(&path, 0o644, std::fs::read(jar.path())?);
    }
    Ok(())
}
