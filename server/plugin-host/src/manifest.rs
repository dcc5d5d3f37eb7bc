//! What a plugin says of itself: who it is, which component it is, what it asks for. The maker
//! signs exactly these bytes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use steading_types::PluginId;

use crate::error::PluginError;

/// Bytes of a manifest.
pub const MANIFEST_LIMIT: usize = 64 * 1024;

/// The manifest of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Manifest {
    /// The plugin's name.
    pub id: PluginId,
    /// Its version; a site does not go back to a lower one.
    pub version: Version,
    /// Which kind of plugin it is.
    pub world: World,
    /// SHA-256 of the component, in hexadecimal.
    pub sha256: String,
    /// What it asks for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<Capability>,
    /// Host patterns that it wants to reach.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub egress: Vec<String>,
    /// Limits that it can live with.
    #[serde(default)]
    pub limits: AskedLimits,
}

/// The limits that a manifest may name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AskedLimits {
    /// Linear memory, in MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<u32>,
    /// Wall time of one call, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_ms: Option<u32>,
}

/// The kinds of plugin in the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum World {
    /// Runs jobs.
    ComputeBackend,
    /// Starts runs.
    TriggerSource,
}

/// A power that the host lends to a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Tasks on this host.
    Exec,
    /// Requests to listed hosts.
    Http,
    /// Small durable values.
    Kv,
    /// Secrets by handle.
    Secrets,
}

impl Capability {
    /// The name of its interface in the contract, and of the grant.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exec => "exec",
            Self::Http => "http",
            Self::Kv => "kv",
            Self::Secrets => "secrets",
        }
    }

    /// The capability behind an interface of the contract; none for those that everyone gets.
    pub(crate) fn of_interface(name: &str) -> Option<Self> {
        [Self::Exec, Self::Http, Self::Kv, Self::Secrets]
            .into_iter()
            .find(|capability| capability.as_str() == name)
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `major.minor.patch`, ordered. No pre-releases: a signed package is a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(pub u32, pub u32, pub u32);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no version of the form 1.2.3");
        let number = |part: Option<&str>| {
            part.filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
                .and_then(|digits| digits.parse().ok())
                .ok_or_else(wrong)
        };
        let mut parts = text.split('.');
        let version = Self(
            number(parts.next())?,
            number(parts.next())?,
            number(parts.next())?,
        );
        parts.next().map_or(Ok(version), |_| Err(wrong()))
    }
}

impl TryFrom<String> for Version {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

impl Manifest {
    /// Reads a manifest. Unknown fields are refused: a power that an older server does not know
    /// must not be passed over.
    pub fn parse(bytes: &[u8]) -> Result<Self, PluginError> {
        if bytes.len() > MANIFEST_LIMIT {
            return Err(PluginError::Manifest(format!(
                "it is larger than {MANIFEST_LIMIT} bytes"
            )));
        }
        serde_json::from_slice(bytes).map_err(|error| PluginError::Manifest(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_by_number_and_not_by_text() {
        let version = |text: &str| text.parse::<Version>().unwrap();
        assert!(version("0.10.0") > version("0.9.9"));
        for bad in [
            "",
            "1",
            "1.2",
            "1.2.3.4",
            "1.2.x",
            "1..3",
            "+1.2.3",
            "1.2.99999999999",
        ] {
            assert!(bad.parse::<Version>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_unknown_field_or_capability_refuses_the_manifest() {
        let good = r#"{"id":"a","version":"1.0.0","world":"compute-backend","sha256":"00"}"#;
        assert!(Manifest::parse(good.as_bytes()).is_ok());
        for (from, to) in [
            (r#""sha256""#, r#""root":true,"sha256""#),
            (r#""sha256""#, r#""capabilities":["kernel"],"sha256""#),
            ("compute-backend", "everything"),
        ] {
            let bad = good.replace(from, to);
            assert_eq!(
                Manifest::parse(bad.as_bytes()).unwrap_err().code(),
                "plugin.manifest"
            );
        }
    }
}
