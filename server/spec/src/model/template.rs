//! A template: what a node does, with what it takes and gives.

use serde_json::Value;

use super::{
    AnyString, Artifact, ArtifactLocation, Container, ContainerNode, DagTemplate, Data, HostAlias,
    Http, IntOrString, Metadata, ResourceTemplate, Resources, Script, StringMap, UserContainer,
    Volume, VolumeMount, WorkflowStep,
};

objects! {
    /// What a node does.
    Template {
        name: String,
        annotations: StringMap,
        metadata: Option<Metadata>,
        inputs: Option<Arguments>,
        outputs: Option<Outputs>,

        container: Option<Container>,
        container_set: Option<ContainerSet>,
        script: Option<Script>,
        steps: Option<Vec<Vec<WorkflowStep>>>,
        dag: Option<DagTemplate>,
        resource: Option<ResourceTemplate>,
        suspend: Option<Suspend>,
        http: Option<Http>,
        data: Option<Data>,
        plugin: Option<Value>,

        active_deadline_seconds: Option<IntOrString>,
        timeout: String,
        pending_timeout: String,
        parallelism: Option<i64>,
        fail_fast: Option<bool>,
        retry_strategy: Option<RetryStrategy>,
        memoize: Option<Memoize>,
        synchronization: Option<Synchronization>,
        metrics: Option<Metrics>,
        daemon: Option<bool>,

        init_containers: Vec<UserContainer>,
        sidecars: Vec<UserContainer>,
        volumes: Vec<Volume>,
        archive_location: Option<ArtifactLocation>,
        pod_resources: Option<Resources>,
        pod_spec_patch: String,

        affinity: Option<Value>,
        automount_service_account_token: Option<bool>,
        executor: Option<Value>,
        host_aliases: Vec<HostAlias>,
        node_selector: StringMap,
        priority_class_name: String,
        resource_claims: Vec<Value>,
        scheduler_name: String,
        security_context: Option<Value>,
        service_account_name: String,
        tolerations: Vec<Value>,
        /// v3; has no meaning any more.
        priority: Option<i64>,
    }

    /// Parameters and artifacts, as arguments of a call or as inputs of a template.
    Arguments {
        parameters: Vec<Parameter>,
        artifacts: Vec<Artifact>,
    }

    /// What a node gives.
    Outputs {
        parameters: Vec<Parameter>,
        artifacts: Vec<Artifact>,
        result: Option<String>,
        exit_code: Option<String>,
    }

    /// A named text.
    Parameter {
        name: String,
        value: Option<AnyString>,
        default: Option<AnyString>,
        #[serde(rename = "enum")]
        choices: Option<Vec<AnyString>>,
        value_from: Option<ValueFrom>,
        global_name: String,
        description: Option<AnyString>,
    }

    /// Where a parameter's value comes from: exactly one of these, beside `default`.
    ValueFrom {
        path: String,
        json_path: String,
        jq_filter: String,
        event: String,
        parameter: String,
        expression: String,
        supplied: Option<Value>,
        config_map_key_ref: Option<ConfigMapKeyRef>,
        default: Option<AnyString>,
    }

    /// A key of a ConfigMap.
    ConfigMapKeyRef {
        name: String,
        key: String,
        optional: Option<bool>,
    }

    /// When and how often a node is tried again.
    RetryStrategy {
        /// At most `limit` + 1 attempts; none: without end.
        limit: Option<IntOrString>,
        retry_policy: String,
        backoff: Option<Backoff>,
        expression: String,
        affinity: Option<Value>,
    }

    /// The wait between attempts.
    Backoff {
        duration: Option<AnyString>,
        factor: Option<IntOrString>,
        max_duration: Option<AnyString>,
        cap: Option<AnyString>,
    }

    /// Waits for a person, or for a time.
    Suspend {
        duration: Option<AnyString>,
    }

    /// Several containers that share an attempt.
    ContainerSet {
        containers: Vec<ContainerNode>,
        volume_mounts: Vec<VolumeMount>,
        retry_strategy: Option<ContainerSetRetry>,
    }

    /// How the command of a container set is tried again in place.
    ContainerSetRetry {
        duration: String,
        retries: Option<IntOrString>,
    }

    /// Re-use of an earlier node's outputs.
    Memoize {
        key: String,
        cache: Option<Cache>,
        max_age: String,
    }

    /// Where outputs are remembered.
    Cache {
        /// Its name is that of one of the tenant's caches; the rest means nothing here.
        config_map: Option<ConfigMapKeyRef>,
    }

    /// Locks.
    Synchronization {
        mutexes: Vec<Mutex>,
        semaphores: Vec<Semaphore>,
        /// v3; moved into `mutexes` when read.
        mutex: Option<Mutex>,
        /// v3; moved into `semaphores` when read.
        semaphore: Option<Semaphore>,
    }

    /// A lock for one.
    Mutex {
        name: String,
        namespace: String,
        database: bool,
    }

    /// A lock for several.
    Semaphore {
        config_map_key_ref: Option<ConfigMapKeyRef>,
        namespace: String,
        database: Option<DatabaseLimit>,
    }

    /// A limit that the server keeps for the tenant.
    DatabaseLimit {
        key: String,
    }

    /// Metrics that a node or a run emits.
    Metrics {
        prometheus: Vec<Prometheus>,
    }

    /// One metric.
    Prometheus {
        name: String,
        help: String,
        when: String,
        labels: Vec<MetricLabel>,
        gauge: Option<Gauge>,
        histogram: Option<Histogram>,
        counter: Option<Counter>,
    }

    /// A label of a metric.
    MetricLabel {
        key: String,
        value: String,
    }

    /// A value that goes up and down.
    Gauge {
        value: String,
        realtime: Option<bool>,
        operation: String,
    }

    /// A distribution.
    Histogram {
        value: String,
        buckets: Vec<Value>,
    }

    /// A sum.
    Counter {
        value: String,
    }
}

