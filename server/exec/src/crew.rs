//! Containers of a task that run side by side: which may start, which have ended, who is to go. Process 1
//! waits here for all of them with one call.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, wait};
use steading_types::Millis;
use steading_types::task::{Container, End, MemberReport};

use crate::body::unprepared;
use crate::health::{Health, News};
use crate::init::{Event, Init, Order};
use crate::plain::end_of;
use crate::program::LaunchError;
use crate::rootfs::Plan;
use crate::sys;
use crate::wire::receive;

/// Where a container's root is.
pub(crate) enum Place<'a> {
    /// In this process.
    Here,
    /// In a mount namespace that was made before.
    Chamber(OwnedFd),
    /// In one that the container's process makes itself.
    Own(&'a Plan<'a>),
}

/// What a container is there for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Duty {
    /// The task is over when it is.
    Work,
    /// It serves the others, and is ended after them.
    Sidecar,
}

/// One container.
pub(crate) struct Hand<'a> {
    container: &'a Container,
    number: usize,
    place: Place<'a>,
    duty: Duty,
    stage: Stage,
    tries: u32,
    started: Option<Millis>,
    finished: Millis,
    health: Health<'a>,
    /// The probe that it failed, and when its time to go is over.
    failed: Option<(&'static str, Option<Instant>)>,
}

/// How far a container is.
enum Stage {
    /// For those before it, or until then.
    Waiting(Option<Instant>),
    Running(Pid),
    Ended(End),
}

impl<'a> Hand<'a> {
    pub(crate) fn new(
        container: &'a Container,
        number: usize,
        place: Place<'a>,
        duty: Duty,
    ) -> Self {
        Self {
            container,
            number,
            place,
            duty,
            stage: Stage::Waiting(None),
            tries: 0,
            started: None,
            finished: Millis(0),
            health: Health::default(),
            failed: None,
        }
    }

    /// How it ended, where that counts.
    pub(crate) fn end(&self) -> Option<&End> {
        match &self.stage {
            Stage::Ended(end) if self.duty == Duty::Work => Some(end),
            _ => None,
        }
    }

    /// Its entry in the task's report.
    pub(crate) fn report(&self) -> Option<(String, MemberReport)> {
        let report = MemberReport {
            end: self.end()?.clone(),
            started: self.started,
            finished: self.finished,
        };
        Some((self.container.name.clone(), report))
    }

    fn pid(&self) -> Option<Pid> {
        match self.stage {
            Stage::Running(pid) => Some(pid),
            _ => None,
        }
    }

    fn open(&self) -> bool {
        !matches!(self.stage, Stage::Ended(_))
    }

    fn ended(&mut self, end: End) {
        self.finished = sys::now();
        self.stage = Stage::Ended(end);
    }
}

/// Whether a container may start.
enum Turn {
    Now,
    Later,
    Never(String),
}

/// All of them.
pub(crate) struct Crew<'a> {
    init: &'a Init<'a>,
    hands: Vec<Hand<'a>>,
    /// The task was asked to end.
    stopping: bool,
    buffer: Vec<u8>,
}

impl<'a> Crew<'a> {
    pub(crate) fn new(init: &'a Init<'a>, hands: Vec<Hand<'a>>) -> Self {
        Self {
            init,
            hands,
            stopping: false,
            buffer: Vec::new(),
        }
    }

