//! `resource` templates: something done to an object of the tenant, with the rights of whoever submitted the
//! run.

mod objects;
mod runs;
mod target;
mod watch;

use std::sync::Arc;

use serde_json::Value;
use steading_api::access::{Kind, Reach, Verb};
use steading_domain::access::may;
use steading_spec::resource::ResourceKind;
use steading_spec::{Document, Limits, Mode};
use steading_store::Owner;
use steading_types::server_task::{OutputQuery, QuerySource, ResourceAction, ResourceTask};
use steading_types::{AttemptId, RunId, TenantName, WorkflowName};

use super::Outcome;
use super::conditions::{Conditions, Judgement, json_path};
use crate::error::ControlError;
use crate::templates::Expect;
use crate::view::{Nodes, workflow};
use crate::{Control, Inner};
use runs::MADE_BY;
use target::{Target, merge, name_of, set_annotation, target};
pub(crate) use watch::Watched;

impl Inner {
    /// Acts on an object, waits for the conditions, and reads the outputs.
    pub(super) async fn act_on(
        self: &Arc<Self>,
        tenant: &TenantName,
        attempt: AttemptId,
        task: ResourceTask,
        outputs: &[OutputQuery],
    ) -> Outcome {
        match self.acted(tenant, attempt, &task, outputs).await {
            Ok(outcome) | Err(outcome) => outcome,
        }
    }

    async fn acted(
        self: &Arc<Self>,
        tenant: &TenantName,
        attempt: AttemptId,
        task: &ResourceTask,
        outputs: &[OutputQuery],
    ) -> Result<Outcome, Outcome> {
        let target = target(tenant, task)?;
        let conditions = Conditions::parse(&task.success_condition, &task.failure_condition)
            .map_err(|error| Outcome::failed("resource.condition", error.to_string()))?;
        self.authorise(tenant, attempt.run, target.kind, task.action)?;
        let kind = target.kind;
        let name = match self.made_before(tenant, attempt)? {
            Some(name) => Some(name),
            None => self.act(tenant, attempt, task, target).await?,
        };
        let Some(name) = name else {
            return Ok(Outcome::well(None));
        };
        self.leave_queue(tenant, attempt);
        let object = self.await_object(tenant, kind, &name, &conditions).await?;
        let mut outcome = Outcome::well(Some(format!("{}/{name}", kind.plural())));
        for output in outputs {
            let QuerySource::JsonPath(path) = &output.source else {
                continue;
            };
            match json_path(&object, path) {
                Ok(text) => drop(outcome.outputs.insert(output.name.clone(), text)),
                Err(why) => drop(outcome.missing.insert(output.name.clone(), why)),
            }
        }
        Ok(outcome)
    }

    /// Whether the run's submitter may do this, now.
    fn authorise(
        &self,
        tenant: &TenantName,
        run: RunId,
        kind: ResourceKind,
        action: ResourceAction,
    ) -> Result<(), Outcome> {
        let verb = match action {
            ResourceAction::Get => Verb::Read,
            ResourceAction::Create => Verb::Create,
            ResourceAction::Apply | ResourceAction::Replace | ResourceAction::Patch => Verb::Update,
            ResourceAction::Delete => Verb::Delete,
        };
        let (reach, kind) = match (kind, verb) {
            (ResourceKind::Workflow, _) => (Reach::Tenant, Kind::Run),
            (ResourceKind::WorkflowTemplate, _) => (Reach::Tenant, Kind::Template),
            (ResourceKind::ClusterWorkflowTemplate, Verb::Read) => (Reach::Own, Kind::Template),
            (ResourceKind::ClusterWorkflowTemplate, _) => (Reach::Site, Kind::Template),
            (ResourceKind::ConfigMap, _) => (Reach::Tenant, Kind::ConfigMap),
            (ResourceKind::Secret, _) => (Reach::Tenant, Kind::Secret),
            (ResourceKind::Claim, _) => (Reach::Tenant, Kind::Claim),
        };
        let principal = self.submitter(tenant, run).map_err(failed)?;
        let principal = principal.ok_or_else(|| {
            let message = "whoever submitted this run has no valid token any more";
            Outcome::failed("auth.token", message)
        })?;
        may(&principal, verb, kind, reach, Some(tenant))
            .map_err(|denied| Outcome::failed(denied.code(), denied.to_string()))
    }

