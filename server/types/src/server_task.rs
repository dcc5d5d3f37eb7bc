//! Work of an attempt that the server carries out itself: no container, no backend. The engine fills it in,
//! the loops carry it out and answer with a [`crate::task::TaskReport`].
//!
//! Everything here is already substituted, but holds no secret: those are named, and read when the work is
//! done.

use crate::Millis;

/// One attempt's work for the server.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerTask {
    /// What is done.
    pub work: ServerWork,
    /// Output parameters that are read from what came back.
    pub outputs: Vec<OutputQuery>,
    /// The time after which it is given up with [`crate::task::End::DeadlineExceeded`], counted from now.
    pub deadline: Option<Millis>,
    /// Higher goes first.
    pub priority: i32,
}

/// What the server can do.
#[derive(Debug, Clone, PartialEq)]
pub enum ServerWork {
    /// A request to another host.
    Http(HttpTask),
    /// Lists artifacts and transforms the list.
    Data(DataTask),
    /// Acts on an object of the tenant.
    Resource(ResourceTask),
}

/// A request to another host. `result` becomes the body of the response.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpTask {
    /// `GET`, `POST` …
    pub method: String,
    /// Absolute, `http` or `https`.
    pub url: String,
    /// In order.
    pub headers: Vec<(String, HeaderValue)>,
    /// Sent as it is.
    pub body: Vec<u8>,
    /// From the first byte sent to the last byte received.
    pub timeout: Millis,
    /// Whether the other side must prove who it is.
    pub certificate: Certificate,
    /// An expression over `request` and `response`; without one a status of 2xx is success.
    pub success_condition: Option<String>,
}

/// The value of a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderValue {
    /// As it stands.
    Plain(String),
    /// Read when the request is made.
    Secret(SecretKey),
}

/// A value of a Secret of the tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretKey {
    /// The Secret.
    pub name: String,
    /// Its key.
    pub key: String,
    /// What a missing one means.
    pub absence: Absence,
}

/// What it means that something is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// An error.
    Wrong,
    /// Nothing is sent.
    Fine,
}

/// What is expected of the certificate of a TLS server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificate {
    /// It proves the name, by an authority that the site trusts.
    Verified,
    /// Anything goes.
    Unverified,
}

/// A list of artifacts. `result` becomes the transformed list, as JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct DataTask {
    /// The place, as an artifact of the language (JSON): its keys are listed.
    pub source: String,
    /// Expressions over `data`, one after the other.
    pub transformation: Vec<String>,
}

/// Something done to an object of the tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceTask {
    /// What.
    pub action: ResourceAction,
    /// The object, as YAML or JSON.
    pub manifest: String,
    /// How a patch is meant.
    pub merge: MergeStrategy,
    /// Whether the object goes with the run.
    pub owner: Ownership,
    /// When the work is done well, over the object's fields; empty: at once.
    pub success_condition: String,
    /// When it has failed.
    pub failure_condition: String,
}

/// What is done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceAction {
    /// Look at it.
    Get,
    /// Make it; it must not be there.
    Create,
    /// Make it, or make it so.
    Apply,
    /// Remove it; none there is fine.
    Delete,
    /// Write it anew; it must be there.
    Replace,
    /// Change parts of it; it must be there.
    Patch,
}

impl ResourceAction {
    /// The action of this name (Argo's words).
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "get" => Self::Get,
            "create" => Self::Create,
            "apply" => Self::Apply,
            "delete" => Self::Delete,
            "replace" => Self::Replace,
            "patch" => Self::Patch,
            _ => return None,
        })
    }
}

/// How a patch is laid over an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeStrategy {
    /// RFC 7396.
    Merge,
    /// RFC 6902.
    Json,
}

/// Whether an object goes when its run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// It stays.
    None,
    /// It is deleted with the run.
    Run,
}

/// An output parameter that is read from what came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputQuery {
    /// The parameter's name.
    pub name: String,
    /// How it is read.
    pub source: QuerySource,
}

/// How an output is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuerySource {
    /// Kubernetes' JSONPath over the object.
    JsonPath(String),
    /// An expression over `request` and `response`.
    Expression(String),
}
