//! What people do to runs, over the wire: caches, skipped nodes, approvals, lineage, events, metrics.

use anyhow::{Context, Result, ensure};
use steading_api::access::Role::Submitter;
use steading_api::client::CallError;
use steading_api::history::Deed;
use steading_api::memo::MemoFilter;
use steading_api::operation::Method;
use steading_api::operations::{
    ClearMemos, GetRun, ListMemos, ListNodes, ListRunEvents, ResubmitRun, ResumeRun, SkipNodes,
};
use steading_api::run::{NodeVerb, RunAgain};
use steading_tests::wait;
use steading_types::WorkflowPhase;

use crate::world::{OURS, Site, THEIRS, Who, World};

trials![
    a_memoized_template_runs_once_and_again_when_its_cache_is_cleared,
    a_failed_node_is_skipped_and_a_new_run_takes_over_what_went_well,
    the_submitter_can_not_approve,
    metrics_of_workflows_are_for_tokens_of_their_tenant,
];

async fn submit(site: &Site, spec: &str) -> Result<String> {
    site.submit(&format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {{generateName: verbs-}}\nspec:\n{spec}"
    ))
    .await
}

/// Whether the entry node of a run took its outputs from a cache.
async fn was_hit(site: &Site, run: &str) -> Result<bool> {
    ensure!(site.ended(run).await?.summary.phase == WorkflowPhase::Succeeded);
    let client = site.as_a(Who::Member(Submitter));
    let nodes = client
        .call::<ListNodes>(&[OURS, run], &Default::default(), &())
        .await?;
    let entry = nodes.nodes.first().context("no node")?;
    ensure!(
        entry.outputs.get("word").map(String::as_str) == Some("made"),
        "{entry:?}"
    );
    let memo = entry.memo.as_ref().context("not memoized")?;
    ensure!(
        (memo.cache.as_str(), memo.key.as_str()) == ("words", "only"),
        "{memo:?}"
    );
    Ok(memo.hit)
}

async fn a_memoized_template_runs_once_and_again_when_its_cache_is_cleared(
    world: &World,
) -> Result<()> {
    const SPEC: &str = "
  entrypoint: main
  templates:
    - name: main
      memoize: {key: only, maxAge: 1h, cache: {configMap: {name: words}}}
      outputs: {parameters: [{name: word, valueFrom: {path: /tmp/word}}]}
      container: {image: host, command: [sh, -c, 'printf made > /tmp/word']}
";
    let site = world.sandbox().await?;
    let ours = site.as_a(Who::Member(Submitter));
    for expected in [false, true, true] {
        let run = submit(site, SPEC).await?;
        ensure!(was_hit(site, &run).await? == expected, "{run}");
    }
    let stranger = site.as_a(Who::Stranger);
    let all = MemoFilter::default();
    let theirs = stranger.call::<ListMemos>(&[THEIRS], &all, &()).await?;
    ensure!(theirs.memos.is_empty(), "{theirs:?}");
    let listed = ours.call::<ListMemos>(&[OURS], &all, &()).await?;
    ensure!(
        listed.memos.len() == 1 && listed.memos[0].key == "only",
        "{listed:?}"
    );
    let cleared = ours.call::<ClearMemos>(&[OURS], &all, &()).await?;
    ensure!(cleared.cleared == 1, "{cleared:?}");
    let run = submit(site, SPEC).await?;
    ensure!(!was_hit(site, &run).await?, "{run}");
    ours.call::<ClearMemos>(&[OURS], &all, &()).await?;
    Ok(())
}

const CHAIN: &str = "
  entrypoint: main
  templates:
    - name: main
      steps: [[{name: first, template: good}], [{name: second, template: bad}], [{name: third, template: good}]]
    - name: good
      container: {image: host, command: ['true']}
    - name: bad
      outputs: {parameters: [{name: word, valueFrom: {path: /nowhere/word}}]}
      container: {image: host, command: ['false']}
";

