//! Stop, Terminate, and the run's deadline: what runs is asked to end, what waits is given up. Exit
//! handlers survive all but Terminate.

use steading_types::{NodeIx, NodePhase, NodeType};

use crate::action::Action;
use crate::command::{NodeSelector, Timer};
use crate::derive::Bar;
use crate::error::Refusal;
use crate::head::Shutdown;
use crate::lock::Holder;
use crate::node::Ending;
use crate::templates::{joined, shutdown_message};
use crate::turn::Turn;

impl Turn<'_> {
    pub(super) fn stop_run(
        &mut self,
        selector: Option<&NodeSelector>,
        message: Option<&str>,
    ) -> Result<(), Refusal> {
        self.check_running()?;
        if selector.is_some() {
            for ix in self.waiting_nodes(selector)? {
                let old = self.run.node(ix).and_then(|node| node.message.clone());
                self.finish(ix, NodePhase::Failed, joined(old, message));
            }
            return Ok(());
        }
        if self.run.head.shutdown < Some(Shutdown::Stop) {
            self.shut(Shutdown::Stop);
        }
        Ok(())
    }

    pub(super) fn terminate_run(&mut self) -> Result<(), Refusal> {
        self.check_running()?;
        if self.run.head.shutdown < Some(Shutdown::Terminate) {
            self.shut(Shutdown::Terminate);
        }
        Ok(())
    }

    fn check_running(&self) -> Result<(), Refusal> {
        let head = &self.run.head;
        if head.phase.completed() {
            return Err(Refusal::ShutdownCompleted {
                name: head.name.to_string(),
                namespace: head.tenant.namespace(),
            });
        }
        Ok(())
    }

    /// Ends everything that this kind of shutdown ends. The youngest nodes come first, so that a node's
    /// children are over before it is looked at.
    pub(crate) fn shut(&mut self, shutdown: Shutdown) {
        let timer = self.run.deadline().is_some();
        self.head().shutdown = Some(shutdown);
        if timer && shutdown != Shutdown::Deadline {
            self.act(Action::ClearTimer(Timer::Deadline));
        }
        if self.run.slots.is_empty() {
            let message = format!("Stopped with strategy '{shutdown:?}'");
            self.end_run(steading_types::WorkflowPhase::Failed, Some(message));
            return;
        }
        if self.run.awaits_locks() {
            // It ends as any other one does, but nothing of it begins.
            self.give_back(Holder::Run);
            self.begin();
        }
        let open: Vec<(NodeIx, NodeType)> = self
            .run
            .nodes()
            .filter(|node| !node.phase.completed())
            .map(|node| (node.ix, node.kind))
            .collect();
        for (ix, kind) in open.into_iter().rev() {
            if !matches!(self.run.bar(ix), Some(Bar::Shutdown(_))) {
                continue;
            }
            match kind {
                kind if kind.is_attempt() => self.shut_pod(ix, shutdown),
                NodeType::Suspend => {
                    let message = Bar::Shutdown(shutdown).message();
                    self.finish(ix, NodePhase::Failed, Some(message.to_owned()));
                }
                _ => {
                    let boundary = self.run.counted_in(ix);
                    self.run.ready.remove_owner(boundary, ix);
                    self.advance(ix);
                }
            }
        }
    }

    fn shut_pod(&mut self, ix: NodeIx, shutdown: Shutdown) {
        if self.run.gated(ix) {
            return self.end_at_gate(ix);
        }
        match self.run.node(ix).map(|node| node.ending) {
            Some(Ending::Natural) => self.ask_to_end(ix, shutdown_message(shutdown)),
            Some(Ending::Serving) => self.dismiss_one(ix),
            _ => {}
        }
    }
}
