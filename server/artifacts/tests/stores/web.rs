//! Objects on web servers, good and bad ones.

use std::time::Duration;

use anyhow::Result;
use steading_artifacts::{
    ArtifactStore, OAuthClient, Patience, Secret, Source, Web, WebCredential, WebStore,
};

use crate::contract::{code, content, key, read};
use crate::fake::{Answer, Fake, answer, header};
use crate::s3::{network, patience};

trials![
    an_object_is_taken_whole_or_in_part,
    an_answer_without_a_length_is_taken_too,
    an_object_is_left_with_its_length,
    who_asks_is_shown_to_the_server_alone,
    a_token_is_got_and_shown,
    redirects_are_followed_only_where_the_site_allows,
    refusals_are_told_apart,
    what_breaks_off_is_damaged,
];

fn described(url: String) -> Web {
    Web {
        url,
        headers: Vec::new(),
        credential: WebCredential::None,
        identity: None,
        authorities: None,
    }
}

fn open(described: &Web) -> WebStore {
    let quick = Patience {
        silence: Duration::from_millis(500),
        ..patience()
    };
    WebStore::open(described, &network(quick)).unwrap()
}

async fn an_object_is_taken_whole_or_in_part() -> Result<()> {
    for ranges in [true, false] {
        let server = Fake::start(move |head| match header(head, "range").filter(|_| ranges) {
            Some("bytes=3-4") => answer("206 OK", "Content-Range: bytes 3-4/10\r\n", "34"),
            Some("bytes=8-99") => answer("206 OK", "Content-Range: bytes 8-9/10\r\n", "89"),
            Some("bytes=20-29") => answer("416 No", "Content-Range: bytes */10\r\n", ""),
            _ => answer("200 OK", "", "0123456789"),
        })
        .await?;
        let store = open(&described(format!("http://{}/x?y=z", server.address())));
        let any = key("any");
        assert_eq!(store.stat(&any).await?, 10);
        assert_eq!(read(&store, &any, None).await?, b"0123456789");
        assert_eq!(read(&store, &any, Some(3..5)).await?, b"34");
        assert_eq!(read(&store, &any, Some(8..100)).await?, b"89");
        assert_eq!(read(&store, &any, Some(20..30)).await?, b"");
        assert_eq!(read(&store, &any, Some(4..4)).await?, b"");
        assert!(server.heads()[0].starts_with("GET /x?y=z "));
    }
    Ok(())
}

async fn an_answer_without_a_length_is_taken_too() -> Result<()> {
    let server = Fake::start(|_| {
        Answer::Bytes(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n0\r\n\r\n".into(),
        )
    })
    .await?;
    let store = open(&described(format!("http://{}/x", server.address())));
    assert_eq!(read(&store, &key("any"), None).await?, b"01234");
    assert_eq!(read(&store, &key("any"), Some(1..3)).await?, b"12");
    Ok(())
}

async fn an_object_is_left_with_its_length() -> Result<()> {
    let server = Fake::start(|_| answer("201 Created", "", "")).await?;
    let store = open(&described(format!("http://{}/x", server.address())));
    let bytes = content(5 << 20);
    let put = store.put(&key("any"), Source::bytes(bytes.clone())).await?;
    assert_eq!(put.sha256, steading_artifacts::Sha256::of(&bytes));
    let head = server.heads()[0].clone();
    assert!(
        head.contains("content-length: 5242880") && !head.contains("chunked"),
        "{head}"
    );
    assert_eq!(code(store.delete(&key("any"))).await, "artifact.refused");
    Ok(())
}

/// security.md S05.
async fn who_asks_is_shown_to_the_server_alone() -> Result<()> {
    let other = Fake::start(|_| answer("200 OK", "", "content")).await?;
    let place = format!("Location: http://{}/elsewhere\r\n", other.address());
    let server = Fake::start(move |head| match head.starts_with("GET /first") {
        true => answer("302 Found", "Location: /second\r\n", ""),
        false => answer("302 Found", &place, ""),
    })
    .await?;
    let mut described = described(format!("http://{}/first", server.address()));
    described.headers = vec![("X-Token".to_owned(), Secret::new("TOKEN"))];
    described.credential = WebCredential::Basic {
        user: Secret::new("me"),
        password: Secret::new("PASSWORD"),
    };
    assert_eq!(
        read(&open(&described), &key("any"), None).await?,
        b"content"
    );
    let own = server.heads();
    assert_eq!(own.len(), 2);
    for head in own {
        assert!(head.contains("x-token: TOKEN"), "{head}");
        assert!(
            head.contains("authorization: Basic bWU6UEFTU1dPUkQ="),
            "{head}"
        );
    }
    let head = other.heads()[0].to_lowercase();
    assert!(
        !head.contains("token") && !head.contains("authorization"),
        "{head}"
    );
    Ok(())
}

