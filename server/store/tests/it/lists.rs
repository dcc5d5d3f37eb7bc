//! Lists: newest first, across active and archived runs, in pages.

use steading_store::*;
use steading_types::WorkflowPhase;

use crate::fixtures::*;

fn labelled(run: &RunRef, name: &str, phase: WorkflowPhase, label: &str, value: &str) -> Change {
    let mut head = head(run, name, phase);
    head.labels.insert(label.into(), value.into());
    Change::PutRun(Box::new(head))
}

fn names(store: &Store, tenants: &Tenants, filter: &RunFilter, limit: usize) -> Vec<String> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let page = store
            .read(|s| s.list_runs(tenants, filter, after, limit))
            .unwrap();
        assert!(page.runs.len() <= limit);
        all.extend(page.runs.iter().map(|head| head.name.to_string()));
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

/// Runs r0 to r9: even ones archived, every third failed, r4 and r5 of the other tenant.
fn ten() -> Fixture {
    let f = fixture();
    for n in 0..10u64 {
        let owner = if n == 4 || n == 5 { "other" } else { "default" };
        let run = run(owner, n);
        let phase = if n % 3 == 0 {
            WorkflowPhase::Failed
        } else {
            WorkflowPhase::Succeeded
        };
        let template = if n < 5 { "etl" } else { "train" };
        let label = "workflows.argoproj.io/workflow-template";
        commit(
            &f.store,
            [labelled(&run, &format!("r{n}"), phase, label, template)],
        )
        .unwrap();
        if n % 2 == 0 {
            commit(&f.store, [Change::Archive(run)]).unwrap();
        }
    }
    f
}

#[test]
fn runs_are_listed_newest_first_whatever_the_page_and_wherever_they_lie() {
    let f = ten();
    let mine = Tenants::Of(vec![tenant("default")]);
    for limit in [1, 3, 100] {
        let all = names(&f.store, &Tenants::All, &RunFilter::default(), limit);
        assert_eq!(all.join(" "), "r9 r8 r7 r6 r5 r4 r3 r2 r1 r0");
        let own = names(&f.store, &mine, &RunFilter::default(), limit);
        assert_eq!(own.join(" "), "r9 r8 r7 r6 r3 r2 r1 r0");
    }
    let unknown = Tenants::Of(vec![tenant("nobody")]);
    assert!(names(&f.store, &unknown, &RunFilter::default(), 5).is_empty());
}

#[test]
fn filters_by_phase_template_label_and_name_agree() {
    let f = ten();
    let term = |key: &str, rule| LabelTerm {
        key: key.into(),
        rule,
    };
    let template = "workflows.argoproj.io/workflow-template";
    let values = |list: &[&str]| list.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>();
    let cases = [
        (
            RunFilter {
                phases: vec![WorkflowPhase::Failed],
                ..Default::default()
            },
            "r9 r6 r3 r0",
        ),
        (
            RunFilter {
                phases: vec![
                    WorkflowPhase::Failed,
                    WorkflowPhase::Succeeded,
                    WorkflowPhase::Failed,
                ],
                ..Default::default()
            },
            "r9 r8 r7 r6 r5 r4 r3 r2 r1 r0",
        ),
        (
            RunFilter {
                labels: vec![term(template, LabelRule::In(values(&["etl"])))],
                ..Default::default()
            },
            "r4 r3 r2 r1 r0",
        ),
        (
            RunFilter {
                phases: vec![WorkflowPhase::Failed],
                labels: vec![term(template, LabelRule::In(values(&["train", "etl"])))],
                ..Default::default()
            },
            "r9 r6 r3 r0",
        ),
        (
            RunFilter {
                labels: vec![term(template, LabelRule::NotIn(values(&["etl"])))],
                ..Default::default()
            },
            "r9 r8 r7 r6 r5",
        ),
        (
            RunFilter {
                labels: vec![
                    term("team", LabelRule::Exists),
                    term("x", LabelRule::Absent),
                ],
                ..Default::default()
            },
            "r9 r8 r7 r6 r5 r4 r3 r2 r1 r0",
        ),
        (
            RunFilter {
                labels: vec![term("team", LabelRule::Absent)],
                ..Default::default()
            },
            "",
        ),
        (
            RunFilter {
                name: Some(NameRule::Is("r3".into())),
                ..Default::default()
            },
            "r3",
        ),
        (
            RunFilter {
                name: Some(NameRule::Contains("7".into())),
                ..Default::default()
            },
            "r7",
        ),
    ];
    for (filter, expected) in cases {
        for limit in [2, 50] {
            let found = names(&f.store, &Tenants::All, &filter, limit);
            assert_eq!(found.join(" "), expected, "{filter:?}");
        }
    }
}

#[test]
fn a_search_for_what_is_rare_takes_bounded_steps_and_finds_it() {
    let f = fixture();
    for chunk in 0..25u64 {
        let changes = (0..100).flat_map(|n| {
            let n = chunk * 100 + n;
            archived(
                &run("default", n),
                &format!("r{n}"),
                WorkflowPhase::Succeeded,
            )
        });
        commit(&f.store, changes).unwrap();
    }
    let rare = RunFilter {
        name: Some(NameRule::Is("r3".into())),
        ..Default::default()
    };
    let first = f
        .store
        .read(|s| s.list_runs(&Tenants::All, &rare, None, 50))
        .unwrap();
    assert!(first.runs.is_empty() && first.next.is_some());
    assert_eq!(names(&f.store, &Tenants::All, &rare, 50), ["r3"]);
}