async fn a_failed_node_is_skipped_and_a_new_run_takes_over_what_went_well(
    world: &World,
) -> Result<()> {
    let site = world.process().await?;
    let ours = site.as_a(Who::Member(Submitter));
    let run = submit(site, CHAIN).await?;
    ensure!(site.ended(&run).await?.summary.phase == WorkflowPhase::Failed);

    let again = RunAgain {
        memoized: true,
        reason: Some("try once more".into()),
        ..RunAgain::default()
    };
    let child = ours
        .call::<ResubmitRun>(&[OURS, &run], &(), &again)
        .await?
        .run
        .name;
    let detail = site.ended(&child).await?;
    ensure!(
        detail.parents.iter().any(|link| link.name == run),
        "{detail:?}"
    );
    let nodes = ours
        .call::<ListNodes>(&[OURS, &child], &Default::default(), &())
        .await?;
    let first = nodes.nodes.iter().find(|node| node.display_name == "first");
    let message = first
        .and_then(|node| node.message.clone())
        .unwrap_or_default();
    ensure!(message.starts_with("original pod: "), "{nodes:?}");

    let skip = NodeVerb {
        node_field_selector: Some("displayName=second".into()),
        output_parameters: [("word".to_owned(), "given".to_owned())].into(),
        reason: Some("known already".into()),
        ..NodeVerb::default()
    };
    ours.call::<SkipNodes>(&[OURS, &run], &(), &skip).await?;
    let detail = site.ended(&run).await?;
    ensure!(
        detail.summary.phase == WorkflowPhase::Succeeded,
        "{detail:?}"
    );
    ensure!(
        detail.children.iter().any(|link| link.name == child),
        "{detail:?}"
    );
    let events = ours
        .call::<ListRunEvents>(&[OURS, &run], &(), &())
        .await?
        .events;
    let said: Vec<_> = events.iter().map(|e| (e.deed, e.why.as_deref())).collect();
    ensure!(
        said == [
            (Deed::ResubmittedAs, Some("try once more")),
            (Deed::Skip, Some("known already")),
        ],
        "{events:?}"
    );
    ensure!(
        events.iter().all(|event| !event.who.is_empty()),
        "{events:?}"
    );
    Ok(())
}

async fn the_submitter_can_not_approve(world: &World) -> Result<()> {
    const SPEC: &str = "
  entrypoint: main
  templates:
    - name: main
      metadata: {annotations: {steading.io/approvals: '1'}}
      suspend: {}
";
    let site = world.process().await?;
    let run = submit(site, SPEC).await?;
    let ours = site.as_a(Who::Member(Submitter));
    let resume = NodeVerb::default();
    match ours.call::<ResumeRun>(&[OURS, &run], &(), &resume).await {
        Err(CallError::Refused { body, .. }) if body.code == "run.approval-own" => {}
        other => anyhow::bail!("{other:?}"),
    }
    let operator = site.as_a(Who::Operator);
    operator
        .call::<ResumeRun>(&[OURS, &run], &(), &resume)
        .await?;
    let detail = site.ended(&run).await?;
    ensure!(
        detail.summary.phase == WorkflowPhase::Succeeded,
        "{detail:?}"
    );
    let events = ours
        .call::<ListRunEvents>(&[OURS, &run], &(), &())
        .await?
        .events;
    ensure!(
        events.len() == 1 && events[0].deed == Deed::Resume,
        "{events:?}"
    );
    // A run of somebody else's answers as a missing one.
    let stranger = site.as_a(Who::Stranger);
    let hidden = stranger.call::<GetRun>(&[THEIRS, &run], &(), &()).await;
    ensure!(hidden.is_err(), "{hidden:?}");
    Ok(())
}

async fn metrics_of_workflows_are_for_tokens_of_their_tenant(world: &World) -> Result<()> {
    const SPEC: &str = "
  entrypoint: main
  metrics:
    prometheus:
      - {name: verbs_runs, help: Runs of this test, counter: {value: '1'}, labels: [{key: phase, value: '{{workflow.status}}'}]}
  templates:
    - name: main
      metrics:
        prometheus:
          - {name: verbs_exit, help: Exit code, gauge: {value: '{{exitCode}}'}, when: '{{status}} == Succeeded'}
      container: {image: host, command: ['true']}
";
    let site = world.process().await?;
    let run = submit(site, SPEC).await?;
    site.ended(&run).await?;
    let scraped = async |who| -> Result<(u16, String)> {
        let answer = site
            .as_a(who)
            .request(Method::Get, "/metrics")
            .send()
            .await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    };
    // Taken when the commit is on disk, which is a moment after it is seen.
    let ours = wait::until("the metric to be there", async || {
        let (_, text) = scraped(Who::Member(Submitter)).await?;
        Ok(text.contains("argo_workflows_verbs_runs").then_some(text))
    })
    .await?;
    for line in [
        format!("argo_workflows_verbs_runs{{phase=\"Succeeded\",tenant=\"{OURS}\"}} 1\n"),
        format!("argo_workflows_verbs_exit{{tenant=\"{OURS}\"}} 0\n"),
    ] {
        ensure!(ours.contains(&line), "{line} is not in\n{ours}");
    }
    ensure!(!ours.contains("steading_commits_total"), "{ours}");
    let (_, theirs) = scraped(Who::Stranger).await?;
    ensure!(
        !theirs.contains("verbs_runs") && !theirs.contains(OURS),
        "{theirs}"
    );
    let (_, all) = scraped(Who::Operator).await?;
    ensure!(
        all.contains("verbs_runs") && all.contains("steading_commits_total"),
        "{all}"
    );
    ensure!(scraped(Who::Nobody).await?.0 == 401);
    Ok(())
}
