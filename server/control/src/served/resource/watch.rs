//! Waiting for an object to change: one reader of the change feed for all who wait, and none
//! while nobody does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use steading_store::{Event, EventItem, StoreError};
use steading_types::TenantName;
use tokio::sync::Notify;

use crate::Inner;

/// Who waits.
#[derive(Debug, Default)]
pub(crate) struct Watched(Mutex<Waiters>);

#[derive(Debug, Default)]
struct Waiters {
    /// By tenant and name of the object.
    of: HashMap<(TenantName, String), Vec<Weak<Notify>>>,
    /// Whether a reader is at work.
    read: bool,
}

/// A place among those who wait; given up when dropped.
pub(super) struct Watch(Arc<Notify>);

impl Watch {
    /// Waits until the object has changed since the last call, or since the watch was made.
    pub(super) async fn wait(&self) {
        self.0.notified().await;
    }
}

impl Watched {
    fn waiters(&self) -> MutexGuard<'_, Waiters> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells those who wait for objects that a commit changed.
    fn wake(&self, event: &Event) {
        let mut waiters = self.waiters();
        for (tenant, item) in &event.items {
            let (EventItem::Run { name, .. } | EventItem::Template { name, .. }) = item else {
                continue;
            };
            let key = (tenant.clone(), name.to_string());
            if let Some(list) = waiters.of.get_mut(&key) {
                tell(list);
            }
        }
        waiters
            .of
            .retain(|_, list| list.iter().any(|waiter| waiter.strong_count() > 0));
    }

    /// Tells those who wait for an object that the feed does not tell of.
    pub(crate) fn changed(&self, tenant: &TenantName, name: &str) {
        let key = (tenant.clone(), name.to_owned());
        if let Some(list) = self.waiters().of.get_mut(&key) {
            tell(list);
        }
    }

    fn wake_all(&self) {
        self.waiters().of.values_mut().for_each(tell);
    }
}

fn tell(list: &mut Vec<Weak<Notify>>) {
    list.retain(|waiter| waiter.upgrade().map(|waiter| waiter.notify_one()).is_some());
}

impl Inner {
    /// Begins to watch the objects of a name.
    pub(super) fn watch(self: &Arc<Self>, tenant: &TenantName, name: &str) -> Watch {
        let waiter = Arc::new(Notify::new());
        let mut waiters = self.watched.waiters();
        let list = waiters
            .of
            .entry((tenant.clone(), name.to_owned()))
            .or_default();
        list.push(Arc::downgrade(&waiter));
        if !std::mem::replace(&mut waiters.read, true) {
            let feed = self.store.feed(Some(self.store.latest()));
            tokio::spawn(Arc::clone(self).read_feed(feed));
        }
        Watch(waiter)
    }

    /// Reads the feed as long as somebody waits.
    async fn read_feed(self: Arc<Self>, mut feed: steading_store::Feed) {
        loop {
            match feed.next().await {
                Ok(event) => self.watched.wake(&event),
                Err(StoreError::Gone { .. }) => {
                    feed = self.store.feed(Some(self.store.latest()));
                    self.watched.wake_all();
                }
                Err(_) => return,
            }
            let mut waiters = self.watched.waiters();
            if waiters.of.is_empty() {
                waiters.read = false;
                return;
            }
        }
    }
}
