//! The health of a container, found out by probes: whether it has come up, whether it still lives, whether
//! others can use it.

use std::io;
use std::time::Instant;

use rustix::process::{Pid, WaitStatus};
use steading_types::task::{Container, Probe};

use crate::crew::Place;
use crate::init::Init;
use crate::probe::{Prober, Pulse};

/// The probes of a running container.
#[derive(Default)]
pub(crate) struct Health<'a> {
    /// Nothing else is tried before it has succeeded.
    startup: Option<Prober<'a>>,
    liveness: Option<Prober<'a>>,
    readiness: Option<Prober<'a>>,
}

/// What a look at it says.
pub(crate) enum News {
    /// Nothing new.
    Nothing,
    /// Others can use it.
    Ready,
    /// This probe has failed too often.
    Failed(&'static str),
}

impl<'a> Health<'a> {
    /// Of a container that starts now; `service` says when others can use it.
    pub(crate) fn of(container: &'a Container, service: Option<&'a Probe>) -> Self {
        Self {
            startup: container.startup.as_ref().map(Prober::new),
            liveness: container.liveness.as_ref().map(Prober::new),
            readiness: service.map(Prober::new),
        }
    }

    /// When there is something to do that no child's end announces.
    pub(crate) fn due(&self) -> Option<Instant> {
        if let Some(startup) = &self.startup {
            return startup.due();
        }
        let probers = self.liveness.iter().chain(&self.readiness);
        probers.filter_map(Prober::due).min()
    }

    /// A process of the task has ended; perhaps it was a try.
    pub(crate) fn reaped(&mut self, pid: Pid, status: WaitStatus) {
        let probers = self.startup.iter_mut().chain(&mut self.liveness);
        for prober in probers.chain(&mut self.readiness) {
            prober.reaped(pid, status);
        }
    }

    /// Goes on with what is due.
    pub(crate) fn step(
        &mut self,
        init: &Init<'_>,
        container: &Container,
        number: usize,
        place: &Place<'_>,
    ) -> io::Result<News> {
        let of = (container, number, place);
        if let Some(startup) = &mut self.startup {
            match startup.step(init, of)? {
                Pulse::Good => self.startup = None,
                Pulse::Bad => return Ok(News::Failed("startupProbe")),
                Pulse::Unknown => return Ok(News::Nothing),
            }
        }
        if let Some(liveness) = &mut self.liveness {
            match liveness.step(init, of)? {
                Pulse::Good => liveness.again(),
                Pulse::Bad => return Ok(News::Failed("livenessProbe")),
                Pulse::Unknown => {}
            }
        }
        if let Some(readiness) = &mut self.readiness {
            match readiness.step(init, of)? {
                Pulse::Good => {
                    self.readiness = None;
                    return Ok(News::Ready);
                }
                Pulse::Bad => return Ok(News::Failed("readinessProbe")),
                Pulse::Unknown => {}
            }
        }
        Ok(News::Nothing)
    }
}