    /// Does it; answers the object's name, unless it is gone now.
    async fn act(
        self: &Arc<Self>,
        tenant: &TenantName,
        attempt: AttemptId,
        task: &ResourceTask,
        target: Target,
    ) -> Result<Option<String>, Outcome> {
        let name = name_of(&target.document.raw);
        match (task.action, target.kind) {
            (ResourceAction::Get, _) => Ok(Some(name)),
            (ResourceAction::Create, ResourceKind::Workflow) => {
                let made = self.make_run(tenant, attempt, task.owner, target.document);
                made.await.map(Some)
            }
            (ResourceAction::Delete, ResourceKind::Workflow) => {
                let control = Control(Arc::clone(self));
                match control.find(tenant, &name) {
                    Ok(run) if run == attempt.run => Err(Outcome::failed(
                        "resource.self",
                        "a run can not delete itself",
                    )),
                    Ok(run) => control
                        .delete(tenant, run)
                        .await
                        .map_err(failed)
                        .map(|()| None),
                    Err(ControlError::NoRun(_)) => Ok(None),
                    Err(error) => Err(failed(error)),
                }
            }
            (_, ResourceKind::Workflow) => Err(Outcome::failed(
                "resource.action",
                "a run is not changed by a resource template",
            )),
            (action, ResourceKind::WorkflowTemplate) => {
                let owner = Owner::Tenant(tenant.clone());
                self.act_on_template(tenant, attempt, action, owner, target.document)
                    .await
            }
            (action, ResourceKind::ClusterWorkflowTemplate) => {
                self.act_on_template(tenant, attempt, action, Owner::Site, target.document)
                    .await
            }
            (_, ResourceKind::ConfigMap | ResourceKind::Secret | ResourceKind::Claim) => {
                self.act_on_object(tenant, attempt, task, target).await
            }
        }
    }

    async fn act_on_template(
        self: &Arc<Self>,
        tenant: &TenantName,
        attempt: AttemptId,
        action: ResourceAction,
        owner: Owner,
        mut document: Document,
    ) -> Result<Option<String>, Outcome> {
        let name = name_of(&document.raw);
        let control = Control(Arc::clone(self));
        let parsed: Result<WorkflowName, _> = name.parse();
        let known = match &parsed {
            Ok(parsed) => control.template(&owner, parsed).map_err(failed)?,
            Err(_) => None,
        };
        let missing = || failed(ControlError::NoTemplate(name.clone()));
        let (document, expect) = match (action, known) {
            (ResourceAction::Delete, None) => return Ok(None),
            (ResourceAction::Delete, Some(_)) => {
                let gone = control.delete_template(&owner, &name).await;
                return gone.map_err(failed).map(|()| None);
            }
            (ResourceAction::Create, Some(known)) if made_by(&known.object, attempt) => {
                return Ok(Some(name));
            }
            (ResourceAction::Create, _) => {
                set_annotation(&mut document.raw, MADE_BY, &attempt.to_string());
                (document, Expect::Absent)
            }
            (ResourceAction::Apply, _) => (document, Expect::Anything),
            (ResourceAction::Replace | ResourceAction::Patch, None) => return Err(missing()),
            (ResourceAction::Replace, Some(known)) => (document, Expect::Version(known.version)),
            (ResourceAction::Patch, Some(known)) => {
                let mut object = known.object;
                merge(&mut object, &document.raw);
                let patched =
                    steading_spec::from_json(object, None, Mode::Strict, &Limits::default());
                let patched = patched.map_err(ControlError::Invalid).map_err(failed)?;
                (patched, Expect::Version(known.version))
            }
            (ResourceAction::Get, _) => return Ok(Some(name)),
        };
        control
            .put_template(tenant, document, expect)
            .await
            .map_err(failed)?;
        Ok(Some(name))
    }

    /// Waits until an object is as the conditions want it.
    async fn await_object(
        self: &Arc<Self>,
        tenant: &TenantName,
        kind: ResourceKind,
        name: &str,
        conditions: &Conditions,
    ) -> Result<Value, Outcome> {
        let changed = self.watch(tenant, name);
        loop {
            let object = self.object(tenant, kind, name).map_err(failed)?;
            let Some(object) = object else {
                let message = format!("{} \"{name}\" not found", kind.plural());
                return Err(Outcome::declined(message));
            };
            match conditions.judge(&object) {
                Judgement::Success => return Ok(object),
                Judgement::Failure(message) => return Err(Outcome::declined(message)),
                Judgement::Open => changed.wait().await,
            }
        }
    }

    /// An object as the Argo face shows it.
    fn object(
        &self,
        tenant: &TenantName,
        kind: ResourceKind,
        name: &str,
    ) -> Result<Option<Value>, ControlError> {
        if let Some(kind) = objects::kind(kind) {
            let found = self.stored(tenant, kind, name)?;
            return Ok(found.map(objects::shown));
        }
        let Ok(name) = name.parse::<WorkflowName>() else {
            return Ok(None);
        };
        let owner = match kind {
            ResourceKind::ClusterWorkflowTemplate => Owner::Site,
            _ => Owner::Tenant(tenant.clone()),
        };
        match kind {
            ResourceKind::Workflow => {
                let run = self.store.read(|s| s.run_named(tenant, &name))?;
                match run {
                    Some(run) => Ok(workflow(&self.store, &run, Nodes::Hidden)?),
                    None => Ok(None),
                }
            }
            _ => {
                let kind = crate::templates::kind(&owner);
                let found = self.store.read(|s| s.template(&owner, kind, &name))?;
                Ok(found.map(|template| template.object))
            }
        }
    }
}

/// Whether an object says that this attempt made it.
fn made_by(object: &Value, attempt: AttemptId) -> bool {
    let annotations = object.pointer("/metadata/annotations");
    let by = annotations.and_then(|annotations| annotations.get(MADE_BY));
    by.and_then(Value::as_str) == Some(&attempt.to_string())
}

fn failed(error: ControlError) -> Outcome {
    Outcome::failed(error.code(), error.to_string())
}
