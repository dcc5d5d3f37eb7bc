//! From a core module to something that a host loads: what `steading-plugin-build` does.

use std::path::Path;

use ed25519_dalek::SigningKey;
use serde_json::{Map, Value};
use wit_component::ComponentEncoder;

use crate::compile::precompile;
use crate::error::PluginError;
use crate::manifest::Manifest;
use crate::package::{COMPONENT, MANIFEST, SIGNATURE, read_limited, sha256};
use crate::trust::sign;

/// Makes a component of a core module that `cargo build --target wasm32-unknown-unknown` left.
pub fn componentize(module: &[u8]) -> Result<Vec<u8>, PluginError> {
    let encode = || {
        ComponentEncoder::default()
            .validate(true)
            .module(module)?
            .encode()
    };
    encode().map_err(|error| PluginError::Compile(format!("{error:#}")))
}

/// Writes `<id>.wasm`, `<id>.cwasm` and `<id>.json` of a built-in plugin, for
/// [`crate::LoadSource::Embedded`].
pub fn embed(module: &Path, draft: &Path, out: &Path) -> Result<Manifest, PluginError> {
    let component = component_of(module)?;
    let (manifest, text) = complete(draft, &component)?;
    let file = |extension: &str| out.join(format!("{}.{extension}", manifest.id));
    make_dir(out)?;
    write(&file("wasm"), &component)?;
    write(&file("cwasm"), &precompile(&component)?)?;
    write(&file("json"), text.as_bytes())?;
    Ok(manifest)
}

/// Writes a signed package: `plugin.wasm`, `manifest.json`, `manifest.sig`.
pub fn pack(
    module: &Path,
    draft: &Path,
    key: &SigningKey,
    out: &Path,
) -> Result<Manifest, PluginError> {
    let component = component_of(module)?;
    let (manifest, text) = complete(draft, &component)?;
    make_dir(out)?;
    write(&out.join(COMPONENT), &component)?;
    write(&out.join(MANIFEST), text.as_bytes())?;
    write(&out.join(SIGNATURE), sign(key, text.as_bytes()).as_bytes())?;
    Ok(manifest)
}

/// A component is taken as it is; a core module becomes one.
fn component_of(file: &Path) -> Result<Vec<u8>, PluginError> {
    let bytes = read_limited(file, 64 * 1024 * 1024)?;
    // The layer field of the header: 1 is a component (Component Model, Binary.md).
    if bytes.get(..8) == Some(b"\0asm\x0d\0\x01\0") {
        return Ok(bytes);
    }
    componentize(&bytes)
}

/// The author's manifest has no hash; this adds it.
fn complete(draft: &Path, component: &[u8]) -> Result<(Manifest, String), PluginError> {
    let wrong = |error: serde_json::Error| PluginError::Manifest(error.to_string());
    let bytes = read_limited(draft, crate::manifest::MANIFEST_LIMIT)?;
    let mut fields: Map<String, Value> = serde_json::from_slice(&bytes).map_err(wrong)?;
    fields.insert("sha256".to_owned(), sha256(component).into());
    let text = serde_json::to_string_pretty(&fields).map_err(wrong)?;
    Ok((Manifest::parse(text.as_bytes())?, text))
}

fn make_dir(dir: &Path) -> Result<(), PluginError> {
    std::fs::create_dir_all(dir).map_err(|error| unwritten(dir, &error))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), PluginError> {
    std::fs::write(path, bytes).map_err(|error| unwritten(path, &error))
}

fn unwritten(path: &Path, error: &std::io::Error) -> PluginError {
    PluginError::Package {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}
