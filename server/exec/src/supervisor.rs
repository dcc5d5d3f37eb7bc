//! The supervisor: owns one task from its claim to its durable report. It is forked by the spawner,
//! outlives spawner and server, and needs neither: it writes the log itself and puts the end on disk.

use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FlockOperation, flock};
use rustix::process::getppid;
use steading_types::Millis;
use steading_types::task::{End, Task, TaskReport};

use crate::body::{Body, Finished, unprepared};
use crate::cgroup::{Group, Limits};
use crate::network;
use crate::output::Output;
use crate::plain::Plain;
use crate::program::output_pipe;
use crate::realm::Realm;
use crate::room::Room;
use crate::spawner::Site;
use crate::sys::{self, Disposition};
use crate::taskdir::TaskDir;
use crate::wire::{Root, Start};

/// Between tries to write a record on a full disk.
const ROOM: Duration = Duration::from_secs(1);

/// Runs one task. Comes back when its report is written, or when another supervisor has the key.
pub(crate) fn run(
    site: &Site,
    realm: Option<io::Result<Realm<'_>>>,
    dir: &TaskDir,
    start: &Start,
) -> io::Result<()> {
    let spawner = getppid();
    rustix::process::setsid()?;
    sys::on_signal(libc::SIGCHLD, Disposition::Default);
    sys::become_standard(site.null.as_fd(), 2)?;
    // Before the claim: who finds it finds a service's supervisor in the run's network.
    let realm = realm.map(|realm| {
        let mut realm = realm?;
        network::enter(&mut realm, start.task.network, site.setup.policy.egress)?;
        Ok(realm)
    });
    // Nothing has begun yet, so a full disk only puts it off.
    if !with_room(|| dir.claim(start.task.service.is_some()))? {
        return Ok(());
    }
    let finished = match Supervisor::begin(site, realm, dir, start) {
        Ok(supervisor) => supervisor.watch(start),
        Err(end) => Finished::new(end),
    };
    let report = report(finished);
    // Nobody else knows how the task ended. The spawner ends with its server.
    with_room(|| dir.finish(&report, || getppid() != spawner))
}

/// Writes a record; on a full disk it waits for room.
fn with_room<T>(mut write: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match write() {
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::StorageFull | ErrorKind::QuotaExceeded
                ) =>
            {
                std::thread::sleep(ROOM);
            }
            outcome => return outcome,
        }
    }
}

fn report(finished: Finished) -> TaskReport {
    let (cpu_ms, max_rss) = sys::children_usage();
    TaskReport {
        end: finished.end,
        started: finished.started,
        finished: sys::now(),
        cpu_ms,
        max_rss,
        outputs: finished.outputs,
        result: finished.result,
        refused: finished.refused,
        artifacts: finished.artifacts,
        members: finished.members,
        isolation: finished.isolation,
    }
}

/// A control group for main, and for each container beside it, where limits are asked for.
fn groups(site: &Site, start: &Start) -> io::Result<Rc<[Option<Group>]>> {
    let task = &start.task;
    let together = task.cpu.is_some() || task.memory.is_some();
    let late = task.members.iter().chain(&task.sidecars).map(|container| {
        // What is one budget is one group.
        if together {
            Limits::default()
        } else {
            Limits::of_container(container)
        }
    });
    let limits = std::iter::once(Limits::of(task)).chain(late);
    let pids = site.setup.policy.pids;
    (0usize..)
        .zip(limits)
        .map(|(number, limits)| site.cgroups.make(start.key, number, limits, pids))
        .collect()
}

/// Locks the images that a task runs in, shared.
fn hold_images(roots: &[Root]) -> io::Result<Vec<std::fs::File>> {
    let mut locks = Vec::new();
    for root in roots {
        if let Root::Image(image) = root {
            let lock = std::fs::File::open(image.path.join("lock"))?;
            flock(&lock, FlockOperation::LockShared)?;
            locks.push(lock);
        }
    }
    Ok(locks)
}

/// Why a task is being ended before its time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Asked,
    Deadline,
}

struct Supervisor<'a> {
    site: &'a Site,
    output: Output,
    body: Box<dyn Body + 'a>,
    /// Of main, then of those beside it.
    groups: Rc<[Option<Group>]>,
    /// Held so that no image is removed while it is in use.
    _images: Vec<std::fs::File>,
    started: Millis,
    ending: Option<Ending>,
    /// When the next thing happens by itself: the deadline, then the end of the grace.
    alarm: Option<Millis>,
}

