//! The command line as scripts and people use it: exit codes, forms of output, standard input.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result};
use serde_json::Value;
use steading_tests::program;

use crate::world::{Site, World};

trials![
    exit_codes_tell_what_happened,
    each_form_of_output_is_what_it_says,
    the_verbs_steer_a_run,
    a_file_runs_without_a_server,
    files_are_checked_without_a_server,
    completion_scripts_are_written,
];

const FINE: &str = "
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: cli-, labels: {test: cli}}
spec:
  entrypoint: main
  arguments: {parameters: [{name: whom, value: world}]}
  templates:
    - name: main
      steps: [[{name: hello, template: hello}]]
    - name: hello
      container: {image: host, command: [echo, 'hello {{workflow.parameters.whom}}']}
";

fn failing() -> String {
    FINE.replace(
        "[echo, 'hello {{workflow.parameters.whom}}']",
        "[sh, -c, 'exit 9']",
    )
}

fn gated() -> String {
    FINE.replace(
        "container: {image: host, command: [echo, 'hello {{workflow.parameters.whom}}']}",
        "suspend: {}",
    )
}

/// Runs a command with that standard input.
fn feed(mut command: Command, input: &str) -> Result<Output> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().context("no input")?;
    // A command that reads nothing may have ended already.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    Ok(child.wait_with_output()?)
}

/// What a command printed, after checking how it ended.
#[track_caller]
fn ends(output: &Output, code: i32) -> String {
    let out = String::from_utf8_lossy(&output.stdout);
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{out}\n{err}");
    assert!(!out.contains('\u{1b}'), "colours without a terminal: {out}");
    out.into_owned()
}

fn steading(site: &Site, arguments: &[&str], input: &str) -> Result<Output> {
    let mut command = site.steading()?;
    command.args(arguments);
    feed(command, input)
}

async fn exit_codes_tell_what_happened(world: &World) -> Result<()> {
    let site = world.process().await?;
    ends(&steading(site, &["submit", "--wait", "-"], FINE)?, 0);
    ends(&steading(site, &["submit", "--wait", "-"], &failing())?, 1);
    ends(&steading(site, &["submit"], "")?, 2);
    ends(&steading(site, &["fly"], "")?, 2);
    ends(&steading(site, &["get", "absent"], "")?, 3);
    let mut command = site.steading()?;
    command.env("STEADING_TOKEN", "nonsense").arg("list");
    ends(&feed(command, "")?, 4);
    ends(&steading(site, &["tenant", "create", "green"], "")?, 4);
    let broken = FINE.replace("entrypoint: main", "entrypoint: absent");
    ends(&steading(site, &["submit", "-"], &broken)?, 5);
    let name = ends(
        &steading(site, &["submit", "-o", "name", "-"], &gated())?,
        0,
    );
    ends(
        &steading(site, &["wait", "--timeout", "0", name.trim()], "")?,
        7,
    );
    ends(&steading(site, &["terminate", name.trim()], "")?, 0);
    ends(&steading(site, &["wait", name.trim()], "")?, 6);
    let mut command = site.steading()?;
    command
        .env("STEADING_SERVER", "http://127.0.0.1:1")
        .arg("list");
    ends(&feed(command, "")?, 75);
    Ok(())
}

