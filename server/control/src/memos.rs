//! Caches of memoized templates: what people see of them and clear, and the end of old entries.

use std::sync::Arc;
use std::time::Duration;

use steading_store::{Batch, Change, MemoKey, MemoRow, Pace};
use steading_types::TenantName;

use crate::clock::now;
use crate::error::ControlError;
use crate::{Control, Inner};

/// How often entries are looked for that nobody uses any more.
const SWEEP: Duration = Duration::from_secs(600);
/// Entries that one commit removes.
const AT_ONCE: usize = 500;

impl Control {
    /// Entries of a tenant's caches, or of one of them, after this one; at most `limit`.
    ///
    /// # Errors
    /// When they can not be read.
    pub fn memos(
        &self,
        tenant: &TenantName,
        cache: Option<&str>,
        after: Option<&MemoKey>,
        limit: usize,
    ) -> Result<Vec<(MemoKey, MemoRow)>, ControlError> {
        let place = |key: &MemoKey| (key.cache.clone(), key.key.clone());
        let after = after.map(place);
        Ok(self.0.store.read(|snapshot| {
            let rows = snapshot.memos(tenant, cache)?;
            let wanted = rows.filter(|row| match (row, &after) {
                (Ok((key, _)), Some(after)) => place(key) > *after,
                _ => true,
            });
            wanted.take(limit).collect()
        })?)
    }

    /// Forgets the entries of a tenant's caches, of one cache, or one entry; says how many.
    ///
    /// # Errors
    /// When the store does not take it.
    pub async fn clear_memos(
        &self,
        tenant: &TenantName,
        cache: Option<&str>,
        key: Option<&str>,
    ) -> Result<usize, ControlError> {
        let keys = self.0.store.read(|snapshot| {
            let rows = snapshot.memos(tenant, cache)?;
            let keys = rows.map(|row| row.map(|(key, _)| key));
            let wanted = keys.filter(|found| match (found, key) {
                (Ok(found), Some(key)) => found.key == key,
                _ => true,
            });
            wanted.collect::<Result<Vec<_>, _>>()
        })?;
        for keys in keys.chunks(AT_ONCE) {
            let change = Change::DeleteMemos(tenant.clone(), keys.to_vec());
            let batch = Batch::new().change(change);
            self.0.store.commit(batch, Pace::Now).await?;
        }
        Ok(keys.len())
    }
}

impl Inner {
    /// Removes entries whose time is over, now and then, for ever.
    pub(crate) async fn sweep_memos(self: Arc<Self>) {
        loop {
            if let Err(error) = self.sweep().await {
                tracing::warn!(error = %error, "old entries of caches could not be removed; trying again later");
            }
            tokio::time::sleep(SWEEP).await;
        }
    }

    async fn sweep(&self) -> Result<(), ControlError> {
        let now = now();
        let old = self.store.read(|snapshot| {
            let rows = snapshot.all_memos()?;
            let old = rows.filter(|row| match row {
                Ok((_, _, row)) => row.expires.is_some_and(|at| at <= now),
                Err(_) => true,
            });
            let keys = old.map(|row| row.map(|(tenant, key, _)| (tenant, key)));
            keys.take(AT_ONCE).collect::<Result<Vec<_>, _>>()
        })?;
        if old.is_empty() {
            return Ok(());
        }
        let changes = old
            .into_iter()
            .map(|(tenant, key)| Change::DeleteMemos(tenant, vec![key]));
        let batch = changes.fold(Batch::new(), Batch::change);
        self.store.commit(batch, Pace::Lazy).await?;
        Ok(())
    }
}
