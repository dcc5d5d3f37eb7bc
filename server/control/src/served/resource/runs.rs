//! Runs that a `resource` template makes: each once, whatever happens, found again by the attempt that it
//! carries, and gone with the run that owns it.

use std::sync::Arc;

use serde_json::{Value, json};
use steading_engine::node::Node;
use steading_spec::{Document, Limits, Mode, Object};
use steading_store::{Change, RunRef};
use steading_types::server_task::Ownership;
use steading_types::{AttemptId, RunId, TenantName, WorkflowName};

use super::failed;
use super::target::{member, name_of, set_annotation, set_metadata};
use crate::Inner;
use crate::clock::now;
use crate::error::ControlError;
use crate::history::{By, Descent, Origin};
use crate::served::{Outcome, SERVER};
use crate::step::accepted;
use crate::submit::{Draft, Rehearsal, bad_request};
use crate::verbs::attempt_of;

/// Names the attempt that made an object: how it is found again after a crash.
pub(super) const MADE_BY: &str = "steading.io/made-by";
/// How many runs stand above this one, each made by a node of the next.
const GENERATION: &str = "steading.io/generation";
/// Names the run that an object goes with.
const OWNER: &str = "steading.io/owner";
/// Runs that make runs that make runs …
const GENERATIONS: u32 = 16;
/// Names that are tried for an object that has only the beginning of one.
const NAMES: u32 = 8;

impl Inner {
    /// Makes a run, or finds the one that this attempt has made before a crash.
    pub(super) async fn make_run(
        self: &Arc<Self>,
        tenant: &TenantName,
        attempt: AttemptId,
        owner: Ownership,
        mut document: Document,
    ) -> Result<String, Outcome> {
        let parent = self.parent(tenant, attempt.run).map_err(failed)?;
        if parent.generation >= GENERATIONS {
            let message = format!("{GENERATIONS} runs stand above this one, each made by the next");
            return Err(Outcome::failed("resource.generations", message));
        }
        mark(&mut document.raw, attempt, owner, &parent);
        let given = name_of(&document.raw);
        let prefix = member(&document.raw, "generateName");
        for turn in 0..NAMES {
            let name = match given.as_str() {
                "" => drawn(&prefix, attempt, turn),
                given => given.to_owned(),
            };
            set_metadata(&mut document.raw, "name", json!(name));
            match self.find_made(tenant, &name, attempt).map_err(failed)? {
                Found::Ours => return Ok(name),
                Found::Foreign if given.is_empty() => continue,
                Found::Foreign => {
                    let message = format!("workflows.argoproj.io \"{name}\" already exists");
                    return Err(Outcome::declined(message));
                }
                Found::Nothing => {}
            }
            let made = self.submit_made(tenant, attempt, &parent, &document.raw);
            match made.await {
                Err(ControlError::RunExists(_)) if given.is_empty() => continue,
                Err(ControlError::RunExists(name)) => {
                    let message = format!("workflows.argoproj.io \"{name}\" already exists");
                    return Err(Outcome::declined(message));
                }
                made => return made.map_err(failed).map(|()| name),
            }
        }
        Err(Outcome::failed(
            "resource.name",
            format!("{NAMES} names that begin with '{prefix}' are taken"),
        ))
    }

    async fn submit_made(
        self: &Arc<Self>,
        tenant: &TenantName,
        attempt: AttemptId,
        parent: &Parent,
        object: &Value,
    ) -> Result<(), ControlError> {
        let document = steading_spec::from_json(
            object.clone(),
            Some(steading_spec::Kind::Workflow),
            Mode::Strict,
            &Limits::default(),
        );
        let document = document.map_err(ControlError::Invalid)?;
        let Object::Workflow(workflow) = document.object else {
            return Err(bad_request("the manifest is no Workflow"));
        };
        let handle = format!("{MADE}{}", workflow.metadata.name);
        let row = accepted(SERVER, handle, now());
        let origin = Origin {
            run: RunRef {
                tenant: tenant.clone(),
                id: parent.run,
            },
            name: parent.name.clone(),
            how: Descent::Made,
            by: By {
                who: parent.creator.clone(),
                why: None,
            },
        };
        let draft = Draft {
            workflow,
            raw: document.raw,
            warnings: document.warnings,
            along: vec![Change::PutOutbox(tenant.clone(), attempt, row)],
            origin: Some(origin),
            earlier: None,
        };
        let (inner, tenant, creator) = (Arc::clone(self), tenant.clone(), parent.creator.clone());
        // On its own: a run that is being kept must not be left half-way when this attempt is stopped.
        let submitted = tokio::spawn(async move {
            let started = inner.start(&tenant, &creator, draft, Rehearsal::No);
            started.await.map(drop)
        });
        submitted
            .await
            .map_err(|error| ControlError::Damaged(error.to_string()))?
    }

