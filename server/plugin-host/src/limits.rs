//! What one call may use.

use std::time::Duration;

use wasmtime::ResourceLimiter;

use crate::manifest::AskedLimits;

/// Upper limits of one call. A manifest can ask for less or, up to these figures, for more than
/// the default; it never gets more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory, in MiB.
    pub memory_mib: u32,
    /// From the call to its answer, host calls included.
    pub wall: Duration,
    /// Time in the guest's own code, to the 10 ms.
    pub cpu: Duration,
    /// Calls of the host by the guest.
    pub host_calls: u32,
    /// Bytes of log lines.
    pub log_bytes: usize,
    /// Bytes that the guest may hand over at once, as an argument or as its answer.
    pub transfer: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_mib: 64,
            wall: Duration::from_secs(30),
            cpu: Duration::from_secs(2),
            host_calls: 10_000,
            log_bytes: 64 * 1024,
            transfer: 16 * 1024 * 1024,
        }
    }
}

impl Limits {
    /// These limits, lowered to what a manifest asks for.
    pub(crate) fn lowered_to(self, asked: AskedLimits) -> Self {
        let wall = asked
            .call_ms
            .map_or(self.wall, |ms| Duration::from_millis(u64::from(ms)));
        Self {
            memory_mib: self.memory_mib.min(asked.memory_mib.unwrap_or(u32::MAX)),
            wall: self.wall.min(wall),
            ..self
        }
    }
}

/// Core instances, memories and tables of one component. Components from Python and JavaScript
/// consist of more than twenty core instances.
const INSTANCES: usize = 64;
const MEMORIES: usize = 16;
const TABLES: usize = 64;
const TABLE_ELEMENTS: usize = 100_000;

/// Answers the guest's wish to grow. A refusal looks like any other abort from outside, so it is
/// remembered.
#[derive(Debug)]
pub(crate) struct MemoryLimiter {
    left: usize,
    denied: bool,
}

impl MemoryLimiter {
    pub(crate) fn new(memory_mib: u32) -> Self {
        Self {
            left: (memory_mib as usize).saturating_mul(1024 * 1024),
            denied: false,
        }
    }

    /// True once a wish was refused.
    pub(crate) fn denied(&self) -> bool {
        self.denied
    }
}

impl ResourceLimiter for MemoryLimiter {
    /// The limit holds for all memories of the component together.
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        match self.left.checked_sub(more) {
            Some(left) => self.left = left,
            None => self.denied = true,
        }
        Ok(!self.denied)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS)
    }

    fn instances(&self) -> usize {
        INSTANCES
    }

    fn memories(&self) -> usize {
        MEMORIES
    }

    fn tables(&self) -> usize {
        TABLES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_lowers_limits_and_never_raises_them() {
        let site = Limits::default();
        let asked = |memory_mib, call_ms| AskedLimits {
            memory_mib: Some(memory_mib),
            call_ms: Some(call_ms),
        };
        let less = site.lowered_to(asked(16, 100));
        assert_eq!(
            (less.memory_mib, less.wall),
            (16, Duration::from_millis(100))
        );
        assert_eq!(site.lowered_to(asked(u32::MAX, u32::MAX)), site);
    }

    #[test]
    fn several_memories_share_one_limit() {
        let mut limiter = MemoryLimiter::new(1);
        assert!(limiter.memory_growing(0, 600_000, None).unwrap());
        assert!(!limiter.memory_growing(0, 600_000, None).unwrap());
        assert!(limiter.denied());
    }
}
