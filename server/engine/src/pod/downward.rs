//! Fields of a pod as variables and files of its containers (Kubernetes' downward API).

use std::collections::BTreeMap;

use serde_json::Value;
use steading_spec::model::{Container, DownwardVolume, FieldRef, ResourceFieldRef, StringMap};
use steading_spec::pod as policy;
use steading_types::task::{Content, FileEntry};
use steading_types::{CpuMilli, MemoryBytes};

use super::{Facts, container, refused};
use crate::error::EngineError;

/// Permission bits of a file that says none.
const MODE: u32 = 0o644;

/// The files of a volume.
pub(super) fn files(
    source: &Value,
    facts: &Facts,
) -> Result<BTreeMap<String, FileEntry>, EngineError> {
    let volume: DownwardVolume = policy::read(source, "downwardAPI").map_err(refused)?;
    let mode = |mode: Option<i64>| mode.and_then(|mode| u32::try_from(mode).ok());
    let items = volume.items.iter().map(|item| {
        let field_ref = item.field_ref.as_ref();
        let field_ref = field_ref.ok_or_else(|| EngineError::Refused {
            path: format!("downwardAPI.items.{}", item.path),
            message: "files of resources: not supported by this version".to_owned(),
        })?;
        let entry = FileEntry {
            content: Content::Text(field(field_ref, facts)?),
            mode: mode(item.mode)
                .or(mode(volume.default_mode))
                .unwrap_or(MODE),
        };
        Ok((item.path.clone(), entry))
    });
    items.collect()
}

pub(super) fn field(field: &FieldRef, facts: &Facts) -> Result<String, EngineError> {
    let path = field.field_path.as_str();
    let of = |map: &StringMap, name: &str| map.get(name).cloned().unwrap_or_default();
    let element = |list: &str| {
        let name = path
            .strip_prefix(list)?
            .strip_prefix('[')?
            .strip_suffix(']')?;
        Some(name.trim_matches(['\'', '"']))
    };
    let (labels, annotations) = (&facts.metadata.labels, &facts.metadata.annotations);
    Ok(match path {
        "metadata.name" => facts.name.clone(),
        "metadata.namespace" => facts.namespace.clone(),
        "metadata.uid" => facts.uid.clone(),
        "metadata.labels" => lines(labels),
        "metadata.annotations" => lines(annotations),
        "spec.serviceAccountName" => "default".to_owned(),
        "status.podIP" | "status.podIPs" => facts.shown_address().to_string(),
        _ => match (element("metadata.labels"), element("metadata.annotations")) {
            (Some(name), _) => of(labels, name),
            (None, Some(name)) => of(annotations, name),
            (None, None) => {
                return Err(EngineError::Refused {
                    path: format!("fieldRef.fieldPath '{path}'"),
                    message: "this field of the pod: not supported by this version".to_owned(),
                });
            }
        },
    })
}

/// Kubernetes' form of labels and annotations in one file.
fn lines(map: &StringMap) -> String {
    let lines = map.iter().map(|(name, value)| format!("{name}={value:?}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// What a container asks for, counted in the divisor and rounded up.
pub(super) fn resource(wanted: &ResourceFieldRef, own: &Container) -> Result<String, EngineError> {
    let refusal = || EngineError::Refused {
        path: format!("resourceFieldRef.resource '{}'", wanted.resource),
        message: "this resource: not supported by this version".to_owned(),
    };
    if !matches!(wanted.container_name.as_str(), "" | "main") && wanted.container_name != own.name {
        return Err(refusal());
    }
    let (limits, requests) = (
        container::limits(own.resources.as_ref())?,
        container::requests(own.resources.as_ref())?,
    );
    let (cpu, memory) = match wanted.resource.split_once('.') {
        Some(("limits", _)) => limits,
        Some(("requests", _)) => requests,
        _ => return Err(refusal()),
    };
    let wrong = |error: steading_types::QuantityError| EngineError::Value(error.to_string());
    let divisor = wanted.divisor.as_ref().map(|text| text.0.as_str());
    let divisor = divisor.filter(|text| !matches!(*text, "" | "0"));
    let (amount, unit) = if wanted.resource.ends_with(".cpu") {
        let unit = divisor.map(CpuMilli::parse).transpose().map_err(wrong)?;
        let unit = unit.map_or(1000, |unit| u64::from(unit.0));
        (cpu.map_or(0, |cpu| u64::from(cpu.0)), unit)
    } else if wanted.resource.ends_with(".memory") {
        let unit = divisor.map(MemoryBytes::parse).transpose().map_err(wrong)?;
        (
            memory.map_or(0, |memory| memory.0),
            unit.map_or(1, |unit| unit.0),
        )
    } else {
        return Err(refusal());
    };
    Ok(amount.div_ceil(unit.max(1)).to_string())
}
