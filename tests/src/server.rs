//! The real program as a server: on a port and a data directory of its own, killed at the end.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};
use steading_api::operation::Method;
use tempfile::TempDir;

use crate::{Client, program, wait};

/// The site's default level, as `--level` takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The root file system of an image.
    Image,
    /// The host's programs, confined.
    Sandbox,
    /// A plain child.
    Process,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Sandbox => "sandbox",
            Self::Process => "process",
        }
    }
}

/// A server and its data directory; both end with this value.
pub struct Server {
    data: TempDir,
    level: Level,
    address: SocketAddr,
    token: String,
    process: Child,
}

impl Server {
    /// Starts with an empty data directory.
    ///
    /// # Errors
    /// When it ends before it is ready; its words are in the error.
    pub async fn start(level: Level) -> Result<Self> {
        Self::start_on(tempfile::tempdir()?, level).await
    }

    /// Starts with an empty data directory on a file system of the caller's.
    ///
    /// # Errors
    /// When it ends before it is ready; its words are in the error.
    pub async fn start_below(directory: &Path, level: Level) -> Result<Self> {
        Self::start_on(TempDir::new_in(directory)?, level).await
    }

    async fn start_on(data: TempDir, level: Level) -> Result<Self> {
        let address = free_address()?;
        let process = spawn(data.path(), address, level)?;
        let mut server = Self {
            data,
            level,
            address,
            token: String::new(),
            process,
        };
        server.ready().await?;
        server.token = std::fs::read_to_string(server.data().join("operator.token"))
            .context("the server left no operator.token")?
            .trim()
            .to_owned();
        Ok(server)
    }

    /// Imports an image archive that `cargo xtask images` made, by its file's name.
    ///
    /// # Errors
    /// When it is missing or refused.
    pub fn import(&self, file: &str) -> Result<()> {
        let output = self
            .command()?
            .args(["image", "import"])
            .arg(program::image(file)?)
            .arg("--data")
            .arg(self.data())
            .output()?;
        if !output.status.success() {
            bail!("{file}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }

    /// Ends it with SIGKILL, as a crash does.
    ///
    /// # Errors
    /// When it has ended before.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(status) = self.process.try_wait()? {
            bail!("the server had ended with {status}");
        }
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    /// Asks it to end with SIGTERM and waits.
    ///
    /// # Errors
    /// When the signal can not be sent.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        let id = self.process.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status()?;
        Ok(self.process.wait()?)
    }

    /// Starts again on the same data directory and port, after [`Self::kill`] or [`Self::stop`].
    ///
    /// # Errors
    /// When it ends before it is ready.
    pub async fn restart(&mut self) -> Result<()> {
        self.begin_again()?;
        self.ready().await
    }

    /// As [`Self::restart`], without waiting until it answers.
    ///
    /// # Errors
    /// When the program can not be started.
    pub fn begin_again(&mut self) -> Result<()> {
        self.process = spawn(self.data.path(), self.address, self.level)?;
        Ok(())
    }

    /// The server's process.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// The data directory.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The operator's token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The operator as a client.
    pub fn client(&self) -> Client {
        Client::new(self.address, Some(&self.token))
    }

    /// The program as the operator's command line, ready for a verb.
    ///
    /// # Errors
    /// When the program is not built.
    pub fn command(&self) -> Result<Command> {
        let mut command = Command::new(program::steading()?);
        command
            .env("STEADING_SERVER", format!("http://{}", self.address))
            .env("STEADING_TOKEN", &self.token);
        Ok(command)
    }

    /// What the server has said so far.
    pub fn words(&self) -> String {
        std::fs::read_to_string(words(self.data())).unwrap_or_default()
    }

    /// Processes and mounts that still use the data directory, once those that were about to end have.
    /// Meant for after [`Self::stop`], when every run is over.
    ///
    /// # Errors
    /// When the system does not tell.
    pub async fn left_behind(&self) -> Result<Vec<String>> {
        let mut seen = Vec::new();
        let gone = wait::until("tasks to be gone", async || {
            seen = users_of(self.data())?;
            Ok(seen.is_empty().then_some(()))
        });
        // What is still there after that long is the answer.
        let _ = gone.await;
        Ok(seen)
    }

    /// The network namespaces, other than this program's own, of processes that use the data directory.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn networks(&self) -> Result<BTreeSet<PathBuf>> {
        let own = network(Path::new("/proc/self"));
        let processes = processes()?.into_iter();
        Ok(processes
            .filter(|process| !uses(process, self.data()).is_empty())
            .filter_map(|process| network(&process))
            .filter(|network| Some(network) != own.as_ref())
            .collect())
    }

    /// Waits until it answers.
    ///
    /// # Errors
    /// When it ends before.
    pub async fn ready(&mut self) -> Result<()> {
        let nobody = Client::new(self.address, None);
        wait::until("the server to be ready", async || {
            if let Some(status) = self.process.try_wait()? {
                bail!("the server ended with {status}: {}", self.words());
            }
            let answer = nobody.request(Method::Get, "/readyz").send().await;
            Ok(answer
                .is_ok_and(|answer| answer.status().is_success())
                .then_some(()))
        })
        .await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Beside the data directory's own files, whose names all differ.
fn words(data: &Path) -> PathBuf {
    data.join("server.log")
}

fn spawn(data: &Path, address: SocketAddr, level: Level) -> Result<Child> {
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(words(data))?;
    Command::new(program::steading()?)
        .arg("serve")
        .arg("--data")
        .arg(data)
        .args(["--listen", &address.to_string()])
        .args(["--level", level.word()])
        // Servers of the tests themselves; no other address of the loopback.
        .args(["--egress-allow", "127.0.0.1"])
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .context("can not start the server")
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// Processes with the directory on their command line, and mounts below it in anybody's namespace.
fn users_of(directory: &Path) -> Result<Vec<String>> {
    let processes = processes()?;
    let users = processes
        .iter()
        .flat_map(|process| uses(process, directory));
    Ok(users.collect())
}

/// What of a process names the directory. It may end between the listing and the reading.
fn uses(process: &Path, directory: &Path) -> Vec<String> {
    let directory = directory.to_string_lossy();
    let mut uses = Vec::new();
    for file in ["cmdline", "mountinfo"] {
        let text = std::fs::read(process.join(file)).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).replace('\0', " ");
        let lines = text.lines().filter(|line| line.contains(&*directory));
        uses.extend(lines.map(|line| format!("{}: {line}", process.display())));
    }
    uses
}

/// Processes that are in one of these network namespaces or hold it open: it lives as long as they do.
///
/// # Errors
/// When the system does not tell.
pub fn in_networks(networks: &BTreeSet<PathBuf>) -> Result<Vec<PathBuf>> {
    let holds = |process: &PathBuf| {
        let open = std::fs::read_dir(process.join("fd"));
        let open = open.into_iter().flatten().flatten();
        open.filter_map(|file| std::fs::read_link(file.path()).ok())
            .chain(network(process))
            .any(|held| networks.contains(&held))
    };
    Ok(processes()?.into_iter().filter(holds).collect())
}

/// Names a process's network namespace, e.g. `net:[4026531840]`.
fn network(process: &Path) -> Option<PathBuf> {
    std::fs::read_link(process.join("ns/net")).ok()
}

/// Every process, as its folder in `/proc`.
fn processes() -> Result<Vec<PathBuf>> {
    let mut processes = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let entry = entry?;
        let name = entry.file_name();
        if name.as_encoded_bytes().iter().all(u8::is_ascii_digit) {
            processes.push(entry.path());
        }
    }
    Ok(processes)
}
