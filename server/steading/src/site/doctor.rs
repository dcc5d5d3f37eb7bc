//! What this host provides for isolation, for the faces.

use steading_api::site::DoctorCheck;
use steading_control::backend::Later;
use steading_control::site::Doctor;
use steading_exec::Exec;
use steading_exec::doctor::{Finding, Verdict};

/// Looks at this host as its tasks find it.
pub(crate) struct HostDoctor {
    exec: Exec,
}

impl HostDoctor {
    /// For the tasks of a local execution.
    pub(crate) fn new(exec: Exec) -> Self {
        Self { exec }
    }
}

impl Doctor for HostDoctor {
    fn checks<'a>(&'a self) -> Later<'a, Vec<DoctorCheck>> {
        Box::pin(async move {
            match self.exec.examine().await {
                Ok(findings) => findings.into_iter().map(doctor_check).collect(),
                Err(error) => vec![DoctorCheck {
                    name: "examination".into(),
                    state: "missing".into(),
                    message: error.to_string(),
                    fix: error.fix(),
                }],
            }
        })
    }
}

/// A finding as the faces show it.
pub(crate) fn doctor_check(finding: Finding) -> DoctorCheck {
    let state = match finding.verdict {
        Verdict::Ok => "ok",
        Verdict::Replaced => "limited",
        Verdict::Missing => "missing",
    };
    DoctorCheck {
        name: finding.what,
        state: state.into(),
        message: finding.sentence,
        fix: finding.fix,
    }
}
