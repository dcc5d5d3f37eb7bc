//! A server of ours that answers what a test wants.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What follows a request.
pub(crate) enum Answer {
    /// These bytes; then the connection ends.
    Bytes(Vec<u8>),
    /// The same before the request's body has come.
    TooEarly(Vec<u8>),
    /// These bytes, and then others without end.
    Endless(Vec<u8>),
    /// These bytes, and then nothing more, while the connection stays.
    Silence(Vec<u8>),
}

/// An answer with a body.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Answer {
    let length = body.len();
    Answer::Bytes(
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}\r\n{body}").into(),
    )
}

/// The value of a header, by its name in small letters.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// Its address and the heads of the requests that came.
pub(crate) struct Fake {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    pub(crate) async fn start(
        answers: impl Fn(&str) -> Answer + Send + Sync + 'static,
    ) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (answers, kept) = (Arc::new(answers), heads.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (answers, kept) = (answers.clone(), kept.clone());
                tokio::spawn(async move { talk(client, &*answers, &kept).await });
            }
        });
        Ok(Self { address, heads })
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn talk(
    mut client: TcpStream,
    answers: &(impl Fn(&str) -> Answer + Send + Sync),
    kept: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut part = vec![0; 1 << 16];
    let head = loop {
        let read = client.read(&mut part).await?;
        if read == 0 {
            return Ok(());
        }
        request.extend_from_slice(&part[..read]);
        if let Some(end) = request.windows(4).position(|four| four == b"\r\n\r\n") {
            let body = request.split_off(end + 4);
            let head = String::from_utf8_lossy(&request).trim_end().to_owned();
            request = body;
            break head;
        }
    };
    let answer = answers(&head);
    let length = header(&head, "content-length").and_then(|length| length.parse().ok());
    let mut left = length.unwrap_or(0_usize).saturating_sub(request.len());
    while left > 0 && !matches!(answer, Answer::Silence(_) | Answer::TooEarly(_)) {
        left = left.saturating_sub(client.read(&mut part).await?);
    }
    kept.lock().unwrap().push(head.clone());
    match answer {
        Answer::Bytes(bytes) | Answer::TooEarly(bytes) => client.write_all(&bytes).await?,
        Answer::Endless(bytes) => {
            client.write_all(&bytes).await?;
            let more = vec![b'x'; 1 << 16];
            loop {
                client.write_all(&more).await?;
            }
        }
        Answer::Silence(bytes) => {
            client.write_all(&bytes).await?;
            std::future::pending::<()>().await;
        }
    }
    Ok(())
}
