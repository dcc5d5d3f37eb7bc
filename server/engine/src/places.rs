//! Places of `parallelism`: which nodes take one, and where. A node with locks takes its place before it has
//! them, never after: nobody holds a lock while he waits for a place that those fill who wait for the lock.

use steading_types::{NodeIx, NodeType};

use crate::derive::takes_place;
use crate::lock::{HoldStage, Holder};
use crate::node::{Node, NodeRole};
use crate::plan::node_type;
use crate::ready::Boundary;
use crate::run::Run;

/// The places that a node takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Places {
    /// Of its boundary's.
    boundary: u32,
    /// Of the run's.
    run: u32,
}

impl Run {
    /// Counts a node that is under way.
    pub(crate) fn take_places(&mut self, ix: NodeIx) {
        let Some((boundary, places)) = self.places(ix) else {
            return;
        };
        if let Some(live) = boundary.and_then(|boundary| self.live_mut(boundary)) {
            live.active += places.boundary;
        }
        self.active += places.run;
    }

    /// Counts it no more.
    pub(crate) fn free_places(&mut self, ix: NodeIx) {
        let Some((boundary, places)) = self.places(ix) else {
            return;
        };
        if let Some(live) = boundary.and_then(|boundary| self.live_mut(boundary)) {
            live.active -= places.boundary.min(live.active);
        }
        self.active -= places.run.min(self.active);
        self.ready.room(boundary);
        self.postponed.room(boundary);
    }

    /// Whether there is a place for a node that has none.
    pub(crate) fn has_place(&self, ix: NodeIx) -> bool {
        let boundary = self.node(ix).and_then(|node| node.boundary);
        !self.held() && !self.full(boundary)
    }

    /// Where the places of a node's children are counted. A retry node with locks has one for all its tries.
    pub(crate) fn counted_in(&self, ix: NodeIx) -> Boundary {
        match self.node(ix) {
            Some(node) if node.kind == NodeType::Retry && self.wants_locks(ix) => Some(ix),
            _ => self.boundary(ix),
        }
    }

    fn places(&self, ix: NodeIx) -> Option<(Boundary, Places)> {
        let node = self.node(ix)?;
        let locks = self.wants_locks(ix);
        let counts = !locks || self.has_its_places(ix);
        let of_owner = |owner| node.role == NodeRole::Try && self.wants_locks(owner);
        let boundary = match node.kind {
            _ if !counts || node.owner.is_some_and(of_owner) => false,
            NodeType::Retry if locks => self.tries_take_places(node),
            kind => takes_place(kind),
        };
        let places = Places {
            boundary: boundary.into(),
            run: (counts && node.kind.is_attempt()).into(),
        };
        Some((node.boundary, places))
    }

    fn has_its_places(&self, ix: NodeIx) -> bool {
        let hold = self.holds.get(&Holder::Node(ix));
        hold.is_some_and(|hold| matches!(hold.stage, HoldStage::Placed | HoldStage::Held))
    }

    fn tries_take_places(&self, retry: &Node) -> bool {
        let template = self.live(retry.ix).and_then(|live| live.template);
        let template = template.and_then(|template| self.plan.template(template).ok());
        template
            .and_then(|template| node_type(template).ok())
            .is_some_and(takes_place)
    }
}
