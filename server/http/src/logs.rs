//! Which attempts of a run have output: what both faces read logs from.

use steading_api::log::LogQuery;
use steading_control::site::LogSource;
use steading_control::verbs::attempt_of;
use steading_engine::head::Head;
use steading_engine::node::Node;
use steading_engine::tree::Tree;
use steading_store::{RunRef, Store, StoreError};
use steading_types::{NodeIx, NodeType};

/// A query for a container of a set, which is a node without a log of its own, as one for its pod's.
///
/// # Errors
/// The disk's.
pub(crate) fn of_pod(store: &Store, run: &RunRef, query: LogQuery) -> Result<LogQuery, StoreError> {
    let Some(wanted) = query.node.map(NodeIx) else {
        return Ok(query);
    };
    let nodes = store.read(|snapshot| snapshot.nodes(run))?;
    let container = nodes
        .iter()
        .find(|node| node.ix == wanted && node.kind == NodeType::Container);
    Ok(match container.and_then(|node| Some((node, node.owner?))) {
        Some((node, pod)) => LogQuery {
            node: Some(pod.0),
            container: Some(node.display_name.clone()),
            ..query
        },
        None => query,
    })
}

/// A run's row and the attempts that may have printed something, in the order of their nodes.
///
/// # Errors
/// The disk's.
pub(crate) fn sources(
    store: &Store,
    run: &RunRef,
    only: Option<NodeIx>,
) -> Result<Option<(Head, Vec<LogSource>)>, StoreError> {
    store.read(|s| {
        let Some((head, _)) = s.run(run)? else {
            return Ok(None);
        };
        let nodes = s.nodes(run)?;
        let tree = Tree::new(&head, &nodes);
        let pods = nodes
            .iter()
            .filter(|node| node.kind == NodeType::Pod && only.is_none_or(|ix| ix == node.ix));
        let sources = pods.map(|node| source(&head, &tree, node)).collect();
        Ok(Some((head, sources)))
    })
}

fn source(head: &Head, tree: &Tree<'_>, node: &Node) -> LogSource {
    LogSource {
        attempt: attempt_of(head.id, node),
        pod: tree.pod_name(node.ix).unwrap_or_default(),
        started: node.started,
    }
}
