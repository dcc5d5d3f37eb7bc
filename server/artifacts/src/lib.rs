//! Where artifacts lie: the local disk, S3 and what speaks like it, Azure Blob, and what a step can be given
//! from a web server, a git repository or the document itself.
//!
//! This crate moves bytes between a store and a file of this host, and tells what it moved. It knows no run,
//! no template and no tenant: which store, which key and which credential belong to whom is decided by its
//! caller. Everything that answers over a network is taken for hostile: what it sends is bounded, counted and
//! hashed, and it decides neither where a byte is written nor whom this host calls next.

mod argo;
mod azure;
mod digest;
mod egress;
mod error;
mod git;
mod key;
mod known_hosts;
mod local;
mod network;
mod outbound;
mod parts;
mod pump;
mod ranged;
mod raw;
mod repository;
mod s3;
mod secret;
mod source;
mod store;
mod text;
mod web;

pub use argo::{Location, Lookup};
pub use azure::AzureStore;
pub use digest::{Sha256, Stored};
pub use egress::{Egress, RuleError};
pub use error::{Again, ArtifactError};
pub use git::GitStore;
pub use key::{Key, KeyError};
pub use local::LocalStore;
pub use network::{Identity, Network, Patience};
pub use outbound::{Outbound, OutboundError};
pub use raw::RawStore;
pub use repository::{
    Addressing, AzureBlob, AzureCredential, Branches, Encryption, Git, GitCredential, HostKey,
    MissingBucket, OAuthClient, Repository, S3, S3Credential, Submodules, Web, WebCredential,
};
pub use s3::S3Store;
pub use secret::Secret;
pub use source::{Source, blocking};
pub use store::{ArtifactStore, Body, Content, Entries, Entry, Later};
pub use web::WebStore;
