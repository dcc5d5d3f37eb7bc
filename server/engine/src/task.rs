//! From a pod node to the task that a backend runs: the template filled in, as a pod.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use steading_spec::model::{IntOrString, Metadata, Script, Template, Volume, WorkflowSpec};
use steading_types::artifact::Artifact;
use steading_types::task::{OutputFile, Task};
use steading_types::{AttemptId, CpuMilli, MemoryBytes, Millis, NodeType, parse_duration};

use crate::claims;
use crate::error::EngineError;
use crate::keep::{gives, takes};
use crate::node::{Node, NodeRole};
use crate::pod::{self, Built, Facts, Parts, Place};
use crate::run::Run;
use crate::scope::View;
use crate::templates::pod_address;
use crate::text;
use crate::time::rfc3339;
use crate::wants::Want;

/// What a scheduler and a backend need to know of an attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskRequest {
    /// The attempt, and the key under which its work is found again.
    pub attempt: AttemptId,
    /// Argo's pod name.
    pub name: String,
    /// Higher goes first.
    pub priority: i32,
    /// CPU that the task asks for.
    pub cpu: CpuMilli,
    /// Memory that the task asks for.
    pub memory: MemoryBytes,
    /// Labels of the pod, as the template wrote them.
    pub labels: BTreeMap<String, String>,
    /// Where the contents of [`Task::takes`] lie, by position.
    pub takes: Vec<Artifact>,
    /// The work.
    pub task: Task,
    /// What must be put into it before it starts.
    pub wants: Vec<Want>,
}

/// The label that names a pod's run.
const WORKFLOW: &str = "workflows.argoproj.io/workflow";
/// What a task without requests counts for (Argo's figures).
const DEFAULT_CPU: CpuMilli = CpuMilli(100);
const DEFAULT_MEMORY: MemoryBytes = MemoryBytes(100 * 1024 * 1024);
/// Bytes of `ARGO_TEMPLATE`; a larger template is left out of the environment.
const TEMPLATE_LIMIT: usize = 64 * 1024;

/// The parts of a template that are filled in for each attempt.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Body {
    script: Option<Script>,
    active_deadline_seconds: Option<IntOrString>,
    metadata: Metadata,
    paths: BTreeMap<String, String>,
    #[serde(flatten)]
    parts: Parts,
}

/// Collects those parts, once for a template.
pub(crate) fn body(template: &Template, spec: &WorkflowSpec) -> Value {
    let claims: Vec<Volume> = claims::volumes(spec).collect();
    let volumes = spec.volumes.iter().chain(&template.volumes);
    let volumes: Vec<&Volume> = volumes.chain(&claims).collect();
    let paths: BTreeMap<&str, &str> = template
        .output_parameters()
        .iter()
        .filter_map(|output| {
            let path = output.value_from.as_ref()?.path.as_str();
            (!path.is_empty()).then_some((output.name.as_str(), path))
        })
        .collect();
    let mut metadata = Metadata::default();
    for given in [&spec.pod_metadata, &template.metadata]
        .into_iter()
        .flatten()
    {
        metadata.labels.extend(given.labels.clone());
        metadata.annotations.extend(given.annotations.clone());
    }
    let patches = [&spec.pod_spec_patch, &template.pod_spec_patch];
    let aliases = spec.host_aliases.iter().chain(&template.host_aliases);
    json!({
        "container": template.container,
        "script": template.script,
        "containerSet": template.container_set,
        "initContainers": template.init_containers,
        "sidecars": template.sidecars,
        "volumes": volumes,
        "activeDeadlineSeconds": template.active_deadline_seconds,
        "metadata": metadata,
        "resources": template.pod_resources.as_ref().or(spec.pod_resources.as_ref()),
        "securityContext": template.security_context.as_ref().or(spec.security_context.as_ref()),
        "hostAliases": aliases.collect::<Vec<_>>(),
        "dnsConfig": spec.dns_config,
        "patches": patches.into_iter().filter(|patch| !patch.is_empty()).collect::<Vec<_>>(),
        "paths": paths,
    })
}

impl Run {
    /// The work of an attempt that is ready or running. An error is reported to the run as the end of the
    /// attempt (`End::Unprepared`).
    ///
    /// # Errors
    /// [`EngineError`] when the attempt is over, or its template can not be filled in.
    pub fn task(&self, attempt: AttemptId, now: Millis) -> Result<TaskRequest, EngineError> {
        let node = self.open_pod(attempt).ok_or(EngineError::NoAttempt)?;
        let template_ix = self.live(node.ix).and_then(|live| live.template);
        let template_ix = template_ix.ok_or(EngineError::NoAttempt)?;
        let template = self.plan.template(template_ix)?;
        let view = View::node(self, now, node.ix);
        let filled = match &self.plan.sheet(template_ix)?.body {
            Some(body) => text::render_compiled(body, &view)?,
            None => return Err(EngineError::NoAttempt),
        };
        let body = Body::deserialize(&filled)
            .map_err(|error| EngineError::Value(format!("the filled-in template: {error}")))?;
        let deadline = self.task_deadline(node, template, &body, now, &view)?;
        let environment = self.environment(node, template, &filled, deadline, now);
        let mut request = self.assemble(node, template, body, deadline, environment)?;
        request.task.gives = gives(template, &view)?;
        (request.task.takes, request.takes) = takes(node, template);
        Ok(request)
    }

