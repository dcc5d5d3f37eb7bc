//! Batches: all or nothing, in order, alone in their failure.

use steading_engine::command::Timer;
use steading_store::*;
use steading_types::{Millis, NodeIx, NodePhase, WorkflowPhase};

use crate::fixtures::*;

#[test]
fn what_was_committed_is_read_back_as_it_was_also_after_a_restart() {
    let mut f = fixture();
    let run = run("default", 1);
    let logs = vec![LogFile {
        container: "main".into(),
        file: "01/main.log".into(),
        bytes: 77,
        cut: Some(70),
    }];
    commit(
        &f.store,
        [
            put_run(&run, "hello", WorkflowPhase::Running),
            put_document(&run, "hello"),
            Change::PutNodes(run.clone(), nodes(3, NodePhase::Running)),
            put_outbox(&run, 2),
            Change::SetTimer(run.clone(), Timer::Backoff(NodeIx(2)), Millis(500)),
            Change::SetTimer(run.clone(), Timer::Deadline, Millis(400)),
            Change::SetTimer(run.clone(), Timer::Deadline, Millis(600)),
            Change::PutLogIndex(run.tenant.clone(), attempt(&run, 2), logs.clone()),
        ],
    )
    .unwrap();
    for _ in 0..2 {
        f.store
            .read(|s| {
                let found = s.run(&run)?.unwrap();
                assert_eq!(found.0, head(&run, "hello", WorkflowPhase::Running));
                assert_eq!(found.1, Residence::Active);
                assert_eq!(
                    s.run_named(&run.tenant, &"hello".parse().unwrap())?,
                    Some(run.clone())
                );
                assert_eq!(s.document(&run)?, Some(document("hello")));
                assert_eq!(s.nodes(&run)?, nodes(3, NodePhase::Running));
                assert_eq!(s.node(&run, NodeIx(1))?, Some(node(1, NodePhase::Running)));
                let outboxes: Vec<_> = s.outbox()?.collect::<Result<_, _>>()?;
                assert_eq!(
                    outboxes,
                    [(run.tenant.clone(), attempt(&run, 2), outbox("h"))]
                );
                let timers: Vec<_> = s.timers()?.collect::<Result<_, _>>()?;
                assert_eq!(
                    timers,
                    [
                        (run.clone(), Timer::Deadline, Millis(600)),
                        (run.clone(), Timer::Backoff(NodeIx(2)), Millis(500)),
                    ]
                );
                assert_eq!(s.log(&run.tenant, attempt(&run, 2))?, Some(logs.clone()));
                let active: Vec<_> = s.active_runs()?.collect::<Result<_, _>>()?;
                assert_eq!(active.len(), 1);
                Ok(())
            })
            .unwrap();
        f = f.reopen();
    }
}

#[test]
fn a_batch_whose_requirement_fails_keeps_nothing_and_the_others_go_on() {
    let f = fixture();
    let (a, b, c) = (run("default", 1), run("default", 2), run("default", 3));
    let batch = |run: &RunRef, name: &str| {
        Batch::new()
            .change(put_run(run, name, WorkflowPhase::Pending))
            .change(Change::PutNodes(run.clone(), nodes(2, NodePhase::Pending)))
            .change(put_outbox(run, 0))
    };
    // Queued together: the second takes a name that the first has just claimed.
    let taken = Require::RunNameFree(b.tenant.clone(), "x".parse().unwrap());
    let first = f.store.commit(batch(&a, "x"), Pace::Lazy);
    let second = f.store.commit(batch(&b, "y").require(taken), Pace::Lazy);
    let renamed = f.store.commit(batch(&b, "x"), Pace::Lazy);
    let third = f.store.commit(batch(&c, "z"), Pace::Now);
    assert!(block_on(first).is_ok());
    assert_eq!(block_on(second).unwrap_err().code(), "run.name-taken");
    assert_eq!(block_on(renamed).unwrap_err().code(), "run.name-taken");
    assert!(block_on(third).is_ok());
    f.store
        .read(|s| {
            assert!(s.run(&b)?.is_none() && s.nodes(&b)?.is_empty());
            assert!(s.run(&a)?.is_some() && s.run(&c)?.is_some());
            assert_eq!(s.outbox()?.count(), 2);
            assert!(s.run_named(&b.tenant, &"y".parse().unwrap())?.is_none());
            Ok(())
        })
        .unwrap();
}

