//! From a submission to a committed run: read, override, check, make self-contained, start.

mod overrides;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use steading_api::run::Submission;
use steading_engine::command::Command;
use steading_engine::document::Document;
use steading_engine::head::{Head, Progress, Suspended};
use steading_engine::plan::Plan;
use steading_engine::{Run, action::Action};
use steading_spec::model::Workflow;
use steading_spec::resolve::Scope;
use steading_spec::{Fault, Kind, Limits, Mode, Object};
use steading_store::{Batch, Change, Conflict, Pace, Require, StoreError};
use steading_types::{Millis, TenantName, WorkflowName, WorkflowPhase};

use crate::claims::exists;
use crate::clock::{now, run_id, suffix};
use crate::error::ControlError;
use crate::history::{self, Origin};
use crate::library::TenantLibrary;
use crate::objects::TenantValues;
use crate::release::Room;
use crate::step::{batch, reference};
use crate::{Control, Inner};

/// Further names that are drawn when a generated one is taken.
const NAMES: u32 = 8;

/// What a submission became.
#[derive(Debug, Clone)]
pub struct Submitted {
    /// The run's own row.
    pub head: Head,
    /// The Workflow object as it was accepted.
    pub object: Value,
    /// What was accepted and has no effect here.
    pub warnings: Vec<Fault>,
}

/// Whether anything is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rehearsal {
    /// Store and run.
    No,
    /// Check everything, keep nothing.
    Yes,
}

impl Control {
    /// Submits a workflow for a tenant.
    ///
    /// # Errors
    /// Every fault of the document, a name that is taken, a store that does not take it. Nothing is kept then.
    pub async fn submit(
        &self,
        tenant: &TenantName,
        creator: &str,
        submission: &Submission,
        mode: Mode,
    ) -> Result<Submitted, ControlError> {
        let rehearsal = if submission.dry_run {
            Rehearsal::Yes
        } else {
            Rehearsal::No
        };
        let draft = self.0.draft(tenant, submission, mode)?;
        let mut outcome = self.0.start(tenant, creator, draft, rehearsal).await;
        if let (Err(ControlError::Invalid(faults)), Some(text)) = (&mut outcome, &submission.text) {
            // A submission is the only document of its text.
            steading_spec::locate(text.as_bytes(), 0, faults);
        }
        outcome
    }
}

/// A checked workflow that is not a run yet.
pub(crate) struct Draft {
    pub(crate) workflow: Box<Workflow>,
    pub(crate) raw: Value,
    pub(crate) warnings: Vec<Fault>,
    /// Committed together with the run.
    pub(crate) along: Vec<Change>,
    /// The run that led to it.
    pub(crate) origin: Option<Origin>,
    /// The run that it takes over.
    pub(crate) earlier: Option<Earlier>,
}

/// A run of which what went well is taken over.
pub(crate) struct Earlier {
    pub(crate) run: Run,
    /// Its document, as it was resolved then: its rows belong to it.
    pub(crate) resolved: Value,
    /// Parameters that are changed.
    pub(crate) parameters: Vec<(String, String)>,
}

impl Inner {
    /// Reads a submission and applies its overrides.
    fn draft(
        &self,
        tenant: &TenantName,
        submission: &Submission,
        mode: Mode,
    ) -> Result<Draft, ControlError> {
        let limits = Limits::default();
        let sources = (&submission.workflow, &submission.text, &submission.template);
        let mut document = match sources {
            (Some(object), None, None) => {
                steading_spec::from_json(object.clone(), Some(Kind::Workflow), mode, &limits)
            }
            (None, Some(text), None) => {
                single(steading_spec::parse(text.as_bytes(), mode, &limits))
            }
            (None, None, Some(template)) => {
                if TenantLibrary::new(&self.store, tenant)
                    .object(template, Scope::Namespaced)
                    .is_none()
                {
                    return Err(ControlError::NoTemplate(template.clone()));
                }
                steading_spec::from_json(of_template(template), Some(Kind::Workflow), mode, &limits)
            }
            _ => {
                return Err(bad_request(
                    "give exactly one of workflow, text and template",
                ));
            }
        }
        .map_err(ControlError::Invalid)?;
        if overrides::apply(&mut document.raw, submission) {
            let warnings = std::mem::take(&mut document.warnings);
            document = steading_spec::from_json(
                document.raw,
                Some(Kind::Workflow),
                Mode::Lenient,
                &limits,
            )
            .map_err(ControlError::Invalid)?;
            document.warnings = warnings;
        }
        match document.object {
            Object::Workflow(workflow) => Ok(Draft {
                workflow,
                raw: document.raw,
                warnings: document.warnings,
                along: Vec::new(),
                origin: None,
                earlier: None,
            }),
            _ => Err(bad_request(
                "only a Workflow can be submitted; use apply for templates",
            )),
        }
    }

