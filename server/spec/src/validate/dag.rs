//! Graphs of tasks: a task sees the outputs of the tasks before it.

mod graph;

use super::{Check, Code, Place, check_names, is_name, loops, parameters, scope, short, tags};
use crate::depends::Depends;
use crate::model::{Caller, DagTask, DagTemplate};
use graph::Graph;

pub(super) fn check(check: &mut Check<'_>, place: &Place<'_>) {
    let Some(dag) = &place.template.dag else {
        return;
    };
    scope::around_callers(check, place);
    tags::check(
        check,
        &dag.target,
        &place.at("dag.target"),
        &|check, tag| scope::own(check, place, tag),
    );
    if dag.tasks.is_empty() {
        let message = format!("{} must have at least one task", place.name);
        check.fault(Code::Dag, place.at("dag.tasks"), message);
        return;
    }
    let at = |i| place.at(&format!("dag.tasks[{i}]"));
    check_names(
        check,
        dag.tasks
            .iter()
            .enumerate()
            .map(|(i, task)| (task.name.as_str(), at(i))),
        &format!("{}.tasks", place.name),
        is_name,
    );
    spellings(check, place, dag);
    let graph = edges(check, place, dag);
    if let Some(cycle) = graph.cycle() {
        let names: Vec<&str> = cycle
            .iter()
            .filter_map(|i| dag.tasks.get(*i))
            .map(|task| short(&task.name))
            .take(100)
            .collect();
        let message = format!(
            "{}.tasks dependency cycle detected: {}",
            place.name,
            names.join("->")
        );
        check.fault(Code::Cycle, place.at("dag.tasks"), message);
        return;
    }
    targets(check, place, dag);
    tasks(check, place, dag, &graph);
}

/// `depends` and `dependencies` do not mix, and each has its own rules.
fn spellings(check: &mut Check<'_>, place: &Place<'_>, dag: &DagTemplate) {
    let uses_depends = dag.tasks.iter().any(|task| !task.depends.is_empty());
    let uses_dependencies = dag.tasks.iter().any(|task| !task.dependencies.is_empty());
    if uses_depends && uses_dependencies {
        let message = format!(
            "{} cannot use both 'depends' and 'dependencies' in the same DAG template",
            place.name
        );
        check.fault(Code::Dag, place.at("dag"), message);
    }
    for (i, task) in dag.tasks.iter().enumerate() {
        let at = place.at(&format!("dag.tasks[{i}]"));
        let name = format!("{}.tasks.{}", place.name, short(&task.name));
        if uses_depends && task.continue_on.is_some() {
            let message = format!(
                "{name} cannot use 'continueOn' when using 'depends'. Instead use 'dep-task.Failed'/'dep-task.Errored'"
            );
            check.fault(Code::Dag, format!("{at}.continueOn"), message);
        }
        let begins_with_digit = task.name.starts_with(|c: char| c.is_ascii_digit());
        if begins_with_digit && (uses_depends || uses_dependencies) {
            let message = format!(
                "{name} name cannot begin with a digit when using either 'depends' or 'dependencies'"
            );
            check.fault(Code::Name, format!("{at}.name"), message);
        }
    }
}

/// Reads what each task waits for; reports malformed conditions and unknown tasks.
fn edges(check: &mut Check<'_>, place: &Place<'_>, dag: &DagTemplate) -> Graph {
    let mut graph = Graph::new(dag.tasks.iter().map(|task| task.name.as_str()));
    for (i, task) in dag.tasks.iter().enumerate() {
        let name = format!("{}.tasks.{}", place.name, short(&task.name));
        let at = place.at(&format!("dag.tasks[{i}]"));
        let waits_for = match waits_for(task) {
            Ok(names) => names,
            Err(message) => {
                check.fault(
                    Code::Dag,
                    format!("{at}.depends"),
                    format!("{name} {message}"),
                );
                continue;
            }
        };
        for dependency in waits_for {
            match graph.position(&dependency) {
                Some(before) => graph.add(i, before),
                None => {
                    let message = format!("{name} dependency '{}' not defined", short(&dependency));
                    check.fault(Code::Dag, &at, message);
                }
            }
        }
    }
    graph
}

fn waits_for(task: &DagTask) -> Result<Vec<String>, String> {
    if task.depends.is_empty() {
        return Ok(task.dependencies.clone());
    }
    let depends = Depends::parse(&task.depends).map_err(|error| error.to_string())?;
    Ok(depends.tasks().into_iter().map(str::to_owned).collect())
}

fn targets(check: &mut Check<'_>, place: &Place<'_>, dag: &DagTemplate) {
    if dag.target.contains("{{") {
        return;
    }
    let known: std::collections::HashSet<&str> =
        dag.tasks.iter().map(|task| task.name.as_str()).collect();
    for target in dag.target.split_whitespace() {
        if !known.contains(target) {
            let target = short(target);
            let message = format!("{}.targets: target '{target}' is not defined", place.name);
            check.fault(Code::Dag, place.at("dag.target"), message);
        }
    }
}

fn tasks(check: &mut Check<'_>, place: &Place<'_>, dag: &DagTemplate, graph: &Graph) {
    let nodes = scope::nodes(check, place);
    for (i, task) in dag.tasks.iter().enumerate() {
        let path = place.at(&format!("dag.tasks[{i}]"));
        let name = format!("{}.tasks.{}", place.name, short(&task.name));
        loops::check(check, task, &name, &path);
        let callee = check.callee(place.ix, task.call());
        parameters::call(check, &task.arguments, callee, &name, &path);
        let sees = |check: &Check<'_>, tag: &str, own_task: bool| {
            scope::own(check, place, tag)
                || (task.is_loop() && scope::is_item(tag))
                || scope::node(tag, "tasks").is_some_and(|(name, what)| {
                    graph.position(name).is_some_and(|other| {
                        let ended = (own_task && other == i) || graph.is_before(other, i);
                        ended && scope::node_has(nodes.get(name).copied().flatten(), what)
                    })
                })
        };
        tags::check_caller(
            check,
            task,
            &path,
            &|check, tag| sees(check, tag, false),
            &|check, tag| sees(check, tag, true),
        );
    }
}
