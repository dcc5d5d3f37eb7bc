//! Putting a large blob in blocks: several at once, in bounded memory. A block's id says what is in it, so that a
//! later try finds which blocks the store has already.

use std::collections::HashSet;

use azure_core::http::RequestContent;
use azure_storage_blob::clients::BlockBlobClient;
use azure_storage_blob::models::{BlockListType, BlockLookupList};
use futures_util::TryStreamExt;

use super::AzureStore;
use crate::digest::{Sha256, Stored};
use crate::error::ArtifactError;
use crate::key::Key;
use crate::parts::{Cut, Part, Tally, parts};
use crate::ranged::patiently;
use crate::source::{Source, blocking};

/// What identifies a block; all ids of a blob have one length.
type Id = Vec<u8>;

/// Puts all of the source.
pub(super) async fn upload(
    store: &AzureStore,
    key: &Key,
    source: &Source,
) -> Result<Stored, ArtifactError> {
    let cut = Cut::of(source.size(), key)?;
    let blob = store.blob(key)?.block_blob_client();
    let there = there(store, key, &blob).await?;
    let tally = Tally::default();
    let mut sent: Vec<(i32, Id)> = parts(source.clone(), cut.size, tally.clone())
        .map_ok(|part| send(store, key, &blob, &there, part))
        .try_buffer_unordered(cut.ahead)
        .try_collect()
        .await?;
    sent.sort();
    let blocks = sent.into_iter().map(|(_, id)| id).collect();
    // The same list once more gives the same blob: an answer that was lost does no harm.
    let list = BlockLookupList {
        latest: Some(blocks),
        ..BlockLookupList::default()
    };
    patiently(store.tries, || async {
        let fault = |error| store.fault(key, error);
        let list = list.clone().try_into().map_err(fault)?;
        blob.commit_block_list(list, None).await.map_err(fault)
    })
    .await?;
    Ok(tally.finish())
}

/// The blocks that an earlier try left.
async fn there(
    store: &AzureStore,
    key: &Key,
    blob: &BlockBlobClient,
) -> Result<HashSet<Id>, ArtifactError> {
    let listed = patiently(store.tries, || async {
        let fault = |error| store.fault(key, error);
        let answer = blob.get_block_list(BlockListType::Uncommitted, None).await;
        answer.map_err(fault)?.into_model().map_err(fault)
    });
    match listed.await {
        Ok(list) => {
            let blocks = list.uncommitted_blocks.unwrap_or_default();
            Ok(blocks.into_iter().filter_map(|block| block.name).collect())
        }
        // Whoever may write need not have the right to read.
        Err(ArtifactError::NotFound { .. } | ArtifactError::Denied { .. }) => Ok(HashSet::new()),
        Err(error) => Err(error),
    }
}

async fn send(
    store: &AzureStore,
    key: &Key,
    blob: &BlockBlobClient,
    there: &HashSet<Id>,
    part: Part,
) -> Result<(i32, Id), ArtifactError> {
    let Part { number, bytes } = part;
    let content = bytes.clone();
    let id = blocking(move || Ok(id(number, &Sha256::of(&content)))).await?;
    if !there.contains(&id) {
        patiently(store.tries, || async {
            let content = RequestContent::from(bytes.to_vec());
            let sent = blob
                .stage_block(&id, bytes.len() as u64, content, None)
                .await;
            sent.map_err(|error| store.fault(key, error))
        })
        .await?;
    }
    Ok((number, id))
}

/// At most 64 bytes are allowed.
fn id(number: i32, content: &Sha256) -> Id {
    let mut id = number.to_be_bytes().to_vec();
    id.extend_from_slice(content.bytes());
    id
}
