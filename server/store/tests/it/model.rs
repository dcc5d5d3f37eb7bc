//! The store against a model of maps: random batches, some refused, with the store closed and opened
//! in between, leave exactly what the model says.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use steading_store::*;
use steading_types::{NodeIx, NodePhase, WorkflowPhase};

use crate::fixtures::*;

/// One random step.
#[derive(Debug, Clone)]
enum Step {
    Commit(Vec<Act>),
    Reopen,
}

/// One random change of one of four runs.
#[derive(Debug, Clone)]
enum Act {
    Put(u64, bool),
    Nodes(u64, u32, usize),
    Drop(u64, u32),
    Outbox(u64, u32),
    Done(u64, u32),
    Archive(u64),
    Unarchive(u64),
    Delete(u64),
}

fn act() -> impl Strategy<Value = Act> {
    let run = 0..4u64;
    let ix = 0..3u32;
    prop_oneof![
        4 => (run.clone(), any::<bool>()).prop_map(|(r, f)| Act::Put(r, f)),
        4 => (run.clone(), ix.clone(), prop_oneof![Just(1), Just(70_000)])
            .prop_map(|(r, n, size)| Act::Nodes(r, n, size)),
        1 => (run.clone(), ix.clone()).prop_map(|(r, n)| Act::Drop(r, n)),
        2 => (run.clone(), ix.clone()).prop_map(|(r, n)| Act::Outbox(r, n)),
        1 => (run.clone(), ix).prop_map(|(r, n)| Act::Done(r, n)),
        2 => run.clone().prop_map(Act::Archive),
        2 => run.clone().prop_map(Act::Unarchive),
        1 => run.prop_map(Act::Delete),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => prop::collection::vec(act(), 1..5).prop_map(Step::Commit),
        1 => Just(Step::Reopen),
    ]
}

/// What the model knows of a run.
#[derive(Debug, Clone, Default, PartialEq)]
struct Known {
    failed: bool,
    archived: bool,
    nodes: BTreeMap<u32, usize>,
    outbox: BTreeSet<u32>,
}

type Model = BTreeMap<u64, Known>;

fn sized(ix: u32, size: usize) -> steading_engine::node::Node {
    let mut node = node(ix, NodePhase::Running);
    let noise = (0..size as u64).map(|n| {
        let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58;
        char::from(b'0' + mixed as u8)
    });
    node.outputs.result = Some(noise.collect());
    node
}

fn phase(failed: bool) -> WorkflowPhase {
    if failed {
        WorkflowPhase::Failed
    } else {
        WorkflowPhase::Succeeded
    }
}

/// Applies one change to the model; nothing when it must be refused.
fn apply(model: &mut Model, act: &Act) -> Option<()> {
    let active = |model: &mut Model, r: u64| model.contains_key(&r) && !model[&r].archived;
    match *act {
        Act::Put(r, failed) => {
            let known = model.entry(r).or_default();
            (!known.archived).then(|| known.failed = failed)
        }
        Act::Nodes(r, ix, size) => active(model, r).then(|| {
            model.entry(r).or_default().nodes.insert(ix, size);
        }),
        Act::Drop(r, ix) => active(model, r).then(|| {
            model.entry(r).or_default().nodes.remove(&ix);
        }),
        Act::Outbox(r, ix) => active(model, r).then(|| {
            model.entry(r).or_default().outbox.insert(ix);
        }),
        Act::Done(r, ix) => {
            if let Some(known) = model.get_mut(&r) {
                known.outbox.remove(&ix);
            }
            Some(())
        }
        Act::Archive(r) => active(model, r).then(|| {
            let known = model.entry(r).or_default();
            known.archived = true;
            known.outbox.clear();
        }),
        Act::Unarchive(r) => {
            let known = model.get_mut(&r)?;
            known.archived.then(|| known.archived = false)
        }
        Act::Delete(r) => model.remove(&r).map(drop),
    }
}

fn change(act: &Act) -> Change {
    match *act {
        Act::Put(r, failed) => put_run(&run("default", r), &format!("r{r}"), phase(failed)),
        Act::Nodes(r, ix, size) => Change::PutNodes(run("default", r), vec![sized(ix, size)]),
        Act::Drop(r, ix) => Change::RemoveNodes(run("default", r), vec![NodeIx(ix)]),
        Act::Outbox(r, ix) => put_outbox(&run("default", r), ix),
        Act::Done(r, ix) => {
            Change::RemoveOutbox(tenant("default"), attempt(&run("default", r), ix))
        }
        Act::Archive(r) => Change::Archive(run("default", r)),
        Act::Unarchive(r) => Change::Unarchive(run("default", r)),
        Act::Delete(r) => Change::DeleteRun(run("default", r)),
    }
}

fn agree(store: &Store, model: &Model) {
    store
        .read(|s| {
            for r in 0..4 {
                let run = run("default", r);
                let found = s.run(&run)?;
                let known = model.get(&r);
                assert_eq!(found.is_some(), known.is_some());
                let known = known.cloned().unwrap_or_default();
                if let Some((head, residence)) = found {
                    assert_eq!(head.phase, phase(known.failed));
                    assert_eq!(residence == Residence::Archived, known.archived);
                }
                let nodes: Vec<_> = known
                    .nodes
                    .iter()
                    .map(|(ix, size)| sized(*ix, *size))
                    .collect();
                assert_eq!(s.nodes(&run)?, nodes);
            }
            let outbox: usize = model.values().map(|known| known.outbox.len()).sum();
            assert_eq!(s.outbox()?.count(), outbox);
            for failed in [true, false] {
                let filter = RunFilter {
                    phases: vec![phase(failed)],
                    ..RunFilter::default()
                };
                let page = s.list_runs(&Tenants::All, &filter, None, 10)?;
                let expected = model
                    .values()
                    .filter(|known| known.failed == failed)
                    .count();
                assert_eq!(page.runs.len(), expected);
            }
            Ok(())
        })
        .unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_committed_the_store_agrees_with_a_model(
        steps in prop::collection::vec(step(), 1..25)
    ) {
        let mut f = fixture_with(Options { journal_bytes: 8 * 1024, ..options() });
        let mut model = Model::new();
        for step in steps {
            match step {
                Step::Reopen => f = f.reopen(),
                Step::Commit(acts) => {
                    let mut next = model.clone();
                    let allowed = acts.iter().try_for_each(|act| apply(&mut next, act));
                    let kept = commit(&f.store, acts.iter().map(change));
                    prop_assert_eq!(kept.is_ok(), allowed.is_some(), "{:?}", kept);
                    if allowed.is_some() {
                        model = next;
                    }
                }
            }
            agree(&f.store, &model);
        }
        agree(&f.reopen().store, &model);
    }
}
