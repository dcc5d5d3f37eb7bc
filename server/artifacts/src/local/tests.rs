use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::symlink;

use bytes::Bytes;
use futures_util::TryStreamExt;

use super::*;
use crate::digest::Sha256;

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

fn store() -> (tempfile::TempDir, LocalStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = LocalStore::open(&dir.path().join("artifacts")).unwrap();
    (dir, store)
}

async fn read(store: &LocalStore, name: &str, range: Option<Range<u64>>) -> Vec<u8> {
    let content = store.get(&key(name), range).await.unwrap();
    let parts: Vec<Bytes> = content.body.try_collect().await.unwrap();
    let bytes = parts.concat();
    assert_eq!(bytes.len() as u64, content.length);
    bytes
}

async fn names(store: &LocalStore, below: &str) -> Vec<String> {
    let below = key(below);
    let entries: Vec<Entry> = store.list(&below).try_collect().await.unwrap();
    let mut names: Vec<_> = entries.iter().map(|entry| entry.key.to_string()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn what_was_put_comes_back_whole_and_in_ranges() {
    let (_dir, store) = store();
    let bytes: Vec<u8> = (0..9_000_000u32).map(|n| (n % 251) as u8).collect();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&bytes).unwrap();
    let stored = store
        .put(&key("t/p/r/out.tgz"), Source::file(file).unwrap())
        .await
        .unwrap();
    assert_eq!(stored.size, 9_000_000);
    assert_eq!(stored.sha256, Sha256::of(&bytes));
    assert_eq!(store.stat(&key("t/p/r/out.tgz")).await.unwrap(), 9_000_000);
    assert_eq!(read(&store, "t/p/r/out.tgz", None).await, bytes);
    assert_eq!(
        read(&store, "t/p/r/out.tgz", Some(8_999_990..9_999_999)).await,
        &bytes[8_999_990..]
    );
    let mut back = tempfile::tempfile().unwrap();
    let fetched = store
        .fetch(&key("t/p/r/out.tgz"), back.try_clone().unwrap())
        .await
        .unwrap();
    assert_eq!(fetched, stored);
    back.seek(SeekFrom::Start(0)).unwrap();
    let mut copy = Vec::new();
    back.read_to_end(&mut copy).unwrap();
    assert_eq!(copy, bytes);
}

#[tokio::test]
async fn a_second_put_takes_the_place_of_the_first() {
    let (_dir, store) = store();
    for text in ["first", "second"] {
        store.put(&key("a"), Source::bytes(text)).await.unwrap();
    }
    assert_eq!(read(&store, "a", None).await, b"second");
}

#[tokio::test]
async fn a_list_stays_below_its_key() {
    let (_dir, store) = store();
    for name in ["t/a/1", "t/a/b/2", "t/ab/3", "u/4"] {
        store.put(&key(name), Source::bytes("x")).await.unwrap();
    }
    assert_eq!(names(&store, "t/a").await, ["t/a/1", "t/a/b/2"]);
    assert_eq!(names(&store, "t/a/1").await, [""; 0]);
    assert_eq!(names(&store, "nothing").await, [""; 0]);
}

#[tokio::test]
async fn what_is_deleted_is_gone_with_its_empty_directories_and_may_be_deleted_again() {
    let (dir, store) = store();
    for name in ["t/r/1", "t/s/2"] {
        store.put(&key(name), Source::bytes("x")).await.unwrap();
    }
    for _ in 0..2 {
        store.delete(&key("t/r/1")).await.unwrap();
    }
    assert_eq!(
        store.stat(&key("t/r/1")).await.unwrap_err().code(),
        "artifact.not-found"
    );
    assert!(!dir.path().join("artifacts/t/r").exists());
    assert!(dir.path().join("artifacts/t/s/2").exists());
}

#[tokio::test]
async fn puts_and_deletes_beside_each_other_lose_nothing() {
    let (_dir, store) = store();
    for round in 0..50 {
        let (old, new) = (key("d/e/old"), key(&format!("d/e/{round}")));
        store.put(&old, Source::bytes("x")).await.unwrap();
        let (put, deleted) = tokio::join!(store.put(&new, Source::bytes("y")), store.delete(&old));
        put.unwrap();
        deleted.unwrap();
        assert_eq!(store.stat(&new).await.unwrap(), 1);
        store.delete(&new).await.unwrap();
    }
}

#[tokio::test]
async fn an_object_and_a_directory_do_not_share_a_name() {
    let (_dir, store) = store();
    store.put(&key("a"), Source::bytes("x")).await.unwrap();
    store.put(&key("b/c"), Source::bytes("x")).await.unwrap();
    for name in ["a/b", "b", ".incoming/0"] {
        let refused = store.put(&key(name), Source::bytes("y")).await;
        assert_eq!(refused.unwrap_err().code(), "artifact.key", "{name}");
    }
    store.delete(&key("b")).await.unwrap();
    assert_eq!(store.stat(&key("b/c")).await.unwrap(), 1);
}

/// security.md F02, F05: links on the way are not followed, whoever placed them.
#[tokio::test]
async fn f02_no_link_is_followed() {
    let (dir, store) = store();
    let root = dir.path().join("artifacts");
    std::fs::write(dir.path().join("secret"), "s").unwrap();
    symlink("../secret", root.join("file")).unwrap();
    symlink("..", root.join("up")).unwrap();
    for name in ["file", "up/secret"] {
        let refused = store.stat(&key(name)).await.unwrap_err();
        assert_eq!(refused.code(), "artifact.not-found", "{name}");
    }
    let refused = store.put(&key("up/new"), Source::bytes("y")).await;
    assert_eq!(refused.unwrap_err().code(), "artifact.key");
    store.put(&key("file"), Source::bytes("y")).await.unwrap();
    store.delete(&key("up/secret")).await.unwrap();
    assert_eq!(std::fs::read(dir.path().join("secret")).unwrap(), b"s");
    assert_eq!(names(&store, "up").await, [""; 0]);
}

/// security.md F10: only regular files are taken, and one that shrinks meanwhile is an error.
#[tokio::test]
async fn f10_a_source_that_is_no_file_or_shrinks_is_refused() {
    let (dir, store) = store();
    let directory = File::open(dir.path()).unwrap();
    assert_eq!(
        Source::file(directory).err().unwrap().code(),
        "artifact.hostile"
    );
    let file = tempfile::tempfile().unwrap();
    file.set_len(10).unwrap();
    let source = Source::file(file.try_clone().unwrap()).unwrap();
    file.set_len(5).unwrap();
    store.put(&key("a"), source).await.unwrap_err();
    assert_eq!(
        store.stat(&key("a")).await.unwrap_err().code(),
        "artifact.not-found"
    );
}

#[tokio::test]
async fn what_a_crash_left_half_written_goes_at_the_next_start() {
    let (dir, store) = store();
    drop(store);
    let left = dir.path().join("artifacts/.incoming/7");
    std::fs::write(&left, "half").unwrap();
    LocalStore::open(&dir.path().join("artifacts")).unwrap();
    assert!(!left.exists());
}
