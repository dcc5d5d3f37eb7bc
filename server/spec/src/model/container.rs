//! Containers. Argo's script, sidecar and container-set member are a Kubernetes container with one field
//! more; here they hold a [`Container`], so that whoever starts one reads the same type.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, StringDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{AnyString, EnvFromSource, StringMap};

objects! {
    /// Kubernetes' container.
    Container {
        name: String,
        image: String,
        command: Vec<String>,
        args: Vec<String>,
        working_dir: String,
        env: Vec<EnvVar>,
        env_from: Vec<EnvFromSource>,
        resources: Option<Resources>,
        volume_mounts: Vec<VolumeMount>,
        volume_devices: Vec<Value>,
        ports: Vec<Value>,
        image_pull_policy: String,
        readiness_probe: Option<Value>,
        liveness_probe: Option<Value>,
        startup_probe: Option<Value>,
        lifecycle: Option<Value>,
        security_context: Option<Value>,
        stdin: bool,
        stdin_once: bool,
        tty: bool,
        termination_message_path: String,
        termination_message_policy: String,
        restart_policy: String,
        restart_policy_rules: Vec<Value>,
        resize_policy: Vec<Value>,
    }

    /// One environment variable.
    EnvVar {
        name: String,
        value: Option<String>,
        value_from: Option<Value>,
    }

    /// CPU, memory and the like, as Kubernetes quantities.
    Resources {
        requests: std::collections::BTreeMap<String, AnyString>,
        limits: std::collections::BTreeMap<String, AnyString>,
        claims: Vec<Value>,
    }

    /// A volume at a path of a container.
    VolumeMount {
        name: String,
        mount_path: String,
        sub_path: String,
        sub_path_expr: String,
        read_only: bool,
        recursive_read_only: String,
        mount_propagation: String,
    }

    /// A volume: its name and exactly one source.
    Volume {
        name: String,
        empty_dir: Option<EmptyDir>,
        /// The other sources of Kubernetes, by their names.
        #[serde(flatten)]
        other: std::collections::BTreeMap<String, Value>,
    }

    /// A directory that lives as long as the attempt.
    EmptyDir {
        /// `Memory`, or empty for disk.
        medium: String,
        size_limit: Option<AnyString>,
    }

    /// `podMetadata`, template `metadata`.
    Metadata {
        labels: StringMap,
        annotations: StringMap,
    }
}

/// The fields of the pod as files.
const DOWNWARD: &str = "downwardAPI";
/// The sources beside `emptyDir` that are provided.
const PROVIDED: [&str; 5] = [
    DOWNWARD,
    "configMap",
    "secret",
    "projected",
    "persistentVolumeClaim",
];

impl Volume {
    /// The name of a source that nothing here provides.
    pub fn refused_source(&self) -> Option<&str> {
        self.foreign_source()
            .filter(|source| !PROVIDED.contains(source))
    }

    /// The fields of the pod that are its files.
    pub fn downward(&self) -> Option<&Value> {
        self.other.get(DOWNWARD)
    }

    /// The name of the source that is not an `emptyDir`, if there is one.
    pub fn foreign_source(&self) -> Option<&str> {
        self.other.keys().next().map(String::as_str)
    }
}

/// Declares a container with fields of its own beside Kubernetes'. Serde's `flatten` would read them too,
/// but hides unknown fields.
macro_rules! extended_containers {
    ($($(#[$meta:meta])* $name:ident { $(#[$field_meta:meta])* $field:ident: $type:ty = $key:literal })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq, Serialize)]
        pub struct $name {
            /// The fields of Kubernetes' container.
            #[serde(flatten)]
            pub container: Container,
            $(#[$field_meta])*
            #[serde(rename = $key, skip_serializing_if = "super::Absent::absent")]
            pub $field: $type,
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let (container, extra) = deserializer.deserialize_map(Extended::new($key))?;
                Ok(Self { container, $field: extra })
            }
        }
    )*};
}

extended_containers! {
    /// A script: its source is placed in a file which is given to the command.
    Script {
        /// The text of the program.
        source: String = "source"
    }
    /// A sidecar or an init container.
    UserContainer {
        /// Mount what main mounts.
        mirror_volume_mounts: bool = "mirrorVolumeMounts"
    }
    /// A member of a container set.
    ContainerNode {
        /// Members that must have succeeded before.
        dependencies: Vec<String> = "dependencies"
    }
}

/// Reads a map as a container, setting one key apart.
struct Extended<T> {
    key: &'static str,
    kind: PhantomData<T>,
}

impl<T> Extended<T> {
    fn new(key: &'static str) -> Self {
        Self {
            key,
            kind: PhantomData,
        }
    }
}

impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for Extended<T> {
    type Value = (Container, T);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a container")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let mut extra = None;
        let container = Container::deserialize(MapAccessDeserializer::new(SetApart {
            map,
            key: self.key,
            extra: &mut extra,
        }))?;
        Ok((container, extra.unwrap_or_default()))
    }
}

/// A map without one of its keys, whose value is kept.
struct SetApart<'a, A, T> {
    map: A,
    key: &'static str,
    extra: &'a mut Option<T>,
}

impl<'de, A: MapAccess<'de>, T: Deserialize<'de>> MapAccess<'de> for SetApart<'_, A, T> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        while let Some(key) = self.map.next_key::<String>()? {
            if key != self.key {
                let key: StringDeserializer<A::Error> = key.into_deserializer();
                return seed.deserialize(key).map(Some);
            }
            if self.extra.replace(self.map.next_value()?).is_some() {
                return Err(A::Error::duplicate_field(self.key));
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_script_is_a_container_with_a_source() {
        let text = json!({"image": "alpine", "source": "echo hi", "command": ["sh"]});
        let script: Script = serde_json::from_value(text.clone()).unwrap();
        assert_eq!(script.source, "echo hi");
        assert_eq!(script.container.command, ["sh"]);
        assert_eq!(serde_json::to_value(&script).unwrap(), text);
    }

    #[test]
    fn unknown_fields_of_a_script_are_still_seen() {
        let mut unknown = Vec::new();
        let text = json!({"sourse": "x", "source": "y", "env": [{"nam": "z"}]});
        let _: Script =
            serde_ignored::deserialize(text, |path| unknown.push(path.to_string())).unwrap();
        assert_eq!(unknown, ["sourse", "env.0.nam"]);
    }
}
