//! Argo's view of a run: `status.nodes`, assembled from rows when somebody asks, one node at a time. No
//! document of a whole run is ever stored.

mod edges;
mod sums;

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use steading_types::artifact::Artifact;
use steading_types::{NodeIx, NodeType};

use crate::artifacts::shown;
use crate::head::Head;
use crate::ids::{Ids, node_id, pod_name};
use crate::memo::Found;
use crate::node::{Node, NodeRole};
use crate::time::rfc3339;

/// A run's nodes as Argo shows them.
#[derive(Debug)]
pub struct Tree<'a> {
    workflow: &'a str,
    nodes: Vec<&'a Node>,
    positions: HashMap<NodeIx, usize>,
    hashes: Vec<u32>,
    children: Vec<Vec<usize>>,
    outbound: HashMap<usize, Vec<usize>>,
    sums: Vec<sums::Sum>,
}

impl<'a> Tree<'a> {
    /// The view of a run's rows, which may come in any order.
    pub fn new(head: &'a Head, nodes: &'a [Node]) -> Self {
        Self::of(head, nodes.iter().collect())
    }

    /// The view of a run in memory.
    pub fn of_run(run: &'a crate::Run) -> Self {
        Self::of(run.head(), run.nodes().collect())
    }

    fn of(head: &'a Head, mut nodes: Vec<&'a Node>) -> Self {
        nodes.sort_unstable_by_key(|node| node.ix);
        let positions = nodes
            .iter()
            .enumerate()
            .map(|(position, node)| (node.ix, position))
            .collect();
        let mut ids = Ids::default();
        let hashes = nodes.iter().map(|node| ids.assign(&node.name)).collect();
        let edges = edges::Edges::of(&nodes, &positions);
        let sums = sums::sums(&nodes, &positions);
        Self {
            workflow: head.name.as_str(),
            hashes,
            children: edges.children,
            outbound: edges.outbound,
            sums,
            nodes,
            positions,
        }
    }

    /// Argo's node id.
    pub fn id(&self, ix: NodeIx) -> Option<String> {
        self.id_at(*self.positions.get(&ix)?)
    }

    /// Argo's pod name, form v2.
    pub fn pod_name(&self, ix: NodeIx) -> Option<String> {
        let position = *self.positions.get(&ix)?;
        let node = self.nodes.get(position)?;
        let hash = *self.hashes.get(position)?;
        let template = node.template.shown();
        Some(pod_name(self.workflow, &node.name, template, hash))
    }

