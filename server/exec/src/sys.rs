//! The system calls that no safe library offers, each behind a small safe function. All of the
//! crate's `unsafe` for starting processes is here; nothing here knows what a task is.
//!
//! The callers of [`fork`] are single-threaded processes (see `keeper`), so ordinary Rust code may
//! run in the child.

#![allow(
    unsafe_code,
    reason = "raw system calls: fork, exec, signals, credentials, mount attributes"
)]

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::process::Pid;
use steading_types::Millis;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Which side of a fork this is.
pub(crate) enum Fork {
    /// The new process.
    Child,
    /// The process that forked, with the child's pid and a descriptor that stays bound to it.
    Parent(Pid, OwnedFd),
}

fn checked(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

/// Forks into the new namespaces named by `CLONE_NEW…` bits (0 for a plain fork).
/// Only for single-threaded processes.
pub(crate) fn fork(namespaces: i32) -> io::Result<Fork> {
    let mut pidfd: RawFd = -1;
    // SAFETY: an all-zero clone_args is valid; the kernel writes one descriptor through `pidfd`,
    // which outlives the call. No stack is given, so this behaves as fork().
    let pid = unsafe {
        let mut args: libc::clone_args = std::mem::zeroed();
        args.flags = (libc::CLONE_PIDFD | namespaces) as u64;
        args.pidfd = (&raw mut pidfd) as u64;
        args.exit_signal = libc::SIGCHLD as u64;
        checked(libc::syscall(
            libc::SYS_clone3,
            &raw mut args,
            size_of::<libc::clone_args>(),
        ))?
    };
    match Pid::from_raw(pid as i32) {
        None => Ok(Fork::Child),
        // SAFETY: the kernel has just made this descriptor for us.
        Some(pid) => Ok(Fork::Parent(pid, unsafe { OwnedFd::from_raw_fd(pidfd) })),
    }
}

/// Bytes of the stack on which [`lend`] runs its child.
const LENT_STACK: usize = 256 * 1024;

/// Starts a child in this process's own memory, as vfork does: this process stands still until the child
/// has executed a program or ended. No page table is copied, which is most of what a fork costs.
///
/// What `child` changes in memory this process sees; nothing else is shared: descriptors, signals,
/// directory and credentials are the child's own. Only for single-threaded processes.
pub(crate) fn lend<F: FnOnce()>(child: F) -> io::Result<Pid> {
    extern "C" fn enter<F: FnOnce()>(child: *mut libc::c_void) -> libc::c_int {
        // SAFETY: `lend` passes a pointer to its own `Option<F>`, and stands still while this runs.
        if let Some(child) = unsafe { &mut *child.cast::<Option<F>>() }.take() {
            child();
        }
        exit(127)
    }
    let mut stack = Vec::<u8>::with_capacity(LENT_STACK);
    let mut child = Some(child);
    // SAFETY: the stack, whose end is aligned to 16 as the ABI wants, and `child` outlive the child's use
    // of this memory, because CLONE_VFORK lets the call return only after that.
    let pid = unsafe {
        let top = stack.as_mut_ptr().wrapping_add(LENT_STACK);
        let top = top.wrapping_sub(top.addr() % 16);
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        let child = (&raw mut child).cast();
        checked(libc::clone(enter::<F>, top.cast(), flags, child).into())?
    };
    Pid::from_raw(pid as i32).ok_or_else(|| io::ErrorKind::Other.into())
}

/// Ends this process at once, without running destructors or exit handlers of the parent's image.
pub(crate) fn exit(code: i32) -> ! {
    // SAFETY: takes no memory of ours.
    unsafe { libc::_exit(code) }
}

/// Replaces the program. Comes back only with an error.
pub(crate) fn exec(path: &CString, argv: &[CString], env: &[CString]) -> io::Error {
    let pointers = |list: &[CString]| -> Vec<*const libc::c_char> {
        let ends = std::iter::once(std::ptr::null());
        list.iter().map(|text| text.as_ptr()).chain(ends).collect()
    };
    let (argv, env) = (pointers(argv), pointers(env));
    // SAFETY: both lists end with a null pointer and point into strings that live until the call.
    unsafe { libc::execve(path.as_ptr(), argv.as_ptr(), env.as_ptr()) };
    io::Error::last_os_error()
}

/// What a signal does.
#[derive(Clone, Copy)]
pub(crate) enum Disposition {
    /// The system's default.
    Default,
    /// Nothing; for `SIGCHLD` also: children are reaped by the kernel.
    Ignore,
}

/// Sets a signal's disposition; never to a handler.
pub(crate) fn on_signal(signal: i32, disposition: Disposition) {
    let action = match disposition {
        Disposition::Default => libc::SIG_DFL,
        Disposition::Ignore => libc::SIG_IGN,
    };
    // SAFETY: neither value is a function.
    unsafe { libc::signal(signal, action) };
}

fn signal_set(signals: &[i32]) -> libc::sigset_t {
    // SAFETY: `set` is initialised by sigemptyset before it is read.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in signals {
            libc::sigaddset(&raw mut set, *signal);
        }
        set
    }
}

