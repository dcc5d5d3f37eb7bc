//! Carries out what the reader decided about a run.

use leptos::prelude::*;
use leptos::task::spawn_local;
use steading_api::client::CallError;
use steading_api::node::NodeBody;
use steading_api::operations::{
    ResubmitRun, ResumeRun, RetryRun, SetNodes, SkipNodes, StopRun, SuspendRun, TerminateRun,
};
use steading_api::run::{Done, NodeVerb, RunAgain, Submitted, Why};

use crate::api;
use crate::components::confirm::Answer;
use crate::route::Route;
use crate::shell::Shell;
use crate::verbs::{RunVerb, StepVerb};

/// The run, and where a refusal is shown.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) shell: Shell,
    pub(crate) tenant: String,
    pub(crate) run: String,
    pub(crate) problem: RwSignal<Option<CallError>>,
}

impl Target {
    fn settle(&self, outcome: Result<(), CallError>) {
        if let Err(error) = &outcome {
            self.shell.notice(error);
        }
        // Nobody looks any more when the signal is gone.
        self.problem.try_set(outcome.err());
    }
}

/// Does it. What changes then arrives by the change feed, as if somebody else had done it.
pub(crate) fn run_verb(target: Target, verb: RunVerb, Answer { reason, .. }: Answer) {
    spawn_local(async move {
        let place = [target.tenant.as_str(), target.run.as_str()];
        let why = Why {
            reason: reason.clone(),
        };
        let all = NodeVerb {
            reason: reason.clone(),
            ..NodeVerb::default()
        };
        let again = RunAgain {
            reason,
            ..RunAgain::default()
        };
        let outcome = match verb {
            RunVerb::Suspend => api::call::<SuspendRun>(&place, &(), &why).await,
            RunVerb::Resume => api::call::<ResumeRun>(&place, &(), &all).await,
            RunVerb::Stop => api::call::<StopRun>(&place, &(), &all).await,
            RunVerb::Terminate => api::call::<TerminateRun>(&place, &(), &why).await,
            RunVerb::Retry => api::call::<RetryRun>(&place, &(), &again).await,
            RunVerb::Resubmit => {
                let submitted = api::call::<ResubmitRun>(&place, &(), &again).await;
                submitted.map(|Submitted { run, .. }| {
                    target.shell.go(Route::run(run.tenant, run.name));
                    Done::default()
                })
            }
        };
        target.settle(outcome.map(drop));
    });
}

/// Does it to one step.
pub(crate) fn step_verb(target: Target, verb: StepVerb, node: &NodeBody, answer: Answer) {
    let selector = Some(format!("id={}", node.id));
    let Answer { reason, values } = answer;
    let named = NodeVerb {
        node_field_selector: selector.clone(),
        reason: reason.clone(),
        ..NodeVerb::default()
    };
    let given = (!values.is_empty()).then(|| NodeVerb {
        output_parameters: values,
        ..named.clone()
    });
    let again = RunAgain {
        restart_successful: true,
        node_field_selector: selector,
        reason,
        ..RunAgain::default()
    };
    spawn_local(async move {
        let place = [target.tenant.as_str(), target.run.as_str()];
        let outcome = match (verb, given) {
            (StepVerb::Resume, Some(given)) => {
                match api::call::<SetNodes>(&place, &(), &given).await {
                    Ok(_) => api::call::<ResumeRun>(&place, &(), &named).await,
                    refused => refused,
                }
            }
            (StepVerb::Resume, None) => api::call::<ResumeRun>(&place, &(), &named).await,
            (StepVerb::Restart, _) => api::call::<RetryRun>(&place, &(), &again).await,
            (StepVerb::Skip, _) => api::call::<SkipNodes>(&place, &(), &named).await,
        };
        target.settle(outcome.map(drop));
    });
}
