//! The nodes of a run as boxes and lines, in layers from left to right. Pure.
//!
//! Three steps: [`condense`] decides what becomes a box (tries and, in large runs, fans share one),
//! [`crate::layers`] places the boxes, and this module turns places into lines.

use std::collections::{BTreeMap, BTreeSet};

use steading_types::NodeType;

use crate::layers::{Layout, Size};
use crate::nodes::Nodes;
use crate::tree::Tree;

/// Runs with more nodes than this show their fans as one box each.
const LARGE: usize = 300;
/// What a large run shows one by one.
const FAN: usize = 8;
/// Boxes that a browser draws without a pause.
const MOST: usize = 800;

/// Width and height of a box, in pixels.
pub const BOX: Size = Size {
    width: 184.0,
    height: 38.0,
};
/// Width and height of the dot that stands for a step group.
pub const DOT: Size = Size {
    width: 10.0,
    height: 10.0,
};

/// What is drawn at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shape {
    /// One node.
    Node(u32),
    /// A node with everything below it.
    Fan(u32),
    /// A step group: all before it ends before anything after it begins.
    Dot(u32),
}

impl Shape {
    /// The node to open.
    pub fn node(self) -> u32 {
        match self {
            Self::Node(ix) | Self::Fan(ix) | Self::Dot(ix) => ix,
        }
    }

    fn size(self) -> Size {
        match self {
            Self::Node(_) | Self::Fan(_) => BOX,
            Self::Dot(_) => DOT,
        }
    }
}

/// A shape and its upper left corner, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placed {
    /// What is drawn.
    pub shape: Shape,
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
}

/// A drawing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Graph {
    /// The boxes and dots.
    pub shapes: Vec<Placed>,
    /// The lines, as SVG path data.
    pub lines: Vec<String>,
    /// The whole drawing.
    pub size: Size,
    /// Boxes that were too many to draw.
    pub left_out: usize,
}

impl Graph {
    /// Where a node is drawn: by itself, or with what it lies in.
    pub fn place_of(&self, nodes: &Nodes, ix: u32) -> Option<Placed> {
        let mut next = Some(ix);
        while let Some(ix) = next {
            let placed = self.shapes.iter().find(|placed| placed.shape.node() == ix);
            if placed.is_some() {
                return placed.copied();
            }
            next = nodes.get(ix).and_then(|node| nodes.owner(node));
        }
        None
    }
}

/// Draws a run.
pub fn draw(nodes: &Nodes, tree: &Tree) -> Graph {
    let (mut shapes, mut edges) = condense(nodes, tree);
    let left_out = shapes.len().saturating_sub(MOST);
    shapes.truncate(MOST);
    let kept: BTreeMap<Shape, usize> = shapes.iter().copied().zip(0..).collect();
    edges.retain(|(from, to)| kept.contains_key(from) && kept.contains_key(to));
    let sizes: Vec<Size> = shapes.iter().map(|shape| shape.size()).collect();
    let links: Vec<(usize, usize)> = edges
        .iter()
        .filter_map(|(from, to)| Some((*kept.get(from)?, *kept.get(to)?)))
        .collect();
    let layout = Layout::of(&sizes, &links);
    let placed = shapes
        .iter()
        .zip(&layout.corners)
        .map(|(shape, (x, y))| Placed {
            shape: *shape,
            x: *x,
            y: *y,
        });
    Graph {
        shapes: placed.collect(),
        lines: layout.lines.iter().map(|points| path(points)).collect(),
        size: layout.size,
        left_out,
    }
}

