//! Containers of leaf templates.

use super::{Check, Code, Place, short};
use crate::model::{Container, UserContainer};

/// Names that Argo's own containers have.
const RESERVED: [&str; 4] = ["main", "init", "wait", "supervisor"];

pub(super) fn check(check: &mut Check<'_>, place: &Place<'_>) {
    let template = place.template;
    if let Some(container) = &template.container {
        image(check, place, container, "container");
    }
    if let Some(script) = &template.script {
        image(check, place, &script.container, "script");
        if script.source.is_empty() {
            let message = format!("{}.script.source may not be empty", place.name);
            check.fault(Code::Container, place.at("script.source"), message);
        }
    }
    extra(check, place, &template.init_containers, "initContainers");
    extra(check, place, &template.sidecars, "sidecars");
    if let Some(set) = &template.container_set {
        for (i, member) in set.containers.iter().enumerate() {
            let at = format!("containerSet.containers[{i}]");
            mounts(check, place, &member.container, &at);
        }
        let gives =
            !(template.output_parameters().is_empty() && template.output_artifacts().is_empty());
        let takes = !template.input_artifacts().is_empty();
        let has_main = set.containers.iter().any(|c| c.container.name == "main");
        if (gives || takes) && !has_main {
            check.fault(
                Code::Container,
                place.at("containerSet"),
                "containerSet.containers must have a container named \"main\" for input or output",
            );
        }
    }
}

fn image(check: &mut Check<'_>, place: &Place<'_>, container: &Container, field: &str) {
    if container.image.is_empty() {
        let message = format!("{}.{field}.image may not be empty", place.name);
        check.fault(
            Code::Container,
            place.at(&format!("{field}.image")),
            message,
        );
    }
    mounts(check, place, container, field);
}

fn extra(check: &mut Check<'_>, place: &Place<'_>, containers: &[UserContainer], field: &str) {
    for (i, UserContainer { container, .. }) in containers.iter().enumerate() {
        let at = format!("{field}[{i}]");
        if container.name.is_empty() {
            let message = format!("{}.{field} must all have container name", place.name);
            check.fault(Code::Container, place.at(&at), message);
        } else if RESERVED.contains(&container.name.as_str()) {
            let message = format!("{:?} is a reserved Argo container name", container.name);
            check.fault(Code::Container, place.at(&at), message);
        }
        image(check, place, container, &at);
    }
}

/// What is mounted is declared, at an absolute path, and artifacts do not collide with it.
fn mounts(check: &mut Check<'_>, place: &Place<'_>, container: &Container, field: &str) {
    let spec = &check.resolved.spec;
    let claims = spec.volume_claim_templates.iter();
    let claims = claims.map(|claim| claim.metadata.name.as_str());
    let declared: std::collections::HashSet<&str> = spec
        .volumes
        .iter()
        .chain(&place.template.volumes)
        .map(|volume| volume.name.as_str())
        .chain(claims)
        .collect();
    for (i, mount) in container.volume_mounts.iter().enumerate() {
        let at = place.at(&format!("{field}.volumeMounts[{i}]"));
        let known = declared.contains(mount.name.as_str()) || mount.name.contains("{{");
        if !known {
            let message = format!("volume '{}' not found in workflow spec", short(&mount.name));
            check.fault(Code::Container, format!("{at}.name"), message);
        }
        if !mount.mount_path.starts_with(['/', '{']) {
            let message = format!("'{}' is not an absolute path", short(&mount.mount_path));
            check.fault(Code::Container, format!("{at}.mountPath"), message);
        }
    }
    let mounts = container.volume_mounts.iter();
    let mounted: std::collections::HashMap<&str, _> = mounts
        .map(|mount| (mount.mount_path.as_str(), mount))
        .collect();
    for (i, artifact) in place.template.input_artifacts().iter().enumerate() {
        let taken = mounted
            .get(artifact.path.as_str())
            .filter(|_| !artifact.path.is_empty());
        if let Some(mount) = taken {
            let message = format!(
                "{}.inputs.artifacts[{i}].path '{}' already mounted in {field}.volumeMounts.{}",
                place.name,
                short(&artifact.path),
                short(&mount.name)
            );
            check.fault(
                Code::Artifact,
                place.at(&format!("inputs.artifacts[{i}].path")),
                message,
            );
        }
    }
}
