//! Artifacts by their names (`inputs.artifacts.a`, `steps.s.outputs.artifacts.b`, …). What a name leads to is found
//! among the nodes of the run. To texts and expressions an artifact is nothing but its own name, so none can be made
//! of a text.

use steading_spec::expr::Value;
use steading_types::artifact::Artifact;

use super::View;
use super::nodes::Meaning;
use crate::node::Node;

impl View<'_> {
    /// The artifact of a name. Outer nothing: there can be none of this name; inner nothing: it has not come.
    pub(crate) fn artifact(&self, name: &str) -> Option<Option<Artifact>> {
        let here = self.artifact_here(name);
        let here = here.map(|found| found.cloned());
        here.or_else(|| self.outer.as_ref()?.artifact(name))
    }

    /// What a text sees of a name that is an artifact's.
    pub(super) fn shown(&self, name: &str) -> Value {
        match self.artifact_here(name) {
            Some(Some(_)) => name.into(),
            _ => Value::Nil,
        }
    }

    pub(super) fn artifact_here(&self, name: &str) -> Option<Option<&Artifact>> {
        if !name.contains("artifacts.") {
            return None;
        }
        match name.split_once('.')? {
            ("inputs", rest) => self.input_artifact(rest.strip_prefix("artifacts.")?),
            ("steps" | "tasks", rest) => {
                let (child, rest) = rest.split_once('.')?;
                let Meaning::Node(node) = self.meaning(child)? else {
                    return None;
                };
                given(node, rest.strip_prefix("outputs.artifacts.")?)
            }
            ("workflow", rest) => {
                let name = rest.strip_prefix("outputs.artifacts.")?;
                self.run.head().artifacts.get(name).map(Some)
            }
            _ => None,
        }
    }

    /// One that is declared and has not come is optional.
    fn input_artifact(&self, name: &str) -> Option<Option<&Artifact>> {
        let node = self.run.node(self.inputs?)?;
        match named(&node.artifacts, name) {
            Some(artifact) => Some(Some(artifact)),
            None => {
                let declared = self.template()?.inputs.as_ref()?.artifact(name);
                declared.map(|_| None)
            }
        }
    }
}

/// An output of a node; nothing inside when it can not come any more.
fn given<'n>(node: &'n Node, name: &str) -> Option<Option<&'n Artifact>> {
    match named(&node.outputs.artifacts, name) {
        Some(artifact) => Some(Some(artifact)),
        None => node.phase.completed().then_some(None),
    }
}

fn named<'a>(artifacts: &'a [Artifact], name: &str) -> Option<&'a Artifact> {
    artifacts.iter().find(|artifact| artifact.name == name)
}