/// What becomes a shape, in the order of creation, and which leads to which.
fn condense(nodes: &Nodes, tree: &Tree) -> (Vec<Shape>, BTreeSet<(Shape, Shape)>) {
    let mut shape_of: BTreeMap<u32, Shape> = BTreeMap::new();
    let mut shapes = Vec::new();
    let large = nodes.len() > LARGE;
    for node in nodes.iter() {
        let owner = nodes.owner(node).and_then(|ix| nodes.get(ix));
        let above = owner.and_then(|owner| shape_of.get(&owner.ix)).copied();
        let fan = large && tree.children(node.ix).len() > FAN && is_fan(node.kind);
        let shape = match above {
            // What lies in a fan is the fan's; a try is its retry node's.
            Some(fan @ Shape::Fan(_)) => fan,
            Some(above)
                if node.attempt && owner.is_some_and(|owner| owner.kind == NodeType::Retry) =>
            {
                above
            }
            _ if fan => Shape::Fan(node.ix),
            _ if node.kind == NodeType::StepGroup => Shape::Dot(node.ix),
            _ => Shape::Node(node.ix),
        };
        if shape.node() == node.ix {
            shapes.push(shape);
        }
        shape_of.insert(node.ix, shape);
    }
    let mut edges = BTreeSet::new();
    let ends = Ends::of(nodes, tree);
    for node in nodes.iter() {
        let before: Vec<u32> = if node.hook || node.parents.is_empty() {
            nodes.owner(node).into_iter().collect()
        } else {
            let parents = node.parents.iter();
            parents.flat_map(|parent| ends.below(*parent)).collect()
        };
        for parent in before {
            if let (Some(from), Some(to)) = (shape_of.get(&parent), shape_of.get(&node.ix))
                // Only forwards, so that no answer can make a circle.
                && from.node() < to.node()
            {
                edges.insert((*from, *to));
            }
        }
    }
    (shapes, edges)
}

/// Where nodes end: what comes after a group hangs on the last nodes in it.
struct Ends<'a> {
    nodes: &'a Nodes,
    tree: &'a Tree,
    /// Nodes that a sibling comes after.
    followed: BTreeSet<u32>,
}

impl<'a> Ends<'a> {
    fn of(nodes: &'a Nodes, tree: &'a Tree) -> Self {
        let followed = nodes.iter().flat_map(|node| node.parents.iter().copied());
        Self {
            nodes,
            tree,
            followed: followed.collect(),
        }
    }

    /// The last nodes in a node, or itself; itself also when they are too many to draw.
    fn below(&self, ix: u32) -> Vec<u32> {
        let (mut open, mut found) = (vec![ix], Vec::new());
        while let Some(next) = open.pop() {
            let ends = self.in_one(next);
            if ends.is_empty() {
                found.push(next);
            }
            open.extend(ends);
            if open.len().saturating_add(found.len()) > MOST {
                return vec![ix];
            }
        }
        found
    }

    fn in_one(&self, ix: u32) -> Vec<u32> {
        let Some(kind) = self.nodes.get(ix).map(|node| node.kind) else {
            return Vec::new();
        };
        let inside =
            self.tree.children(ix).iter().copied().filter(|child| {
                *child > ix && self.nodes.get(*child).is_some_and(|child| !child.hook)
            });
        match kind {
            NodeType::StepGroup | NodeType::TaskGroup => inside.collect(),
            NodeType::Steps => inside.max().into_iter().collect(),
            NodeType::DAG => inside.filter(|ix| !self.followed.contains(ix)).collect(),
            _ => Vec::new(),
        }
    }
}

fn is_fan(kind: NodeType) -> bool {
    matches!(kind, NodeType::TaskGroup | NodeType::StepGroup)
}

/// A smooth line through points.
fn path(points: &[(f64, f64)]) -> String {
    let mut data = String::new();
    let mut last: Option<(f64, f64)> = None;
    for (x, y) in points {
        match last {
            None => data.push_str(&format!("M{x:.0} {y:.0}")),
            Some((from_x, from_y)) => {
                let middle = f64::midpoint(from_x, *x);
                data.push_str(&format!(
                    "C{middle:.0} {from_y:.0} {middle:.0} {y:.0} {x:.0} {y:.0}"
                ));
            }
        }
        last = Some((*x, *y));
    }
    data
}

#[cfg(test)]
#[path = "graph_tests.rs"]
mod tests;
