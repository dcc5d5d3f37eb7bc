//! Argo's view of a run.

use steading_engine::tree::Tree;

use crate::backend::{Backend, exit};

const FLOW: &str = "
entrypoint: main
templates:
  - name: leaf
    inputs: {parameters: [{name: msg, value: hi}]}
    container: {image: busybox, command: [echo]}
  - name: main
    steps:
      - - {name: a, template: leaf, withItems: [1, 2]}
      - - {name: b, template: graph, hooks: {exit: {template: leaf}}}
  - name: graph
    dag:
      tasks:
        - {name: x, template: leaf}
        - {name: z, template: flaky, depends: x}
  - name: flaky
    retryStrategy: {limit: 1}
    container: {image: busybox, command: [x]}
";

#[test]
fn the_tree_has_argos_shape() {
    let run = Backend::new(FLOW)
        .start()
        .finish(|name, _| exit(i32::from(name.ends_with(".z(0)"))));
    let rows: Vec<_> = run.run.nodes().cloned().collect();
    let tree = Tree::new(run.run.head(), &rows);
    let nodes: Vec<_> = tree.nodes().collect();
    let name_of = |id: &serde_json::Value| {
        let found = nodes
            .iter()
            .find(|(known, _)| Some(known.as_str()) == id.as_str());
        found.unwrap().1["name"].as_str().unwrap().to_owned()
    };
    let edges: Vec<(String, Vec<String>)> = nodes
        .iter()
        .filter(|(_, node)| node["children"].is_array())
        .map(|(_, node)| {
            let children = node["children"].as_array().unwrap();
            (name_of(&node["id"]), children.iter().map(name_of).collect())
        })
        .collect();
    let expected: &[(&str, &[&str])] = &[
        ("wf", &["wf[0]"]),
        ("wf[0]", &["wf[0].a(0:1)", "wf[0].a(1:2)"]),
        ("wf[0].a(0:1)", &["wf[1]"]),
        ("wf[0].a(1:2)", &["wf[1]"]),
        ("wf[1]", &["wf[1].b"]),
        ("wf[1].b", &["wf[1].b.x", "wf[1].b.onExit"]),
        ("wf[1].b.x", &["wf[1].b.z"]),
        ("wf[1].b.z", &["wf[1].b.z(0)", "wf[1].b.z(1)"]),
    ];
    let edges: Vec<(&str, Vec<&str>)> = edges
        .iter()
        .map(|(name, children)| (name.as_str(), children.iter().map(String::as_str).collect()))
        .collect();
    let expected: Vec<(&str, Vec<&str>)> = expected
        .iter()
        .map(|(name, children)| (*name, children.to_vec()))
        .collect();
    assert_eq!(edges, expected);

    let shown = |name: &str| tree.node(run.find(name).ix).unwrap();
    assert_eq!(name_of(&shown("wf")["outboundNodes"][0]), "wf[1].b.z(1)");
    assert_eq!(shown("wf")["progress"], "5/6");
    assert_eq!(shown("wf[1].b.z(0)")["nodeFlag"]["retried"], true);
    assert_eq!(shown("wf[1].b.onExit")["nodeFlag"]["hooked"], true);
    assert_eq!(shown("wf[1].b.x")["boundaryID"], shown("wf[1].b")["id"]);
    assert_eq!(
        shown("wf[0].a(0:1)")["inputs"]["parameters"][0]["value"],
        "hi"
    );
    assert_eq!(shown("wf[0].a(0:1)")["outputs"]["exitCode"], "0");

    // Clients name a node by its id or its pod.
    let x = run.find("wf[1].b.x");
    assert_eq!(tree.id(x.ix), run.run.node_id(x.ix));
    for given in [
        tree.id(x.ix).unwrap(),
        tree.pod_name(x.ix).unwrap(),
        x.name.clone(),
    ] {
        assert_eq!(tree.find(&given).map(|node| node.ix), Some(x.ix));
    }
}
