//! Directories that are kept file by file: a tar beside the task, objects in the store.

use std::fs::File;
use std::io::Seek;
use std::sync::Arc;

use futures_util::StreamExt;
use steading_artifacts::{ArtifactError, ArtifactStore, Entry, Source, blocking};
use tokio::runtime::Handle;

use super::Located;
use super::pull::Pull;

/// Files of one directory.
const FILES: usize = 1_000_000;
/// The only name at the top, which unpacking takes away.
const TOP: &str = "artifact";

/// Puts the files of a staged tar below a key. Answers their bytes. Links have no object.
pub(super) async fn split(located: &Located, tar: File) -> Result<u64, ArtifactError> {
    let mut size = 0u64;
    let at = tar.try_clone()?;
    for (name, from, length) in blocking(move || contents(&at)).await? {
        let key = located.key.join(&name)?;
        let source = Source::section(tar.try_clone()?, from, length);
        let stored = located.store.put(&key, source).await?;
        size = size.saturating_add(stored.size);
    }
    Ok(size)
}

/// Each regular file of a tar that we wrote: its name below the top, where it begins, how long it is.
fn contents(mut tar: &File) -> Result<Vec<(String, u64, u64)>, ArtifactError> {
    tar.rewind()?;
    let mut contents = Vec::new();
    let mut archive = tar::Archive::new(tar);
    for entry in archive.entries()? {
        let entry = entry?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path()?;
        let name = path.to_str().and_then(|path| path.split_once('/'));
        let (_, name) = name.ok_or_else(|| hostile("a name in it is not UTF-8"))?;
        if contents.len() >= FILES {
            return Err(hostile("it has more than a million files"));
        }
        contents.push((name.to_owned(), entry.raw_file_position(), entry.size()));
    }
    Ok(contents)
}

fn hostile(why: &str) -> ArtifactError {
    ArtifactError::Hostile {
        what: "the directory".to_owned(),
        why: why.to_owned(),
    }
}

/// Writes all objects below a key into a tar. Answers false when there are none.
pub(super) async fn join(located: &Located, into: File) -> Result<bool, ArtifactError> {
    let mut entries = Vec::new();
    let mut list = located.store.list(&located.key);
    while let Some(entry) = list.next().await {
        if entries.len() >= FILES {
            return Err(hostile("it has more than a million files"));
        }
        entries.push(entry?);
    }
    drop(list);
    if entries.is_empty() {
        return Ok(false);
    }
    entries.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    let below = format!("{}/", located.key);
    let (store, handle) = (Arc::clone(&located.store), Handle::current());
    blocking(move || {
        let mut tar = tar::Builder::new(into);
        for entry in &entries {
            let name = entry.key.as_str().strip_prefix(&below);
            let name = name.ok_or_else(|| hostile("the store lists other objects"))?;
            append(&mut tar, &store, &handle, entry, name)?;
        }
        Ok(tar.into_inner().map(drop)?)
    })
    .await?;
    Ok(true)
}

fn append(
    tar: &mut tar::Builder<File>,
    store: &Arc<dyn ArtifactStore>,
    handle: &Handle,
    entry: &Entry,
    name: &str,
) -> Result<(), ArtifactError> {
    let content = handle.block_on(store.get(&entry.key, None))?;
    let mut header = tar::Header::new_gnu();
    header.set_size(content.length);
    header.set_mode(0o644);
    let mut pull = Pull::new(handle.clone(), content.body);
    let appended = tar.append_data(&mut header, format!("{TOP}/{name}"), &mut pull);
    match pull.failure.take() {
        Some(failure) => Err(failure),
        None => Ok(appended?),
    }
}
