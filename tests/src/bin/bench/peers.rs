//! The others: make and xargs as the limits of what starting processes costs, Dagu as a peer.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Result, ensure};
use tempfile::TempDir;

/// How Dagu comes in.
pub(crate) const DAGU: &str = "set STEADING_DAGU to its program";

pub(crate) struct Peers {
    dir: TempDir,
    dagu: Option<PathBuf>,
}

impl Peers {
    /// Writes the workloads in each one's language.
    pub(crate) fn set_up(chain: usize, fan: usize) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let write = |name: &str, text: String| std::fs::write(dir.path().join(name), text);
        let (mut make, mut dagu) = (
            format!("all: s{}\n", chain - 1),
            "type: graph\nsteps:\n".to_owned(),
        );
        for step in 0..chain {
            let before = step
                .checked_sub(1)
                .map_or(String::new(), |before| format!("s{before}"));
            writeln!(make, "s{step}: {before}\n\t@/bin/sh -c true")?;
            writeln!(dagu, "  - name: s{step}\n    command: 'true'")?;
            if !before.is_empty() {
                writeln!(dagu, "    depends: {before}")?;
            }
        }
        write("chain.mk", make)?;
        write("chain.yaml", dagu)?;
        let (mut make, mut dagu) = (
            "all:".to_owned(),
            "type: graph\nmaxActiveSteps: 8\nsteps:\n".to_owned(),
        );
        for step in 0..fan {
            write!(make, " s{step}")?;
            writeln!(dagu, "  - name: s{step}\n    command: 'true'")?;
        }
        make.push('\n');
        for step in 0..fan {
            writeln!(make, "s{step}:\n\t@/bin/sh -c true")?;
        }
        write("fan.mk", make)?;
        write("fan.yaml", dagu)?;
        let dagu = std::env::var_os("STEADING_DAGU")
            .map(PathBuf::from)
            .filter(|path| path.exists());
        Ok(Self { dir, dagu })
    }

    pub(crate) fn has_dagu(&self) -> bool {
        self.dagu.is_some()
    }

    pub(crate) fn make_chain(&self) -> Result<f64> {
        self.time(Command::new("make").args(["-s", "-f", "chain.mk"]))
    }

    pub(crate) fn make_fan(&self) -> Result<f64> {
        self.time(Command::new("make").args(["-s", "-j8", "-f", "fan.mk"]))
    }

    /// The rest of them, for comparison.
    pub(crate) fn others(&self) -> Result<Vec<String>> {
        let script = "seq 1000 | xargs -P8 -I{} true";
        let mut lines = vec![format!(
            "xargs -P8, 1000 x true: {:.2} s",
            self.time(Command::new("sh").args(["-c", script]))?
        )];
        if let Some(dagu) = &self.dagu {
            for (file, what) in [("chain.yaml", "chain"), ("fan.yaml", "fan")] {
                let mut command = Command::new(dagu);
                command
                    .args(["start", file])
                    .env("DAGU_HOME", self.dir.path().join("dagu"))
                    .envs([("DO_NOT_TRACK", "1"), ("DAGU_AUTH_MODE", "none")]);
                lines.push(format!(
                    "Dagu 1.30.2, {what}: {:.2} s",
                    self.time(&mut command)?
                ));
            }
        }
        Ok(lines)
    }

    fn time(&self, command: &mut Command) -> Result<f64> {
        let start = Instant::now();
        let command = command.current_dir(self.dir.path());
        let status = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        ensure!(status.success(), "{command:?} ended with {status}");
        Ok(start.elapsed().as_secs_f64())
    }
}
