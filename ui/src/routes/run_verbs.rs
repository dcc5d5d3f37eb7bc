//! Carries out what the reader decided about a run.

use leptos::prelude::*;
use leptos::task::spawn_local;
use steading_api::client::CallError;
use steading_api::node::NodeBody;
use steading_api::operations::{
    ResubmitRun, ResumeRun, RetryRun, SkipNodes, StopRun, SuspendRun, TerminateRun,
};
use steading_api::run::{NodeVerb, RunAgain, Why};

use crate::api;
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
pub(crate) fn run_verb(target: Target, verb: RunVerb) {
    spawn_local(async move {
        let place = [target.tenant.as_str(), target.run.as_str()];
        let (node_verb, again) = (NodeVerb::default(), RunAgain::default());
        let outcome = match verb {
            RunVerb::Suspend => api::call::<SuspendRun>(&place, &(), &Why::default())
                .await
                .map(drop),
            RunVerb::Resume => api::call::<ResumeRun>(&place, &(), &node_verb)
                .await
                .map(drop),
            RunVerb::Stop => api::call::<StopRun>(&place, &(), &node_verb)
                .await
                .map(drop),
            RunVerb::Terminate => api::call::<TerminateRun>(&place, &(), &Why::default())
                .await
                .map(drop),
            RunVerb::Retry => api::call::<RetryRun>(&place, &(), &again).await.map(drop),
            RunVerb::Resubmit => {
                api::call::<ResubmitRun>(&place, &(), &again)
                    .await
                    .map(|submitted| {
                        target
                            .shell
                            .go(Route::run(submitted.run.tenant, submitted.run.name));
                    })
            }
        };
        target.settle(outcome);
    });
}

/// Does it to one step.
pub(crate) fn step_verb(target: Target, verb: StepVerb, node: &NodeBody) {
    let selector = Some(format!("id={}", node.id));
    let named = NodeVerb {
        node_field_selector: selector.clone(),
        ..NodeVerb::default()
    };
    let again = RunAgain {
        restart_successful: true,
        node_field_selector: selector,
        ..RunAgain::default()
    };
    spawn_local(async move {
        let place = [target.tenant.as_str(), target.run.as_str()];
        let outcome = match verb {
            StepVerb::Resume => api::call::<ResumeRun>(&place, &(), &named).await,
            StepVerb::Restart => api::call::<RetryRun>(&place, &(), &again).await,
            StepVerb::Skip => api::call::<SkipNodes>(&place, &(), &named).await,
        };
        target.settle(outcome.map(drop));
    });
}
