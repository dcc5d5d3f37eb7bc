//! From a container's description to a running program: what is executed, with which arguments and
//! environment, and the fork that becomes it.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::process::{Pid, Signal};
use steading_types::AttemptId;
use steading_types::task::Container;

use crate::images::ImageConfig;
use crate::sys::{self, Disposition, Fork};

/// Where programs are looked for when the container does not say.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Everything that exec needs.
#[derive(Debug)]
pub(crate) struct Program {
    argv: Vec<CString>,
    env: Vec<CString>,
    search: String,
    pub(crate) workdir: String,
}

/// Why a program does not run.
#[derive(Debug)]
pub(crate) enum LaunchError {
    /// It is not there, or can not be executed: the task's own mistake.
    NotStarted(String),
    /// The machinery failed.
    Io(io::Error),
}

impl From<io::Error> for LaunchError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Errno> for LaunchError {
    fn from(error: Errno) -> Self {
        Self::Io(error.into())
    }
}

/// The variable in the environment of every process of a task: by it, what a supervisor that was
/// killed has left is found.
pub(crate) fn mark(key: AttemptId) -> String {
    format!("STEADING_ATTEMPT={key}")
}

impl Program {
    /// Puts together the container's and its image's words, as Docker does: a command replaces the
    /// entry point and the image's arguments; arguments alone replace the image's arguments.
    pub(crate) fn new(
        key: AttemptId,
        container: &Container,
        image: &ImageConfig,
        defaults: &Defaults<'_>,
        script: Option<&str>,
    ) -> Result<Self, LaunchError> {
        let mut argv: Vec<&str> = Vec::new();
        if container.command.is_empty() {
            argv.extend(image.entrypoint.iter().map(String::as_str));
            if container.args.is_empty() && script.is_none() {
                argv.extend(image.cmd.iter().map(String::as_str));
            }
        } else {
            argv.extend(container.command.iter().map(String::as_str));
        }
        argv.extend(container.args.iter().map(String::as_str));
        argv.extend(script);
        if argv.is_empty() {
            return Err(LaunchError::NotStarted(format!(
                "no command: neither the container '{}' nor its image names one",
                container.name
            )));
        }
        let mut env = BTreeMap::from([
            ("PATH", PATH),
            ("HOME", defaults.home),
            ("HOSTNAME", defaults.hostname),
        ]);
        env.extend(image.env.iter().filter_map(|pair| pair.split_once('=')));
        let own = container.env.iter();
        env.extend(own.map(|(name, value)| (name.as_str(), value.as_str())));
        let search = env.get("PATH").copied().unwrap_or(PATH).to_owned();
        let mut env: Vec<CString> = env
            .into_iter()
            .filter(|(name, _)| !name.is_empty() && !name.contains('='))
            .map(|(name, value)| text(&format!("{name}={value}")))
            .collect::<Result<_, _>>()?;
        env.push(text(&mark(key))?);
        let workdir = container.workdir.as_deref().or(image.workdir.as_deref());
        Ok(Self {
            argv: argv.into_iter().map(text).collect::<Result<_, _>>()?,
            env,
            search,
            workdir: workdir.unwrap_or(defaults.workdir).to_owned(),
        })
    }

    /// Finds the program in the file system as this process sees it.
    fn find(&self) -> Result<CString, LaunchError> {
        let name = self.argv.first().ok_or(Errno::INVAL)?;
        let shown = name.to_string_lossy();
        if shown.contains('/') {
            return Ok(name.clone());
        }
        let missing = || {
            LaunchError::NotStarted(format!(
                "exec: \"{shown}\": executable file not found in $PATH"
            ))
        };
        for dir in self.search.split(':').filter(|dir| dir.starts_with('/')) {
            let candidate = text(&format!("{dir}/{shown}"))?;
            let runs = rustix::fs::access(&candidate, rustix::fs::Access::EXEC_OK).is_ok();
            if runs && std::fs::metadata(format!("{dir}/{shown}")).is_ok_and(|m| m.is_file()) {
                return Ok(candidate);
            }
        }
        Err(missing())
    }

