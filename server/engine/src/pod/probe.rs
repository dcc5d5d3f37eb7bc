//! When a daemon can be used: its `readinessProbe`.

use core::net::IpAddr;

use steading_spec::model::{Container, IntOrString, Probe};
use steading_spec::pod as policy;
use steading_types::Millis;
use steading_types::task::{self, ProbeAction};

use super::{refused, seconds, whole};
use crate::error::EngineError;

/// Kubernetes' defaults.
const PERIOD: Millis = Millis(10_000);
const TIMEOUT: Millis = Millis(1_000);

/// The probe of a container; without one it can be used when it runs.
pub(super) fn written(container: &Container) -> Result<task::Probe, EngineError> {
    let path = "readinessProbe";
    let probe: Probe = match &container.readiness_probe {
        Some(probe) => policy::read(probe, path).map_err(refused)?,
        None => Probe::default(),
    };
    let refusal = |field: &str, what: &str| EngineError::Refused {
        path: format!("{path}.{field}"),
        message: format!("{what}: not supported by this version"),
    };
    let action = match (&probe.exec, &probe.http_get, &probe.tcp_socket) {
        _ if probe.grpc.is_some() => return Err(refusal("grpc", "probes by gRPC")),
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
    let successes = probe.success_threshold.as_ref().map(whole).transpose()?;
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
        successes: successes.and_then(|n| u32::try_from(n).ok()).unwrap_or(1),
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
