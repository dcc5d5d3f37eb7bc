//! The host: one engine for all plugins, and the way of a plugin from its bytes to being callable.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use steading_types::PluginId;
use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use crate::bindings::ComputeBackendLocalPre;
use crate::cache::{Cache, CacheOptions};
use crate::capability::{Services, link, link_basics};
use crate::compile::Compiler;
use crate::engine::{engine, fingerprint};
use crate::error::PluginError;
use crate::limits::Limits;
use crate::manifest::{Capability, Manifest, Version, World};
use crate::package::verify;
use crate::plugin::Plugin;
use crate::ticker::Ticker;
use crate::trust::TrustedKeys;

/// The contract's name in a component's imports and exports, before the interface's.
const CONTRACT: &str = "steading:plugin/";

/// How a host is set up.
pub struct Options {
    /// What the server can lend to plugins.
    pub services: Services,
    /// Whose packages are accepted.
    pub trusted: TrustedKeys,
    /// Upper limits of every call.
    pub limits: Limits,
    /// Calls of one plugin at the same time; more wait. A plugin that hangs delays only itself.
    pub concurrent_calls: usize,
    /// Where foreign components are compiled.
    pub compiler: Compiler,
    /// Where their code is kept; none: they are compiled at each load.
    pub cache: Option<CacheOptions>,
}

/// Where a plugin comes from.
#[derive(Debug, Clone, Copy)]
pub enum LoadSource<'a> {
    /// Part of this program: code made by `steading-plugin-build embed` with this very version,
    /// and its manifest.
    Embedded {
        /// `<id>.json`
        manifest: &'static str,
        /// `<id>.cwasm`
        cwasm: &'static [u8],
    },
    /// A signed package: a directory with `manifest.json`, `manifest.sig` and `plugin.wasm`.
    Package(&'a Path),
}

/// What the operator consented to, for one plugin.
#[derive(Debug, Clone)]
pub struct Grants {
    /// The plugin that this is for.
    pub plugin: PluginId,
    /// The powers that it may have.
    pub capabilities: BTreeSet<Capability>,
    /// The highest version that ran before: the caller keeps it, and an older package is refused.
    pub least_version: Option<Version>,
}

/// Loads plugins.
pub struct PluginHost {
    engine: Engine,
    services: Services,
    trusted: TrustedKeys,
    limits: Limits,
    concurrent_calls: usize,
    compiler: Compiler,
    cache: Option<Cache>,
    ticker: Ticker,
}

impl PluginHost {
    /// Sets the engine up and starts its (sleeping) clock. Calls need a tokio runtime with time.
    pub fn new(options: Options) -> Result<Self, PluginError> {
        let engine = engine()?;
        let cache = options
            .cache
            .map(|cache| Cache::open(cache, fingerprint(&engine)))
            .transpose()?;
        let ticker =
            Ticker::start(&engine).map_err(|error| PluginError::Engine(error.to_string()))?;
        Ok(Self {
            engine,
            services: options.services,
            trusted: options.trusted,
            limits: options.limits,
            concurrent_calls: options.concurrent_calls,
            compiler: options.compiler,
            cache,
            ticker,
        })
    }

    /// Makes a plugin callable. Signature, hash, consent and shape are checked now, each time.
    ///
    /// Blocks while it reads and compiles: call it from a thread that may.
    pub fn load(
        &self,
        source: LoadSource<'_>,
        grants: &Grants,
    ) -> Result<Arc<Plugin>, PluginError> {
        let (manifest, component) = match source {
            LoadSource::Embedded { manifest, cwasm } => {
                (Manifest::parse(manifest.as_bytes())?, self.native(cwasm)?)
            }
            LoadSource::Package(dir) => {
                let package = verify(dir, &self.trusted)?;
                consented(&package.manifest, grants)?;
                let component = self.foreign(&package.manifest.sha256, &package.wasm)?;
                (package.manifest, component)
            }
        };
        consented(&manifest, grants)?;
        let guest = self.link(&manifest, &component, grants)?;
        let limits = self.limits.lowered_to(manifest.limits);
        Ok(Arc::new(Plugin::new(
            manifest,
            guest,
            self.services.clone(),
            limits,
            Arc::new(Semaphore::new(self.concurrent_calls)),
            self.ticker.clone(),
        )))
    }

