//! Runs and their nodes: lists, details, submission.

use std::collections::{BTreeMap, HashMap};

use axum::Router;
use serde_json::Value;
use steading_api::history::RunEventList;
use steading_api::node::{NodeFilter, NodeList};
use steading_api::operations::{
    GetRun, GetRunObject, ListNodes, ListRunEvents, ListRuns, ResubmitRun, SubmitRun,
};
use steading_api::run::{RunAgain, RunDetail, RunFilter, RunList, Submission, Submitted};
use steading_engine::node::Node;
use steading_engine::tree::Tree;
use steading_spec::Mode;
use steading_store::{Deed, RunRef, Tenants};
use steading_types::{NodeIx, NodePhase, NodeType, WorkflowPhase};

use super::convert::{event, links, node, summary};
use super::locks::{explain_node, explain_run};
use super::steer::by;
use crate::App;
use crate::fault::warnings;
use crate::filter;
use crate::problem::Problem;
use crate::route::{Ctx, json};

pub(super) fn routes(router: Router<App>) -> Router<App> {
    let router = json::<ListRuns, _, _>(router, async |ctx, filter, ()| list(&ctx, filter));
    let router = json::<SubmitRun, _, _>(router, async |ctx, (), submission| {
        submit(&ctx, submission).await
    });
    let router =
        json::<ResubmitRun, _, _>(router, async |ctx, (), again| resubmit(&ctx, again).await);
    let router = json::<GetRun, _, _>(router, async |ctx, (), ()| detail(&ctx));
    let router = json::<GetRunObject, _, _>(router, async |ctx, (), ()| object(&ctx));
    let router = json::<ListRunEvents, _, _>(router, async |ctx: Ctx, (), ()| {
        let events = ctx.app.control().run_events(&run_of(&ctx)?)?;
        Ok(RunEventList {
            events: events.into_iter().map(event).collect(),
        })
    });
    json::<ListNodes, _, _>(router, async |ctx, filter, ()| nodes(&ctx, filter))
}

/// The run that the path names, in the path's tenant.
pub(super) fn run_of(ctx: &Ctx) -> Result<RunRef, Problem> {
    let tenant = ctx.tenant()?;
    let id = ctx.app.control().find(tenant, ctx.part("run"))?;
    Ok(RunRef {
        tenant: tenant.clone(),
        id,
    })
}

fn list(ctx: &Ctx, wanted: RunFilter) -> Result<RunList, Problem> {
    let filter = filter::runs(
        wanted.phase.as_deref(),
        wanted.labels.as_deref(),
        wanted.name,
    )?;
    let after = wanted
        .after
        .map(|text| {
            text.parse().map_err(|_| {
                Problem::request("request.filter", "'after' is not the 'next' of a page")
            })
        })
        .transpose()?;
    let limit = wanted.limit.unwrap_or(50).clamp(1, 500) as usize;
    let tenants = Tenants::Of(vec![ctx.tenant()?.clone()]);
    let (page, seq) = ctx
        .app
        .control()
        .store()
        .read(|s| Ok((s.list_runs(&tenants, &filter, after, limit)?, s.seq()?)))?;
    Ok(RunList {
        runs: page
            .runs
            .iter()
            .map(|head| explain_run(ctx, head, summary(head)))
            .collect(),
        next: page.next.map(|id| id.to_string()),
        seq: seq.0,
    })
}

async fn submit(ctx: &Ctx, submission: Submission) -> Result<Submitted, Problem> {
    let creator = &ctx.caller()?.principal.name;
    let submitted = ctx
        .app
        .control()
        .submit(ctx.tenant()?, creator, &submission, Mode::Strict)
        .await?;
    Ok(Submitted {
        run: summary(&submitted.head),
        warnings: warnings(&submitted.warnings),
    })
}

async fn resubmit(ctx: &Ctx, again: RunAgain) -> Result<Submitted, Problem> {
    let run = run_of(ctx)?;
    let submitted = ctx
        .app
        .control()
        .resubmit(&run.tenant, &by(ctx, again.reason.clone())?, run.id, &again)
        .await?;
    Ok(Submitted {
        run: summary(&submitted.head),
        warnings: warnings(&submitted.warnings),
    })
}

