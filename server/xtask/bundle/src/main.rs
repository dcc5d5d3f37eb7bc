//! Makes the page's files from the compiled `ui` crate: JavaScript glue, hashed names, compressed
//! forms, and a listing, `files.txt`, with one line a file: media type, tab, name. Nothing is
//! downloaded: the glue comes from wasm-bindgen's library.
//!
//! The convention with `ui/`: `index.html` and `start.js` name the other files by placeholders,
//! `{{css}}` for `style.css`, `{{start}}` for `start.js`, `{{icon}}` for `icon.svg`, `{{js}}` for the
//! glue and `{{wasm}}` for the module. Hashed files never change under their name; `index.html` is
//! the only one that a browser must ask for again.

mod bindings;
mod compress;
mod names;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Parser;
use names::Names;

/// Makes the page's files.
#[derive(Parser)]
struct Arguments {
    /// The `ui` crate, compiled for wasm32-unknown-unknown.
    #[arg(long)]
    wasm: PathBuf,
    /// The folder with index.html, style.css and start.js.
    #[arg(long)]
    sources: PathBuf,
    /// The folder to fill; what lies there is replaced.
    #[arg(long)]
    out: PathBuf,
    /// Fails when all files together are larger than this after gzip, in bytes.
    #[arg(long)]
    limit: usize,
}

/// Files that may lie in the source folder, and their placeholders, in the order of their references.
const SOURCES: [(&str, &str); 3] = [
    ("css", "style.css"),
    ("icon", "icon.svg"),
    ("start", "start.js"),
];

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let bound = bindings::bind(&arguments.wasm)?;

    let mut names = Names::default();
    names.add("wasm", "steading.wasm", bound.wasm);
    names.add("js", "steading.js", bound.glue.into_bytes());
    for (placeholder, file) in SOURCES {
        let path = arguments.sources.join(file);
        if path.exists() {
            let text = read(&path)?;
            let text = names
                .fill(&text)
                .with_context(|| format!("in {}", path.display()))?;
            names.add(placeholder, file, text.into_bytes());
        }
    }
    let index = arguments.sources.join("index.html");
    let text = names
        .fill(&read(&index)?)
        .with_context(|| format!("in {}", index.display()))?;
    names.add_unhashed("index.html", text.into_bytes());

    write_all(&names, &arguments.out, arguments.limit)
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("can not read {}", path.display()))
}

fn write_all(names: &Names, out: &Path, limit: usize) -> Result<()> {
    if out.exists() {
        std::fs::remove_dir_all(out)?;
    }
    std::fs::create_dir_all(out)?;
    let mut listed = String::new();
    let mut total = 0;
    println!(
        "  {:<32} {:>9} {:>9} {:>9}",
        "file", "bytes", "gzip", "brotli"
    );
    for file in names.files() {
        let gzip = compress::gzip(&file.content)?;
        let brotli = compress::brotli(&file.content)?;
        total += gzip.len();
        println!(
            "  {:<32} {:>9} {:>9} {:>9}",
            file.name,
            file.content.len(),
            gzip.len(),
            brotli.len()
        );
        std::fs::write(out.join(&file.name), &file.content)?;
        std::fs::write(out.join(format!("{}.gz", file.name)), gzip)?;
        std::fs::write(out.join(format!("{}.br", file.name)), brotli)?;
        listed.push_str(&format!("{}\t{}\n", media_type(&file.name)?, file.name));
    }
    std::fs::write(out.join("files.txt"), listed)?;
    println!("  together {total} bytes gzip, of {limit} allowed");
    if total > limit {
        bail!("the page is larger than its limit");
    }
    Ok(())
}

fn media_type(name: &str) -> Result<&'static str> {
    Ok(match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("wasm") => "application/wasm",
        _ => bail!("no media type is known for {name}"),
    })
}
