//! Names that people choose. All follow Kubernetes' rules, because Argo's clients check them; only a
//! tenant may have capitals in its name, as teams do.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a text can not be a name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "'{text}' can not be {what}: use 1 to {max} {letters}, digits and '-'{dot}, beginning and ending with a letter or digit"
)]
pub struct NameError {
    text: String,
    what: &'static str,
    max: usize,
    letters: &'static str,
    dot: &'static str,
}

/// Which letters a name may have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Letters {
    Lower,
    Any,
}

/// Whether it may have parts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dots {
    Allowed,
    Refused,
}

fn is_label(text: &str, max: usize, letters: Letters, dots: Dots) -> bool {
    let inner = |c: u8| {
        c.is_ascii_lowercase()
            || c.is_ascii_digit()
            || (letters == Letters::Any && c.is_ascii_uppercase())
    };
    let edge = |c: Option<&u8>| c.is_some_and(|c| inner(*c));
    let bytes = text.as_bytes();
    bytes.len() <= max
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes
            .iter()
            .all(|c| inner(*c) || *c == b'-' || (dots == Dots::Allowed && *c == b'.'))
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident: $what:literal, $max:literal, $letters:ident, $dots:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                if is_label(text, $max, Letters::$letters, Dots::$dots) {
                    return Ok(Self(text.into()));
                }
                let letters = match Letters::$letters {
                    Letters::Lower => "lower-case letters",
                    Letters::Any => "letters",
                };
                let dot = match Dots::$dots {
                    Dots::Allowed => " or '.'",
                    Dots::Refused => "",
                };
                Err(NameError { text: text.chars().take(80).collect(), what: $what, max: $max, letters, dot })
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&self.0)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

names! {
    /// A team: the unit of isolation, quota and access.
    TenantName: "a tenant's name", 40, Any, Refused;
    /// A workflow, workflow template or schedule. Argo's limit is 63 characters.
    WorkflowName: "a workflow's name", 63, Lower, Allowed;
    /// A ConfigMap, Secret or claim. Kubernetes' limit is 253 characters.
    ObjectName: "an object's name", 253, Lower, Allowed;
    /// A plugin, e.g. `compute-local`.
    PluginId: "a plugin's id", 63, Lower, Refused;
}

impl TenantName {
    /// The first tenant, which every installation has.
    pub const DEFAULT: &'static str = "default";

    /// The Argo namespace of this tenant: `default` for the first one, `wf-<tenant>` for the others.
    pub fn namespace(&self) -> String {
        if self.as_str() == Self::DEFAULT {
            Self::DEFAULT.to_owned()
        } else {
            format!("wf-{self}")
        }
    }

    /// The tenant behind an Argo namespace; nothing when the text is no tenant's namespace.
    pub fn from_namespace(namespace: &str) -> Option<Self> {
        if namespace == Self::DEFAULT {
            return namespace.parse().ok();
        }
        namespace
            .strip_prefix("wf-")
            .filter(|tenant| *tenant != Self::DEFAULT)?
            .parse()
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_and_its_namespace_name_each_other() {
        for (tenant, namespace) in [
            ("default", "default"),
            ("genomics", "wf-genomics"),
            ("teamA", "wf-teamA"),
        ] {
            let tenant: TenantName = tenant.parse().unwrap();
            assert_eq!(tenant.namespace(), namespace);
            assert_eq!(TenantName::from_namespace(namespace), Some(tenant));
        }
        for foreign in [
            "",
            "wf-",
            "wf-default",
            "genomics",
            "wf-a.b",
            "wf-a/b",
            "wf-..",
            "*",
        ] {
            assert_eq!(TenantName::from_namespace(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn names_that_clients_would_refuse_are_refused() {
        for bad in ["", "-a", "a-", "A", "a_b", "a/b", "ä", &"a".repeat(64)] {
            assert!(bad.parse::<WorkflowName>().is_err(), "{bad}");
        }
        assert!("hello-world.v2".parse::<WorkflowName>().is_ok());
    }
}
