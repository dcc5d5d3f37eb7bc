//! A pod as a template becomes one: what `podSpecPatch` may alter, and what the policy looks at last.

use serde_json::Value;

use super::{AnyString, ConfigMapKeyRef, Container, IntOrString, Resources, StringMap, Volume};

objects! {
    /// Kubernetes' pod, as far as something here follows from it or must be refused.
    PodSpec {
        containers: Vec<Container>,
        init_containers: Vec<Container>,
        volumes: Vec<Volume>,
        security_context: Option<Value>,
        host_aliases: Vec<HostAlias>,
        dns_config: Option<DnsConfig>,
        dns_policy: String,
        resources: Option<Resources>,
        active_deadline_seconds: Option<IntOrString>,
        termination_grace_period_seconds: Option<IntOrString>,

        host_network: Option<bool>,
        #[serde(rename = "hostPID")]
        host_pid: Option<bool>,
        #[serde(rename = "hostIPC")]
        host_ipc: Option<bool>,
        host_users: Option<bool>,
        ephemeral_containers: Vec<Value>,
        resource_claims: Vec<Value>,
        runtime_class_name: Option<String>,

        affinity: Option<Value>,
        automount_service_account_token: Option<bool>,
        enable_service_links: Option<bool>,
        image_pull_secrets: Vec<Value>,
        node_name: String,
        node_selector: StringMap,
        overhead: Option<Value>,
        preemption_policy: Option<String>,
        priority: Option<i64>,
        priority_class_name: String,
        restart_policy: String,
        scheduler_name: String,
        service_account_name: String,
        share_process_namespace: Option<bool>,
        tolerations: Vec<Value>,
        topology_spread_constraints: Vec<Value>,
    }

    /// Names for an address.
    HostAlias {
        ip: String,
        hostnames: Vec<String>,
    }

    /// `/etc/resolv.conf`.
    DnsConfig {
        nameservers: Vec<String>,
        searches: Vec<String>,
        options: Vec<DnsOption>,
    }

    /// An option of a resolver.
    DnsOption {
        name: String,
        value: Option<AnyString>,
    }

    /// Of a pod or of a container: who runs, and what is given up.
    SecurityContext {
        run_as_user: Option<i64>,
        run_as_group: Option<i64>,
        run_as_non_root: Option<bool>,
        fs_group: Option<i64>,
        fs_group_change_policy: Option<String>,
        supplemental_groups: Vec<i64>,
        supplemental_groups_policy: Option<String>,
        read_only_root_filesystem: Option<bool>,
        allow_privilege_escalation: Option<bool>,
        privileged: Option<bool>,
        capabilities: Option<Capabilities>,
        seccomp_profile: Option<SeccompProfile>,
        proc_mount: Option<String>,
    }

    /// Privileges by their names.
    Capabilities {
        add: Vec<String>,
        drop: Vec<String>,
    }

    /// Which system calls are allowed.
    SeccompProfile {
        #[serde(rename = "type")]
        kind: String,
        localhost_profile: Option<String>,
    }

    /// How it is found out that a container can be used.
    Probe {
        exec: Option<ExecAction>,
        http_get: Option<HttpGetAction>,
        tcp_socket: Option<TcpSocketAction>,
        grpc: Option<Value>,
        initial_delay_seconds: Option<IntOrString>,
        period_seconds: Option<IntOrString>,
        timeout_seconds: Option<IntOrString>,
        success_threshold: Option<IntOrString>,
        failure_threshold: Option<IntOrString>,
        termination_grace_period_seconds: Option<IntOrString>,
    }

    /// A program in the container.
    ExecAction {
        command: Vec<String>,
    }

    /// A request.
    HttpGetAction {
        host: String,
        port: Option<IntOrString>,
        path: String,
        scheme: String,
        http_headers: Vec<ProbeHeader>,
    }

    /// A line of a request.
    ProbeHeader {
        name: String,
        value: String,
    }

    /// A connection.
    TcpSocketAction {
        host: String,
        port: Option<IntOrString>,
    }

    /// Where a variable's value comes from: one of these.
    VariableSource {
        field_ref: Option<FieldRef>,
        resource_field_ref: Option<ResourceFieldRef>,
        config_map_key_ref: Option<ConfigMapKeyRef>,
        secret_key_ref: Option<ConfigMapKeyRef>,
    }

    /// All values of an object as variables.
    EnvFromSource {
        prefix: String,
        config_map_ref: Option<ObjectRef>,
        secret_ref: Option<ObjectRef>,
    }

    /// A ConfigMap or Secret.
    ObjectRef {
        name: String,
        optional: Option<bool>,
    }

    /// A ConfigMap as files.
    ConfigMapVolume {
        name: String,
        items: Vec<KeyToPath>,
        default_mode: Option<i64>,
        optional: Option<bool>,
    }

    /// A Secret as files; in a projection it is called `name`.
    SecretVolume {
        secret_name: String,
        name: String,
        items: Vec<KeyToPath>,
        default_mode: Option<i64>,
        optional: Option<bool>,
    }

    /// A key as a file.
    KeyToPath {
        key: String,
        path: String,
        mode: Option<i64>,
    }

    /// Several sources in one directory.
    ProjectedVolume {
        sources: Vec<Projection>,
        default_mode: Option<i64>,
    }

    /// One of them.
    Projection {
        config_map: Option<ConfigMapVolume>,
        secret: Option<SecretVolume>,
        #[serde(rename = "downwardAPI")]
        downward_api: Option<Value>,
    }

    /// The directory of a claim.
    ClaimVolume {
        claim_name: String,
        read_only: bool,
    }

    /// A field of the pod itself.
    FieldRef {
        api_version: String,
        field_path: String,
    }

    /// What a container asks for.
    ResourceFieldRef {
        container_name: String,
        resource: String,
        divisor: Option<AnyString>,
    }

    /// A volume with fields of the pod.
    DownwardVolume {
        items: Vec<DownwardFile>,
        default_mode: Option<i64>,
    }

    /// One of its files.
    DownwardFile {
        path: String,
        mode: Option<i64>,
        field_ref: Option<FieldRef>,
        resource_field_ref: Option<ResourceFieldRef>,
    }
}