    fn find_made(
        &self,
        tenant: &TenantName,
        name: &str,
        attempt: AttemptId,
    ) -> Result<Found, ControlError> {
        let Ok(name) = name.parse::<WorkflowName>() else {
            return Ok(Found::Nothing);
        };
        let head = self.store.read(|snapshot| {
            let Some(run) = snapshot.run_named(tenant, &name)? else {
                return Ok(None);
            };
            snapshot.run(&run)
        })?;
        Ok(match head {
            None => Found::Nothing,
            Some((head, _)) if head.annotations.get(MADE_BY) == Some(&attempt.to_string()) => {
                Found::Ours
            }
            Some(_) => Found::Foreign,
        })
    }

    /// The object that an attempt had made before the server was restarted.
    pub(super) fn made_before(
        &self,
        tenant: &TenantName,
        attempt: AttemptId,
    ) -> Result<Option<String>, Outcome> {
        let row = self.store.read(|s| s.outbox_row(tenant, attempt));
        let row = row.map_err(|error| failed(error.into()))?;
        let handle = row.and_then(|row| row.handle);
        Ok(handle.map(|name| made_name(&name).to_owned()))
    }

    /// Runs that go when this one does: those that its nodes made as its own.
    pub(crate) fn owned(&self, run: &RunRef, nodes: &[Node]) -> Result<Vec<RunId>, ControlError> {
        let owner = run.id.to_string();
        let mut owned = Vec::new();
        for node in nodes {
            let made = match (&node.outputs.result, node.phase.completed()) {
                (Some(result), _) => Some(result.clone()),
                (None, true) => None,
                (None, false) => {
                    let attempt = attempt_of(run.id, node);
                    let row = self.store.read(|s| s.outbox_row(&run.tenant, attempt))?;
                    row.filter(|row| row.environment == SERVER)
                        .and_then(|row| row.handle)
                }
            };
            let Some(Ok(name)) = made
                .filter(|made| made.starts_with(MADE))
                .map(|made| made_name(&made).parse::<WorkflowName>())
            else {
                continue;
            };
            let head = self.store.read(|snapshot| {
                let Some(made) = snapshot.run_named(&run.tenant, &name)? else {
                    return Ok(None);
                };
                snapshot.run(&made)
            })?;
            let head = head.filter(|(head, _)| head.annotations.get(OWNER) == Some(&owner));
            owned.extend(head.map(|(head, _)| head.id));
        }
        Ok(owned)
    }

    fn parent(&self, tenant: &TenantName, run: RunId) -> Result<Parent, ControlError> {
        let wanted = RunRef {
            tenant: tenant.clone(),
            id: run,
        };
        let found = self.store.read(|snapshot| snapshot.run(&wanted))?;
        let (head, _) = found.ok_or_else(|| ControlError::NoRun(run.to_string()))?;
        let generation = head.annotations.get(GENERATION);
        let generation = generation.and_then(|text| text.parse().ok()).unwrap_or(0);
        Ok(Parent {
            name: head.name,
            run,
            creator: head.creator,
            generation,
        })
    }
}

/// The beginning of the name of a run that a node made: its result, and its handle while it waits.
const MADE: &str = "workflows.argoproj.io/";

fn made_name(made: &str) -> &str {
    made.strip_prefix(MADE).unwrap_or(made)
}

/// The run whose node makes another.
struct Parent {
    name: WorkflowName,
    run: RunId,
    creator: String,
    generation: u32,
}

/// What stands under a name.
enum Found {
    Nothing,
    /// What this attempt made.
    Ours,
    Foreign,
}

/// Writes into an object where it comes from.
fn mark(object: &mut Value, attempt: AttemptId, owner: Ownership, parent: &Parent) {
    let generation = parent.generation.saturating_add(1).to_string();
    set_annotation(object, MADE_BY, &attempt.to_string());
    set_annotation(object, GENERATION, &generation);
    if owner == Ownership::Run {
        set_annotation(object, OWNER, &parent.run.to_string());
        let owner = json!([{
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Workflow",
            "name": parent.name,
            "uid": parent.run.uid(),
            "controller": true,
            "blockOwnerDeletion": true,
        }]);
        set_metadata(object, "ownerReferences", owner);
    }
}

/// A name that this attempt, and only it, draws at this turn: the same again after a crash.
pub(super) fn drawn(prefix: &str, attempt: AttemptId, turn: u32) -> String {
    use sha2::{Digest, Sha256};
    let hash = Sha256::digest(format!("{attempt}/{turn}"));
    let suffix = hash.iter().take(5).map(|byte| {
        let at = usize::from(*byte) % ALPHABET.len();
        char::from(ALPHABET.get(at).copied().unwrap_or(b'x'))
    });
    let prefix: String = prefix.chars().take(58).collect();
    format!("{prefix}{}", suffix.collect::<String>())
}

/// Letters of a drawn name: none that make words (Kubernetes' choice).
const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
