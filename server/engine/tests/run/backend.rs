//! A backend in memory: it answers every attempt as its script says, in any order, and checks after each
//! command that the run is what its rows say and that no attempt starts twice.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::fmt::Write;
use std::sync::Arc;

use steading_engine::action::Action;
use steading_engine::command::{Command, Timer};
use steading_engine::document::Document;
use steading_engine::error::Refusal;
use steading_engine::head::{Head, Progress, Suspended};
use steading_engine::lock::{Hold, HoldId, HoldStage, Holder, LockName};
use steading_engine::metrics::Measurement;
use steading_engine::node::Node;
use steading_engine::plan::Plan;
use steading_engine::values::Values;
use steading_engine::{Run, TaskRequest};
use steading_spec::model::Workflow;
use steading_spec::resolve::{NoLibrary, Resolved, resolve};
use steading_spec::{Limits, Mode, Object};
use steading_types::task::{End, Gathered, TaskReport};
use steading_types::{AttemptId, Millis, NodeIx, NodePhase, RunId, WorkflowPhase};

/// The answer of a task.
pub(crate) fn exit(code: i32) -> TaskReport {
    ended(End::Exited {
        container: "main".into(),
        code,
    })
}

pub(crate) fn ended(end: End) -> TaskReport {
    TaskReport {
        end,
        started: None,
        finished: Millis(0),
        cpu_ms: 1,
        max_rss: 1,
        outputs: BTreeMap::new(),
        result: None,
        refused: BTreeMap::new(),
        artifacts: BTreeMap::new(),
        members: Default::default(),
        isolation: String::new(),
    }
}

/// A task that printed something.
pub(crate) fn prints(result: &str) -> TaskReport {
    TaskReport {
        result: Some(result.into()),
        ..exit(0)
    }
}

/// A task that wrote an output file.
pub(crate) fn writes(name: &str, value: &str) -> TaskReport {
    TaskReport {
        outputs: BTreeMap::from([(name.into(), value.into())]),
        ..exit(0)
    }
}

/// A task that left something at the path of an output artifact.
pub(crate) fn leaves(name: &str) -> TaskReport {
    TaskReport {
        artifacts: BTreeMap::from([(name.into(), Gathered::Object)]),
        ..exit(0)
    }
}

/// A run on a backend.
pub(crate) struct Backend {
    pub(crate) run: Run,
    pub(crate) now: Millis,
    /// Attempts that were started and not answered, in order.
    pub(crate) pending: VecDeque<AttemptId>,
    pub(crate) cancelled: Vec<AttemptId>,
    pub(crate) timers: BTreeMap<Timer, Millis>,
    pub(crate) tasks: Vec<TaskRequest>,
    pub(crate) completed: usize,
    /// Nodes whose outputs were to be remembered.
    pub(crate) remembered: Vec<NodeIx>,
    pub(crate) measured: Vec<Measurement>,
    plan: Arc<Plan>,
    started: HashSet<AttemptId>,
    rows: BTreeMap<u32, Node>,
    holds: BTreeMap<Holder, Hold>,
    /// Holders that have no answer yet, in order.
    pub(crate) asking: Vec<HoldId>,
    /// Locks that this run has.
    pub(crate) held: BTreeMap<LockName, HoldId>,
    elsewhere: BTreeSet<LockName>,
    head: Head,
    check: bool,
}

pub(crate) fn parse(yaml: &str) -> Workflow {
    let documents = steading_spec::parse(yaml.as_bytes(), Mode::Strict, &Limits::default())
        .unwrap_or_else(|faults| panic!("{faults:?}"));
    match documents.into_iter().next().unwrap().object {
        Object::Workflow(workflow) => *workflow,
        other => panic!("{other:?}"),
    }
}

