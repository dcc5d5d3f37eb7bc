use steading_types::NodePhase;

use super::*;
use crate::nodes::sketch;

/// `(position, owner, kind, parents)`.
fn run(sketches: &[(u32, Option<u32>, NodeType, &[u32])]) -> Nodes {
    let mut nodes = Nodes::default();
    nodes.merge(sketches.iter().map(|(ix, owner, kind, parents)| {
        let mut node = sketch::node(*ix, *kind, NodePhase::Running);
        node.owner = *owner;
        node.parents = parents.to_vec();
        node
    }));
    nodes
}

fn drawn(nodes: &Nodes) -> Graph {
    draw(nodes, &Tree::build(nodes))
}

fn shapes(graph: &Graph) -> Vec<Shape> {
    graph.shapes.iter().map(|placed| placed.shape).collect()
}

#[test]
fn a_diamond_is_three_layers_of_boxes_and_four_lines() {
    let nodes = run(&[
        (0, None, NodeType::DAG, &[]),
        (1, Some(0), NodeType::Pod, &[]),
        (2, Some(0), NodeType::Pod, &[1]),
        (3, Some(0), NodeType::Pod, &[1]),
        (4, Some(0), NodeType::Pod, &[2, 3]),
    ]);
    let graph = drawn(&nodes);
    let x: Vec<f64> = graph.shapes.iter().map(|placed| placed.x).collect();
    assert_eq!(graph.lines.len(), 5);
    assert!(x[1] < x[2] && x[2] == x[3] && x[3] < x[4], "{x:?}");
    assert!(graph.lines.iter().all(|line| line.starts_with('M')));
}

#[test]
fn tries_share_the_box_of_what_is_tried() {
    let mut nodes = run(&[
        (0, None, NodeType::Steps, &[]),
        (1, Some(0), NodeType::StepGroup, &[]),
        (2, Some(1), NodeType::Retry, &[]),
        (5, Some(0), NodeType::StepGroup, &[1]),
    ]);
    nodes.merge([3u32, 4].map(|ix| {
        let mut node = sketch::node(ix, NodeType::Pod, NodePhase::Failed);
        (node.owner, node.attempt) = (Some(2), true);
        node
    }));
    let graph = drawn(&nodes);
    assert_eq!(
        shapes(&graph),
        [Shape::Node(0), Shape::Dot(1), Shape::Node(2), Shape::Dot(5)]
    );
    assert_eq!(
        graph.lines.len(),
        3,
        "the group after the last try hangs on the box of the tries"
    );
}

#[test]
fn ten_thousand_items_of_a_loop_are_one_box() {
    let mut sketches: Vec<(u32, Option<u32>, NodeType, &[u32])> = vec![
        (0, None, NodeType::DAG, &[]),
        (1, Some(0), NodeType::TaskGroup, &[]),
    ];
    sketches.extend((2..10_002).map(|ix| (ix, Some(1), NodeType::Pod, [].as_slice())));
    sketches.push((10_002, Some(0), NodeType::Pod, &[1]));
    let nodes = run(&sketches);
    let graph = drawn(&nodes);
    assert_eq!(
        shapes(&graph),
        [Shape::Node(0), Shape::Fan(1), Shape::Node(10_002)]
    );
    assert_eq!(graph.lines.len(), 2);
    let place = graph.place_of(&nodes, 5_000).map(|placed| placed.shape);
    assert_eq!(place, Some(Shape::Fan(1)), "an item is found in its fan");
}

#[test]
fn what_follows_a_loop_hangs_on_its_items() {
    let nodes = run(&[
        (0, None, NodeType::DAG, &[]),
        (1, Some(0), NodeType::TaskGroup, &[]),
        (2, Some(1), NodeType::Pod, &[]),
        (3, Some(1), NodeType::Pod, &[]),
        (4, Some(0), NodeType::Pod, &[1]),
    ]);
    let graph = drawn(&nodes);
    let x: Vec<f64> = graph.shapes.iter().map(|placed| placed.x).collect();
    assert_eq!(graph.lines.len(), 5);
    assert!(x[1] < x[2] && x[2] == x[3] && x[3] < x[4], "{x:?}");
}

#[test]
fn what_is_too_much_to_draw_is_counted() {
    let mut sketches: Vec<(u32, Option<u32>, NodeType, &[u32])> =
        vec![(0, None, NodeType::DAG, &[])];
    sketches.extend((1..2_000).map(|ix| (ix, Some(0), NodeType::Pod, [].as_slice())));
    let graph = drawn(&run(&sketches));
    assert_eq!((graph.shapes.len(), graph.left_out), (800, 1_200));
}
