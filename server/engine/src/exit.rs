//! The end of a run: its own hooks, its exit handler, its result.

use std::sync::Arc;

use steading_spec::model::EXIT_HOOK;
use steading_types::{NodeIx, NodePhase, WorkflowPhase};

use crate::action::Action;
use crate::call::{Inputs, inputs, written};
use crate::command::Timer;
use crate::derive::is_failure;
use crate::error::EngineError;
use crate::head::Shutdown;
use crate::lock::Holder;
use crate::node::{Node, NodeRole};
use crate::scope::View;
use crate::templates::hooks::hook_suffix;
use crate::text;
use crate::turn::{Seed, Turn};

/// The label that holds a run's phase.
pub(crate) const PHASE: &str = "workflows.argoproj.io/phase";
/// The label that says whether a run is over.
pub(crate) const COMPLETED: &str = "workflows.argoproj.io/completed";

/// Why a run was given up that grew without end.
const TOO_LARGE: &str =
    "the run was ended because it has too many nodes, or too much input for them";

impl Turn<'_> {
    /// Something that the run itself waits for is over.
    pub(crate) fn advance_run(&mut self) {
        if !self.running() {
            return;
        }
        let over = self.run.entry_phase().is_some_and(NodePhase::completed);
        let entry_open = self
            .run
            .live(NodeIx::ROOT)
            .is_none_or(|live| live.hooks > 0);
        if !over || entry_open {
            return;
        }
        self.fire_run_hooks();
        if self.run.hooks.open == 0 {
            self.complete();
        }
    }

    /// Fires the hooks of the run whose moment has come.
    pub(crate) fn fire_run_hooks(&mut self) {
        let plan = Arc::clone(&self.run.plan);
        let over = self.run.entry_phase().is_some_and(NodePhase::completed);
        for (place, (name, hook)) in (0u32..).zip(&plan.resolved.spec.hooks) {
            let fired = self.run.hooks.fired.contains_key(&place);
            if fired || !self.run_hook_may_fire(name, over) {
                continue;
            }
            let view = View::run(self.run, self.now);
            let due = hook.expression.is_empty() && name == EXIT_HOOK;
            let due = due || text::test(&hook.expression, &view).unwrap_or(false);
            if !due {
                continue;
            }
            let called = plan
                .resolved
                .workflow_target(hook.call(name))
                .ok_or_else(|| EngineError::NoTemplate(hook.template.clone()));
            let prepared = called
                .and_then(|callee| Ok((callee, inputs(&plan, callee, &hook.arguments, &view)?)));
            let full = format!("{}{}", self.run.head.name, hook_suffix(name));
            let seed = Seed {
                display_name: full.clone(),
                name: full,
                owner: None,
                place,
                boundary: None,
                parents: Vec::new(),
                role: NodeRole::Hook,
                index: None,
                item: None,
                template: written(&hook.call(name)),
                inputs: Inputs::default(),
                fan: Vec::new(),
            };
            self.enter_hook(seed, prepared);
        }
    }

    fn run_hook_may_fire(&self, name: &str, over: bool) -> bool {
        match self.run.head.shutdown {
            Some(Shutdown::Terminate) => false,
            Some(_) => over && name == EXIT_HOOK,
            None => over || name != EXIT_HOOK,
        }
    }

    /// Ends the run with the result of its entry node; a failed exit handler can only make it worse.
    fn complete(&mut self) {
        let Some(entry) = self.run.node(NodeIx::ROOT) else {
            return;
        };
        let (mut phase, mut message) = (workflow_phase(entry.phase), entry.message.clone());
        match self.run.head.shutdown {
            _ if self.run.too_large() && is_failure(entry.phase) => {
                phase = WorkflowPhase::Error;
                message = Some(TOO_LARGE.to_owned());
            }
            Some(Shutdown::Stop) if is_failure(entry.phase) => {
                message = Some("Stopped with strategy 'Stop'".to_owned());
            }
            Some(Shutdown::Terminate) if is_failure(entry.phase) => {
                message = Some("Stopped with strategy 'Terminate'".to_owned());
            }
            _ => {}
        }
        if phase == WorkflowPhase::Succeeded {
            message = None;
            if let Some(handler) = self.failed_exit_handler() {
                (phase, message) = (workflow_phase(handler.phase), handler.message.clone());
            }
        }
        self.end_run(phase, message);
    }

    /// Ends the run.
    pub(crate) fn end_run(&mut self, phase: WorkflowPhase, message: Option<String>) {
        let now = self.now;
        let head = self.head();
        head.phase = phase;
        head.message = message;
        head.finished = Some(now);
        head.labels
            .insert(PHASE.to_owned(), phase.as_str().to_owned());
        head.labels.insert(COMPLETED.to_owned(), "true".to_owned());
        if let Some(at) = self.run.expiry() {
            self.act(Action::SetTimer(Timer::Expiry, at));
        }
        self.measure_run();
        self.give_back(Holder::Run);
        self.act(Action::Completed);
        self.dismiss(None);
    }

    fn failed_exit_handler(&self) -> Option<&Node> {
        let place = self.run.plan.resolved.spec.hooks.keys();
        let place = (0u32..).zip(place).find(|(_, name)| *name == EXIT_HOOK)?.0;
        let handler = self.run.node(*self.run.hooks.fired.get(&place)?)?;
        is_failure(handler.phase).then_some(handler)
    }
}

/// What the entry node's end means for the run.
pub(crate) fn workflow_phase(entry: NodePhase) -> WorkflowPhase {
    match entry {
        NodePhase::Failed => WorkflowPhase::Failed,
        NodePhase::Error => WorkflowPhase::Error,
        NodePhase::Pending | NodePhase::Running => WorkflowPhase::Running,
        NodePhase::Succeeded | NodePhase::Skipped | NodePhase::Omitted => WorkflowPhase::Succeeded,
    }
}
