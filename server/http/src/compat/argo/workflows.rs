//! Workflows: list, get, create, submit, lint, delete.

use axum::extract::{Path, Query, Request};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use steading_api::access::{Kind, Verb};
use steading_api::run::Submission;
use steading_control::submit::Submitted;
use steading_spec::{Limits, Mode};
use steading_store::{RunRef, Snapshot, StoreError, Tenants};
use steading_types::TenantName;

use super::error::ArgoProblem;
use super::fields::Fields;
use super::info::answer;
use super::list::{ListOptions, Pairs};
use super::request::Asking;
use crate::problem::Problem;
use crate::route::read_json;
use steading_control::view::{Nodes, object};

type Answer = Result<Response, ArgoProblem>;

/// A page without a limit ends here and says where to go on.
const PAGE: usize = 500;
/// Offsets beyond this are refused: clients page, they do not jump.
const DEEPEST: usize = 1_000_000;

pub(super) async fn list_all(asking: Asking, Query(pairs): Query<Pairs>) -> Answer {
    list_in(&asking, asking.everywhere(), "", &pairs)
}

pub(super) async fn list(
    asking: Asking,
    Path(namespace): Path<String>,
    Query(pairs): Query<Pairs>,
) -> Answer {
    let tenant = asking.tenant(&namespace, Verb::Read, Kind::Run)?;
    list_in(&asking, Tenants::Of(vec![tenant]), &namespace, &pairs)
}

fn list_in(asking: &Asking, tenants: Tenants, namespace: &str, pairs: &Pairs) -> Answer {
    let options = ListOptions::read(pairs, namespace)?;
    if options.offset > DEEPEST {
        return Err(
            Problem::request("request.continue", "listOptions.continue is too large").into(),
        );
    }
    let limit = options.limit.unwrap_or(PAGE).min(PAGE);
    let found = asking
        .app
        .control()
        .store()
        .read(|snapshot| page(snapshot, &tenants, &options, limit))?;
    // An empty list is null: Argo's clients and tests expect it.
    let items = if found.items.is_empty() {
        Value::Null
    } else {
        Value::Array(found.items)
    };
    let mut metadata = json!({"resourceVersion": found.seq, "continue": ""});
    if found.more {
        metadata = json!({"resourceVersion": found.seq, "continue": options.offset.saturating_add(limit).to_string()});
    }
    let list = json!({"metadata": metadata, "items": items, "apiVersion": "argoproj.io/v1alpha1", "kind": "WorkflowList"});
    Ok(answer(options.fields.filter(list)))
}

struct Found {
    items: Vec<Value>,
    more: bool,
    seq: String,
}

fn page(
    snapshot: &Snapshot,
    tenants: &Tenants,
    options: &ListOptions,
    limit: usize,
) -> Result<Found, StoreError> {
    let seq = snapshot.seq()?;
    let nodes = if options.fields.wants(&["items", "status", "nodes"]) {
        Nodes::Shown
    } else {
        Nodes::Hidden
    };
    let (mut skip, mut after) = (options.offset, None);
    let mut items = Vec::new();
    loop {
        let part = snapshot.list_runs(tenants, &options.filter, after, PAGE)?;
        for head in part.runs.iter().filter(|head| options.admits(head)) {
            if skip > 0 {
                skip = skip.saturating_sub(1);
            } else if items.len() < limit {
                items.push(object(snapshot, head, seq, nodes)?);
            } else {
                return Ok(Found {
                    items,
                    more: true,
                    seq: seq.to_string(),
                });
            }
        }
        after = match part.next {
            Some(next) => Some(next),
            None => {
                return Ok(Found {
                    items,
                    more: false,
                    seq: seq.to_string(),
                });
            }
        };
    }
}

impl ListOptions {
    /// What the store's filter can not say.
    pub(super) fn admits(&self, head: &steading_engine::head::Head) -> bool {
        let started = head.started.and_then(|at| i64::try_from(at.get()).ok());
        self.not_name
            .as_ref()
            .is_none_or(|name| head.name.as_str() != name)
            && self
                .started
                .after
                .is_none_or(|bound| started.is_some_and(|at| at > bound))
            && self
                .started
                .before
                .is_none_or(|bound| started.is_some_and(|at| at < bound))
    }
}

/// The run that a path names, in a namespace that the caller may touch so.
pub(super) fn find(
    asking: &Asking,
    namespace: &str,
    name: &str,
    verb: Verb,
) -> Result<RunRef, Problem> {
    let tenant = asking.tenant(namespace, verb, Kind::Run)?;
    let id = asking.app.control().find(&tenant, name)?;
    Ok(RunRef { tenant, id })
}

/// The object of a run that is known to exist.
pub(super) fn shown(asking: &Asking, run: &RunRef, fields: &Fields) -> Result<Value, Problem> {
    let nodes = if fields.wants(&["status", "nodes"]) {
        Nodes::Shown
    } else {
        Nodes::Hidden
    };
    let object = steading_control::view::workflow(asking.app.control().store(), run, nodes)?;
    let object = object.ok_or_else(|| {
        Problem::not_found(
            "run.not-found",
            format!("workflows.argoproj.io \"{}\" not found", run.id),
        )
    })?;
    Ok(fields.filter(object))
}

