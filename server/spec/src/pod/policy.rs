//! What no pod may ask for, whoever put it there: more privileges than a task has, and what nothing here
//! provides.

use crate::fault::{Code, Fault};
use crate::model::{Container, PodSpec, SecurityContext};

/// Everything in a pod that is refused. Lists below `containers` are looked at one by one.
pub fn refused(pod: &PodSpec) -> Vec<Fault> {
    let mut found = Vec::new();
    let on = |flag: Option<bool>| flag == Some(true);
    let fields = [
        (on(pod.host_network), "hostNetwork", "the host's network"),
        (on(pod.host_pid), "hostPID", "the host's processes"),
        (on(pod.host_ipc), "hostIPC", "the host's shared memory"),
        (
            !pod.ephemeral_containers.is_empty(),
            "ephemeralContainers",
            "ephemeral containers",
        ),
        (
            !pod.resource_claims.is_empty(),
            "resourceClaims",
            "claims of devices",
        ),
        (
            pod.runtime_class_name.is_some(),
            "runtimeClassName",
            "other runtimes",
        ),
    ];
    for (there, field, what) in fields {
        if there {
            found.push(refusal(field.to_owned(), what));
        }
    }
    match super::security(pod.security_context.as_ref(), "securityContext") {
        Ok(context) => found.extend(pod_context(&context, "securityContext")),
        Err(fault) => found.push(fault),
    }
    for (list, containers) in [
        ("containers", &pod.containers),
        ("initContainers", &pod.init_containers),
    ] {
        for (i, container) in containers.iter().enumerate() {
            found.extend(in_container(container, &format!("{list}[{i}]")));
        }
    }
    for (i, volume) in pod.volumes.iter().enumerate() {
        if let Some(source) = volume.refused_source() {
            found.push(refusal(
                format!("volumes[{i}].{source}"),
                "volumes of this kind",
            ));
        }
    }
    found
}

fn in_container(container: &Container, path: &str) -> Vec<Fault> {
    let mut found: Vec<Fault> = [
        (
            !container.volume_devices.is_empty(),
            "volumeDevices",
            "volume devices",
        ),
        (
            container.lifecycle.is_some(),
            "lifecycle",
            "life cycle handlers of containers",
        ),
        (container.stdin, "stdin", "containers with standard input"),
        (container.tty, "tty", "terminals"),
    ]
    .into_iter()
    .filter(|(there, ..)| *there)
    .map(|(_, field, what)| refusal(format!("{path}.{field}"), what))
    .collect();
    let at = format!("{path}.securityContext");
    match super::security(container.security_context.as_ref(), &at) {
        Ok(context) => found.extend(container_context(&context, &at)),
        Err(fault) => found.push(fault),
    }
    found
}

/// What a container's security context may not ask for. To ask for less changes nothing: a task has no
/// privileges.
pub fn container_context(context: &SecurityContext, path: &str) -> Vec<Fault> {
    let on = |flag: Option<bool>| flag == Some(true);
    let adds = context.capabilities.as_ref();
    let adds = adds.is_some_and(|capabilities| !capabilities.add.is_empty());
    let profile = context.seccomp_profile.as_ref();
    let profile = profile.is_some_and(|profile| profile.kind != "RuntimeDefault");
    let proc = context.proc_mount.as_deref();
    let proc = proc.is_some_and(|mount| mount != "Default");
    let lines = [
        (
            on(context.privileged),
            "privileged",
            "privileged containers",
        ),
        (
            on(context.allow_privilege_escalation),
            "allowPrivilegeEscalation",
            "more privileges",
        ),
        (adds, "capabilities.add", "more capabilities"),
        (profile, "seccompProfile", "other system call filters"),
        (proc, "procMount", "another view of /proc"),
    ];
    let lines = lines.into_iter().filter(|(there, ..)| *there);
    let lines = lines.map(|(_, field, what)| refusal(format!("{path}.{field}"), what));
    lines.collect()
}

/// The same for a pod's.
pub fn pod_context(context: &SecurityContext, path: &str) -> Vec<Fault> {
    container_context(context, path)
}

fn refusal(path: String, what: &str) -> Fault {
    Fault::new(
        Code::Unsupported,
        path,
        format!("{what}: not supported by this version"),
    )
}

#[cfg(test)]
mod tests {
    use crate::model::PodSpec;
    use crate::pod::{patched, refused};

    fn pod() -> PodSpec {
        serde_json::from_str(r#"{"containers":[{"name":"main","image":"a"}]}"#).unwrap()
    }

    /// Each is an escape that a patch could try (argo.md section 11: policies that look at the template
    /// only; security.md group C).
    #[test]
    fn ghsa_patches_do_not_get_round_the_policy() {
        for patch in [
            r#"{"hostNetwork": true}"#,
            r#"{"hostPID": true}"#,
            r#"{"hostIPC": true}"#,
            r#"{"runtimeClassName": "other"}"#,
            r#"{"volumes":[{"name":"x","hostPath":{"path":"/"}}]}"#,
            r#"{"containers":[{"name":"main","securityContext":{"privileged":true}}]}"#,
            r#"{"containers":[{"name":"main","securityContext":{"allowPrivilegeEscalation":true}}]}"#,
            r#"{"containers":[{"name":"main","securityContext":{"capabilities":{"add":["SYS_ADMIN"]}}}]}"#,
            r#"{"containers":[{"name":"main","securityContext":{"procMount":"Unmasked"}}]}"#,
            r#"{"containers":[{"name":"main","securityContext":{"seccompProfile":{"type":"Unconfined"}}}]}"#,
            r#"{"securityContext":{"seccompProfile":{"type":"Unconfined"}}}"#,
            r#"{"containers":[{"name":"main","lifecycle":{"preStop":{"exec":{"command":["x"]}}}}]}"#,
            "initContainers:\n- name: x\n  image: busybox\n  securityContext: {privileged: true}",
        ] {
            let refused = refused(&patched(&pod(), patch).unwrap());
            assert_eq!(refused.len(), 1, "{patch}: {refused:?}");
        }
        for patch in [
            r#"{"securityContext":{"seLinuxOptions":{"level":"x"}}}"#,
            r#"{"securityContext":{"sysctls":[{"name":"x","value":"y"}]}}"#,
        ] {
            let refused = refused(&patched(&pod(), patch).unwrap());
            assert_eq!(refused.len(), 1, "{patch}: {refused:?}");
        }
        for patch in [
            r#"{"hostnetwork": true}"#,
            r#"{"unknown": 1}"#,
            "[1]",
            "{",
            "a: b: c",
        ] {
            assert!(patched(&pod(), patch).is_err(), "{patch}");
        }
    }

    #[test]
    fn asking_for_less_is_fine() {
        let patch = r#"{"securityContext":{"runAsNonRoot":true,"seccompProfile":{"type":"RuntimeDefault"}},
            "containers":[{"name":"main","securityContext":{"capabilities":{"drop":["ALL"]},
            "allowPrivilegeEscalation":false,"readOnlyRootFilesystem":true,"runAsUser":1000}}]}"#;
        assert!(refused(&patched(&pod(), patch).unwrap()).is_empty());
    }
}
