//! The one place that reads the clock and draws random numbers for the pure crates.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use steading_types::{Millis, RunId};

static LATEST: AtomicU64 = AtomicU64::new(0);

/// Now. Never goes back while the program runs, even when the system's clock does.
pub fn now() -> Millis {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let now = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
    Millis(LATEST.fetch_max(now, Ordering::Relaxed).max(now))
}

/// A new run's id.
///
/// # Errors
/// When the system has no random numbers.
pub(crate) fn run_id() -> Result<RunId, getrandom::Error> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes)?;
    Ok(RunId::new(now(), u128::from_le_bytes(bytes)))
}

/// Five characters that Kubernetes would append to a `generateName`.
pub(crate) fn suffix() -> Result<String, getrandom::Error> {
    const ALPHABET: &[u8; 32] = b"bcdfghjklmnpqrstvwxz2456789bcdfg";
    let mut bytes = [0u8; 5];
    getrandom::fill(&mut bytes)?;
    Ok(bytes
        .iter()
        .filter_map(|byte| ALPHABET.get(usize::from(byte & 31)))
        .map(|c| char::from(*c))
        .collect())
}