/// Blocks exactly these signals.
pub(crate) fn block_only(signals: &[i32]) {
    let set = signal_set(signals);
    // SAFETY: reads `set`, writes nothing.
    unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut()) };
}

/// A non-blocking descriptor that reads these (blocked) signals of whichever process reads it.
pub(crate) fn signal_fd(signals: &[i32]) -> io::Result<OwnedFd> {
    let set = signal_set(signals);
    let flags = libc::SFD_CLOEXEC | libc::SFD_NONBLOCK;
    // SAFETY: reads `set`; the descriptor that comes back is ours.
    unsafe {
        let fd = checked(libc::signalfd(-1, &raw const set, flags).into())?;
        Ok(OwnedFd::from_raw_fd(fd as RawFd))
    }
}

/// The next pending signal of a [`signal_fd`].
pub(crate) fn next_signal(fd: BorrowedFd<'_>) -> Option<i32> {
    let mut info = [0u8; size_of::<libc::signalfd_siginfo>()];
    match rustix::io::read(fd, &mut info) {
        // The number is the record's first field.
        Ok(n) if n == info.len() => info
            .first_chunk::<4>()
            .map(|bytes| u32::from_ne_bytes(*bytes) as i32),
        _ => None,
    }
}

/// CPU time in milliseconds and the largest resident set in bytes of all children waited for.
pub(crate) fn children_usage() -> (u64, u64) {
    // SAFETY: an all-zero rusage is valid and the call only writes it.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage);
        usage
    };
    let micros = |t: libc::timeval| t.tv_sec as u64 * 1_000_000 + t.tv_usec as u64;
    let cpu = (micros(usage.ru_utime) + micros(usage.ru_stime)) / 1000;
    (cpu, (usage.ru_maxrss as u64).saturating_mul(1024))
}

/// Makes `fd` this process's standard input (0), output (1) or error (2).
pub(crate) fn become_standard(fd: BorrowedFd<'_>, target: RawFd) -> io::Result<()> {
    // SAFETY: dup2 touches descriptors only; 0..=2 are not owned by any Rust value.
    checked(unsafe { libc::dup2(fd.as_raw_fd(), target) }.into()).map(drop)
}

/// Marks every descriptor from 3 on to be closed by exec.
pub(crate) fn close_on_exec_from_3() {
    // SAFETY: changes flags of descriptors only.
    unsafe {
        libc::syscall(
            libc::SYS_close_range,
            3u32,
            u32::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        )
    };
}

/// Sets a resource limit, soft and hard; a limit that may not be raised stays lower.
pub(crate) fn limit(resource: libc::__rlimit_resource_t, value: u64) {
    // SAFETY: reads and writes a local structure.
    unsafe {
        let mut current: libc::rlimit = std::mem::zeroed();
        libc::getrlimit(resource, &raw mut current);
        current.rlim_max = value.min(current.rlim_max);
        current.rlim_cur = current.rlim_max;
        libc::setrlimit(resource, &raw const current);
    }
}

/// Waits for an owned descriptor without a thread. Must be called inside a tokio runtime.
pub(crate) fn async_fd(fd: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: the descriptor is owned by the AsyncFd, which never gives it away mutably.
    Ok(unsafe { AsyncFd::register_with_interest(fd, interest) }?)
}

/// The wall clock.
pub(crate) fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Millis(since.map_or(0, |d| d.as_millis() as u64))
}

