//! What a confined container gives up just before its program runs: identity, capabilities, system
//! calls, limits.

use std::collections::BTreeMap;
use std::io::{self, Read};

use landlock::{ABI, Access, Ruleset, RulesetAttr, RulesetCreated, Scope};
use rustix::process::Gid;
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, sock_filter,
};

use steading_types::task::Security;

use crate::realm::RANGE;
use crate::sys;

/// Bytes read of an image's /etc/passwd and /etc/group.
const ACCOUNTS: u64 = 1024 * 1024;

/// Calls that no task needs and that reach deep into the kernel.
const DENIED: &[i64] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_delete_module,
    libc::SYS_fanotify_init,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_name_to_handle_at,
    libc::SYS_nfsservctl,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_pivot_root,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_quotactl,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setns,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
    libc::SYS_vhangup,
];

/// The system call filter, compiled once.
pub(crate) fn filter() -> io::Result<BpfProgram> {
    let wrong = |error: seccompiler::BackendError| io::Error::other(error.to_string());
    let masked = |argument, mask: u64, value: u64| -> io::Result<SeccompRule> {
        let op = SeccompCmpOp::MaskedEq(mask);
        let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, op, value);
        SeccompRule::new(vec![condition.map_err(wrong)?]).map_err(wrong)
    };
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        DENIED.iter().map(|call| (*call, Vec::new())).collect();
    let new_users = libc::CLONE_NEWUSER as u64;
    rules.insert(libc::SYS_clone, vec![masked(0, new_users, new_users)?]);
    // A byte put into a terminal's input runs as whoever reads that terminal.
    rules.insert(
        libc::SYS_ioctl,
        vec![masked(1, u64::from(u32::MAX), libc::TIOCSTI)?],
    );
    let setuid = u64::from(libc::S_ISUID);
    rules.insert(libc::SYS_fchmod, vec![masked(1, setuid, setuid)?]);
    rules.insert(libc::SYS_fchmodat, vec![masked(2, setuid, setuid)?]);
    #[cfg(target_arch = "x86_64")]
    rules.insert(libc::SYS_chmod, vec![masked(1, setuid, setuid)?]);
    let arch = std::env::consts::ARCH.try_into().map_err(wrong)?;
    let deny = SeccompAction::Errno(libc::EPERM as u32);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, deny, arch).map_err(wrong)?;
    let program: BpfProgram = filter.try_into().map_err(wrong)?;
    Ok(prefix().into_iter().chain(program).collect())
}

/// Before the rules: clone3 is "not there", so that C libraries fall back to clone, whose flags a
/// filter can read; and so are the calls of the x32 ABI, which have other numbers for the same things.
fn prefix() -> Vec<sock_filter> {
    let op = |code: u32, jt: u8, jf: u8, k: u32| sock_filter {
        code: code as u16,
        jt,
        jf,
        k,
    };
    let load_number = op(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0);
    let jump = libc::BPF_JMP | libc::BPF_K;
    let refuse = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
    vec![
        load_number,
        op(jump | libc::BPF_JEQ, 1, 0, libc::SYS_clone3 as u32),
        op(jump | libc::BPF_JGE, 0, 1, 0x4000_0000),
        op(libc::BPF_RET | libc::BPF_K, 0, 0, refuse),
    ]
}

/// The version of Landlock from which on sockets and signals have scopes.
pub(crate) const LANDLOCK_SCOPES: i32 = 6;

/// Keeps the task's abstract sockets and signals to itself: tasks of one group share a network
/// namespace. Files need no rules, since the root holds nothing else. Without a kernel that can, this
/// does nothing, and the task's record says so.
fn scope() -> io::Result<()> {
    if sys::landlock_abi() < LANDLOCK_SCOPES {
        return Ok(());
    }
    let wrong = |error: landlock::RulesetError| io::Error::other(error.to_string());
    Ruleset::default()
        .scope(Scope::from_all(ABI::V6))
        .and_then(Ruleset::create)
        .and_then(RulesetCreated::restrict_self)
        .map_err(wrong)?;
    Ok(())
}

