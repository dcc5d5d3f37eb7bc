//! A run in memory: its head, its nodes, and what is derived from them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use steading_types::{AttemptId, Millis, NodeIx, NodePhase, NodeType, WorkflowPhase};

use crate::command::{Command, Timer};
use crate::error::{EngineError, Refusal};
use crate::head::{Head, Suspended};
use crate::ids::{self, Ids};
use crate::live::{Live, Slot};
use crate::lock::{Hold, Holder};
use crate::node::{Ending, Node};
use crate::outcome::Outcome;
use crate::plan::Plan;
use crate::ready::{Boundary, Ready};
use crate::turn::Turn;
use crate::values::{NoValues, Values};

/// The state of one run. Alter it with [`Run::apply`] only.
#[derive(Debug)]
pub struct Run {
    pub(crate) head: Head,
    pub(crate) plan: Arc<Plan>,
    pub(crate) slots: Vec<Option<Slot>>,
    pub(crate) ids: Ids,
    pub(crate) ready: Ready,
    /// Suspend nodes that wait.
    pub(crate) waiting: BTreeSet<NodeIx>,
    /// Nodes whose daemons serve.
    pub(crate) services: BTreeSet<NodeIx>,
    /// Attempts that are pending or running.
    pub(crate) active: u32,
    pub(crate) hooks: RunHooks,
    /// The locks that it and its nodes have or wait for.
    pub(crate) holds: BTreeMap<Holder, Hold>,
    /// Nodes that ask for their locks again when there is a place for them.
    pub(crate) postponed: Ready,
    /// Bytes of names, inputs and items in its rows.
    pub(crate) weight: usize,
    /// What its memoized nodes gave, by cache and key.
    pub(crate) remembered: BTreeMap<(String, String), (Millis, NodeIx)>,
    /// What it reads of its tenant.
    pub(crate) values: Arc<dyn Values>,
}

/// Nodes of one run.
const NODES: usize = 150_000;
/// Bytes of names, inputs and items in the rows of one run.
const WEIGHT: usize = 256 * 1024 * 1024;

/// The hooks of the run itself.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct RunHooks {
    /// By their places in the specification.
    pub(crate) fired: BTreeMap<u32, NodeIx>,
    pub(crate) open: u32,
}

/// Two runs are equal when their rows and everything derived from them are.
impl PartialEq for Run {
    fn eq(&self, other: &Self) -> bool {
        let used = |run: &Self| run.slots.iter().rposition(Option::is_some);
        self.head == other.head
            && used(self) == used(other)
            && self.slots.iter().flatten().eq(other.slots.iter().flatten())
            && self.ready == other.ready
            && self.waiting == other.waiting
            && self.services == other.services
            && self.active == other.active
            && self.hooks == other.hooks
            && self.holds == other.holds
            && self.postponed == other.postponed
            && self.weight == other.weight
            && self.remembered == other.remembered
    }
}

impl Run {
    /// A new run. [`Command::Start`] comes next.
    pub fn new(head: Head, plan: Arc<Plan>) -> Self {
        Self {
            head,
            plan,
            slots: Vec::new(),
            ids: Ids::default(),
            ready: Ready::default(),
            waiting: BTreeSet::new(),
            services: BTreeSet::new(),
            active: 0,
            hooks: RunHooks::default(),
            holds: BTreeMap::new(),
            postponed: Ready::default(),
            weight: 0,
            remembered: BTreeMap::new(),
            values: Arc::new(NoValues),
        }
    }

    /// The same run, reading these values of its tenant.
    #[must_use]
    pub fn reading(mut self, values: Arc<dyn Values>) -> Self {
        self.values = values;
        self
    }

