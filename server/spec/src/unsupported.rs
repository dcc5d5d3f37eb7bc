//! What the language has and this version does not run: refused by name, with its path, and never
//! ignored. What means nothing outside a Kubernetes cluster is kept without effect and reported once.
//!
//! Each line of the tables is one field. A feature that arrives takes its line away.

mod artifacts;

use serde_json::Value;

use crate::fault::{Code, Fault};
use crate::model::{Container, PodSpec, Template, VariableSource, Volume, WorkflowSpec};
use crate::resolve::Resolved;
use crate::resource::kind_of_manifest;
use steading_types::server_task::ResourceAction;

/// What was found in a definition.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// It can not run because of these.
    pub(crate) refused: Vec<Fault>,
    /// It runs without these.
    pub(crate) warnings: Vec<Fault>,
}

/// Faults reported of one definition.
const MAX_REFUSED: usize = 1_000;

/// Looks at every template of a run, and at the run itself.
pub(crate) fn find(resolved: &Resolved) -> Findings {
    let mut finder = Finder::default();
    finder.spec(&resolved.spec);
    for (_, entry) in resolved.entries() {
        finder.template(&entry.template, &entry.path);
    }
    finder.found
}

#[derive(Default)]
struct Finder {
    found: Findings,
    warned: std::collections::HashSet<&'static str>,
}

impl Finder {
    fn spec(&mut self, spec: &WorkflowSpec) {
        let at = "spec";
        self.run_artifacts(spec);
        self.refuse(
            at,
            &[
                (spec.host_network == Some(true), "hostNetwork", HOST),
                (
                    !spec.executor_plugins.is_empty(),
                    "executorPlugins",
                    PLUGINS,
                ),
                (!spec.resource_claims.is_empty(), "resourceClaims", CLAIMS),
            ],
        );
        self.warn(
            at,
            &[
                (spec.affinity.is_some(), "affinity"),
                (!spec.node_selector.is_empty(), "nodeSelector"),
                (!spec.tolerations.is_empty(), "tolerations"),
                (!spec.dns_policy.is_empty(), "dnsPolicy"),
                (spec.pod_disruption_budget.is_some(), "podDisruptionBudget"),
                (
                    !spec.pod_priority_class_name.is_empty(),
                    "podPriorityClassName",
                ),
                (!spec.scheduler_name.is_empty(), "schedulerName"),
                (!spec.service_account_name.is_empty(), "serviceAccountName"),
                (
                    spec.automount_service_account_token.is_some(),
                    "automountServiceAccountToken",
                ),
                (spec.executor.is_some(), "executor"),
                (!spec.image_pull_secrets.is_empty(), "imagePullSecrets"),
                (spec.archive_logs.is_some(), "archiveLogs"),
                (spec.pod_gc.is_some(), "podGC"),
                (
                    spec.retry_strategy
                        .as_ref()
                        .is_some_and(|retry| retry.affinity.is_some()),
                    "retryStrategy.affinity",
                ),
            ],
        );
        self.patch(&spec.pod_spec_patch, at);
        self.arguments(&spec.arguments.parameters, "spec.arguments");
        self.volumes(&spec.volumes, at);
        self.claims(spec);
        self.security(spec.security_context.as_ref(), "spec.securityContext");
    }

    fn template(&mut self, template: &Template, path: &str) {
        self.types(template, path);
        self.template_artifacts(template, path);
        self.resource(template, path);
        self.refuse(
            path,
            &[(
                !template.resource_claims.is_empty(),
                "resourceClaims",
                CLAIMS,
            )],
        );
        self.warn(
            path,
            &[
                (template.affinity.is_some(), "affinity"),
                (!template.node_selector.is_empty(), "nodeSelector"),
                (!template.tolerations.is_empty(), "tolerations"),
                (
                    !template.priority_class_name.is_empty(),
                    "priorityClassName",
                ),
                (!template.scheduler_name.is_empty(), "schedulerName"),
                (
                    !template.service_account_name.is_empty(),
                    "serviceAccountName",
                ),
                (
                    template.automount_service_account_token.is_some(),
                    "automountServiceAccountToken",
                ),
                (template.executor.is_some(), "executor"),
                (
                    template
                        .archive_location
                        .as_ref()
                        .is_some_and(|location| location.archive_logs.is_some()),
                    "archiveLocation",
                ),
                (
                    template
                        .retry_strategy
                        .as_ref()
                        .is_some_and(|retry| retry.affinity.is_some()),
                    "retryStrategy.affinity",
                ),
            ],
        );
        self.arguments(template.input_parameters(), &format!("{path}.inputs"));
        self.volumes(&template.volumes, path);
        self.security(
            template.security_context.as_ref(),
            &format!("{path}.securityContext"),
        );
        self.calls(template, path);
        self.containers(template, path);
    }