#[test]
fn commits_are_numbered_in_the_order_of_the_calls() {
    let f = fixture();
    let first = f.store.latest();
    let futures: Vec<_> = (0..50)
        .map(|n| {
            let change = Change::PutSetting(Owner::Site, format!("k{n}"), vec![n]);
            let pace = if n % 7 == 6 { Pace::Now } else { Pace::Lazy };
            f.store.commit(Batch::new().change(change), pace)
        })
        .collect();
    let mut expected = first;
    for future in futures {
        expected = expected.next();
        assert_eq!(block_on(future).unwrap().seq, expected);
    }
    assert_eq!(f.store.read(|s| s.seq()).unwrap(), expected);
}

#[test]
fn every_tenant_sees_its_own_only() {
    let f = fixture();
    let (mine, theirs) = (run("default", 1), run("other", 1));
    commit(&f.store, [put_run(&mine, "same", WorkflowPhase::Running)]).unwrap();
    f.store
        .read(|s| {
            assert!(s.run(&mine)?.is_some());
            assert!(s.run(&theirs)?.is_none());
            assert!(
                s.run_named(&theirs.tenant, &"same".parse().unwrap())?
                    .is_none()
            );
            Ok(())
        })
        .unwrap();
    // The same name is free in another tenant.
    commit(
        &f.store,
        [put_run(&run("other", 2), "same", WorkflowPhase::Running)],
    )
    .unwrap();
    let nobody = run("nobody", 1);
    let refused = commit(&f.store, [put_run(&nobody, "x", WorkflowPhase::Running)]);
    assert_eq!(refused.unwrap_err().code(), "tenant.missing");
    assert!(f.store.read(|s| s.run(&nobody)).unwrap().is_none());
}

