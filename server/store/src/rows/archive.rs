//! A part of a finished run: rows of nodes and of the log index, as they were, under their keys.
//! A row inside keeps its own version.

use serde::{Deserialize, Serialize};

use super::{encode, fields, newer, version};
use crate::StoreError;

const VERSION: u8 = 1;

/// Where an archived row came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Node,
    Log,
}

/// One archived row: the part of its key after the run, and its bytes.
pub(crate) type Entry<'r> = (&'r [u8], &'r [u8]);

/// A part before it is written, or after it was read.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Part<'r> {
    #[serde(borrow)]
    nodes: Vec<Entry<'r>>,
    #[serde(borrow)]
    logs: Vec<Entry<'r>>,
}

impl<'r> Part<'r> {
    pub(crate) fn add(&mut self, source: Source, entry: Entry<'r>) {
        match source {
            Source::Node => self.nodes.push(entry),
            Source::Log => self.logs.push(entry),
        }
    }

    pub(crate) fn rows(&self, source: Source) -> &[Entry<'r>] {
        match source {
            Source::Node => &self.nodes,
            Source::Log => &self.logs,
        }
    }

    pub(crate) fn write(&self) -> Result<Vec<u8>, StoreError> {
        encode(VERSION, self)
    }

    pub(crate) fn read(row: &'r [u8]) -> Result<Self, StoreError> {
        let (found, bytes) = version(row)?;
        if found != VERSION {
            return Err(newer("an archived run", found, VERSION));
        }
        fields("an archived run", bytes)
    }
}
