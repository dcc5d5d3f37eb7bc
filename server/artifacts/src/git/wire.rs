//! Git speaks through our own client: what the site forbids, it can not reach, and what a server answers is bounded.

use std::io::BufReader;
use std::sync::{Arc, Mutex};

use gix::{Error, Result};
use gix_transport::client::blocking_io::http::{GetResponse, Http, PostBodyDataKind, PostResponse};
use reqwest::Method;

use super::call::{Asked, Call, Fault, Part, Question, Reading};
use super::fetch::Remote;

/// Git's view of our client.
pub(super) struct Wire {
    remote: Remote,
    fault: Fault,
    moved: Option<String>,
}

impl Wire {
    pub(super) fn new(remote: Remote, fault: Fault) -> Self {
        Self {
            remote,
            fault,
            moved: None,
        }
    }

    fn asked(
        &self,
        method: Method,
        url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Asked> {
        let headers = headers.into_iter().map(|header| header.as_ref().to_owned());
        Asked::new(&self.remote, &self.fault, method, url, headers.collect())
            .map_err(Error::from_error)
    }
}

fn readings(call: Call) -> (Arc<Mutex<Call>>, BufReader<Reading>, BufReader<Reading>) {
    let call = Arc::new(Mutex::new(call));
    let headers = BufReader::new(Reading::of(&call, Part::Headers));
    let body = BufReader::new(Reading::of(&call, Part::Body));
    (call, headers, body)
}

impl Http for Wire {
    type Headers = BufReader<Reading>;
    type ResponseBody = BufReader<Reading>;
    type PostBody = Question;

    fn get(
        &mut self,
        url: &str,
        base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<GetResponse<Self::Headers, Self::ResponseBody>> {
        let asked = self.asked(Method::GET, url, headers)?;
        let (answer, last) = asked.send().map_err(Error::from_error)?;
        let tail = url.strip_prefix(base_url).unwrap_or_default();
        if last.as_str() != url {
            // All that follows goes where this led.
            self.moved = last.as_str().strip_suffix(tail).map(str::to_owned);
        }
        let (_, headers, body) = readings(Call::Answered(answer));
        Ok(GetResponse { headers, body })
    }

    fn post(
        &mut self,
        url: &str,
        _: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
        _: PostBodyDataKind,
    ) -> Result<PostResponse<Self::Headers, Self::ResponseBody, Self::PostBody>> {
        let asked = self.asked(Method::POST, url, headers)?;
        let (call, headers, body) = readings(Call::Asking(asked));
        Ok(PostResponse {
            post_body: Question(call),
            headers,
            body,
        })
    }

    fn configure(&mut self, _: &dyn std::any::Any) -> Result {
        Ok(())
    }

    fn redirected_base_url(&self) -> Option<String> {
        self.moved.clone()
    }
}
