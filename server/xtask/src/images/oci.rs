//! One archive that both families of tools read: an OCI image layout
//! (<https://github.com/opencontainers/image-spec/blob/main/image-layout.md>) with the `manifest.json`
//! of `docker save` beside it.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Result;
use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

use super::tree::DATE;

const DATE_TEXT: &str = "2026-01-01T00:00:00Z";
const VARIABLE_PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What a container of the image starts when the workflow does not say.
#[derive(Clone, Copy)]
pub(crate) struct Start {
    pub(crate) entrypoint: &'static [&'static str],
    pub(crate) cmd: &'static [&'static str],
}

/// Writes the archive of a one-layer image; the same input gives the same bytes.
///
/// `name` is what workflows write; `architecture` is Go's and Debian's word (`amd64`, `arm64`);
/// `directory` is where containers start.
pub(crate) fn archive(
    name: &str,
    architecture: &str,
    description: &str,
    start: Start,
    directory: &str,
    layer: &[u8],
) -> Result<Vec<u8>> {
    let mut blobs = Blobs::default();
    let diff_id = format!("sha256:{}", sha256(layer));
    let layer = blobs.put(
        "application/vnd.oci.image.layer.v1.tar+gzip",
        compressed(layer)?,
    );
    let config = blobs.put(
        "application/vnd.oci.image.config.v1+json",
        serde_json::to_vec(&json!({
            "architecture": architecture,
            "os": "linux",
            "created": DATE_TEXT,
            "config": {
                "Env": [VARIABLE_PATH],
                "Entrypoint": start.entrypoint,
                "Cmd": start.cmd,
                "WorkingDir": directory,
                "Labels": { "org.opencontainers.image.description": description },
            },
            "rootfs": { "type": "layers", "diff_ids": [diff_id] },
            "history": [{ "created": DATE_TEXT, "created_by": "cargo xtask images" }],
        }))?,
    );
    let tag = docker_tag(name);
    let docker = json!([{
        "Config": config.path(),
        "RepoTags": [tag],
        "Layers": [layer.path()],
    }]);
    let manifest = blobs.put(
        "application/vnd.oci.image.manifest.v1+json",
        serde_json::to_vec(&json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": config.to_json(),
            "layers": [layer.to_json()],
        }))?,
    );
    let mut described = manifest.to_json();
    if let Some(fields) = described.as_object_mut() {
        let annotations = json!({
            "org.opencontainers.image.ref.name": tag,
            "io.containerd.image.name": full(&tag),
        });
        fields.insert("annotations".into(), annotations);
    }
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [described],
    });

    let mut files = blobs.files;
    files.insert(
        "oci-layout".into(),
        br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec(),
    );
    files.insert("index.json".into(), serde_json::to_vec(&index)?);
    files.insert("manifest.json".into(), serde_json::to_vec(&docker)?);
    pack(&files)
}

/// Content by its digest.
#[derive(Default)]
struct Blobs {
    files: BTreeMap<String, Vec<u8>>,
}

impl Blobs {
    fn put(&mut self, media_type: &'static str, content: Vec<u8>) -> Descriptor {
        let descriptor = Descriptor {
            media_type,
            digest: sha256(&content),
            size: content.len(),
        };
        self.files.insert(descriptor.path(), content);
        descriptor
    }
}

/// A reference to content.
struct Descriptor {
    media_type: &'static str,
    digest: String,
    size: usize,
}

impl Descriptor {
    fn path(&self) -> String {
        format!("blobs/sha256/{}", self.digest)
    }

    fn to_json(&self) -> Value {
        json!({
            "mediaType": self.media_type,
            "digest": format!("sha256:{}", self.digest),
            "size": self.size,
        })
    }
}

/// Docker's tools want a tag on every name.
fn docker_tag(name: &str) -> String {
    if name.contains(':') {
        name.to_owned()
    } else {
        format!("{name}:latest")
    }
}

/// The name with its registry: Docker's, unless the first part is a host. Docker's own images lie below
/// `library/`.
fn full(tag: &str) -> String {
    match tag.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) => tag.to_owned(),
        Some(_) => format!("docker.io/{tag}"),
        None => format!("docker.io/library/{tag}"),
    }
}

fn sha256(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

fn compressed(layer: &[u8]) -> Result<Vec<u8>> {
    let mut gzip = GzBuilder::new()
        .mtime(0)
        .write(Vec::new(), Compression::default());
    gzip.write_all(layer)?;
    Ok(gzip.finish()?)
}

fn pack(files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>> {
    let mut archive = Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o644);
        header.set_mtime(DATE);
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, path, content.as_slice())?;
    }
    Ok(archive.into_inner()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_get_the_tag_and_the_library_that_docker_expects() {
        assert_eq!(docker_tag("busybox"), "busybox:latest");
        assert_eq!(docker_tag("alpine:3.23"), "alpine:3.23");
        assert_eq!(full("busybox:latest"), "docker.io/library/busybox:latest");
        assert_eq!(full("ghcr.io/a/b:c"), "ghcr.io/a/b:c");
        assert_eq!(full("argoproj/argosay:v2"), "docker.io/argoproj/argosay:v2");
    }
}
