//! Images on the wire.

use serde::{Deserialize, Serialize};
use steading_types::Millis;

/// An imported image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ImageBody {
    /// `sha256:…` of its configuration.
    pub digest: String,
    /// Names that workflows may use.
    pub names: Vec<String>,
    /// Bytes on disk, unpacked.
    pub size: u64,
    /// When it was imported, epoch milliseconds.
    pub imported: Millis,
    /// Program that runs when a template gives none.
    pub entrypoint: Vec<String>,
    /// Its arguments.
    pub cmd: Vec<String>,
}

/// All images of the site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ImageList {
    /// In the order of their first names.
    pub images: Vec<ImageBody>,
}

/// A name or digest of an image, in the query because it holds slashes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ImageName {
    /// e.g. `alpine:3.23`.
    pub image: String,
}

/// A further name for an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ImageTag {
    /// The image.
    pub image: String,
    /// Its further name.
    pub name: String,
}

/// What a collection freed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Freed {
    /// Bytes.
    pub bytes: u64,
}
