//! Every file is one idea: short, introduced, and without lines that only a draft may hold.

use std::io::Write;
use std::path::Path;

use crate::root;

/// Lines of production code in a file: what is wished, and what is refused.
const WISHED: usize = 300;
const LIMIT: usize = 600;

/// Files above [`LIMIT`] and the length that they may not exceed. This list may only shrink.
const TOO_LONG: [(&str, usize); 0] = [];

/// What no line of production code holds; comments are not looked at.
const REFUSED: [&str; 8] = [
    ".unwrap()",
    EXPECT,
    "panic!(",
    "todo!(",
    "unimplemented!(",
    "dbg!(",
    "allow(clippy::unwrap_used",
    "allow(clippy::indexing_slicing",
];

const EXPECT: &str = ".expect(\"";

/// Words of a draft, refused in comments too.
const DRAFT: [&str; 2] = ["TODO", "FIXME"];

/// Folders of the pure crates, and what they must not use of the standard library.
const PURE: [&str; 5] = [
    "server/types",
    "server/api",
    "server/spec",
    "server/domain",
    "server/engine",
];
const IMPURE: [&str; 7] = [
    "Instant::now",
    "SystemTime",
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
];

/// A file of Rust.
struct Source {
    path: String,
    text: String,
    /// Numbered lines without test modules; none when the whole file is test code.
    production: Vec<(usize, String)>,
}

impl Source {
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let path = path.strip_prefix(root()).unwrap();
        let test = path.components().any(|part| {
            let part = part.as_os_str().to_string_lossy();
            ["tests", "benches", "examples", "tests.rs"].contains(&&*part)
                || part.ends_with("_tests.rs")
        });
        Self {
            path: path.to_string_lossy().into_owned(),
            production: if test {
                Vec::new()
            } else {
                without_tests(&text)
            },
            text,
        }
    }

    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.production
            .iter()
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
            .map(|(number, line)| (*number, line.as_str()))
    }
}

/// Every file that belongs to the repository.
fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    for top in ["server", "plugins", "plugin-sdk", "ui", "tests"] {
        collect(&root().join(top), &mut found);
    }
    assert!(
        found.len() > 40,
        "the walk found only {} files",
        found.len()
    );
    found
}

fn collect(directory: &Path, found: &mut Vec<Source>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                collect(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(Source::read(&path));
        }
    }
}

/// The lines outside items marked `#[cfg(test)]`, by the indentation that rustfmt gives.
fn without_tests(text: &str) -> Vec<(usize, String)> {
    let mut kept = Vec::new();
    let mut lines = text.lines().zip(1..);
    while let Some((line, number)) = lines.next() {
        if line.trim() != "#[cfg(test)]" {
            kept.push((number, line.to_owned()));
            continue;
        }
        let indent = &line[..line.len() - line.trim_start().len()];
        let end = format!("{indent}}}");
        let mut item = lines
            .by_ref()
            .map(|(line, _)| line)
            .skip_while(|line| line.trim_start().starts_with("#["));
        if !item.next().is_some_and(|first| first.ends_with([';', '}'])) {
            item.find(|line| *line == end);
        }
    }
    kept
}

fn complain(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn a_file_holds_one_idea_and_stays_short() {
    let mut lengths = Vec::new();
    let mut complaints = Vec::new();
    for source in sources() {
        let length = source.production.len();
        let excuse = TOO_LONG.iter().find(|(path, _)| *path == source.path);
        match excuse {
            Some((path, _)) if length <= LIMIT => {
                complaints.push(format!(
                    "{path} is short enough now: remove it from the list"
                ));
            }
            Some((path, allowed)) if length > *allowed => {
                complaints.push(format!("{path} grew from {allowed} to {length} lines"));
            }
            None if length > LIMIT => {
                complaints.push(format!("{} has {length} lines, of {LIMIT}", source.path));
            }
            _ => {}
        }
        if length > 0 {
            lengths.push((length, source.path));
        }
    }
    lengths.sort();
    let at = |share: usize| &lengths[(lengths.len() - 1) * share / 100];
    let above = lengths
        .iter()
        .filter(|(length, _)| *length > WISHED)
        .count();
    let (longest, path) = at(100);
    // Past the test harness's capture: the figures belong into the log of every run.
    writeln!(
        std::io::stderr(),
        "production lines per file: p50 {}, p90 {}, max {longest} ({path}); {above} of {} above {WISHED}",
        at(50).0,
        at(90).0,
        lengths.len(),
    )
    .unwrap();
    complain(&complaints);
}

#[test]
fn every_module_says_why_it_exists() {
    let complaints: Vec<_> = sources()
        .iter()
        .filter(|source| !source.production.is_empty() && !source.text.starts_with("//! "))
        .map(|source| format!("{} does not begin with //!", source.path))
        .collect();
    complain(&complaints);
}

#[test]
fn no_module_hides_in_a_mod_rs() {
    let complaints: Vec<_> = sources()
        .into_iter()
        .filter(|source| source.path.ends_with("/mod.rs"))
        .map(|source| source.path)
        .collect();
    complain(&complaints);
}

#[test]
fn production_code_neither_panics_nor_postpones() {
    let mut complaints = Vec::new();
    for source in sources() {
        for (number, line) in source.code() {
            for refused in REFUSED.iter().filter(|refused| line.contains(*refused)) {
                // A parser's own `expect("…")?` gives an error, not a panic.
                if *refused == EXPECT && line.contains("\")?") {
                    continue;
                }
                complaints.push(format!("{}:{number}: {refused}", source.path));
            }
        }
        for (number, line) in &source.production {
            for draft in DRAFT.iter().filter(|draft| line.contains(*draft)) {
                complaints.push(format!("{}:{number}: {draft}", source.path));
            }
        }
    }
    complain(&complaints);
}

#[test]
fn no_test_is_left_out() {
    let mark = ["#[", "ignore"].concat();
    let complaints: Vec<_> = sources()
        .into_iter()
        .filter(|source| source.text.contains(&mark))
        .map(|source| format!("{} ignores a test", source.path))
        .collect();
    complain(&complaints);
}

#[test]
fn the_pure_crates_use_no_clock_no_file_and_no_process() {
    let mut complaints = Vec::new();
    for source in sources() {
        if !PURE
            .iter()
            .any(|pure| source.path.starts_with(&format!("{pure}/")))
        {
            continue;
        }
        for (number, line) in source.code() {
            for impure in IMPURE.iter().filter(|impure| line.contains(*impure)) {
                complaints.push(format!("{}:{number}: {impure}", source.path));
            }
        }
    }
    complain(&complaints);
}

#[test]
fn test_modules_do_not_count_as_production() {
    let text = "\
//! Doc.
fn one() {}
#[cfg(test)]
mod tests {
    use super::*;
    fn two() {
    }
}
#[cfg(test)]
mod beside;
fn three() {}
";
    let lines: Vec<_> = without_tests(text)
        .into_iter()
        .map(|(number, _)| number)
        .collect();
    assert_eq!(lines, [1, 2, 11]);
}
