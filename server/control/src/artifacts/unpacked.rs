//! The file in an archive that holds one file, for those who look at it: how Argo keeps what a task leaves.

use std::io::{self, Read};

use bytes::Bytes;
use flate2::read::GzDecoder;
use futures_util::stream;
use steading_artifacts::{ArtifactError, Content};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::pull::Pull;

/// Bytes of one piece, and pieces on their way.
const PIECE: usize = 64 * 1024;
const PIECES: usize = 4;

/// The name and the content of the first entry of a tar with gzip; nothing when the content is none, or its
/// first entry is no file.
pub(super) async fn first_file(packed: Content) -> Option<(String, Content)> {
    let (said, about) = oneshot::channel();
    let (pieces, mut coming) = mpsc::channel(PIECES);
    let pull = Pull::new(Handle::current(), packed.body);
    tokio::task::spawn_blocking(move || unpack(pull, said, &pieces));
    let (name, size) = about.await.ok()?;
    let body = stream::poll_fn(move |context| coming.poll_recv(context));
    Some((
        name,
        Content {
            size,
            length: size,
            body: Box::pin(body),
        },
    ))
}

/// Ends when the archive does, or when nobody takes the pieces any more.
fn unpack(
    pull: Pull,
    said: oneshot::Sender<(String, u64)>,
    pieces: &mpsc::Sender<Result<Bytes, ArtifactError>>,
) {
    let mut archive = tar::Archive::new(GzDecoder::new(pull));
    let Some(Ok(mut entry)) = archive.entries().ok().and_then(|mut all| all.next()) else {
        return;
    };
    if !entry.header().entry_type().is_file() {
        return;
    }
    let name = entry.path().ok().and_then(|path| {
        let name = path.file_name()?.to_str()?;
        Some(name.to_owned())
    });
    let mut left = entry.size();
    if said.send((name.unwrap_or_default(), left)).is_err() {
        return;
    }
    while left > 0 {
        let piece = match next(&mut entry) {
            Ok(piece) if piece.is_empty() => {
                Err(io::Error::from(io::ErrorKind::UnexpectedEof).into())
            }
            Ok(piece) => {
                left = left.saturating_sub(piece.len() as u64);
                Ok(piece)
            }
            Err(error) => Err(error.into()),
        };
        let last = piece.is_err();
        if pieces.blocking_send(piece).is_err() || last {
            return;
        }
    }
}

fn next(entry: &mut impl Read) -> io::Result<Bytes> {
    let mut piece = Vec::with_capacity(PIECE);
    entry.take(PIECE as u64).read_to_end(&mut piece)?;
    Ok(piece.into())
}
