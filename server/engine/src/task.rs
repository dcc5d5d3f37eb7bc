//! From a pod node to the task that a backend runs: the template filled in, as a pod.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use steading_spec::model::{
    Container, IntOrString, Resources, Script, Template, UserContainer, Volume, WorkflowSpec,
};
use steading_types::task::{self, Mount, OutputFile, SubPath, Task, VolumeKind};
use steading_types::{AttemptId, CpuMilli, MemoryBytes, Millis, NodeType, parse_duration};

use crate::error::EngineError;
use crate::node::{Node, NodeRole};
use crate::run::Run;
use crate::scope::View;
use crate::text;
use crate::time::rfc3339;

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
    /// The work.
    pub task: Task,
}

/// Between the polite signal and the forced one (Kubernetes' default).
const GRACE: Millis = Millis(30_000);
/// What a task without requests counts for (Argo's figures).
const DEFAULT_CPU: CpuMilli = CpuMilli(100);
const DEFAULT_MEMORY: MemoryBytes = MemoryBytes(100 * 1024 * 1024);
/// Bytes of `ARGO_TEMPLATE`; a larger template is left out of the environment.
const TEMPLATE_LIMIT: usize = 64 * 1024;

/// The parts of a template that are filled in for each attempt.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Body {
    container: Option<Container>,
    script: Option<Script>,
    init_containers: Vec<UserContainer>,
    volumes: Vec<Volume>,
    active_deadline_seconds: Option<IntOrString>,
    labels: BTreeMap<String, String>,
    resources: Option<Resources>,
    paths: BTreeMap<String, String>,
}

/// Collects those parts, once for a template.
pub(crate) fn body(template: &Template, spec: &WorkflowSpec) -> Value {
    let volumes: Vec<&Volume> = spec.volumes.iter().chain(&template.volumes).collect();
    let paths: BTreeMap<&str, &str> = template
        .output_parameters()
        .iter()
        .filter_map(|output| {
            let path = output.value_from.as_ref()?.path.as_str();
            (!path.is_empty()).then_some((output.name.as_str(), path))
        })
        .collect();
    let mut labels = BTreeMap::new();
    for metadata in [&spec.pod_metadata, &template.metadata]
        .into_iter()
        .flatten()
    {
        labels.extend(metadata.labels.iter());
    }
    json!({
        "container": template.container,
        "script": template.script,
        "initContainers": template.init_containers,
        "volumes": volumes,
        "activeDeadlineSeconds": template.active_deadline_seconds,
        "labels": labels,
        "resources": template.pod_resources.as_ref().or(spec.pod_resources.as_ref()),
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
        let node = self.node(attempt.node).filter(|node| {
            node.kind == NodeType::Pod && !node.phase.completed() && self.attempt(node) == attempt
        });
        let node = node.ok_or(EngineError::NoAttempt)?;
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
        self.assemble(node, body, deadline, environment)
    }

    fn assemble(
        &self,
        node: &Node,
        body: Body,
        deadline: Option<Millis>,
        environment: Vec<(String, String)>,
    ) -> Result<TaskRequest, EngineError> {
        let (mut container, script) = match (body.container, body.script) {
            (Some(container), _) => (container, None),
            (None, Some(script)) => (script.container, Some(script.source)),
            (None, None) => return Err(EngineError::NoAttempt),
        };
        if container.resources.is_none() {
            container.resources = body.resources;
        }
        let requested = |name| requested(container.resources.as_ref(), name);
        let cpu = requested("cpu")
            .map(|text| CpuMilli::parse(&text))
            .transpose();
        let memory = requested("memory")
            .map(|text| MemoryBytes::parse(&text))
            .transpose();
        let quantity = |error: steading_types::QuantityError| EngineError::Value(error.to_string());
        let (cpu, memory) = (cpu.map_err(quantity)?, memory.map_err(quantity)?);
        container.name = "main".to_owned();
        let mut main = converted(container)?;
        main.env.splice(0..0, environment);
        let init = body.init_containers.into_iter();
        let init = init.map(|init| converted(init.container));
        let volumes = body.volumes.into_iter().map(volume);
        let outputs = body.paths.into_iter();
        Ok(TaskRequest {
            attempt: self.attempt(node),
            name: self.pod_name(node.ix).unwrap_or_default(),
            priority: self.head.priority,
            cpu: cpu.unwrap_or(DEFAULT_CPU),
            memory: memory.unwrap_or(DEFAULT_MEMORY),
            labels: body.labels,
            task: Task {
                group: self.head.id.to_string(),
                init: init.collect::<Result<_, _>>()?,
                main,
                volumes: volumes.collect::<Result<_, _>>()?,
                script,
                outputs: outputs
                    .map(|(name, path)| OutputFile { name, path })
                    .collect(),
                capture_result: self.plan.reads_results,
                deadline,
                grace: GRACE,
                ..Task::default()
            },
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
            for part in ["container", "script"] {
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

/// What a container asks for; its limit, when it says nothing else.
fn requested(resources: Option<&Resources>, name: &str) -> Option<String> {
    let resources = resources?;
    let asked = resources
        .requests
        .get(name)
        .or_else(|| resources.limits.get(name));
    asked.map(|quantity| quantity.0.clone())
}

fn converted(container: Container) -> Result<task::Container, EngineError> {
    let limits = container
        .resources
        .as_ref()
        .map(|resources| &resources.limits);
    let limit = |name: &str| limits.and_then(|limits| limits.get(name));
    let quantity = |error: steading_types::QuantityError| EngineError::Value(error.to_string());
    let cpu = limit("cpu").map(|text| CpuMilli::parse(text)).transpose();
    let memory = limit("memory")
        .map(|text| MemoryBytes::parse(text))
        .transpose();
    Ok(task::Container {
        cpu: cpu.map_err(quantity)?,
        memory: memory.map_err(quantity)?,
        name: container.name,
        image: container.image,
        command: container.command,
        args: container.args,
        env: container
            .env
            .into_iter()
            .map(|variable| (variable.name, variable.value.unwrap_or_default()))
            .collect(),
        workdir: Some(container.working_dir).filter(|path| !path.is_empty()),
        mounts: container
            .volume_mounts
            .into_iter()
            .map(|mount| Mount {
                volume: mount.name,
                path: mount.mount_path,
                sub_path: Some(mount.sub_path)
                    .filter(|path| !path.is_empty())
                    .map(SubPath::Plain),
                read_only: mount.read_only,
            })
            .collect(),
        ..task::Container::default()
    })
}

fn volume(volume: Volume) -> Result<task::Volume, EngineError> {
    let Some(directory) = volume.empty_dir else {
        return Err(EngineError::Unsupported("volume"));
    };
    let size = directory.size_limit.as_ref();
    let size = size.map(|text| MemoryBytes::parse(text)).transpose();
    Ok(task::Volume {
        name: volume.name,
        kind: VolumeKind::EmptyDir {
            memory: directory.medium == "Memory",
            size: size.map_err(|error| EngineError::Value(error.to_string()))?,
        },
    })
}
