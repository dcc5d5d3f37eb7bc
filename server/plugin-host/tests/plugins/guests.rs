//! Builds the guests, packs them, and makes hosts for them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex};

use ed25519_dalek::SigningKey;
use steading_plugin_host::capability::{LogLevel, LogSink, Scope, Services};
use steading_plugin_host::compute::{Job, Resources};
use steading_plugin_host::manifest::Capability;
use steading_plugin_host::trust::TrustedKeys;
use steading_plugin_host::{
    CacheOptions, CallContext, Compiler, Grants, Limits, LoadSource, Options, Plugin, PluginError,
    PluginHost, authoring,
};

/// The tool that makes plugins; as `compile` it is also the compiling child.
pub(crate) const TOOL: &str = env!("CARGO_BIN_EXE_steading-plugin-build");

pub(crate) static STRANGER: LazyLock<PathBuf> = LazyLock::new(|| stranger("plain", &[]));
pub(crate) static STRANGER_WITH_EXEC: LazyLock<PathBuf> =
    LazyLock::new(|| stranger("exec", &["--features", "exec"]));
pub(crate) static LOCAL: LazyLock<PathBuf> = LazyLock::new(|| {
    let root = root();
    let arguments = ["--package", "compute-local", "--profile", "guest"];
    build(&root.join("Cargo.toml"), "local", &arguments).join("guest/compute_local.wasm")
});

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn fixture(name: &str) -> PathBuf {
    root().join("tests/fixtures/stranger-plugin").join(name)
}

fn stranger(variant: &str, features: &[&str]) -> PathBuf {
    let arguments = [&["--release", "--locked"], features].concat();
    build(&fixture("Cargo.toml"), variant, &arguments).join("release/stranger_plugin.wasm")
}

/// Builds a guest in a target directory of its own, so that no build waits for another's lock.
fn build(manifest: &Path, variant: &str, arguments: &[&str]) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("guests")
        .join(variant);
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--target", "wasm32-unknown-unknown"])
        .arg("--manifest-path")
        .arg(manifest)
        .arg("--target-dir")
        .arg(&target)
        .args(arguments)
        .status()
        .unwrap();
    assert!(
        status.success(),
        "{} could not be built",
        manifest.display()
    );
    target.join("wasm32-unknown-unknown")
}

/// The key whose signatures the test's hosts accept.
pub(crate) fn maker() -> SigningKey {
    SigningKey::from_bytes(&[42; 32])
}

/// A signed package of the stranger's plugin.
pub(crate) fn package(module: &Path, manifest: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    authoring::pack(module, &fixture(manifest), &maker(), dir.path()).unwrap();
    dir
}

pub(crate) fn host(services: Services, limits: Limits) -> PluginHost {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    let compiler = Compiler::Child {
        program: TOOL.into(),
        arguments: vec!["compile".into()],
    };
    PluginHost::new(Options {
        services,
        trusted: TrustedKeys::default().with(maker().verifying_key()),
        limits,
        concurrent_calls: 16,
        compiler,
        cache: Some(CacheOptions {
            dir: cache,
            key: [3; 32],
        }),
    })
    .unwrap()
}

pub(crate) fn grants(plugin: &str, capabilities: &[Capability]) -> Grants {
    Grants {
        plugin: plugin.parse().unwrap(),
        capabilities: capabilities.iter().copied().collect(),
        least_version: None,
    }
}

/// The stranger's plugin without any capability, in a host with these limits.
pub(crate) fn load_stranger(services: Services, limits: Limits) -> (PluginHost, Arc<Plugin>) {
    let dir = package(&STRANGER, "manifest.json");
    let host = host(services, limits);
    let plugin = host
        .load(LoadSource::Package(dir.path()), &grants("stranger", &[]))
        .unwrap();
    (host, plugin)
}

/// A call for tenant `default`, with a configuration.
pub(crate) fn context(config: &str) -> CallContext {
    CallContext {
        tenant: "default".parse().unwrap(),
        instance: "env".into(),
        config: config.into(),
        trace_parent: None,
    }
}

pub(crate) fn job(key: &str) -> Job {
    Job {
        key: key.to_owned(),
        name: "step".to_owned(),
        image: "busybox".to_owned(),
        command: vec!["true".to_owned()],
        env: vec![],
        secret_env: vec![],
        resources: Resources {
            cpu_milli: 0,
            memory_bytes: 0,
            gpu: 0,
            gpu_kind: None,
            disk_bytes: 0,
            wall_ms: None,
        },
        labels: vec![],
        work_dir: String::new(),
        role: "task".to_owned(),
        extra: None,
    }
}

/// Keeps the lines of plugins.
#[derive(Default)]
pub(crate) struct Lines(pub(crate) Mutex<Vec<(LogLevel, String)>>);

impl LogSink for Lines {
    fn line(&self, _: &Scope, level: LogLevel, message: &str, _: &[(String, String)]) {
        self.0.lock().unwrap().push((level, message.to_owned()));
    }
}

/// The code of a refusal.
pub(crate) fn refused<T>(outcome: Result<T, PluginError>) -> &'static str {
    outcome.err().expect("a refusal").code()
}
