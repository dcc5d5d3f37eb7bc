//! What every store promises, whatever lies behind it.

use std::collections::BTreeMap;
use std::io::{Read, Seek};
use std::ops::Range;

use anyhow::Result;
use futures_util::{StreamExt, TryStreamExt, stream};
use steading_artifacts::{ArtifactStore, Key, Sha256, Source};

pub(crate) fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

/// Bytes in which no part looks like another.
pub(crate) fn content(size: usize) -> Vec<u8> {
    let mut state = size as u64 | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut bytes: Vec<u8> = std::iter::from_fn(|| Some(next()))
        .take(size / 8 + 1)
        .flatten()
        .collect();
    bytes.truncate(size);
    bytes
}

pub(crate) async fn read(
    store: &dyn ArtifactStore,
    key: &Key,
    range: Option<Range<u64>>,
) -> Result<Vec<u8>> {
    let content = store.get(key, range).await?;
    let length = content.length;
    let parts: Vec<_> = content.body.try_collect().await?;
    let bytes = parts.concat();
    assert_eq!(bytes.len() as u64, length, "the length that was announced");
    Ok(bytes)
}

pub(crate) async fn code<T>(
    call: impl Future<Output = Result<T, steading_artifacts::ArtifactError>>,
) -> &'static str {
    match call.await {
        Ok(_) => "it went well",
        Err(error) => error.code(),
    }
}

/// All of it.
pub(crate) async fn holds(store: &dyn ArtifactStore, below: &str) -> Result<()> {
    what_was_put_comes_back(store, below).await?;
    ranges_are_what_exists_of_them(store, below).await?;
    a_list_is_what_lies_below(store, below).await?;
    keys_are_taken_as_they_are(store, below).await
}

async fn what_was_put_comes_back(store: &dyn ArtifactStore, below: &str) -> Result<()> {
    let key = key(&format!("{below}/one/object"));
    assert_eq!(code(store.stat(&key)).await, "artifact.not-found");
    assert_eq!(code(store.get(&key, None)).await, "artifact.not-found");
    for size in [10, 0, 8 << 20, (8 << 20) + 1, 20 << 20] {
        let bytes = content(size);
        let put = store.put(&key, Source::bytes(bytes.clone())).await?;
        assert_eq!(put.size, size as u64);
        assert_eq!(put.sha256, Sha256::of(&bytes));
        assert_eq!(store.stat(&key).await?, size as u64);
        assert!(read(store, &key, None).await? == bytes, "{size}");
        let mut file = tempfile::tempfile()?;
        assert_eq!(store.fetch(&key, file.try_clone()?).await?, put);
        let mut fetched = Vec::new();
        file.rewind()?;
        file.read_to_end(&mut fetched)?;
        assert!(fetched == bytes, "{size}");
    }
    store.delete(&key).await?;
    assert_eq!(code(store.stat(&key)).await, "artifact.not-found");
    store.delete(&key).await?;
    store.abandon(&key).await?;
    Ok(())
}

async fn ranges_are_what_exists_of_them(store: &dyn ArtifactStore, below: &str) -> Result<()> {
    let bytes = content(20 << 20);
    let end = bytes.len() as u64;
    let key = key(&format!("{below}/range"));
    store.put(&key, Source::bytes(bytes.clone())).await?;
    for range in [
        0..0,
        5..5,
        3..10,
        0..end,
        (8 << 20) - 1..(8 << 20) + 1,
        100..end - 100,
        end - 3..end + 100,
        end..end + 5,
        end + 5..end + 9,
        end + 5..u64::MAX,
        0..u64::MAX,
    ] {
        let found = read(store, &key, Some(range.clone())).await?;
        let exists = range.start.min(end) as usize..range.end.min(end) as usize;
        assert!(found == bytes[exists], "{range:?}");
    }
    store.delete(&key).await?;
    Ok(())
}

async fn a_list_is_what_lies_below(store: &dyn ArtifactStore, below: &str) -> Result<()> {
    let mut expected = BTreeMap::new();
    for number in 0..1_005_usize {
        expected.insert(format!("{below}/many/{number:03}"), number as u64 % 7);
    }
    expected.insert(format!("{below}/many/deep/er/x"), 3);
    let neighbours = ["many2/x", "many.txt", "man", "other/many/y"];
    let neighbours = neighbours.map(|name| (format!("{below}/{name}"), 1));
    stream::iter(expected.clone().into_iter().chain(neighbours))
        .map(|(name, size)| async move {
            let source = Source::bytes(content(size as usize));
            store.put(&key(&name), source).await
        })
        .buffer_unordered(16)
        .try_for_each(|_| async { Ok(()) })
        .await?;
    let many = key(&format!("{below}/many"));
    let found: Vec<_> = store.list(&many).try_collect().await?;
    assert_eq!(found.len(), expected.len());
    let found: BTreeMap<_, _> = found
        .into_iter()
        .map(|entry| (entry.key.to_string(), entry.size))
        .collect();
    assert_eq!(found, expected);
    let nothing = key(&format!("{below}/nothing"));
    assert!(store.list(&nothing).next().await.is_none());
    Ok(())
}

async fn keys_are_taken_as_they_are(store: &dyn ArtifactStore, below: &str) -> Result<()> {
    for name in [
        "a b",
        "ü+&=",
        "100%41",
        "x?y#z",
        "'\"<>",
        "…",
        "a~(b)!*;,:@$",
    ] {
        let key = key(&format!("{below}/odd/{name}"));
        let bytes = name.as_bytes().to_vec();
        store.put(&key, Source::bytes(bytes.clone())).await?;
        assert_eq!(read(store, &key, None).await?, bytes, "{name}");
    }
    let odd = key(&format!("{below}/odd"));
    let found: Vec<_> = store.list(&odd).try_collect().await?;
    assert_eq!(found.len(), 7, "{found:?}");
    for entry in found {
        let name = entry.key.as_str().rsplit('/').next().unwrap().to_owned();
        assert_eq!(read(store, &entry.key, None).await?, name.as_bytes());
    }
    Ok(())
}
