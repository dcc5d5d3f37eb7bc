//! One request of git's: it is written, then sent, then read, by whichever thread does that.

use std::io::{Cursor, Error, Read, Write};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use reqwest::header::LOCATION;
use reqwest::{Method, Response, Url};

use super::fetch::Remote;
use super::refused;
use crate::error::ArtifactError;
use crate::network::deepest;

/// The most bytes of one answer.
pub(super) const LARGEST: u64 = 8 << 30;
/// The most bytes of one question: what is wanted and what is there already.
const QUESTION: usize = 16 << 20;
/// Redirects that are followed.
const HOPS: usize = 5;

/// What went wrong below git, which passes on only a text of it.
pub(super) type Fault = Arc<Mutex<Option<ArtifactError>>>;

/// A request that is not sent yet.
pub(super) struct Asked {
    remote: Remote,
    fault: Fault,
    method: Method,
    url: Url,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Asked {
    pub(super) fn new(
        remote: &Remote,
        fault: &Fault,
        method: Method,
        url: &str,
        headers: Vec<String>,
    ) -> Result<Self, Error> {
        let headers = headers.iter().filter_map(|header| {
            let (name, value) = header.split_once(':')?;
            Some((name.to_owned(), value.trim().to_owned()))
        });
        Ok(Self {
            remote: remote.clone(),
            fault: fault.clone(),
            method,
            url: Url::parse(url).map_err(Error::other)?,
            headers: headers.collect(),
            body: Vec::new(),
        })
    }

    /// The answer, and where it came from in the end.
    pub(super) fn send(self) -> Result<(Answer, Url), Error> {
        let sent = self.remote.handle.block_on(self.followed());
        let (answer, url) = sent.map_err(|error| note(&self.fault, error))?;
        let headers = answer.headers().iter();
        let headers: String = headers
            .map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap_or_default()))
            .collect();
        let answer = Answer {
            headers: Cursor::new(headers.into_bytes()),
            body: answer.bytes_stream().boxed(),
            part: Bytes::new(),
            left: LARGEST,
            remote: self.remote,
            fault: self.fault,
        };
        Ok((answer, url))
    }

    async fn followed(&self) -> Result<(Response, Url), ArtifactError> {
        let remote = &self.remote;
        let mut url = self.url.clone();
        for _ in 0..=HOPS {
            let mut request = remote.client.request(self.method.clone(), url.clone());
            for (name, value) in &self.headers {
                request = request.header(name, value);
            }
            // The login is for the server that it was given for.
            if let Some((user, password)) = remote.login_for(&url) {
                request = request.basic_auth(user.expose(), Some(password.expose()));
            }
            let request = request.body(self.body.clone()).build();
            let request = request.map_err(|error| refused(&remote.name, error.without_url()))?;
            let answer = remote.client.send(request).await;
            let answer = answer.map_err(|error| error.into_error(&remote.name))?;
            let status = answer.status();
            if status.is_success() {
                return Ok((answer, url));
            }
            if !status.is_redirection() || self.method != Method::GET {
                return Err(remote.refusal(status.as_u16()));
            }
            let place = answer.headers().get(LOCATION);
            let place = place.and_then(|place| url.join(place.to_str().ok()?).ok());
            url = place
                .filter(|place| place.scheme() == "https" || url.scheme() == "http")
                .ok_or_else(|| refused(&remote.name, "it sends us astray"))?;
        }
        Err(refused(&remote.name, "it sends us round in circles"))
    }
}

/// An answer on its way.
pub(super) struct Answer {
    headers: Cursor<Vec<u8>>,
    body: Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>,
    part: Bytes,
    left: u64,
    remote: Remote,
    fault: Fault,
}

impl Answer {
    fn body(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        while self.part.is_empty() {
            let next = self.remote.handle.block_on(self.body.next());
            let Some(part) = next else { return Ok(0) };
            self.part = part.map_err(|error| {
                let why = deepest(&error.without_url());
                note(&self.fault, ArtifactError::down(&self.remote.name, why))
            })?;
            let left = self.left.checked_sub(self.part.len() as u64);
            self.left = left.ok_or_else(|| {
                let what = format!("what {} sends", self.remote.name);
                let limit = LARGEST;
                note(&self.fault, ArtifactError::TooLarge { what, limit })
            })?;
        }
        let length = self.part.len().min(into.len());
        self.part.split_to(length).as_ref().read(into)
    }
}

/// Keeps an error for whoever asked git, and makes it one that git understands.
pub(super) fn note(fault: &Fault, error: ArtifactError) -> Error {
    let text = error.to_string();
    *fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    Error::other(text)
}

/// Where a request stands.
pub(super) enum Call {
    Asking(Asked),
    Answered(Answer),
    Over,
}

/// What git writes.
pub(super) struct Question(pub(super) Arc<Mutex<Call>>);

impl Write for Question {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        match &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Call::Asking(asked) if asked.body.len().saturating_add(bytes.len()) <= QUESTION => {
                asked.body.extend_from_slice(bytes);
                Ok(bytes.len())
            }
            _ => Err(Error::other(
                "the question is too long, or was sent already",
            )),
        }
    }

    fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// Which half of an answer.
#[derive(Clone, Copy)]
pub(super) enum Part {
    Headers,
    Body,
}

/// What git reads: the first byte that is read sends the request.
pub(super) struct Reading {
    call: Arc<Mutex<Call>>,
    part: Part,
}

impl Reading {
    pub(super) fn of(call: &Arc<Mutex<Call>>, part: Part) -> Self {
        Self {
            call: call.clone(),
            part,
        }
    }
}

impl Read for Reading {
    fn read(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        let mut call = self.call.lock().unwrap_or_else(PoisonError::into_inner);
        *call = match std::mem::replace(&mut *call, Call::Over) {
            Call::Asking(asked) => Call::Answered(asked.send()?.0),
            other => other,
        };
        match (&mut *call, self.part) {
            (Call::Answered(answer), Part::Headers) => answer.headers.read(into),
            (Call::Answered(answer), Part::Body) => answer.body(into),
            _ => Err(Error::other("the request failed before")),
        }
    }
}
