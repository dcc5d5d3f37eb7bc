//! How each kind of template starts, goes on and ends.

mod dag;
pub(crate) mod hooks;
mod loops;
mod outputs;
mod pod;
mod report;
mod retry;
mod service;
mod set;
mod steps;
mod suspend;

pub(crate) use outputs::declared_default;
pub(crate) use pod::shutdown_message;
pub(crate) use service::{address, pod_address};
pub(crate) use steps::tolerates;
pub(crate) use suspend::{joined, missing};
