//! Every form of a row that was ever released is read for ever: `tests/golden/<row>-v<version>.hex`.
//! A golden file is never edited; a new version gets a new one.

#[path = "../../tests/it/fixtures.rs"]
#[allow(
    dead_code,
    clippy::duplicate_mod,
    reason = "shared with the tests of the public face"
)]
mod fixtures;

use std::fmt::Debug;
use std::path::Path;

use serde_json::json;
use steading_engine::memo::{Found, Memo};
use steading_engine::node::Outputs;
use steading_types::artifact::{Packing, Place};
use steading_types::{Millis, NodeIx, NodePhase, WorkflowPhase};

use super::archive::{Part, Source};
use super::*;
use crate::key::TenantNo;
use crate::{Seq, StoreError};

/// Reads the golden row and compares it; a row that has no golden file yet gets one.
fn golden<T: PartialEq + Debug>(
    file: &str,
    value: &T,
    written: Result<Vec<u8>, StoreError>,
    read: impl Fn(&[u8]) -> Result<T, StoreError>,
) {
    let written = written.unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{file}.hex"));
    let Ok(text) = std::fs::read_to_string(&path) else {
        std::fs::write(&path, hex::encode(&written) + "\n").unwrap();
        panic!("{} is new: look at it and check it in", path.display());
    };
    let row = hex::decode(text.trim()).unwrap();
    assert_eq!(&read(&row).unwrap(), value, "{file} reads differently now");
    assert_eq!(
        written, row,
        "{file} is written differently: raise its version"
    );
    for end in 0..row.len() {
        assert!(
            read(&row[..end]).is_err(),
            "{file} cut at {end} was accepted"
        );
    }
    let mut newer = row;
    newer[0] = 99;
    assert_eq!(read(&newer).unwrap_err().code(), "store.newer");
}

/// Reads a golden row of a form that is no longer written.
fn outdated<T: PartialEq + Debug>(
    file: &str,
    value: &T,
    read: impl Fn(&[u8]) -> Result<T, StoreError>,
) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{file}.hex"));
    let row = hex::decode(std::fs::read_to_string(path).unwrap().trim()).unwrap();
    assert_eq!(&read(&row).unwrap(), value, "{file} reads differently now");
}

#[test]
fn every_released_form_of_a_row_still_loads() {
    let run = fixtures::run("default", 7);
    let mut run_head = fixtures::head(&run, "hello", WorkflowPhase::Failed);
    run_head.parameters.insert("p".into(), "v".into());
    run_head.shutdown = Some(steading_engine::head::Shutdown::Stop);
    outdated("head-v1", &run_head, |row| {
        head::read(&run.tenant, run.id, row)
    });
    let report = artifact("report");
    run_head.artifacts.insert("report".into(), report.clone());
    golden("head-v2", &run_head, head::write(&run_head), |row| {
        head::read(&run.tenant, run.id, row)
    });
    let mut one = fixtures::node(3, NodePhase::Succeeded);
    outdated("node-v1", &one, |row| node::read(NodeIx(3), row));
    one.artifacts.push(artifact("seed"));
    one.outputs.artifacts.push(report);
    one.memo = Some(Memo {
        cache: "words".into(),
        key: "k-1".into(),
        max_age: Some(Millis(60_000)),
        found: Found::Miss,
    });
    one.approvals = vec!["ada".into()];
    golden("node-v2", &one, node::write(&one), |row| {
        node::read(NodeIx(3), row)
    });
    let asked = fixtures::document("hello");
    golden(
        "document-v1",
        &asked,
        document::write(&asked),
        document::read,
    );
    let waiting = fixtures::outbox("pid-1");
    golden("outbox-v1", &waiting, outbox::write(&waiting), outbox::read);
    let logs = vec![log::LogFile {
        container: "main".into(),
        file: "01/main.log".into(),
        bytes: 77,
        cut: Some(70),
    }];
    golden("log-v1", &logs, log::write(&logs), log::read);
    let locks = fixtures::hold();
    golden("hold-v1", &locks, hold::write(&locks), hold::read);
    let owner = tenant::Tenant {
        name: run.tenant.clone(),
        created: Millis(5),
    };
    golden(
        "tenant-v1",
        &(TenantNo(4), owner.clone()),
        tenant::write(TenantNo(4), &owner),
        |row| tenant::read(&run.tenant, row),
    );
}

