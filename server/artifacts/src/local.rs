//! The default store: a directory of this host. An object is a file whose path is its key. It is written under
//! another name, synced and then renamed, so a key shows a whole object or none, whatever is killed when.

mod listing;
mod tree;

use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use crate::digest::Stored;
use crate::error::ArtifactError;
use crate::key::Key;
use crate::pump::pump;
use crate::source::{Source, blocking};
use crate::store::{ArtifactStore, Content, Entries, Entry, Later};
use tree::Tree;

/// A directory that keeps objects. One process works in it at a time.
#[derive(Clone)]
pub struct LocalStore {
    tree: Arc<Tree>,
}

impl LocalStore {
    /// Opens the directory, makes it where it is missing, and removes what a crash left half-written. Blocks.
    pub fn open(root: &Path) -> Result<Self, ArtifactError> {
        Ok(Self {
            tree: Arc::new(Tree::open(root)?),
        })
    }

    async fn with<T: Send + 'static>(
        &self,
        key: &Key,
        work: impl FnOnce(&Tree, &Key) -> Result<T, ArtifactError> + Send + 'static,
    ) -> Result<T, ArtifactError> {
        let (tree, key) = (self.tree.clone(), key.clone());
        blocking(move || work(&tree, &key)).await
    }
}

impl ArtifactStore for LocalStore {
    fn put<'a>(&'a self, key: &'a Key, source: Source) -> Later<'a, Stored> {
        Box::pin(self.with(key, move |tree, key| {
            tree.write(key, |file| pump(&source, file))
        }))
    }

    fn get<'a>(&'a self, key: &'a Key, range: Option<Range<u64>>) -> Later<'a, Content> {
        Box::pin(async move {
            let file = self.with(key, Tree::read).await?;
            Ok(Source::file(file)?.content(range))
        })
    }

    fn stat<'a>(&'a self, key: &'a Key) -> Later<'a, u64> {
        Box::pin(self.with(key, |tree, key| Ok(tree.read(key)?.metadata()?.len())))
    }

    fn list<'a>(&'a self, below: &'a Key) -> Entries<'a> {
        let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Entry, ArtifactError>>(64);
        let (tree, below) = (self.tree.clone(), below.clone());
        tokio::task::spawn_blocking(move || {
            let send = |entry| sender.blocking_send(entry).is_ok();
            if let Err(error) = listing::walk(&tree, &below, &mut |entry| send(Ok(entry))) {
                send(Err(error));
            }
        });
        Box::pin(futures_util::stream::unfold(
            receiver,
            |mut receiver| async { Some((receiver.recv().await?, receiver)) },
        ))
    }

    fn delete<'a>(&'a self, key: &'a Key) -> Later<'a, ()> {
        Box::pin(self.with(key, Tree::remove))
    }

    fn fetch<'a>(&'a self, key: &'a Key, mut into: File) -> Later<'a, Stored> {
        Box::pin(self.with(key, move |tree, key| {
            pump(&Source::file(tree.read(key)?)?, &mut into)
        }))
    }
}

#[cfg(test)]
mod tests;
