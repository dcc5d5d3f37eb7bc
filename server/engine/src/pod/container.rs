//! One container of a pod as one of a task.

use serde_json::Value;
use steading_spec::model::{Container, Resources, SecurityContext, VariableSource};
use steading_spec::pod as policy;
use steading_types::task::{self, Mount, Security, SubPath};
use steading_types::{CpuMilli, MemoryBytes};

use super::{Facts, downward, objects, over, probe, refused};
use crate::error::EngineError;
use crate::wants::{Source, Want};

/// Writes a container; `env` are variables that come before its own.
pub(super) fn written(
    container: &Container,
    pod: &SecurityContext,
    facts: &Facts,
    mut env: Vec<(String, String)>,
    wants: &mut Vec<Want>,
) -> Result<task::Container, EngineError> {
    let (cpu, memory) = limits(container.resources.as_ref())?;
    wants.extend(objects::variables(container, env.len()));
    for variable in &container.env {
        let value = match (&variable.value, &variable.value_from) {
            (Some(value), _) => value.clone(),
            (None, None) => String::new(),
            (None, Some(source)) => self::value(source, container, facts, env.len(), wants)?,
        };
        env.push((variable.name.clone(), value));
    }
    let own = policy::security(container.security_context.as_ref(), "securityContext");
    let mounts = container.volume_mounts.iter().map(|mount| Mount {
        volume: mount.name.clone(),
        path: mount.mount_path.clone(),
        sub_path: match (mount.sub_path.as_str(), mount.sub_path_expr.as_str()) {
            ("", "") => None,
            ("", expression) => Some(SubPath::Expanded(expression.to_owned())),
            (path, _) => Some(SubPath::Plain(path.to_owned())),
        },
        read_only: mount.read_only,
    });
    Ok(task::Container {
        name: container.name.clone(),
        image: container.image.clone(),
        command: container.command.clone(),
        args: container.args.clone(),
        env,
        workdir: Some(container.working_dir.clone()).filter(|path| !path.is_empty()),
        mounts: mounts.collect(),
        cpu,
        memory,
        after: Vec::new(),
        startup: probe::startup(container)?,
        liveness: probe::liveness(container)?,
        security: security(&over(pod, own.map_err(refused)?), pod)?,
    })
}

/// The value of a variable; an empty one that is wanted, where an object has it.
fn value(
    source: &Value,
    own: &Container,
    facts: &Facts,
    at: usize,
    wants: &mut Vec<Want>,
) -> Result<String, EngineError> {
    let source: VariableSource = policy::read(source, "valueFrom").map_err(refused)?;
    let (object, key) = match source {
        VariableSource {
            field_ref: Some(field),
            ..
        } => return downward::field(&field, facts),
        VariableSource {
            resource_field_ref: Some(resource),
            ..
        } => {
            return downward::resource(&resource, own);
        }
        VariableSource {
            config_map_key_ref: Some(key),
            ..
        } => objects::key(Source::ConfigMap, &key),
        VariableSource {
            secret_key_ref: Some(key),
            ..
        } => objects::key(Source::Secret, &key),
        _ => return Err(EngineError::Unsupported("valueFrom")),
    };
    wants.push(Want::Variable {
        container: own.name.clone(),
        at,
        object,
        key,
    });
    Ok(String::new())
}

fn security(own: &SecurityContext, pod: &SecurityContext) -> Result<Security, EngineError> {
    let groups = pod.supplemental_groups.iter().chain(&pod.fs_group);
    Ok(Security {
        user: own.run_as_user.map(id).transpose()?,
        group: own.run_as_group.map(id).transpose()?,
        groups: groups.map(|group| id(*group)).collect::<Result<_, _>>()?,
        non_root: own.run_as_non_root == Some(true),
        read_only_root: own.read_only_root_filesystem == Some(true),
    })
}

/// A user's or group's number.
pub(super) fn id(number: i64) -> Result<u32, EngineError> {
    let wrong = |_| EngineError::Value(format!("{number} is no id of a user or group"));
    u32::try_from(number).map_err(wrong)
}

type Amounts = (Option<CpuMilli>, Option<MemoryBytes>);

/// How much CPU and memory there may be.
pub(super) fn limits(resources: Option<&Resources>) -> Result<Amounts, EngineError> {
    amounts(|name| resources?.limits.get(name).map(|text| text.0.as_str()))
}

/// How much is asked for: the limit, when nothing else is said.
pub(super) fn requests(resources: Option<&Resources>) -> Result<Amounts, EngineError> {
    amounts(|name| {
        let resources = resources?;
        let asked = resources.requests.get(name);
        let asked = asked.or_else(|| resources.limits.get(name));
        asked.map(|text| text.0.as_str())
    })
}

fn amounts<'a>(find: impl Fn(&str) -> Option<&'a str>) -> Result<Amounts, EngineError> {
    let wrong = |error: steading_types::QuantityError| EngineError::Value(error.to_string());
    let cpu = find("cpu").map(CpuMilli::parse).transpose();
    let memory = find("memory").map(MemoryBytes::parse).transpose();
    Ok((cpu.map_err(wrong)?, memory.map_err(wrong)?))
}
