//! What this host provides for isolation, for the faces.

use std::path::{Path, PathBuf};

use steading_api::site::DoctorCheck;
use steading_control::backend::Later;
use steading_control::site::Doctor;

/// Looks at this host.
pub(crate) struct HostDoctor {
    data: PathBuf,
}

impl HostDoctor {
    /// For tasks below a data directory.
    pub(crate) fn new(data: &Path) -> Self {
        Self {
            data: data.to_owned(),
        }
    }
}

impl Doctor for HostDoctor {
    fn checks<'a>(&'a self) -> Later<'a, Vec<DoctorCheck>> {
        Box::pin(async move {
            let _ = &self.data;
            Vec::new()
        })
    }
}