#[test]
fn a_value_of_any_size_is_kept_and_a_shorter_one_replaces_it_whole() {
    let f = fixture();
    let run = run("default", 1);
    commit(&f.store, [put_run(&run, "big", WorkflowPhase::Running)]).unwrap();
    let mut big = node(7, NodePhase::Succeeded);
    // Hardly compressible, so that it needs several pieces.
    big.outputs.result = Some(
        (0..60_000u64)
            .map(|n| format!("{:x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
            .collect(),
    );
    let small = node(7, NodePhase::Succeeded);
    for stored in [&big, &small, &big] {
        commit(
            &f.store,
            [Change::PutNodes(run.clone(), vec![stored.clone()])],
        )
        .unwrap();
        f.store
            .read(|s| {
                assert_eq!(s.node(&run, NodeIx(7))?.as_ref(), Some(stored));
                assert_eq!(s.nodes(&run)?, std::slice::from_ref(stored));
                Ok(())
            })
            .unwrap();
    }
    commit(
        &f.store,
        [Change::RemoveNodes(run.clone(), vec![NodeIx(7)])],
    )
    .unwrap();
    assert!(f.store.read(|s| s.nodes(&run)).unwrap().is_empty());
}

#[test]
fn a_template_is_written_only_over_the_version_that_its_author_saw() {
    let f = fixture();
    let (owner, name) = (
        Owner::Tenant(tenant("default")),
        "etl".parse::<steading_types::WorkflowName>().unwrap(),
    );
    let kind = TemplateKind::WorkflowTemplate;
    let put = |require, text: &str| {
        let change = Change::PutTemplate {
            owner: owner.clone(),
            kind,
            name: name.clone(),
            created: Millis(text.len() as u64),
            object: std::sync::Arc::new(serde_json::json!({ "spec": text })),
        };
        let batch = Batch::new().require(require).change(change);
        f.store.commit_blocking(batch, Pace::Now)
    };
    let absent = || Require::TemplateAbsent(owner.clone(), kind, name.clone());
    let at = |seq| Require::TemplateVersion(owner.clone(), kind, name.clone(), seq);
    let first = put(absent(), "1").unwrap().seq;
    assert_eq!(put(absent(), "2").unwrap_err().code(), "template.exists");
    let second = put(at(first), "two").unwrap().seq;
    assert_eq!(put(at(first), "3").unwrap_err().code(), "template.changed");
    let stored = f
        .store
        .read(|s| s.template(&owner, kind, &name))
        .unwrap()
        .unwrap();
    assert_eq!((stored.version, stored.created), (second, Millis(1)));
    assert_eq!(stored.object["spec"], "two");
    assert_eq!(
        f.store.read(|s| s.templates(&owner, kind)).unwrap(),
        [stored]
    );
    assert!(
        f.store
            .read(|s| s.templates(&Owner::Tenant(tenant("other")), kind))
            .unwrap()
            .is_empty()
    );
    let sites = f.store.read(|s| s.templates(&Owner::Site, kind)).unwrap();
    assert!(sites.is_empty());
    commit(
        &f.store,
        [Change::DeleteTemplate(owner.clone(), kind, name.clone())],
    )
    .unwrap();
    assert!(
        f.store
            .read(|s| s.template(&owner, kind, &name))
            .unwrap()
            .is_none()
    );
}

#[test]
fn an_object_is_its_tenants_and_written_only_over_the_version_that_its_author_saw() {
    let f = fixture();
    let (ours, theirs) = (tenant("default"), tenant("other"));
    let name: steading_types::ObjectName = "settings".parse().unwrap();
    let kind = ObjectKind::ConfigMap;
    let row = |text: &str| ObjectRow {
        created: Millis(1),
        object: serde_json::json!({ "data": { "a": text } }),
        sealed: None,
        run: None,
        lease: Lease::Held,
    };
    let put = |seen, text: &str| {
        let change = Change::PutObject(ours.clone(), kind, name.clone(), row(text));
        let seen = Require::ObjectIs(ours.clone(), kind, name.clone(), seen);
        f.store
            .commit_blocking(Batch::new().require(seen).change(change), Pace::Now)
    };
    let first = put(None, "1").unwrap().seq;
    assert_eq!(put(None, "2").unwrap_err().code(), "object.changed");
    let second = put(Some(first), "two").unwrap().seq;
    assert_eq!(put(Some(first), "3").unwrap_err().code(), "object.changed");
    let get = |tenant, kind| f.store.read(|s| s.object(tenant, kind, &name)).unwrap();
    let stored = get(&ours, kind).unwrap();
    assert_eq!((stored.version, &stored.row), (second, &row("two")));
    assert_eq!(f.store.read(|s| s.objects(&ours, kind)).unwrap(), [stored]);
    // A13: not under another tenant, nor as another kind.
    assert_eq!(get(&theirs, kind), None);
    assert_eq!(get(&ours, ObjectKind::Secret), None);
    commit(
        &f.store,
        [Change::DeleteObject(theirs.clone(), kind, name.clone())],
    )
    .unwrap();
    assert!(get(&ours, kind).is_some());
    commit(
        &f.store,
        [Change::DeleteObject(ours.clone(), kind, name.clone())],
    )
    .unwrap();
    assert_eq!(get(&ours, kind), None);
}

#[test]
fn a_token_is_found_by_its_hash_and_stays_revoked() {
    let f = fixture();
    let hash = TokenHash([9; 32]);
    let mut token = Token {
        principal: "ada".into(),
        scope: TokenScope::Tenants(vec![tenant("default")]),
        permissions: vec!["run:*".into()],
        note: "laptop".into(),
        created: Millis(1),
        expires: Some(Millis(99)),
        revoked: None,
    };
    commit(&f.store, [Change::PutToken(hash, token.clone())]).unwrap();
    assert_eq!(
        f.store.read(|s| s.token(&hash)).unwrap(),
        Some(token.clone())
    );
    commit(&f.store, [Change::RevokeToken(hash, Millis(50))]).unwrap();
    commit(&f.store, [Change::RevokeToken(hash, Millis(60))]).unwrap();
    token.revoked = Some(Millis(50));
    assert_eq!(f.store.read(|s| s.tokens()).unwrap(), [(hash, token)]);
    assert!(
        f.store
            .read(|s| s.token(&TokenHash([8; 32])))
            .unwrap()
            .is_none()
    );
}

#[test]
fn a_tenant_that_exists_can_be_required_to_be_absent() {
    let f = fixture();
    let absent = Require::TenantAbsent(tenant("other"));
    let refused = f
        .store
        .commit_blocking(Batch::new().require(absent), Pace::Now);
    assert_eq!(refused.unwrap_err().code(), "tenant.exists");
    let names: Vec<_> = f.store.read(|s| s.tenants()).unwrap();
    assert_eq!(names.len(), 2);
}

#[test]
fn what_builds_upon_a_refused_change_is_refused_too() {
    let fixture = fixture();
    let lineage = Lineage::default();
    let refused = Batch::new()
        .require(Require::TenantAbsent(tenant("default")))
        .change(put_tenant("third"))
        .upon(&lineage);
    let later = |name: &str| Batch::new().change(put_tenant(name)).upon(&lineage);
    let store = &fixture.store;
    assert!(matches!(
        store.commit_blocking(refused, Pace::Now),
        Err(StoreError::Conflict(_))
    ));
    assert!(matches!(
        store.commit_blocking(later("fourth"), Pace::Now),
        Err(StoreError::Superseded)
    ));
    commit(store, [put_tenant("fifth")]).unwrap();
    let names = store.read(|s| s.tenants()).unwrap();
    let names: Vec<_> = names.iter().map(|t| t.name.as_str().to_owned()).collect();
    assert_eq!(names, ["default", "fifth", "other"]);
}
