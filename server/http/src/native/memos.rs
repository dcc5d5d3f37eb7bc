//! Caches of memoized templates.

use axum::Router;
use steading_api::memo::{Cleared, MemoBody, MemoFilter, MemoList};
use steading_api::operations::{ClearMemos, ListMemos};
use steading_store::{MemoKey, MemoRow};

use crate::App;
use crate::problem::Problem;
use crate::route::{Ctx, json};

/// Entries of a page.
const PAGE: usize = 500;

pub(super) fn routes(router: Router<App>) -> Router<App> {
    let router = json::<ListMemos, _, _>(router, async |ctx, filter, ()| list(&ctx, filter));
    json::<ClearMemos, _, _>(router, async |ctx: Ctx, wanted: MemoFilter, ()| {
        let control = ctx.app.control();
        let (cache, key) = (wanted.cache.as_deref(), wanted.key.as_deref());
        let cleared = control.clear_memos(ctx.tenant()?, cache, key).await?;
        Ok(Cleared {
            cleared: cleared as u64,
        })
    })
}

fn list(ctx: &Ctx, wanted: MemoFilter) -> Result<MemoList, Problem> {
    let after = wanted.key.map(|key| MemoKey {
        cache: wanted.cache.clone().unwrap_or_default(),
        key,
    });
    let (cache, control) = (wanted.cache.as_deref(), ctx.app.control());
    let mut found = control.memos(ctx.tenant()?, cache, after.as_ref(), PAGE + 1)?;
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    Ok(MemoList {
        memos: found.into_iter().map(shown).collect(),
        more,
    })
}

fn shown((key, row): (MemoKey, MemoRow)) -> MemoBody {
    MemoBody {
        cache: key.cache,
        key: key.key,
        run: row.run,
        node: row.node.0,
        made: row.made,
        expires: row.expires,
        outputs: row.outputs.parameters.into_iter().collect(),
    }
}
