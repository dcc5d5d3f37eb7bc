//! `git http-backend`, the server that git itself brings, behind a port of ours.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::fake::header;
use crate::programs;

/// Repositories below a directory.
pub(crate) struct GitRepositories {
    pub(crate) root: PathBuf,
    _directory: tempfile::TempDir,
}

/// The same on the web, for whoever shows `login` where there is one.
pub(crate) struct GitServer {
    address: String,
    repositories: GitRepositories,
}

impl std::ops::Deref for GitServer {
    type Target = GitRepositories;

    fn deref(&self) -> &GitRepositories {
        &self.repositories
    }
}

struct Shared {
    backend: PathBuf,
    root: PathBuf,
    login: Option<&'static str>,
}

impl GitServer {
    /// Nothing where git is not installed.
    pub(crate) async fn start(login: Option<&'static str>) -> Result<Option<Self>> {
        let said = Command::new("git").arg("--exec-path").output();
        let path = said.map(|said| String::from_utf8_lossy(&said.stdout).trim().to_owned());
        let backend = Path::new(&path.unwrap_or_default()).join("git-http-backend");
        if !programs::present(&backend)? {
            return Ok(None);
        }
        let repositories = GitRepositories::new()?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let shared = Arc::new(Shared {
            backend,
            root: repositories.root.clone(),
            login,
        });
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let shared = shared.clone();
                tokio::spawn(shared.serve(client));
            }
        });
        Ok(Some(Self {
            address,
            repositories,
        }))
    }

    pub(crate) fn url(&self, repository: &str) -> String {
        format!("http://{}/{repository}", self.address)
    }
}

impl GitRepositories {
    pub(crate) fn new() -> Result<Self> {
        let directory = tempfile::tempdir()?;
        Ok(Self {
            root: directory.path().to_owned(),
            _directory: directory,
        })
    }

    /// Runs git in a repository; answers what it prints.
    pub(crate) fn git(&self, repository: &str, arguments: &[&str]) -> Result<String> {
        git(&self.root.join(repository), arguments, b"")
    }

    /// A new repository with a first commit.
    pub(crate) fn repository(&self, name: &str) -> Result<()> {
        std::fs::create_dir(self.root.join(name))?;
        self.git(name, &["init", "-q", "-b", "main"])?;
        self.write(name, "README", "first")
    }

    /// Writes a file and commits everything.
    pub(crate) fn write(&self, name: &str, file: &str, content: &str) -> Result<()> {
        let path = self.root.join(name).join(file);
        std::fs::create_dir_all(path.parent().context("a file")?)?;
        std::fs::write(path, content)?;
        self.commit(name)
    }

    /// Puts a repository into another one, at `sub/way`, and commits that.
    pub(crate) fn submodule(&self, outer: &str, inner: &str) -> Result<()> {
        let from = self.root.join(inner);
        let from = from.to_str().context("a path")?;
        self.git(outer, &["submodule", "add", "-q", from, "sub/way"])?;
        self.submodule_at(outer, &format!("../{inner}"))
    }

    /// Has that come from another address.
    pub(crate) fn submodule_at(&self, outer: &str, url: &str) -> Result<()> {
        let set = ["config", "-f", ".gitmodules", "submodule.sub/way.url", url];
        self.git(outer, &set)?;
        self.commit(outer)
    }

    pub(crate) fn commit(&self, name: &str) -> Result<()> {
        self.git(name, &["add", "-A"])?;
        self.git(name, &["commit", "-q", "-m", "change"])?;
        Ok(())
    }
}

/// Runs git with an input; answers what it prints.
pub(crate) fn git(directory: &Path, arguments: &[&str], input: &[u8]) -> Result<String> {
    let mut child = Command::new("git")
        .args([
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@t",
            "-c",
            "protocol.file.allow=always",
        ])
        .args(arguments)
        .current_dir(directory)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().context("a pipe")?;
    stdin.write_all(input)?;
    drop(stdin);
    let output = child.wait_with_output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "git {arguments:?}: {errors}");
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

impl Shared {
    async fn serve(self: Arc<Self>, mut client: TcpStream) -> Result<()> {
        let mut request = Vec::new();
        let end = loop {
            if let Some(end) = request.windows(4).position(|four| four == b"\r\n\r\n") {
                break end;
            }
            ensure!(client.read_buf(&mut request).await? > 0, "no request");
        };
        let body = request.split_off(end + 4);
        let head = String::from_utf8_lossy(&request).into_owned();
        let length = header(&head, "content-length").unwrap_or("0").parse()?;
        let mut body = body;
        while body.len() < length {
            ensure!(client.read_buf(&mut body).await? > 0, "no body");
        }
        let answer = match self.login {
            Some(login) if header(&head, "authorization") != Some(login) => {
                b"HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
                    .to_vec()
            }
            _ => {
                let shared = self.clone();
                tokio::task::spawn_blocking(move || shared.answer(&head, &body)).await??
            }
        };
        client.write_all(&answer).await?;
        client.shutdown().await?;
        Ok(())
    }

    fn answer(&self, head: &str, body: &[u8]) -> Result<Vec<u8>> {
        let mut words = head.split(' ');
        let (method, target) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut child = Command::new(&self.backend)
            .env("GIT_PROJECT_ROOT", &self.root)
            .env("GIT_HTTP_EXPORT_ALL", "1")
            .env("GIT_CONFIG_COUNT", "1")
            .env("GIT_CONFIG_KEY_0", "safe.directory")
            .env("GIT_CONFIG_VALUE_0", "*")
            .env("REQUEST_METHOD", method)
            .env("PATH_INFO", path)
            .env("QUERY_STRING", query)
            .env(
                "CONTENT_TYPE",
                header(head, "content-type").unwrap_or_default(),
            )
            .env("CONTENT_LENGTH", body.len().to_string())
            .env(
                "GIT_PROTOCOL",
                header(head, "git-protocol").unwrap_or_default(),
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut stdin = child.stdin.take().context("a pipe")?;
        stdin.write_all(body)?;
        drop(stdin);
        let said = child.wait_with_output()?.stdout;
        let end = said.windows(4).position(|four| four == b"\r\n\r\n");
        let (headers, body) = said.split_at(end.context("headers")? + 4);
        let headers = String::from_utf8_lossy(headers);
        let status = header(&headers, "Status").unwrap_or("200 OK");
        let length = format!("Connection: close\r\nContent-Length: {}", body.len());
        let start = format!("HTTP/1.1 {status}\r\n{length}\r\n{headers}");
        Ok([start.as_bytes(), body].concat())
    }
}
