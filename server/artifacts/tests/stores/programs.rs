//! Servers that others made, as programs: started at the first use, shared by the tests, ended with the last.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::{Context, Result, bail};

/// Where moto listens, `host:port`; nothing where it is not installed.
pub(crate) fn moto() -> Result<Option<String>> {
    static MOTO: OnceLock<Result<Option<String>, String>> = OnceLock::new();
    shared(&MOTO, || {
        let python = installed("moto/bin/python");
        if !present(&python)? {
            return Ok(None);
        }
        let mut command = Command::new(python);
        command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]);
        start(command, "Running on http://").map(Some)
    })
}

/// Where Azurite listens, `host:port`; nothing where it is not installed.
pub(crate) fn azurite() -> Result<Option<String>> {
    static AZURITE: OnceLock<Result<Option<String>, String>> = OnceLock::new();
    shared(&AZURITE, || {
        let program = installed("azurite/node_modules/.bin/azurite-blob");
        if !present(&program)? {
            return Ok(None);
        }
        let mut command = Command::new(program);
        command.args([
            "--inMemoryPersistence",
            "--disableTelemetry",
            "--skipApiVersionCheck",
        ]);
        command.args(["--blobHost", "127.0.0.1", "--blobPort", "0"]);
        start(command, "successfully listens on http://").map(Some)
    })
}

/// OpenSSH's server and the libraries that came with it.
pub(crate) struct Sshd {
    pub(crate) program: PathBuf,
    pub(crate) libraries: PathBuf,
}

/// Nothing where it is not installed.
pub(crate) fn sshd() -> Result<Option<Sshd>> {
    let root = installed("sshd/usr");
    let program = root.join("sbin/sshd");
    Ok(present(&program)?.then(|| Sshd {
        program,
        libraries: root.join(format!("lib/{}-linux-gnu", std::env::consts::ARCH)),
    }))
}

/// Ends all of them.
pub(crate) fn end_all() {
    for mut child in std::mem::take(&mut *running()) {
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn shared(
    of: &OnceLock<Result<Option<String>, String>>,
    start: impl FnOnce() -> Result<Option<String>>,
) -> Result<Option<String>> {
    let started = of.get_or_init(|| start().map_err(|error| format!("{error:#}")));
    started.clone().map_err(anyhow::Error::msg)
}

fn running() -> std::sync::MutexGuard<'static, Vec<Child>> {
    static RUNNING: Mutex<Vec<Child>> = Mutex::new(Vec::new());
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a server that says in one line, behind `sign`, where it listens.
fn start(mut command: Command, sign: &str) -> Result<String> {
    let (reader, writer) = std::io::pipe()?;
    let child = command
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .spawn()
        .with_context(|| format!("{command:?}"))?;
    drop(command);
    running().push(child);
    let mut lines = BufReader::new(reader).lines();
    let mut said = String::new();
    for line in lines.by_ref() {
        let line = line?;
        if let Some((_, address)) = line.split_once(sign) {
            let end = |c: char| c.is_whitespace() || c == '/';
            let address = address.split(end).next().unwrap_or_default().to_owned();
            // It would stand still once nobody reads any more.
            std::thread::spawn(move || lines.for_each(drop));
            return Ok(address);
        }
        said.push_str(&line);
        said.push('\n');
    }
    bail!("a server ended before it listened: {said}")
}

/// `STEADING_STORES`, else where `cargo xtask test` installs them.
fn installed(path: &str) -> PathBuf {
    let directory = match std::env::var_os("STEADING_STORES") {
        Some(directory) => directory.into(),
        None => {
            let test = std::env::current_exe().unwrap();
            test.ancestors().nth(3).unwrap().join("stores")
        }
    };
    directory.join(path)
}

/// That it is missing is told in one visible line, and is an error under `cargo xtask test` and in continuous
/// integration.
pub(crate) fn present(path: &Path) -> Result<bool> {
    if path.exists() {
        return Ok(true);
    }
    let what = path.display();
    let strict = ["STEADING_TEST_STRICT", "CI"];
    if strict.iter().any(|name| std::env::var_os(name).is_some()) {
        bail!("{what} is missing: cargo xtask setup");
    }
    println!("NOT TESTED: {what} is missing (cargo xtask setup)");
    Ok(false)
}
