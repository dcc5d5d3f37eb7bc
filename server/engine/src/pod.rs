//! The filled-in parts of a template, put together as a pod, patched, held against the policy, and written
//! as the task of a backend.

mod container;
mod downward;
mod objects;
mod probe;

use core::net::Ipv4Addr;

use serde::Deserialize;
use serde_json::Value;
use steading_spec::Fault;
use steading_spec::model::{
    Container, ContainerSet, DnsConfig, HostAlias, IntOrString, Metadata, PodSpec, Resources,
    SecurityContext, UserContainer, Volume, VolumeMount,
};
use steading_spec::pod as policy;
use steading_types::task::{self, InPlace, Network, Task, VolumeKind};
use steading_types::{CpuMilli, MemoryBytes, Millis, parse_duration};

use crate::error::EngineError;
use crate::wants::Want;

/// Between the polite signal and the forced one (Kubernetes' default).
const GRACE: Millis = Millis(30_000);
/// Argo's name of the container that has inputs and outputs.
const MAIN: &str = "main";

/// The parts of a template that become a pod.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Parts {
    pub(crate) container: Option<Container>,
    container_set: Option<ContainerSet>,
    init_containers: Vec<UserContainer>,
    sidecars: Vec<UserContainer>,
    volumes: Vec<Volume>,
    resources: Option<Resources>,
    security_context: Option<Value>,
    host_aliases: Vec<HostAlias>,
    dns_config: Option<DnsConfig>,
    /// Of the workflow, then of the template.
    patches: Vec<String>,
}

/// What a pod can be told about itself, and what it needs from its run.
pub(crate) struct Facts {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) uid: String,
    pub(crate) metadata: Metadata,
    /// On the run's network.
    pub(crate) address: Ipv4Addr,
    pub(crate) network: Place,
    /// Variables of main; the template's own come after them and win.
    pub(crate) environment: Vec<(String, String)>,
}

/// Where a task is among those of its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// No other task can be reached.
    Alone,
    /// Services of the run can.
    BesideServices,
    /// It is one.
    Service,
}

/// A task, and what it asks a scheduler for.
pub(crate) struct Built {
    pub(crate) task: Task,
    pub(crate) cpu: Option<CpuMilli>,
    pub(crate) memory: Option<MemoryBytes>,
    pub(crate) wants: Vec<Want>,
}

/// Puts a pod together.
pub(crate) fn build(parts: Parts, facts: &Facts) -> Result<Built, EngineError> {
    let plain = parts
        .resources
        .is_some()
        .then(|| parts.resources.clone())
        .flatten();
    let (roles, pod, patches) = drafted(parts)?;
    let mut pod = pod;
    for patch in &patches {
        pod = policy::patched(&pod, patch).map_err(refused)?;
    }
    if let Some(fault) = policy::refused(&pod).into_iter().next() {
        return Err(refused(fault));
    }
    written(pod, &roles, facts, plain)
}

/// Which container is what, before a patch could rename nothing: a patch finds them by their names.
struct Roles {
    main: String,
    members: Vec<(String, Vec<String>)>,
    in_place: Option<InPlace>,
}

fn drafted(parts: Parts) -> Result<(Roles, PodSpec, Vec<String>), EngineError> {
    let mut roles = Roles {
        main: MAIN.to_owned(),
        members: Vec::new(),
        in_place: None,
    };
    let mut containers = Vec::new();
    let mut mirrored: Vec<VolumeMount> = Vec::new();
    match (parts.container, parts.container_set) {
        (Some(mut container), _) => {
            container.name = MAIN.to_owned();
            mirrored.clone_from(&container.volume_mounts);
            containers.push(container);
        }
        (None, Some(set)) => {
            roles.in_place = in_place(&set)?;
            mirrored.clone_from(&set.volume_mounts);
            for member in set.containers {
                let mut container = member.container;
                mirror(&mut container, &set.volume_mounts);
                roles
                    .members
                    .push((container.name.clone(), member.dependencies));
                containers.push(container);
            }
            let names = || roles.members.iter().map(|(name, _)| name);
            let main = names().find(|name| *name == MAIN).or(names().next());
            roles.main = main.cloned().ok_or(EngineError::NoAttempt)?;
        }
        (None, None) => return Err(EngineError::NoAttempt),
    }
    let extra = |extra: UserContainer| {
        let mut container = extra.container;
        if extra.mirror_volume_mounts {
            mirror(&mut container, &mirrored);
        }
        container
    };
    let init_containers = parts.init_containers.into_iter().map(extra).collect();
    containers.extend(parts.sidecars.into_iter().map(extra));
    let pod = PodSpec {
        containers,
        init_containers,
        volumes: parts.volumes,
        security_context: parts.security_context,
        host_aliases: parts.host_aliases,
        dns_config: parts.dns_config,
        resources: parts.resources,
        ..PodSpec::default()
    };
    Ok((roles, pod, parts.patches))
}

