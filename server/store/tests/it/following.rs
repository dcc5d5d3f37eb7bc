//! The change feed: in order, from any place, without gaps.

use steading_store::*;
use steading_types::{NodeIx, NodePhase, WorkflowPhase};

use crate::fixtures::*;

#[test]
fn a_follower_sees_every_commit_in_order_from_its_place_and_then_live() {
    let f = fixture();
    let run = run("default", 1);
    let before = f.store.latest();
    let changes = [
        put_run(&run, "x", WorkflowPhase::Running),
        Change::PutNodes(run.clone(), nodes(2, NodePhase::Running)),
    ];
    commit(&f.store, changes).unwrap();
    block_on(async {
        let mut feed = f.store.feed(Some(before));
        let event = feed.next().await.unwrap();
        assert_eq!(event.seq, before.next());
        let expected = [
            EventItem::Run {
                run: run.id,
                name: "x".parse().unwrap(),
                change: RunChange::Created,
            },
            EventItem::Nodes {
                run: run.id,
                nodes: ChangedNodes::Listed(vec![NodeIx(0), NodeIx(1)]),
            },
        ];
        let expected = expected.map(|item| (run.tenant.clone(), item));
        assert_eq!(event.items, expected);

        let live = tokio::spawn(async move { feed.next().await });
        let batch = Batch::new().change(Change::DeleteRun(run.clone()));
        let seq = f.store.commit(batch, Pace::Now).await.unwrap().seq;
        let event = live.await.unwrap().unwrap();
        assert_eq!(event.seq, seq);
        let deleted = EventItem::Run {
            run: run.id,
            name: "x".parse().unwrap(),
            change: RunChange::Deleted,
        };
        assert_eq!(event.items, [(run.tenant.clone(), deleted)]);
    });
}

/// Commits that many small changes.
fn fill(store: &Store, count: u32) {
    let pending: Vec<_> = (0..count)
        .map(|n| {
            let value = n.to_le_bytes().to_vec();
            let change = Change::PutSetting(Owner::Site, "k".into(), value);
            store.commit(Batch::new().change(change), Pace::Lazy)
        })
        .collect();
    for commit in pending {
        block_on(commit).unwrap();
    }
}

#[test]
fn the_feed_goes_on_over_a_restart_and_a_slow_follower_misses_nothing() {
    let f = fixture();
    let from = f.store.latest();
    let early = f.store.feed(Some(from));
    // More than memory keeps, so that the table must answer.
    fill(&f.store, 2_500);
    let follow = |mut feed: Feed, until: Seq| {
        let mut place = from;
        while place < until {
            let event = block_on(feed.next()).unwrap();
            assert_eq!(event.seq, place.next());
            place = event.seq;
        }
    };
    follow(early, f.store.latest());
    let f = f.reopen();
    follow(f.store.feed(Some(from)), f.store.latest());
}

#[test]
fn who_asks_for_what_was_trimmed_is_told_where_the_feed_begins() {
    let f = fixture_with(Options {
        feed_rows: 10,
        ..options()
    });
    fill(&f.store, 1_100);
    let latest = f.store.latest();
    let next = |after| block_on(f.store.feed(Some(Seq(after))).next());
    let Err(StoreError::Gone { oldest }) = next(1) else {
        panic!("the feed still has what was trimmed")
    };
    assert_eq!(oldest.0, latest.0 - 9);
    assert_eq!(next(oldest.0 - 1).unwrap().seq, oldest);
    assert_eq!(next(latest.0 + 1).unwrap_err().code(), "feed.gone");
}

#[test]
fn who_follows_a_closed_store_is_told_so() {
    let f = fixture();
    let mut feed = f.store.feed(None);
    drop(f);
    assert_eq!(block_on(feed.next()).unwrap_err().code(), "store.closed");
}
