//! S3 when connections break: what was stored stays stored, what was sent is not sent again.

use anyhow::Result;
use steading_artifacts::{Again, ArtifactStore, Key, Source};

use crate::contract::{content, key, read};
use crate::link::{Fault, Link};
use crate::s3::{s3s, store};
use crate::{fake, programs};

trials![
    an_upload_is_taken_up_where_it_stopped,
    a_lost_answer_to_the_last_call_is_no_failure,
    an_upload_that_is_not_found_again_begins_anew,
    unfinished_uploads_are_found_on_every_page,
];

const LARGE: usize = 64 << 20;

/// The connection is cut half-way; then it works again.
async fn interrupted(link: &Link, bucket: &str, object: &Key) -> Result<u64> {
    let store = store(&link.address(), bucket);
    store.put(&key("first"), Source::bytes("x")).await?;
    let bytes = content(LARGE);
    link.fault(Fault::CutAfter(LARGE as u64 / 2));
    let error = store.put(object, Source::bytes(bytes.clone())).await;
    let error = error.expect_err("it can not succeed");
    assert_eq!(error.code(), "artifact.store-down");
    assert_eq!(error.again(), Again::Later);
    link.fault(Fault::Nothing);
    store.put(object, Source::bytes(bytes.clone())).await?;
    let sent = link.sent();
    assert!(read(&store, object, None).await? == bytes);
    Ok(sent)
}

async fn an_upload_is_taken_up_where_it_stopped() -> Result<()> {
    let Some(address) = programs::moto()? else {
        return Ok(());
    };
    let link = Link::to(&address).await?;
    let sent = interrupted(&link, "resumed", &key("a/large")).await?;
    // Of the half that went over, what was under way at the end is lost: at most four parts of eight.
    assert!(sent < LARGE as u64, "{sent} bytes were sent again");
    Ok(())
}

async fn an_upload_that_is_not_found_again_begins_anew() -> Result<()> {
    let root = tempfile::tempdir()?;
    let address = s3s(root.path()).await?.to_string();
    let link = Link::to(&address).await?;
    interrupted(&link, "anew", &key("a/large")).await?;
    Ok(())
}

async fn a_lost_answer_to_the_last_call_is_no_failure() -> Result<()> {
    let Some(address) = programs::moto()? else {
        return Ok(());
    };
    let link = Link::to(&address).await?;
    let store = store(&link.address(), "answers");
    let object = key("a/large");
    store.put(&key("first"), Source::bytes("x")).await?;
    link.fault(Fault::LoseAnswerTo(&["POST ", "uploadId="]));
    let bytes = content(20 << 20);
    store.put(&object, Source::bytes(bytes.clone())).await?;
    assert!(read(&store, &object, None).await? == bytes);
    Ok(())
}

async fn unfinished_uploads_are_found_on_every_page() -> Result<()> {
    let page = |id: &str, more: bool| {
        format!(
            "<ListMultipartUploadsResult><IsTruncated>{more}</IsTruncated>\
             <NextKeyMarker>a/b</NextKeyMarker><NextUploadIdMarker>{id}</NextUploadIdMarker>\
             <Upload><Key>a/b</Key><UploadId>{id}</UploadId></Upload></ListMultipartUploadsResult>"
        )
    };
    let server = fake::Fake::start(move |head| match head {
        head if head.starts_with("DELETE") => fake::answer("204 No Content", "", ""),
        head if head.contains("upload-id-marker=one") => {
            fake::answer("200 OK", "", &page("two", false))
        }
        _ => fake::answer("200 OK", "", &page("one", true)),
    })
    .await?;
    store(&server.address(), "pages")
        .abandon(&key("a/b"))
        .await?;
    let heads = server.heads();
    let gone: Vec<_> = heads
        .iter()
        .filter(|head| head.starts_with("DELETE"))
        .collect();
    assert_eq!(gone.len(), 2, "{heads:?}");
    assert!(gone[0].contains("uploadId=one") && gone[1].contains("uploadId=two"));
    Ok(())
}
