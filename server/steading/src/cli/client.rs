//! The transport of the typed client: which server, as whom, for which tenant.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use futures_util::StreamExt;
use reqwest::{Method as HttpMethod, RequestBuilder, Response};
use serde::de::DeserializeOwned;
use steading_api::client::{CallError, Prepared, prepare, read, refusal};
use steading_api::operation::{Method, Operation};

use super::exit::{Code, Failure};

/// Longest event of a stream, in bytes.
const EVENT_LIMIT: usize = 16 * 1024 * 1024;

/// Where and as whom commands are carried out.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Connection {
    /// The server's address
    #[arg(
        long,
        global = true,
        env = "STEADING_SERVER",
        default_value = "http://127.0.0.1:2746"
    )]
    server: String,
    /// The token that says who you are; better in the environment than in arguments
    #[arg(long, global = true, env = "STEADING_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// The tenant; its Argo namespace is understood too
    #[arg(
        short = 'n',
        long,
        global = true,
        env = "STEADING_TENANT",
        default_value = "default",
        visible_alias = "namespace"
    )]
    tenant: String,
}

/// An open connection.
pub(crate) struct Client {
    http: reqwest::Client,
    server: String,
    token: String,
    tenant: String,
}

impl Connection {
    /// To the parts of a server that run inside this process.
    pub(crate) fn embedded(server: &str, token: &str) -> Self {
        Self {
            server: server.to_owned(),
            token: Some(token.to_owned()),
            tenant: "default".to_owned(),
        }
    }

    /// A client; nothing is sent yet.
    ///
    /// # Errors
    /// Without a token.
    pub(crate) fn open(&self) -> Result<Client, Failure> {
        let token = self.token.clone().ok_or_else(|| {
            Failure::new(Code::Authentication, "a token is needed: set STEADING_TOKEN (on the server's host it is in the data directory's operator.token)")
        })?;
        let server = if self.server.contains("://") {
            self.server.clone()
        } else {
            format!("http://{}", self.server)
        };
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(10))
            .build()
            .map_err(Failure::internal)?;
        let tenant = self
            .tenant
            .strip_prefix("wf-")
            .unwrap_or(&self.tenant)
            .to_owned();
        Ok(Client {
            http,
            server: server.trim_end_matches('/').to_owned(),
            token: token.trim().to_owned(),
            tenant,
        })
    }
}

impl Client {
    /// The tenant that commands are about.
    pub(crate) fn tenant(&self) -> &str {
        &self.tenant
    }

    /// The server's address.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    /// Calls an operation of the site.
    pub(crate) async fn call<O: Operation>(
        &self,
        parts: &[&str],
        query: &O::Query,
        body: &O::Body,
    ) -> Result<O::Answer, CallError> {
        let response = self.send(prepare::<O>(parts, query, body)?).await?;
        let status = response.status().as_u16();
        let bytes = response
            .bytes()
            .await
            .map_err(|error| CallError::Unreachable(error.to_string()))?;
        read::<O>(status, &bytes)
    }

    /// Calls an operation of the tenant; `parts` are the path's values after the tenant.
    pub(crate) async fn tenant_call<O: Operation>(
        &self,
        parts: &[&str],
        query: &O::Query,
        body: &O::Body,
    ) -> Result<O::Answer, CallError> {
        self.call::<O>(&self.tenant_parts(parts), query, body).await
    }

    /// Follows an operation of the tenant that answers events.
    pub(crate) async fn follow<O: Operation<Body = ()>>(
        &self,
        parts: &[&str],
        query: &O::Query,
    ) -> Result<Events<O::Answer>, CallError> {
        let response = self
            .send(prepare::<O>(&self.tenant_parts(parts), query, &())?)
            .await?;
        let status = response.status().as_u16();
        if status != 200 {
            let bytes = response.bytes().await.unwrap_or_default();
            return Err(refusal(status, &bytes));
        }
        Ok(Events {
            response: Box::pin(response.bytes_stream()),
            buffer: Vec::new(),
            answers: std::marker::PhantomData,
        })
    }

    /// Streams the bytes that an operation of the tenant answers.
    pub(crate) async fn download<O: Operation<Body = ()>>(
        &self,
        parts: &[&str],
        query: &O::Query,
    ) -> Result<Bytes, CallError> {
        let prepared = prepare::<O>(&self.tenant_parts(parts), query, &())?;
        let response = self.send(prepared).await?;
        let status = response.status().as_u16();
        if status != 200 {
            let bytes = response.bytes().await.unwrap_or_default();
            return Err(refusal(status, &bytes));
        }
        Ok(Bytes(response))
    }