pub(super) async fn get(
    asking: Asking,
    Path((namespace, name)): Path<(String, String)>,
    Query(pairs): Query<Pairs>,
) -> Answer {
    // A uid in the query wins over the name, as in Argo.
    let uid = pairs.get("uid").filter(|uid| !uid.is_empty());
    let run = find(&asking, &namespace, uid.unwrap_or(&name), Verb::Read)?;
    let fields = Fields::parse(pairs.get("fields").map(String::as_str).unwrap_or_default());
    Ok(answer(shown(&asking, &run, &fields)?))
}

pub(super) async fn delete(
    asking: Asking,
    Path((namespace, name)): Path<(String, String)>,
) -> Answer {
    let run = find(&asking, &namespace, &name, Verb::Delete)?;
    asking
        .app
        .control()
        .delete(&run.tenant, run.id)
        .await
        .map_err(Problem::from)?;
    Ok(answer(json!({})))
}

/// `CreateWorkflow` and `LintWorkflow` requests.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WorkflowRequest {
    workflow: Option<Value>,
    server_dry_run: bool,
    create_options: Option<CreateOptions>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct CreateOptions {
    pub(super) dry_run: Option<Vec<String>>,
}

impl WorkflowRequest {
    fn workflow(&mut self) -> Result<Value, Problem> {
        self.workflow
            .take()
            .filter(Value::is_object)
            .ok_or_else(|| Problem::request("request.body", "workflow body not specified"))
    }

    fn client_dry_run(&self) -> bool {
        self.create_options
            .as_ref()
            .and_then(|options| options.dry_run.as_ref())
            .is_some_and(|kinds| !kinds.is_empty())
    }
}

pub(super) async fn create(
    asking: Asking,
    Path(namespace): Path<String>,
    request: Request,
) -> Answer {
    let tenant = asking.tenant(&namespace, Verb::Create, Kind::Run)?;
    let mut wanted: WorkflowRequest = read_json(request).await?;
    let workflow = wanted.workflow()?;
    same_namespace(&workflow, &namespace)?;
    let dry_run = wanted.server_dry_run || wanted.client_dry_run();
    let submission = Submission {
        workflow: Some(workflow.clone()),
        dry_run,
        ..Submission::default()
    };
    let submitted = handed_in(&asking, &tenant, &submission).await?;
    match (wanted.server_dry_run, dry_run) {
        (true, _) => Ok(answer(rehearsed(submitted))),
        // A client's rehearsal gets its object back as it is.
        (false, true) => Ok(answer(workflow)),
        (false, false) => created(&asking, &submitted),
    }
}

pub(super) async fn handed_in(
    asking: &Asking,
    tenant: &TenantName,
    submission: &Submission,
) -> Result<Submitted, Problem> {
    let control = asking.app.control();
    let submitted = control.submit(tenant, asking.who(), submission, Mode::Lenient);
    submitted.await.map_err(Problem::from)
}

/// A server's rehearsal shows what would be stored, its uid included.
pub(super) fn rehearsed(submitted: Submitted) -> Value {
    let mut object = submitted.object;
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("uid".to_owned(), json!(submitted.head.id.uid()));
    }
    object
}

pub(super) fn created(asking: &Asking, submitted: &Submitted) -> Answer {
    let run = RunRef {
        tenant: submitted.head.tenant.clone(),
        id: submitted.head.id,
    };
    Ok(answer(shown(asking, &run, &Fields::All)?))
}

/// The namespace of the object and that of the path must not contradict each other.
pub(super) fn same_namespace(object: &Value, namespace: &str) -> Result<(), Problem> {
    match object
        .pointer("/metadata/namespace")
        .and_then(Value::as_str)
    {
        Some(inner) if !inner.is_empty() && inner != namespace => Err(Problem::request(
            "request.namespace",
            format!(
                "the object's namespace '{}' is not that of the request",
                inner.chars().take(80).collect::<String>()
            ),
        )),
        _ => Ok(()),
    }
}

pub(super) async fn lint(
    asking: Asking,
    Path(namespace): Path<String>,
    request: Request,
) -> Answer {
    let tenant = asking.tenant(&namespace, Verb::Read, Kind::Template)?;
    let mut wanted: WorkflowRequest = read_json(request).await?;
    let workflow = wanted.workflow()?;
    let document = steading_spec::from_json(
        workflow.clone(),
        Some(steading_spec::Kind::Workflow),
        Mode::Lenient,
        &Limits::default(),
    );
    let checked =
        document.and_then(|document| asking.app.control().check(&tenant, &document.object));
    checked
        .map_err(|faults| Problem::from(steading_control::error::ControlError::Invalid(faults)))?;
    Ok(answer(workflow))
}
