//! Everything that a document must pass before it is accepted. The same check runs at create, submit and
//! lint, so that a run never starts with a document that lint would refuse.

use crate::fault::{Code, Fault};
use crate::model::{ObjectMeta, Workflow, WorkflowSpec, WorkflowTemplate};
use crate::resolve::{Library, Purpose, Resolved, resolve_leniently};
use crate::unsupported;
use crate::validate::validate;

/// Characters of the name of a workflow or template (Kubernetes' and Argo's bound).
const MAX_OBJECT_NAME: usize = 63;
/// Characters that Kubernetes adds to a `generateName`.
const GENERATED: usize = 5;

/// A workflow that may run.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// Its whole definition.
    pub resolved: Resolved,
    /// What was accepted without having an effect.
    pub warnings: Vec<Fault>,
}

/// Checks a workflow and makes it self-contained.
///
/// # Errors
/// All faults found: broken rules, references that lead nowhere, and what this version can not run.
pub fn check(workflow: &Workflow, library: &dyn Library) -> Result<Checked, Vec<Fault>> {
    let mut faults = object_name(&workflow.metadata);
    let checked = check_spec(&workflow.spec, &workflow.metadata, library, Purpose::Run);
    match checked {
        Ok(checked) if faults.is_empty() => Ok(checked),
        Ok(_) => Err(faults),
        Err(mut found) => {
            faults.append(&mut found);
            Err(faults)
        }
    }
}

/// Checks a template; gives the warnings. What its callers bring (arguments, an entrypoint) may be missing.
///
/// # Errors
/// As [`check`].
pub fn check_template(
    template: &WorkflowTemplate,
    library: &dyn Library,
) -> Result<Vec<Fault>, Vec<Fault>> {
    let mut faults = object_name(&template.metadata);
    let checked = check_spec(
        &template.spec,
        &template.metadata,
        library,
        Purpose::Template,
    );
    match checked {
        Ok(checked) if faults.is_empty() => Ok(checked.warnings),
        Ok(_) => Err(faults),
        Err(mut found) => {
            faults.append(&mut found);
            Err(faults)
        }
    }
}

fn check_spec(
    spec: &WorkflowSpec,
    metadata: &ObjectMeta,
    library: &dyn Library,
    purpose: Purpose,
) -> Result<Checked, Vec<Fault>> {
    let (resolved, mut faults) = resolve_leniently(spec, library, purpose)?;
    faults.append(&mut validate(&resolved, metadata, purpose));
    let unsupported::Findings { refused, warnings } = unsupported::find(&resolved);
    faults.extend(refused);
    if faults.is_empty() {
        Ok(Checked { resolved, warnings })
    } else {
        Err(faults)
    }
}

/// Clients check names by Kubernetes' rules; a name that they refuse could never be reached.
fn object_name(metadata: &ObjectMeta) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut refuse = |field: &str, message: String| {
        faults.push(Fault::new(Code::Name, format!("metadata.{field}"), message));
    };
    let ObjectMeta {
        name,
        generate_name,
        ..
    } = metadata;
    if name.is_empty() && generate_name.is_empty() {
        refuse("name", "name or generateName is required".to_owned());
    }
    if !name.is_empty() && name.parse::<steading_types::WorkflowName>().is_err() {
        let shown: String = name.chars().take(80).collect();
        refuse(
            "name",
            format!(
                "'{shown}' is not a name: use at most {MAX_OBJECT_NAME} lower-case letters, digits, '-' and '.', beginning and ending with a letter or digit"
            ),
        );
    }
    if name.is_empty() && !generate_name.is_empty() {
        // Longer beginnings are cut, as in Kubernetes.
        let begin: String = generate_name
            .chars()
            .take(MAX_OBJECT_NAME - GENERATED)
            .collect();
        if format!("{begin}x")
            .parse::<steading_types::WorkflowName>()
            .is_err()
        {
            refuse(
                "generateName",
                format!(
                    "'{begin}' is not the beginning of a name: use lower-case letters, digits, '-' and '.'"
                ),
            );
        }
    }
    faults
}

#[cfg(test)]
mod tests;
