//! Which ready attempt goes next: fair between tenants, then by priority, then by age. Pure.
//!
//! Fairness is by attempts that run: of the tenants with something ready, the one that runs the least
//! goes first, so a fan of ten thousand in one tenant delays another tenant by one task at most.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use steading_types::{AttemptId, TenantName};

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
    ready: BTreeMap<Place, AttemptId>,
    places: HashMap<AttemptId, Place>,
    running: usize,
    /// When it was last served: breaks ties in turn.
    served: u64,
}

/// Order within a tenant: higher priority first, then first come.
type Place = (Reverse<i32>, u64);

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
    pub fn push(&mut self, tenant: &TenantName, attempt: AttemptId, priority: i32) {
        if self.running.contains_key(&attempt) {
            return;
        }
        self.arrivals = self.arrivals.wrapping_add(1);
        let place = (Reverse(priority), self.arrivals);
        let share = self.tenants.entry(tenant.clone()).or_default();
        if share.places.contains_key(&attempt) {
            return;
        }
        share.places.insert(attempt, place);
        share.ready.insert(place, attempt);
    }

    /// Takes the next attempt and occupies a slot with it.
    pub fn pop(&mut self) -> Option<(TenantName, AttemptId)> {
        if self.running.len() >= self.slots {
            return None;
        }
        let next = self
            .tenants
            .iter()
            .filter(|(_, share)| !share.ready.is_empty())
            .min_by_key(|(_, share)| (share.running, share.served));
        let tenant = next.map(|(tenant, _)| tenant.clone())?;
        self.arrivals = self.arrivals.wrapping_add(1);
        let share = self.tenants.get_mut(&tenant)?;
        let (_, attempt) = share.ready.pop_first()?;
        share.places.remove(&attempt);
        share.running = share.running.saturating_add(1);
        share.served = self.arrivals;
        self.running.insert(attempt, tenant.clone());
        Some((tenant, attempt))
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
    fn tenant(name: &str) -> TenantName {
        name.parse().unwrap()
    }

    #[test]
    fn a_large_fan_of_one_tenant_does_not_hold_up_another() {
        let mut scheduler = Scheduler::new(2);
        (0..1000).for_each(|n| scheduler.push(&tenant("big"), attempt(n), 0));
        let next = |scheduler: &mut Scheduler| scheduler.pop().map(|(_, attempt)| attempt);
        assert_eq!(
            (
                next(&mut scheduler),
                next(&mut scheduler),
                next(&mut scheduler)
            ),
            (Some(attempt(0)), Some(attempt(1)), None)
        );
        scheduler.push(&tenant("small"), attempt(5000), 0);
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
            scheduler.push(&tenant("a"), attempt(n), priority);
        }
        let order: Vec<_> = std::iter::from_fn(|| scheduler.pop())
            .map(|(_, attempt)| attempt)
            .collect();
        assert_eq!(order, [2, 4, 1, 3].map(attempt));
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
                    0 => { if !running.contains(&id) { ready.insert(id); } scheduler.push(&owner, id, 0); }
                    1 => if let Some((_, next)) = scheduler.pop() { prop_assert!(ready.remove(&next)); running.insert(next); },
                    _ => { ready.remove(&id); running.remove(&id); scheduler.remove(&owner, id); }
                }
                prop_assert!(running.len() <= slots);
                prop_assert_eq!(scheduler.load(), (ready.len(), running.len()));
            }
        }
    }
}
