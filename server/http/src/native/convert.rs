//! From the engine's rows to the wire.

use steading_api::history::{self, RunEventBody, RunLink};
use steading_api::memo::MemoStatus;
use steading_api::node::NodeBody;
use steading_api::run::RunSummary;
use steading_control::artifacts::of_node;
use steading_engine::head::{Head, Suspended};
use steading_engine::memo::Found;
use steading_engine::node::{Node, NodeRole};
use steading_engine::tree::Tree;
use steading_store::{Deed, RunEvent};

/// A run as a list shows it.
pub(super) fn summary(head: &Head) -> RunSummary {
    RunSummary {
        id: head.id,
        name: head.name.to_string(),
        tenant: head.tenant.to_string(),
        phase: head.phase,
        message: head.message.clone(),
        created: head.created,
        started: head.started,
        finished: head.finished,
        done: head.progress.done,
        total: head.progress.total,
        creator: head.creator.clone(),
        template: head
            .labels
            .get("workflows.argoproj.io/workflow-template")
            .cloned(),
        priority: head.priority,
        suspended: head.suspended == Suspended::Yes,
        labels: head.labels.clone(),
    }
}

/// A node of a run; the tree knows its Argo id.
pub(super) fn node(tree: &Tree<'_>, node: &Node) -> NodeBody {
    NodeBody {
        ix: node.ix.0,
        id: tree.id(node.ix).unwrap_or_default(),
        name: node.name.clone(),
        display_name: node.display_name.clone(),
        kind: node.kind,
        phase: node.phase,
        message: node.message.clone(),
        template: match &node.template.reference {
            Some((object, template)) => format!("{object}/{template}"),
            None => node.template.name.clone(),
        },
        boundary: node.boundary.map(|ix| ix.0),
        owner: node.owner.map(|ix| ix.0),
        parents: node.parents.iter().map(|ix| ix.0).collect(),
        hook: node.role == NodeRole::Hook,
        attempt: node.role == NodeRole::Try,
        started: node.started,
        finished: node.finished,
        inputs: node.inputs.iter().cloned().collect(),
        outputs: node.outputs.parameters.iter().cloned().collect(),
        artifacts: of_node(tree, node),
        awaited: node.outputs.awaited.clone(),
        result: node.outputs.result.clone(),
        exit_code: node.outputs.exit_code,
        host: node.host.clone(),
        isolation: node.isolation.clone(),
        cpu_ms: node.usage.cpu_ms,
        max_rss: node.usage.max_rss,
        memo: node.memo.as_ref().map(|memo| MemoStatus {
            cache: memo.cache.clone(),
            key: memo.key.clone(),
            hit: memo.found == Found::Hit,
        }),
    }
}

/// What somebody did to a run.
pub(super) fn event(event: RunEvent) -> RunEventBody {
    RunEventBody {
        at: event.at,
        deed: match event.deed {
            Deed::Suspend => history::Deed::Suspend,
            Deed::Resume => history::Deed::Resume,
            Deed::Stop => history::Deed::Stop,
            Deed::Terminate => history::Deed::Terminate,
            Deed::Set => history::Deed::Set,
            Deed::Skip => history::Deed::Skip,
            Deed::Retry => history::Deed::Retry,
            Deed::ResubmittedAs => history::Deed::ResubmittedAs,
            Deed::ResubmittedFrom => history::Deed::ResubmittedFrom,
            Deed::Made => history::Deed::Made,
            Deed::MadeBy => history::Deed::MadeBy,
        },
        who: event.who,
        why: event.why,
        nodes: event.nodes,
        values: event.values.into_iter().collect(),
        other: event.other.map(|(id, name)| RunLink { id, name }),
    }
}

/// The runs that these deeds lead to.
pub(super) fn links(events: &[RunEvent], deeds: &[Deed]) -> Vec<RunLink> {
    let events = events.iter().filter(|event| deeds.contains(&event.deed));
    let others = events.filter_map(|event| event.other.clone());
    others.map(|(id, name)| RunLink { id, name }).collect()
}
