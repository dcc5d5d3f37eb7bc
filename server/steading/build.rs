//! Lists what the program embeds: the page and the built-in plugins, as `cargo xtask build` left them in
//! `target/embed/`. Without them the program still builds, with a page that says what to run.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let embed = embed_directory(&out);
    let page = embed.join("page");
    let plugins = embed.join("plugins");
    for directory in [&page, &plugins] {
        // Cargo watches only what exists.
        fs::create_dir_all(directory)?;
        println!("cargo::rerun-if-changed={}", directory.display());
    }
    let code = format!("{}{}", page_files(&page)?, built_in_plugins(&plugins)?);
    fs::write(out.join("embedded.rs"), code)
}

/// `target/embed`: the build directory is the one above `debug/build/<package>/out`, whatever lies
/// between.
fn embed_directory(out: &Path) -> PathBuf {
    out.ancestors()
        .find(|directory| directory.join("embed").is_dir())
        .or_else(|| out.ancestors().nth(4))
        .unwrap_or(out)
        .join("embed")
}

/// The bundle's listing has one line a file: media type, tab, name.
fn page_files(directory: &Path) -> io::Result<String> {
    let mut code = String::from("pub(crate) const PAGE: &[Asset] = &[\n");
    let listing = directory.join("files.txt");
    if listing.is_file() {
        for line in fs::read_to_string(listing)?.lines() {
            let (media, name) = line.split_once('\t').unwrap_or(("", line));
            let plain = directory.join(name);
            let compressed = |extension: &str| directory.join(format!("{name}.{extension}"));
            let _ = writeln!(
                code,
                "    Asset {{ path: {name:?}, media: {media:?}, plain: include_bytes!({plain:?}), \
                 gzip: Some(include_bytes!({:?})), brotli: Some(include_bytes!({:?})) }},",
                compressed("gz"),
                compressed("br"),
            );
        }
    } else {
        let text = "This program was built without its page. Build it with: cargo xtask build\n";
        let _ = writeln!(
            code,
            "    Asset {{ path: \"index.html\", media: \"text/plain; charset=utf-8\", \
             plain: {text:?}.as_bytes(), gzip: None, brotli: None }},"
        );
    }
    code.push_str("];\n");
    Ok(code)
}

/// Two files a plugin: `<id>.json`, the manifest, and `<id>.cwasm`, the compiled component.
fn built_in_plugins(directory: &Path) -> io::Result<String> {
    let mut manifests = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            manifests.push(path);
        }
    }
    manifests.sort();
    let mut code = String::from("pub(crate) const PLUGINS: &[BuiltIn] = &[\n");
    for manifest in manifests {
        let id = manifest.file_stem().unwrap_or_default();
        let native = manifest.with_extension("cwasm");
        let _ = writeln!(
            code,
            "    BuiltIn {{ id: {id:?}, manifest: include_str!({manifest:?}), \
             cwasm: include_bytes!({native:?}) }},"
        );
    }
    code.push_str("];\n");
    Ok(code)
}
