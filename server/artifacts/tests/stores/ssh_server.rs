//! OpenSSH's sshd behind a port of ours: one process for each connection, as inetd starts them.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use steading_artifacts::Secret;

use crate::programs;

/// Who is known where sshd is root: it asks for a user of its own, and for one who may log in.
const PASSWD: &str = "runner:*:0:0::/:/bin/sh\nsshd:*:65533:65533::/run/sshd:/bin/false\n";
/// For this process alone, the host has these users, and the directory that sshd's service makes.
const AS_ROOT: &str = "mount --bind \"$1/passwd\" /etc/passwd && mount -t tmpfs tmpfs /run && mkdir /run/sshd \
                       && shift && exec \"$@\"";

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn user() -> String {
    match is_root() {
        true => "runner".to_owned(),
        false => std::env::var("USER").unwrap_or_default(),
    }
}

impl programs::Sshd {
    /// For one connection, with the configuration that lies in a directory.
    fn command(&self, place: &Path) -> Command {
        let mut command = if is_root() {
            let mut unshare = Command::new("unshare");
            unshare
                .args(["--mount", "sh", "-c", AS_ROOT, "sh"])
                .arg(place);
            unshare.arg(&self.program);
            unshare
        } else {
            Command::new(&self.program)
        };
        command.args(["-i", "-e", "-f"]).arg(place.join("config"));
        command.env("LD_LIBRARY_PATH", &self.libraries);
        command
    }
}

/// A server that lets the holder of one key in, as whoever runs this test.
pub(crate) struct SshServer {
    port: u16,
    /// Sessions that are open.
    open: Arc<AtomicUsize>,
    directory: tempfile::TempDir,
}

impl SshServer {
    /// Nothing where sshd is not installed. `settings` are further lines of its configuration.
    pub(crate) fn start(settings: &str) -> Result<Option<Self>> {
        let Some(sshd) = programs::sshd()? else {
            return Ok(None);
        };
        let directory = tempfile::tempdir()?;
        let place = directory.path();
        for name in ["host", "client", "other"] {
            keygen(&["-q", "-t", "ed25519", "-N", "", "-f"], &place.join(name))?;
        }
        keygen(&["-q", "-t", "ecdsa", "-N", "", "-f"], &place.join("host2"))?;
        let config = format!(
            "HostKey {0}/host\nHostKey {0}/host2\nAuthorizedKeysFile {0}/client.pub\nStrictModes no\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\n{settings}\n",
            place.display()
        );
        std::fs::write(place.join("config"), config)?;
        std::fs::write(place.join("passwd"), PASSWD)?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let open = Arc::new(AtomicUsize::new(0));
        let (counter, place) = (open.clone(), place.to_owned());
        std::thread::spawn(move || {
            while let Ok((socket, _)) = listener.accept() {
                let socket = OwnedFd::from(socket);
                let Ok(output) = socket.try_clone() else {
                    break;
                };
                let mut session = sshd.command(&place);
                session.stdin(socket).stdout(output).stderr(Stdio::null());
                let Ok(mut session) = session.spawn() else {
                    break;
                };
                counter.fetch_add(1, Ordering::SeqCst);
                let counter = counter.clone();
                std::thread::spawn(move || {
                    let _ = session.wait();
                    counter.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Ok(Some(Self {
            port,
            open,
            directory,
        }))
    }

    /// Of a repository that lies at a path of this host.
    pub(crate) fn url(&self, path: &Path) -> String {
        format!("ssh://{}@127.0.0.1:{}{}", user(), self.port, path.display())
    }

    /// `client`, which it lets in, or `other`.
    pub(crate) fn key(&self, name: &str) -> Result<Secret> {
        Ok(Secret::new(std::fs::read_to_string(self.place(name))?))
    }

    /// A line of `known_hosts` with a key of `host`, `host2` or whomever.
    pub(crate) fn known(&self, name: &str) -> Result<String> {
        let key = std::fs::read_to_string(self.place(name).with_extension("pub"))?;
        Ok(format!("[127.0.0.1]:{} {key}", self.port))
    }

    /// The same with the name hashed, as Debian's ssh writes it.
    pub(crate) fn known_by_hash(&self) -> Result<String> {
        let file = self.place("known_hosts");
        std::fs::write(&file, self.known("host")?)?;
        keygen(&["-H", "-f"], &file)?;
        Ok(std::fs::read_to_string(file)?)
    }

    pub(crate) fn open_sessions(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    fn place(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

fn keygen(arguments: &[&str], file: &Path) -> Result<()> {
    let mut keygen = Command::new("ssh-keygen");
    let made = keygen
        .args(arguments)
        .arg(file)
        .output()
        .context("ssh-keygen")?;
    let said = String::from_utf8_lossy(&made.stderr);
    ensure!(made.status.success(), "ssh-keygen: {said}");
    Ok(())
}
