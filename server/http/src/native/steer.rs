//! Verbs on a run.

use axum::Router;
use steading_api::operations::{
    DeleteRun, ResumeRun, RetryRun, SetNodes, SkipNodes, StopRun, SuspendRun, TerminateRun,
};
use steading_api::run::{Done, NodeVerb, RunAgain, Why};
use steading_control::history::By;
use steading_control::verbs::selector;
use steading_engine::command::{Actor, Command, NodeSelector};

use super::runs::run_of;
use crate::App;
use crate::filter::node_phases;
use crate::problem::Problem;
use crate::route::{Ctx, json};

pub(super) fn routes(router: Router<App>) -> Router<App> {
    let router = json::<SuspendRun, _, _>(router, async |ctx, (), why: Why| {
        steer(&ctx, Command::Suspend, why.reason).await
    });
    let router = json::<TerminateRun, _, _>(router, async |ctx, (), why: Why| {
        steer(&ctx, Command::Terminate, why.reason).await
    });
    let router = json::<ResumeRun, _, _>(router, async |ctx, (), verb| {
        let command = Command::Resume {
            selector: which(&verb)?,
            by: actor(&ctx)?,
        };
        steer(&ctx, command, verb.reason).await
    });
    let router = json::<StopRun, _, _>(router, async |ctx, (), verb| {
        let command = Command::Stop {
            selector: which(&verb)?,
            message: verb.message,
        };
        steer(&ctx, command, verb.reason).await
    });
    let router = json::<SetNodes, _, _>(router, async |ctx, (), verb| {
        let why = verb.reason.clone();
        let command = set(&ctx, verb)?;
        steer(&ctx, command, why).await
    });
    let router = json::<SkipNodes, _, _>(router, async |ctx, (), verb| {
        let command = Command::Skip {
            selector: chosen(&verb)?,
            outputs: verb.output_parameters.into_iter().collect(),
            by: actor(&ctx)?,
            why: verb.reason.clone(),
        };
        steer(&ctx, command, verb.reason).await
    });
    let router = json::<RetryRun, _, _>(router, async |ctx, (), again| {
        let why = again.reason.clone();
        let command = retry(again)?;
        steer(&ctx, command, why).await
    });
    json::<DeleteRun, _, _>(router, async |ctx, (), ()| {
        let run = run_of(&ctx)?;
        ctx.app.control().delete(&run.tenant, run.id).await?;
        Ok(Done {})
    })
}

async fn steer(ctx: &Ctx, command: Command, why: Option<String>) -> Result<Done, Problem> {
    let run = run_of(ctx)?;
    let control = ctx.app.control();
    control
        .command(&run.tenant, run.id, command, &by(ctx, why)?)
        .await?;
    Ok(Done {})
}

/// The caller, and what they say.
pub(super) fn by(ctx: &Ctx, why: Option<String>) -> Result<By, Problem> {
    let who = ctx.caller()?.principal.name.clone();
    Ok(By { who, why })
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

fn chosen(verb: &NodeVerb) -> Result<NodeSelector, Problem> {
    which(verb)?
        .ok_or_else(|| Problem::request("request.selector", "the verb needs a node field selector"))
}

fn set(ctx: &Ctx, verb: NodeVerb) -> Result<Command, Problem> {
    let selector = chosen(&verb)?;
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