    /// Streams a file as the body of an upload.
    pub(crate) async fn upload<O: Operation<Query = (), Body = ()>>(
        &self,
        body: reqwest::Body,
    ) -> Result<O::Answer, CallError> {
        let prepared = prepare::<O>(&[], &(), &())?;
        let request = self
            .request(&prepared)
            .header("content-type", "application/octet-stream")
            .body(body);
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status().as_u16();
        let bytes = response.bytes().await.map_err(unreachable)?;
        read::<O>(status, &bytes)
    }

    /// The path's values of an operation of the tenant.
    pub(super) fn tenant_parts<'p>(&'p self, parts: &[&'p str]) -> Vec<&'p str> {
        std::iter::once(self.tenant.as_str())
            .chain(parts.iter().copied())
            .collect()
    }

    fn request(&self, prepared: &Prepared) -> RequestBuilder {
        let method = match prepared.method {
            Method::Get => HttpMethod::GET,
            Method::Post => HttpMethod::POST,
            Method::Put => HttpMethod::PUT,
            Method::Delete => HttpMethod::DELETE,
        };
        self.http
            .request(method, format!("{}{}", self.server, prepared.path))
            .bearer_auth(&self.token)
    }

    async fn send(&self, prepared: Prepared) -> Result<Response, CallError> {
        let mut request = self.request(&prepared);
        if let Some(body) = prepared.body {
            request = request
                .header("content-type", "application/json")
                .body(body);
        }
        request.send().await.map_err(unreachable)
    }
}

fn unreachable(error: reqwest::Error) -> CallError {
    let mut text = error.without_url().to_string();
    if text == "error sending request" {
        text = "the connection failed".to_owned();
    }
    CallError::Unreachable(text)
}

/// Bytes as they arrive.
pub(crate) struct Bytes(Response);

impl Bytes {
    /// The next piece; nothing when all came.
    pub(crate) async fn next(&mut self) -> Result<Option<bytes::Bytes>, CallError> {
        self.0.chunk().await.map_err(unreachable)
    }
}

/// Events as they arrive.
pub(crate) struct Events<A> {
    response:
        std::pin::Pin<Box<dyn futures_util::Stream<Item = reqwest::Result<bytes::Bytes>> + Send>>,
    buffer: Vec<u8>,
    answers: std::marker::PhantomData<A>,
}

impl<A: DeserializeOwned> Events<A> {
    /// The next event's data; nothing when the stream ended.
    pub(crate) async fn next(&mut self) -> Result<Option<A>, CallError> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let event: Vec<u8> = self.buffer.drain(..end.saturating_add(2)).collect();
                if is_last(&event) {
                    return Ok(None);
                }
                if let Some(data) = data_of(&event) {
                    return serde_json::from_str(&data)
                        .map(Some)
                        .map_err(|error| CallError::Malformed(error.to_string()));
                }
                continue;
            }
            if self.buffer.len() > EVENT_LIMIT {
                return Err(CallError::Malformed("an event is too long".to_owned()));
            }
            match self.response.next().await {
                Some(Ok(bytes)) => self.buffer.extend_from_slice(&bytes),
                Some(Err(error)) => {
                    return Err(CallError::Unreachable(error.without_url().to_string()));
                }
                None => return Ok(None),
            }
        }
    }
}

/// The server's word that this stream can not go on: the caller reads the state anew.
fn is_last(event: &[u8]) -> bool {
    event.starts_with(b"event: gone") || event.starts_with(b"event:gone")
}

fn data_of(event: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(event);
    let lines: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data:"))
        .map(str::trim_start)
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Reads a file, or standard input for `-`.
///
/// # Errors
/// When it can not be read, with its name.
pub(crate) fn read_input(path: &PathBuf) -> Result<String, Failure> {
    if path.as_os_str() == "-" {
        return std::io::read_to_string(std::io::stdin()).map_err(Failure::internal);
    }
    std::fs::read_to_string(path).map_err(|error| {
        Failure::new(
            Code::Usage,
            format!("{} can not be read: {error}", path.display()),
        )
    })
}
