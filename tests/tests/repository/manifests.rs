//! Every package inherits what the workspace decides.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::root;

/// A member of the workspace.
pub(crate) struct Member {
    pub(crate) path: PathBuf,
    pub(crate) manifest: Table,
}

impl Member {
    pub(crate) fn name(&self) -> &str {
        self.manifest["package"]["name"].as_str().unwrap()
    }

    /// Its own dependencies, whatever their target, development ones left out.
    pub(crate) fn dependencies(&self) -> BTreeMap<&str, &Value> {
        self.dependency_tables()
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.as_str(), value))
            .collect()
    }

    fn dependency_tables(&self) -> Vec<&Table> {
        let targets = self
            .manifest
            .get("target")
            .and_then(Value::as_table)
            .into_iter()
            .flat_map(Table::values)
            .filter_map(Value::as_table);
        std::iter::once(&self.manifest)
            .chain(targets)
            .flat_map(|table| ["dependencies", "build-dependencies"].map(|kind| table.get(kind)))
            .flatten()
            .filter_map(Value::as_table)
            .collect()
    }
}

/// All members, in the order of the workspace's manifest.
pub(crate) fn members() -> Vec<Member> {
    let workspace = read(&root());
    workspace["workspace"]["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|path| {
            let path = root().join(path.as_str().unwrap());
            let manifest = read(&path);
            Member { path, manifest }
        })
        .collect()
}

fn read(directory: &Path) -> Table {
    let path = directory.join("Cargo.toml");
    std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .parse()
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn inherits(value: Option<&Value>) -> bool {
    value
        .and_then(|value| value.get("workspace"))
        .and_then(Value::as_bool)
        .unwrap_or_default()
}

#[test]
fn every_package_inherits_lints_edition_licence_and_version() {
    for member in members() {
        let name = member.name();
        assert!(inherits(member.manifest.get("lints")), "{name}: [lints]");
        let package = &member.manifest["package"];
        for key in ["edition", "license", "publish", "rust-version", "version"] {
            assert!(inherits(package.get(key)), "{name}: {key}.workspace = true");
        }
    }
}

#[test]
fn every_dependency_is_a_decision_of_the_workspace() {
    for member in members() {
        for (dependency, value) in member.dependencies() {
            assert!(
                inherits(Some(value)),
                "{}: {dependency} belongs into [workspace.dependencies], with its reason",
                member.name()
            );
        }
    }
}

#[test]
fn every_package_lies_where_the_layout_says() {
    for member in members() {
        let path = member.path.strip_prefix(root()).unwrap();
        let top = path.components().next().unwrap().as_os_str();
        assert!(
            ["server", "plugins", "plugin-sdk", "ui", "tests"].contains(&top.to_str().unwrap()),
            "{} lies at {}",
            member.name(),
            path.display()
        );
    }
}