/// A workflow document around a specification.
pub(crate) fn workflow(spec: &str) -> String {
    let indented: String = spec.lines().fold(String::new(), |mut out, line| {
        let _ = writeln!(out, "  {line}");
        out
    });
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata:\n  name: wf\nspec:\n{indented}"
    )
}

impl Backend {
    /// A run of a specification that was not started yet.
    pub(crate) fn new(spec: &str) -> Self {
        Self::of(&parse(&workflow(spec)))
    }

    pub(crate) fn of(workflow: &Workflow) -> Self {
        let resolved = resolve(workflow, &NoLibrary).unwrap_or_else(|f| panic!("{f:?}"));
        Self::resolved(workflow, &resolved)
    }

    pub(crate) fn resolved(workflow: &Workflow, resolved: &Resolved) -> Self {
        let document = Document {
            workflow: serde_json::to_value(workflow).unwrap(),
            resolved: serde_json::to_value(resolved).unwrap(),
        };
        let plan = Plan::new(&document).unwrap();
        let now = Millis(1_700_000_000_000);
        let head = Head {
            id: RunId::new(now, 7),
            tenant: "default".parse().unwrap(),
            name: "wf".parse().unwrap(),
            labels: workflow.metadata.labels.clone(),
            annotations: workflow.metadata.annotations.clone(),
            creator: "anna".into(),
            phase: WorkflowPhase::Pending,
            message: None,
            created: now,
            started: None,
            finished: None,
            priority: 0,
            shutdown: None,
            suspended: Suspended::No,
            parameters: BTreeMap::new(),
            outputs: BTreeMap::new(),
            artifacts: Default::default(),
            progress: Progress::default(),
            generation: 0,
        };
        Self {
            run: Run::new(head.clone(), Arc::clone(&plan)),
            now,
            pending: VecDeque::new(),
            cancelled: Vec::new(),
            timers: BTreeMap::new(),
            tasks: Vec::new(),
            completed: 0,
            remembered: Vec::new(),
            measured: Vec::new(),
            plan,
            started: HashSet::new(),
            rows: BTreeMap::new(),
            holds: BTreeMap::new(),
            asking: Vec::new(),
            held: BTreeMap::new(),
            elsewhere: BTreeSet::new(),
            head,
            check: true,
        }
    }

    /// The same run, reading these values of its tenant.
    pub(crate) fn reading(mut self, values: Arc<dyn Values>) -> Self {
        self.run = self.run.reading(values);
        self
    }

    /// The run that takes over what went well in this one, under another name.
    pub(crate) fn taken_over(&self, name: &str) -> Self {
        let head = Head {
            id: RunId::new(self.now, 8),
            name: name.parse().unwrap(),
            phase: WorkflowPhase::Pending,
            message: None,
            started: None,
            finished: None,
            shutdown: None,
            suspended: Suspended::No,
            ..self.head.clone()
        };
        let run = self.run.taken_over(head, Vec::new()).unwrap();
        Self {
            head: run.head().clone(),
            run,
            now: self.now,
            pending: VecDeque::new(),
            cancelled: Vec::new(),
            timers: BTreeMap::new(),
            tasks: Vec::new(),
            completed: 0,
            remembered: Vec::new(),
            measured: Vec::new(),
            plan: Arc::clone(&self.plan),
            started: HashSet::new(),
            rows: BTreeMap::new(),
            holds: BTreeMap::new(),
            asking: Vec::new(),
            held: BTreeMap::new(),
            elsewhere: BTreeSet::new(),
            check: self.check,
        }
    }

    /// Without the comparison after each command, which costs the size of the run.
    pub(crate) fn unchecked(mut self) -> Self {
        self.check = false;
        self
    }

