//! From a container's description to a running program: what is executed, with which arguments and
//! environment, and the fork that becomes it.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::process::{Pid, Signal};
use steading_types::AttemptId;
use steading_types::task::Container;

use crate::images::ImageConfig;
use crate::sys::{self, Disposition};

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
        let own = expanded(&container.env);
        let words = |list: &[String]| -> Vec<String> {
            list.iter().map(|word| expand(word, &own)).collect()
        };
        let (command, args) = (words(&container.command), words(&container.args));
        let mut argv: Vec<&str> = Vec::new();
        if container.command.is_empty() {
            argv.extend(image.entrypoint.iter().map(String::as_str));
            if container.args.is_empty() && script.is_none() {
                argv.extend(image.cmd.iter().map(String::as_str));
            }
        } else {
            argv.extend(command.iter().map(String::as_str));
        }
        argv.extend(args.iter().map(String::as_str));
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
        env.extend(own.iter().map(|(n, v)| (n.as_str(), v.as_str())));
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
    fn find(&self) -> Option<CString> {
        let name = self.argv.first()?;
        let shown = name.to_string_lossy();
        if shown.contains('/') {
            return Some(name.clone());
        }
        for dir in self.search.split(':').filter(|dir| dir.starts_with('/')) {
            let candidate = CString::new(format!("{dir}/{shown}")).ok()?;
            let runs = rustix::fs::access(&candidate, rustix::fs::Access::EXEC_OK).is_ok();
            if runs && std::fs::metadata(format!("{dir}/{shown}")).is_ok_and(|m| m.is_file()) {
                return Some(candidate);
            }
        }
        None
    }

    /// Starts a child that becomes the program. In it `prepare` runs first, `confine` last before exec.
    /// The child works in this process's memory until then, and so can say what went wrong.
    pub(crate) fn launch(
        &self,
        stdio: [BorrowedFd<'_>; 3],
        parent: Option<Pid>,
        prepare: impl FnOnce() -> io::Result<()>,
        confine: impl FnOnce() -> io::Result<()>,
    ) -> Result<Pid, LaunchError> {
        let mut failed = None;
        let pid = sys::lend(|| {
            failed = Some(match prepare() {
                Ok(()) => self.become_program(stdio, parent, confine),
                Err(error) => Stage::Prepare(error),
            });
        })?;
        let Some(stage) = failed else {
            return Ok(pid);
        };
        rustix::io::retry_on_intr(|| {
            rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty())
        })?;
        Err(self.explain(stage))
    }

    fn explain(&self, stage: Stage) -> LaunchError {
        let name = self.argv.first().map(|name| name.to_string_lossy());
        let name = name.unwrap_or_default();
        LaunchError::NotStarted(match stage {
            Stage::Prepare(error) => return LaunchError::Io(error),
            Stage::Workdir(error) => format!("chdir {}: {}", self.workdir, plain(&error)),
            Stage::Missing => format!("exec: \"{name}\": executable file not found in $PATH"),
            Stage::Exec(error) => format!("exec: \"{name}\": {}", plain(&error)),
        })
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
        let Some(path) = self.find() else {
            return Stage::Missing;
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

/// Variables whose values name those before them.
pub(crate) fn expanded(env: &[(String, String)]) -> Vec<(String, String)> {
    let mut done: Vec<(String, String)> = Vec::with_capacity(env.len());
    for (name, value) in env {
        let value = expand(value, &done);
        done.push((name.clone(), value));
    }
    done
}

/// A text in which `$(NAME)` stands for a variable, as in Kubernetes: an unknown one stays as it is, and
/// `$$` is a dollar sign.
pub(crate) fn expand(text: &str, env: &[(String, String)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let name = after.strip_prefix('(').and_then(|a| a.split_once(')'));
        match name {
            Some((name, after)) => {
                match env.iter().rev().find(|(known, _)| known == name) {
                    Some((_, value)) => out.push_str(value),
                    None => out.extend(["$(", name, ")"]),
                }
                rest = after;
            }
            None => {
                out.push('$');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
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

/// The pipes that carry a task's output: our ends, then the program's. Whoever the program is inside, it can
/// open its own end again, as `/dev/stdout`.
pub(crate) fn output_pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(read.as_fd(), true)?;
    rustix::fs::fchmod(&write, rustix::fs::Mode::from_raw_mode(0o666))?;
    Ok((read, write))
}
