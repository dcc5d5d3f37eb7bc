//! Who gets which lock of a tenant: the higher priority first, then the older run, then whoever asked first.
//! Pure.
//!
//! A holder gets all that it asks for at once, or waits for all. It must come first in the queue of each of
//! its locks; one order holds for all queues, so somebody always comes first in all of his, and nobody waits
//! in a circle. A run that has a lock already goes before those who are first but must wait for another lock:
//! it may be the one that they wait for. What is granted here is on disk before anybody acts on it, and what is released was on disk
//! before: after a crash the rows tell the same.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::RangeInclusive;

use steading_engine::lock::{Hold, HoldId, HoldStage, Holder, LockName, Rank, Request};
use steading_engine::rfc3339;
use steading_types::{Millis, NodeIx, RunId};

/// Locks of one tenant.
#[derive(Debug, Default)]
pub struct Locks {
    locks: BTreeMap<LockName, Lock>,
    holds: BTreeMap<HoldId, Hold>,
    /// How many of its requests a run was granted.
    holding: HashMap<RunId, u32>,
}

/// How many may have a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Limit {
    /// So many.
    Known(u32),
    /// Nobody can say, and therefore nobody gets it; the reason, for people.
    Unknown(String),
}

impl Default for Limit {
    fn default() -> Self {
        Self::Known(0)
    }
}

impl Limit {
    fn count(&self) -> usize {
        match self {
            Self::Known(count) => *count as usize,
            Self::Unknown(_) => 0,
        }
    }
}

#[derive(Debug, Default)]
struct Lock {
    limit: Limit,
    held: BTreeSet<HoldId>,
    queue: BTreeSet<(Rank, HoldId)>,
}

/// A lock as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockView {
    /// The lock.
    pub name: LockName,
    /// How many may have it.
    pub limit: Limit,
    /// Who has it, and since when; the longest first.
    pub holders: Vec<(String, Millis)>,
    /// Who waits, and since when; the next first.
    pub waiters: Vec<(String, Millis)>,
}

impl Lock {
    fn has_room(&self) -> bool {
        self.held.len() < self.limit.count()
    }
}

impl Locks {
    /// Enters what a holder asks for. Says who may go on now.
    ///
    /// `limit` says how many may have a lock.
    pub fn enter(
        &mut self,
        id: HoldId,
        hold: Hold,
        limit: impl Fn(&LockName) -> Limit,
        now: Millis,
    ) -> Vec<HoldId> {
        if !hold.stage.asks() || self.holds.contains_key(&id) {
            return Vec::new();
        }
        let names: Vec<LockName> = hold.locks.iter().cloned().collect();
        self.restore(id, hold);
        for name in &names {
            if let Some(lock) = self.locks.get_mut(name) {
                lock.limit = limit(name);
            }
        }
        self.settle(names, now)
    }

    /// Enters what a holder had or asked for before a restart. Nobody goes on before [`Locks::measure`].
    pub fn restore(&mut self, id: HoldId, hold: Hold) {
        for name in &hold.locks {
            let lock = self.locks.entry(name.clone()).or_default();
            match hold.stage {
                HoldStage::Held => lock.held.insert(id),
                _ => lock.queue.insert((hold.rank, id)),
            };
        }
        if hold.stage == HoldStage::Held {
            *self.holding.entry(id.run).or_default() += 1;
        }
        self.holds.insert(id, hold);
    }

