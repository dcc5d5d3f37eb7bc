//! What `resource` templates may act on: objects of the tenant itself. There is no cluster behind, so every
//! other kind is refused when the document is checked, not when its node runs.

use steading_types::server_task::ResourceAction;

use crate::yaml::{Limits, documents};

/// A kind of object that a resource template can act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceKind {
    /// A run: made, looked at, removed; a run that is there is never rewritten.
    Workflow,
    /// A saved template.
    WorkflowTemplate,
    /// A template of the site.
    ClusterWorkflowTemplate,
    /// Values by name.
    ConfigMap,
    /// Values that nobody sees again, so they can not be patched.
    Secret,
    /// A directory.
    Claim,
}

impl ResourceKind {
    const ALL: [Self; 6] = [
        Self::Workflow,
        Self::WorkflowTemplate,
        Self::ClusterWorkflowTemplate,
        Self::ConfigMap,
        Self::Secret,
        Self::Claim,
    ];

    /// Kubernetes' name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Workflow => "Workflow",
            Self::WorkflowTemplate => "WorkflowTemplate",
            Self::ClusterWorkflowTemplate => "ClusterWorkflowTemplate",
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
            Self::Claim => "PersistentVolumeClaim",
        }
    }

    /// Kubernetes' name for many of them, with their group: as its errors say it.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Workflow => "workflows.argoproj.io",
            Self::WorkflowTemplate => "workflowtemplates.argoproj.io",
            Self::ClusterWorkflowTemplate => "clusterworkflowtemplates.argoproj.io",
            Self::ConfigMap => "configmaps",
            Self::Secret => "secrets",
            Self::Claim => "persistentvolumeclaims",
        }
    }

    /// Whether this can be done to it; else why not.
    ///
    /// # Errors
    /// One sentence.
    pub fn takes(self, action: ResourceAction) -> Result<(), String> {
        use ResourceAction as A;
        match (self, action) {
            (Self::Workflow, A::Apply | A::Replace | A::Patch) => Err(
                "a Workflow can be made, looked at and deleted, not changed, by a resource template"
                    .to_owned(),
            ),
            (Self::Secret, A::Patch) => {
                Err("a Secret is not patched: nobody sees its values; use apply".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// The kind of object in a manifest; nothing when only the filled-in text will tell.
///
/// # Errors
/// One sentence: the kind needs a cluster, or the text is no object.
pub fn kind_of_manifest(manifest: &str) -> Result<Option<ResourceKind>, String> {
    let name = if manifest.contains("{{") {
        outermost_kind(manifest)
    } else {
        let limits = Limits::default();
        let values = documents(manifest.as_bytes(), &limits);
        let values = values.map_err(|fault| format!("the manifest is no object: {fault}"))?;
        let [(_, object)] = values.as_slice() else {
            return Err("the manifest must hold one object".to_owned());
        };
        object
            .get("kind")
            .and_then(|kind| kind.as_str())
            .map(str::to_owned)
    };
    match name {
        None if manifest.contains("{{") => Ok(None),
        None => Err("the manifest does not say its kind".to_owned()),
        Some(name) if name.contains("{{") => Ok(None),
        Some(name) => ResourceKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .map(Some)
            .ok_or_else(|| needs_cluster(&name)),
    }
}

fn needs_cluster(kind: &str) -> String {
    let kinds: Vec<&str> = ResourceKind::ALL.iter().map(|kind| kind.as_str()).collect();
    let kind: String = kind.chars().take(80).collect();
    format!(
        "a {kind} needs a Kubernetes cluster; here a resource template acts on {}",
        kinds.join(", ")
    )
}

/// The value of the least indented `kind:` of a text that is no YAML before its tags are filled in.
fn outermost_kind(text: &str) -> Option<String> {
    let lines = text.lines().filter_map(|line| {
        let trimmed = line.trim_start();
        let value = trimmed.strip_prefix("kind:")?;
        let indent = line.len().saturating_sub(trimmed.len());
        Some((indent, value.trim().trim_matches(['"', '\''])))
    });
    let (_, kind) = lines.min_by_key(|(indent, _)| *indent)?;
    Some(kind.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_tells_its_kind_before_it_is_filled_in() {
        let workflow = Ok(Some(ResourceKind::Workflow));
        for text in [
            "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {generateName: a-}",
            "{\"kind\": \"Workflow\"}",
            "spec:\n  x: {kind: Job}\n  y:\n    kind: Job\nkind: Workflow\nmetadata:\n  name: {{workflow.name}}-a",
        ] {
            assert_eq!(kind_of_manifest(text), workflow, "{text}");
        }
        for text in [
            "kind: {{inputs.parameters.kind}}",
            "{{inputs.parameters.manifest}}",
        ] {
            assert_eq!(kind_of_manifest(text), Ok(None), "{text}");
        }
        for (text, word) in [
            ("kind: Job", "needs a Kubernetes cluster"),
            ("kind: Pod\nname: {{x}}", "needs a Kubernetes cluster"),
            ("metadata: {}", "does not say its kind"),
            ("a: [", "no object"),
            ("", "one object"),
            ("kind: Workflow\n---\nkind: Workflow", "one object"),
        ] {
            let refused = kind_of_manifest(text).unwrap_err();
            assert!(refused.contains(word), "{text}: {refused}");
        }
    }
}
