//! Variables and files of a pod that come from its tenant's objects: named here, filled in elsewhere.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;
use steading_spec::model::{
    ClaimVolume, ConfigMapKeyRef, ConfigMapVolume, Container, KeyToPath, ObjectRef,
    ProjectedVolume, SecretVolume, Volume,
};
use steading_spec::pod as policy;
use steading_types::task::{FileEntry, VolumeKind};

use super::{Facts, downward, refused};
use crate::error::EngineError;
use crate::wants::{Absence, Item, Source, Want, Wanted};

/// Permission bits of a file that says none (Kubernetes' default).
const MODE: u32 = 0o644;

/// A variable's value.
pub(super) fn key(source: Source, key: &ConfigMapKeyRef) -> (Wanted, String) {
    (wanted(source, &key.name, key.optional), key.key.clone())
}

/// Everything of `envFrom`, before the variables at a place.
pub(super) fn variables(container: &Container, at: usize) -> impl Iterator<Item = Want> + '_ {
    container.env_from.iter().flat_map(move |from| {
        let object = |source, reference: &ObjectRef| Want::Variables {
            container: container.name.clone(),
            at,
            prefix: from.prefix.clone(),
            object: wanted(source, &reference.name, reference.optional),
        };
        let map = from.config_map_ref.as_ref();
        let map = map.map(|reference| object(Source::ConfigMap, reference));
        let secret = from.secret_ref.as_ref();
        map.into_iter()
            .chain(secret.map(|reference| object(Source::Secret, reference)))
    })
}

/// A volume of the tenant's objects; nothing when it is of another kind.
pub(super) fn volume(
    volume: &Volume,
    facts: &Facts,
    wants: &mut Vec<Want>,
) -> Result<Option<VolumeKind>, EngineError> {
    let name = &volume.name;
    let mut entries = BTreeMap::new();
    if let Some(claim) = read::<ClaimVolume>(volume, "persistentVolumeClaim")? {
        wants.push(Want::Claim {
            volume: name.clone(),
            claim: claim.claim_name,
        });
        return Ok(Some(VolumeKind::Directory {
            path: String::new(),
            read_only: claim.read_only,
        }));
    }
    if let Some(map) = read::<ConfigMapVolume>(volume, "configMap")? {
        wants.push(config_map(name, &map, None));
    } else if let Some(secret) = read::<SecretVolume>(volume, "secret")? {
        let named = first(&secret.secret_name, &secret.name);
        let object = wanted(Source::Secret, named, secret.optional);
        wants.push(files(name, object, &secret.items, secret.default_mode));
    } else if let Some(projected) = read::<ProjectedVolume>(volume, "projected")? {
        entries = self::projected(name, &projected, facts, wants)?;
    } else {
        return Ok(None);
    }
    Ok(Some(VolumeKind::Files { entries }))
}

fn projected(
    volume: &str,
    projected: &ProjectedVolume,
    facts: &Facts,
    wants: &mut Vec<Want>,
) -> Result<BTreeMap<String, FileEntry>, EngineError> {
    let mut entries = BTreeMap::new();
    for source in &projected.sources {
        if let Some(map) = &source.config_map {
            wants.push(config_map(volume, map, projected.default_mode));
        }
        if let Some(secret) = &source.secret {
            let named = first(&secret.name, &secret.secret_name);
            let object = wanted(Source::Secret, named, secret.optional);
            wants.push(files(volume, object, &secret.items, projected.default_mode));
        }
        if let Some(fields) = &source.downward_api {
            entries.extend(downward::files(fields, facts)?);
        }
    }
    Ok(entries)
}

fn config_map(volume: &str, map: &ConfigMapVolume, outer: Option<i64>) -> Want {
    let object = wanted(Source::ConfigMap, &map.name, map.optional);
    files(volume, object, &map.items, map.default_mode.or(outer))
}

fn files(volume: &str, object: Wanted, items: &[KeyToPath], given: Option<i64>) -> Want {
    let item = |item: &KeyToPath| Item {
        key: item.key.clone(),
        path: item.path.clone(),
        mode: item.mode.map(|bits| mode(Some(bits))),
    };
    Want::Files {
        volume: volume.to_owned(),
        object,
        items: items.iter().map(item).collect(),
        mode: mode(given),
    }
}

fn mode(given: Option<i64>) -> u32 {
    let bits = given.and_then(|bits| u32::try_from(bits).ok());
    bits.map_or(MODE, |bits| bits & 0o777)
}

fn wanted(source: Source, name: &str, optional: Option<bool>) -> Wanted {
    let absence = match optional {
        Some(true) => Absence::Allowed,
        _ => Absence::Fails,
    };
    Wanted {
        source,
        name: name.to_owned(),
        absence,
    }
}

/// A Secret is called `secretName` in a volume and `name` in a projection.
fn first<'a>(usual: &'a str, other: &'a str) -> &'a str {
    if usual.is_empty() { other } else { usual }
}

fn read<T: DeserializeOwned>(volume: &Volume, source: &str) -> Result<Option<T>, EngineError> {
    let value: Option<&Value> = volume.other.get(source);
    let read = value.map(|value| policy::read(value, source));
    read.transpose().map_err(refused)
}
