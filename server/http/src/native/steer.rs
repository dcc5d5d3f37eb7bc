//! Verbs on a run.

use axum::Router;
use steading_api::operations::{
    DeleteRun, ResumeRun, RetryRun, SetNodes, StopRun, SuspendRun, TerminateRun,
};
use steading_api::run::{Done, NodeVerb, RunAgain};
use steading_control::verbs::selector;
use steading_engine::command::{Actor, Command, NodeSelector};

use super::runs::run_of;
use crate::App;
use crate::filter::node_phases;
use crate::problem::Problem;
use crate::route::{Ctx, json};

pub(super) fn routes(router: Router<App>) -> Router<App> {
    let router = json::<SuspendRun, _, _>(router, async |ctx, (), ()| {
        steer(&ctx, Command::Suspend).await
    });
    let router = json::<TerminateRun, _, _>(router, async |ctx, (), ()| {
        steer(&ctx, Command::Terminate).await
    });
    let router = json::<ResumeRun, _, _>(router, async |ctx, (), verb| {
        let command = Command::Resume {
            selector: which(&verb)?,
            by: actor(&ctx)?,
        };
        steer(&ctx, command).await
    });
    let router = json::<StopRun, _, _>(router, async |ctx, (), verb| {
        let command = Command::Stop {
            selector: which(&verb)?,
            message: verb.message,
        };
        steer(&ctx, command).await
    });
    let router = json::<SetNodes, _, _>(router, async |ctx, (), verb| {
        let command = set(&ctx, verb)?;
        steer(&ctx, command).await
    });
    let router = json::<RetryRun, _, _>(router, async |ctx, (), again| {
        let command = retry(again)?;
        steer(&ctx, command).await
    });
    json::<DeleteRun, _, _>(router, async |ctx, (), ()| {
        let run = run_of(&ctx)?;
        ctx.app.control().delete(&run.tenant, run.id).await?;
        Ok(Done {})
    })
}

async fn steer(ctx: &Ctx, command: Command) -> Result<Done, Problem> {
    let run = run_of(ctx)?;
    ctx.app
        .control()
        .command(&run.tenant, run.id, command)
        .await?;
    Ok(Done {})
}

fn actor(ctx: &Ctx) -> Result<Actor, Problem> {
    Ok(Actor(ctx.caller()?.principal.name.clone()))
}

fn which(verb: &NodeVerb) -> Result<Option<NodeSelector>, Problem> {
    let text = verb
        .node_field_selector
        .as_deref()
        .filter(|text| !text.is_empty());
    Ok(text.map(selector).transpose()?)
}

fn set(ctx: &Ctx, verb: NodeVerb) -> Result<Command, Problem> {
    let selector = which(&verb)?
        .ok_or_else(|| Problem::request("request.selector", "set needs a node field selector"))?;
    let phase = node_phases(verb.phase.as_deref())?.first().copied();
    let outputs = verb.output_parameters.into_iter().collect();
    Ok(Command::SetNode {
        selector,
        phase,
        message: verb.message,
        outputs,
        by: actor(ctx)?,
    })
}

fn retry(again: RunAgain) -> Result<Command, Problem> {
    let text = again
        .node_field_selector
        .as_deref()
        .filter(|text| !text.is_empty());
    let selector = text.map(selector).transpose()?;
    Ok(Command::Retry {
        restart_successful: again.restart_successful,
        selector,
        parameters: again.parameters.into_iter().collect(),
    })
}
