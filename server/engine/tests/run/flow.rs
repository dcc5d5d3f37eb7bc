//! Steps, dags, loops and conditions.

use steading_types::WorkflowPhase::{Error, Failed, Succeeded};

use crate::backend::{Backend, exit, prints, writes};

const ECHO: &str = "
  - name: echo
    inputs: {parameters: [{name: msg, value: hi}]}
    container: {image: busybox, command: [echo], args: ['{{inputs.parameters.msg}}']}
";

fn spec(templates: &str) -> String {
    format!("entrypoint: main\ntemplates:{ECHO}{templates}")
}

#[test]
fn hello_world_is_one_pod_whose_name_is_the_workflows() {
    let run = Backend::new(
        "entrypoint: hello\ntemplates:\n  - name: hello\n    container: {image: busybox, command: [echo], args: [hi]}",
    )
    .start()
    .finish(|_, _| exit(0));
    run.expect(Succeeded, &[("wf", "Pod Succeeded")]);
    assert_eq!(run.completed, 1);
    let task = &run.tasks[0];
    assert_eq!(
        (task.name.as_str(), task.task.main.args.as_slice()),
        ("wf", &["hi".to_owned()][..])
    );
    assert!(
        task.task
            .main
            .env
            .contains(&("ARGO_NODE_ID".into(), "wf".into()))
    );
    assert_eq!(run.run.head().progress.done, 1);
}

#[test]
fn a_failed_pod_fails_its_workflow_with_its_exit_code() {
    let run = Backend::new(
        "entrypoint: hello\ntemplates:\n  - name: hello\n    container: {image: busybox, command: [sh]}",
    )
    .start()
    .finish(|_, _| exit(3));
    run.expect(Failed, &[("wf", "Pod Failed")]);
    assert_eq!(
        run.run.head().message.as_deref(),
        Some("main: Error (exit code 3)")
    );
}

const STEPS: &str = "
  - name: main
    steps:
      - - {name: a, template: echo}
        - {name: b, template: echo}
      - - {name: c, template: echo}
";

#[test]
fn groups_run_one_after_another() {
    let run = Backend::new(&spec(STEPS)).start().finish(|_, _| exit(0));
    run.expect(
        Succeeded,
        &[
            ("wf", "Steps Succeeded"),
            ("wf[0]", "StepGroup Succeeded"),
            ("wf[0].a", "Pod Succeeded"),
            ("wf[0].b", "Pod Succeeded"),
            ("wf[1]", "StepGroup Succeeded"),
            ("wf[1].c", "Pod Succeeded"),
        ],
    );
}

#[test]
fn a_failed_step_stops_later_groups_but_not_its_siblings() {
    let run = Backend::new(&spec(STEPS))
        .start()
        .finish(|name, _| exit(i32::from(name == "wf[0].a")));
    run.expect(
        Failed,
        &[
            ("wf", "Steps Failed"),
            ("wf[0]", "StepGroup Failed"),
            ("wf[0].a", "Pod Failed"),
            ("wf[0].b", "Pod Succeeded"),
        ],
    );
    let id = run.run.node_id(run.find("wf[0].a").ix).unwrap();
    assert_eq!(run.message("wf[0]"), format!("child '{id}' failed"));
    assert_eq!(
        run.run.head().message.as_deref(),
        Some(run.message("wf[0]"))
    );
}

#[test]
fn continue_on_lets_the_run_go_on_though_the_node_stays_failed() {
    let run = Backend::new(&spec(
        "
  - name: main
    steps:
      - - {name: a, template: echo, continueOn: {failed: true}}
      - - {name: b, template: echo, when: '{{steps.a.status}} == Failed'}
        - {name: c, template: echo, when: '{{steps.a.exitCode}} == 0'}
",
    ))
    .start()
    .finish(|name, _| exit(i32::from(name == "wf[0].a")));
    run.expect(
        Succeeded,
        &[
            ("wf", "Steps Succeeded"),
            ("wf[0]", "StepGroup Succeeded"),
            ("wf[0].a", "Pod Failed"),
            ("wf[1]", "StepGroup Succeeded"),
            ("wf[1].b", "Pod Succeeded"),
            ("wf[1].c", "Skipped Skipped"),
        ],
    );
    assert_eq!(run.message("wf[1].c"), "when '1 == 0' evaluated false");
}

