//! Which ready attempt goes next: fair between tenants, then by priority, then what daemons wait for, then
//! by age. Pure.
//!
//! Fairness is by attempts that run: of the tenants with something ready, the one that runs the least
//! goes first, so a fan of ten thousand in one tenant delays another tenant by one task at most.
//!
//! An attempt may be handed to a backend only when its row says so on disk: it is *released*. Where a slot
//! is free when the attempt becomes ready, the commit that makes it ready releases it; the others are
//! released [`WINDOW`] at a time, as their turn comes near.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use steading_types::{AttemptId, TenantName};

/// Attempts of a tenant that are released with one commit.
pub const WINDOW: usize = 32;

/// Whether an attempt's row on disk says that a backend may have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// It says so.
    Done,
    /// Not yet.
    Needed,
}

/// What the scheduler asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Hand this attempt over: it occupies a slot now.
    HandOver(TenantName, AttemptId),
    /// Release these, then say [`Scheduler::released`].
    Release(TenantName, Vec<AttemptId>),
    /// Nothing can go on now.
    Nothing,
}

/// Ready and running attempts of one compute environment.
#[derive(Debug)]
pub struct Scheduler {
    slots: usize,
    arrivals: u64,
    tenants: HashMap<TenantName, Share>,
    running: HashMap<AttemptId, TenantName>,
}

/// One tenant's part.
#[derive(Debug, Default)]
struct Share {
    ready: BTreeMap<Place, (AttemptId, Release)>,
    places: HashMap<AttemptId, Place>,
    running: usize,
    /// When it was last served: breaks ties in turn.
    served: u64,
    /// A commit that releases some is under way.
    releasing: bool,
}

impl Share {
    /// Whether the first in line can be handed over, or released.
    fn can_go_on(&self) -> bool {
        let first = self.ready.first_key_value();
        first.is_some_and(|(_, (_, release))| *release == Release::Done || !self.releasing)
    }
}

/// What decides an attempt's turn within its tenant, before its age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Precedence {
    priority: Reverse<i32>,
    awaited: Awaited,
}

/// Who waits for an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Awaited {
    /// Daemons that serve its run. They take memory until the run is over, and would pile up behind the tasks
    /// that start more: it goes before new work.
    ByDaemons,
    /// Nobody whose waiting costs anything.
    ByNobody,
}

impl Precedence {
    /// That of an attempt of this priority.
    pub fn new(priority: i32, awaited: Awaited) -> Self {
        Self {
            priority: Reverse(priority),
            awaited,
        }
    }
}

/// Order within a tenant; then first come.
type Place = (Precedence, u64);

impl Scheduler {
    /// A scheduler for an environment that runs so many attempts at once.
    pub fn new(slots: usize) -> Self {
        Self {
            slots: slots.max(1),
            arrivals: 0,
            tenants: HashMap::new(),
            running: HashMap::new(),
        }
    }

    /// Queues an attempt; one that is queued or runs already stays as it is.
    pub fn push(
        &mut self,
        tenant: &TenantName,
        attempt: AttemptId,
        precedence: Precedence,
        release: Release,
    ) {
        if self.running.contains_key(&attempt) {
            return;
        }
        self.arrivals = self.arrivals.wrapping_add(1);
        let place = (precedence, self.arrivals);
        let share = self.tenants.entry(tenant.clone()).or_default();
        if share.places.contains_key(&attempt) {
            return;
        }
        share.places.insert(attempt, place);
        share.ready.insert(place, (attempt, release));
    }

    /// Slots that nobody waits for.
    pub fn room(&self) -> usize {
        let (ready, running) = self.load();
        self.slots.saturating_sub(ready.saturating_add(running))
    }

    /// Takes the next attempt and occupies a slot with it, or says what is needed for that.
    pub fn pop(&mut self) -> Next {
        self.next().unwrap_or(Next::Nothing)
    }