    /// Forks and becomes the program. `confine` runs in the child last before exec.
    pub(crate) fn launch(
        &self,
        stdio: [BorrowedFd<'_>; 3],
        parent: Option<Pid>,
        confine: impl FnOnce() -> io::Result<()>,
    ) -> Result<Pid, LaunchError> {
        let (failure, mut failed) = {
            let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
            (std::fs::File::from(read), std::fs::File::from(write))
        };
        match sys::fork(0)? {
            Fork::Child => {
                let error = self.become_program(stdio, parent, confine);
                let (stage, errno) = match error {
                    Stage::Prepare(error) => (0, error.raw_os_error()),
                    Stage::Workdir(error) => (1, error.raw_os_error()),
                    Stage::Exec(error) => (2, error.raw_os_error()),
                    Stage::Missing => (3, None),
                };
                let mut message = vec![stage];
                message.extend(errno.unwrap_or(libc::EINVAL).to_ne_bytes());
                let _ = io::Write::write_all(&mut failed, &message);
                sys::exit(127)
            }
            Fork::Parent(pid, _pidfd) => {
                drop(failed);
                let mut message = Vec::new();
                (&failure).take(5).read_to_end(&mut message)?;
                let Some((stage, errno)) = message.split_first() else {
                    return Ok(pid);
                };
                rustix::io::retry_on_intr(|| {
                    rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty())
                })?;
                let errno = errno.first_chunk::<4>().map(|b| i32::from_ne_bytes(*b));
                let error = io::Error::from_raw_os_error(errno.unwrap_or(libc::EINVAL));
                Err(self.explain(*stage, error))
            }
        }
    }

    fn explain(&self, stage: u8, error: io::Error) -> LaunchError {
        let name = self.argv.first().map(|name| name.to_string_lossy());
        let name = name.unwrap_or_default();
        match stage {
            1 => LaunchError::NotStarted(format!("chdir {}: {}", self.workdir, plain(&error))),
            2 => LaunchError::NotStarted(format!("exec: \"{name}\": {}", plain(&error))),
            3 => LaunchError::NotStarted(format!(
                "exec: \"{name}\": executable file not found in $PATH"
            )),
            _ => LaunchError::Io(error),
        }
    }

    /// In the child: standard streams, session, signals, then the program.
    fn become_program(
        &self,
        stdio: [BorrowedFd<'_>; 3],
        parent: Option<Pid>,
        confine: impl FnOnce() -> io::Result<()>,
    ) -> Stage {
        let prepare = || -> io::Result<()> {
            rustix::process::setsid()?;
            for (target, fd) in stdio.into_iter().enumerate() {
                sys::become_standard(fd, target as i32)?;
            }
            for signal in [libc::SIGCHLD, libc::SIGPIPE] {
                sys::on_signal(signal, Disposition::Default);
            }
            sys::block_only(&[]);
            sys::close_on_exec_from_3();
            Ok(())
        };
        if let Err(error) = prepare() {
            return Stage::Prepare(error);
        }
        if let Err(error) = rustix::process::chdir(&*self.workdir) {
            return Stage::Workdir(error.into());
        }
        // Before privileges go: a directory that only the image's owner may search is found.
        let path = match self.find() {
            Ok(path) => path,
            Err(_) => return Stage::Missing,
        };
        // The death signal comes after the change of credentials, which clears it.
        if let Err(error) = confine() {
            return Stage::Prepare(error);
        }
        if let Err(error) = rustix::process::set_parent_process_death_signal(Some(Signal::KILL)) {
            return Stage::Prepare(error.into());
        }
        // The parent may have died before the signal was asked for.
        if parent.is_some() && rustix::process::getppid() != parent {
            return Stage::Prepare(Errno::SRCH.into());
        }
        Stage::Exec(sys::exec(&path, &self.argv, &self.env))
    }
}

/// What holds when neither container nor image says otherwise.
pub(crate) struct Defaults<'a> {
    pub(crate) home: &'a str,
    pub(crate) hostname: &'a str,
    pub(crate) workdir: &'a str,
}

/// How far a child came.
enum Stage {
    Prepare(io::Error),
    Workdir(io::Error),
    Missing,
    Exec(io::Error),
}

fn text(value: &str) -> Result<CString, LaunchError> {
    CString::new(value)
        .map_err(|_| LaunchError::NotStarted("an argument or variable contains a zero byte".into()))
}

/// An error's sentence without Rust's number behind it.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error")
        .next()
        .unwrap_or_default()
        .to_lowercase()
}

/// The pipes that carry a task's output: our ends, then the program's.
pub(crate) fn output_pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(read.as_fd(), true)?;
    Ok((read, write))
}
