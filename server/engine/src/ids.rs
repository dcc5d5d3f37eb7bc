//! Argo's names of nodes and pods: a 32-bit hash of the node's name. Two nodes of a large run can share
//! one; the later of them gets the hash of its name with a mark, so that ids are unique and stable.

use std::collections::HashSet;

/// Hashes that a run has given away.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Ids(HashSet<u32>);

impl Ids {
    /// The hash of a new node, in the order of creation.
    pub(crate) fn assign(&mut self, name: &str) -> u32 {
        let mut hash = fnv1a(name.as_bytes(), OFFSET);
        while !self.0.insert(hash) {
            hash = fnv1a(b"'", hash);
        }
        hash
    }
}

const OFFSET: u32 = 0x811c_9dc5;
const PRIME: u32 = 0x0100_0193;

/// FNV-1a, 32 bits, continued from `hash`.
fn fnv1a(bytes: &[u8], hash: u32) -> u32 {
    bytes
        .iter()
        .fold(hash, |h, byte| (h ^ u32::from(*byte)).wrapping_mul(PRIME))
}

/// Argo's node id.
pub(crate) fn node_id(workflow: &str, node: &str, hash: u32) -> String {
    if node == workflow {
        workflow.to_owned()
    } else {
        format!("{workflow}-{hash}")
    }
}

/// Argo's pod name, form v2: `<workflow>-<template>-<hash>`, its first part at most 242 characters.
pub(crate) fn pod_name(workflow: &str, node: &str, template: &str, hash: u32) -> String {
    if node == workflow {
        return workflow.to_owned();
    }
    let mut prefix = if template.is_empty() {
        workflow.to_owned()
    } else {
        format!("{workflow}-{template}")
    };
    if let Some((cut, _)) = prefix.char_indices().nth(242) {
        prefix.truncate(cut);
    }
    format!("{prefix}-{hash}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_argos_hash_of_the_name() {
        // The reference vectors of FNV-1a.
        assert_eq!(fnv1a(b"", OFFSET), 0x811c_9dc5);
        assert_eq!(fnv1a(b"a", OFFSET), 0xe40c_292c);
        assert_eq!(fnv1a(b"foobar", OFFSET), 0xbf9c_f968);
        assert_eq!(node_id("wf", "wf", 1), "wf");
        assert_eq!(node_id("wf", "wf[0].a", 7), "wf-7");
        assert_eq!(pod_name("wf", "wf[0].a", "echo", 7), "wf-echo-7");
    }

    #[test]
    fn two_nodes_never_share_an_id() {
        let mut ids = Ids::default();
        assert_ne!(ids.assign("same"), ids.assign("same"));
    }
}