#[test]
fn every_released_form_of_a_sites_row_still_loads() {
    let saved = template::Template {
        kind: template::TemplateKind::WorkflowTemplate,
        name: "etl".parse().unwrap(),
        version: Seq(300),
        created: Millis(5),
        object: json!({ "spec": { "z": 1, "a": 2 } }),
    };
    golden(
        "template-v1",
        &saved,
        template::write(saved.version, saved.created, &saved.object),
        |row| template::read(saved.kind, saved.name.clone(), row),
    );
    let kept = object::StoredObject {
        kind: object::ObjectKind::Secret,
        name: "login".parse().unwrap(),
        version: Seq(7),
        row: object::ObjectRow {
            created: Millis(5),
            object: json!({ "metadata": { "name": "login" }, "sizes": { "user": 3 } }),
            sealed: Some(vec![1, 2, 3]),
            run: Some(fixtures::run("default", 7).id),
            lease: object::Lease::Ending,
        },
    };
    golden(
        "object-v1",
        &kept,
        object::write(kept.version, &kept.row),
        |row| object::read(kept.kind, kept.name.clone(), row),
    );
    let remembered = memo::MemoRow {
        run: fixtures::run("default", 7).id,
        node: NodeIx(3),
        made: Millis(5),
        expires: Some(Millis(65)),
        outputs: Outputs {
            parameters: vec![("file".into(), "new".into())],
            artifacts: vec![artifact("report")],
            result: Some("said".into()),
            exit_code: Some(0),
            ..Outputs::default()
        },
    };
    golden("memo-v1", &remembered, memo::write(&remembered), memo::read);
    let done = run_event::RunEvent {
        at: Millis(5),
        deed: run_event::Deed::ResubmittedAs,
        who: "ada".into(),
        why: Some("the disk was full".into()),
        nodes: Some("displayName=a".into()),
        values: vec![("p".into(), "v".into())],
        other: Some((fixtures::run("default", 8).id, "hello-2".into())),
    };
    golden(
        "run-event-v1",
        &done,
        run_event::write(&done),
        run_event::read,
    );
    let known = token::Token {
        principal: "ada".into(),
        scope: token::TokenScope::Tenants(vec!["default".parse().unwrap()]),
        permissions: vec!["run:*".into()],
        note: "laptop".into(),
        created: Millis(1),
        expires: Some(Millis(99)),
        revoked: None,
    };
    golden("token-v1", &known, token::write(&known), token::read);
}

#[test]
fn every_released_form_of_feed_and_archive_still_loads() {
    let run = fixtures::run("default", 7);
    let items = vec![
        event::EventItem::Run {
            run: run.id,
            name: "hello".parse().unwrap(),
            change: event::RunChange::Archived,
        },
        event::EventItem::Nodes {
            run: run.id,
            nodes: event::ChangedNodes::Listed(vec![NodeIx(1), NodeIx(300)]),
        },
        event::EventItem::Nodes {
            run: run.id,
            nodes: event::ChangedNodes::Many,
        },
        event::EventItem::Template {
            kind: template::TemplateKind::CronWorkflow,
            name: "nightly".parse().unwrap(),
            change: event::TemplateChange::Deleted,
        },
        event::EventItem::Tenant,
    ];
    let items = items.into_iter().map(|item| (run.tenant.clone(), item));
    let said = event::Event {
        seq: Seq(9),
        items: items.collect(),
    };
    golden("event-v1", &said, event::write(&said.items), |row| {
        event::read(Seq(9), row)
    });

    let mut part = Part::default();
    part.add(Source::Node, (&[0, 0, 0, 1], &[1, 2, 3]));
    part.add(Source::Log, (&[0, 0, 0, 1, 0, 0, 0, 0], &[4, 5]));
    let rows = |part: &Part<'_>, source| {
        let owned = part.rows(source).iter();
        owned
            .map(|(key, row)| (key.to_vec(), row.to_vec()))
            .collect::<Vec<_>>()
    };
    let both = |part: &Part<'_>| (rows(part, Source::Node), rows(part, Source::Log));
    golden("archive-part-v1", &both(&part), part.write(), |row| {
        Part::read(row).map(|part| both(&part))
    });
}

/// An artifact of a run's repository.
fn artifact(name: &str) -> Artifact {
    Artifact {
        name: name.into(),
        place: Place::Repository {
            key: format!("default/etl/1/{name}.tgz"),
        },
        packing: Packing::Usual,
        path: format!("/out/{name}"),
        size: Some(300),
        sha256: None,
    }
}
