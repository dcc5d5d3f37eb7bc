//! The list of fields is whole, and its page in the documentation is what the code says.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// The fields of Argo Workflows v4, by object (its API reference), without names and what is no object's own.
const ARGO: &[(&str, &str)] = &[
    (
        "WorkflowSpec",
        "activeDeadlineSeconds affinity archiveLogs arguments artifactGC artifactRepositoryRef automountServiceAccountToken dnsConfig dnsPolicy entrypoint executor executorPlugins hooks hostAliases hostNetwork imagePullSecrets metrics nodeSelector onExit parallelism podDisruptionBudget podGC podMetadata podPriorityClassName podResources podSpecPatch priority resourceClaims retryStrategy schedulerName securityContext serviceAccountName shutdown suspend synchronization templateDefaults templates tolerations ttlStrategy volumeClaimGC volumeClaimTemplates volumes workflowMetadata workflowTemplateRef",
    ),
    (
        "Template",
        "activeDeadlineSeconds affinity annotations archiveLocation automountServiceAccountToken container containerSet daemon dag data executor failFast hostAliases http initContainers inputs memoize metadata metrics nodeSelector outputs parallelism pendingTimeout plugin podResources podSpecPatch priorityClassName resource resourceClaims retryStrategy schedulerName script securityContext serviceAccountName sidecars steps suspend synchronization timeout tolerations volumes",
    ),
    (
        "WorkflowStep",
        "arguments continueOn hooks onExit template templateRef when withItems withParam withSequence",
    ),
    ("DAGTemplate", "failFast target"),
    (
        "DAGTask",
        "arguments hooks onExit template templateRef when withItems withParam withSequence",
    ),
    ("LifecycleHook", "arguments expression template"),
    ("Sequence", "count end format start"),
    (
        "RetryStrategy",
        "affinity backoff expression limit retryPolicy",
    ),
    (
        "ContainerSetTemplate",
        "containers retryStrategy volumeMounts",
    ),
    (
        "ResourceTemplate",
        "action failureCondition flags manifestFrom mergeStrategy setOwnerReference successCondition",
    ),
    (
        "HTTP",
        "body bodyFrom headers insecureSkipVerify method successCondition timeoutSeconds",
    ),
    ("Synchronization", "mutexes semaphores"),
    (
        "Parameter",
        "default description enum globalName value valueFrom",
    ),
    (
        "ValueFrom",
        "configMapKeyRef event expression jqFilter jsonPath parameter path supplied",
    ),
    (
        "Artifact",
        "archive artifactGC artifactory azure deleted gcs git globalName hdfs http mode optional oss plugin raw recurseMode s3 subPath",
    ),
    (
        "WorkflowLevelArtifactGC",
        "forceFinalizerRemoval podMetadata podSpecPatch serviceAccountName strategy",
    ),
];

#[test]
fn every_sample_is_a_document_of_the_language() {
    for field in fields() {
        if let Standing::Broken(why) = &field.standing {
            panic!("{}: {why}", field.path);
        }
    }
}

#[test]
fn every_field_of_argo_has_a_sample() {
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for field in fields() {
        let object = field.object.split(' ').next().unwrap_or_default();
        known
            .entry(object.to_owned())
            .or_default()
            .insert(field.name().to_owned());
    }
    for (object, names) in ARGO {
        for name in names.split(' ') {
            let here = known.get(*object).is_some_and(|names| names.contains(name));
            assert!(here, "{object}.{name} has no sample");
        }
    }
}

#[test]
fn the_page_says_what_the_code_does() {
    let written = include_str!("../../../docs/fields.md");
    assert!(
        written == page(),
        "server/docs/fields.md is not what the code does; write it anew: steading lint --refused > server/docs/fields.md"
    );
}
