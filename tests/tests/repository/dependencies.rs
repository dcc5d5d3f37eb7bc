//! Dependencies run one way. The arrows are those of the architecture page:
//!
//! `types <- {api, spec} <- domain <- engine <- {store, plugin-host, exec, artifacts} <- control <- http
//! <- steading`; plugins see only the SDK, the page only `api` and `types`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::manifests::members;
use crate::root;

/// The server's crates, from the inside to the outside: each may know those before its own row.
const LAYERS: [&[&str]; 8] = [
    &["types"],
    &["api", "spec"],
    &["domain"],
    &["engine"],
    &["artifacts", "exec", "plugin-host", "store"],
    &["control"],
    &["http"],
    &["steading"],
];

/// Crates without I/O, clock or randomness.
const PURE: [&str; 5] = ["types", "api", "spec", "domain", "engine"];

/// What a pure crate must not even reach through others.
const IMPURE: [&str; 9] = [
    "axum", "hyper", "landlock", "mio", "redb", "reqwest", "rustix", "tokio", "wasmtime",
];

/// What a pure crate must not name itself.
const IMPURE_DIRECTLY: [&str; 4] = ["getrandom", "libc", "rand", "tempfile"];

/// Own crates that a crate may depend on; none when the crate is not known here.
fn allowed(short: &str) -> Option<BTreeSet<&'static str>> {
    let outside: &[&str] = match short {
        "xtask" | "bundle" | "plugin" => &[],
        "ui" | "tests" => &["types", "api"],
        plugin if plugin.starts_with("compute-") || plugin.starts_with("trigger-") => &["plugin"],
        _ => {
            let layer = LAYERS.iter().position(|layer| layer.contains(&short))?;
            return Some(LAYERS[..layer].concat().into_iter().collect());
        }
    };
    Some(outside.iter().copied().collect())
}

/// `steading-types` -> `types`; the program and the plugins have no prefix.
fn short(package: &str) -> &str {
    package.strip_prefix("steading-").unwrap_or(package)
}

#[test]
fn no_arrow_points_outwards() {
    let members = members();
    let own: BTreeSet<&str> = members.iter().map(|member| member.name()).collect();
    for member in &members {
        let name = short(member.name());
        let allowed = allowed(name)
            .unwrap_or_else(|| panic!("{name} has no place among the layers: give it one here"));
        for dependency in member.dependencies().into_keys() {
            assert!(
                !own.contains(dependency) || allowed.contains(short(dependency)),
                "{name} must not depend on {dependency}; it may know {allowed:?}"
            );
        }
    }
}

#[test]
fn the_pure_crates_reach_no_input_output_and_no_randomness() {
    let graph = Graph::resolved();
    for member in members() {
        if !PURE.contains(&short(member.name())) {
            continue;
        }
        for dependency in member.dependencies().into_keys() {
            assert!(
                !IMPURE_DIRECTLY.contains(&dependency),
                "{} must not depend on {dependency}",
                member.name()
            );
        }
        let reached = graph.reached_from(member.name());
        for impure in IMPURE {
            assert!(
                !reached.contains(impure),
                "{} reaches {impure}: see cargo tree -p {} -i {impure}",
                member.name(),
                member.name()
            );
        }
    }
}

/// Who depends on whom in the lock file, by name, without development dependencies.
struct Graph {
    arrows: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    fn resolved() -> Self {
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version=1", "--locked"])
            .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
            .current_dir(root())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
        let names: BTreeMap<&str, &str> = metadata["packages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|package| (text(&package["id"]), text(&package["name"])))
            .collect();
        let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for node in metadata["resolve"]["nodes"].as_array().unwrap() {
            let from = names[text(&node["id"])];
            for dependency in node["deps"].as_array().unwrap() {
                let kinds = dependency["dep_kinds"].as_array().unwrap();
                if kinds.iter().any(|kind| kind["kind"].is_null()) {
                    let to = names[text(&dependency["pkg"])];
                    arrows.entry(from.into()).or_default().insert(to.into());
                }
            }
        }
        Self { arrows }
    }

    fn reached_from(&self, start: &str) -> BTreeSet<&str> {
        let mut reached = BTreeSet::new();
        let mut waiting = vec![start];
        while let Some(name) = waiting.pop() {
            for next in self.arrows.get(name).into_iter().flatten() {
                if reached.insert(next.as_str()) {
                    waiting.push(next);
                }
            }
        }
        reached
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}
