//! Tells followers that a run's logs grew: one inotify descriptor for all of them, one watch a run.

use std::collections::HashMap;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::watch;

use crate::sys;

/// All watches.
#[derive(Clone)]
pub struct Watcher(Arc<Shared>);

struct Shared {
    descriptor: AsyncFd<OwnedFd>,
    watches: Mutex<HashMap<i32, watch::Sender<u64>>>,
}

/// A follower's ear.
pub struct Growth {
    shared: Arc<Shared>,
    watch: i32,
    receiver: watch::Receiver<u64>,
}

impl Watcher {
    /// Opens the descriptor; must be called within a runtime.
    ///
    /// # Errors
    /// When the system refuses another inotify descriptor.
    pub fn open() -> io::Result<Self> {
        let descriptor = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let shared = Arc::new(Shared {
            descriptor: sys::async_fd(descriptor, Interest::READABLE)?,
            watches: Mutex::default(),
        });
        tokio::spawn(pass_on(Arc::downgrade(&shared)));
        Ok(Self(shared))
    }

    /// Listens to a directory, which is made when it is missing.
    ///
    /// # Errors
    /// The system's.
    pub fn listen(&self, directory: &Path) -> io::Result<Growth> {
        std::fs::create_dir_all(directory)?;
        let mut watches = self.0.watches();
        // The same directory gives the same watch.
        let watch = inotify::add_watch(
            &self.0.descriptor,
            directory,
            WatchFlags::MODIFY | WatchFlags::CREATE,
        )?;
        let receiver = watches
            .entry(watch)
            .or_insert_with(|| watch::channel(0).0)
            .subscribe();
        Ok(Growth {
            shared: Arc::clone(&self.0),
            watch,
            receiver,
        })
    }
}

impl Shared {
    fn watches(&self) -> MutexGuard<'_, HashMap<i32, watch::Sender<u64>>> {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Growth {
    /// Waits until something was written since the last call.
    pub async fn grown(&mut self) {
        if self.receiver.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Growth {
    fn drop(&mut self) {
        let mut watches = self.shared.watches();
        // This one still counts itself.
        if watches
            .get(&self.watch)
            .is_some_and(|sender| sender.receiver_count() <= 1)
        {
            watches.remove(&self.watch);
            let _ = inotify::remove_watch(&self.shared.descriptor, self.watch);
        }
    }
}

async fn pass_on(shared: std::sync::Weak<Shared>) {
    loop {
        let Some(strong) = shared.upgrade() else {
            return;
        };
        let Ok(mut ready) = strong.descriptor.readable().await else {
            return;
        };
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(&strong.descriptor, &mut buffer);
        while let Ok(event) = reader.next() {
            if let Some(sender) = strong.watches().get(&event.wd()) {
                sender.send_modify(|count| *count = count.wrapping_add(1));
            }
        }
        ready.clear_ready();
    }
}
