//! Retry: a finished run goes on from what failed, and from what is chosen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use steading_types::{NodeIx, WorkflowPhase};

use crate::action::Action;
use crate::command::{NodeSelector, Timer};
use crate::cut::{Cut, progress};
use crate::error::Refusal;
use crate::head::Suspended;
use crate::run::Run;
use crate::turn::Turn;

impl Turn<'_> {
    pub(super) fn retry_run(
        &mut self,
        restart_successful: bool,
        selector: Option<&NodeSelector>,
        parameters: Vec<(String, String)>,
    ) -> Result<(), Refusal> {
        let selector = selector.filter(|_| restart_successful);
        self.check_retry(selector, &parameters)?;
        let mut chosen = BTreeSet::new();
        if let Some(selector) = selector {
            let all: Vec<NodeIx> = self.run.nodes().map(|node| node.ix).collect();
            for ix in all {
                if self.selects(selector, ix)? {
                    chosen.insert(ix);
                }
            }
        }
        self.go_on_from(Cut::of(self.run, &chosen, BTreeMap::new()), parameters)
    }

    /// The run goes on from the rows that a cut leaves.
    pub(super) fn go_on_from(
        &mut self,
        cut: Cut,
        parameters: Vec<(String, String)>,
    ) -> Result<(), Refusal> {
        if self.run.expiry().is_some() {
            self.act(Action::ClearTimer(Timer::Expiry));
        }
        let nodes = cut.rows(self.run);
        let mut head = self.run.head.clone();
        head.generation = head.generation.saturating_add(1);
        head.shutdown = None;
        head.suspended = Suspended::No;
        head.parameters.extend(parameters);
        head.progress = progress(&nodes);
        head.phase = WorkflowPhase::Running;
        let run = Run::load(head, Arc::clone(&self.run.plan), nodes, Vec::new())?;
        *self.run = run.reading(Arc::clone(&self.run.values));
        self.forget(cut.removed.iter().copied().collect());
        for ix in cut.opened.iter().chain(cut.skipped.keys()) {
            let _ = self.edit(*ix);
        }
        for ix in cut.skipped.keys() {
            self.publish(*ix);
        }
        self.enter_run();
        Ok(())
    }

    fn check_retry(
        &self,
        selector: Option<&NodeSelector>,
        parameters: &[(String, String)],
    ) -> Result<(), Refusal> {
        match self.run.head.phase {
            WorkflowPhase::Failed | WorkflowPhase::Error => {}
            WorkflowPhase::Succeeded if selector.is_some() => {}
            WorkflowPhase::Succeeded => return Err(Refusal::RetrySucceeded),
            other => return Err(Refusal::RetryPhase(other)),
        }
        self.run.check_parameters(parameters)
    }

    /// Sets a reloaded run going.
    pub(super) fn go_on(&mut self) {
        if let Some(at) = self.run.deadline() {
            self.act(Action::SetTimer(Timer::Deadline, at));
        }
        self.take_up();
        self.advance_run();
    }
}