    fn next(&mut self) -> Option<Next> {
        if self.running.len() >= self.slots {
            return None;
        }
        let next = self
            .tenants
            .iter()
            .filter(|(_, share)| share.can_go_on())
            .min_by_key(|(_, share)| (share.running, share.served));
        let tenant = next.map(|(tenant, _)| tenant.clone())?;
        self.arrivals = self.arrivals.wrapping_add(1);
        let share = self.tenants.get_mut(&tenant)?;
        let first = share.ready.first_entry()?;
        let (attempt, release) = *first.get();
        if release == Release::Needed {
            share.releasing = true;
            let needed = share.ready.values();
            let needed = needed.filter(|(_, release)| *release == Release::Needed);
            let window = needed.take(WINDOW).map(|(attempt, _)| *attempt).collect();
            return Some(Next::Release(tenant, window));
        }
        first.remove();
        share.places.remove(&attempt);
        share.running = share.running.saturating_add(1);
        share.served = self.arrivals;
        self.running.insert(attempt, tenant.clone());
        Some(Next::HandOver(tenant, attempt))
    }

    /// The commit that released these is over, well ([`Release::Done`]) or not.
    pub fn released(&mut self, tenant: &TenantName, attempts: &[AttemptId], outcome: Release) {
        let Some(share) = self.tenants.get_mut(tenant) else {
            return;
        };
        share.releasing = false;
        for attempt in attempts {
            let place = share.places.get(attempt);
            if let Some((_, release)) = place.and_then(|place| share.ready.get_mut(place)) {
                *release = outcome;
            }
        }
    }

    /// Occupies a slot with an attempt that is known to run (after a restart), even beyond the limit.
    pub fn adopt(&mut self, tenant: &TenantName, attempt: AttemptId) {
        if self.running.insert(attempt, tenant.clone()).is_none() {
            let share = self.tenants.entry(tenant.clone()).or_default();
            share.running = share.running.saturating_add(1);
        }
    }

    /// Forgets an attempt, ready or running, and says where it was.
    pub fn remove(&mut self, tenant: &TenantName, attempt: AttemptId) -> Removed {
        let Some(share) = self.tenants.get_mut(tenant) else {
            return Removed::Unknown;
        };
        let removed = if self.running.remove(&attempt).is_some() {
            share.running = share.running.saturating_sub(1);
            Removed::Running
        } else if let Some(place) = share.places.remove(&attempt) {
            share.ready.remove(&place);
            Removed::Ready
        } else {
            Removed::Unknown
        };
        if share.running == 0 && share.ready.is_empty() {
            self.tenants.remove(tenant);
        }
        removed
    }

    /// Forgets an attempt that waits for its turn; one that holds a slot keeps it.
    pub fn forget_ready(&mut self, tenant: &TenantName, attempt: AttemptId) -> Removed {
        if self.running.contains_key(&attempt) {
            Removed::Running
        } else {
            self.remove(tenant, attempt)
        }
    }

    /// Attempts that wait for a slot and attempts that hold one.
    pub fn load(&self) -> (usize, usize) {
        (
            self.tenants.values().map(|share| share.ready.len()).sum(),
            self.running.len(),
        )
    }
}

