//! An artifact as a value: a named content that lies somewhere, on its way from the node that made it to the
//! nodes that take it. The bytes themselves never come here.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A named file or directory of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Artifact {
    /// Unique among the inputs, and among the outputs, of a node.
    pub name: String,
    /// Where it lies.
    pub place: Place,
    /// How it lies there.
    #[serde(default, skip_serializing_if = "Packing::is_usual")]
    pub packing: Packing,
    /// Absolute path in the container; empty for what belongs to no container.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// Bytes as they lie in the repository, once that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// SHA-256 of those bytes, in hexadecimal; none for a directory that is kept file by file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// Where the content of an artifact lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Place {
    /// An object of the run's repository, or all objects below this key.
    Repository {
        /// The key.
        key: String,
    },
    /// In the document itself.
    Raw {
        /// The content.
        data: String,
    },
    /// A store that the document describes in Argo's words (`{"http": {"url": …}}`). It names secrets and
    /// never holds their values.
    Store {
        /// One field: the kind of store.
        location: Value,
    },
}

/// How a content is packed where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Packing {
    /// As tar with gzip at its usual level; when read: whatever it is found to be.
    #[default]
    Usual,
    /// As tar with gzip at this level, 0 (none) to 9.
    Tar(u8),
    /// As it is; a directory file by file.
    None,
    /// As a zip archive.
    Zip,
}

impl Packing {
    fn is_usual(&self) -> bool {
        *self == Self::Usual
    }
}

/// When an artifact is reclaimed (Argo's `artifactGC.strategy`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Reclaim {
    /// Not with its run: the site's retention rule alone decides.
    #[default]
    Never,
    /// When its run is over.
    OnWorkflowCompletion,
    /// When its run is deleted.
    OnWorkflowDeletion,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_artifact_reads_what_it_writes() {
        let artifact = Artifact {
            name: "report".to_owned(),
            place: Place::Repository {
                key: "team/etl/1/report.tgz".to_owned(),
            },
            packing: Packing::Tar(0),
            path: "/out/report".to_owned(),
            size: Some(7),
            sha256: None,
        };
        let text = serde_json::to_string(&artifact).unwrap();
        assert_eq!(
            text,
            r#"{"name":"report","place":{"repository":{"key":"team/etl/1/report.tgz"}},"packing":{"tar":0},"path":"/out/report","size":7}"#
        );
        assert_eq!(serde_json::from_str::<Artifact>(&text).unwrap(), artifact);
        let least = r#"{"name":"a","place":{"raw":{"data":"x"}}}"#;
        let least: Artifact = serde_json::from_str(least).unwrap();
        assert_eq!(least.packing, Packing::Usual);
    }
}