async fn a_token_is_got_and_shown() -> Result<()> {
    let tokens = Fake::start(|_| answer("200 OK", "", r#"{"access_token":"TOKEN"}"#)).await?;
    let server = Fake::start(|_| answer("200 OK", "", "content")).await?;
    let mut described = described(format!("http://{}/x", server.address()));
    described.credential = WebCredential::Client(OAuthClient {
        token_url: Secret::new(format!("http://{}/token", tokens.address())),
        id: Secret::new("id"),
        secret: Secret::new("secret"),
        scopes: vec!["read".to_owned()],
        parameters: vec![("audience".to_owned(), "a b".to_owned())],
    });
    assert_eq!(
        read(&open(&described), &key("any"), None).await?,
        b"content"
    );
    assert!(tokens.heads()[0].contains("authorization: Basic aWQ6c2VjcmV0"));
    assert!(server.heads()[0].contains("authorization: Bearer TOKEN"));
    Ok(())
}

/// security.md S01, S02.
async fn redirects_are_followed_only_where_the_site_allows() -> Result<()> {
    for (place, expected) in [
        ("http://169.254.169.254/latest/meta-data", "artifact.egress"),
        ("http://[::ffff:169.254.169.254]/", "artifact.egress"),
        ("http://127.0.0.2:1/", "artifact.egress"),
        ("file:///etc/passwd", "artifact.refused"),
        ("/again", "artifact.refused"),
    ] {
        let header = format!("Location: {place}\r\n");
        let server = Fake::start(move |_| answer("302 Found", &header, "")).await?;
        let store = open(&described(format!("http://{}/x", server.address())));
        assert_eq!(
            code(store.get(&key("any"), None)).await,
            expected,
            "{place}"
        );
        assert!(server.heads().len() < 10);
    }
    Ok(())
}

async fn refusals_are_told_apart() -> Result<()> {
    for (status, expected) in [
        ("404 Not Found", "artifact.not-found"),
        ("403 Forbidden", "artifact.denied"),
        ("401 Unauthorized", "artifact.denied"),
        ("405 Method Not Allowed", "artifact.refused"),
        ("503 Unavailable", "artifact.store-down"),
    ] {
        let server = Fake::start(move |_| answer(status, "", "")).await?;
        let store = open(&described(format!("http://{}/x", server.address())));
        assert_eq!(code(store.get(&key("any"), None)).await, expected);
        assert_eq!(
            code(store.put(&key("any"), Source::bytes("x"))).await,
            expected
        );
    }
    Ok(())
}

async fn what_breaks_off_is_damaged() -> Result<()> {
    let short = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123";
    for (sent, silent) in [(short, false), (short, true)] {
        let server = Fake::start(move |_| match silent {
            true => Answer::Silence(sent.into()),
            false => Answer::Bytes(sent.into()),
        })
        .await?;
        let store = open(&described(format!("http://{}/x", server.address())));
        let error = read(&store, &key("any"), None)
            .await
            .expect_err("it broke off");
        let error = error.downcast::<steading_artifacts::ArtifactError>()?;
        assert_eq!(error.code(), "artifact.damaged");
    }
    let early = || Answer::TooEarly("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n".into());
    let server = Fake::start(move |_| early()).await?;
    let store = open(&described(format!("http://{}/x", server.address())));
    let put = code(store.put(&key("any"), Source::bytes(content(64 << 20)))).await;
    assert!(
        matches!(put, "artifact.damaged" | "artifact.store-down"),
        "{put}"
    );
    let server = Fake::start(|_| Answer::Silence(Vec::new())).await?;
    let store = open(&described(format!("http://{}/x", server.address())));
    let put = code(store.put(&key("any"), Source::bytes("x"))).await;
    assert_eq!(put, "artifact.store-down");
    Ok(())
}
