//! Reading a large object in pieces: several are on their way at once, they come out in their order, and one
//! that broke is asked for again. What is held is bounded by pieces, not by the object.

use std::future::Future;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};

use crate::error::{Again, ArtifactError};
use crate::store::{Body, Entries, Entry};

/// Bytes of a piece.
pub(crate) const PIECE: u64 = 8 << 20;
/// Bytes of one answer: a piece of an object, or a page of a list.
pub(crate) const ANSWER: u64 = PIECE + (1 << 20);
/// Pieces on their way.
pub(crate) const AHEAD: usize = 4;

/// The size of the whole in `bytes 0-9/100` (RFC 9110, 14.4).
pub(crate) fn total(range: &str) -> Option<u64> {
    range.rsplit_once('/')?.1.parse().ok()
}

/// The pieces of a range.
pub(crate) fn pieces(range: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    let mut at = range.start;
    std::iter::from_fn(move || {
        let end = at.saturating_add(PIECE).min(range.end);
        let piece = at..end;
        at = end;
        (!piece.is_empty()).then_some(piece)
    })
}

/// The first piece of what is asked for, before the size of the whole is known.
pub(crate) fn first_piece(range: Option<&Range<u64>>) -> Range<u64> {
    match range {
        Some(range) => range.start..range.end.min(range.start.saturating_add(PIECE)),
        None => 0..PIECE,
    }
}

/// A body of a piece that is there already and of those that `fetch` gets.
pub(crate) fn body<F, T>(first: Bytes, rest: Range<u64>, tries: u32, fetch: F) -> Body
where
    F: Fn(Range<u64>) -> T + Clone + Send + 'static,
    T: Future<Output = Result<Bytes, ArtifactError>> + Send + 'static,
{
    let rest = stream::iter(pieces(rest).map(move |piece| {
        let fetch = fetch.clone();
        patiently(tries, move || fetch(piece.clone()))
    }))
    .buffered(AHEAD);
    // An empty object has no piece at all.
    let first = stream::iter((!first.is_empty()).then_some(Ok(first)));
    Box::pin(first.chain(rest))
}

/// The entries of a list whose pages `page` gets, each by the mark that the one before it ends with.
pub(crate) fn listed<'a, F, T>(page: F) -> Entries<'a>
where
    F: Fn(Option<String>) -> T + Send + 'a,
    T: Future<Output = Result<(Vec<Entry>, Option<String>), ArtifactError>> + Send + 'a,
{
    // Before the first page there is no mark, behind the last one no page.
    let pages = stream::try_unfold((Some(None), page), |(mark, page)| async move {
        let Some(mark) = mark else { return Ok(None) };
        let (entries, next) = page(mark).await?;
        let entries = stream::iter(entries.into_iter().map(Ok));
        Ok::<_, ArtifactError>(Some((entries, (next.map(Some), page))))
    });
    pages.try_flatten().boxed()
}

/// Tries again what may succeed later, a little later each time.
pub(crate) async fn patiently<T, F: Future<Output = Result<T, ArtifactError>>>(
    tries: u32,
    call: impl Fn() -> F,
) -> Result<T, ArtifactError> {
    let mut tried = 1;
    loop {
        match call().await {
            Err(error) if error.again() == Again::Later && tried < tries => {
                tracing::debug!(artifact.error = %error, artifact.tried = tried, "trying again");
                tokio::time::sleep(std::time::Duration::from_millis(100 << tried.min(6))).await;
                tried = tried.saturating_add(1);
            }
            answer => return answer,
        }
    }
}

/// Reads exactly so many bytes; what is more or less is an error, and no more is kept.
pub(crate) async fn exactly<E: std::fmt::Display>(
    length: u64,
    store: &str,
    body: impl Stream<Item = Result<Bytes, E>>,
) -> Result<Bytes, ArtifactError> {
    let whole = at_most(length, store, body).await?;
    match whole.len() as u64 == length {
        true => Ok(whole),
        false => {
            let why = format!("{} of {length} bytes came", whole.len());
            Err(ArtifactError::damaged(store, why))
        }
    }
}

/// Reads up to so many bytes; what is more is an error, and no more is kept.
pub(crate) async fn at_most<E: std::fmt::Display>(
    length: u64,
    store: &str,
    body: impl Stream<Item = Result<Bytes, E>>,
) -> Result<Bytes, ArtifactError> {
    let mut body = std::pin::pin!(body);
    let damaged = |why: String| ArtifactError::damaged(store, why);
    let mut whole = BytesMut::with_capacity(usize::try_from(length.min(PIECE)).unwrap_or_default());
    while let Some(part) = body.next().await {
        let part = part.map_err(|error| damaged(format!("the answer broke off: {error}")))?;
        if whole.len().saturating_add(part.len()) as u64 > length {
            return Err(damaged(format!("more than the {length} bytes it has")));
        }
        whole.extend_from_slice(&part);
    }
    Ok(whole.freeze())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use futures_util::TryStreamExt;

    use super::*;

    fn parts(sizes: &[usize]) -> impl Stream<Item = Result<Bytes, String>> {
        stream::iter(
            sizes
                .iter()
                .map(|size| Ok(vec![7; *size].into()))
                .collect::<Vec<_>>(),
        )
    }

    #[tokio::test]
    async fn exactly_what_was_announced_is_taken() {
        assert_eq!(exactly(5, "s", parts(&[2, 3])).await.unwrap().len(), 5);
        assert_eq!(exactly(0, "s", parts(&[])).await.unwrap().len(), 0);
        for wrong in [&[2, 2][..], &[2, 4], &[]] {
            let error = exactly(5, "s", parts(wrong)).await.unwrap_err();
            assert_eq!(error.code(), "artifact.damaged");
        }
        let endless = stream::repeat_with(|| Ok::<_, String>(Bytes::from_static(&[0; 1024])));
        let error = exactly(5000, "s", endless).await.unwrap_err();
        assert_eq!(error.code(), "artifact.damaged");
    }

    #[tokio::test(start_paused = true)]
    async fn a_piece_that_broke_is_asked_for_again_and_the_order_is_kept() {
        let calls = Arc::new(AtomicU64::new(0));
        let counted = calls.clone();
        let end = PIECE * 3 + 5;
        let whole = body(Bytes::from_static(b"first"), 5..end, 3, move |piece| {
            let call = counted.fetch_add(1, Ordering::Relaxed);
            async move {
                if call.is_multiple_of(2) {
                    return Err(ArtifactError::down("s", "broken"));
                }
                Ok(Bytes::from(piece.start.to_string()))
            }
        });
        let parts: Vec<Bytes> = whole.try_collect().await.unwrap();
        let starts: Vec<String> = [5, PIECE + 5, PIECE * 2 + 5].map(|n| n.to_string()).into();
        assert_eq!(parts[0], "first");
        assert_eq!(
            parts[1..],
            starts
                .iter()
                .map(|s| Bytes::from(s.clone()))
                .collect::<Vec<_>>()
        );
        assert_eq!(calls.load(Ordering::Relaxed), 6);
    }
}