    /// The component of a package: from the cache when its code holds there, else compiled.
    fn foreign(&self, hash: &str, wasm: &[u8]) -> Result<Component, PluginError> {
        if let Some(component) = self
            .cache
            .as_ref()
            .and_then(|cache| cache.get(hash))
            .and_then(|code| self.native(&code).ok())
        {
            return Ok(component);
        }
        let code = self.compiler.compile(&self.engine, wasm)?;
        if let Some(cache) = &self.cache {
            cache.put(hash, &code);
        }
        self.native(&code)
    }

    #[allow(
        unsafe_code,
        reason = "wasmtime can not check compiled code; where it comes from is checked instead"
    )]
    fn native(&self, code: &[u8]) -> Result<Component, PluginError> {
        // SAFETY: the code was made by `Engine::precompile_component` of this program or its child
        // and then held in memory, or was authenticated by the cache's MAC, or is part of this
        // program's own file. wasmtime itself refuses another version's or configuration's code.
        let component = unsafe { Component::deserialize(&self.engine, code) };
        component.map_err(|error| PluginError::Compile(format!("{error:#}")))
    }

    /// Gives the component what it asks for and may have, and looks at the rest of its shape.
    fn link(
        &self,
        manifest: &Manifest,
        component: &Component,
        grants: &Grants,
    ) -> Result<ComputeBackendLocalPre<crate::call::CallState>, PluginError> {
        let world = |reason: String| PluginError::World {
            plugin: manifest.id.clone(),
            reason,
        };
        if manifest.world != World::ComputeBackend {
            return Err(world("this server runs compute backends only".to_owned()));
        }
        let mut linker = Linker::new(&self.engine);
        link_basics(&mut linker).map_err(|error| world(format!("{error:#}")))?;
        for (import, _) in component.component_type().imports(&self.engine) {
            if let Some(capability) = self.permitted(manifest, grants, import)? {
                link(capability, &mut linker).map_err(|error| world(format!("{error:#}")))?;
            }
        }
        linker
            .instantiate_pre(component)
            .and_then(ComputeBackendLocalPre::new)
            .map_err(|error| world(format!("{error:#}")))
    }

    /// The capability behind an import, when the manifest asks for it, the operator granted it and
    /// this server has it. An import that needs none is none.
    fn permitted(
        &self,
        manifest: &Manifest,
        grants: &Grants,
        import: &str,
    ) -> Result<Option<Capability>, PluginError> {
        let Some(capability) = capability_of(import) else {
            return Ok(None);
        };
        let plugin = manifest.id.clone();
        if !manifest.capabilities.contains(&capability) {
            let import = import.to_owned();
            return Err(PluginError::NotAsked { plugin, import });
        }
        if !grants.capabilities.contains(&capability) {
            return Err(PluginError::GrantMissing {
                plugin,
                import: import.to_owned(),
                capability,
            });
        }
        if !self.services.offer(capability) {
            return Err(PluginError::CapabilityAbsent { plugin, capability });
        }
        Ok(Some(capability))
    }
}

/// `steading:plugin/exec@0.1.0` -> exec.
fn capability_of(import: &str) -> Option<Capability> {
    let (interface, _version) = import.strip_prefix(CONTRACT)?.split_once('@')?;
    Capability::of_interface(interface)
}

fn consented(manifest: &Manifest, grants: &Grants) -> Result<(), PluginError> {
    if manifest.id != grants.plugin {
        return Err(PluginError::Identity {
            expected: grants.plugin.clone(),
            found: manifest.id.clone(),
        });
    }
    match grants.least_version {
        Some(least) if manifest.version < least => Err(PluginError::Rollback {
            plugin: manifest.id.clone(),
            found: manifest.version,
            least,
        }),
        _ => Ok(()),
    }
}
