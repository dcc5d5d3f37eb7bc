//! Logs on the wire.

use serde::{Deserialize, Serialize};
use steading_types::Millis;

/// Which lines are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LogQuery {
    /// Only this node (position); all nodes of the run, merged by time, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<u32>,
    /// `stdout` or `stderr`; both when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// A container's name; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// A regular expression that a line must match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grep: Option<String>,
    /// Only lines at or after this time, epoch milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Millis>,
    /// Only the last so many lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<u32>,
    /// Begin at this byte of the node's log (with `node` only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// At most so many lines (default 1,000, at most 10,000).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// One line of a task's output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LogLine {
    /// The node's position.
    pub node: u32,
    /// The node's Argo pod name.
    pub pod: String,
    /// When it was written, epoch milliseconds.
    pub time: Millis,
    /// `stdout`, `stderr`, or `steading` for a mark of ours (cut, gap).
    pub stream: String,
    /// The container that wrote it.
    pub container: String,
    /// Byte offset in the node's log.
    pub offset: u64,
    /// The text, without its newline; bytes that are no UTF-8 are replaced.
    pub text: String,
}

/// A page of lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LogPage {
    /// The lines.
    pub lines: Vec<LogLine>,
    /// Where to go on, when there is more (with `node` only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}
