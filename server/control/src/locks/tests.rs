use std::cmp::Reverse;

use proptest::prelude::*;
use steading_engine::lock::LockKind;

use super::*;

fn mutex(name: &str) -> LockName {
    LockName {
        namespace: "default".into(),
        kind: LockKind::Mutex(name.into()),
    }
}

fn id(n: u64) -> HoldId {
    HoldId {
        run: RunId::new(Millis(n), 7),
        holder: Holder::Run,
        request: REQUEST,
    }
}

const REQUEST: Request = Request {
    generation: 0,
    number: 0,
};

fn hold(locks: &[&str], priority: i32, asked: u64) -> Hold {
    Hold {
        locks: locks.iter().map(|name| mutex(name)).collect(),
        stage: HoldStage::Waiting,
        since: Millis(asked),
        request: REQUEST,
        rank: Rank {
            priority: Reverse(priority),
            created: Millis(asked),
            asked: Millis(asked),
        },
        who: format!("default/{asked}"),
    }
}

fn one(_: &LockName) -> Limit {
    Limit::Known(1)
}

#[test]
fn the_higher_priority_goes_first_and_equals_go_by_age() {
    let mut locks = Locks::default();
    let now = Millis(100);
    assert_eq!(locks.enter(id(1), hold(&["a"], 0, 1), one, now), [id(1)]);
    for (n, priority) in [(4, 0), (3, 5), (2, 0)] {
        assert!(
            locks
                .enter(id(n), hold(&["a"], priority, n), one, now)
                .is_empty()
        );
    }
    let mut order = Vec::new();
    let mut last = id(1);
    while let Some(next) = locks.release(last, now).first().copied() {
        order.push(next);
        last = next;
    }
    assert_eq!(order, [id(3), id(2), id(4)]);
    assert!(locks.view(10).is_empty());
}

#[test]
fn several_locks_are_had_all_or_none_and_nobody_overtakes() {
    let mut locks = Locks::default();
    let now = Millis(100);
    locks.enter(id(1), hold(&["b"], 0, 1), one, now);
    assert!(
        locks
            .enter(id(2), hold(&["a", "b"], 0, 2), one, now)
            .is_empty()
    );
    assert!(locks.enter(id(3), hold(&["a"], 0, 3), one, now).is_empty());
    assert_eq!(
        locks.waits_for(id(2)).unwrap(),
        "Waiting for default/Mutex/b lock. Lock status: 0/1 (held by default/1 since 1970-01-01T00:00:00Z)"
    );
    assert_eq!(locks.release(id(1), now), [id(2)]);
    assert_eq!(locks.release(id(2), now), [id(3)]);
}

#[test]
fn a_changed_limit_holds_at_once() {
    let mut locks = Locks::default();
    let now = Millis(100);
    for n in 1..=4 {
        locks.enter(id(n), hold(&["a"], 0, n), one, now);
    }
    assert_eq!(locks.measure(|_| Limit::Known(3), now), [id(2), id(3)]);
    assert!(locks.measure(one, now).is_empty());
    assert!(locks.release(id(1), now).is_empty());
    assert!(locks.release(id(2), now).is_empty());
    assert_eq!(locks.release(id(3), now), [id(4)]);
}

#[test]
fn a_run_that_others_wait_for_does_not_wait_behind_them() {
    let (mut locks, now) = (Locks::default(), Millis(100));
    assert_eq!(locks.enter(id(1), hold(&["b"], 0, 1), one, now), [id(1)]);
    assert!(
        locks
            .enter(id(2), hold(&["a", "b"], 5, 2), one, now)
            .is_empty()
    );
    let inner = HoldId {
        holder: Holder::Node(NodeIx(3)),
        ..id(1)
    };
    assert_eq!(locks.enter(inner, hold(&["a"], 0, 3), one, now), [inner]);
    assert!(locks.release(inner, now).is_empty());
    assert_eq!(locks.release(id(1), now), [id(2)]);
}

#[test]
fn nobody_gets_a_lock_whose_limit_is_unknown_and_everybody_sees_why() {
    let (mut locks, now) = (Locks::default(), Millis(100));
    let unknown = |_: &LockName| Limit::Unknown("no such key".into());
    assert!(
        locks
            .enter(id(1), hold(&["a"], 0, 1), unknown, now)
            .is_empty()
    );
    assert_eq!(
        locks.waits_for(id(1)).unwrap(),
        "Waiting for default/Mutex/a lock: no such key"
    );
    assert_eq!(locks.measure(one, now), [id(1)]);
}

#[test]
fn after_a_restart_the_first_in_the_queue_goes_first_whatever_the_order_of_rows() {
    let (mut locks, now) = (Locks::default(), Millis(100));
    for n in [3, 1, 2] {
        locks.restore(id(n), hold(&["a"], 0, n));
    }
    assert_eq!(locks.measure(one, now), [id(1)]);
}

proptest! {
    #[test]
    fn no_lock_is_over_held_nothing_leaks_and_everybody_gets_his_turn(
        asks in prop::collection::vec((prop::collection::btree_set(0usize..4, 1..4), -1i32..2), 1..40),
        releases in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
        limit in 1u32..3,
    ) {
        let names = ["a", "b", "c", "d"];
        let (mut locks, now) = (Locks::default(), Millis(9));
        let mut held: Vec<HoldId> = Vec::new();
        for (n, (wanted, priority)) in (1u64..).zip(&asks) {
            let wanted: Vec<&str> = wanted.iter().map(|i| names[*i]).collect();
            held.extend(locks.enter(id(n), hold(&wanted, *priority, n), |_| Limit::Known(limit), now));
            if let Some(which) = releases.get(n as usize).filter(|_| !held.is_empty()) {
                let gone = held.swap_remove(which.index(held.len()));
                held.extend(locks.release(gone, now));
            }
            prop_assert!(locks.view(0).iter().all(|lock| lock.holders.len() <= limit as usize));
            // After a crash the rows say the same, in any order.
            let mut again = Locks::default();
            for (id, hold) in locks.holds.clone() {
                again.restore(id, hold);
            }
            prop_assert!(again.measure(|_| Limit::Known(limit), now).is_empty());
            prop_assert_eq!(again.view(99), locks.view(99));
        }
        while let Some(last) = held.pop() {
            held.extend(locks.release(last, now));
        }
        prop_assert!(locks.holds.is_empty() && locks.locks.is_empty() && locks.holding.is_empty());
    }
}
