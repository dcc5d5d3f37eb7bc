//! Putting a large object in parts: several at once, in bounded memory, and taken up again where an earlier
//! try stopped. A part that the store has is known by its MD5, which S3 gives as its ETag (AWS, "Checking
//! object integrity"); where a store computes that otherwise, the part is simply sent again.

use std::collections::HashMap;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use futures_util::TryStreamExt;
use md5::{Digest, Md5};

use super::{S3Store, unfinished};
use crate::digest::Stored;
use crate::error::{Again, ArtifactError};
use crate::key::Key;
use crate::parts::{Cut, Part, Tally, parts};
use crate::ranged::patiently;
use crate::source::{Source, blocking};

/// Puts all of the source.
pub(super) async fn upload(
    store: &S3Store,
    key: &Key,
    source: &Source,
) -> Result<Stored, ArtifactError> {
    let cut = Cut::of(source.size(), key)?;
    let upload = begin(store, key).await?;
    let put = async {
        let (parts, stored) = send(store, key, source, &cut, &upload).await?;
        complete(store, key, &upload.id, parts).await?;
        Ok::<_, ArtifactError>(stored)
    };
    match put.await {
        // What may succeed later is taken up then.
        Err(error) if error.again() == Again::Later && upload.found_again => Err(error),
        Err(error) => {
            if let Err(left) = unfinished::abort(store, key, &upload.id).await {
                tracing::debug!(artifact.error = %left, "an unfinished upload stays in the store");
            }
            Err(error)
        }
        done => done,
    }
}

struct Upload {
    id: String,
    /// The MD5 of each part that the store has already.
    there: HashMap<i32, String>,
    /// Whether a later try will find it.
    found_again: bool,
}

/// Takes up the newest unfinished upload of this key, or begins one.
async fn begin(store: &S3Store, key: &Key) -> Result<Upload, ArtifactError> {
    let known = unfinished::of(store, key).await?;
    let found_again = known.is_some();
    let mut uploads = known.unwrap_or_default();
    if let Some(id) = uploads.last()
        && let Some(there) = unfinished::parts(store, key, id).await?
    {
        let id = id.clone();
        uploads.pop();
        forget(store, key, &uploads).await?;
        return Ok(Upload {
            id,
            there,
            found_again,
        });
    }
    forget(store, key, &uploads).await?;
    let encryption = &store.described.encryption;
    let made = patiently(store.tries, || async {
        let request = store.client.create_multipart_upload();
        let request = request
            .bucket(store.bucket())
            .key(key.as_str())
            .set_server_side_encryption(encryption.kind())
            .set_ssekms_key_id(encryption.key())
            .set_ssekms_encryption_context(encryption.context());
        let answer = request.send().await;
        answer.map_err(|error| store.fault(key, error))
    })
    .await?;
    let id = made.upload_id;
    Ok(Upload {
        id: id.ok_or_else(|| store.damaged("it named no upload"))?,
        there: HashMap::new(),
        found_again,
    })
}

async fn forget(store: &S3Store, key: &Key, dead: &[String]) -> Result<(), ArtifactError> {
    for id in dead {
        unfinished::abort(store, key, id).await?;
    }
    Ok(())
}

/// Sends several parts at once and answers those that the store has now, in their order.
async fn send(
    store: &S3Store,
    key: &Key,
    source: &Source,
    cut: &Cut,
    upload: &Upload,
) -> Result<(Vec<CompletedPart>, Stored), ArtifactError> {
    let tally = Tally::default();
    let mut sent: Vec<CompletedPart> = parts(source.clone(), cut.size, tally.clone())
        .map_ok(|part| send_part(store, key, upload, part))
        .try_buffer_unordered(cut.ahead)
        .try_collect()
        .await?;
    sent.sort_by_key(|part| part.part_number);
    Ok((sent, tally.finish()))
}

async fn send_part(
    store: &S3Store,
    key: &Key,
    upload: &Upload,
    part: Part,
) -> Result<CompletedPart, ArtifactError> {
    let Part { number, bytes } = part;
    let completed = CompletedPart::builder().part_number(number);
    if let Some(tag) = upload.there.get(&number) {
        let (bytes, tag) = (bytes.clone(), tag.clone());
        let same = blocking(move || Ok(tag.trim_matches('"') == hex::encode(Md5::digest(&bytes))));
        if same.await? {
            let tag = upload.there.get(&number).cloned();
            return Ok(completed.set_e_tag(tag).build());
        }
    }
    let sent = patiently(store.tries, || async {
        let request = store.client.upload_part();
        let request = request.bucket(store.bucket()).key(key.as_str());
        let request = request.upload_id(&upload.id).part_number(number);
        let answer = request.body(ByteStream::from(bytes.clone())).send().await;
        answer.map_err(|error| store.fault(key, error))
    })
    .await?;
    Ok(completed.set_e_tag(sent.e_tag).build())
}

/// Makes an object of the parts.
async fn complete(
    store: &S3Store,
    key: &Key,
    id: &str,
    parts: Vec<CompletedPart>,
) -> Result<(), ArtifactError> {
    let expected = tag_of(&parts);
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts));
    let parts = parts.build();
    patiently(store.tries, || async {
        let request = store.client.complete_multipart_upload();
        let request = request.bucket(store.bucket()).key(key.as_str());
        let request = request.upload_id(id).multipart_upload(parts.clone());
        let answer = request.send().await;
        match answer.map_err(|error| store.fault(key, error)) {
            // It may have been done, and only the answer to that have been lost.
            Err(ArtifactError::NotFound { .. }) => match store.head(key).await {
                Ok(head) if expected.is_some() && head.tag == expected => Ok(()),
                _ => Err(ArtifactError::down(&store.name, "it forgot the upload")),
            },
            answer => answer.map(drop),
        }
    })
    .await
}

/// The ETag of an object made of these parts: the MD5 of their MD5s, and their number. None when a part's ETag
/// is no MD5.
fn tag_of(parts: &[CompletedPart]) -> Option<String> {
    let mut whole = Md5::new();
    for part in parts {
        let mut md5 = [0; 16];
        hex::decode_to_slice(part.e_tag()?.trim_matches('"'), &mut md5).ok()?;
        whole.update(md5);
    }
    let whole = hex::encode(whole.finalize());
    Some(format!("\"{whole}-{}\"", parts.len()))
}