    /// The run that wrote these rows. Nodes and holds may come in any order.
    ///
    /// # Errors
    /// [`EngineError::Document`] when the rows contradict each other or the document.
    pub fn load(
        head: Head,
        plan: Arc<Plan>,
        mut nodes: Vec<Node>,
        holds: Vec<(Holder, Hold)>,
    ) -> Result<Self, EngineError> {
        nodes.sort_unstable_by_key(|node| node.ix);
        let mut run = Self::new(head, plan);
        run.holds.extend(holds);
        for node in nodes {
            run.adopt(node)?;
        }
        run.derive();
        Ok(run)
    }

    /// Carries out a command: alters the run and says what changed and what follows.
    ///
    /// # Errors
    /// [`Refusal`]: the command makes no sense now; the run is unchanged.
    pub fn apply(&mut self, command: Command, now: Millis) -> Result<Outcome, Refusal> {
        let mut turn = Turn::new(self, now);
        turn.obey(command)?;
        turn.drain();
        Ok(turn.done())
    }

    /// The run's own row.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The document, ready to run.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Whether the run has these parameters.
    pub(crate) fn check_parameters(&self, given: &[(String, String)]) -> Result<(), Refusal> {
        let known = &self.plan.resolved.spec.arguments;
        let mut given = given.iter();
        match given.find(|(name, _)| known.parameter(name).is_none()) {
            Some((name, _)) => Err(Refusal::UnknownParameter(name.clone())),
            None => Ok(()),
        }
    }

    /// A node's row.
    pub fn node(&self, ix: NodeIx) -> Option<&Node> {
        self.slot(ix).map(|slot| &slot.node)
    }

    /// What a holder has or waits for.
    pub fn hold(&self, holder: Holder) -> Option<&Hold> {
        self.holds.get(&holder)
    }

