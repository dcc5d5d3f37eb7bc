//! Locks of a tenant: who has them, who waits, and how many may have them.

use axum::Router;
use steading_api::lock::{LimitBody, LimitList, LockBody, LockHolder, LockList};
use steading_api::node::NodeBody;
use steading_api::operations::{ListLimits, ListLocks, SetLimit};
use steading_api::run::{Done, RunSummary};
use steading_control::locks::{Limit, LockView};
use steading_engine::head::Head;
use steading_engine::lock::Holder;
use steading_types::{Millis, NodeIx, NodePhase, WorkflowPhase};

use crate::App;
use crate::route::{Ctx, json};

pub(super) fn routes(router: Router<App>) -> Router<App> {
    let router = json::<ListLocks, _, _>(router, async |ctx, (), ()| {
        let locks = ctx.app.control().locks(ctx.tenant()?);
        Ok(LockList {
            locks: locks.into_iter().map(body).collect(),
        })
    });
    let router = json::<ListLimits, _, _>(router, async |ctx, (), ()| {
        let limits = ctx.app.control().limits(ctx.tenant()?)?;
        let body = |(name, limit)| LimitBody { name, limit };
        Ok(LimitList {
            limits: limits.into_iter().map(body).collect(),
        })
    });
    json::<SetLimit, _, _>(router, async |ctx, (), LimitBody { name, limit }| {
        let tenant = ctx.tenant()?;
        ctx.app.control().set_limit(tenant, &name, limit).await?;
        Ok(Done {})
    })
}

fn body(lock: LockView) -> LockBody {
    let holder = |(holder, since): (String, Millis)| LockHolder { holder, since };
    let (limit, problem) = match lock.limit {
        Limit::Known(limit) => (Some(limit), None),
        Limit::Unknown(reason) => (None, Some(reason)),
    };
    LockBody {
        name: lock.name.to_string(),
        limit,
        problem,
        holders: lock.holders.into_iter().map(holder).collect(),
        waiters: lock.waiters.into_iter().map(holder).collect(),
    }
}

/// Says of a run that waits for its locks who has them.
pub(super) fn explain_run(ctx: &Ctx, head: &Head, mut shown: RunSummary) -> RunSummary {
    if head.phase == WorkflowPhase::Pending {
        let why = waits_for(ctx, head, Holder::Run);
        shown.message = why.or(shown.message);
    }
    shown
}

/// Says of a node that waits for its locks who has them.
pub(super) fn explain_node(ctx: &Ctx, head: &Head, mut shown: NodeBody) -> NodeBody {
    if shown.phase == NodePhase::Pending {
        let why = waits_for(ctx, head, Holder::Node(NodeIx(shown.ix)));
        shown.message = why.or(shown.message);
    }
    shown
}

fn waits_for(ctx: &Ctx, head: &Head, holder: Holder) -> Option<String> {
    let control = ctx.app.control();
    control.waits_for(&head.tenant, head.id, holder)
}
