use steading_types::{NodePhase, NodeType};

use super::*;
use crate::nodes::sketch;

/// `(position, owner, name, kind, phase)`.
type Sketch<'a> = (u32, Option<u32>, &'a str, NodeType, NodePhase);

fn run(sketches: &[Sketch<'_>]) -> Nodes {
    let mut nodes = Nodes::default();
    nodes.merge(sketches.iter().map(|(ix, owner, name, kind, phase)| {
        let mut node = sketch::node(*ix, *kind, *phase);
        node.owner = *owner;
        (*name).clone_into(&mut node.display_name);
        node
    }));
    nodes
}

fn names(nodes: &Nodes, folding: &Folding) -> Vec<String> {
    let tree = Tree::build(nodes);
    tree.rows(nodes, folding)
        .iter()
        .map(|row| match row {
            Row::Node { ix, level, .. } => {
                format!("{level} {}", nodes.get(*ix).unwrap().display_name)
            }
            Row::More { level, hidden, .. } => format!("{level} +{hidden}"),
        })
        .collect()
}

fn fan(width: u32, phase: impl Fn(u32) -> NodePhase) -> Nodes {
    let mut sketches = vec![
        (0, None, "wf", NodeType::DAG, NodePhase::Failed),
        (1, Some(0), "align", NodeType::TaskGroup, NodePhase::Failed),
    ];
    sketches.extend((0..width).map(|i| (i + 2, Some(1), "item", NodeType::Pod, phase(i))));
    run(&sketches)
}

#[test]
fn what_failed_comes_first_where_order_means_nothing() {
    let nodes = run(&[
        (0, None, "wf", NodeType::DAG, NodePhase::Failed),
        (1, Some(0), "good", NodeType::Pod, NodePhase::Succeeded),
        (2, Some(0), "busy", NodeType::Pod, NodePhase::Running),
        (3, Some(0), "bad", NodeType::Pod, NodePhase::Failed),
    ]);
    assert_eq!(
        names(&nodes, &Folding::default()),
        ["1 wf", "2 bad", "2 busy", "2 good"]
    );
}

#[test]
fn steps_and_tries_stay_in_their_order() {
    let nodes = run(&[
        (0, None, "wf", NodeType::Steps, NodePhase::Failed),
        (1, Some(0), "[0]", NodeType::StepGroup, NodePhase::Succeeded),
        (2, Some(1), "flaky", NodeType::Retry, NodePhase::Succeeded),
        (3, Some(2), "flaky(0)", NodeType::Pod, NodePhase::Failed),
        (4, Some(2), "flaky(1)", NodeType::Pod, NodePhase::Succeeded),
        (5, Some(0), "[1]", NodeType::StepGroup, NodePhase::Failed),
    ]);
    assert_eq!(
        names(&nodes, &Folding::default()),
        [
            "1 wf",
            "2 [0]",
            "3 flaky",
            "4 flaky(0)",
            "4 flaky(1)",
            "2 [1]"
        ]
    );
    let tree = Tree::build(&nodes);
    assert_eq!(
        tree.below(1).unwrap().worst,
        State::Succeeded,
        "a try that was tried again is no failure"
    );
    assert_eq!(
        tree.below(1).unwrap().counts,
        BTreeMap::from([(State::Succeeded, 1)])
    );
}

#[test]
fn a_large_fan_shows_its_failures_and_the_number_of_the_rest() {
    let nodes = fan(10_000, |i| {
        if i == 7_777 {
            NodePhase::Failed
        } else {
            NodePhase::Succeeded
        }
    });
    let tree = Tree::build(&nodes);
    let rows = tree.rows(&nodes, &Folding::default());
    assert_eq!(rows.len(), 2 + FIRST + 1);
    assert_eq!(rows[2].node(), Some(7_779));
    assert_eq!(
        rows.last(),
        Some(&Row::More {
            owner: 1,
            level: 3,
            hidden: 9_980
        })
    );
    assert_eq!(
        tree.below(0).unwrap().counts,
        BTreeMap::from([(State::Failed, 1), (State::Succeeded, 9_999)])
    );
    let all = Folding {
        full: BTreeSet::from([1]),
        ..Folding::default()
    };
    assert_eq!(tree.rows(&nodes, &all).len(), 10_002);
}

#[test]
fn what_ended_well_in_a_large_run_is_closed_until_asked_for() {
    let nodes = fan(500, |_| NodePhase::Succeeded);
    let mut nodes = nodes;
    nodes.merge([{
        let mut node = nodes.get(1).unwrap().as_ref().clone();
        node.phase = NodePhase::Succeeded;
        node
    }]);
    assert_eq!(names(&nodes, &Folding::default()), ["1 wf", "2 align"]);
    let opened = Folding {
        toggled: BTreeSet::from([1]),
        ..Folding::default()
    };
    assert_eq!(names(&nodes, &opened).len(), 2 + FIRST + 1);
}

#[test]
fn a_search_shows_matches_with_what_they_lie_under() {
    let nodes = run(&[
        (0, None, "wf", NodeType::DAG, NodePhase::Running),
        (1, Some(0), "align", NodeType::DAG, NodePhase::Running),
        (2, Some(1), "Index", NodeType::Pod, NodePhase::Running),
        (3, Some(0), "report", NodeType::Pod, NodePhase::Running),
    ]);
    let folding = Folding {
        find: "index".into(),
        ..Folding::default()
    };
    assert_eq!(names(&nodes, &folding), ["1 wf", "2 align", "3 Index"]);
}

#[test]
fn an_answer_with_circles_and_gaps_still_shows_every_node_once() {
    let nodes = run(&[
        (3, Some(5), "a", NodeType::DAG, NodePhase::Running),
        (5, Some(3), "b", NodeType::DAG, NodePhase::Running),
        (9, Some(9), "c", NodeType::Pod, NodePhase::Running),
        (u32::MAX, Some(7), "d", NodeType::Pod, NodePhase::Running),
    ]);
    let mut shown = names(&nodes, &Folding::default());
    shown.sort();
    assert_eq!(shown, ["1 a", "1 c", "1 d", "2 b"]);
}