#[test]
fn a_condition_that_is_none_is_an_error_with_a_hint() {
    let run = Backend::new(&spec(
        "
  - name: main
    steps:
      - - {name: a, template: echo, when: '( =='}
",
    ))
    .start()
    .finish(|_, _| exit(0));
    assert!(
        run.message("wf[0].a")
            .starts_with("Invalid 'when' expression '( =='"),
        "{:?}",
        run.tree()
    );
    assert_eq!(run.run.head().phase, Failed);
}

#[test]
fn loops_name_their_children_and_give_lists() {
    let run = Backend::new(&spec(
        "
  - name: main
    steps:
      - - name: each
          template: echo
          arguments: {parameters: [{name: msg, value: '{{item.num}}-{{item.key}}'}]}
          withItems: [{num: 1, key: x}, {num: 2, key: (z)}]
      - - name: all
          template: echo
          arguments: {parameters: [{name: msg, value: '{{steps.each.outputs.result}}'}]}
",
    ))
    .start()
    .finish(|_, task| prints(&format!("{:?}", task.task.main.args[0])));
    run.expect(
        Succeeded,
        &[
            ("wf", "Steps Succeeded"),
            ("wf[0]", "StepGroup Succeeded"),
            ("wf[0].each(0:key:x,num:1)", "Pod Succeeded"),
            ("wf[0].each(1:key:z,num:2)", "Pod Succeeded"),
            ("wf[1]", "StepGroup Succeeded"),
            ("wf[1].all", "Pod Succeeded"),
        ],
    );
    assert_eq!(run.tasks[2].task.main.args[0], r#"["1-x","2-(z)"]"#);
}

#[test]
fn a_loop_over_nothing_is_skipped() {
    for list in ["withItems: []", "withParam: '[]'"] {
        let run = Backend::new(&spec(&format!(
            "
  - name: main
    steps:
      - - {{name: each, template: echo, {list}}}
      - - {{name: after, template: echo}}
"
        )))
        .start()
        .finish(|_, _| exit(0));
        run.expect(
            Succeeded,
            &[
                ("wf", "Steps Succeeded"),
                ("wf[0]", "StepGroup Succeeded"),
                ("wf[0].each", "Skipped Skipped"),
                ("wf[1]", "StepGroup Succeeded"),
                ("wf[1].after", "Pod Succeeded"),
            ],
        );
        assert_eq!(run.message("wf[0].each"), "Skipped, empty params");
    }
}

#[test]
fn sequences_count_up_and_down_as_texts() {
    let run = Backend::new(&spec(
        "
  - name: main
    dag:
      tasks:
        - name: up
          template: echo
          arguments: {parameters: [{name: msg, value: '{{item}}'}]}
          withSequence: {start: 1, end: '{{workflow.parameters.end}}', format: 'n%02d'}
arguments: {parameters: [{name: end, value: 2}]}
",
    ))
    .start()
    .finish(|_, _| exit(0));
    run.expect(
        Succeeded,
        &[
            ("wf", "DAG Succeeded"),
            ("wf.up", "TaskGroup Succeeded"),
            ("wf.up(0:n01)", "Pod Succeeded"),
            ("wf.up(1:n02)", "Pod Succeeded"),
        ],
    );
}

const DIAMOND: &str = "
  - name: main
    dag:
      tasks:
        - {name: a, template: echo}
        - {name: b, template: echo, depends: a}
        - {name: c, template: echo, depends: a}
        - {name: d, template: echo, depends: b && c}
";

#[test]
fn a_task_starts_when_what_it_depends_on_is_over() {
    let run = Backend::new(&spec(DIAMOND)).start().finish(|_, _| exit(0));
    run.expect(
        Succeeded,
        &[
            ("wf", "DAG Succeeded"),
            ("wf.a", "Pod Succeeded"),
            ("wf.b", "Pod Succeeded"),
            ("wf.c", "Pod Succeeded"),
            ("wf.d", "Pod Succeeded"),
        ],
    );
}

#[test]
fn tasks_behind_a_failed_one_are_omitted_and_inherit_its_result() {
    let run = Backend::new(&spec(DIAMOND))
        .start()
        .finish(|name, _| exit(i32::from(name == "wf.b")));
    run.expect(
        Failed,
        &[
            ("wf", "DAG Failed"),
            ("wf.a", "Pod Succeeded"),
            ("wf.b", "Pod Failed"),
            ("wf.c", "Pod Succeeded"),
            ("wf.d", "Skipped Omitted"),
        ],
    );
    assert_eq!(run.message("wf.d"), "omitted: depends condition not met");
}

#[test]
fn depends_can_ask_for_any_result() {
    let run = Backend::new(&spec(
        "
  - name: main
    dag:
      failFast: false
      tasks:
        - {name: bad, template: echo}
        - {name: rescue, template: echo, depends: bad.Failed}
        - {name: not-needed, template: echo, depends: bad.Succeeded}
        - {name: after, template: echo, depends: not-needed.Omitted && rescue}
        - {name: each, template: echo, withItems: [1, 2]}
        - {name: some, template: echo, depends: each.AnySucceeded}
        - {name: none, template: echo, depends: each.AllFailed}
",
    ))
    .start()
    .finish(|name, _| exit(i32::from(name == "wf.bad" || name == "wf.each(0:1)")));
    for (task, phase) in [
        ("wf.rescue", "Succeeded"),
        ("wf.not-needed", "Omitted"),
        ("wf.after", "Succeeded"),
        ("wf.each", "Failed"),
        ("wf.some", "Succeeded"),
        ("wf.none", "Omitted"),
    ] {
        assert_eq!(run.phase(task).as_str(), phase, "{task}: {:#?}", run.tree());
    }
    // `none` is a leaf behind the failed loop.
    assert_eq!(run.run.head().phase, Failed);
}

#[test]
fn only_targets_and_what_is_before_them_run() {
    let run = Backend::new(&spec(
        "
  - name: main
    dag:
      target: '{{workflow.parameters.target}}'
      tasks:
        - {name: a, template: echo}
        - {name: b, template: echo, dependencies: [a]}
        - {name: c, template: echo, dependencies: [a]}
arguments: {parameters: [{name: target, value: b}]}
",
    ))
    .start()
    .finish(|_, _| exit(0));
    run.expect(
        Succeeded,
        &[
            ("wf", "DAG Succeeded"),
            ("wf.a", "Pod Succeeded"),
            ("wf.b", "Pod Succeeded"),
        ],
    );
}

#[test]
fn without_fail_fast_the_other_branches_run_to_their_end() {
    for (fail_fast, nodes) in [(true, 4), (false, 5)] {
        let run = Backend::new(&spec(&format!(
            "
  - name: main
    dag:
      failFast: {fail_fast}
      tasks:
        - {{name: bad, template: echo}}
        - {{name: one, template: echo}}
        - {{name: two, template: echo, depends: one}}
        - {{name: three, template: echo, depends: two}}
"
        )))
        .start()
        .finish(|name, _| exit(i32::from(name == "wf.bad")));
        assert_eq!(run.run.head().phase, Failed);
        let made = run.run.nodes().count();
        assert_eq!(
            made,
            if fail_fast { nodes - 1 } else { nodes },
            "{:#?}",
            run.tree()
        );
    }
}

#[test]
fn outputs_travel_through_nested_templates_and_to_the_run() {
    let run = Backend::new(
        "
entrypoint: main
templates:
  - name: main
    steps:
      - - {name: inner, template: inner}
      - - name: show
          template: show
          arguments: {parameters: [{name: msg, value: '{{steps.inner.outputs.parameters.out}} {{workflow.outputs.parameters.g}}'}]}
  - name: inner
    outputs: {parameters: [{name: out, valueFrom: {parameter: '{{tasks.make.outputs.parameters.file}}'}}]}
    dag: {tasks: [{name: make, template: make}]}
  - name: make
    outputs: {parameters: [{name: file, globalName: g, valueFrom: {path: /tmp/x}}, {name: other, valueFrom: {path: /y, default: none}}]}
    container: {image: busybox, command: [make]}
  - name: show
    inputs: {parameters: [{name: msg}]}
    container: {image: busybox, command: [echo], args: ['{{inputs.parameters.msg}}']}
",
    )
    .start()
    .finish(|name, _| if name.ends_with("make") { writes("file", "{{=7*6}}") } else { exit(0) });
    assert_eq!(run.run.head().phase, Succeeded, "{:#?}", run.tree());
    // A value is never scanned again.
    assert_eq!(run.tasks[1].task.main.args[0], "{{=7*6}} {{=7*6}}");
    assert_eq!(run.find("wf[0].inner.make").outputs.parameters[1].1, "none");
    assert_eq!(run.run.head().outputs["g"], "{{=7*6}}");
}

const SKIPPED_PRODUCER: &str = "
  - name: make
    outputs: {parameters: [{name: file, valueFrom: {path: /x}}]}
    container: {image: busybox, command: [make]}
  - name: strict
    inputs: {parameters: [{name: msg}]}
    container: {image: busybox, command: [echo], args: ['{{inputs.parameters.msg}}']}
";

#[test]
fn a_reference_to_a_skipped_output_fails_steps_and_is_an_error_in_a_dag() {
    let run = Backend::new(&spec(&format!(
        "{SKIPPED_PRODUCER}
  - name: main
    steps:
      - - {{name: m, template: make, when: 'false'}}
      - - {{name: s, template: strict, arguments: {{parameters: [{{name: msg, value: '{{{{steps.m.outputs.parameters.file}}}}'}}]}}}}
"
    )))
    .start()
    .finish(|_, _| exit(0));
    assert_eq!(run.run.head().phase, Failed, "{:#?}", run.tree());
    assert!(
        run.message("wf[1].s").contains("absent optional"),
        "{:#?}",
        run.tree()
    );

    let run = Backend::new(&spec(&format!(
        "{SKIPPED_PRODUCER}
  - name: main
    dag:
      tasks:
        - {{name: m, template: make, when: 'false'}}
        - {{name: s, template: strict, depends: m, arguments: {{parameters: [{{name: msg, value: '{{{{tasks.m.outputs.parameters.file}}}}'}}]}}}}
"
    )))
    .start()
    .finish(|_, _| exit(0));
    assert_eq!(run.run.head().phase, Error, "{:#?}", run.tree());
    assert!(
        run.run
            .head()
            .message
            .as_deref()
            .unwrap()
            .contains("absent optional")
    );
}

#[test]
fn a_skipped_output_falls_back_to_the_consumers_default_or_an_expression() {
    let run = Backend::new(&spec(&format!(
        "{SKIPPED_PRODUCER}
  - name: main
    steps:
      - - {{name: m, template: make, when: 'false'}}
      - - {{name: default, template: echo, arguments: {{parameters: [{{name: msg, value: '{{{{steps.m.outputs.parameters.file}}}}'}}]}}}}
        - {{name: coalesced, template: strict, arguments: {{parameters: [{{name: msg, value: \"{{{{=steps.m.outputs.parameters.file ?? 'other'}}}}\"}}]}}}}
"
    )))
    .start()
    .finish(|_, _| exit(0));
    assert_eq!(run.run.head().phase, Succeeded, "{:#?}", run.tree());
    assert_eq!(run.tasks[0].task.main.args[0], "hi");
    assert_eq!(run.tasks[1].task.main.args[0], "other");
}

#[test]
fn recursion_ends_at_a_hundred_levels() {
    let run = Backend::new(&spec(
        "
  - name: main
    steps:
      - - {name: again, template: main}
",
    ))
    .unchecked()
    .start()
    .finish(|_, _| exit(0));
    assert_eq!(run.run.head().phase, Failed);
    let last = run.run.nodes().last().unwrap();
    assert!(
        last.message
            .as_deref()
            .unwrap()
            .starts_with("Maximum recursion depth exceeded.")
    );
}
