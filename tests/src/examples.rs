//! Argo's own examples, read from a folder beside this repository: they are not ours to copy.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Deserialize;
use serde_json::Value;

/// The image archives that they name.
pub const IMAGES: [&str; 7] = [
    "busybox.tar",
    "alpine_3.23.tar",
    "python_alpine3.23.tar",
    "argoproj_argosay_v1.tar",
    "argoproj_argosay_v2.tar",
    "nginx_1.13.tar",
    "curlimages_curl_latest.tar",
];

/// One document of an example.
pub struct Example {
    /// Its file's path without the extension.
    pub file: String,
    /// The object.
    pub object: Value,
}

impl Example {
    /// Whether the object is of this kind.
    pub fn is(&self, kind: &str) -> bool {
        self.object.get("kind").is_some_and(|of| of == kind)
    }
}

/// `STEADING_EXAMPLES`, else `shared/argo-examples` beside a folder above this repository.
fn folder() -> Option<PathBuf> {
    let named = std::env::var_os("STEADING_EXAMPLES").map(PathBuf::from);
    let mut beside = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|above| above.join("shared/argo-examples"));
    named.or_else(|| beside.find(|path| path.is_dir()))
}

/// Every document, by file; nothing where the folder is missing.
///
/// # Errors
/// When a file can not be read.
pub fn all() -> Result<Option<Vec<Example>>> {
    let Some(folder) = folder() else {
        println!("NOT TESTED: no folder of Argo's examples (STEADING_EXAMPLES)");
        return Ok(None);
    };
    let (mut folders, mut found) = (vec![folder.clone()], Vec::new());
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "yaml") {
                let file = path.strip_prefix(&folder)?.with_extension("");
                let text = std::fs::read_to_string(&path)?;
                for document in serde_norway::Deserializer::from_str(&text) {
                    found.push(Example {
                        file: file.to_string_lossy().into_owned(),
                        object: Value::deserialize(document)?,
                    });
                }
            }
        }
    }
    found.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(Some(found))
}