    /// Applies a command and everything that the run itself asks for.
    pub(crate) fn apply(&mut self, command: Command) -> Result<(), Refusal> {
        let outcome = self.run.apply(command, self.now)?;
        for ix in &outcome.removed {
            self.rows.remove(&ix.0);
        }
        for ix in &outcome.nodes {
            let node = self.run.node(*ix).unwrap().clone();
            self.rows.insert(ix.0, node);
        }
        if outcome.head == steading_engine::outcome::Changed::Yes {
            self.head = self.run.head().clone();
        }
        let mut more = false;
        for action in outcome.actions {
            match action {
                Action::Start(attempt) => {
                    assert!(self.started.insert(attempt), "{attempt} started twice");
                    self.pending.push_back(attempt);
                }
                Action::Cancel(attempt) => self.cancelled.push(attempt),
                Action::SetTimer(timer, at) => {
                    self.timers.insert(timer, at);
                }
                Action::ClearTimer(timer) => {
                    self.timers.remove(&timer);
                }
                Action::Measure(measured) => self.measured.push(*measured),
                Action::Remember(ix) => self.remembered.push(ix),
                Action::Continue => more = true,
                Action::Completed => self.completed += 1,
                Action::Acquire(id) => self.asking.push(id),
                Action::Release(id) => {
                    self.asking.retain(|asking| *asking != id);
                    self.held.retain(|_, holder| *holder != id);
                }
            }
        }
        for holder in outcome.holds {
            match self.run.hold(holder) {
                Some(hold) => self.holds.insert(holder, hold.clone()),
                None => self.holds.remove(&holder),
            };
        }
        if self.check {
            self.check();
        }
        if more {
            self.apply(Command::Continue)?;
        }
        self.grant()?;
        let placed = |id: &&HoldId| {
            let hold = self.run.hold(id.holder);
            hold.is_some_and(|hold| hold.stage == HoldStage::Placed)
        };
        match self.asking.iter().find(placed).copied() {
            Some(hold) => self.apply(Command::LocksBusy { hold }),
            None => Ok(()),
        }
    }

    /// Gives free locks to those who ask, all or none, in the order of asking.
    pub(crate) fn grant(&mut self) -> Result<(), Refusal> {
        let wanted = |run: &Run, id: &HoldId| run.hold(id.holder).unwrap().locks.clone();
        let free = self.asking.iter().position(|id| {
            let wanted = wanted(&self.run, id);
            let free = |lock| !self.held.contains_key(lock) && !self.elsewhere.contains(lock);
            wanted.iter().all(free)
        });
        let Some(position) = free else {
            return Ok(());
        };
        let id = self.asking.remove(position);
        for lock in wanted(&self.run, &id) {
            self.held.insert(lock, id);
        }
        self.apply(Command::LocksGranted { hold: id })
    }

    /// Another run has this lock, or gives it back.
    pub(crate) fn elsewhere(&mut self, locks: &[LockName]) {
        self.elsewhere = locks.iter().cloned().collect();
        self.grant().unwrap();
    }

    /// The run is what its rows say, and asks for what is outstanding.
    fn check(&self) {
        let rows = self.rows.values().cloned().collect();
        let holds = self.holds.clone().into_iter().collect();
        let loaded = Run::load(self.head.clone(), Arc::clone(&self.plan), rows, holds).unwrap();
        assert!(
            loaded == self.run,
            "loaded {loaded:#?}\nlived {:#?}",
            self.run
        );
        let wanted: HashSet<AttemptId> = self.run.outstanding().map(|(a, _)| a).collect();
        let pending: HashSet<AttemptId> = self.pending.iter().copied().collect();
        assert_eq!(wanted, pending);
        if !self.run.head().phase.completed() {
            let timers: BTreeMap<Timer, Millis> = self.run.timers().collect();
            assert_eq!(timers, self.timers);
        }
    }

    pub(crate) fn start(mut self) -> Self {
        self.apply(Command::Start).unwrap();
        self
    }

    /// The name of the node of an attempt.
    pub(crate) fn name(&self, attempt: AttemptId) -> &str {
        &self.run.node(attempt.node).unwrap().name
    }

