//! What lies below a key, page by page.

use super::S3Store;
use crate::error::ArtifactError;
use crate::key::Key;
use crate::ranged::{listed, patiently};
use crate::store::{Entries, Entry};

impl S3Store {
    pub(super) fn pages<'a>(&'a self, below: &'a Key) -> Entries<'a> {
        listed(move |token| self.page(below, token))
    }

    /// A page of a list and where the next one begins.
    async fn page(
        &self,
        below: &Key,
        token: Option<String>,
    ) -> Result<(Vec<Entry>, Option<String>), ArtifactError> {
        let prefix = format!("{below}/");
        let page = patiently(self.tries, || async {
            let request = self.client.list_objects_v2().bucket(self.bucket());
            let request = request
                .prefix(&prefix)
                .set_continuation_token(token.clone());
            let answer = request.send().await;
            answer.map_err(|error| self.fault(below, error))
        })
        .await?;
        // Every store says it, behind all else: where it is missing, more is.
        if page.is_truncated().is_none() {
            return Err(self.damaged("its list breaks off"));
        }
        let entries = page.contents().iter().filter_map(|object| {
            let key = object.key().filter(|key| key.starts_with(&prefix))?;
            Some(Entry {
                // What is no key of ours, such as the mark of an empty folder, nobody here has put.
                key: Key::parse(key).ok()?,
                size: u64::try_from(object.size().unwrap_or_default()).unwrap_or_default(),
            })
        });
        let next = page.next_continuation_token().map(str::to_owned);
        if next.is_some() && next == token {
            return Err(self.damaged("its list goes round in circles"));
        }
        Ok((entries.collect(), next))
    }
}
