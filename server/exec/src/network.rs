//! The networks of tasks. None of them leads out of its run, unless the site gives its tasks the host's.
//!
//! Tasks share a namespace with nothing but a loopback interface, one for each run, because making one
//! costs more than starting a program. A task with containers beside main has one of its own, so that two
//! such tasks can use the same port. Services of a run are on its own network: a bridge in the run's
//! namespace, and a pair of virtual interfaces from there into the namespace of each service.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage,
    NetlinkPayload,
};
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, SocketFlags, SocketType};
use rustix::process::DumpableBehavior;
use steading_types::task::Network;

use crate::confine::LANDLOCK_SCOPES;
use crate::exec::Egress;
use crate::realm::Realm;
use crate::sys;

/// A run's bridge, in its own namespace.
const BRIDGE: &str = "run0";
/// A service's interface, in its own namespace.
const INTERFACE: &str = "eth0";
/// The run's own address; services have others of the same network (RFC 1918).
const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
/// Bits of the network.
const PREFIX: u8 = 8;
/// From this port on anybody may listen: a task has no privilege that it could need below.
const PORTS: &str = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
/// Bytes of an answer of the kernel.
const ANSWER: usize = 4096;

/// Moves this process, a supervisor, into the namespaces of its task. A service's supervisor is in the
/// run's, and so keeps the network alive whatever becomes of the spawner; the service's own namespace is
/// left in [`Realm::own`].
pub(crate) fn enter(realm: &mut Realm<'_>, network: Network, egress: Egress) -> io::Result<()> {
    if !realm.privileged {
        sys::join(realm.users.as_fd(), libc::CLONE_NEWUSER)?;
    }
    match network {
        Network::Shared | Network::Own if egress == Egress::Host => {
            if sys::landlock_abi() < LANDLOCK_SCOPES {
                let what =
                    "the host's network needs Landlock that keeps tasks from the host's sockets";
                return Err(io::Error::new(io::ErrorKind::Unsupported, what));
            }
            Ok(())
        }
        Network::Shared | Network::Reaching => join(realm.network),
        Network::Own => made().map(drop),
        Network::Serving(address) => {
            let own = made()?;
            join(realm.network)?;
            connect(address, &own)?;
            join(&own)?;
            configure(INTERFACE, address)?;
            join(realm.network)?;
            realm.own = Some(own);
            // The next spawner looks for the run's namespace at this process.
            rustix::process::set_dumpable_behavior(DumpableBehavior::Dumpable)?;
            Ok(())
        }
    }
}

pub(crate) fn join(network: &OwnedFd) -> io::Result<()> {
    sys::join(network.as_fd(), libc::CLONE_NEWNET)
}

/// How a network is recorded.
pub(crate) fn shown(network: Network, egress: Egress) -> &'static str {
    match network {
        Network::Shared | Network::Own if egress == Egress::Host => "host",
        Network::Shared => "none",
        Network::Own => "own",
        Network::Reaching | Network::Serving(_) => "run",
    }
}

/// A new namespace, which this process is in, with a loopback interface.
pub(crate) fn made() -> io::Result<OwnedFd> {
    sys::unshare(libc::CLONE_NEWNET)?;
    sys::loopback_up()?;
    // Where /proc/sys can not be written, low ports stay closed.
    let _ = std::fs::write(PORTS, "0");
    Ok(std::fs::File::open("/proc/self/ns/net")?.into())
}

