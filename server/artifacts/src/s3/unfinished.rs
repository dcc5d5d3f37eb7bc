//! Uploads that an earlier try left unfinished. Whoever may put need not have the right to list them, and some
//! stores have no such list: then there are none to take up.

use std::collections::HashMap;

use aws_sdk_s3::types::MultipartUpload;

use super::S3Store;
use crate::error::ArtifactError;
use crate::key::Key;
use crate::ranged::patiently;

/// The most unfinished uploads of one key that are looked at.
const MOST: usize = 1000;

/// The unfinished uploads of a key, the newest last; nothing when the store does not tell.
pub(super) async fn of(store: &S3Store, key: &Key) -> Result<Option<Vec<String>>, ArtifactError> {
    let mut found: Vec<MultipartUpload> = Vec::new();
    let mut marker = (None, None);
    loop {
        let page = patiently(store.tries, || async {
            let request = store.client.list_multipart_uploads();
            let request = request.bucket(store.bucket()).prefix(key.as_str());
            let request = request
                .set_key_marker(marker.0.clone())
                .set_upload_id_marker(marker.1.clone());
            let answer = request.send().await;
            answer.map_err(|error| store.fault(key, error))
        });
        let page = match page.await {
            Ok(page) => page,
            Err(ArtifactError::Denied { .. } | ArtifactError::Refused { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        // Lists are in the order of keys, and what only begins with this key comes behind it.
        let neighbours = page
            .uploads()
            .iter()
            .any(|of| of.key() != Some(key.as_str()));
        found.extend(page.uploads.unwrap_or_default());
        found.retain(|upload| upload.key() == Some(key.as_str()));
        let next = (page.next_key_marker, page.next_upload_id_marker);
        let more = page.is_truncated == Some(true) && next != marker && next.0.is_some();
        if !more || neighbours || found.len() >= MOST {
            break;
        }
        marker = next;
    }
    found.sort_by_key(|upload| upload.initiated().map(|time| time.as_nanos()));
    Ok(Some(
        found.into_iter().filter_map(|one| one.upload_id).collect(),
    ))
}

/// The tag of each part that an upload has already; nothing when it can not be taken up.
pub(super) async fn parts(
    store: &S3Store,
    key: &Key,
    id: &str,
) -> Result<Option<HashMap<i32, String>>, ArtifactError> {
    let mut there = HashMap::new();
    let mut marker = None;
    loop {
        let page = patiently(store.tries, || async {
            let request = store.client.list_parts();
            let request = request.bucket(store.bucket()).key(key.as_str());
            let request = request.upload_id(id).set_part_number_marker(marker.clone());
            let answer = request.send().await;
            answer.map_err(|error| store.fault(key, error))
        });
        let page = match page.await {
            Ok(page) => page,
            Err(
                ArtifactError::NotFound { .. }
                | ArtifactError::Denied { .. }
                | ArtifactError::Refused { .. },
            ) => return Ok(None),
            Err(error) => return Err(error),
        };
        let known = there.len();
        for part in page.parts() {
            if let (Some(number), Some(tag)) = (part.part_number(), part.e_tag()) {
                there.insert(number, tag.to_owned());
            }
        }
        marker = page.next_part_number_marker().map(str::to_owned);
        // A store that goes round in circles is believed once.
        if page.is_truncated() != Some(true) || there.len() == known {
            return Ok(Some(there));
        }
    }
}

/// Gives up every unfinished upload of a key.
pub(super) async fn abandon(store: &S3Store, key: &Key) -> Result<(), ArtifactError> {
    for id in of(store, key).await?.unwrap_or_default() {
        abort(store, key, &id).await?;
    }
    Ok(())
}

/// Gives up one. That it is gone already is no error.
pub(super) async fn abort(store: &S3Store, key: &Key, id: &str) -> Result<(), ArtifactError> {
    let request = store.client.abort_multipart_upload();
    let request = request.bucket(store.bucket()).key(key.as_str());
    match request.upload_id(id).send().await {
        Ok(_) => Ok(()),
        Err(error) => match store.fault(key, error) {
            ArtifactError::NotFound { .. } => Ok(()),
            error => Err(error),
        },
    }
}