    /// The types of templates that nothing here can run.
    fn types(&mut self, template: &Template, path: &str) {
        self.refuse(
            path,
            &[
                (template.data.is_some(), "data", "data templates"),
                (template.plugin.is_some(), "plugin", PLUGINS),
            ],
        );
    }

    /// What a `resource` template may act on.
    fn resource(&mut self, template: &Template, path: &str) {
        let Some(resource) = &template.resource else {
            return;
        };
        let at = format!("{path}.resource");
        let from = resource.manifest_from.is_some();
        self.refuse(
            &at,
            &[
                (!resource.flags.is_empty(), "flags", "flags of kubectl"),
                (from, "manifestFrom", "manifests from artifacts"),
                (
                    resource.merge_strategy == "json",
                    "mergeStrategy",
                    "JSON patches (RFC 6902)",
                ),
            ],
        );
        for (i, output) in template.output_parameters().iter().enumerate() {
            let from = output.value_from.as_ref();
            let jq = from.is_some_and(|from| !from.jq_filter.is_empty());
            let at = format!("{path}.outputs.parameters[{i}].valueFrom");
            self.refuse(&at, &[(jq, "jqFilter", "filters of jq (use jsonPath)")]);
        }
        if from {
            return;
        }
        let kind = kind_of_manifest(&resource.manifest);
        let action = ResourceAction::parse(&resource.action);
        let refusal = match (kind, action) {
            (Err(why), _) => Some(why),
            (Ok(Some(kind)), Some(action)) => kind.takes(action).err(),
            _ => None,
        };
        if let Some(why) = refusal {
            self.refuse_because(format!("{at}.manifest"), why);
        }
    }

    fn calls(&mut self, template: &Template, path: &str) {
        for (caller, at) in template.callers() {
            let at = format!("{path}.{at}");
            let hooks = caller.hooks().iter();
            let hooks = hooks.map(|(name, hook)| (format!("{at}.hooks.{name}"), &hook.arguments));
            for (at, arguments) in hooks.chain([(at.clone(), caller.arguments())]) {
                self.places(&arguments.artifacts, &format!("{at}.arguments"));
                self.arguments(&arguments.parameters, &format!("{at}.arguments"));
            }
        }
    }

    fn arguments(&mut self, parameters: &[crate::model::Parameter], path: &str) {
        for (i, parameter) in parameters.iter().enumerate() {
            let Some(from) = &parameter.value_from else {
                continue;
            };
            let at = format!("{path}.parameters[{i}].valueFrom");
            self.refuse(
                &at,
                &[(!from.event.is_empty(), "event", "parameters from events")],
            );
        }
    }

    fn containers(&mut self, template: &Template, path: &str) {
        if let Some(container) = &template.container {
            self.container(container, &format!("{path}.container"));
        }
        if let Some(script) = &template.script {
            self.container(&script.container, &format!("{path}.script"));
        }
        if let Some(set) = &template.container_set {
            for (i, member) in set.containers.iter().enumerate() {
                let at = format!("{path}.containerSet.containers[{i}]");
                self.container(&member.container, &at);
            }
        }
        for (list, containers) in [
            ("initContainers", &template.init_containers),
            ("sidecars", &template.sidecars),
        ] {
            for (i, extra) in containers.iter().enumerate() {
                self.container(&extra.container, &format!("{path}.{list}[{i}]"));
            }
        }
        self.patch(&template.pod_spec_patch, path);
    }

    fn container(&mut self, container: &Container, path: &str) {
        self.refuse(
            path,
            &[
                (
                    !container.volume_devices.is_empty(),
                    "volumeDevices",
                    "volume devices",
                ),
                (
                    container.lifecycle.is_some(),
                    "lifecycle",
                    "life cycle handlers of containers",
                ),
                (container.stdin, "stdin", "containers with standard input"),
                (container.tty, "tty", "terminals"),
            ],
        );
        for (i, variable) in container.env.iter().enumerate() {
            let at = format!("{path}.env[{i}].valueFrom");
            let from = variable.value_from.as_ref();
            let from = from.map(|from| crate::pod::read::<VariableSource>(from, &at));
            if let Some(Err(fault)) = from {
                self.refuse_fault(fault);
            }
        }
        for (i, mount) in container.volume_mounts.iter().enumerate() {
            let at = format!("{path}.volumeMounts[{i}]");
            self.warn(
                &at,
                &[
                    (!mount.mount_propagation.is_empty(), "mountPropagation"),
                    (!mount.recursive_read_only.is_empty(), "recursiveReadOnly"),
                ],
            );
        }
        self.warn(
            path,
            &[
                (!container.image_pull_policy.is_empty(), "imagePullPolicy"),
                (!container.ports.is_empty(), "ports"),
                (
                    !container.termination_message_path.is_empty(),
                    "terminationMessagePath",
                ),
                (
                    !container.termination_message_policy.is_empty(),
                    "terminationMessagePolicy",
                ),
                (!container.restart_policy.is_empty(), "restartPolicy"),
                (!container.resize_policy.is_empty(), "resizePolicy"),
                (
                    !container.restart_policy_rules.is_empty(),
                    "restartPolicyRules",
                ),
                (container.stdin_once, "stdinOnce"),
            ],
        );
        let at = format!("{path}.securityContext");
        self.security(container.security_context.as_ref(), &at);
    }

