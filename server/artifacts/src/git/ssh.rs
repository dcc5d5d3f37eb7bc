//! Git over ssh: a session in which the server runs its git-upload-pack for us. No program, agent, configuration or
//! key of this host has a part in it, and who a server is, the site's known hosts say.

use std::borrow::Cow;
use std::io::{Error, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gix_transport::Protocol;
use gix_transport::client::git::ConnectMode;
use gix_transport::client::git::blocking_io::Connection;
use russh::client::{self, AuthResult, Handle, Msg};
use russh::keys::{PrivateKey, PrivateKeyWithHashAlg, PublicKeyOrCertificate, decode_secret_key};
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use tokio::runtime;
use tokio::time::timeout;

use super::address::SshAddress;
use super::call::{Fault, LARGEST, note};
use super::fetch::Remote;
use super::refused;
use crate::error::ArtifactError;
use crate::known_hosts::{KnownHosts, Verdict};
use crate::repository::{GitCredential, HostKey};
use crate::secret::Secret;
use crate::text::line;

/// How much is kept of what the server's program complains about, bytes.
const COMPLAINT: usize = 2 << 10;

/// A connection on which the server's git waits for questions.
pub(super) fn connect(
    remote: &Remote,
    at: &SshAddress,
    fault: &Fault,
) -> Result<Connection<Reading, Writing>, Error> {
    let silence = remote.network.patience().silence;
    let opened = remote.handle.block_on(async {
        let opened = timeout(silence, open(remote, at)).await;
        opened.unwrap_or_else(|_| Err(silent(remote)))
    });
    let (session, read, write) = opened.map_err(|error| note(fault, error))?;
    let reading = Reading {
        read,
        part: Bytes::new(),
        left: LARGEST,
        complaint: Vec::new(),
        status: None,
        silence,
        remote: remote.clone(),
        fault: fault.clone(),
        _session: session,
    };
    let writing = Writing {
        write,
        silence,
        handle: remote.handle.clone(),
    };
    let nobody = None::<(String, Option<u16>)>;
    let (mode, path) = (ConnectMode::Process, at.path.as_str());
    let connection = Connection::new(reading, writing, Protocol::V2, path, nobody, mode, false);
    Ok(connection.custom_url(Some(remote.address.text().into())))
}

type Opened = (Handle<Judge>, ChannelReadHalf, ChannelWriteHalf<Msg>);

async fn open(remote: &Remote, at: &SshAddress) -> Result<Opened, ArtifactError> {
    let GitCredential::Key(key) = &remote.credential else {
        let why = format!("{} needs a private key for ssh", remote.name);
        return Err(ArtifactError::Repository { why });
    };
    let stream = remote.network.connect(&at.host, at.port, &remote.name);
    let stream = stream.await?;
    let judge = Judge {
        known: remote.network.known_hosts(),
        at: at.clone(),
        demand: remote.host_key,
    };
    let config = Arc::new(judge.config());
    let trouble = |trouble: Trouble| trouble.into_error(remote);
    let broken = |error: russh::Error| trouble(error.into());
    let key = PrivateKeyWithHashAlg::new(Arc::new(readable(key)?), None);
    let session = client::connect_stream(config, stream, judge);
    let mut session = session.await.map_err(trouble)?;
    let answer = session.authenticate_publickey(&at.user, key).await;
    if !matches!(answer.map_err(broken)?, AuthResult::Success) {
        return Err(ArtifactError::Denied {
            store: remote.name.to_string(),
            why: format!("it does not know this key for {}", line(&at.user)),
        });
    }
    let channel = session.channel_open_session().await.map_err(broken)?;
    // A server that takes no such word speaks the older protocol.
    let version = channel.set_env(false, "GIT_PROTOCOL", "version=2").await;
    version.map_err(broken)?;
    let command = format!("git-upload-pack {}", quoted(&at.path));
    channel.exec(true, command).await.map_err(broken)?;
    let (read, write) = channel.split();
    Ok((session, read, write))
}

/// One word for the shell over there.
fn quoted(path: &str) -> String {
    format!("'{}'", path.replace('\'', r"'\''").replace('!', r"'\!'"))
}

fn readable(key: &Secret) -> Result<PrivateKey, ArtifactError> {
    let wrong = |why: String| ArtifactError::Repository { why };
    let key = decode_secret_key(key.expose(), None)
        .map_err(|error| wrong(format!("the private key for ssh can not be used: {error}")))?;
    match key.algorithm().is_rsa() {
        false => Ok(key),
        true => Err(wrong(
            "RSA keys are not supported for ssh: use an Ed25519 or ECDSA key".to_owned(),
        )),
    }
}

fn silent(remote: &Remote) -> ArtifactError {
    ArtifactError::down(&remote.name, "it gave no sign of life in time")
}

/// Looks at the key that a server shows.
struct Judge {
    known: Arc<KnownHosts>,
    at: SshAddress,
    demand: HostKey,
}

impl Judge {
    fn config(&self) -> client::Config {
        let mut config = client::Config::default();
        let known = self.known.algorithms(&self.at.host, self.at.port);
        if self.demand == HostKey::Known && !known.is_empty() {
            config.preferred.key = Cow::Owned(known);
        }
        config
    }
}

impl client::Handler for Judge {
    type Error = Trouble;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Trouble> {
        let key = shown.public_key();
        let verdict = self.known.judge(&self.at.host, self.at.port, &key);
        let print = key.fingerprint(Default::default());
        match (self.demand, verdict) {
            (_, Verdict::Revoked) => Err(Trouble::HostKey(format!("its key {print} is revoked"))),
            (HostKey::Any, _) | (_, Verdict::Known) => Ok(true),
            (HostKey::Known, Verdict::Unknown) => {
                Err(Trouble::HostKey(format!("its key {print} is not known")))
            }
        }
    }
}

/// Why there is no session.
#[derive(Debug)]
enum Trouble {
    HostKey(String),
    Ssh(russh::Error),
}

impl From<russh::Error> for Trouble {
    fn from(error: russh::Error) -> Self {
        Self::Ssh(error)
    }
}

impl Trouble {
    fn into_error(self, remote: &Remote) -> ArtifactError {
        let store = remote.name.to_string();
        match self {
            Self::HostKey(why) => ArtifactError::HostKey { store, why },
            Self::Ssh(russh::Error::NoCommonAlgo { kind, .. }) => {
                let why = format!("it and we have no algorithm for {kind:?} in common");
                ArtifactError::Refused { store, why }
            }
            Self::Ssh(error) => ArtifactError::down(&store, line(&error.to_string())),
        }
    }
}

/// What the server's git says.
pub(super) struct Reading {
    read: ChannelReadHalf,
    part: Bytes,
    left: u64,
    complaint: Vec<u8>,
    status: Option<u32>,
    silence: Duration,
    remote: Remote,
    fault: Fault,
    /// Ends with its last holder.
    _session: Handle<Judge>,
}

impl Read for Reading {
    fn read(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        while self.part.is_empty() {
            let (silence, read) = (self.silence, &mut self.read);
            let next = async { timeout(silence, read.wait()).await };
            let next = self.remote.handle.block_on(next);
            match next.map_err(|_| note(&self.fault, silent(&self.remote)))? {
                Some(ChannelMsg::Data { data }) => self.take(data)?,
                Some(ChannelMsg::ExtendedData { data, .. }) => {
                    let room = COMPLAINT.saturating_sub(self.complaint.len());
                    self.complaint.extend(data.iter().take(room));
                }
                Some(ChannelMsg::ExitStatus { exit_status }) => self.status = Some(exit_status),
                Some(ChannelMsg::Close) | None => return self.end(),
                Some(_) => {}
            }
        }
        let length = self.part.len().min(into.len());
        self.part.split_to(length).as_ref().read(into)
    }
}

impl Reading {
    fn take(&mut self, part: Bytes) -> Result<(), Error> {
        let left = self.left.checked_sub(part.len() as u64);
        self.left = left.ok_or_else(|| {
            let what = format!("what {} sends", self.remote.name);
            let limit = LARGEST;
            note(&self.fault, ArtifactError::TooLarge { what, limit })
        })?;
        self.part = part;
        Ok(())
    }

    /// Nothing more comes.
    fn end(&self) -> Result<usize, Error> {
        let error = match self.status {
            Some(0) => return Ok(0),
            Some(_) => self.complained(),
            None => ArtifactError::down(&self.remote.name, "the connection broke off"),
        };
        Err(note(&self.fault, error))
    }

    fn complained(&self) -> ArtifactError {
        let text = String::from_utf8_lossy(&self.complaint);
        let missing = ["not appear to be a git repo", "not found", "not be found"];
        match missing.iter().any(|sign| text.contains(sign)) {
            true => ArtifactError::NoRepository {
                store: self.remote.name.to_string(),
            },
            false => refused(&self.remote.name, text),
        }
    }
}

/// What our git asks.
pub(super) struct Writing {
    write: ChannelWriteHalf<Msg>,
    silence: Duration,
    handle: runtime::Handle,
}

impl Write for Writing {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let sent = self.write.data_bytes(Bytes::copy_from_slice(bytes));
        let sent = async { timeout(self.silence, sent).await };
        let sent = self.handle.block_on(sent);
        sent.map_err(Error::other)?.map_err(Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }
}