impl<'a> Supervisor<'a> {
    fn begin(
        site: &'a Site,
        realm: Option<io::Result<Realm<'a>>>,
        dir: &'a TaskDir,
        start: &'a Start,
    ) -> Result<Self, End> {
        let prepare = || -> io::Result<_> {
            let late = start.task.members.len() + start.task.sidecars.len();
            let (mut pipes, mut ends) = (Vec::new(), Vec::new());
            for _ in 0..=late {
                let (out, out_end) = output_pipe()?;
                let (err, err_end) = output_pipe()?;
                pipes.push([out, err]);
                ends.push([out_end, err_end]);
            }
            let main = u8::try_from(start.task.init.len()).unwrap_or(u8::MAX);
            let path = crate::logs::path(&site.setup.data_dir, dir.key);
            let cap = site.setup.policy.log_bytes;
            let capture = start.task.capture_result;
            Ok((Output::new(pipes, path, cap, main, capture), ends))
        };
        let (output, ends) = prepare().map_err(|e| unprepared("exec.io", e))?;
        let images = hold_images(&start.roots).map_err(|e| unprepared("image.io", e))?;
        let groups = groups(site, start).map_err(|e| unprepared("exec.limits", e))?;
        let body: Box<dyn Body + 'a> = match realm {
            None => Box::new(Plain::start(site, dir, start, ends, Rc::clone(&groups))?),
            Some(Ok(realm)) => Box::new(Room::start(
                site,
                realm,
                dir,
                start,
                ends,
                Rc::clone(&groups),
            )?),
            Some(Err(error)) => {
                let level = start.level;
                let what = format!(
                    "this host does not give the level {level:?}: {error}; see steading doctor"
                );
                return Err(unprepared("isolation.unavailable", what));
            }
        };
        let started = sys::now();
        Ok(Self {
            site,
            output,
            body,
            groups,
            _images: images,
            started,
            ending: None,
            alarm: start.task.deadline.map(|span| started.plus(span)),
        })
    }

    /// Watches pipes, signals and the clock until the body has ended.
    fn watch(mut self, start: &Start) -> Finished {
        let mut finished = loop {
            self.wait();
            let _ = self.output.drain();
            let mut child_ended = false;
            while let Some(signal) = sys::next_signal(self.site.signals.as_fd()) {
                match signal {
                    libc::SIGCHLD => child_ended = true,
                    libc::SIGTERM => self.end(Ending::Asked, start.task.grace),
                    _ => self.body.kill(),
                }
            }
            if self.alarm.is_some_and(|at| sys::now() >= at) {
                match self.ending {
                    None => self.end(Ending::Deadline, start.task.grace),
                    Some(_) => {
                        self.alarm = None;
                        self.body.kill();
                    }
                }
            }
            let step = self.body.step(child_ended, &mut self.output);
            if let Some(finished) = step {
                break finished;
            }
        };
        // All processes are gone: what the pipes hold now is all that will come.
        let _ = self.output.drain();
        finished.result = self.output.result();
        finished.started = Some(self.started);
        self.limits(&start.task, &mut finished);
        if self.ending == Some(Ending::Deadline) {
            finished.end = End::DeadlineExceeded;
        }
        finished
    }

    /// Records how limits were enforced and whether one of them ended the task.
    fn limits(&self, task: &Task, finished: &mut Finished) {
        let group = self.groups.first().and_then(Option::as_ref);
        if Limits::of(task).memory.is_some() {
            let how = group.and_then(|group| group.memory());
            let how = how.unwrap_or_else(|| "rlimit".into());
            finished.isolation.push_str(&format!(" cg.mem={how}"));
        }
        let killed = match &finished.end {
            End::Signaled { container, signal } if *signal == libc::SIGKILL => container,
            // A shell reports its child's signal this way.
            End::Exited {
                container,
                code: 137,
            } => container,
            _ => return,
        };
        if group.is_some_and(|group| group.out_of_memory()) {
            let container = killed.clone();
            finished.end = End::OutOfMemory { container };
        }
    }

    fn end(&mut self, why: Ending, grace: Millis) {
        if self.ending.is_none() {
            self.ending = Some(why);
            self.alarm = Some(sys::now().plus(grace));
            self.body.terminate();
        }
    }

    fn wait(&self) {
        let timeout = self.alarm.map(|at| {
            let millis = at.since(sys::now()).get();
            Timespec {
                tv_sec: (millis / 1000) as i64,
                tv_nsec: ((millis % 1000) * 1_000_000) as i64,
            }
        });
        let signals = self.site.signals.as_fd();
        let mut fds = vec![PollFd::from_borrowed_fd(signals, PollFlags::IN)];
        for fd in self.output.pipes().chain(self.body.control()) {
            fds.push(PollFd::from_borrowed_fd(fd, PollFlags::IN));
        }
        // Interrupted or not: the caller looks at everything anyway.
        let _ = poll(&mut fds, timeout.as_ref());
    }
}
