//! One probe of a container: tried from inside its task, each try in a process of its own, so that a
//! container that does not answer holds nothing up.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitStatus};
use steading_types::Millis;
use steading_types::task::{Container, Network, Probe, ProbeAction, Security};

use crate::crew::Place;
use crate::init::Init;
use crate::sys::{self, Fork};

/// Bytes of an answer's first line.
const LINE: u64 = 1024;

/// Tries until there were enough successes, or too many failures.
pub(crate) struct Prober<'a> {
    probe: &'a Probe,
    next: Option<Instant>,
    trying: Option<(Pid, Option<Instant>)>,
    successes: u32,
    failures: u32,
}

/// What the tries came to.
pub(crate) enum Pulse {
    /// Too few of a kind.
    Unknown,
    /// Enough successes in a row.
    Good,
    /// Too many failures in a row.
    Bad,
}

/// A container: itself, its number, its root.
pub(crate) type Probed<'a> = (&'a Container, usize, &'a Place<'a>);

impl<'a> Prober<'a> {
    pub(crate) fn new(probe: &'a Probe) -> Self {
        Self {
            probe,
            next: after(probe.delay),
            trying: None,
            successes: 0,
            failures: 0,
        }
    }

    /// Counts anew.
    pub(crate) fn again(&mut self) {
        self.successes = 0;
    }

    /// When there is something to do that no child's end announces.
    pub(crate) fn due(&self) -> Option<Instant> {
        match self.trying {
            Some((_, until)) => until,
            None => self.next,
        }
    }

    /// A process of the task has ended; perhaps it was the try.
    pub(crate) fn reaped(&mut self, pid: Pid, status: WaitStatus) {
        if self.trying.is_none_or(|(trying, _)| trying != pid) {
            return;
        }
        self.trying = None;
        self.next = after(self.probe.period);
        (self.successes, self.failures) = match status.exit_status() {
            Some(0) => (self.successes.saturating_add(1), 0),
            _ => (0, self.failures.saturating_add(1)),
        };
    }

    /// Goes on with what is due.
    pub(crate) fn step(&mut self, init: &Init<'_>, of: Probed<'_>) -> io::Result<Pulse> {
        if self.probe.action == ProbeAction::None || self.successes >= self.probe.successes.max(1) {
            return Ok(Pulse::Good);
        }
        let limit = self.probe.failures;
        if limit.is_some_and(|limit| self.failures >= limit.max(1)) {
            return Ok(Pulse::Bad);
        }
        let past = |at: Option<Instant>| at.is_some_and(|at| at <= Instant::now());
        match self.trying {
            Some((pid, until)) if past(until) => {
                let _ = rustix::process::kill_process(pid, Signal::KILL);
                self.trying = Some((pid, None));
            }
            None if past(self.next) => {
                self.trying = Some((self.start(init, of)?, after(self.probe.timeout)));
            }
            _ => {}
        }
        Ok(Pulse::Unknown)
    }

    fn start(&self, init: &Init<'_>, (own, number, place): Probed<'_>) -> io::Result<Pid> {
        let task = &init.start.task;
        if let ProbeAction::Run { command } = &self.probe.action {
            let container = Container {
                command: command.clone(),
                args: Vec::new(),
                ..own.clone()
            };
            let null = init.site.null.as_fd();
            let stdio = [null, null, null];
            let started = init.start_program(&container, number, place, None, stdio);
            if let Ok(pid) = started {
                return Ok(pid);
            }
        }
        match sys::fork(0)? {
            Fork::Parent(pid, _pidfd) => Ok(pid),
            Fork::Child => {
                sys::block_only(&[]);
                let limit = Duration::from_millis(self.probe.timeout.get().max(1));
                let tried = init
                    .confine(None, &Security::default())
                    .and_then(|()| attempt(&self.probe.action, own_address(task.network), limit));
                sys::exit(i32::from(!matches!(tried, Ok(true))))
            }
        }
    }
}

fn after(span: Millis) -> Option<Instant> {
    Instant::now().checked_add(Duration::from_millis(span.get()))
}

fn own_address(network: Network) -> IpAddr {
    match network {
        Network::Serving(address) => address.into(),
        _ => Ipv4Addr::LOCALHOST.into(),
    }
}

/// One try.
fn attempt(action: &ProbeAction, own: IpAddr, limit: Duration) -> io::Result<bool> {
    match action {
        ProbeAction::None => Ok(true),
        // Its program could not be started.
        ProbeAction::Run { .. } => Ok(false),
        ProbeAction::Connect { host, port } => {
            connect(host.unwrap_or(own), *port, limit).map(|_| true)
        }
        ProbeAction::Get {
            host,
            port,
            path,
            headers,
        } => {
            let host = host.unwrap_or(own);
            let mut stream = connect(host, *port, limit)?;
            stream.write_all(request(host, *port, path, headers).as_bytes())?;
            let mut line = Vec::new();
            BufReader::new(stream.take(LINE)).read_until(b'\n', &mut line)?;
            Ok(status(&line).is_some_and(|status| (200..400).contains(&status)))
        }
    }
}

fn connect(host: IpAddr, port: u16, limit: Duration) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&SocketAddr::new(host, port), limit)?;
    stream.set_read_timeout(Some(limit))?;
    Ok(stream)
}

/// A request of HTTP/1.0, after which the server closes (RFC 1945). Line ends in a path or a header are
/// left out: they would begin another line.
fn request(host: IpAddr, port: u16, path: &str, headers: &[(String, String)]) -> String {
    let one_line = |text: &str| text.replace(['\r', '\n'], "");
    let path = one_line(path);
    let path = path.strip_prefix('/').unwrap_or(&path);
    let mut text = format!(
        "GET /{path} HTTP/1.0\r\nHost: {}\r\n",
        SocketAddr::new(host, port)
    );
    for (name, value) in headers {
        text.push_str(&format!("{}: {}\r\n", one_line(name), one_line(value)));
    }
    text.push_str("\r\n");
    text
}

/// The code of a status line.
fn status(answer: &[u8]) -> Option<u16> {
    let line = answer
        .split(|byte| *byte == b'\r' || *byte == b'\n')
        .next()?;
    let line = std::str::from_utf8(line).ok()?;
    line.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_one_line_for_each_part() {
        let headers = [("X".to_owned(), "a\r\nEvil: b".to_owned())];
        let text = request(Ipv4Addr::LOCALHOST.into(), 80, "/p\n?q", &headers);
        assert_eq!(
            text,
            "GET /p?q HTTP/1.0\r\nHost: 127.0.0.1:80\r\nX: aEvil: b\r\n\r\n"
        );
    }

    #[test]
    fn the_status_of_an_answer_is_found() {
        assert_eq!(status(b"HTTP/1.1 204 No Content\r\n\r\n"), Some(204));
        assert_eq!(status(b"SSH-2.0-x\r\n"), None);
        assert_eq!(status(b""), None);
    }
}