/// Puts a pair of interfaces between this namespace's bridge and another namespace.
fn connect(address: Ipv4Addr, other: &OwnedFd) -> io::Result<()> {
    let link = Netlink::open()?;
    match link.create(BRIDGE, vec![LinkInfo::Kind(InfoKind::Bridge)]) {
        Ok(()) => configure(BRIDGE, GATEWAY)?,
        Err(error) if error.raw_os_error() == Some(Errno::EXIST.raw_os_error()) => {}
        Err(error) => return Err(error),
    }
    // At most 15 characters (IFNAMSIZ).
    let name = format!("s{:08x}", u32::from(address));
    // What an earlier attempt of the same node left goes with its namespace, perhaps not yet.
    if let Some(index) = index(&name) {
        link.ask(
            RouteNetlinkMessage::DelLink(numbered(index)),
            NLM_F_REQUEST | NLM_F_ACK,
        )?;
    }
    let mut peer = LinkMessage::default();
    peer.attributes = vec![
        LinkAttribute::IfName(INTERFACE.to_owned()),
        LinkAttribute::NetNsFd(other.as_raw_fd()),
    ];
    let peer = InfoData::Veth(InfoVeth::Peer(peer));
    link.create(
        &name,
        vec![LinkInfo::Kind(InfoKind::Veth), LinkInfo::Data(peer)],
    )?;
    let bridge = index(BRIDGE).ok_or(Errno::NODEV)?;
    let mut port = numbered(index(&name).ok_or(Errno::NODEV)?);
    port.attributes = vec![LinkAttribute::Controller(bridge)];
    link.up(port)
}

/// Gives an interface its address and brings it up.
fn configure(name: &str, address: Ipv4Addr) -> io::Result<()> {
    let link = Netlink::open()?;
    let index = index(name).ok_or(Errno::NODEV)?;
    let address = IpAddr::V4(address);
    let mut message = AddressMessage::default();
    message.header.family = AddressFamily::Inet;
    message.header.prefix_len = PREFIX;
    message.header.index = index;
    message.attributes = vec![
        AddressAttribute::Local(address),
        AddressAttribute::Address(address),
    ];
    let flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
    link.ask(RouteNetlinkMessage::NewAddress(message), flags)?;
    link.up(numbered(index))
}

fn index(name: &str) -> Option<u32> {
    let socket = rustix::net::socket(rustix::net::AddressFamily::INET, SocketType::DGRAM, None);
    rustix::net::netdevice::name_to_index(socket.ok()?, name).ok()
}

fn numbered(index: u32) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = index;
    message
}

/// The kernel's side of links and addresses (rtnetlink(7)).
struct Netlink(OwnedFd);

impl Netlink {
    fn open() -> io::Result<Self> {
        let socket = rustix::net::socket_with(
            rustix::net::AddressFamily::NETLINK,
            SocketType::RAW,
            SocketFlags::CLOEXEC,
            // NETLINK_ROUTE is protocol 0.
            None,
        )?;
        Ok(Self(socket))
    }

    fn create(&self, name: &str, info: Vec<LinkInfo>) -> io::Result<()> {
        let mut message = LinkMessage::default();
        message.attributes = vec![
            LinkAttribute::IfName(name.to_owned()),
            LinkAttribute::LinkInfo(info),
        ];
        let flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
        self.ask(RouteNetlinkMessage::NewLink(message), flags)
    }

    fn up(&self, mut message: LinkMessage) -> io::Result<()> {
        message.header.flags = LinkFlags::Up;
        message.header.change_mask = LinkFlags::Up;
        let flags = NLM_F_REQUEST | NLM_F_ACK;
        self.ask(RouteNetlinkMessage::NewLink(message), flags)
    }

    /// Sends a request and waits for its acknowledgement.
    fn ask(&self, request: RouteNetlinkMessage, flags: u16) -> io::Result<()> {
        let mut header = NetlinkHeader::default();
        header.flags = flags;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::from(request));
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        rustix::net::send(&self.0, &bytes, SendFlags::empty())?;
        let mut answer = vec![0; ANSWER];
        let (_, length) = rustix::io::retry_on_intr(|| {
            rustix::net::recv(&self.0, &mut *answer, RecvFlags::empty())
        })?;
        let answer = answer.get(..length).unwrap_or_default();
        let answer = NetlinkMessage::<RouteNetlinkMessage>::deserialize(answer);
        match answer
            .map_err(|error| io::Error::other(error.to_string()))?
            .payload
        {
            NetlinkPayload::Error(error) if error.code.is_some() => Err(error.to_io()),
            _ => Ok(()),
        }
    }
}
