//! The views that an address names. Each fetches and owns what it shows.

pub(crate) mod login;
pub(crate) mod run;
pub(crate) mod run_cause;
pub(crate) mod run_data;
pub(crate) mod run_history;
pub(crate) mod run_log;
pub(crate) mod run_steps;
pub(crate) mod run_verbs;
pub(crate) mod runs;