    /// Runs them until the last one that counts has ended; then the sidecars are asked to go.
    pub(crate) fn run(mut self) -> Result<Vec<Hand<'a>>, End> {
        let io = |error: io::Error| unprepared("exec.io", error);
        loop {
            while self.start_next()? {}
            if !self.working() {
                break;
            }
            self.wait(None).map_err(io)?;
        }
        let grace = Duration::from_millis(self.init.start.task.grace.get());
        let until = Instant::now().checked_add(grace);
        self.signal(Signal::TERM);
        while self.hands.iter().any(|hand| hand.pid().is_some())
            && until.is_none_or(|until| Instant::now() < until)
        {
            self.wait(until).map_err(io)?;
        }
        Ok(self.hands)
    }

    fn working(&self) -> bool {
        let mut hands = self.hands.iter();
        hands.any(|hand| hand.duty == Duty::Work && hand.open())
    }

    /// Starts a container that may, or ends one that never can; answers whether there was one.
    fn start_next(&mut self) -> Result<bool, End> {
        for position in 0..self.hands.len() {
            let turn = self.turn(position);
            let init = self.init;
            let Some(hand) = self.hands.get_mut(position) else {
                continue;
            };
            match turn {
                Turn::Later => continue,
                Turn::Never(message) => hand.ended(End::NotStarted { message }),
                Turn::Now => match init.launch(hand.container, hand.number, &hand.place) {
                    Ok(pid) => {
                        let task = &init.start.task;
                        let is_main = hand.number == task.init.len();
                        let service = task.service.as_ref().filter(|_| is_main);
                        hand.health = Health::of(hand.container, service);
                        hand.started.get_or_insert_with(sys::now);
                        hand.stage = Stage::Running(pid);
                    }
                    Err(LaunchError::NotStarted(message)) if hand.duty == Duty::Sidecar => {
                        let message = format!("sidecar '{}': {message}", hand.container.name);
                        return Err(End::NotStarted { message });
                    }
                    Err(LaunchError::NotStarted(message)) => {
                        hand.ended(End::NotStarted { message });
                    }
                    Err(error) => return Err(error.into()),
                },
            }
            return Ok(true);
        }
        if self.stuck() {
            let open = |hand: &&mut Hand<'_>| hand.duty == Duty::Work && hand.open();
            for hand in self.hands.iter_mut().filter(open) {
                let message = "its dependencies wait for each other".to_owned();
                hand.ended(End::NotStarted { message });
            }
        }
        Ok(false)
    }

    fn turn(&self, position: usize) -> Turn {
        let Some(hand) = self.hands.get(position) else {
            return Turn::Later;
        };
        let Stage::Waiting(from) = hand.stage else {
            return Turn::Later;
        };
        if self.stopping {
            return Turn::Never("the task was asked to end".to_owned());
        }
        for name in &hand.container.after {
            let before = self
                .hands
                .iter()
                .find(|other| other.container.name == *name);
            match before.map(|before| &before.stage) {
                Some(Stage::Ended(End::Exited { code: 0, .. })) => {}
                Some(Stage::Ended(end)) => {
                    let code = exit_code(end);
                    let what = format!("dependency \"{name}\" exited with non-zero code: {code}");
                    return Turn::Never(what);
                }
                Some(_) => return Turn::Later,
                None => return Turn::Never(format!("there is no dependency \"{name}\"")),
            }
        }
        match from {
            Some(from) if from > Instant::now() => Turn::Later,
            _ => Turn::Now,
        }
    }

    /// Nothing runs, nothing can start, and nothing will by itself: dependencies in a circle.
    fn stuck(&self) -> bool {
        let mut work = self.hands.iter().filter(|hand| hand.duty == Duty::Work);
        work.all(|hand| matches!(hand.stage, Stage::Waiting(None) | Stage::Ended(_)))
    }

    /// Waits for something to happen, at most until then, and takes note of it.
    fn wait(&mut self, until: Option<Instant>) -> io::Result<()> {
        let pauses = self.hands.iter().filter_map(|hand| match hand.stage {
            Stage::Waiting(from) => from,
            _ => None,
        });
        let due = pauses.chain(until).chain(self.check_up_due()).min();
        let timeout = due.map(|due| {
            let left = due.saturating_duration_since(Instant::now());
            Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(left.subsec_nanos()),
            }
        });
        let mut fds = [
            PollFd::new(&self.init.site.signals, PollFlags::IN),
            PollFd::new(&self.init.control, PollFlags::IN),
        ];
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let [_, control] = &fds;
        let ordered = !control.revents().is_empty();
        while sys::next_signal(self.init.site.signals.as_fd()).is_some() {}
        if ordered {
            self.obey()?;
        }
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            self.reaped(pid, status);
        }
        self.check_up()
    }

    /// When a container's health must be looked at, or its time to go is over.
    fn check_up_due(&self) -> Option<Instant> {
        let running = self.hands.iter().filter(|hand| hand.pid().is_some());
        let due = running.filter_map(|hand| match hand.failed {
            Some((_, until)) => until,
            None => hand.health.due(),
        });
        due.min()
    }

    /// Looks at the health of every container; who has failed is asked to go, and later made to.
    fn check_up(&mut self) -> io::Result<()> {
        let init = self.init;
        for hand in &mut self.hands {
            let Some(pid) = hand.pid() else { continue };
            if let Some((_, until)) = &mut hand.failed {
                if until.is_some_and(|until| until <= Instant::now()) {
                    *until = None;
                    let _ = rustix::process::kill_process_group(pid, Signal::KILL);
                }
                continue;
            }
            let (container, number) = (hand.container, hand.number);
            match hand.health.step(init, container, number, &hand.place)? {
                News::Nothing => {}
                News::Ready => init.say(&Event::Ready)?,
                News::Failed(probe) => {
                    let grace = Duration::from_millis(init.start.task.grace.get());
                    hand.failed = Some((probe, Instant::now().checked_add(grace)));
                    let _ = rustix::process::kill_process_group(pid, Signal::TERM);
                }
            }
        }
        Ok(())
    }

    fn obey(&mut self) -> io::Result<()> {
        match receive::<Order>(self.init.control.as_fd(), &mut self.buffer)? {
            Some((Order::Terminate, _)) => {
                self.stopping = true;
                self.signal(Signal::TERM);
            }
            Some((Order::GoOn, _)) => {}
            None => return Err(Errno::PIPE.into()),
        }
        Ok(())
    }

    /// Every container's processes get a signal.
    fn signal(&self, signal: Signal) {
        for pid in self.hands.iter().filter_map(Hand::pid) {
            let _ = rustix::process::kill_process_group(pid, signal);
        }
    }

    fn reaped(&mut self, pid: Pid, status: WaitStatus) {
        for hand in &mut self.hands {
            hand.health.reaped(pid, status);
        }
        let Some(hand) = self.hands.iter_mut().find(|hand| hand.pid() == Some(pid)) else {
            return;
        };
        let end = match hand.failed.take() {
            Some((probe, _)) => End::Unhealthy {
                container: hand.container.name.clone(),
                probe: probe.to_owned(),
            },
            None => end_of(hand.container, status),
        };
        let again = self.init.start.task.in_place.filter(|again| {
            let failed = !matches!(end, End::Exited { code: 0, .. });
            failed && hand.duty == Duty::Work && hand.tries < again.retries && !self.stopping
        });
        match again {
            Some(again) => {
                hand.tries = hand.tries.saturating_add(1);
                let pause = Duration::from_millis(again.pause.get());
                hand.stage = Stage::Waiting(Instant::now().checked_add(pause));
            }
            None => hand.ended(end),
        }
    }
}

/// As a shell reports an end.
fn exit_code(end: &End) -> i32 {
    match end {
        End::Exited { code, .. } => *code,
        End::Signaled { signal, .. } => signal.saturating_add(128),
        _ => 64,
    }
}