async fn each_form_of_output_is_what_it_says(world: &World) -> Result<()> {
    let site = world.process().await?;
    let submit = [
        "submit",
        "--wait",
        "-p",
        "whom=a=b",
        "--name",
        "cli-forms",
        "-",
    ];
    let said = ends(&steading(site, &submit, FINE)?, 0);
    assert!(said.starts_with("cli-forms"), "{said}");
    let get = |form| steading(site, &["get", "cli-forms", "-o", form], "");
    let json: Value = serde_json::from_str(&ends(&get("json")?, 0))?;
    assert_eq!(json["metadata"]["name"], "cli-forms");
    assert_eq!(json["status"]["phase"], "Succeeded");
    let yaml: Value = serde_norway::from_str(&ends(&get("yaml")?, 0))?;
    // The version moves on when the run goes into the archive.
    let lasting = |object: &Value| {
        let mut metadata = object["metadata"].clone();
        metadata
            .as_object_mut()
            .map(|all| all.remove("resourceVersion"));
        metadata
    };
    assert_eq!(lasting(&yaml), lasting(&json));
    assert_eq!(ends(&get("name")?, 0).trim(), "cli-forms");
    let tree = ends(&steading(site, &["get", "cli-forms"], "")?, 0);
    for word in ["Succeeded", "✔", "hello", "whom"] {
        assert!(tree.contains(word), "{word} is not in\n{tree}");
    }
    let list = |form| steading(site, &["list", "-l", "test=cli", "-o", form], "");
    let json: Value = serde_json::from_str(&ends(&list("json")?, 0))?;
    assert!(
        json.as_array().is_some_and(|runs| !runs.is_empty()),
        "{json}"
    );
    let names = ends(&list("name")?, 0);
    assert!(names.lines().any(|line| line == "cli-forms"), "{names}");
    let wide = ends(&list("wide")?, 0);
    assert!(
        wide.starts_with("NAME") && wide.contains("cli-forms"),
        "{wide}"
    );
    let logs = ends(
        &steading(site, &["logs", "--no-prefix", "cli-forms"], "")?,
        0,
    );
    assert_eq!(logs, "hello a=b\n");
    let none = ends(
        &steading(site, &["logs", "--grep", "absent", "cli-forms"], "")?,
        0,
    );
    assert_eq!(none, "");
    Ok(())
}

async fn the_verbs_steer_a_run(world: &World) -> Result<()> {
    let site = world.process().await?;
    let submit = |text: &str| -> Result<String> {
        let output = steading(site, &["submit", "-o", "name", "-"], text)?;
        Ok(ends(&output, 0).trim().to_owned())
    };
    let verb = |arguments: &[&str], code| -> Result<String> {
        Ok(ends(&steading(site, arguments, "")?, code))
    };
    let run = submit(&gated())?;
    verb(&["suspend", &run], 0)?;
    verb(&["resume", &run], 0)?;
    verb(&["wait", &run], 0)?;
    let run = submit(&gated())?;
    verb(&["stop", &run, "--message", "enough"], 0)?;
    verb(&["wait", &run], 6)?;
    let run = submit(&failing())?;
    verb(&["wait", &run], 1)?;
    let tree = verb(&["get", &run], 0)?;
    assert!(tree.contains("exit code 9"), "{tree}");
    verb(&["retry", &run], 0)?;
    verb(&["wait", &run], 1)?;
    let copy = verb(&["resubmit", &run], 0)?;
    let copy = copy
        .split_whitespace()
        .find(|word| word.starts_with("cli-"));
    verb(&["wait", copy.context("no name")?], 1)?;
    verb(&["delete", &run], 0)?;
    verb(&["get", &run], 3)?;
    Ok(())
}

async fn a_file_runs_without_a_server(_: &World) -> Result<()> {
    let run = |text: &str| -> Result<Output> {
        let mut command = Command::new(program::steading()?);
        command.args(["run", "--level", "process", "-"]);
        feed(command, text)
    };
    let said = ends(&run(FINE)?, 0);
    assert!(said.contains("hello world"), "{said}");
    ends(&run(&failing())?, 1);
    ends(&run("kind: [")?, 5);
    // A task that can not begin has no output to follow to its end.
    let hopeless = FINE.replace(
        "hello {{workflow.parameters.whom}}",
        "{{=len(map(1..30000000, {#}))}}",
    );
    ends(&run(&hopeless)?, 1);
    Ok(())
}

async fn files_are_checked_without_a_server(_: &World) -> Result<()> {
    let lint = |text: &str| -> Result<Output> {
        let mut command = Command::new(program::steading()?);
        command.args(["lint", "--offline", "-"]);
        feed(command, text)
    };
    let said = ends(&lint(FINE)?, 0);
    assert!(said.contains("no linting errors found!"), "{said}");
    let broken = FINE.replace("template: hello}", "template: absent}");
    let said = ends(&lint(&broken)?, 1);
    for word in [
        "absent",
        "spec.templates[0].steps[0][0]",
        "1 linting errors found!",
    ] {
        assert!(said.contains(word), "{word} is not in {said}");
    }
    Ok(())
}

async fn completion_scripts_are_written(_: &World) -> Result<()> {
    for shell in ["bash", "zsh", "fish"] {
        let mut command = Command::new(program::steading()?);
        command.args(["completion", shell]);
        let script = ends(&feed(command, "")?, 0);
        assert!(script.contains("resubmit"), "{shell}: {script}");
    }
    Ok(())
}
