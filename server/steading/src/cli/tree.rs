//! A run as a tree of its nodes, as `argo get` draws it: groups with their steps, retries with their tries,
//! exit handlers apart.

use std::collections::BTreeMap;
use std::fmt::Write;

use steading_api::node::NodeBody;
use steading_types::{Millis, NodeType};

use super::display::{harmless, sign, span};

/// Lines of a tree.
pub(crate) struct Tree<'n> {
    nodes: &'n [NodeBody],
    children: BTreeMap<Option<u32>, Vec<&'n NodeBody>>,
    now: Millis,
}

impl<'n> Tree<'n> {
    /// A tree of these nodes; `now` ends the duration of what still runs.
    pub(crate) fn new(nodes: &'n [NodeBody], now: Millis) -> Self {
        let mut children: BTreeMap<Option<u32>, Vec<&NodeBody>> = BTreeMap::new();
        for node in nodes {
            children.entry(node.owner).or_default().push(node);
        }
        Self {
            nodes,
            children,
            now,
        }
    }

    /// The drawing: sign, name, template, duration, message.
    pub(crate) fn rows(&self) -> Vec<Vec<String>> {
        let mut rows = Vec::with_capacity(self.nodes.len());
        let roots = self
            .children
            .get(&None)
            .map(Vec::as_slice)
            .unwrap_or_default();
        for root in roots {
            self.draw(root, "", "", &mut rows);
        }
        rows
    }

    fn draw(&self, node: &NodeBody, lead: &str, below: &str, rows: &mut Vec<Vec<String>>) {
        let mut name = String::new();
        let _ = write!(
            name,
            "{lead}{} {}",
            sign(node.phase),
            harmless(&node.display_name)
        );
        let took = node
            .started
            .map(|start| span(node.finished.unwrap_or(self.now).since(start)))
            .unwrap_or_default();
        let leaf = matches!(
            node.kind,
            NodeType::Pod | NodeType::Suspend | NodeType::HTTP | NodeType::Plugin
        );
        let message = node.message.as_deref().map(harmless).unwrap_or_default();
        rows.push(vec![
            name,
            harmless(&node.template),
            if leaf { took } else { String::new() },
            message,
        ]);
        let children = self
            .children
            .get(&Some(node.ix))
            .map(Vec::as_slice)
            .unwrap_or_default();
        for (at, child) in children.iter().enumerate() {
            let last = at.saturating_add(1) == children.len();
            let (branch, rest) = if last {
                ("└─", "  ")
            } else {
                ("├─", "│ ")
            };
            self.draw(
                child,
                &format!("{below}{branch}"),
                &format!("{below}{rest}"),
                rows,
            );
        }
    }
}
