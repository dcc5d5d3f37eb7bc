//! Argo's own examples are accepted: every one that needs nothing which this version refuses by name.
//!
//! They are not part of this repository. `STEADING_ARGO_EXAMPLES` names their folder; without it the
//! folder `shared/argo-examples` beside the repository is looked for.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use steading_spec::model::WorkflowTemplate;
use steading_spec::resolve::{Library, Resolved, Scope};
use steading_spec::{Code, Document, Limits, Mode, Object, check, check_template, parse};

/// What an example may need that is refused, by the words of the refusal.
const NEEDS: [&str; 3] = ["reclaiming artifacts", "values from ConfigMaps", "claims"];

#[derive(Default)]
struct Shelf(BTreeMap<(String, bool), Arc<WorkflowTemplate>>);

impl Library for Shelf {
    fn template(&self, name: &str, scope: Scope) -> Option<Arc<WorkflowTemplate>> {
        let key = (name.to_owned(), scope == Scope::Cluster);
        self.0.get(&key).cloned()
    }
}

fn folder() -> Option<PathBuf> {
    let named = std::env::var_os("STEADING_ARGO_EXAMPLES").map(PathBuf::from);
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut beside = here
        .ancestors()
        .map(|above| above.join("shared/argo-examples"));
    named.or_else(|| beside.find(|path| path.is_dir()))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.append(&mut files(&path));
        } else if path.extension().is_some_and(|ext| ext == "yaml") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn documents(path: &Path) -> Vec<Document> {
    let text = std::fs::read(path).unwrap();
    parse(&text, Mode::Strict, &Limits::default())
        .unwrap_or_else(|faults| panic!("{}: {faults:?}", path.display()))
}

#[test]
fn examples_that_need_nothing_else_are_accepted_and_the_others_refused_by_name() {
    let Some(folder) = folder() else {
        eprintln!("SKIPPED: no folder of Argo's examples; set STEADING_ARGO_EXAMPLES");
        return;
    };
    let all: Vec<(PathBuf, Vec<Document>)> = files(&folder)
        .into_iter()
        .map(|path| (path.clone(), documents(&path)))
        .collect();
    let mut shelf = Shelf::default();
    for document in all.iter().flat_map(|(_, documents)| documents) {
        let (template, cluster) = match &document.object {
            Object::WorkflowTemplate(template) => (template, false),
            Object::ClusterWorkflowTemplate(template) => (template, true),
            _ => continue,
        };
        let key = (template.metadata.name.clone(), cluster);
        shelf.0.insert(key, Arc::new((**template).clone()));
    }
    let (mut accepted, mut refused) = (0, 0);
    for (path, documents) in &all {
        for document in documents {
            match &document.object {
                Object::Workflow(workflow) => match check(workflow, &shelf) {
                    Ok(checked) => {
                        accepted += 1;
                        let stored = serde_json::to_string(&checked.resolved).unwrap();
                        let loaded: Resolved = serde_json::from_str(&stored).unwrap();
                        assert_eq!(
                            serde_json::to_string(&loaded).unwrap(),
                            stored,
                            "{}",
                            path.display()
                        );
                    }
                    Err(faults) => {
                        refused += 1;
                        for fault in &faults {
                            let by_name = fault.code == Code::Unsupported
                                && NEEDS.iter().any(|need| fault.message.starts_with(need));
                            assert!(by_name, "{}: {fault}", path.display());
                        }
                        println!("refused {}: {}", path.display(), faults[0]);
                    }
                },
                Object::WorkflowTemplate(template) | Object::ClusterWorkflowTemplate(template) => {
                    let checked = check_template(template, &shelf);
                    assert!(checked.is_ok(), "{}: {checked:?}", path.display());
                }
                _ => {}
            }
        }
    }
    println!("{accepted} examples accepted, {refused} refused by name");
    assert!(accepted >= 35, "only {accepted} examples accepted");
}
