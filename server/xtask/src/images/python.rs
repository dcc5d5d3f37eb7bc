//! Python's last steps: the name that people type, and compiled modules, so that a task does not
//! compile what it imports each time it starts (55 ms become 18 for a script with four imports).

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::tree::Tree;
use crate::command;

/// Adds the `python` command and the compiled standard library.
pub(crate) fn finish(tree: &mut Tree) -> Result<()> {
    tree.symlink("bin/python", "python3");
    let directory = tempfile::tempdir()?;
    tree.write_to(directory.path())?;
    let interpreter = Interpreter::in_tree(tree)?;
    interpreter.compile_library(directory.path())?;
    interpreter.collect(directory.path(), tree)
}

/// The image's own Python, run from a directory with the image's own loader and libraries.
struct Interpreter {
    loader: String,
    /// `python3.11`: the program's name and the library's.
    name: String,
}

impl Interpreter {
    fn in_tree(tree: &Tree) -> Result<Self> {
        let loader = tree
            .files()
            .find(|path| path.starts_with("usr/lib/") && path.contains("/ld-linux-"))
            .context("the image has no program loader")?;
        let name = tree
            .files()
            .find_map(|path| {
                path.strip_prefix("usr/bin/")
                    .filter(|name| name.starts_with("python3."))
            })
            .context("the image has no python3")?;
        Ok(Self {
            loader: loader.to_owned(),
            name: name.to_owned(),
        })
    }

    fn library(&self) -> String {
        format!("usr/lib/{}", self.name)
    }

    fn compile_library(&self, root: &Path) -> Result<()> {
        let loader = root.join(&self.loader);
        let libraries = loader.parent().context("the loader lies in a directory")?;
        command::output(
            Command::new(&loader)
                .env_clear()
                .env("PYTHONHOME", root.join("usr"))
                .env("PYTHONHASHSEED", "0")
                .arg("--library-path")
                .arg(libraries)
                .arg(root.join("usr/bin").join(&self.name))
                // -B: what compileall itself imports is written by compileall alone, in its form.
                .args(["-B", "-m", "compileall", "-f", "-q"])
                // Never compared with the source again: the root is read-only for a task.
                .args(["--invalidation-mode", "unchecked-hash"])
                .arg("-s")
                .arg(root)
                .args(["-p", "/"])
                .arg(root.join(self.library())),
        )?;
        Ok(())
    }

    fn collect(&self, root: &Path, tree: &mut Tree) -> Result<()> {
        let library = self.library();
        let tag = format!(
            "cpython-{}",
            self.name.replace("python", "").replace('.', "")
        );
        let sources: Vec<String> = tree
            .files()
            .filter(|path| path.starts_with(&library) && path.ends_with(".py"))
            .map(str::to_owned)
            .collect();
        for source in sources {
            let (parent, file) = source
                .rsplit_once('/')
                .context("modules lie in a directory")?;
            let cache = format!("{parent}/__pycache__");
            let compiled = format!("{cache}/{}.{tag}.pyc", file.trim_end_matches(".py"));
            // Some test data of the library is invalid on purpose and has no compiled form.
            if let Ok(contents) = std::fs::read(root.join(&compiled)) {
                tree.directory(&cache, 0o755);
                tree.file(&compiled, 0o644, contents);
            }
        }
        Ok(())
    }
}
