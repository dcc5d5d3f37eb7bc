//! Argo's `fields=`: a comma list of dotted paths. A listed parent keeps its children; a leading `-`
//! excludes all that is listed. Lists are looked through: `items.metadata` means that of every item.

use serde_json::{Map, Value};

/// Longest text that is read, in bytes.
const LIMIT: usize = 8 * 1024;

/// What of an answer is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fields {
    /// Everything.
    All,
    /// Only these.
    Only(Vec<Vec<String>>),
    /// All but these.
    Without(Vec<Vec<String>>),
}

impl Fields {
    /// Reads the parameter; an empty or overlong one means everything.
    pub(super) fn parse(text: &str) -> Self {
        if text.is_empty() || text.len() > LIMIT {
            return Self::All;
        }
        let paths = |text: &str| {
            text.split(',')
                .filter(|p| !p.is_empty())
                .map(|path| path.split('.').map(str::to_owned).collect())
                .collect()
        };
        match text.strip_prefix('-') {
            Some(rest) => Self::Without(paths(rest)),
            None => Self::Only(paths(text)),
        }
    }

    /// Below a member: on streams paths begin with `result.object`.
    pub(super) fn below(&self, prefix: &[&str]) -> Self {
        let cut = |paths: &[Vec<String>]| {
            let inside = paths
                .iter()
                .filter(|path| path.iter().zip(prefix).all(|(a, b)| a == b));
            inside
                .map(|path| path.iter().skip(prefix.len()).cloned().collect::<Vec<_>>())
                .collect::<Vec<_>>()
        };
        match self {
            Self::All => Self::All,
            Self::Only(paths) => {
                let paths = cut(paths);
                if paths.iter().any(Vec::is_empty) {
                    Self::All
                } else {
                    Self::Only(paths)
                }
            }
            Self::Without(paths) => Self::Without(
                cut(paths)
                    .into_iter()
                    .filter(|path| !path.is_empty())
                    .collect(),
            ),
        }
    }

    /// Whether anything at or below this path is wanted: what is not needs no reading.
    pub(super) fn wants(&self, path: &[&str]) -> bool {
        match self {
            Self::All => true,
            Self::Only(paths) => paths
                .iter()
                .any(|listed| listed.iter().zip(path).all(|(a, b)| a == b)),
            Self::Without(paths) => !paths.iter().any(|listed| {
                listed.len() <= path.len() && listed.iter().zip(path).all(|(a, b)| a == b)
            }),
        }
    }

    /// The wanted part.
    pub(super) fn filter(&self, value: Value) -> Value {
        match self {
            Self::All => value,
            Self::Only(paths) => only(value, &paths.iter().map(Vec::as_slice).collect::<Vec<_>>()),
            Self::Without(paths) => {
                without(value, &paths.iter().map(Vec::as_slice).collect::<Vec<_>>())
            }
        }
    }
}

/// Paths below one member, and whether the member itself is listed.
fn step<'p>(paths: &[&'p [String]], key: &str) -> (Vec<&'p [String]>, bool) {
    let below: Vec<&[String]> = paths
        .iter()
        .filter_map(|path| {
            path.split_first()
                .filter(|(head, _)| *head == key)
                .map(|(_, rest)| rest)
        })
        .collect();
    let listed = below.iter().any(|rest| rest.is_empty());
    (below, listed)
}

fn only(value: Value, paths: &[&[String]]) -> Value {
    match value {
        Value::Object(map) => {
            let mut kept = Map::new();
            for (key, value) in map {
                match step(paths, &key) {
                    (_, true) => drop(kept.insert(key, value)),
                    (below, false) if !below.is_empty() => {
                        drop(kept.insert(key, only(value, &below)))
                    }
                    _ => {}
                }
            }
            Value::Object(kept)
        }
        Value::Array(list) => list.into_iter().map(|value| only(value, paths)).collect(),
        other => other,
    }
}

fn without(value: Value, paths: &[&[String]]) -> Value {
    match value {
        Value::Object(map) => {
            let mut kept = Map::new();
            for (key, value) in map {
                match step(paths, &key) {
                    (_, true) => {}
                    (below, false) if below.is_empty() => drop(kept.insert(key, value)),
                    (below, false) => drop(kept.insert(key, without(value, &below))),
                }
            }
            Value::Object(kept)
        }
        Value::Array(list) => list
            .into_iter()
            .map(|value| without(value, paths))
            .collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn listed_parents_keep_their_children_and_a_minus_excludes() {
        let list = json!({"metadata": {"continue": ""}, "items": [{"metadata": {"name": "a"}, "status": {"phase": "Failed", "nodes": {}}}]});
        let parse = Fields::parse;
        assert_eq!(parse("").filter(list.clone()), list);
        assert_eq!(
            parse("metadata,items.status.phase").filter(list.clone()),
            json!({"metadata": {"continue": ""}, "items": [{"status": {"phase": "Failed"}}]})
        );
        assert_eq!(
            parse("-items.status.nodes,items.metadata").filter(list),
            json!({"metadata": {"continue": ""}, "items": [{"status": {"phase": "Failed"}}]})
        );
    }

    #[test]
    fn what_nobody_wants_is_known_before_it_is_read() {
        let fields = Fields::parse("metadata,items.metadata,items.status.phase");
        assert!(!fields.wants(&["items", "status", "nodes"]) && fields.wants(&["items", "status"]));
        assert!(!Fields::parse("-status.nodes").wants(&["status", "nodes", "x"]));
        assert!(Fields::parse("-status.nodes").wants(&["status"]));
        assert_eq!(
            Fields::parse("result.object.status.phase").below(&["result", "object"]),
            Fields::parse("status.phase")
        );
    }
}
