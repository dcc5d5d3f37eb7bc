//! Opens everything that a server or an embedded run needs, in the order of its dependencies.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use steading_control::{Control, Parts};
use steading_domain::access::{Power, Principal};
use steading_domain::token::Token;
use steading_exec::{Egress, Exec, SpawnerSeed};
use steading_plugin_host::capability::Services;
use steading_plugin_host::manifest::Capability;
use steading_plugin_host::trust::TrustedKeys;
use steading_plugin_host::{Compiler, Grants, Limits, LoadSource, Plugin, PluginHost};
use steading_store::Store;
use steading_types::TenantName;
use steading_types::task::Level;

use crate::embedded::PLUGINS;
use crate::local::{LocalBackend, LocalExec, Owners};
use crate::site::{
    HostClaims, HostDoctor, HostImages, HostLogs, HostWeb, artifacts, keyring, network,
};

/// The first argument of this program when it is a compiler of plugins.
pub(crate) const COMPILE_ARGUMENT: &str = "--compile-plugin";
/// The plugin that runs tasks on this host.
const LOCAL_PLUGIN: &str = "compute-local";
/// Plugin calls at the same time.
const CALLS: usize = 64;

/// How the host is used.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// The data directory; made when it is missing.
    pub(crate) data: PathBuf,
    /// The level of tasks that ask for none.
    pub(crate) level: Level,
    /// Tasks that run at once.
    pub(crate) slots: usize,
    /// Whom the server may call for its tenants.
    pub(crate) egress: Vec<String>,
    /// Whose keys it knows for ssh, a file.
    pub(crate) known_hosts: Option<PathBuf>,
    /// Where the networks of tasks lead.
    pub(crate) task_network: Egress,
}

/// Opens the data directory and starts the loops.
///
/// # Errors
/// One sentence with its cause: the directory, the store, the plugin.
pub(crate) async fn open(seed: SpawnerSeed, options: &Options) -> Result<Control> {
    private_directory(&options.data)?;
    let store = Store::open(&options.data, steading_store::Options::default()).map_err(told)?;
    let owners = Owners::default();
    let (exec, ended) = Exec::open(seed, exec_options(options))
        .await
        .context("local execution can not start")?;
    forget_released(&store, &exec).await?;
    let host = LocalExec {
        exec: exec.clone(),
        store: store.clone(),
        owners: owners.clone(),
        level: options.level,
    };
    let plugin = built_in(Arc::new(host))?;
    let backend = LocalBackend::new(plugin, exec.clone(), ended, owners.clone());
    let network = network(options)?;
    let control = Control::start(Parts {
        store: store.clone(),
        backend: Arc::new(backend),
        logs: Arc::new(
            HostLogs::open(exec.clone(), store.clone(), owners)
                .context("logs can not be watched")?,
        ),
        images: Arc::new(HostImages::open(&options.data)?),
        claims: Arc::new(HostClaims::open(&options.data)),
        doctor: Arc::new(HostDoctor::new(exec)),
        web: Arc::new(HostWeb::new(&network)?),
        keyring: keyring(&options.data)?,
        artifacts: artifacts(&options.data, network).context("artifacts can not be kept")?,
        slots: options.slots,
    })
    .await
    .context("what was left by the last run can not be taken up")?;
    let first: TenantName = TenantName::DEFAULT.parse()?;
    if !control.has_tenant(&first) {
        control
            .create_tenant(first)
            .await
            .context("the first tenant can not be made")?;
    }
    Ok(control)
}

fn exec_options(options: &Options) -> steading_exec::Options {
    let policy = steading_exec::Policy {
        minimum: options.level,
        egress: options.task_network,
        ..steading_exec::Policy::default()
    };
    steading_exec::Options {
        data_dir: options.data.clone(),
        policy,
    }
}

/// Tasks whose end was kept, but whose remains outlived a crash.
async fn forget_released(store: &Store, exec: &Exec) -> Result<()> {
    let wanted: BTreeSet<_> = store
        .read(|s| {
            s.outbox()?
                .map(|row| row.map(|(_, attempt, _)| attempt))
                .collect()
        })
        .map_err(told)?;
    for key in exec.keys()? {
        if !wanted.contains(&key) {
            let _ = exec.stop(key, steading_exec::Stop::Forced).await;
            if let Err(error) = exec.remove(key).await {
                tracing::warn!(attempt = %key, error = %error, "what a task left could not be removed");
            }
        }
    }
    Ok(())
}

fn built_in(exec: Arc<LocalExec>) -> Result<Arc<Plugin>> {
    let built_in = PLUGINS
        .iter()
        .find(|plugin| plugin.id == LOCAL_PLUGIN)
        .ok_or_else(|| {
            anyhow!("this program was built without its plugins; build it with: cargo xtask build")
        })?;
    let host = PluginHost::new(steading_plugin_host::Options {
        services: Services {
            exec: Some(exec),
            ..Services::default()
        },
        trusted: TrustedKeys::default(),
        limits: Limits::default(),
        concurrent_calls: CALLS,
        compiler: Compiler::Child {
            program: PathBuf::from("/proc/self/exe"),
            arguments: vec![COMPILE_ARGUMENT.into()],
        },
        cache: None,
    })?;
    // The operator consents to the built-in plugins by starting the program.
    let grants = Grants {
        plugin: LOCAL_PLUGIN.parse()?,
        capabilities: [Capability::Exec].into(),
        least_version: None,
    };
    let source = LoadSource::Embedded {
        manifest: built_in.manifest,
        cwasm: built_in.cwasm,
    };
    host.load(source, &grants)
        .context("the built-in plugin compute-local can not be loaded")
}

/// A token of an operator, in the data directory, for this host's own tools. Kept as long as it is good.
///
/// # Errors
/// When it can not be written.
pub(crate) async fn operator_token(control: &Control, data: &Path) -> Result<Token> {
    let path = data.join("operator.token");
    let known = fs::read_to_string(&path).ok();
    let known = known.and_then(|text| Token::parse(&text));
    if let Some(token) = known.filter(|token| control.principal(token).is_some()) {
        return Ok(token);
    }
    let operator = Principal {
        name: "operator".to_owned(),
        power: Power::Operator,
    };
    let token = control
        .create_token(&operator, "operator.token", None)
        .await?;
    write_private(&path, &format!("{}\n", token.expose()))?;
    Ok(token)
}

/// Writes a file that only its owner may read, at once or not at all.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let fresh = path.with_extension("new");
    let _ = fs::remove_file(&fresh);
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)
        .with_context(|| format!("{} can not be written", fresh.display()))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&fresh, path).with_context(|| format!("{} can not be written", path.display()))
}

fn private_directory(path: &Path) -> Result<()> {
    let made = !path.exists();
    fs::create_dir_all(path)
        .with_context(|| format!("the data directory {} can not be made", path.display()))?;
    if made {
        fs::set_permissions(path, fs::Permissions::from_mode(0o711))?;
    }
    Ok(())
}

/// A store's error with what to do about it.
fn told(error: steading_store::StoreError) -> anyhow::Error {
    match error.fix() {
        Some(fix) => anyhow!("{error}: {fix}"),
        None => anyhow!(error),
    }
}