/// What a template is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are Argo's")]
pub enum TemplateType {
    Container,
    ContainerSet,
    Script,
    Steps,
    Dag,
    Resource,
    Suspend,
    Http,
    Data,
    Plugin,
}

impl TemplateType {
    /// The name of the template's field.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::ContainerSet => "containerSet",
            Self::Script => "script",
            Self::Steps => "steps",
            Self::Dag => "dag",
            Self::Resource => "resource",
            Self::Suspend => "suspend",
            Self::Http => "http",
            Self::Data => "data",
            Self::Plugin => "plugin",
        }
    }

    /// True for the types that the server carries out itself, without a container.
    pub fn is_served(self) -> bool {
        matches!(self, Self::Http | Self::Data | Self::Resource)
    }

    /// True for the types that run something themselves instead of calling templates.
    pub fn is_leaf(self) -> bool {
        !matches!(self, Self::Steps | Self::Dag)
    }
}

/// The annotation of a suspend template that says how many people must approve it.
pub const APPROVALS: &str = "steading.io/approvals";

impl Template {
    /// What the annotation [`APPROVALS`] says, in either place that Argo has for annotations.
    pub fn approvals(&self) -> Option<&str> {
        let metadata = self.metadata.as_ref();
        let said = metadata.and_then(|metadata| metadata.annotations.get(APPROVALS));
        said.or_else(|| self.annotations.get(APPROVALS))
            .map(String::as_str)
    }

    /// All types that the template claims to be; valid ones claim exactly one.
    pub fn types(&self) -> Vec<TemplateType> {
        use TemplateType as T;
        [
            (T::Container, self.container.is_some()),
            (T::ContainerSet, self.container_set.is_some()),
            (T::Script, self.script.is_some()),
            (T::Steps, self.steps.is_some()),
            (T::Dag, self.dag.is_some()),
            (T::Resource, self.resource.is_some()),
            (T::Suspend, self.suspend.is_some()),
            (T::Http, self.http.is_some()),
            (T::Data, self.data.is_some()),
            (T::Plugin, self.plugin.is_some()),
        ]
        .into_iter()
        .filter_map(|(kind, present)| present.then_some(kind))
        .collect()
    }

    /// The template's type; nothing when it claims none or several.
    pub fn template_type(&self) -> Option<TemplateType> {
        match self.types().as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    }

    /// Drops the parts of every type but one.
    pub(crate) fn keep_type(&mut self, kind: TemplateType) {
        use TemplateType as T;
        fn keep<T>(part: &mut Option<T>, wanted: bool) {
            if !wanted {
                *part = None;
            }
        }
        keep(&mut self.container, kind == T::Container);
        keep(&mut self.container_set, kind == T::ContainerSet);
        keep(&mut self.script, kind == T::Script);
        keep(&mut self.steps, kind == T::Steps);
        keep(&mut self.dag, kind == T::Dag);
        keep(&mut self.resource, kind == T::Resource);
        keep(&mut self.suspend, kind == T::Suspend);
        keep(&mut self.http, kind == T::Http);
        keep(&mut self.data, kind == T::Data);
        keep(&mut self.plugin, kind == T::Plugin);
    }

    /// The parameters that the template takes.
    pub fn input_parameters(&self) -> &[Parameter] {
        self.inputs.as_ref().map_or(&[], |i| &i.parameters)
    }

    /// The artifacts that the template takes.
    pub fn input_artifacts(&self) -> &[Artifact] {
        self.inputs.as_ref().map_or(&[], |i| &i.artifacts)
    }

    /// The parameters that the template gives.
    pub fn output_parameters(&self) -> &[Parameter] {
        self.outputs.as_ref().map_or(&[], |o| &o.parameters)
    }

    /// The artifacts that the template gives.
    pub fn output_artifacts(&self) -> &[Artifact] {
        self.outputs.as_ref().map_or(&[], |o| &o.artifacts)
    }
}

impl Arguments {
    /// The parameter of this name.
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|p| p.name == name)
    }

    /// The artifact of this name.
    pub fn artifact(&self, name: &str) -> Option<&Artifact> {
        self.artifacts.iter().find(|a| a.name == name)
    }
}