    /// The node of an attempt that is pending or running.
    pub(crate) fn open_pod(&self, attempt: AttemptId) -> Option<&Node> {
        self.node(attempt.node).filter(|node| {
            node.kind == NodeType::Pod && !node.phase.completed() && self.attempt(node) == attempt
        })
    }

    fn assemble(
        &self,
        node: &Node,
        template: &Template,
        body: Body,
        deadline: Option<Millis>,
        environment: Vec<(String, String)>,
    ) -> Result<TaskRequest, EngineError> {
        let mut parts = body.parts;
        let mut source = None;
        if let Some(script) = body.script {
            parts.container = Some(script.container);
            source = Some(script.source);
        }
        let daemon = template.daemon == Some(true);
        let name = self.pod_name(node.ix).unwrap_or_default();
        let labels = body.metadata.labels.clone();
        let mut metadata = body.metadata;
        let workflow = self.head.name.to_string();
        metadata.labels.insert(WORKFLOW.to_owned(), workflow);
        let facts = Facts {
            name: name.clone(),
            namespace: self.head.tenant.namespace(),
            uid: self.attempt(node).to_string(),
            metadata,
            address: pod_address(node.ix),
            network: match (daemon, self.plan.has_daemons) {
                (true, _) => Place::Service,
                (false, true) => Place::BesideServices,
                (false, false) => Place::Alone,
            },
            environment,
        };
        let Built {
            task,
            cpu,
            memory,
            wants,
        } = pod::build(parts, &facts)?;
        let outputs = body.paths.into_iter();
        Ok(TaskRequest {
            attempt: self.attempt(node),
            name,
            priority: self.head.priority,
            cpu: cpu.unwrap_or(DEFAULT_CPU),
            memory: memory.unwrap_or(DEFAULT_MEMORY),
            labels,
            takes: Vec::new(),
            task: Task {
                group: self.head.id.to_string(),
                script: source,
                outputs: outputs
                    .map(|(name, path)| OutputFile { name, path })
                    .collect(),
                capture_result: self.plan.reads_results,
                deadline: [deadline, task.deadline].into_iter().flatten().min(),
                ..task
            },
            wants,
        })
    }

    /// How long the task may run: its own limit, and what is left of its retry node's.
    fn task_deadline(
        &self,
        node: &Node,
        template: &Template,
        body: &Body,
        now: Millis,
        view: &View<'_>,
    ) -> Result<Option<Millis>, EngineError> {
        let own = body.active_deadline_seconds.as_ref();
        let own = own.map(|seconds| text::number(seconds, view)).transpose()?;
        let own = own.map(|seconds| {
            let seconds = u64::try_from(seconds).unwrap_or(0);
            Millis(seconds.saturating_mul(1000))
        });
        let retry = node.owner.filter(|_| node.role == NodeRole::Try);
        let left = match (retry, &template.retry_strategy) {
            (Some(retry), Some(strategy)) => {
                let backoff = strategy.backoff.as_ref();
                let longest = backoff.and_then(|backoff| backoff.max_duration.as_ref());
                let longest = longest.map(|text| text::render(text, view)).transpose()?;
                let longest = longest.as_deref().and_then(parse_duration);
                let started = self.first_try_started(retry).unwrap_or(now);
                longest.map(|longest| started.plus(longest).since(now).max(Millis(1)))
            }
            _ => None,
        };
        Ok([own, left].into_iter().flatten().min())
    }

    /// Argo's variables of main; the template's own come after them and win.
    fn environment(
        &self,
        node: &Node,
        template: &Template,
        filled: &Value,
        deadline: Option<Millis>,
        now: Millis,
    ) -> Vec<(String, String)> {
        let inputs: Vec<Value> = node
            .inputs
            .iter()
            .map(|(name, value)| json!({"name": name, "value": value}))
            .collect();
        let mut shown = json!({"name": template.name, "inputs": {"parameters": inputs}});
        if let Some(shown) = shown.as_object_mut() {
            for part in ["container", "script", "containerSet"] {
                if let Some(value) = filled.get(part).filter(|value| !value.is_null()) {
                    shown.insert(part.to_owned(), value.clone());
                }
            }
        }
        let shown = Some(shown.to_string()).filter(|text| text.len() <= TEMPLATE_LIMIT);
        let whole = [
            self.deadline(),
            node.wake,
            deadline.map(|span| now.plus(span)),
        ];
        let deadline = whole.into_iter().flatten().min();
        [
            ("ARGO_CONTAINER_NAME", Some("main".to_owned())),
            ("ARGO_NODE_ID", self.node_id(node.ix)),
            ("ARGO_WORKFLOW_NAME", Some(self.head.name.to_string())),
            (
                "ARGO_INCLUDE_SCRIPT_OUTPUT",
                Some(self.plan.reads_results.to_string()),
            ),
            ("ARGO_DEADLINE", deadline.map(rfc3339)),
            ("ARGO_TEMPLATE", shown),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
    }
}