    /// Starts the first waiting attempt and answers it.
    pub(crate) fn answer(&mut self, script: &mut dyn FnMut(&str, &TaskRequest) -> TaskReport) {
        let attempt = self.pending.front().copied().unwrap();
        self.began(attempt);
        let name = self.name(attempt).to_owned();
        let report = match self.run.task(attempt, self.now) {
            Ok(task) => {
                let report = script(&name, &task);
                self.tasks.push(task);
                report
            }
            Err(error) => ended(End::Unprepared {
                code: error.code().into(),
                message: error.to_string(),
            }),
        };
        self.end(attempt, report);
    }

    pub(crate) fn began(&mut self, attempt: AttemptId) {
        self.apply(Command::AttemptStarted {
            attempt,
            host: Some("host-1".into()),
        })
        .unwrap();
    }

    pub(crate) fn end(&mut self, attempt: AttemptId, mut report: TaskReport) {
        self.put_away(attempt, &mut report);
        self.pending.retain(|pending| *pending != attempt);
        self.apply(Command::AttemptEnded {
            attempt,
            report: Box::new(report),
        })
        .unwrap();
    }

    /// What was gathered goes where the run says, as the server does it.
    fn put_away(&self, attempt: AttemptId, report: &mut TaskReport) {
        for (name, gathered) in &mut report.artifacts {
            if *gathered == Gathered::Object {
                let keeps = self.run.keeps(attempt, self.now).unwrap();
                let keep = keeps.into_iter().find(|keep| keep.artifact.name == *name);
                *gathered = Gathered::Kept(Box::new(keep.unwrap().artifact));
            }
        }
    }

    /// Moves the clock to the next timer and fires it; nothing when there is none.
    pub(crate) fn next_timer(&mut self) -> Option<Timer> {
        let (timer, at) = self
            .timers
            .iter()
            .min_by_key(|(_, at)| **at)
            .map(|(timer, at)| (*timer, *at))?;
        self.now = self.now.max(at);
        self.timers.remove(&timer);
        self.apply(Command::TimerFired { timer }).unwrap();
        Some(timer)
    }

    /// Answers attempts, then timers, until nothing is left to do.
    pub(crate) fn finish(
        mut self,
        mut script: impl FnMut(&str, &TaskRequest) -> TaskReport,
    ) -> Self {
        loop {
            if !self.pending.is_empty() {
                self.now = self.now.plus(Millis(1_000));
                self.answer(&mut script);
            } else if self.run.head().phase.completed() || self.next_timer().is_none() {
                return self;
            }
        }
    }

    /// Argo's full name -> phase and message of every node, in the order of making.
    pub(crate) fn tree(&self) -> Vec<(String, String, String)> {
        self.run
            .nodes()
            .map(|node| {
                (
                    node.name.clone(),
                    format!("{} {}", node.kind.as_str(), node.phase.as_str()),
                    node.message.clone().unwrap_or_default(),
                )
            })
            .collect()
    }

    pub(crate) fn find(&self, name: &str) -> &Node {
        self.run
            .nodes()
            .find(|node| node.name == name)
            .unwrap_or_else(|| panic!("no node {name} in {:#?}", self.tree()))
    }

    pub(crate) fn phase(&self, name: &str) -> NodePhase {
        self.find(name).phase
    }

    pub(crate) fn message(&self, name: &str) -> &str {
        self.find(name).message.as_deref().unwrap_or_default()
    }

    /// Checks the names, kinds and phases of all nodes.
    pub(crate) fn expect(&self, phase: WorkflowPhase, nodes: &[(&str, &str)]) {
        let tree = self.tree();
        let shown: Vec<(&str, &str)> = tree
            .iter()
            .map(|(name, phase, _)| (name.as_str(), phase.as_str()))
            .collect();
        assert_eq!(shown, nodes, "{:?}", self.run.head().message);
        assert_eq!(self.run.head().phase, phase, "{tree:#?}");
    }
}