    /// A holder has no need of its locks any more, whether it had them or waited. Says who may go on now.
    pub fn release(&mut self, id: HoldId, now: Millis) -> Vec<HoldId> {
        let Some(hold) = self.holds.remove(&id) else {
            return Vec::new();
        };
        if hold.stage == HoldStage::Held
            && let Entry::Occupied(mut count) = self.holding.entry(id.run)
        {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
        for name in &hold.locks {
            if let Some(lock) = self.locks.get_mut(name) {
                lock.held.remove(&id);
                lock.queue.remove(&(hold.rank, id));
                if lock.held.is_empty() && lock.queue.is_empty() {
                    self.locks.remove(name);
                }
            }
        }
        self.settle(hold.locks.into_iter().collect(), now)
    }

    /// Releases all that a run has. Says who may go on now.
    pub fn release_run(&mut self, run: RunId, now: Millis) -> Vec<HoldId> {
        let all = Holder::Run..=Holder::Node(NodeIx(u32::MAX));
        let of_run: Vec<HoldId> = self.requests(run, all).collect();
        let released = of_run.into_iter().map(|id| self.release(id, now));
        let granted: Vec<HoldId> = released.flatten().collect();
        granted.into_iter().filter(|id| id.run != run).collect()
    }

    /// Reads the limits of all locks anew. Says who may go on now.
    pub fn measure(&mut self, limit: impl Fn(&LockName) -> Limit, now: Millis) -> Vec<HoldId> {
        for (name, lock) in &mut self.locks {
            lock.limit = limit(name);
        }
        let names = self.locks.keys().cloned().collect();
        self.settle(names, now)
    }

    /// Lets go on who can, beginning with those who come first at these locks.
    fn settle(&mut self, mut names: Vec<LockName>, now: Millis) -> Vec<HoldId> {
        let mut granted = Vec::new();
        while let Some(name) = names.pop() {
            while let Some(id) = self.next(&name) {
                let Some(hold) = self.holds.get_mut(&id) else {
                    break;
                };
                hold.stage = HoldStage::Held;
                hold.since = now;
                *self.holding.entry(id.run).or_default() += 1;
                for other in &hold.locks {
                    if let Some(lock) = self.locks.get_mut(other) {
                        lock.queue.remove(&(hold.rank, id));
                        lock.held.insert(id);
                    }
                    if *other != name {
                        names.push(other.clone());
                    }
                }
                granted.push(id);
            }
        }
        granted
    }

    /// Who gets a lock next: the first in its queue, if it comes first everywhere and there is room, or else
    /// the first of a run that has locks.
    fn next(&self, name: &LockName) -> Option<HoldId> {
        let lock = self.locks.get(name).filter(|lock| lock.has_room())?;
        let first = lock.queue.first()?;
        let foremost = |lock: &Lock| lock.queue.first() == Some(first) && lock.has_room();
        if self.all(first.1, foremost) {
            return Some(first.1);
        }
        let mut holding = lock.queue.iter().map(|(_, id)| *id);
        holding.find(|id| self.holding.contains_key(&id.run) && self.all(*id, Lock::has_room))
    }

    /// Whether this is so for all locks that a holder asks for.
    fn all(&self, id: HoldId, so: impl Fn(&Lock) -> bool) -> bool {
        let wanted = self.holds.get(&id).map(|hold| &hold.locks);
        wanted.is_some_and(|wanted| {
            let mut locks = wanted.iter().map(|name| self.locks.get(name));
            locks.all(|lock| lock.is_some_and(&so))
        })
    }

    /// The requests of these holders of a run.
    fn requests(
        &self,
        run: RunId,
        holders: RangeInclusive<Holder>,
    ) -> impl DoubleEndedIterator<Item = HoldId> {
        let id = |holder, number| HoldId {
            run,
            holder,
            request: Request {
                generation: number,
                number,
            },
        };
        let range = id(*holders.start(), 0)..=id(*holders.end(), u32::MAX);
        self.holds.range(range).map(|(id, _)| *id)
    }

    /// Whether a run has or waits for anything.
    pub fn knows(&self, run: RunId) -> bool {
        let all = Holder::Run..=Holder::Node(NodeIx(u32::MAX));
        self.requests(run, all).next().is_some()
    }

    /// The latest request of a holder.
    pub fn request(&self, run: RunId, holder: Holder) -> Option<HoldId> {
        self.requests(run, holder..=holder).next_back()
    }

    /// Whether a request has no answer yet.
    pub fn waits(&self, id: HoldId) -> bool {
        self.holds.get(&id).is_some_and(|hold| hold.stage.asks())
    }

    /// Argo's sentence for a holder that waits, and who has what it waits for; nothing when it does not.
    pub fn waits_for(&self, id: HoldId) -> Option<String> {
        let hold = self.holds.get(&id)?;
        let waits = hold.stage.asks();
        let busy = |name: &&LockName| self.locks.get(name).is_some_and(|lock| !lock.has_room());
        let name = hold.locks.iter().find(busy).or(hold.locks.first());
        let (name, lock) = name
            .filter(|_| waits)
            .and_then(|name| Some((name, self.locks.get(name)?)))?;
        let text = match &lock.limit {
            Limit::Known(limit) => {
                let free = lock.limit.count().saturating_sub(lock.held.len());
                format!("Waiting for {name} lock. Lock status: {free}/{limit}")
            }
            Limit::Unknown(reason) => format!("Waiting for {name} lock: {reason}"),
        };
        Some(text + &held_by(self.holders(lock)))
    }

    /// Every lock that somebody has or waits for, with at most so many who wait.
    pub fn view(&self, waiters: usize) -> Vec<LockView> {
        let view = |(name, lock)| self.view_of(name, lock, waiters);
        self.locks.iter().map(view).collect()
    }

    fn view_of(&self, name: &LockName, lock: &Lock, waiters: usize) -> LockView {
        let queue = lock.queue.iter().map(|(_, id)| id);
        LockView {
            name: name.clone(),
            limit: lock.limit.clone(),
            holders: self.holders(lock),
            waiters: queue
                .take(waiters)
                .filter_map(|id| self.holds.get(id))
                .map(|hold| (hold.who.clone(), hold.since))
                .collect(),
        }
    }

    fn holders(&self, lock: &Lock) -> Vec<(String, Millis)> {
        let holds = lock.held.iter().filter_map(|id| self.holds.get(id));
        let mut holders: Vec<_> = holds.map(|hold| (hold.who.clone(), hold.since)).collect();
        holders.sort_by_key(|(_, since)| *since);
        holders
    }
}

/// ` (held by A since T, and 2 more)`, of those who hold something; nothing when nobody does.
pub(crate) fn held_by(holders: Vec<(String, Millis)>) -> String {
    let more = holders.len().saturating_sub(1);
    let first = holders.into_iter().min_by_key(|(_, since)| *since);
    let Some((who, since)) = first else {
        return String::new();
    };
    let since = rfc3339(since);
    match more {
        0 => format!(" (held by {who} since {since})"),
        more => format!(" (held by {who} since {since}, and {more} more)"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests;
