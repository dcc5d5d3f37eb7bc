//! From the engine's rows to the wire.

use steading_api::node::NodeBody;
use steading_api::run::RunSummary;
use steading_engine::head::{Head, Suspended};
use steading_engine::node::{Node, NodeRole};
use steading_engine::tree::Tree;

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
        result: node.outputs.result.clone(),
        exit_code: node.outputs.exit_code,
        host: node.host.clone(),
        isolation: node.isolation.clone(),
        cpu_ms: node.usage.cpu_ms,
        max_rss: node.usage.max_rss,
    }
}
