//! The same promises at each level of isolation: output, exit codes, retries, suspension, exit handlers.

use anyhow::{Context, Result};
use steading_api::access::Role;
use steading_api::log::{LogLine, LogQuery};
use steading_api::node::{NodeBody, NodeFilter};
use steading_api::operation::Method;
use steading_api::operations::{GetLogs, ListNodes, ResumeRun, RetryRun, StopRun, SuspendRun};
use steading_api::run::{NodeVerb, RunAgain};
use steading_tests::wait;
use steading_types::{NodePhase, WorkflowPhase};

use crate::world::{OURS, Site, Who, World};

trials![
    in_an_image_a_run_keeps_its_promises,
    in_the_sandbox_a_run_keeps_its_promises,
    as_a_plain_process_a_run_keeps_its_promises,
];

async fn in_an_image_a_run_keeps_its_promises(world: &World) -> Result<()> {
    promises(world.image().await?, "image").await
}

async fn in_the_sandbox_a_run_keeps_its_promises(world: &World) -> Result<()> {
    promises(world.sandbox().await?, "sandbox").await
}

async fn as_a_plain_process_a_run_keeps_its_promises(world: &World) -> Result<()> {
    promises(world.process().await?, "process").await
}

async fn promises(site: &Site, level: &str) -> Result<()> {
    its_output_is_kept_and_its_level_recorded(site, level).await?;
    its_output_follows_while_it_runs(site).await?;
    a_failing_step_tells_code_cause_and_can_be_retried(site).await?;
    a_suspended_run_goes_on_when_resumed(site).await?;
    a_stopped_run_runs_its_exit_handler(site).await
}

fn workflow(name: &str, templates: &str) -> String {
    format!(
        "
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {{generateName: {name}-}}
spec:
  entrypoint: main
  templates:{templates}"
    )
}

async fn nodes(site: &Site, run: &str) -> Result<Vec<NodeBody>> {
    let client = site.as_a(Who::Member(Role::Viewer));
    let filter = NodeFilter::default();
    let list = client.call::<ListNodes>(&[OURS, run], &filter, &()).await?;
    Ok(list.nodes)
}

async fn node(site: &Site, run: &str, display_name: &str) -> Result<NodeBody> {
    let nodes = nodes(site, run).await?;
    let found = nodes
        .into_iter()
        .find(|node| node.display_name == display_name);
    found.with_context(|| format!("{run} has no node {display_name}"))
}

async fn until(site: &Site, run: &str, display_name: &str, phase: NodePhase) -> Result<()> {
    wait::until(display_name, async || {
        let nodes = nodes(site, run).await?;
        let is = |node: &NodeBody| node.display_name == display_name && node.phase == phase;
        Ok(nodes.iter().any(is).then_some(()))
    })
    .await
}

async fn its_output_is_kept_and_its_level_recorded(site: &Site, level: &str) -> Result<()> {
    let run = site
        .submit(&workflow(
            "hello",
            "
    - name: main
      container: {image: busybox, command: [sh, -c], args: ['echo hello; echo oh >&2']}
",
        ))
        .await?;
    let ended = site.ended(&run).await?;
    assert_eq!(ended.summary.phase, WorkflowPhase::Succeeded, "{ended:#?}");
    let main = node(site, &run, &run).await?;
    assert_eq!(main.exit_code, Some(0));
    let recorded = format!("level={level}");
    let first = main.isolation.split(' ').next();
    assert_eq!(first, Some(recorded.as_str()), "{}", main.isolation);
    let client = site.as_a(Who::Member(Role::Viewer));
    let query = LogQuery::default();
    let page = client.call::<GetLogs>(&[OURS, &run], &query, &()).await?;
    let mut said: Vec<_> = page
        .lines
        .iter()
        .map(|line| (line.stream.as_str(), line.text.as_str()))
        .collect();
    said.sort_unstable();
    assert_eq!(said, [("stderr", "oh"), ("stdout", "hello")]);
    Ok(())
}

/// The task goes on only when it is resumed, and its first line is read before that.
async fn its_output_follows_while_it_runs(site: &Site) -> Result<()> {
    let run = site
        .submit(&workflow(
            "follow",
            "
    - name: main
      steps: [[{name: talk, template: talk}], [{name: gate, template: gate}]]
    - name: talk
      container: {image: busybox, command: [echo, first]}
    - {name: gate, suspend: {}}
",
        ))
        .await?;
    let client = site.as_a(Who::Member(Role::Viewer));
    let path = format!("/api/steading/v1/tenants/{OURS}/runs/{run}/logs/follow");
    let mut answer = client.request(Method::Get, &path).send().await?;
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut text = String::new();
    while !text.contains("first") {
        let chunk = answer.chunk().await?.context("the stream ended early")?;
        text.push_str(&String::from_utf8_lossy(&chunk));
    }
    let data = text.lines().find_map(|line| line.strip_prefix("data: "));
    let line: LogLine = serde_json::from_str(data.context("no data")?)?;
    assert_eq!(
        (line.text.as_str(), line.stream.as_str()),
        ("first", "stdout")
    );
    until(site, &run, "gate", NodePhase::Running).await?;
    let submitter = site.as_a(Who::Member(Role::Submitter));
    let all = NodeVerb::default();
    submitter
        .call::<ResumeRun>(&[OURS, &run], &(), &all)
        .await?;
    // The stream ends with the run.
    while answer.chunk().await?.is_some() {}
    let ended = site.ended(&run).await?;
    assert_eq!(ended.summary.phase, WorkflowPhase::Succeeded);
    Ok(())
}

