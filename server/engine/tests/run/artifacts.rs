//! Artifacts: who gives, who takes, and that nobody makes one up.

use steading_types::WorkflowPhase::{Error, Failed, Succeeded};
use steading_types::artifact::{Artifact, Place};

use crate::backend::{Backend, exit, leaves, prints, writes};

/// `make` gives the artifact `out`, `take` takes `in`.
const TEMPLATES: &str = "
  - name: make
    container: {image: busybox, command: [sh]}
    outputs: {artifacts: [{name: out, path: /tmp/out}]}
  - name: take
    inputs: {artifacts: [{name: in, path: /tmp/in, mode: 0o755, recurseMode: true}]}
    container: {image: busybox, command: [cat], args: ['{{inputs.artifacts.in.path}}']}
  - name: say
    container: {image: busybox, command: [echo]}
  - name: tell
    container: {image: busybox, command: [sh]}
    outputs: {parameters: [{name: p, valueFrom: {path: /tmp/p}}]}
";

fn run_of(templates: &str) -> Backend {
    Backend::new(&format!(
        "entrypoint: main\ntemplates:{TEMPLATES}{templates}"
    ))
    .start()
}

fn key(artifact: &Artifact) -> &str {
    match &artifact.place {
        Place::Repository { key } => key,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_step_takes_what_another_gave() {
    let run = run_of(
        "
  - name: main
    steps:
      - - {name: a, template: make}
      - - name: b
          template: take
          arguments: {artifacts: [{name: in, from: '{{steps.a.outputs.artifacts.out}}'}]}
",
    )
    .finish(|name, _| match name {
        "wf[0].a" => leaves("out"),
        _ => exit(0),
    });
    assert_eq!(run.run.head().phase, Succeeded);
    let made = &run.find("wf[0].a").outputs.artifacts[0];
    let id = run.run.head().id;
    let pod = run.tasks[0].name.clone();
    assert_eq!(key(made), format!("default/wf/{id}/{pod}/out.tgz"));
    let task = &run.tasks[1];
    assert_eq!(key(&task.takes[0]), key(made));
    assert_eq!(task.task.takes[0].path, "/tmp/in");
    assert_eq!(task.task.takes[0].mode, Some(0o755));
    assert_eq!(task.task.main.args, ["/tmp/in"]);
}

#[test]
fn what_did_not_come_is_told_where_it_is_taken() {
    let run = run_of(
        "
  - name: main
    steps:
      - - {name: a, template: make, when: 'false'}
      - - name: b
          template: take
          arguments: {artifacts: [{name: in, from: '{{steps.a.outputs.artifacts.out}}'}]}
",
    )
    .finish(|_, _| exit(0));
    assert_eq!(run.run.head().phase, Failed);
    assert!(
        run.message("wf[1].b").contains("did not come"),
        "{:?}",
        run.tree()
    );
}

#[test]
fn an_output_that_is_not_there_is_an_error_unless_it_is_optional() {
    let one = "
  - name: main
    steps: [[{name: a, template: make}]]
";
    let run = run_of(one).finish(|_, _| exit(0));
    assert_eq!(run.run.head().phase, Failed);
    assert!(
        run.message("wf[0].a")
            .contains("there is nothing at /tmp/out")
    );
    let optional = "entrypoint: main
templates:
  - name: main
    container: {image: busybox, command: [sh]}
    outputs: {artifacts: [{name: out, path: /tmp/out, optional: true}]}
";
    let run = Backend::new(optional).start().finish(|_, _| exit(0));
    assert_eq!(run.run.head().phase, Succeeded);
}

#[test]
fn an_expression_chooses_among_artifacts_and_a_dag_gives_them_on() {
    let run = run_of(
        "
  - name: flow
    dag:
      tasks:
        - {name: coin, template: say}
        - {name: a, template: make, depends: coin, when: '{{tasks.coin.outputs.result}} == heads'}
        - {name: b, template: make, depends: coin, when: '{{tasks.coin.outputs.result}} == tails'}
    outputs:
      artifacts:
        - name: chosen
          globalName: all
          fromExpression: \"tasks.coin.outputs.result == 'heads' ? tasks.a.outputs.artifacts.out : tasks.b.outputs.artifacts.out\"
  - name: main
    steps:
      - - {name: flow, template: flow}
      - - name: take
          template: take
          arguments: {artifacts: [{name: in, from: '{{steps.flow.outputs.artifacts.chosen}}'}]}
        - name: take-global
          template: take
          arguments: {artifacts: [{name: in, from: '{{workflow.outputs.artifacts.all}}'}]}
",
    )
    .finish(|name, _| match name {
        "wf[0].flow.coin" => prints("tails"),
        "wf[0].flow.b" => leaves("out"),
        _ => exit(0),
    });
    assert_eq!(run.run.head().phase, Succeeded, "{:?}", run.tree());
    let made = key(&run.find("wf[0].flow.b").outputs.artifacts[0]).to_owned();
    for task in &run.tasks[2..] {
        assert_eq!(key(&task.takes[0]), made);
    }
    assert_eq!(key(&run.run.head().artifacts["all"]), made);
}

/// A text that looks like an artifact, wherever it comes from, is none: its key would be another tenant's.
#[test]
fn no_text_becomes_an_artifact() {
    let forged = r#"{"name":"x","place":{"repository":{"key":"other/secret"}}}"#;
    for (source, phase) in [
        ("from: '{{steps.a.outputs.parameters.p}}'", Failed),
        ("fromExpression: steps.a.outputs.parameters.p", Failed),
        (
            "fromExpression: \"fromJson('{\\\"s3\\\": {\\\"key\\\": \\\"other/secret\\\"}}')\"",
            Failed,
        ),
        ("from: 'other/secret'", Failed),
    ] {
        let yaml = format!(
            "
  - name: main
    steps:
      - - {{name: a, template: tell}}
      - - name: b
          template: take
          arguments:
            artifacts:
              - name: in
                {source}
"
        );
        let run = run_of(&yaml).finish(|_, _| writes("p", forged));
        let ended = run.run.head().phase;
        assert!(
            ended == phase || ended == Error,
            "{source}: {:?}",
            run.tree()
        );
        assert!(
            run.tasks.iter().all(|task| task.takes.is_empty()),
            "{source}"
        );
    }
}

/// A key that a template writes lies below its tenant's name, whatever it says.
#[test]
fn f03_keys_of_templates_lie_below_their_tenant() {
    for (written, lies) in [
        ("my/key.tgz", "default/my/key.tgz"),
        ("default/my/key.tgz", "default/my/key.tgz"),
        ("other/key.tgz", "default/other/key.tgz"),
        ("/etc/passwd", "default/etc/passwd"),
        ("default", "default/default"),
    ] {
        let yaml = format!(
            "entrypoint: main
templates:
  - name: main
    container: {{image: busybox, command: [sh]}}
    outputs: {{artifacts: [{{name: out, path: /tmp/out, s3: {{key: '{written}'}}}}]}}
"
        );
        let run = Backend::new(&yaml).start().finish(|_, _| leaves("out"));
        assert_eq!(key(&run.find("wf").outputs.artifacts[0]), lies);
    }
}
