//! The compute environment of this host: the built-in plugin, and behind its `exec` grant the execution
//! crate. Here the two meet; neither knows the other.

mod backend;
mod exec_host;
mod owners;

pub(crate) use backend::LocalBackend;
pub(crate) use exec_host::LocalExec;
pub(crate) use owners::Owners;