    /// Checks a draft, makes it self-contained, commits it as a run and starts it.
    pub(crate) async fn start(
        self: &Arc<Self>,
        tenant: &TenantName,
        creator: &str,
        mut draft: Draft,
        rehearsal: Rehearsal,
    ) -> Result<Submitted, ControlError> {
        let resolved = self.resolved(tenant, &mut draft)?;
        let generated = draft.workflow.metadata.name.is_empty();
        let mut tries = NAMES;
        loop {
            let head = head(tenant, creator, &draft.workflow, now())?;
            let begun = self.begin(head, &draft, &resolved, rehearsal).await;
            match begun {
                // Two runs drew the same suffix: draw again.
                Err(ControlError::RunExists(_)) if generated && tries > 0 => {
                    tries = tries.saturating_sub(1);
                }
                begun => return begun,
            }
        }
    }

    /// Checks a draft and makes it self-contained. What goes on from rows of an earlier run was checked then.
    fn resolved(&self, tenant: &TenantName, draft: &mut Draft) -> Result<Value, ControlError> {
        if let Some(earlier) = &draft.earlier {
            return Ok(earlier.resolved.clone());
        }
        let library = TenantLibrary::new(&self.store, tenant);
        let checked =
            steading_spec::check(&draft.workflow, &library).map_err(ControlError::Invalid)?;
        draft.warnings.extend(checked.warnings);
        let mut resolved = checked.resolved;
        resolved.repository = self.repository(tenant, &resolved)?;
        serde_json::to_value(&resolved).map_err(|e| ControlError::Damaged(e.to_string()))
    }

    /// Makes a run of a checked draft under a name, and commits it.
    async fn begin(
        self: &Arc<Self>,
        head: Head,
        draft: &Draft,
        resolved: &Value,
        rehearsal: Rehearsal,
    ) -> Result<Submitted, ControlError> {
        let tenant = head.tenant.clone();
        let mut workflow = draft.raw.clone();
        complete(&mut workflow, &head, rehearsal);
        let document = Arc::new(Document {
            workflow,
            resolved: resolved.clone(),
        });
        let values = TenantValues::of(&self.store, &tenant);
        let mut run = match &draft.earlier {
            Some(earlier) => earlier.run.taken_over(head, earlier.parameters.clone())?,
            None => {
                let plan = Plan::new(&document);
                Run::new(
                    head,
                    plan.map_err(|e| ControlError::Damaged(e.to_string()))?,
                )
            }
        }
        .reading(values);
        let now = now();
        let outcome = run.apply(Command::Start, now)?;
        let (mut requires, claims) = match run.gives_claims_up() {
            true => Default::default(),
            false => self.make_claims(&run, now)?,
        };
        let submitted = Submitted {
            head: run.head().clone(),
            object: document.workflow.clone(),
            warnings: draft.warnings.clone(),
        };
        if rehearsal == Rehearsal::Yes {
            return Ok(submitted);
        }
        let mut first = vec![
            Change::PutRun(Box::new(run.head().clone())),
            Change::PutDocument(reference(run.head()), document),
        ];
        first.extend(claims);
        first.extend(draft.along.iter().cloned());
        if let Some(origin) = &draft.origin {
            let (new, name) = (reference(run.head()), &run.head().name);
            first.extend(history::descent(origin, &new, name));
        }
        let room = self.room();
        let Batch { mut changes, .. } = batch(&run, &outcome, first, now, room.clone());
        // The head stands first: it claims the name.
        let mut seen_head = false;
        changes.retain(|change| {
            !matches!(change, Change::PutRun(_)) || !std::mem::replace(&mut seen_head, true)
        });
        requires.push(Require::RunNameFree(tenant, submitted.head.name.clone()));
        let batch = Batch {
            requires,
            changes,
            ..Batch::default()
        };
        self.keep(run, batch, outcome.actions, room).await?;
        Ok(submitted)
    }

    /// Commits a new run, then lets it go.
    async fn keep(
        self: &Arc<Self>,
        run: Run,
        batch: Batch,
        actions: Vec<Action>,
        room: Room,
    ) -> Result<(), ControlError> {
        let (tenant, id, name) = (
            run.head().tenant.clone(),
            run.head().id,
            run.head().name.clone(),
        );
        self.store
            .commit(batch, Pace::Now)
            .await
            .map_err(|error| match error {
                StoreError::Conflict(Conflict::RunNameTaken { .. }) => {
                    ControlError::RunExists(name)
                }
                StoreError::Conflict(Conflict::ObjectChanged { name }) => exists(name.as_str()),
                other => other.into(),
            })?;
        self.registry.insert(run);
        self.carry_out(&tenant, id, actions, room);
        Ok(())
    }
}

