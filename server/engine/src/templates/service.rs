//! `daemon: true`: a node that others use while it runs. For what comes after it, it is over as soon as it
//! can be used; it is ended with the template that it belongs to.

use core::net::Ipv4Addr;

use steading_types::{AttemptId, NodeIx, NodePhase, NodeType};

use crate::action::Action;
use crate::live::Body;
use crate::node::{Ending, Node};
use crate::run::Run;
use crate::turn::Turn;

/// Before the first address of a run's services; the run itself has the one before it.
const FIRST: u32 = 0x0A00_0002;

/// The address of a node's service on its run's network. A run has fewer nodes than a /8 has addresses.
pub(crate) fn pod_address(ix: NodeIx) -> Ipv4Addr {
    Ipv4Addr::from(FIRST.saturating_add(ix.0))
}

/// Where the service of a node is reached: a retry node's is that of its last try.
pub(crate) fn address(run: &Run, node: &Node) -> Option<Ipv4Addr> {
    if !node.served() {
        return None;
    }
    match &run.live(node.ix)?.body {
        Body::Retry(tries) => tries.last().map(|last| pod_address(*last)),
        _ => Some(pod_address(node.ix)),
    }
}

impl Turn<'_> {
    /// Whether a node's template is a daemon.
    pub(super) fn is_daemon(&self, ix: NodeIx) -> bool {
        let template = self.run.live(ix).and_then(|live| live.template);
        let template = template.and_then(|ix| self.run.plan.template(ix).ok());
        template.is_some_and(|template| template.daemon == Some(true))
    }

    /// A daemon can be used. Said again, it changes nothing.
    pub(crate) fn attempt_ready(&mut self, attempt: AttemptId, host: Option<String>) {
        let Some(node) = self.open_attempt(attempt) else {
            return;
        };
        let ix = node.ix;
        if node.ending != Ending::Natural || !self.is_daemon(ix) {
            return;
        }
        let now = self.now;
        if let Some(node) = self.edit(ix) {
            node.phase = NodePhase::Running;
            node.started = Some(now);
            node.ending = Ending::Serving;
            node.message = None;
            node.host = host.or(node.host.take());
        }
        self.members_started(ix);
        self.set_node_timer(ix, None);
        self.run.leave(ix);
        self.fire_hooks(ix);
        self.check_fulfilled(ix);
    }

    /// A node that served is over. Who waited for it went on long ago, but one try may follow another.
    pub(crate) fn service_over(&mut self, ix: NodeIx) {
        self.run.services.remove(&ix);
        let owner = self.run.node(ix).and_then(|node| node.owner);
        if let Some(owner) = owner
            && self
                .run
                .node(owner)
                .is_some_and(|o| o.kind == NodeType::Retry)
        {
            self.advance(owner);
        }
    }

    /// Ends the daemons of a template that is over; without one, all that are left.
    pub(crate) fn dismiss(&mut self, boundary: Option<NodeIx>) {
        let services = self.run.services.iter().copied();
        let of_it = services.filter(|ix| {
            let node = self.run.node(*ix);
            boundary.is_none() || node.is_some_and(|node| node.boundary == boundary)
        });
        for ix in of_it.collect::<Vec<_>>() {
            self.dismiss_one(ix);
        }
    }

    /// Asks a daemon to end.
    pub(crate) fn dismiss_one(&mut self, ix: NodeIx) {
        if let Some(node) = self.edit(ix).filter(|node| node.ending == Ending::Serving) {
            node.ending = Ending::Dismissed;
            if let Some(node) = self.run.node(ix) {
                self.act(Action::Cancel(self.run.attempt(node)));
            }
        }
    }
}
