//! The vocabulary of Steading: ids, names, quantities, phases, times and the task that crosses from
//! the engine to a backend. Builds for wasm32; holds no I/O, no clock and no randomness.

pub mod artifact;
mod id;
mod name;
mod phase;
mod quantity;
pub mod server_task;
pub mod task;
mod time;

pub use id::{AttemptId, NodeIx, RunId, Uid};
pub use name::{NameError, ObjectName, PluginId, TenantName, WorkflowName};
pub use phase::{NodePhase, NodeType, WorkflowPhase};
pub use quantity::{CpuMilli, MemoryBytes, QuantityError};
pub use time::{Millis, parse_duration};
