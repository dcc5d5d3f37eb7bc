//! `server/docs/errors.md` lists every stable code, and no other.

use std::collections::BTreeSet;
use std::path::Path;

use crate::root;

/// First halves of codes.
const AREAS: [&str; 30] = [
    "artifact",
    "auth",
    "backend",
    "backup",
    "config",
    "depends",
    "exec",
    "expr",
    "feed",
    "http",
    "image",
    "isolation",
    "local",
    "log",
    "object",
    "page",
    "plugin",
    "request",
    "resource",
    "run",
    "secret",
    "sequence",
    "server",
    "spec",
    "store",
    "task",
    "template",
    "tenant",
    "token",
    "when",
];

/// Second halves of files' names.
const FILES: [&str; 6] = ["journal", "json", "lock", "md", "redb", "wasm"];

/// Where a text of that form is a path in a document, not a code.
fn holds_codes(path: &Path) -> bool {
    let path = path.to_string_lossy();
    let tests = path.contains("/tests") || path.contains("/examples/");
    let language = path.contains("server/spec/") && !path.contains("error");
    let tables = ["/fault.rs", "/depends.rs", "/when.rs", "/sequence.rs"];
    !tests && (!language || tables.iter().any(|table| path.ends_with(table)))
}

fn is_code(text: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    text.split_once('.')
        .is_some_and(|(area, rest)| AREAS.contains(&area) && word(rest) && !FILES.contains(&rest))
}

/// The texts between two marks on each line that are codes.
fn codes(text: &str, mark: char) -> BTreeSet<String> {
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split(mark))
        .filter(|part| is_code(part))
        .map(str::to_owned)
        .collect()
}

fn collect(directory: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && holds_codes(&path)
        {
            let text = std::fs::read_to_string(&path).unwrap();
            let production = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            found.extend(codes(production, '"'));
        }
    }
}

#[test]
fn every_error_code_is_documented_and_no_other() {
    let mut used = BTreeSet::new();
    for folder in ["server", "plugins"] {
        collect(&root().join(folder), &mut used);
    }
    let page = std::fs::read_to_string(root().join("server/docs/errors.md")).unwrap();
    let listed = codes(&page, '`');
    let undocumented: Vec<_> = used.difference(&listed).collect();
    let unused: Vec<_> = listed.difference(&used).collect();
    assert!(
        undocumented.is_empty() && unused.is_empty(),
        "not in errors.md: {undocumented:#?}\nonly in errors.md: {unused:#?}"
    );
}
