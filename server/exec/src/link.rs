//! The server's end of the socket to the spawner: requests from many tasks at once, each with a
//! number, answered in any order, repeated when a new spawner has taken over.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::oneshot;

use crate::error::{Doing, ExecError};
use crate::keeper::SpawnerSeed;
use crate::sys;
use crate::wire::{Done, Envelope, Packet, Reply, Request, Setup, receive};

/// A done request and the descriptor that came with it.
type Answer = Result<(Done, Option<OwnedFd>), ExecError>;
/// A request, ready to be sent again, and who waits for its answer.
type Asked = (Arc<Packet>, oneshot::Sender<Answer>);

/// Requests to the spawner.
pub(crate) struct Link {
    socket: AsyncFd<OwnedFd>,
    next: AtomicU64,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    /// By number, so that a repetition keeps the order.
    requests: BTreeMap<u64, Asked>,
    /// The other side is gone for good.
    closed: bool,
}

impl Link {
    /// Takes the socket into use and sets the spawner up.
    pub(crate) async fn open(seed: SpawnerSeed, setup: Setup) -> Result<Arc<Self>, ExecError> {
        let link = Arc::new(Self {
            socket: sys::async_fd(seed.0, Interest::READABLE | Interest::WRITABLE)
                .doing("opening the spawner's socket")?,
            next: AtomicU64::new(1),
            waiting: Mutex::default(),
        });
        tokio::spawn(Arc::clone(&link).read(setup.clone()));
        link.call(Request::Setup(setup)).await?;
        Ok(link)
    }

    /// Asks the spawner and waits for its answer.
    pub(crate) async fn call(&self, request: Request) -> Answer {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let packet = Packet::new(&Envelope { id, request }).doing("writing a request")?;
        let packet = Arc::new(packet);
        let (sender, answer) = oneshot::channel();
        {
            let mut waiting = self.waiting();
            if waiting.closed {
                return Err(ExecError::SpawnerLost);
            }
            waiting.requests.insert(id, (Arc::clone(&packet), sender));
        }
        if let Err(source) = self.send(&packet).await {
            self.waiting().requests.remove(&id);
            let doing = "asking the spawner".into();
            return Err(ExecError::Io { doing, source });
        }
        answer.await.unwrap_or(Err(ExecError::SpawnerLost))
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn send(&self, packet: &Packet) -> io::Result<()> {
        loop {
            let mut ready = self.socket.writable().await?;
            if let Ok(sent) = ready.try_io(|socket| packet.send(socket.as_fd(), None)) {
                return sent;
            }
        }
    }

    /// Hands answers out until the other side is gone.
    async fn read(self: Arc<Self>, setup: Setup) {
        let mut buffer = Vec::new();
        loop {
            let got = match self.socket.readable().await {
                Ok(mut ready) => {
                    match ready.try_io(|socket| receive::<Reply>(socket.as_fd(), &mut buffer)) {
                        Ok(got) => got,
                        Err(_not_yet) => continue,
                    }
                }
                Err(error) => Err(error),
            };
            match got {
                Ok(Some((reply, _))) if reply.id == 0 => self.repeat(&setup).await,
                Ok(Some((reply, fd))) => self.answer(reply, fd),
                Ok(None) | Err(_) => break,
            }
        }
        tracing::error!("the process that starts tasks is gone: no further task can start");
        let mut waiting = self.waiting();
        waiting.closed = true;
        waiting.requests.clear();
    }

    fn answer(&self, reply: Reply, fd: Option<OwnedFd>) {
        let waiting = self.waiting().requests.remove(&reply.id);
        if let Some((_, sender)) = waiting {
            let answer = reply.outcome.map(|done| (done, fd));
            let _ = sender.send(answer.map_err(|refusal| ExecError::Refused {
                code: refusal.code,
                message: refusal.message,
            }));
        }
    }

    /// A new spawner knows nothing: set it up, then ask again for everything unanswered.
    async fn repeat(&self, setup: &Setup) {
        tracing::warn!("the spawner died; a new one has taken over");
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let request = Request::Setup(setup.clone());
        let sent = match Packet::new(&Envelope { id, request }) {
            Ok(packet) => self.send(&packet).await,
            Err(error) => Err(error),
        };
        if let Err(error) = sent {
            tracing::error!(%error, "setting the new spawner up failed");
        }
        // Looked at only now: what is asked from here on lies behind the setup anyway.
        let again: Vec<Arc<Packet>> = {
            let waiting = self.waiting();
            let packets = waiting.requests.values();
            packets.map(|(packet, _)| Arc::clone(packet)).collect()
        };
        for packet in again {
            if let Err(error) = self.send(&packet).await {
                tracing::error!(%error, "asking the new spawner failed");
            }
        }
    }
}
