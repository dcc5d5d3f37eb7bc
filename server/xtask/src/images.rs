//! `cargo xtask images`: OCI archives in `target/images/`, made without any container engine from
//! Debian packages and small programs of our own.

mod debian;
mod nextflow;
mod oci;
mod python;
mod recipes;
mod tree;

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use debian::Packages;
use recipes::{RECIPES, Recipe, WITHOUT};
use sha2::{Digest, Sha256};
use tree::Tree;

use crate::command;
use crate::progress::Progress;
use crate::workspace::Workspace;

/// Steps that [`make_all`] reports.
pub(crate) const STEPS: usize = RECIPES.len();

/// Makes every image whose inputs changed.
pub(crate) fn make_all(workspace: &Workspace, progress: &mut Progress) -> Result<()> {
    let kitchen = Kitchen::open(workspace)?;
    for recipe in RECIPES {
        progress.step(&format!("image {}", recipe.name), || kitchen.make(recipe))?;
    }
    Ok(())
}

/// Makes the image in which Nextflow runs, when its inputs changed. Needs Maven.
pub(crate) fn make_nextflow(workspace: &Workspace, progress: &mut Progress) -> Result<()> {
    let recipe = &nextflow::RECIPE;
    let kitchen = Kitchen::open(workspace)?;
    progress.step(&format!("image {}", recipe.name), || kitchen.make(recipe))
}

struct Kitchen {
    packages: Packages,
    architecture: String,
    directory: PathBuf,
}

impl Kitchen {
    fn open(workspace: &Workspace) -> Result<Self> {
        let directory = workspace.target("images");
        std::fs::create_dir_all(&directory)?;
        Ok(Self {
            packages: Packages::cached_in(workspace.target("cache/debian"))?,
            architecture: command::text(Command::new("dpkg").arg("--print-architecture"))?
                .trim()
                .to_owned(),
            directory,
        })
    }

    fn make(&self, recipe: &Recipe) -> Result<()> {
        let file = self.directory.join(file_name(recipe.name));
        let stamp = file.with_extension("inputs");
        let packages = self.packages.closure(&recipe.packages.concat(), WITHOUT)?;
        let inputs = digest_of_inputs(packages.iter().map(debian::Package::file));
        if file.exists() && std::fs::read_to_string(&stamp).is_ok_and(|made| made == inputs) {
            return Ok(());
        }

        self.packages.download(&packages)?;
        let mut tree = Tree::skeleton(recipe.description);
        for package in &packages {
            self.packages.unpack(package, &mut tree)?;
        }
        tree.retain(worth_keeping);
        (recipe.finish)(&mut tree)?;
        let archive = oci::archive(
            recipe.name,
            &self.architecture,
            recipe.description,
            recipe.start,
            if tree.has("workspace") {
                "/workspace"
            } else {
                "/"
            },
            &tree.to_tar()?,
        )?;

        // The stamp last: a run that was cut short is done again.
        let unfinished = file.with_extension("part");
        std::fs::write(&unfinished, archive)?;
        std::fs::rename(&unfinished, &file)?;
        std::fs::write(&stamp, inputs)?;
        Ok(())
    }
}

/// `argoproj/argosay:v2` -> `argoproj_argosay_v2.tar`.
fn file_name(image: &str) -> String {
    format!("{}.tar", image.replace(['/', ':'], "_"))
}

/// Documentation is left behind; the copyright files stay.
fn worth_keeping(path: &str) -> bool {
    const UNNEEDED: [&str; 7] = [
        "usr/share/bash-completion/",
        "usr/share/info/",
        "usr/share/lintian/",
        "usr/share/locale/",
        "usr/share/man/",
        "usr/share/zsh/",
        "usr/lib/systemd/",
    ];
    let documentation = path.starts_with("usr/share/doc/") && !path.ends_with("/copyright");
    !documentation && !UNNEEDED.iter().any(|unneeded| path.starts_with(unneeded))
}

/// Changes when a package's version or anything in this module does.
fn digest_of_inputs<'a>(packages: impl Iterator<Item = &'a str>) -> String {
    let mut digest = Sha256::new();
    for source in [
        include_str!("images.rs"),
        include_str!("images/tree.rs"),
        include_str!("images/oci.rs"),
        include_str!("images/recipes.rs"),
        include_str!("images/python.rs"),
        include_str!("images/argosay.sh"),
        include_str!("images/cowsay.sh"),
        include_str!("images/curl.sh"),
        include_str!("images/nc.sh"),
        include_str!("images/nextflow.rs"),
        include_str!("images/nextflow/launcher.sh"),
        include_str!("images/nextflow/main.nf"),
        include_str!("images/nextflow/pom.xml"),
        include_str!("images/nginx.conf"),
    ] {
        digest.update(source);
    }
    for package in packages {
        digest.update(package);
        digest.update("\n");
    }
    hex::encode(digest.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_follow_image_names() {
        assert_eq!(file_name("busybox"), "busybox.tar");
        assert_eq!(file_name("alpine:3.23"), "alpine_3.23.tar");
        assert_eq!(file_name("argoproj/argosay:v2"), "argoproj_argosay_v2.tar");
    }

    #[test]
    fn licences_stay_in_the_image_and_manuals_do_not() {
        assert!(worth_keeping("usr/share/doc/bash/copyright"));
        assert!(!worth_keeping("usr/share/doc/bash/README"));
        assert!(!worth_keeping("usr/share/man/man1/bash.1.gz"));
    }
}
