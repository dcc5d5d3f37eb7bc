//! The host behind the faces: logs, images and the doctor, as the traits that `control` names.

mod artifacts;
mod claims;
mod doctor;
mod images;
mod keys;
mod logs;
mod web;

pub(crate) use artifacts::artifacts;
pub(crate) use claims::HostClaims;
pub(crate) use doctor::{HostDoctor, doctor_check};
pub(crate) use images::{HostImages, body};
pub(crate) use keys::keyring;
pub(crate) use logs::HostLogs;
pub(crate) use web::{HostWeb, network};
