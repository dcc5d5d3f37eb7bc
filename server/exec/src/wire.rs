//! What server and spawner say to each other over their socket pair: one JSON document a packet,
//! bounded in size. A document that does not fit a packet travels in a sealed memory file.

use std::io::{self, IoSlice, IoSliceMut, Read, Seek, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recv, recvmsg, sendmsg,
};
use serde::{Deserialize, Serialize};
use steading_types::AttemptId;
use steading_types::task::{Level, Task};

use crate::doctor::Finding;
use crate::exec::{Policy, Stop};
use crate::images::ImageRoot;

/// Bytes of a packet.
const PACKET: usize = 64 * 1024;
/// Bytes of a document, in a packet or in a memory file.
const DOCUMENT: u64 = 16 * 1024 * 1024;
/// First byte of a packet: the document follows.
const INLINE: u8 = 0;
/// First byte of a packet: the document is in the attached memory file.
const ATTACHED: u8 = 1;

/// A request with the number that its reply carries.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Envelope {
    pub(crate) id: u64,
    pub(crate) request: Request,
}

/// Everything that the spawner does.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// Always the first one.
    Setup(Setup),
    /// Starts a task unless its key was started before.
    Start(Box<Start>),
    /// Ends a task.
    Stop { key: AttemptId, how: Stop },
    /// Kills what a supervisor that vanished may have left, then removes nothing.
    Sweep { key: AttemptId },
    /// Removes a finished task's directory.
    Remove { key: AttemptId },
    /// Examines the host.
    Examine,
}

/// What holds for every task of this spawner.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Setup {
    pub(crate) data_dir: PathBuf,
    pub(crate) policy: Policy,
}

/// One task to start.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Start {
    pub(crate) key: AttemptId,
    pub(crate) level: Level,
    /// First host user id of the tenant's range; used when the spawner is root.
    pub(crate) uid_base: u32,
    pub(crate) task: Task,
    /// Of each init container in order, then of main.
    pub(crate) roots: Vec<Root>,
}

/// What a container's root file system is made of.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Root {
    /// The host's programs.
    Host,
    /// An imported image.
    Image(ImageRoot),
}

/// The spawner's answer. `id` 0 is the keeper's: a new spawner has taken over.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Reply {
    pub(crate) id: u64,
    pub(crate) outcome: Result<Done, Refusal>,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Done {
    /// A supervisor runs; a descriptor of its process is attached.
    Started,
    /// The key has been started before.
    Exists,
    /// Nothing more to say.
    Ok,
    /// What the host provides.
    Examined(Vec<Finding>),
    /// The keeper forked a new spawner: set it up and ask again for what is unanswered.
    NewSpawner,
}

/// Why not.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) code: String,
    pub(crate) message: String,
}

/// A document ready to be sent, any number of times.
pub(crate) struct Packet {
    head: Vec<u8>,
    file: Option<OwnedFd>,
}

impl Packet {
    /// Writes a document.
    pub(crate) fn new<T: Serialize>(document: &T) -> io::Result<Self> {
        let mut head = vec![INLINE];
        serde_json::to_writer(&mut head, document)?;
        if head.len() <= PACKET {
            return Ok(Self { head, file: None });
        }
        if head.len() as u64 > DOCUMENT {
            let what = "the task's description is larger than 16 MiB";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        let mut file = std::fs::File::from(memfd_create("steading-request", MemfdFlags::CLOEXEC)?);
        file.write_all(head.get(1..).unwrap_or_default())?;
        file.rewind()?;
        Ok(Self {
            head: vec![ATTACHED],
            file: Some(file.into()),
        })
    }

    /// Sends it. `extra` is a descriptor that goes with an inline document.
    pub(crate) fn send(&self, to: BorrowedFd<'_>, extra: Option<BorrowedFd<'_>>) -> io::Result<()> {
        let fds: Vec<BorrowedFd<'_>> = self.file.iter().map(AsFd::as_fd).chain(extra).collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() {
            ancillary.push(SendAncillaryMessage::ScmRights(&fds));
        }
        let body = [IoSlice::new(&self.head)];
        rustix::io::retry_on_intr(|| sendmsg(to, &body, &mut ancillary, SendFlags::NOSIGNAL))?;
        Ok(())
    }
}

/// Receives one document and the descriptor that came with it; nothing when the other side is gone.
pub(crate) fn receive<T: for<'de> Deserialize<'de>>(
    from: BorrowedFd<'_>,
    buffer: &mut Vec<u8>,
) -> io::Result<Option<(T, Option<OwnedFd>)>> {
    // As long as the packet: the memory of a task's own processes is new to them, page by page.
    let peek = RecvFlags::PEEK | RecvFlags::TRUNC;
    let (_, length) = rustix::io::retry_on_intr(|| recv(from, &mut [0u8; 0][..], peek))?;
    buffer.resize(length.min(PACKET), 0);
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let got = rustix::io::retry_on_intr(|| {
        let mut body = [IoSliceMut::new(buffer)];
        recvmsg(from, &mut body, &mut ancillary, RecvFlags::CMSG_CLOEXEC)
    })?;
    let mut fds = ancillary.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(fds) => Some(fds),
        _ => None,
    });
    let fd = fds.next().and_then(|mut fds| fds.next());
    let Some((kind, inline)) = buffer.get(..got.bytes).and_then(<[u8]>::split_first) else {
        return Ok(None);
    };
    if got.flags.contains(ReturnFlags::TRUNC) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "packet too long",
        ));
    }
    match (*kind, fd) {
        (INLINE, fd) => Ok(Some((serde_json::from_slice(inline)?, fd))),
        (ATTACHED, Some(file)) => {
            let mut document = Vec::new();
            let file = std::fs::File::from(file);
            file.take(DOCUMENT).read_to_end(&mut document)?;
            Ok(Some((serde_json::from_slice(&document)?, None)))
        }
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "unknown packet")),
    }
}