fn single(
    documents: Result<Vec<steading_spec::Document>, Vec<Fault>>,
) -> Result<steading_spec::Document, Vec<Fault>> {
    let mut documents = documents?.into_iter();
    match (documents.next(), documents.next()) {
        (Some(only), None) => Ok(only),
        _ => Err(vec![Fault::new(
            steading_spec::Code::Kind,
            "",
            "one Workflow document is expected; submit several one by one",
        )]),
    }
}

fn of_template(name: &str) -> Value {
    json!({"metadata": {"generateName": format!("{name}-")}, "spec": {"workflowTemplateRef": {"name": name}}})
}

pub(crate) fn bad_request(message: &str) -> ControlError {
    ControlError::Request {
        code: "request.body",
        message: message.to_owned(),
    }
}

/// The first row of a run.
fn head(
    tenant: &TenantName,
    creator: &str,
    workflow: &Workflow,
    now: Millis,
) -> Result<Head, ControlError> {
    let no_random = |e: getrandom::Error| ControlError::Damaged(format!("no random numbers: {e}"));
    let metadata = &workflow.metadata;
    let name = match (metadata.name.as_str(), metadata.generate_name.as_str()) {
        ("", "") => {
            return Err(ControlError::Request {
                code: "run.name",
                message: "name or generateName is required".to_owned(),
            });
        }
        ("", prefix) => format!(
            "{}{}",
            prefix.chars().take(58).collect::<String>(),
            suffix().map_err(no_random)?
        ),
        (name, _) => name.to_owned(),
    };
    let name: WorkflowName =
        name.parse()
            .map_err(|e: steading_types::NameError| ControlError::Request {
                code: "run.name",
                message: e.to_string(),
            })?;
    let mut labels: BTreeMap<String, String> = metadata.labels.clone();
    labels.insert(
        "workflows.argoproj.io/creator".to_owned(),
        label_value(creator),
    );
    if let Some(reference) = &workflow.spec.workflow_template_ref {
        let label = match reference.cluster_scope {
            true => "workflows.argoproj.io/cluster-workflow-template",
            false => "workflows.argoproj.io/workflow-template",
        };
        labels.insert(label.to_owned(), reference.name.clone());
    }
    Ok(Head {
        id: run_id().map_err(no_random)?,
        tenant: tenant.clone(),
        name,
        labels,
        annotations: metadata.annotations.clone(),
        creator: creator.to_owned(),
        phase: WorkflowPhase::Pending,
        message: None,
        created: now,
        started: None,
        finished: None,
        priority: workflow.spec.priority.map_or(0, |priority| {
            i32::try_from(priority).unwrap_or(if priority < 0 { i32::MIN } else { i32::MAX })
        }),
        shutdown: None,
        suspended: if workflow.spec.suspend.unwrap_or(false) {
            Suspended::Yes
        } else {
            Suspended::No
        },
        parameters: BTreeMap::new(),
        outputs: BTreeMap::new(),
        artifacts: Default::default(),
        progress: Progress::default(),
        generation: 0,
    })
}

/// A name as a label's value: other characters become `-`, at most 63.
fn label_value(text: &str) -> String {
    let value: String = text
        .chars()
        .take(63)
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') {
                c
            } else {
                '-'
            }
        })
        .collect();
    value.trim_matches(['-', '_', '.']).to_owned()
}

/// Fills in what the server decides, so that the stored object is complete. A rehearsed object has no uid.
fn complete(raw: &mut Value, head: &Head, rehearsal: Rehearsal) {
    let Some(object) = raw.as_object_mut() else {
        return;
    };
    object.insert("apiVersion".to_owned(), json!("argoproj.io/v1alpha1"));
    object.insert("kind".to_owned(), json!("Workflow"));
    object.remove("status");
    if !object.get("metadata").is_some_and(Value::is_object) {
        object.insert("metadata".to_owned(), json!({}));
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("name".to_owned(), json!(head.name));
        metadata.insert("namespace".to_owned(), json!(head.tenant.namespace()));
        metadata.insert("labels".to_owned(), json!(head.labels));
        if rehearsal == Rehearsal::No {
            metadata.insert("uid".to_owned(), json!(head.id.uid()));
        }
    }
}