/// Adds mounts at paths that the container has not taken.
fn mirror(container: &mut Container, mounts: &[VolumeMount]) {
    for mount in mounts {
        let own = &container.volume_mounts;
        if own.iter().all(|own| own.mount_path != mount.mount_path) {
            container.volume_mounts.push(mount.clone());
        }
    }
}

fn in_place(set: &ContainerSet) -> Result<Option<InPlace>, EngineError> {
    let Some(retry) = &set.retry_strategy else {
        return Ok(None);
    };
    let retries = retry.retries.as_ref().map(whole).transpose()?.unwrap_or(0);
    let pause = match retry.duration.as_str() {
        "" => Millis(0),
        text => parse_duration(text)
            .ok_or_else(|| EngineError::Value(format!("'{text}' is not a duration")))?,
    };
    Ok(Some(InPlace {
        retries: u32::try_from(retries).unwrap_or(0),
        pause,
    }))
}

fn written(
    pod: PodSpec,
    roles: &Roles,
    facts: &Facts,
    budget: Option<Resources>,
) -> Result<Built, EngineError> {
    let context = policy::security(pod.security_context.as_ref(), "securityContext");
    let context = context.map_err(refused)?;
    let budget = pod.resources.clone().or(budget);
    let mut task = Task {
        grace: seconds(pod.termination_grace_period_seconds.as_ref())?.unwrap_or(GRACE),
        deadline: seconds(pod.active_deadline_seconds.as_ref())?,
        volume_group: context.fs_group.map(container::id).transpose()?,
        in_place: roles.in_place,
        ..Task::default()
    };
    let mut asked = Asked::default();
    let (mut main, mut wants) = (None, Vec::new());
    for container in &pod.containers {
        asked.add(container, budget.as_ref())?;
        let env = match container.name == roles.main {
            true => facts.environment.clone(),
            false => Vec::new(),
        };
        let mut made = container::written(container, &context, facts, env, &mut wants)?;
        let member = roles.members.iter().find(|(name, _)| *name == made.name);
        made.after = member.map(|(_, after)| after.clone()).unwrap_or_default();
        if made.name == roles.main {
            if facts.network == Place::Service {
                task.service = Some(probe::readiness(container)?);
            }
            main = Some(made);
        } else if member.is_some() {
            task.members.push(made);
        } else {
            task.sidecars.push(made);
        }
    }
    task.main = main.ok_or_else(|| {
        EngineError::Value(format!("the patched pod has no container '{}'", roles.main))
    })?;
    for container in &pod.init_containers {
        let written = container::written(container, &context, facts, Vec::new(), &mut wants);
        task.init.push(written?);
    }
    for volume in &pod.volumes {
        task.volumes.push(self::volume(volume, facts, &mut wants)?);
    }
    if let Some(budget) = &budget {
        let (cpu, memory) = container::limits(Some(budget))?;
        (task.cpu, task.memory) = (cpu, memory);
    }
    task.network = network(&task, facts);
    task.host_aliases = aliases(&pod.host_aliases)?;
    task.resolver = pod.dns_config.as_ref().map(resolver);
    Ok(Built {
        task,
        cpu: asked.cpu,
        memory: asked.memory,
        wants,
    })
}

fn network(task: &Task, facts: &Facts) -> Network {
    let crowded = !task.members.is_empty() || !task.sidecars.is_empty();
    match (facts.network, crowded) {
        (Place::Service, _) | (Place::BesideServices, true) => Network::Serving(facts.address),
        (Place::BesideServices, false) => Network::Reaching,
        (Place::Alone, true) => Network::Own,
        (Place::Alone, false) => Network::Shared,
    }
}

/// What the containers of a pod ask for together.
#[derive(Default)]
struct Asked {
    cpu: Option<CpuMilli>,
    memory: Option<MemoryBytes>,
}

