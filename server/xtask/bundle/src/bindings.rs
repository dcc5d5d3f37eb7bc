//! The JavaScript that lets a browser start the module, by wasm-bindgen's own library.

use std::path::Path;

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

/// A module and the script that loads it.
pub(crate) struct Bound {
    pub(crate) wasm: Vec<u8>,
    pub(crate) glue: String,
}

/// Runs wasm-bindgen for `--target web`.
pub(crate) fn bind(wasm: &Path) -> Result<Bound> {
    let mut output = Bindgen::new()
        .input_path(wasm)
        .out_name("steading")
        .web(true)?
        .typescript(false)
        // The module's name carries a hash that the glue can not know: start.js hands it over.
        .omit_default_module_path(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate_output()
        .with_context(|| format!("wasm-bindgen refuses {}", wasm.display()))?;
    // A crate without any script may be listed all the same.
    if output
        .snippets()
        .values()
        .any(|scripts| !scripts.is_empty())
        || !output.local_modules().is_empty()
    {
        bail!("the page must not carry scripts inside crates: they have no place in the bundle");
    }
    let glue = output.js().to_owned();
    Ok(Bound {
        wasm: output.wasm_mut().emit_wasm(),
        glue,
    })
}
