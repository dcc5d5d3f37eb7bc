//! Leaving an object on a web server: one PUT, sent again from its beginning when it broke off.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::TryStreamExt;
use reqwest::header::CONTENT_LENGTH;
use reqwest::{Body, Method};

use super::WebStore;
use crate::digest::Stored;
use crate::error::ArtifactError;
use crate::network::deepest;
use crate::parts::{Tally, parts};
use crate::ranged::patiently;
use crate::source::Source;

/// Bytes that are read at once.
const PART: u64 = 1 << 20;

impl WebStore {
    pub(super) async fn write(&self, source: &Source) -> Result<Stored, ArtifactError> {
        let token = self.token().await?;
        patiently(self.patience().tries, || {
            self.sent(source, token.as_deref())
        })
        .await
    }

    async fn sent(&self, source: &Source, token: Option<&str>) -> Result<Stored, ArtifactError> {
        let (tally, taken) = (Tally::default(), Arc::new(AtomicU64::new(0)));
        let counted = taken.clone();
        let body = parts(source.clone(), PART, tally.clone()).map_ok(move |part| {
            counted.fetch_add(1, Ordering::Relaxed);
            part.bytes
        });
        let request = self.sender.request(Method::PUT, self.url.clone());
        let request = self
            .signed(self.with_headers(request), token)
            .header(CONTENT_LENGTH, source.size())
            .body(Body::wrap_stream(body))
            .build()
            .map_err(|error| ArtifactError::Repository {
                why: deepest(&error.without_url()),
            })?;
        let answer = watched(&taken, self.patience().silence, self.sender.send(request));
        let silent = || ArtifactError::down(&self.name, "it took nothing more and said nothing");
        let answer = answer.await.ok_or_else(silent)?;
        let status = answer
            .map_err(|error| error.into_error(&self.name))?
            .status();
        if !status.is_success() {
            return Err(self.refusal(status));
        }
        let stored = tally.finish();
        match stored.size == source.size() {
            true => Ok(stored),
            false => Err(self.damaged("it answered before it had everything")),
        }
    }
}

/// Waits as long as something goes out.
async fn watched<T>(
    taken: &AtomicU64,
    silence: Duration,
    sending: impl Future<Output = T>,
) -> Option<T> {
    let mut sending = pin!(sending);
    let mut seen = None;
    loop {
        if let Ok(answer) = tokio::time::timeout(silence, &mut sending).await {
            return Some(answer);
        }
        let now = Some(taken.load(Ordering::Relaxed));
        if now == seen {
            return None;
        }
        seen = now;
    }
}