/// Joins the namespace behind a descriptor; `kind` is its `CLONE_NEW…` bit.
pub(crate) fn join(namespace: BorrowedFd<'_>, kind: i32) -> io::Result<()> {
    // SAFETY: takes a descriptor, touches no memory of ours.
    checked(unsafe { libc::setns(namespace.as_raw_fd(), kind) }.into()).map(drop)
}

/// Moves this process into new namespaces (`CLONE_NEW…` bits).
pub(crate) fn unshare(kinds: i32) -> io::Result<()> {
    // SAFETY: touches no memory of ours.
    checked(unsafe { libc::unshare(kinds) }.into()).map(drop)
}

/// Shifts the owners of a detached mount by a user namespace's map.
pub(crate) fn map_owners(mount: BorrowedFd<'_>, users: BorrowedFd<'_>) -> io::Result<()> {
    set_mount(mount, libc::MOUNT_ATTR_IDMAP, users.as_raw_fd() as u64)
}

/// Makes a mount, and all below it, read-only and without setuid programs.
pub(crate) fn read_only(mount: BorrowedFd<'_>) -> io::Result<()> {
    set_mount(mount, libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID, 0)
}

/// Makes a mount without setuid programs and devices.
pub(crate) fn no_privileges(mount: BorrowedFd<'_>) -> io::Result<()> {
    set_mount(mount, libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_NOSUID, 0)
}

fn set_mount(mount: BorrowedFd<'_>, attributes: u64, users: u64) -> io::Result<()> {
    let attributes = libc::mount_attr {
        attr_set: attributes,
        attr_clr: 0,
        propagation: 0,
        userns_fd: users,
    };
    // SAFETY: the structure and the empty path live until the call returns.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH | libc::AT_RECURSIVE,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    checked(done).map(drop)
}

/// Brings the loopback interface of this network namespace up.
pub(crate) fn loopback_up() -> io::Result<()> {
    // SAFETY: an all-zero ifreq is valid; the kernel reads the name and reads or writes the flags,
    // both inside the structure.
    unsafe {
        let socket =
            checked(libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0).into())?;
        let socket = OwnedFd::from_raw_fd(socket as RawFd);
        let mut request: libc::ifreq = std::mem::zeroed();
        for (slot, byte) in request.ifr_name.iter_mut().zip(b"lo") {
            *slot = *byte as libc::c_char;
        }
        checked(libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFFLAGS, &raw mut request).into())?;
        request.ifr_ifru.ifru_flags |= libc::IFF_UP as libc::c_short;
        checked(libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request).into())
            .map(drop)
    }
}

/// Gives up every capability, for good: nothing that is executed later gets one back.
pub(crate) fn drop_capabilities() -> io::Result<()> {
    #[repr(C)]
    struct Header {
        version: u32,
        pid: i32,
    }
    // _LINUX_CAPABILITY_VERSION_3: two words each of effective, permitted, inheritable.
    let header = Header {
        version: 0x2008_0522,
        pid: 0,
    };
    let none = [0u32; 6];
    // SAFETY: prctl takes numbers only; capset reads the two structures.
    unsafe {
        for capability in 0..64 {
            if libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 {
                break;
            }
        }
        libc::prctl(
            libc::PR_CAP_AMBIENT,
            libc::PR_CAP_AMBIENT_CLEAR_ALL,
            0,
            0,
            0,
        );
        checked(libc::syscall(
            libc::SYS_capset,
            &raw const header,
            &raw const none,
        ))
        .map(drop)
    }
}

/// Kills every process of this pid namespace but its first, which calls this.
pub(crate) fn kill_all_others() {
    // SAFETY: touches no memory of ours.
    unsafe { libc::kill(-1, libc::SIGKILL) };
}

/// The version of Landlock that the kernel has; 0 without it.
pub(crate) fn landlock_abi() -> i32 {
    // LANDLOCK_CREATE_RULESET_VERSION (landlock(7)): answers the version instead of a descriptor.
    // SAFETY: the null structure of length 0 is what the call wants with this flag.
    let abi = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<u8>(),
            0usize,
            1u32,
        )
    };
    i32::try_from(abi).unwrap_or(0).max(0)
}
