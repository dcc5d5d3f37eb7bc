//! A server of its own for the demo: started, awaited, asked, ended.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::command;

/// The port that the documentation names; any other when it is taken.
const USUAL_PORT: u16 = 2746;
/// How long a start may take before it is given up.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);

/// A running server; it ends with this value.
pub(crate) struct Server {
    program: PathBuf,
    data: PathBuf,
    address: SocketAddr,
    token: String,
    process: Child,
}

impl Server {
    /// Starts on loopback with an empty data directory and returns when requests are answered.
    pub(crate) fn start(program: PathBuf, data: &Path) -> Result<Self> {
        if data.exists() {
            std::fs::remove_dir_all(data)
                .with_context(|| format!("can not clear {}", data.display()))?;
        }
        let address = free_address()?;
        let process = Command::new(&program)
            .arg("serve")
            .arg("--data")
            .arg(data)
            .args(["--listen", &address.to_string(), "--level", "image"])
            .spawn()
            .with_context(|| format!("can not start {}", program.display()))?;
        let mut server = Self {
            program,
            data: data.to_owned(),
            address,
            token: String::new(),
            process,
        };
        server.wait_until_ready()?;
        server.token = std::fs::read_to_string(data.join("operator.token"))
            .context("the server left no operator.token")?
            .trim()
            .to_owned();
        Ok(server)
    }

    /// The program as a client of this server, with the operator's token.
    pub(crate) fn client(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env("STEADING_SERVER", format!("http://{}", self.address))
            .env("STEADING_TOKEN", &self.token);
        command
    }

    /// Its data directory.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// Returns when the server has ended by itself or by Ctrl-C.
    pub(crate) fn wait(&mut self) -> Result<()> {
        self.process.wait()?;
        Ok(())
    }

    /// Asks the server to end and waits for it.
    pub(crate) fn stop(&mut self) -> Result<()> {
        let id = self.process.id().to_string();
        command::run(Command::new("kill").args(["-TERM", &id]))?;
        let status = self.process.wait()?;
        if !status.success() {
            bail!("the server ended with {status}");
        }
        Ok(())
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let start = Instant::now();
        while !is_ready(self.address) {
            if let Some(status) = self.process.try_wait()? {
                bail!("the server ended with {status} before it was ready");
            }
            if start.elapsed() > PATIENCE {
                bail!("the server is not ready after {} s", PATIENCE.as_secs());
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing is left to do when it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, USUAL_PORT))
        .or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
    Ok(listener.local_addr()?)
}

fn is_ready(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        write!(stream, "GET /readyz HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.split_whitespace().nth(1) == Some("200"))
}