fn detail(ctx: &Ctx) -> Result<RunDetail, Problem> {
    let run = run_of(ctx)?;
    let read = ctx.app.control().store().read(|s| {
        let Some((head, _)) = s.run(&run)? else {
            return Ok(None);
        };
        let events = s.run_events(&run)?;
        Ok(Some((
            head,
            s.document(&run)?,
            s.nodes(&run)?,
            events,
            s.seq()?,
        )))
    })?;
    let (head, document, nodes, events, seq) = read.ok_or_else(|| missing(&run))?;
    let mut parameters = document.map(|d| arguments(&d.resolved)).unwrap_or_default();
    parameters.extend(head.parameters.clone());
    let mut counts = BTreeMap::new();
    for node in &nodes {
        let count: &mut u32 = counts.entry(node.phase.as_str().to_owned()).or_default();
        *count = count.saturating_add(1);
    }
    // A run that went well may have attempts that failed before a better one.
    let cause = matches!(head.phase, WorkflowPhase::Failed | WorkflowPhase::Error)
        .then(|| first_failure(&nodes))
        .flatten()
        .map(|cause| node(&Tree::new(&head, &nodes), cause));
    Ok(RunDetail {
        summary: explain_run(ctx, &head, summary(&head)),
        annotations: head.annotations.clone(),
        parameters,
        outputs: head.outputs.clone(),
        counts,
        cause,
        parents: links(&events, &[Deed::ResubmittedFrom, Deed::MadeBy]),
        children: links(&events, &[Deed::ResubmittedAs, Deed::Made]),
        events: events.len(),
        seq: seq.0,
    })
}

/// The root cause: the leaf that failed first (groups above it only repeat it), among those whose failure
/// reached the top. An attempt that was made good by a later one, or a step that may fail, did not.
fn first_failure(nodes: &[Node]) -> Option<&Node> {
    let failed = |node: &Node| matches!(node.phase, NodePhase::Failed | NodePhase::Error);
    let bad: HashMap<NodeIx, &Node> = nodes
        .iter()
        .filter(|node| failed(node))
        .map(|node| (node.ix, node))
        .collect();
    let leaf = |node: &&Node| {
        matches!(
            node.kind,
            NodeType::Pod
                | NodeType::Suspend
                | NodeType::Skipped
                | NodeType::HTTP
                | NodeType::Plugin
        )
    };
    let reached_the_top = |node: &&&Node| {
        let mut above = node.owner;
        // An owner is made before what it owns, so the way up ends.
        while let Some(owner) = above.and_then(|ix| bad.get(&ix)) {
            above = owner.owner.filter(|next| *next < owner.ix);
        }
        above.is_none()
    };
    let leaves: Vec<&Node> = bad.values().copied().filter(leaf).collect();
    leaves
        .iter()
        .filter(reached_the_top)
        .min_by_key(|node| (node.finished, node.ix))
        .or_else(|| leaves.iter().min_by_key(|node| (node.finished, node.ix)))
        .copied()
}

/// Workflow parameters as they were resolved at submission.
fn arguments(resolved: &Value) -> BTreeMap<String, String> {
    let list = resolved
        .pointer("/spec/arguments/parameters")
        .and_then(Value::as_array);
    let pair = |p: &Value| {
        let value = match p.get("value")? {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Some((p.get("name")?.as_str()?.to_owned(), value))
    };
    list.into_iter().flatten().filter_map(pair).collect()
}

pub(super) fn missing(run: &RunRef) -> Problem {
    Problem::not_found(
        "run.not-found",
        format!("workflows.argoproj.io \"{}\" not found", run.id),
    )
}

fn object(ctx: &Ctx) -> Result<Value, Problem> {
    let run = run_of(ctx)?;
    crate::compat::argo::workflow(
        ctx.app.control().store(),
        &run,
        crate::compat::argo::Nodes::Shown,
    )?
    .ok_or_else(|| missing(&run))
}

fn nodes(ctx: &Ctx, wanted: NodeFilter) -> Result<NodeList, Problem> {
    let run = run_of(ctx)?;
    let phases = filter::node_phases(wanted.phase.as_deref())?;
    let only: Option<Vec<u32>> = match &wanted.only {
        Some(text) => Some(
            text.split(',')
                .map(str::parse)
                .collect::<Result<_, _>>()
                .map_err(|_| Problem::request("request.filter", "'only' is a list of numbers"))?,
        ),
        None => None,
    };
    let limit = wanted.limit.unwrap_or(1000).clamp(1, 5000) as usize;
    let admits = |node: &Node| {
        (phases.is_empty() || phases.contains(&node.phase))
            && wanted
                .name
                .as_ref()
                .is_none_or(|part| node.name.contains(part.as_str()))
            && wanted.after.is_none_or(|after| node.ix.0 > after)
            && only.as_ref().is_none_or(|only| only.contains(&node.ix.0))
    };
    let read = ctx
        .app
        .control()
        .store()
        .read(|s| Ok((s.run(&run)?, s.nodes(&run)?, s.seq()?)))?;
    let (Some((head, _)), rows, seq) = read else {
        return Err(missing(&run));
    };
    let tree = Tree::new(&head, &rows);
    let mut admitted = rows.iter().filter(|node| admits(node));
    let page: Vec<_> = admitted
        .by_ref()
        .take(limit)
        .map(|row| explain_node(ctx, &head, node(&tree, row)))
        .collect();
    let next = admitted
        .next()
        .and_then(|_| page.last().map(|node| node.ix));
    Ok(NodeList {
        nodes: page,
        next,
        seq: seq.0,
    })
}