    /// The node that a client means: by its id, its pod name (v1 or v2) or its name.
    pub fn find(&self, given: &str) -> Option<&'a Node> {
        let hash = given
            .rsplit_once('-')
            .and_then(|(_, hash)| hash.parse::<u32>().ok());
        let mut by_hash = self.nodes.iter().zip(&self.hashes);
        let by_hash = by_hash.find(|(node, known)| {
            Some(**known) == hash
                && (self.id(node.ix).as_deref() == Some(given)
                    || self.pod_name(node.ix).as_deref() == Some(given))
        });
        let by_hash = by_hash.map(|(node, _)| *node);
        by_hash.or_else(|| self.nodes.iter().find(|node| node.name == given).copied())
    }

    /// Each node's id and its Argo form, in the order of making.
    pub fn nodes(&self) -> impl Iterator<Item = (String, Value)> {
        (0..self.nodes.len())
            .filter_map(|position| Some((self.id_at(position)?, self.node_at(position)?)))
    }

    /// One node's Argo form.
    pub fn node(&self, ix: NodeIx) -> Option<Value> {
        self.node_at(*self.positions.get(&ix)?)
    }

    /// What the whole run used: `status.resourcesDuration`.
    pub fn resources_duration(&self) -> Value {
        let roots = self.nodes.iter().zip(&self.sums);
        let roots = roots.filter(|(node, _)| node.owner.is_none());
        let total = roots.fold(sums::Sum::default(), |total, (_, sum)| total.plus(*sum));
        total.resources()
    }

    fn id_at(&self, position: usize) -> Option<String> {
        let node = self.nodes.get(position)?;
        Some(node_id(
            self.workflow,
            &node.name,
            *self.hashes.get(position)?,
        ))
    }

    fn ids(&self, positions: &[usize]) -> Value {
        positions
            .iter()
            .filter_map(|position| self.id_at(*position))
            .collect()
    }

    fn node_at(&self, position: usize) -> Option<Value> {
        let node = self.nodes.get(position)?;
        let mut out = Map::new();
        let mut put = |key: &str, value: Value| {
            out.insert(key.to_owned(), value);
        };
        put("id", json!(self.id_at(position)?));
        put("name", json!(node.name));
        put("displayName", json!(node.display_name));
        put("type", json!(node.kind.as_str()));
        put("phase", json!(node.phase.as_str()));
        match &node.template.reference {
            Some((name, template)) => {
                put("templateRef", json!({"name": name, "template": template}));
            }
            None if !node.template.name.is_empty() => {
                put("templateName", json!(node.template.name));
            }
            None => {}
        }
        put("templateScope", json!(format!("local/{}", self.workflow)));
        if let Some(boundary) = node.boundary.and_then(|boundary| self.id(boundary)) {
            put("boundaryID", json!(boundary));
        }
        if let Some(message) = &node.message {
            put("message", json!(message));
        }
        put(
            "startedAt",
            json!(rfc3339(node.started.unwrap_or(node.created))),
        );
        put("finishedAt", json!(node.finished.map(rfc3339)));
        if let Some(sum) = self.sums.get(position) {
            put("progress", json!(sum.progress()));
            put("resourcesDuration", sum.resources());
        }
        match node.role {
            NodeRole::Hook => put("nodeFlag", json!({"hooked": true})),
            NodeRole::Try => put("nodeFlag", json!({"retried": true})),
            NodeRole::Plain => {}
        }
        if let Some(inputs) = inputs(node) {
            put("inputs", inputs);
        }
        if let Some(outputs) = outputs(node) {
            put("outputs", outputs);
        }
        if let Some(children) = self.children.get(position).filter(|list| !list.is_empty()) {
            put("children", self.ids(children));
        }
        if matches!(node.kind, NodeType::Steps | NodeType::DAG)
            && let Some(leaves) = self.outbound.get(&position)
        {
            put("outboundNodes", self.ids(leaves));
        }
        if node.kind == NodeType::Pod && node.served() {
            put("podIP", json!(crate::templates::pod_address(node.ix)));
            if !node.phase.completed() {
                put("daemoned", json!(true));
            }
        }
        if let Some(memo) = &node.memo {
            let hit = memo.found == Found::Hit;
            put(
                "memoizationStatus",
                json!({"hit": hit, "key": memo.key, "cacheName": memo.cache}),
            );
        }
        if let Some(host) = &node.host {
            put("hostNodeName", json!(host));
        }
        Some(Value::Object(out))
    }
}

fn parameters(list: &[(String, String)]) -> Vec<Value> {
    list.iter()
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect()
}

fn inputs(node: &Node) -> Option<Value> {
    let mut out = Map::new();
    if !node.inputs.is_empty() {
        out.insert("parameters".to_owned(), json!(parameters(&node.inputs)));
    }
    if !node.artifacts.is_empty() {
        out.insert("artifacts".to_owned(), artifacts(&node.artifacts));
    }
    (!out.is_empty()).then_some(Value::Object(out))
}

fn artifacts(list: &[Artifact]) -> Value {
    list.iter().map(shown).collect()
}

fn outputs(node: &Node) -> Option<Value> {
    let given = &node.outputs;
    let mut out = Map::new();
    let mut list = parameters(&given.parameters);
    list.extend(given.awaited.iter().map(|(name, default)| {
        let mut from = json!({"supplied": {}});
        if let (Some(default), Some(from)) = (default, from.as_object_mut()) {
            from.insert("default".to_owned(), json!(default));
        }
        json!({"name": name, "valueFrom": from})
    }));
    if !list.is_empty() {
        out.insert("parameters".to_owned(), Value::Array(list));
    }
    if !given.artifacts.is_empty() {
        out.insert("artifacts".to_owned(), artifacts(&given.artifacts));
    }
    if let Some(result) = &given.result {
        out.insert("result".to_owned(), json!(result));
    }
    if let Some(code) = given.exit_code {
        out.insert("exitCode".to_owned(), json!(code.to_string()));
    }
    (!out.is_empty()).then_some(Value::Object(out))
}
