//! Whom a task can talk to, and when it is there for others.

use core::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

use crate::Millis;

/// Whom a task can talk to. Nothing here leads out of its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Network {
    /// A loopback interface, shared with the other tasks of its group that are like this.
    #[default]
    Shared,
    /// A loopback interface of its own.
    Own,
    /// The group's shared loopback, and the network on which its services are.
    Reaching,
    /// A loopback interface of its own, and this address on the group's network.
    Serving(Ipv4Addr),
}

impl Network {
    pub(crate) fn is_shared(&self) -> bool {
        *self == Self::Shared
    }
}

/// How the state of a container is found out (Kubernetes' probes).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// What is tried.
    pub action: ProbeAction,
    /// Before the first try.
    pub delay: Millis,
    /// Between tries.
    pub period: Millis,
    /// How long one try may take.
    pub timeout: Millis,
    /// Successes in a row that are needed.
    pub successes: u32,
    /// Failures in a row after which the container is ended; none: it is tried for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<u32>,
}

/// What is tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ProbeAction {
    /// Nothing: it can be used when it runs.
    None,
    /// A request whose answer is from 200 to 399.
    Get {
        /// The task's own when absent.
        host: Option<IpAddr>,
        /// TCP port.
        port: u16,
        /// With the query.
        path: String,
        /// Sent with it.
        headers: Vec<(String, String)>,
    },
    /// A connection that is accepted.
    Connect {
        /// The task's own when absent.
        host: Option<IpAddr>,
        /// TCP port.
        port: u16,
    },
    /// A program in `main` that ends with 0.
    Run {
        /// The program and its arguments.
        command: Vec<String>,
    },
}
