//! The specification of a run, shared by all kinds.

use serde_json::Value;

use super::{
    Arguments, ArtifactRepositoryRef, DnsConfig, Hooks, HostAlias, IntOrString, Metadata, Metrics,
    PersistentVolumeClaim, Resources, RetryStrategy, StringMap, Synchronization, Template, Volume,
    WorkflowArtifactGc, WorkflowMetadata, WorkflowTemplateRef,
};

objects! {
    /// What a run does.
    WorkflowSpec {
        entrypoint: String,
        arguments: Arguments,
        templates: Vec<Template>,
        template_defaults: Option<Box<Template>>,
        workflow_template_ref: Option<WorkflowTemplateRef>,
        /// Moved into `hooks.exit` when a run is resolved.
        on_exit: String,
        hooks: Hooks,
        suspend: Option<bool>,
        shutdown: String,
        parallelism: Option<i64>,
        priority: Option<i64>,
        active_deadline_seconds: Option<i64>,
        retry_strategy: Option<RetryStrategy>,
        synchronization: Option<Synchronization>,
        volumes: Vec<Volume>,
        volume_claim_templates: Vec<PersistentVolumeClaim>,
        #[serde(rename = "volumeClaimGC")]
        volume_claim_gc: Option<VolumeClaimGc>,
        metrics: Option<Metrics>,
        workflow_metadata: Option<WorkflowMetadata>,
        pod_metadata: Option<Metadata>,
        pod_resources: Option<Resources>,
        pod_spec_patch: String,
        #[serde(rename = "podGC")]
        pod_gc: Option<PodGc>,
        ttl_strategy: Option<TtlStrategy>,
        archive_logs: Option<bool>,
        artifact_repository_ref: Option<ArtifactRepositoryRef>,
        #[serde(rename = "artifactGC")]
        artifact_gc: Option<WorkflowArtifactGc>,

        affinity: Option<Value>,
        automount_service_account_token: Option<bool>,
        dns_config: Option<DnsConfig>,
        dns_policy: String,
        executor: Option<Value>,
        executor_plugins: Vec<Value>,
        host_aliases: Vec<HostAlias>,
        host_network: Option<bool>,
        image_pull_secrets: Vec<Value>,
        node_selector: StringMap,
        pod_disruption_budget: Option<Value>,
        pod_priority_class_name: String,
        resource_claims: Vec<Value>,
        scheduler_name: String,
        security_context: Option<Value>,
        service_account_name: String,
        tolerations: Vec<Value>,
        /// v3; has no meaning any more.
        pod_priority: Option<IntOrString>,
    }

    /// When finished attempts are cleaned up.
    PodGc {
        strategy: String,
        label_selector: Option<Value>,
        delete_delay_duration: String,
    }

    /// How long a finished run is kept, in seconds.
    TtlStrategy {
        seconds_after_completion: Option<i64>,
        seconds_after_success: Option<i64>,
        seconds_after_failure: Option<i64>,
    }

    /// When claims made for a run are deleted.
    VolumeClaimGc {
        strategy: String,
    }
}

impl WorkflowSpec {
    /// The template of this name, with its position.
    pub fn template(&self, name: &str) -> Option<(usize, &Template)> {
        self.templates
            .iter()
            .enumerate()
            .find(|(_, template)| template.name == name)
    }
}

/// Calls `visit` on every template of a specification, inline ones and `templateDefaults` included, with
/// its path.
pub(crate) fn for_each_template(
    spec: &mut WorkflowSpec,
    path: &str,
    visit: &mut dyn FnMut(&mut Template, &str),
) {
    fn each(template: &mut Template, path: &str, visit: &mut dyn FnMut(&mut Template, &str)) {
        visit(template, path);
        template.for_each_caller(|caller, at| {
            if let Some(inline) = caller.inline_mut() {
                each(inline, &format!("{path}.{at}.inline"), visit);
            }
        });
    }
    if let Some(defaults) = &mut spec.template_defaults {
        each(defaults, &format!("{path}.templateDefaults"), visit);
    }
    for (i, template) in spec.templates.iter_mut().enumerate() {
        each(template, &format!("{path}.templates[{i}]"), visit);
    }
}
