//! The clock that interrupts guests. It ticks only while a call is under way, so an idle host
//! wakes nobody.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use wasmtime::Engine;

/// Between two ticks: how soon a guest that loops gives way to others.
pub(crate) const TICK: Duration = Duration::from_millis(10);
/// Ticks without a call before the thread sleeps; spares a wake-up for each call of a burst.
const LINGER: u32 = 20;

/// Hands out [`Ticking`] guards. The thread ends with the last ticker and guard.
#[derive(Clone)]
pub(crate) struct Ticker {
    owner: Arc<Owner>,
}

struct Owner {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    calls: usize,
    asleep: bool,
    closed: bool,
}

impl Shared {
    /// A poisoned lock only means that a thread ended while it counted; the count stays usable.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticker {
    /// Starts the thread, asleep, for an engine.
    pub(crate) fn start(engine: &Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State::default()),
            wake: Condvar::new(),
        });
        let (thread, engine) = (Arc::clone(&shared), engine.clone());
        std::thread::Builder::new()
            .name("plugin-ticks".to_owned())
            .stack_size(64 * 1024)
            .spawn(move || tick(&thread, &engine))?;
        Ok(Self {
            owner: Arc::new(Owner { shared }),
        })
    }

    /// Ticks until the guard is dropped.
    pub(crate) fn ticking(&self) -> Ticking {
        let mut state = self.owner.shared.lock();
        state.calls = state.calls.saturating_add(1);
        if state.asleep {
            self.owner.shared.wake.notify_one();
        }
        Ticking {
            owner: Arc::clone(&self.owner),
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.wake.notify_one();
    }
}

/// One call under way.
pub(crate) struct Ticking {
    owner: Arc<Owner>,
}

impl Drop for Ticking {
    fn drop(&mut self) {
        let mut state = self.owner.shared.lock();
        state.calls = state.calls.saturating_sub(1);
    }
}

fn tick(shared: &Shared, engine: &Engine) {
    let mut quiet = LINGER;
    while wait(shared, &mut quiet) {
        std::thread::sleep(TICK);
        engine.increment_epoch();
    }
}

/// Sleeps while there is no call; false when there will never be one again.
fn wait(shared: &Shared, quiet: &mut u32) -> bool {
    let mut state = shared.lock();
    *quiet = match state.calls {
        0 => quiet.saturating_add(1),
        _ => 0,
    };
    while *quiet >= LINGER && state.calls == 0 && !state.closed {
        state.asleep = true;
        state = shared
            .wake
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner);
    }
    state.asleep = false;
    !state.closed
}