/// Who a container's program is.
pub(crate) struct Identity<'a> {
    /// The image's `user[:group]`; without it the task's root, which is nobody on the host.
    pub(crate) user: Option<&'a str>,
    /// What the container says instead.
    pub(crate) security: &'a Security,
    /// One host id is behind the namespace: there is no other user to become.
    pub(crate) one_user: bool,
}

impl Identity<'_> {
    /// User and group; nothing when the task's root goes on as it is.
    pub(crate) fn resolve(&self) -> io::Result<Option<(u32, u32)>> {
        let security = self.security;
        let named = match security.user {
            Some(uid) => Some((uid, 0)),
            None => self.user.map(account).transpose()?,
        };
        let (uid, gid) = named.unwrap_or((0, 0));
        let gid = security.group.unwrap_or(gid);
        if security.non_root && uid == 0 {
            let what = "container has runAsNonRoot and would run as root";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, what));
        }
        if let Some(id) = [uid, gid].into_iter().find(|id| *id >= RANGE) {
            let what = format!("the id {id} is beyond the tenant's {RANGE} ids");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        let same = named.is_none() && gid == 0 && security.groups.is_empty();
        Ok((!same).then_some((uid, gid)))
    }
}

/// Gives everything up.
pub(crate) fn give_up(identity: &Identity<'_>, pids: u32, filter: &BpfProgram) -> io::Result<()> {
    sys::limit(libc::RLIMIT_CORE, 0);
    sys::limit(libc::RLIMIT_NPROC, u64::from(pids));
    if let Some((uid, gid)) = identity.resolve()?
        && !identity.one_user
    {
        let groups = identity.security.groups.iter();
        let groups: Vec<_> = groups.copied().filter(|group| *group < RANGE).collect();
        let groups: Vec<_> = groups.into_iter().map(Gid::from_raw).collect();
        set_thread_groups(&groups)?;
        let gid = Gid::from_raw(gid);
        set_thread_res_gid(gid, gid, gid)?;
        // Capabilities are still needed for the change of user; the change drops most.
        let uid = rustix::process::Uid::from_raw(uid);
        set_thread_res_uid(uid, uid, uid)?;
    }
    let dropped = sys::drop_capabilities();
    rustix::thread::set_no_new_privs(true)?;
    dropped?;
    scope()?;
    seccompiler::apply_filter(filter).map_err(|error| io::Error::other(error.to_string()))
}

/// Numbers for `user[:group]`, by the root's own /etc/passwd and /etc/group.
fn account(user: &str) -> io::Result<(u32, u32)> {
    let unknown = |what: &str| io::Error::other(format!("the image has no {what}"));
    let (name, group) = match user.split_once(':') {
        Some((name, group)) => (name, Some(group)),
        None => (user, None),
    };
    let known = |path: &str, name: &str| -> Option<Vec<String>> {
        let mut text = String::new();
        let file = std::fs::File::open(path).ok()?;
        file.take(ACCOUNTS).read_to_string(&mut text).ok()?;
        let line = text.lines().find(|line| {
            let mut fields = line.split(':');
            fields.next() == Some(name) || fields.nth(1) == Some(name)
        })?;
        Some(line.split(':').map(str::to_owned).collect())
    };
    let number = |fields: &[String], at: usize| fields.get(at).and_then(|f| f.parse().ok());
    let entry = known("/etc/passwd", name);
    let uid = match &entry {
        Some(fields) => number(fields, 2),
        None => name.parse().ok(),
    };
    let uid = uid.ok_or_else(|| unknown(&format!("user '{name}'")))?;
    let gid = match group {
        Some(group) => known("/etc/group", group)
            .and_then(|fields| number(&fields, 2))
            .or_else(|| group.parse().ok())
            .ok_or_else(|| unknown(&format!("group '{group}'")))?,
        None => entry.and_then(|fields| number(&fields, 3)).unwrap_or(0),
    };
    Ok((uid, gid))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_filter_compiles_and_is_small() {
        let program = super::filter().unwrap();
        assert!(program.len() < 400, "{}", program.len());
    }
}
