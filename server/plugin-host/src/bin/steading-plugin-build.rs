//! Makes plugins out of WebAssembly modules.
//!
//! ```text
//! steading-plugin-build embed MODULE MANIFEST OUT-DIR        <id>.wasm, <id>.cwasm, <id>.json: to be built in
//! steading-plugin-build pack MODULE MANIFEST KEY OUT-DIR     a signed package
//! steading-plugin-build keygen KEY                           KEY (secret, mode 0600) and KEY.pub
//! steading-plugin-build compile                              a component from standard input to native code
//! ```
//!
//! MODULE is a core module built for wasm32-unknown-unknown, or a component. MANIFEST is the
//! author's manifest.json, without a hash.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;

use steading_plugin_host::manifest::Manifest;
use steading_plugin_host::{authoring, compile, trust};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        ["compile"] => return ExitCode::from(compile::child_main()),
        ["embed", module, manifest, out] => {
            authoring::embed(Path::new(module), Path::new(manifest), Path::new(out))
                .map(|manifest| made(&manifest, out))
                .map_err(|error| error.to_string())
        }
        ["pack", module, manifest, key, out] => pack(module, manifest, key, out),
        ["keygen", key] => keygen(Path::new(key)),
        _ => Err(
            "usage: steading-plugin-build embed MODULE MANIFEST OUT-DIR\n       \
             steading-plugin-build pack MODULE MANIFEST KEY OUT-DIR\n       \
             steading-plugin-build keygen KEY"
                .to_owned(),
        ),
    };
    match outcome {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn pack(module: &str, manifest: &str, key: &str, out: &str) -> Result<String, String> {
    let text = std::fs::read(key).map_err(|error| format!("{key}: {error}"))?;
    let signing = trust::parse_signing_key(&text)
        .ok_or_else(|| format!("{key} holds no secret key; `keygen` makes one"))?;
    authoring::pack(
        Path::new(module),
        Path::new(manifest),
        &signing,
        Path::new(out),
    )
    .map(|manifest| made(&manifest, out))
    .map_err(|error| error.to_string())
}

/// Never over an existing key.
fn keygen(path: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| error.to_string())?;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(failed)?;
    writeln!(file, "{}", hex::encode(seed)).map_err(failed)?;
    let public = ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key();
    let beside = format!("{}.pub", path.display());
    std::fs::write(&beside, format!("{}\n", hex::encode(public.to_bytes()))).map_err(failed)?;
    Ok(format!("{} (keep it secret), {beside}", path.display()))
}

fn made(manifest: &Manifest, out: &str) -> String {
    format!("{} {} in {out}", manifest.id, manifest.version)
}
