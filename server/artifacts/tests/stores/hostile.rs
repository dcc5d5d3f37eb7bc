//! Stores that lie, hang or lead astray: each is one clear error, in bounded time and memory.

use std::time::Duration;

use anyhow::Result;
use futures_util::TryStreamExt;
use steading_artifacts::{ArtifactStore, Egress, Network, Patience, S3Store, Source};

use crate::contract::{code, key};
use crate::fake::{Answer, Fake, answer};
use crate::s3::{described, network, patience};

trials![
    an_object_is_neither_longer_nor_shorter_than_announced,
    what_breaks_off_later_is_an_error_of_the_body,
    a_store_that_is_silent_is_left,
    a_redirect_is_not_followed,
    metadata_addresses_are_never_called,
    answers_that_make_no_sense_are_errors,
    a_list_that_never_ends_is_left,
];

async fn opened(
    answers: impl Fn(&str) -> Answer + Send + Sync + 'static,
) -> Result<(S3Store, Fake)> {
    let server = Fake::start(answers).await?;
    let quick = Patience {
        silence: Duration::from_millis(500),
        ..patience()
    };
    let store = S3Store::open(&described(&server.address(), "bucket"), &network(quick))?;
    Ok((store, server))
}

async fn an_object_is_neither_longer_nor_shorter_than_announced() -> Result<()> {
    let head = |length: &str| format!("HTTP/1.1 206 Partial Content\r\n{length}\r\n\r\n");
    for (first, body) in [
        (
            head("Content-Length: 10\r\nContent-Range: bytes 0-9/10"),
            "short",
        ),
        (
            head("Content-Length: 10\r\nContent-Range: bytes 0-9/20"),
            "0123456789",
        ),
        (
            head("Content-Length: 5\r\nContent-Range: bytes 0-9/10"),
            "01234",
        ),
        (
            head("Content-Length: 5\r\nContent-Range: nonsense"),
            "01234",
        ),
        (
            head("Transfer-Encoding: chunked"),
            "5\r\n01234\r\n0\r\n\r\n",
        ),
    ] {
        let bytes = format!("{first}{body}").into_bytes();
        let (store, _server) = opened(move |_| Answer::Bytes(bytes.clone())).await?;
        let got = code(store.get(&key("a"), None)).await;
        assert_eq!(got, "artifact.damaged", "{first}{body}");
    }
    let endless = head("Content-Length: 18446744073709551615\r\nContent-Range: bytes 0-9/10");
    let (store, _server) = opened(move |_| Answer::Endless(endless.clone().into())).await?;
    let got = code(store.get(&key("a"), None)).await;
    assert!(
        matches!(got, "artifact.damaged" | "artifact.store-down"),
        "{got}"
    );
    Ok(())
}

async fn what_breaks_off_later_is_an_error_of_the_body() -> Result<()> {
    // The first piece of 8 MiB is right, the others are not there.
    let size = 20 << 20;
    let (store, _server) = opened(move |head| {
        if !head.contains("bytes=0-") {
            return answer("500 Internal Server Error", "", "");
        }
        let piece = "x".repeat(8 << 20);
        let range = format!("Content-Range: bytes 0-8388607/{size}\r\nETag: \"e\"\r\n");
        answer("206 Partial Content", &range, &piece)
    })
    .await?;
    let content = store.get(&key("a"), None).await?;
    assert_eq!(content.length, size);
    let all: Result<Vec<_>, _> = content.body.try_collect().await;
    assert_eq!(all.err().unwrap().code(), "artifact.store-down");
    Ok(())
}

async fn a_store_that_is_silent_is_left() -> Result<()> {
    let (store, _server) = opened(|_| Answer::Silence(Vec::new())).await?;
    let got = code(store.get(&key("a"), None)).await;
    assert_eq!(got, "artifact.store-down");
    let put = code(store.put(&key("a"), Source::bytes("x"))).await;
    assert_eq!(put, "artifact.store-down");
    let begun = "HTTP/1.1 206 OK\r\nContent-Length: 10\r\nContent-Range: bytes 0-9/10\r\n\r\n0123";
    let (store, _server) = opened(|_| Answer::Silence(begun.into())).await?;
    let got = code(store.get(&key("a"), None)).await;
    assert!(
        matches!(got, "artifact.damaged" | "artifact.store-down"),
        "{got}"
    );
    Ok(())
}

