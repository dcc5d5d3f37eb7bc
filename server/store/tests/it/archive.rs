//! Finished runs move to the archive, can be read there, come back, and can be deleted.

use steading_engine::command::Timer;
use steading_store::*;
use steading_types::{Millis, NodeIx, NodePhase, WorkflowPhase};

use crate::fixtures::*;

fn finished(f: &Fixture, run: &RunRef) -> LogFile {
    let log = LogFile {
        container: "main".into(),
        file: "a".into(),
        bytes: 1,
        cut: None,
    };
    commit(
        &f.store,
        [
            put_run(run, "done", WorkflowPhase::Failed),
            put_document(run, "done"),
            Change::PutNodes(run.clone(), nodes(2_000, NodePhase::Succeeded)),
            Change::PutLogIndex(run.tenant.clone(), attempt(run, 5), vec![log.clone()]),
            put_outbox(run, 1),
            Change::SetTimer(run.clone(), Timer::Deadline, Millis(1)),
        ],
    )
    .unwrap();
    log
}

#[test]
fn an_archived_run_reads_like_an_active_one_and_leaves_no_work_behind() {
    let f = fixture();
    let run = run("default", 1);
    let log = finished(&f, &run);
    commit(&f.store, [Change::Archive(run.clone())]).unwrap();
    let f = f.reopen();
    f.store
        .read(|s| {
            let expected = head(&run, "done", WorkflowPhase::Failed);
            assert_eq!(s.run(&run)?, Some((expected, Residence::Archived)));
            assert_eq!(s.document(&run)?, Some(document("done")));
            assert_eq!(s.nodes(&run)?, nodes(2_000, NodePhase::Succeeded));
            assert_eq!(
                s.node(&run, NodeIx(1_999))?,
                Some(node(1_999, NodePhase::Succeeded))
            );
            assert_eq!(s.node(&run, NodeIx(2_000))?, None);
            assert_eq!(
                s.log(&run.tenant, attempt(&run, 5))?,
                Some(vec![log.clone()])
            );
            assert_eq!(
                s.outbox()?.count() + s.timers()?.count() + s.active_runs()?.count(),
                0
            );
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_run_that_comes_back_from_the_archive_is_as_it_was() {
    let f = fixture();
    let run = run("default", 1);
    let log = finished(&f, &run);
    commit(&f.store, [Change::Archive(run.clone())]).unwrap();
    commit(&f.store, [Change::Unarchive(run.clone())]).unwrap();
    f.store
        .read(|s| {
            assert_eq!(s.run(&run)?.unwrap().1, Residence::Active);
            assert_eq!(s.nodes(&run)?, nodes(2_000, NodePhase::Succeeded));
            assert_eq!(s.logs(&run)?, [(attempt(&run, 5), vec![log.clone()])]);
            let failed = RunFilter {
                phases: vec![WorkflowPhase::Failed],
                ..RunFilter::default()
            };
            let page = s.list_runs(&Tenants::All, &failed, None, 10)?;
            assert_eq!(page.runs.len(), 1);
            Ok(())
        })
        .unwrap();
}

#[test]
fn an_archived_run_can_not_be_changed_in_place() {
    let f = fixture();
    let run = run("default", 1);
    finished(&f, &run);
    commit(&f.store, [Change::Archive(run.clone())]).unwrap();
    for change in [
        put_run(&run, "done", WorkflowPhase::Running),
        Change::PutNodes(run.clone(), nodes(1, NodePhase::Failed)),
        put_outbox(&run, 1),
        Change::SetTimer(run.clone(), Timer::Deadline, Millis(1)),
        Change::Archive(run.clone()),
    ] {
        assert_eq!(
            commit(&f.store, [change]).unwrap_err().code(),
            "run.residence"
        );
    }
}

#[test]
fn a_deleted_run_is_gone_with_all_it_owned_and_its_name_is_free() {
    let f = fixture();
    for archive in [false, true] {
        let run = run("default", 1 + u64::from(archive));
        finished(&f, &run);
        if archive {
            commit(&f.store, [Change::Archive(run.clone())]).unwrap();
        }
        commit(&f.store, [Change::DeleteRun(run.clone())]).unwrap();
        f.store
            .read(|s| {
                assert!(s.run(&run)?.is_none() && s.document(&run)?.is_none());
                assert!(s.nodes(&run)?.is_empty() && s.logs(&run)?.is_empty());
                assert_eq!(s.outbox()?.count() + s.timers()?.count(), 0);
                let page = s.list_runs(&Tenants::All, &RunFilter::default(), None, 10)?;
                assert!(page.runs.is_empty());
                Ok(())
            })
            .unwrap();
        let again = commit(&f.store, [Change::DeleteRun(run.clone())]);
        assert_eq!(again.unwrap_err().code(), "run.missing");
    }
}

#[test]
fn an_archived_run_keeps_the_timer_of_its_expiry_until_it_is_deleted() {
    let f = fixture();
    let run = run("default", 1);
    finished(&f, &run);
    let set = Change::SetTimer(run.clone(), Timer::Expiry, Millis(9));
    commit(&f.store, [set, Change::Archive(run.clone())]).unwrap();
    let f = f.reopen();
    let timers = |f: &Fixture| {
        let read = |s: &Snapshot| s.timers()?.collect::<Result<Vec<_>, _>>();
        f.store.read(read).unwrap()
    };
    assert_eq!(timers(&f), [(run.clone(), Timer::Expiry, Millis(9))]);

    let delete = |due| {
        let still = Require::TimerIs(run.clone(), Timer::Expiry, due);
        let batch = Batch::new().require(still);
        let batch = batch.change(Change::DeleteRun(run.clone()));
        f.store.commit_blocking(batch, Pace::Now)
    };
    assert_eq!(delete(Millis(8)).unwrap_err().code(), "run.timer-moved");
    delete(Millis(9)).unwrap();
    assert_eq!(timers(&f), []);
}