    fn volumes(&mut self, volumes: &[Volume], path: &str) {
        for (i, volume) in volumes.iter().enumerate() {
            if let Some(source) = volume.refused_source() {
                let at = format!("{path}.volumes[{i}].{source}");
                self.refuse_at(at, &format!("volumes of the kind {}", short(source)));
            }
            for fault in crate::pod::volume(volume) {
                self.refuse_fault(Fault {
                    path: format!("{path}.volumes[{i}].{}", fault.path),
                    ..fault
                });
            }
        }
    }

    /// What a claim made for a run asks for. What is filled in later is looked at then.
    fn claims(&mut self, spec: &WorkflowSpec) {
        for (i, claim) in spec.volume_claim_templates.iter().enumerate() {
            let found = match crate::objects::claim_of_run(claim) {
                Ok(warnings) => warnings,
                Err(faults) => faults,
            };
            for fault in found {
                let path = format!("spec.volumeClaimTemplates[{i}].{}", fault.path);
                match fault.code {
                    Code::NoEffect => self.found.warnings.push(Fault { path, ..fault }),
                    _ => self.refuse_fault(Fault { path, ..fault }),
                }
            }
        }
    }

    /// Asking for less privilege changes nothing: a task has none. Asking for more is refused.
    fn security(&mut self, context: Option<&Value>, path: &str) {
        // What is filled in later is looked at then.
        if context.is_some_and(|context| context.to_string().contains("{{")) {
            return;
        }
        match crate::pod::security(context, path) {
            Ok(context) => {
                for fault in crate::pod::container_context(&context, path) {
                    self.refuse_fault(fault);
                }
            }
            Err(fault) => self.refuse_fault(fault),
        }
    }

    /// A patch without tags is known now: by what it would make of an empty pod.
    fn patch(&mut self, patch: &str, path: &str) {
        if patch.is_empty() || patch.contains("{{") {
            return;
        }
        let at = |fault: Fault| Fault {
            path: format!("{path}.{}", fault.path),
            ..fault
        };
        match crate::pod::patched(&PodSpec::default(), patch) {
            Ok(pod) => {
                for mut fault in crate::pod::refused(&pod) {
                    fault.path = format!("podSpecPatch.{}", fault.path);
                    self.refuse_fault(at(fault));
                }
            }
            Err(fault) => self.refuse_fault(at(fault)),
        }
    }

    fn refuse_fault(&mut self, fault: Fault) {
        if self.found.refused.len() < MAX_REFUSED {
            self.found.refused.push(fault);
        }
    }

    /// Each line: whether it is there, its field, what it is.
    fn refuse(&mut self, path: &str, lines: &[(bool, &str, &str)]) {
        for (present, field, what) in lines {
            if *present {
                self.refuse_at(format!("{path}.{field}"), what);
            }
        }
    }

    fn refuse_at(&mut self, path: String, what: &str) {
        self.refuse_because(path, format!("{what}: not supported by this version"));
    }

    fn refuse_because(&mut self, path: String, message: String) {
        if self.found.refused.len() < MAX_REFUSED {
            self.found
                .refused
                .push(Fault::new(Code::Unsupported, path, message));
        }
    }

    /// Each line: whether it is there, its field.
    fn warn(&mut self, path: &str, lines: &[(bool, &'static str)]) {
        for (present, field) in lines {
            if *present {
                self.warn_at(field, format!("{path}.{field}"));
            }
        }
    }

    fn warn_at(&mut self, field: &'static str, path: String) {
        if self.warned.insert(field) {
            let message = format!("{field} has no effect here");
            self.found
                .warnings
                .push(Fault::new(Code::NoEffect, path, message));
        }
    }
}

const CLAIMS: &str = "claims of devices";
const HOST: &str = "the host's network";
const PLUGINS: &str =
    "executor plugins (plugins are compute environments and triggers; none answers a template)";

fn short(name: &str) -> String {
    name.chars().take(80).collect()
}
