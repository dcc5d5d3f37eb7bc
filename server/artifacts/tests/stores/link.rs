//! A connection to a server that can be cut: everything goes through a port of ours, is counted, and stops
//! when a test says so.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What goes wrong.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    Nothing,
    /// After so many bytes to the server all connections are cut, and none is made any more.
    CutAfter(u64),
    /// The first request whose first line holds all of these reaches the server, its answer reaches nobody.
    LoseAnswerTo(&'static [&'static str]),
}

pub(crate) struct Link {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    server: String,
    fault: Mutex<Fault>,
    sent: AtomicU64,
}

impl Link {
    pub(crate) async fn to(server: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let shared = Arc::new(Shared {
            server: server.to_owned(),
            fault: Mutex::new(Fault::Nothing),
            sent: AtomicU64::new(0),
        });
        let address = listener.local_addr()?;
        let of_loop = shared.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let shared = of_loop.clone();
                tokio::spawn(async move { shared.carry(client).await });
            }
        });
        Ok(Self { address, shared })
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// From now on this goes wrong, and counting begins anew.
    pub(crate) fn fault(&self, fault: Fault) {
        self.shared.sent.store(0, Ordering::Relaxed);
        *self.shared.fault.lock().unwrap() = fault;
    }

    /// Bytes that went to the server.
    pub(crate) fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::Relaxed)
    }
}

impl Shared {
    async fn carry(&self, mut client: TcpStream) -> std::io::Result<()> {
        let mut server = TcpStream::connect(&self.server).await?;
        let (mut out, mut back) = (vec![0; 1 << 16], vec![0; 1 << 16]);
        let mut lost = false;
        loop {
            tokio::select! {
                read = client.read(&mut out) => {
                    let bytes = &out[..read?];
                    if bytes.is_empty() || self.cut(bytes.len() as u64) {
                        return Ok(());
                    }
                    lost |= self.loses(bytes);
                    server.write_all(bytes).await?;
                }
                read = server.read(&mut back) => {
                    let read = read?;
                    if read == 0 || lost || self.cut(0) {
                        return Ok(());
                    }
                    client.write_all(&back[..read]).await?;
                }
            }
        }
    }

    fn cut(&self, more: u64) -> bool {
        let sent = self.sent.fetch_add(more, Ordering::Relaxed) + more;
        matches!(*self.fault.lock().unwrap(), Fault::CutAfter(limit) if sent > limit)
    }

    fn loses(&self, bytes: &[u8]) -> bool {
        let mut fault = self.fault.lock().unwrap();
        let Fault::LoseAnswerTo(signs) = *fault else {
            return false;
        };
        let line = bytes
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        let hit = signs.iter().all(|sign| line.contains(sign));
        if hit {
            *fault = Fault::Nothing;
        }
        hit
    }
}