/// security.md S02.
async fn a_redirect_is_not_followed() -> Result<()> {
    let to = Fake::start(|_| answer("200 OK", "", "secret")).await?;
    let place = format!("Location: http://{}/latest/meta-data\r\n", to.address());
    let (store, _server) = opened(move |_| answer("307 Temporary Redirect", &place, "")).await?;
    assert_eq!(code(store.get(&key("a"), None)).await, "artifact.refused");
    assert_eq!(to.heads().len(), 0);
    Ok(())
}

/// security.md S01.
async fn metadata_addresses_are_never_called() -> Result<()> {
    let everything = Egress::parse(["*", "0.0.0.0/0", "::/0", "localhost"])?;
    let network = Network::new(everything, None, patience())?;
    for address in [
        "169.254.169.254",
        "[::ffff:169.254.169.254]",
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "[64:ff9b::a9fe:a9fe]",
    ] {
        let store = S3Store::open(&described(address, "bucket"), &network)?;
        let got = code(store.get(&key("a"), None)).await;
        assert_eq!(got, "artifact.egress", "{address}");
    }
    let nothing = Network::new(Egress::default(), None, patience())?;
    let store = S3Store::open(&described("127.0.0.1:9", "bucket"), &nothing)?;
    assert_eq!(code(store.get(&key("a"), None)).await, "artifact.egress");
    let store = S3Store::open(&described("localhost:9", "bucket"), &nothing)?;
    assert_eq!(code(store.get(&key("a"), None)).await, "artifact.egress");
    Ok(())
}

async fn answers_that_make_no_sense_are_errors() -> Result<()> {
    let many = "X-Y: z\r\n".repeat(100_000);
    let entities = "<!DOCTYPE x [<!ENTITY a \"aaaa\">]><ListBucketResult>&a;</ListBucketResult>";
    for (status, headers, body) in [
        ("200 OK", "", "no XML at all"),
        ("200 OK", "", "<ListBucketResult><Contents>"),
        ("200 OK", "", entities),
        ("200 OK", many.as_str(), "<ListBucketResult/>"),
        ("500 \u{7}", "", "\u{1b}[31mred"),
    ] {
        let bytes = match answer(status, headers, body) {
            Answer::Bytes(bytes) => bytes,
            _ => unreachable!(),
        };
        let (store, _server) = opened(move |_| Answer::Bytes(bytes.clone())).await?;
        let listed: Result<Vec<_>, _> = store.list(&key("a")).try_collect().await;
        let error = listed.expect_err(body).to_string();
        assert!(!error.contains(char::is_control), "{error:?}");
    }
    Ok(())
}

async fn a_list_that_never_ends_is_left() -> Result<()> {
    let page = "<ListBucketResult><IsTruncated>true</IsTruncated>\
                <NextContinuationToken>t</NextContinuationToken></ListBucketResult>";
    let (store, _server) = opened(move |_| answer("200 OK", "", page)).await?;
    let listed: Result<Vec<_>, _> = store.list(&key("a")).try_collect().await;
    assert_eq!(listed.err().unwrap().code(), "artifact.damaged");
    let (store, _server) =
        opened(|_| Answer::Endless("HTTP/1.1 200 OK\r\n\r\n<ListBucketResult>".into())).await?;
    let listed: Result<Vec<_>, _> = store.list(&key("a")).try_collect().await;
    assert!(listed.is_err());
    // What lies elsewhere is not taken for an answer.
    let page = "<ListBucketResult><Contents><Key>other/x</Key><Size>1</Size></Contents>\
                <Contents><Key>a/../b</Key></Contents><Contents><Key>a/c</Key></Contents>\
                <IsTruncated>false</IsTruncated></ListBucketResult>";
    let (store, _server) = opened(move |_| answer("200 OK", "", page)).await?;
    let listed: Vec<_> = store.list(&key("a")).try_collect().await?;
    assert_eq!(listed.len(), 1);
    Ok(())
}
