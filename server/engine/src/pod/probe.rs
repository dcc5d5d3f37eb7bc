//! Probes of containers: whether one has come up, whether it lives, and when a daemon can be used.

use core::net::IpAddr;

use serde_json::Value;
use steading_spec::model::{Container, IntOrString, Probe};
use steading_spec::pod as policy;
use steading_types::Millis;
use steading_types::task::{self, ProbeAction};

use super::{refused, seconds, whole};
use crate::error::EngineError;

/// Kubernetes' defaults.
const PERIOD: Millis = Millis(10_000);
const TIMEOUT: Millis = Millis(1_000);
const FAILURES: u32 = 3;

/// When a daemon can be used: without a probe, when it runs. It may take as long as it likes, as in Argo,
/// unless it says after how many failures it is hopeless.
pub(super) fn readiness(container: &Container) -> Result<task::Probe, EngineError> {
    let nothing = Value::Object(serde_json::Map::new());
    let probe = container.readiness_probe.as_ref().unwrap_or(&nothing);
    written(container, probe, "readinessProbe")
}

/// Whether a container has come up.
pub(super) fn startup(container: &Container) -> Result<Option<task::Probe>, EngineError> {
    ending(container, container.startup_probe.as_ref(), "startupProbe")
}

/// Whether it lives.
pub(super) fn liveness(container: &Container) -> Result<Option<task::Probe>, EngineError> {
    ending(
        container,
        container.liveness_probe.as_ref(),
        "livenessProbe",
    )
}

/// A probe that ends its container.
fn ending(
    container: &Container,
    probe: Option<&Value>,
    path: &str,
) -> Result<Option<task::Probe>, EngineError> {
    let probe = probe.map(|probe| written(container, probe, path));
    let probe = probe.transpose()?;
    let tried = probe.filter(|probe| probe.action != ProbeAction::None);
    Ok(tried.map(|probe| task::Probe {
        failures: probe.failures.or(Some(FAILURES)),
        ..probe
    }))
}

fn written(container: &Container, probe: &Value, path: &str) -> Result<task::Probe, EngineError> {
    let probe: Probe = policy::read(probe, path).map_err(refused)?;
    let refusal = |field: &str, what: &str| EngineError::Refused {
        path: format!("{path}.{field}"),
        message: format!("{what}: not supported by this version"),
    };
    let action = match (&probe.exec, &probe.http_get, &probe.tcp_socket) {
        _ if probe.grpc.is_some() => return Err(refusal("grpc", "probes by gRPC")),
        _ if probe.termination_grace_period_seconds.is_some() => {
            let what = "a grace period of a probe (the pod's counts)";
            return Err(refusal("terminationGracePeriodSeconds", what));
        }
        (Some(exec), _, _) => ProbeAction::Run {
            command: exec.command.clone(),
        },
        (None, Some(get), _) => {
            if get.scheme.eq_ignore_ascii_case("https") {
                return Err(refusal("httpGet.scheme", "probes by HTTPS"));
            }
            let headers = get.http_headers.iter();
            ProbeAction::Get {
                host: host(&get.host)?,
                port: port(get.port.as_ref(), container)?,
                path: get.path.clone(),
                headers: headers.map(|h| (h.name.clone(), h.value.clone())).collect(),
            }
        }
        (None, None, Some(socket)) => ProbeAction::Connect {
            host: host(&socket.host)?,
            port: port(socket.port.as_ref(), container)?,
        },
        (None, None, None) => ProbeAction::None,
    };
    let count = |given: Option<&IntOrString>| -> Result<Option<u32>, EngineError> {
        let given = given.map(whole).transpose()?;
        Ok(given.and_then(|n| u32::try_from(n).ok()))
    };
    let or = |given: Option<&IntOrString>, default: Millis| -> Result<Millis, EngineError> {
        Ok(seconds(given)?
            .filter(|span| span.get() > 0)
            .unwrap_or(default))
    };
    Ok(task::Probe {
        action,
        delay: seconds(probe.initial_delay_seconds.as_ref())?.unwrap_or(Millis(0)),
        period: or(probe.period_seconds.as_ref(), PERIOD)?,
        timeout: or(probe.timeout_seconds.as_ref(), TIMEOUT)?,
        successes: count(probe.success_threshold.as_ref())?.unwrap_or(1),
        failures: count(probe.failure_threshold.as_ref())?,
    })
}

/// An address, or the task's own. No name is looked up: that would run code of the image.
fn host(text: &str) -> Result<Option<IpAddr>, EngineError> {
    match text {
        "" => Ok(None),
        "localhost" => Ok(Some(core::net::Ipv4Addr::LOCALHOST.into())),
        text => text
            .parse()
            .map(Some)
            .map_err(|_| EngineError::Value(format!("readinessProbe: '{text}' is no address"))),
    }
}

/// A number, or the name of one of the container's ports.
fn port(given: Option<&IntOrString>, container: &Container) -> Result<u16, EngineError> {
    let given = given.ok_or_else(|| EngineError::Value("readinessProbe: no port".to_owned()))?;
    let named = container.ports.iter().find_map(|port| {
        let same = matches!(given, IntOrString::Text(name) if port.get("name")?.as_str()? == name);
        same.then(|| port.get("containerPort")?.as_i64()).flatten()
    });
    let number = match named {
        Some(number) => number,
        None => whole(given)?,
    };
    u16::try_from(number).map_err(|_| EngineError::Value(format!("{number} is no port")))
}
