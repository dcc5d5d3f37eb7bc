//! Suspend: nothing new starts until the run is resumed; what runs goes on.

use crate::error::Refusal;
use crate::head::Suspended;
use crate::turn::Turn;

impl Turn<'_> {
    pub(super) fn suspend_run(&mut self) -> Result<(), Refusal> {
        if self.run.head.phase.completed() {
            return Err(Refusal::SuspendCompleted);
        }
        if self.run.head.suspended == Suspended::No {
            self.head().suspended = Suspended::Yes;
        }
        Ok(())
    }
}