async fn a_failing_step_tells_code_cause_and_can_be_retried(site: &Site) -> Result<()> {
    let text = workflow(
        "failing",
        "
    - name: main
      steps: [[{name: good, template: good}], [{name: bad, template: bad}], [{name: never, template: good}]]
    - name: good
      container: {image: busybox, command: ['true']}
    - name: bad
      container: {image: busybox, command: [sh, -c], args: ['exit {{workflow.parameters.code}}']}
  arguments: {parameters: [{name: code, value: '7'}]}
",
    );
    let run = site.submit(&text).await?;
    let ended = site.ended(&run).await?;
    assert_eq!(ended.summary.phase, WorkflowPhase::Failed);
    let cause = ended.cause.context("no root cause")?;
    assert_eq!(cause.display_name, "bad");
    assert_eq!(cause.exit_code, Some(7));
    let message = cause.message.unwrap_or_default();
    assert!(message.contains("exit code 7"), "{message}");
    let names: Vec<_> = nodes(site, &run).await?;
    assert!(names.iter().all(|node| node.display_name != "never"));

    let good = node(site, &run, "good").await?;
    let again = RunAgain {
        parameters: [("code".to_owned(), "0".to_owned())].into(),
        ..RunAgain::default()
    };
    let submitter = site.as_a(Who::Member(Role::Submitter));
    submitter
        .call::<RetryRun>(&[OURS, &run], &(), &again)
        .await?;
    let ended = site.ended(&run).await?;
    assert_eq!(ended.summary.phase, WorkflowPhase::Succeeded, "{ended:#?}");
    let still = node(site, &run, "good").await?;
    assert_eq!(still.finished, good.finished, "what was good ran again");
    Ok(())
}

async fn a_suspended_run_goes_on_when_resumed(site: &Site) -> Result<()> {
    let run = site
        .submit(&workflow(
            "gated",
            "
    - name: main
      steps: [[{name: gate, template: gate}], [{name: work, template: work}]]
    - {name: gate, suspend: {}}
    - name: work
      container: {image: busybox, command: [echo, worked]}
",
        ))
        .await?;
    until(site, &run, "gate", NodePhase::Running).await?;
    let submitter = site.as_a(Who::Member(Role::Submitter));
    submitter
        .call::<SuspendRun>(&[OURS, &run], &(), &steading_api::run::Why::default())
        .await?;
    assert!(site.run(&run).await?.summary.suspended);
    let all = NodeVerb::default();
    submitter
        .call::<ResumeRun>(&[OURS, &run], &(), &all)
        .await?;
    let ended = site.ended(&run).await?;
    assert_eq!(ended.summary.phase, WorkflowPhase::Succeeded);
    assert!(!ended.summary.suspended);
    Ok(())
}

async fn a_stopped_run_runs_its_exit_handler(site: &Site) -> Result<()> {
    let run = site
        .submit(&workflow(
            "stopped",
            "
    - name: main
      container: {image: busybox, command: [sleep, '600']}
    - name: farewell
      container: {image: busybox, command: [echo, 'bye {{workflow.status}}']}
  onExit: farewell
",
        ))
        .await?;
    until(site, &run, &run, NodePhase::Running).await?;
    let submitter = site.as_a(Who::Member(Role::Submitter));
    let all = NodeVerb::default();
    submitter.call::<StopRun>(&[OURS, &run], &(), &all).await?;
    let ended = site.ended(&run).await?;
    assert_eq!(ended.summary.phase, WorkflowPhase::Failed);
    let handler = node(site, &run, &format!("{run}.onExit")).await?;
    assert_eq!(handler.phase, NodePhase::Succeeded, "{handler:#?}");
    let client = site.as_a(Who::Member(Role::Viewer));
    let query = LogQuery {
        node: Some(handler.ix),
        ..LogQuery::default()
    };
    let page = client.call::<GetLogs>(&[OURS, &run], &query, &()).await?;
    assert_eq!(page.lines[0].text, "bye Failed");
    Ok(())
}