impl Asked {
    fn add(
        &mut self,
        container: &Container,
        budget: Option<&Resources>,
    ) -> Result<(), EngineError> {
        if let Some(budget) = budget {
            let (cpu, memory) = container::requests(Some(budget))?;
            (self.cpu, self.memory) = (cpu.or(self.cpu), memory.or(self.memory));
            return Ok(());
        }
        let (cpu, memory) = container::requests(container.resources.as_ref())?;
        if let Some(cpu) = cpu {
            let sum = self.cpu.map_or(0, |sum| sum.0).saturating_add(cpu.0);
            self.cpu = Some(CpuMilli(sum));
        }
        if let Some(memory) = memory {
            let sum = self.memory.map_or(0, |sum| sum.0).saturating_add(memory.0);
            self.memory = Some(MemoryBytes(sum));
        }
        Ok(())
    }
}

fn volume(
    volume: &Volume,
    facts: &Facts,
    wants: &mut Vec<Want>,
) -> Result<task::Volume, EngineError> {
    let kind = match (&volume.empty_dir, volume.downward()) {
        (Some(directory), _) => {
            let size = directory.size_limit.as_ref();
            let size = size.map(|text| MemoryBytes::parse(text)).transpose();
            VolumeKind::EmptyDir {
                memory: directory.medium == "Memory",
                size: size.map_err(|error| EngineError::Value(error.to_string()))?,
            }
        }
        (None, Some(source)) => VolumeKind::Files {
            entries: downward::files(source, facts)?,
        },
        (None, None) => {
            objects::volume(volume, facts, wants)?.ok_or(EngineError::Unsupported("volume"))?
        }
    };
    Ok(task::Volume {
        name: volume.name.clone(),
        kind,
    })
}

fn aliases(aliases: &[HostAlias]) -> Result<Vec<task::HostAlias>, EngineError> {
    let written = aliases.iter().map(|alias| {
        let name = |name: &&String| !name.is_empty() && !name.contains(char::is_whitespace);
        Ok(task::HostAlias {
            ip: alias.ip.parse().map_err(|_| {
                EngineError::Value(format!("hostAliases: '{}' is no address", alias.ip))
            })?,
            names: alias.hostnames.iter().filter(name).cloned().collect(),
        })
    });
    written.collect()
}

/// `/etc/resolv.conf` (resolv.conf(5)); what would begin another line is left out.
fn resolver(config: &DnsConfig) -> String {
    let plain = |text: &&str| !text.contains(['\n', '\r']);
    let mut out = String::new();
    for server in config.nameservers.iter().map(String::as_str).filter(plain) {
        out.push_str(&format!("nameserver {server}\n"));
    }
    let searches: Vec<&str> = config
        .searches
        .iter()
        .map(String::as_str)
        .filter(plain)
        .collect();
    if !searches.is_empty() {
        out.push_str(&format!("search {}\n", searches.join(" ")));
    }
    let options = config.options.iter().map(|option| match &option.value {
        Some(value) => format!("{}:{}", option.name, value.0),
        None => option.name.clone(),
    });
    let options: Vec<String> = options.filter(|text| plain(&text.as_str())).collect();
    if !options.is_empty() {
        out.push_str(&format!("options {}\n", options.join(" ")));
    }
    out
}

fn seconds(given: Option<&IntOrString>) -> Result<Option<Millis>, EngineError> {
    let seconds = given.map(whole).transpose()?;
    Ok(seconds.map(|seconds| {
        let seconds = u64::try_from(seconds).unwrap_or(0);
        Millis(seconds.saturating_mul(1000))
    }))
}

fn whole(given: &IntOrString) -> Result<i64, EngineError> {
    given
        .value()
        .map_err(|error| EngineError::Value(error.to_string()))
}

fn refused(fault: Fault) -> EngineError {
    EngineError::Refused {
        path: fault.path,
        message: fault.message,
    }
}

impl Facts {
    /// What main and those beside it see as their own address.
    fn shown_address(&self) -> Ipv4Addr {
        match self.network {
            Place::Service => self.address,
            _ => Ipv4Addr::LOCALHOST,
        }
    }
}

/// A context of the pod under that of a container.
fn over(pod: &SecurityContext, own: SecurityContext) -> SecurityContext {
    SecurityContext {
        run_as_user: own.run_as_user.or(pod.run_as_user),
        run_as_group: own.run_as_group.or(pod.run_as_group),
        run_as_non_root: own.run_as_non_root.or(pod.run_as_non_root),
        ..own
    }
}