    /// All nodes, in the order of their making.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.slots.iter().flatten().map(|slot| &slot.node)
    }

    /// The attempts that were started and have not ended, and whether they were asked to end: what an
    /// outbox must hold.
    pub fn outstanding(&self) -> impl Iterator<Item = (AttemptId, Ending)> {
        self.nodes()
            .filter(|node| node.kind.is_attempt() && !node.phase.completed())
            .filter(|node| !self.gated(node.ix))
            .map(|node| (self.attempt(node), node.ending))
    }

    /// The timers that must be set.
    pub fn timers(&self) -> impl Iterator<Item = (Timer, Millis)> {
        let deadline = self.deadline().map(|at| (Timer::Deadline, at));
        let expiry = self.expiry().map(|at| (Timer::Expiry, at));
        let nodes = self.nodes().filter_map(|node| {
            let at = node.wake.filter(|_| !node.phase.completed())?;
            Some((node_timer(node), at))
        });
        deadline.into_iter().chain(expiry).chain(nodes)
    }

    /// Whether the run has more to make by itself, so that [`Command::Continue`] must follow a load.
    pub fn wants_more(&self) -> bool {
        !self.held() && self.ready.has_next(|boundary| self.full(boundary))
    }

    /// Whether daemons of it serve.
    pub fn serves(&self) -> bool {
        !self.services.is_empty()
    }

    /// Argo's id of a node.
    pub fn node_id(&self, ix: NodeIx) -> Option<String> {
        let slot = self.slot(ix)?;
        let workflow = self.head.name.as_str();
        Some(ids::node_id(workflow, &slot.node.name, slot.live.hash))
    }

    /// Argo's pod name of a node.
    pub fn pod_name(&self, ix: NodeIx) -> Option<String> {
        let slot = self.slot(ix)?;
        let template = slot.node.template.shown();
        let workflow = self.head.name.as_str();
        Some(ids::pod_name(
            workflow,
            &slot.node.name,
            template,
            slot.live.hash,
        ))
    }

    /// The attempt of a pod node.
    pub(crate) fn attempt(&self, node: &Node) -> AttemptId {
        AttemptId {
            run: self.head.id,
            node: node.ix,
            generation: node.generation,
        }
    }

    /// When the run as a whole must be over: none once it was asked to end, or has.
    pub(crate) fn deadline(&self) -> Option<Millis> {
        let seconds = self.plan.resolved.spec.active_deadline_seconds?;
        let seconds = u64::try_from(seconds).unwrap_or(0);
        let running = self.head.phase == WorkflowPhase::Running
            && self.head.shutdown.is_none()
            && !self.entry_phase().is_some_and(NodePhase::completed);
        let started = self.head.started.filter(|_| running)?;
        Some(started.plus(Millis(seconds.saturating_mul(1000))))
    }

    /// Until when the finished run is kept: Argo's `ttlStrategy`. For ever when it says nothing of such an end.
    pub(crate) fn expiry(&self) -> Option<Millis> {
        let ttl = self.plan.resolved.spec.ttl_strategy.as_ref()?;
        let special = match self.head.phase {
            WorkflowPhase::Succeeded => ttl.seconds_after_success,
            WorkflowPhase::Failed | WorkflowPhase::Error => ttl.seconds_after_failure,
            WorkflowPhase::Pending | WorkflowPhase::Running => return None,
        };
        let seconds = special.or(ttl.seconds_after_completion)?;
        let kept = u64::try_from(seconds).unwrap_or(0).saturating_mul(1000);
        Some(self.head.finished?.plus(Millis(kept)))
    }

    /// Where the entry node stands; one that serves has done what the run is for.
    pub(crate) fn entry_phase(&self) -> Option<NodePhase> {
        let entry = self.node(NodeIx::ROOT)?;
        let serves = entry.served() && !entry.phase.completed();
        Some(if serves {
            NodePhase::Succeeded
        } else {
            entry.phase
        })
    }

    /// The containers of a set, which follow their node.
    pub(crate) fn members(&self, ix: NodeIx) -> impl Iterator<Item = &Node> {
        (ix.0.saturating_add(1)..).map_while(move |member| {
            let member = self.node(NodeIx(member))?;
            let of_it = member.kind == NodeType::Container && member.owner == Some(ix);
            of_it.then_some(member)
        })
    }

    /// Whether it was suspended, and not asked to end since.
    pub(crate) fn suspended(&self) -> bool {
        self.head.suspended == Suspended::Yes && self.head.shutdown.is_none()
    }

    /// Whether nothing new may be made: suspended, or as many attempts as the run allows.
    pub(crate) fn held(&self) -> bool {
        let limit = self.plan.run_parallelism();
        self.suspended() || self.awaits_locks() || limit.is_some_and(|limit| self.active >= limit)
    }

    /// Whether the run is too large to grow further.
    pub(crate) fn too_large(&self) -> bool {
        self.slots.len() >= NODES || self.weight >= WEIGHT
    }

    /// Whether a boundary has as many active children as it allows.
    pub(crate) fn full(&self, boundary: Boundary) -> bool {
        let Some(slot) = boundary.and_then(|ix| self.slot(ix)) else {
            return false;
        };
        let limit = slot.live.template.and_then(|t| self.plan.parallelism(t));
        limit.is_some_and(|limit| slot.live.active >= limit)
    }

    pub(crate) fn slot(&self, ix: NodeIx) -> Option<&Slot> {
        self.slots.get(ix.index())?.as_ref()
    }

    pub(crate) fn slot_mut(&mut self, ix: NodeIx) -> Option<&mut Slot> {
        self.slots.get_mut(ix.index())?.as_mut()
    }

    pub(crate) fn live(&self, ix: NodeIx) -> Option<&Live> {
        self.slot(ix).map(|slot| &slot.live)
    }

    pub(crate) fn live_mut(&mut self, ix: NodeIx) -> Option<&mut Live> {
        self.slot_mut(ix).map(|slot| &mut slot.live)
    }
}

/// The timer that a node's `wake` belongs to.
pub(crate) fn node_timer(node: &Node) -> Timer {
    match node.kind {
        NodeType::Suspend => Timer::Resume(node.ix),
        NodeType::Retry => Timer::Backoff(node.ix),
        _ => Timer::NodeDeadline(node.ix),
    }
}
