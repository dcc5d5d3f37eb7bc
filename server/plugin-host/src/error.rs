//! Everything that can go wrong with a plugin, each with its stable code.

use std::path::PathBuf;

use steading_types::PluginId;

use crate::compute;
use crate::manifest::{Capability, Version};

/// Why a plugin was not loaded, or why a call of it ended without an answer.
#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    /// A file of the package is missing, unreadable or too large.
    #[error("the plugin package has no usable {file}: {reason}", file = .path.display())]
    Package {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The manifest is not one.
    #[error("the plugin's manifest can not be read: {0}")]
    Manifest(String),
    /// No trusted key made this signature over this manifest.
    #[error("the manifest of {} is not signed by a key that this site trusts", .0.display())]
    Signature(PathBuf),
    /// The component is not the one that the manifest names.
    #[error("the component of plugin {0} is not the one that was signed")]
    Hash(PluginId),
    /// The package holds another plugin than the one that was consented to.
    #[error("the package holds plugin {found}, and {expected} was asked for")]
    Identity {
        /// The id that the grants are for.
        expected: PluginId,
        /// The id in the manifest.
        found: PluginId,
    },
    /// The package is older than the one that ran before.
    #[error("plugin {plugin} {found} is older than {least}, which this site has already run")]
    Rollback {
        /// Which plugin.
        plugin: PluginId,
        /// The version in the manifest.
        found: Version,
        /// The least version that is accepted.
        least: Version,
    },
    /// The component uses a capability that its manifest does not ask for.
    #[error("plugin {plugin} imports {import}, and its manifest does not ask for it")]
    NotAsked {
        /// Which plugin.
        plugin: PluginId,
        /// The import's name in the component.
        import: String,
    },
    /// The component uses a capability that the operator did not grant.
    #[error("plugin {plugin} imports {import}, and {capability} is not granted to it")]
    GrantMissing {
        /// Which plugin.
        plugin: PluginId,
        /// The import's name in the component.
        import: String,
        /// What to grant.
        capability: Capability,
    },
    /// The component uses a capability that this server has no implementation of.
    #[error("plugin {plugin} needs {capability}, which this server does not offer to plugins")]
    CapabilityAbsent {
        /// Which plugin.
        plugin: PluginId,
        /// What it needs.
        capability: Capability,
    },
    /// The component does not have the shape of the world that its manifest names.
    #[error("plugin {plugin} does not fit the contract: {reason}")]
    World {
        /// Which plugin.
        plugin: PluginId,
        /// The import or export that does not fit.
        reason: String,
    },
    /// The component could not be compiled.
    #[error("the component could not be compiled: {0}")]
    Compile(String),
    /// The directory for compiled code is not safe to use.
    #[error("the cache of compiled plugins can not be used: {0}")]
    Cache(String),
    /// The host itself could not be set up.
    #[error("the plugin host could not be set up: {0}")]
    Engine(String),
    /// The guest trapped: a panic, a division by zero, a call that it may not make.
    #[error("plugin {plugin} failed in {call}: {reason}")]
    Trap {
        /// Which plugin.
        plugin: PluginId,
        /// The function that was called.
        call: &'static str,
        /// The trap, and the guest's last error line if it wrote one.
        reason: String,
    },
    /// The call took too long.
    #[error("plugin {plugin} did not answer {call} within its time")]
    Deadline {
        /// Which plugin.
        plugin: PluginId,
        /// The function that was called.
        call: &'static str,
    },
    /// The guest asked for more memory than it may have.
    #[error("plugin {plugin} wanted more than its {limit_mib} MiB of memory in {call}")]
    Memory {
        /// Which plugin.
        plugin: PluginId,
        /// The function that was called.
        call: &'static str,
        /// Its limit.
        limit_mib: u32,
    },
    /// The guest called the host too often, or asked too much of one host call.
    #[error("plugin {plugin} used up its budget in {call}: {reason}")]
    Budget {
        /// Which plugin.
        plugin: PluginId,
        /// The function that was called.
        call: &'static str,
        /// Which budget.
        reason: String,
    },
    /// The guest handed the host more data than it may, as an answer or as an argument.
    #[error("plugin {plugin} handed over too much data in {call}")]
    AnswerTooLarge {
        /// Which plugin.
        plugin: PluginId,
        /// The function that was called.
        call: &'static str,
    },
    /// The answer breaks a rule of the contract.
    #[error("plugin {plugin} gave an answer to {call} that the contract does not allow: {reason}")]
    AnswerInvalid {
        /// Which plugin.
        plugin: PluginId,
        /// The function that was called.
        call: &'static str,
        /// The rule.
        reason: &'static str,
    },
    /// The plugin answered with an error of its own.
    #[error("{}", .0.message)]
    Answered(Box<compute::Error>),
}

impl PluginError {
    /// The stable code of this kind of failure. An error that the plugin itself answered has its
    /// own code in [`compute::Error::code`].
    pub fn code(&self) -> &'static str {
        match self {
            Self::Package { .. } => "plugin.package",
            Self::Manifest(_) => "plugin.manifest",
            Self::Signature(_) => "plugin.signature",
            Self::Hash(_) => "plugin.hash",
            Self::Identity { .. } => "plugin.identity",
            Self::Rollback { .. } => "plugin.rollback",
            Self::NotAsked { .. } => "plugin.not-asked",
            Self::GrantMissing { .. } => "plugin.grant-missing",
            Self::CapabilityAbsent { .. } => "plugin.capability-absent",
            Self::World { .. } => "plugin.world",
            Self::Compile(_) => "plugin.compile",
            Self::Cache(_) => "plugin.cache",
            Self::Engine(_) => "plugin.engine",
            Self::Trap { .. } => "plugin.trap",
            Self::Deadline { .. } => "plugin.deadline",
            Self::Memory { .. } => "plugin.memory",
            Self::Budget { .. } => "plugin.budget",
            Self::AnswerTooLarge { .. } => "plugin.answer-too-large",
            Self::AnswerInvalid { .. } => "plugin.answer-invalid",
            Self::Answered(_) => "plugin.answered",
        }
    }

    /// What a person can do about it.
    pub fn fix(&self) -> Option<String> {
        match self {
            Self::Signature(_) => Some(
                "sign the package with a trusted key, or add its maker's public key to the \
                 trusted keys"
                    .to_owned(),
            ),
            Self::Hash(_) => Some("install the package again from its source".to_owned()),
            Self::GrantMissing {
                plugin, capability, ..
            } => Some(format!("grant {capability} to {plugin}")),
            Self::NotAsked { import, .. } => Some(format!(
                "its maker has to add the capability of {import} to the manifest and sign it again"
            )),
            Self::Rollback { least, .. } => Some(format!("install {least} or a later version")),
            Self::Memory { .. } => Some("raise the plugin's memory limit".to_owned()),
            _ => None,
        }
    }
}
