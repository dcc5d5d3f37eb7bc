//! The records of the compute contract, as `plugin.wit` documents them.

pub use crate::bindings::exports::steading::plugin::compute::{
    Accepted, Chunk, Descriptor, Features, Finding, Job, Page, Phase, Resources, Severity, Status,
    Step, SubmitStep,
};
pub use crate::bindings::steading::plugin::types::{
    Again, Choice, Error, ErrorKind, FieldError, Pair, Progress,
};
