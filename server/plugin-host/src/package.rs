//! A plugin on disk: `manifest.json`, `manifest.sig`, `plugin.wasm`.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::PluginError;
use crate::manifest::{MANIFEST_LIMIT, Manifest};
use crate::trust::TrustedKeys;

/// The files of a package.
pub(crate) const MANIFEST: &str = "manifest.json";
pub(crate) const SIGNATURE: &str = "manifest.sig";
pub(crate) const COMPONENT: &str = "plugin.wasm";

/// Bytes of a component: the largest that Python makes are 20 MB.
const COMPONENT_LIMIT: usize = 64 * 1024 * 1024;
const SIGNATURE_LIMIT: usize = 1024;

/// A package whose signature and hash hold.
pub(crate) struct Verified {
    pub(crate) manifest: Manifest,
    pub(crate) wasm: Vec<u8>,
}

/// Reads a package once into memory and checks exactly the bytes that will be used. Nothing of the
/// manifest is looked at before its signature holds.
pub(crate) fn verify(dir: &Path, trusted: &TrustedKeys) -> Result<Verified, PluginError> {
    let manifest = read_limited(&dir.join(MANIFEST), MANIFEST_LIMIT)?;
    let signature = read_limited(&dir.join(SIGNATURE), SIGNATURE_LIMIT)?;
    if !trusted.accept(&manifest, &signature) {
        return Err(PluginError::Signature(dir.to_owned()));
    }
    let manifest = Manifest::parse(&manifest)?;
    let wasm = read_limited(&dir.join(COMPONENT), COMPONENT_LIMIT)?;
    if sha256(&wasm) != manifest.sha256 {
        return Err(PluginError::Hash(manifest.id));
    }
    Ok(Verified { manifest, wasm })
}

/// SHA-256 in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// A regular file of at most `limit` bytes.
pub(crate) fn read_limited(path: &Path, limit: usize) -> Result<Vec<u8>, PluginError> {
    let unusable = |reason: String| PluginError::Package {
        path: path.to_owned(),
        reason,
    };
    let failed = |error: std::io::Error| unusable(error.to_string());
    // A FIFO in place of the file would block the open itself.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(unusable("not a regular file".to_owned()));
    }
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    file.take(most).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > limit {
        return Err(unusable(format!("larger than {limit} bytes")));
    }
    Ok(bytes)
}