/// Where a removed attempt was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// It waited for its turn.
    Ready,
    /// It held a slot, which is free now.
    Running,
    /// It was not here.
    Unknown,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use steading_types::{Millis, NodeIx, RunId};

    use super::*;

    fn attempt(n: u32) -> AttemptId {
        AttemptId {
            run: RunId::new(Millis(1), 1),
            node: NodeIx(n),
            generation: 0,
        }
    }
    fn plain(priority: i32) -> Precedence {
        Precedence::new(priority, Awaited::ByNobody)
    }
    fn tenant(name: &str) -> TenantName {
        name.parse().unwrap()
    }

    fn next(scheduler: &mut Scheduler) -> Option<AttemptId> {
        match scheduler.pop() {
            Next::HandOver(_, attempt) => Some(attempt),
            Next::Release(..) | Next::Nothing => None,
        }
    }

    #[test]
    fn nothing_is_handed_over_before_it_is_released() {
        let mut scheduler = Scheduler::new(2);
        let a = tenant("a");
        (0..40).for_each(|n| scheduler.push(&a, attempt(n), plain(0), Release::Needed));
        let Next::Release(_, window) = scheduler.pop() else {
            panic!("nothing was released");
        };
        assert_eq!(window, (0..32).map(attempt).collect::<Vec<_>>());
        assert_eq!(
            scheduler.pop(),
            Next::Nothing,
            "while the commit is under way"
        );
        scheduler.push(&tenant("b"), attempt(90), plain(0), Release::Done);
        assert_eq!(next(&mut scheduler), Some(attempt(90)), "others go on");
        scheduler.released(&a, &window, Release::Needed);
        assert_eq!(scheduler.pop(), Next::Release(a.clone(), window.clone()));
        scheduler.remove(&a, attempt(0));
        scheduler.released(&a, &window, Release::Done);
        assert_eq!(next(&mut scheduler), Some(attempt(1)));
    }

    #[test]
    fn a_large_fan_of_one_tenant_does_not_hold_up_another() {
        let mut scheduler = Scheduler::new(2);
        (0..1000).for_each(|n| scheduler.push(&tenant("big"), attempt(n), plain(0), Release::Done));
        assert_eq!(
            (
                next(&mut scheduler),
                next(&mut scheduler),
                next(&mut scheduler)
            ),
            (Some(attempt(0)), Some(attempt(1)), None)
        );
        scheduler.push(&tenant("small"), attempt(5000), plain(0), Release::Done);
        assert_eq!(
            scheduler.remove(&tenant("big"), attempt(0)),
            Removed::Running
        );
        assert_eq!(next(&mut scheduler), Some(attempt(5000)));
    }

    #[test]
    fn priority_goes_first_and_equals_go_in_order_of_arrival() {
        let mut scheduler = Scheduler::new(10);
        for (n, priority) in [(1, 0), (2, 5), (3, 0), (4, 5)] {
            scheduler.push(&tenant("a"), attempt(n), plain(priority), Release::Done);
        }
        let order: Vec<_> = std::iter::from_fn(|| next(&mut scheduler)).collect();
        assert_eq!(order, [2, 4, 1, 3].map(attempt));
    }

    #[test]
    fn whom_daemons_wait_for_goes_before_what_starts_more_of_them() {
        let mut scheduler = Scheduler::new(10);
        let a = tenant("a");
        for (n, precedence) in [
            (1, plain(0)),
            (2, Precedence::new(0, Awaited::ByDaemons)),
            (3, plain(1)),
            (4, Precedence::new(0, Awaited::ByDaemons)),
        ] {
            scheduler.push(&a, attempt(n), precedence, Release::Done);
        }
        let order: Vec<_> = std::iter::from_fn(|| next(&mut scheduler)).collect();
        assert_eq!(order, [3, 2, 4, 1].map(attempt));
    }

    proptest! {
        #[test]
        fn slots_are_never_exceeded_and_nothing_is_lost(steps in prop::collection::vec((0u8..3, 0u32..20, 0u8..3), 1..200), slots in 1usize..5) {
            let mut scheduler = Scheduler::new(slots);
            let (mut ready, mut running) = (std::collections::HashSet::new(), std::collections::HashSet::new());
            for (what, n, team) in steps {
                // An attempt belongs to one tenant.
                let (id, owner) = (attempt(n * 3 + u32::from(team)), tenant(["a", "b", "c"][usize::from(team)]));
                match what {
                    0 => { if !running.contains(&id) { ready.insert(id); } scheduler.push(&owner, id, plain(0), Release::Done); }
                    1 => if let Some(next) = next(&mut scheduler) { prop_assert!(ready.remove(&next)); running.insert(next); },
                    _ => { ready.remove(&id); running.remove(&id); scheduler.remove(&owner, id); }
                }
                prop_assert!(running.len() <= slots);
                prop_assert_eq!(scheduler.load(), (ready.len(), running.len()));
            }
        }
    }
}
