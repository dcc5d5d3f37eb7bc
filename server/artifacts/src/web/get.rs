//! Taking an object from a web server.

use std::ops::Range;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use reqwest::header::{CONTENT_RANGE, LOCATION, RANGE};
use reqwest::{Method, Response, StatusCode, Url};

use super::WebStore;
use crate::error::ArtifactError;
use crate::network::deepest;
use crate::ranged::{patiently, total};
use crate::source::{Source, blocking};
use crate::store::{Content, within};

/// Redirects that are followed.
const HOPS: usize = 5;
/// The most bytes of an answer that does not say how many it has.
const LARGEST: u64 = 16 << 30;

impl WebStore {
    pub(super) async fn read(&self, range: Option<Range<u64>>) -> Result<Content, ArtifactError> {
        let token = self.token().await?;
        let answer = patiently(self.patience().tries, || {
            self.answer(range.as_ref(), token.as_deref())
        });
        let answer = answer.await?;
        match (answer.status(), answer.content_length()) {
            (StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE, _) => {
                self.part(range, answer)
            }
            (_, Some(size)) => Ok(self.content(size, within(range, size), answer.bytes_stream())),
            (_, None) => self.spooled(range, answer).await,
        }
    }

    /// An answer that is only the range, or, behind the end, says only the size.
    fn part(&self, range: Option<Range<u64>>, answer: Response) -> Result<Content, ArtifactError> {
        let wrong = || self.damaged("it answers another range than was asked for");
        let says = answer.headers().get(CONTENT_RANGE);
        let says = says.and_then(|says| says.to_str().ok());
        let (says, size) = says
            .and_then(|says| Some((says, total(says)?)))
            .ok_or_else(wrong)?;
        let range = within(range, size);
        let length = range.end.saturating_sub(range.start);
        if answer.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            let nothing = stream::empty::<Result<Bytes, std::io::Error>>();
            return match length {
                0 => Ok(self.content(size, 0..0, nothing)),
                _ => Err(wrong()),
            };
        }
        let starts = says.starts_with(&format!("bytes {}-", range.start));
        if !starts
            || answer
                .content_length()
                .is_some_and(|announced| announced != length)
        {
            return Err(wrong());
        }
        Ok(self.content(size, 0..length, answer.bytes_stream()))
    }

    /// The last answer behind all redirects, a success.
    async fn answer(
        &self,
        range: Option<&Range<u64>>,
        token: Option<&str>,
    ) -> Result<Response, ArtifactError> {
        let mut url = self.url.clone();
        for _ in 0..=HOPS {
            let own = url.origin() == self.url.origin();
            let client = if own { &self.client } else { &self.strangers };
            let mut request = client.request(Method::GET, url.clone());
            if own {
                request = self.signed(self.with_headers(request), token);
            }
            if let Some(range) = range.filter(|range| !range.is_empty()) {
                let last = range.end.saturating_sub(1);
                request = request.header(RANGE, format!("bytes={}-{last}", range.start));
            }
            let request = request.build().map_err(|error| ArtifactError::Repository {
                why: deepest(&error.without_url()),
            })?;
            let sent = client.send(request).await;
            let answer = sent.map_err(|error| error.into_error(&self.name))?;
            match answer.status() {
                status if status.is_success() => return Ok(answer),
                status if status.is_redirection() => url = self.next(&url, &answer)?,
                StatusCode::RANGE_NOT_SATISFIABLE if range.is_some() => return Ok(answer),
                status => return Err(self.refusal(status)),
            }
        }
        Err(self.astray("it sends us round in circles"))
    }

    /// Where a redirect leads; never from a protected connection to an open one.
    fn next(&self, from: &Url, answer: &Response) -> Result<Url, ArtifactError> {
        let place = answer.headers().get(LOCATION);
        let place = place.and_then(|place| from.join(place.to_str().ok()?).ok());
        let place = place.ok_or_else(|| self.astray("it sends us nowhere"))?;
        let fits = match place.scheme() {
            "https" => true,
            scheme => scheme == "http" && from.scheme() == "http",
        };
        if !fits {
            return Err(self.astray("it sends us to an address of another kind, or without TLS"));
        }
        Ok(place)
    }

    fn astray(&self, why: &str) -> ArtifactError {
        ArtifactError::Refused {
            store: self.name.to_string(),
            why: why.to_owned(),
        }
    }

    /// A body from which `range` is taken.
    fn content<E: std::error::Error + Send + 'static>(
        &self,
        size: u64,
        range: Range<u64>,
        body: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    ) -> Content {
        let length = range.end.saturating_sub(range.start);
        let name = self.name.clone();
        let broken = move |why: String| ArtifactError::damaged(&name, why);
        let state = (Box::pin(body), range.start, length);
        let body = stream::try_unfold(state, move |(mut body, mut skip, left)| {
            let broken = broken.clone();
            async move {
                if left == 0 {
                    return Ok(None);
                }
                loop {
                    let part = body.next().await;
                    let part = part.ok_or_else(|| broken(format!("{left} bytes are missing")))?;
                    let mut part = part.map_err(|error| broken(deepest(&error)))?;
                    let skipped = skip.min(part.len() as u64);
                    skip = skip.saturating_sub(skipped);
                    let _ = part.split_to(usize::try_from(skipped).unwrap_or_default());
                    part.truncate(usize::try_from(left).unwrap_or(usize::MAX));
                    let left = left.saturating_sub(part.len() as u64);
                    if !part.is_empty() {
                        return Ok(Some((part, (body, skip, left))));
                    }
                }
            }
        });
        Content {
            size,
            length,
            body: body.boxed(),
        }
    }

    /// An answer of unknown length goes to the disk first: what is passed on has a length.
    async fn spooled(
        &self,
        range: Option<Range<u64>>,
        answer: Response,
    ) -> Result<Content, ArtifactError> {
        let mut file = self.network.spool()?;
        let mut body = answer.bytes_stream();
        let mut size = 0_u64;
        while let Some(part) = body.next().await {
            let part = part.map_err(|error| self.damaged(deepest(&error.without_url())))?;
            size = size.saturating_add(part.len() as u64);
            if size > LARGEST {
                return Err(ArtifactError::TooLarge {
                    what: format!("what {} sends", self.name),
                    limit: LARGEST,
                });
            }
            file = blocking(move || {
                std::io::Write::write_all(&mut file, &part)?;
                Ok(file)
            })
            .await?;
        }
        let source = Source::file(file)?;
        Ok(source.content(range))
    }
}
