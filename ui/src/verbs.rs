//! What can be done to a run, when, and the words that say so.

use steading_api::node::NodeBody;
use steading_api::run::RunSummary;
use steading_types::{NodePhase, NodeType, WorkflowPhase};

use crate::format::State;
use crate::nodes::state;

/// A deed on a whole run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunVerb {
    /// Starts nothing new.
    Suspend,
    /// Goes on.
    Resume,
    /// Ends it; exit handlers run.
    Stop,
    /// Ends it now.
    Terminate,
    /// Runs the failed parts again.
    Retry,
    /// Submits it again as a new run.
    Resubmit,
}

impl RunVerb {
    /// What makes sense for a run as it stands.
    pub fn of(run: &RunSummary) -> Vec<Self> {
        match run.phase {
            WorkflowPhase::Pending | WorkflowPhase::Running => {
                let pause = if run.suspended {
                    Self::Resume
                } else {
                    Self::Suspend
                };
                vec![pause, Self::Stop, Self::Terminate]
            }
            WorkflowPhase::Succeeded => vec![Self::Resubmit],
            WorkflowPhase::Failed | WorkflowPhase::Error => vec![Self::Retry, Self::Resubmit],
        }
    }

    /// The word on the button.
    pub fn word(self) -> &'static str {
        match self {
            Self::Suspend => "Suspend",
            Self::Resume => "Resume",
            Self::Stop => "Stop",
            Self::Terminate => "Terminate",
            Self::Retry => "Retry",
            Self::Resubmit => "Resubmit",
        }
    }

    /// What it means for the run.
    pub fn consequence(self) -> &'static str {
        match self {
            Self::Suspend => {
                "Steps that run go on to their end; nothing new starts until it is resumed."
            }
            Self::Resume => "Steps that wait start again as soon as there is room.",
            Self::Stop => {
                "Steps that run are ended, then the exit handlers run. It can be retried later."
            }
            Self::Terminate => {
                "Everything ends at once, without exit handlers. It can be retried later."
            }
            Self::Retry => {
                "What failed, and what comes after it, runs again in this run. What succeeded is kept."
            }
            Self::Resubmit => {
                "A new run of the same workflow starts with the same parameters. This one stays as it is."
            }
        }
    }

    /// The question before it.
    pub fn question(self, run: &str) -> String {
        format!("{} {run}?", self.word())
    }
}

/// A deed on one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StepVerb {
    /// Lets a step that waits for people go on.
    Resume,
    /// Runs it again, with what depends on it.
    Restart,
    /// Goes on without it.
    Skip,
}

impl StepVerb {
    /// What makes sense for a step of a run that is over, or goes on.
    pub fn of(node: &NodeBody, over: bool) -> Vec<Self> {
        let failed = matches!(node.phase, NodePhase::Failed | NodePhase::Error);
        let waits = state(node) == State::Suspended;
        let grouping = matches!(
            node.kind,
            NodeType::StepGroup | NodeType::TaskGroup | NodeType::Container
        );
        match over {
            _ if grouping || node.hook => Vec::new(),
            true if failed => vec![Self::Restart, Self::Skip],
            true => vec![Self::Restart],
            false if waits => vec![Self::Resume],
            false if node.phase == NodePhase::Pending => vec![Self::Skip],
            false => Vec::new(),
        }
    }

    /// The words on the button.
    pub fn words(self) -> &'static str {
        match self {
            Self::Resume => "Resume this step",
            Self::Restart => "Restart from here",
            Self::Skip => "Skip this step",
        }
    }

    /// What it means for the run.
    pub fn consequence(self) -> &'static str {
        match self {
            Self::Resume => "The step ends well, and what comes after it starts.",
            Self::Restart => {
                "This step, what depends on it and what failed run again in this run. The rest is kept."
            }
            Self::Skip => {
                "The run goes on as if this step had gone well. Outputs without a default are given on the command line."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use steading_types::{Millis, RunId};

    use super::*;

    fn run(phase: WorkflowPhase, suspended: bool) -> RunSummary {
        RunSummary {
            id: RunId::new(Millis(0), 1),
            name: "hello-x7k".into(),
            tenant: "default".into(),
            phase,
            message: None,
            created: Millis(0),
            started: None,
            finished: None,
            done: 0,
            total: 1,
            creator: "ann".into(),
            template: None,
            priority: 0,
            suspended,
            labels: BTreeMap::new(),
        }
    }

    #[test]
    fn only_deeds_that_the_server_would_accept_are_offered() {
        use RunVerb::{Resubmit, Resume, Retry, Stop, Suspend, Terminate};
        assert_eq!(
            RunVerb::of(&run(WorkflowPhase::Running, false)),
            [Suspend, Stop, Terminate]
        );
        assert_eq!(
            RunVerb::of(&run(WorkflowPhase::Pending, true)),
            [Resume, Stop, Terminate]
        );
        assert_eq!(
            RunVerb::of(&run(WorkflowPhase::Succeeded, false)),
            [Resubmit]
        );
        assert_eq!(
            RunVerb::of(&run(WorkflowPhase::Error, true)),
            [Retry, Resubmit]
        );
    }

    #[test]
    fn the_question_names_the_run() {
        assert_eq!(
            RunVerb::Terminate.question("hello-x7k"),
            "Terminate hello-x7k?"
        );
    }
}
