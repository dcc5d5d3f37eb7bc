//! One wasmtime configuration for everything: the server that runs components, the child that
//! compiles them, and the tool that compiles the built-in ones. Compiled code fits only the very
//! configuration that made it.

use std::hash::{Hash, Hasher};

use sha2::{Digest, Sha256};
use wasmtime::{Config, Engine, Strategy};

use crate::error::PluginError;

/// The engine. Code for the plain architecture, not for the processor of the machine that
/// compiles: what is built here must run on any host of the kind.
///
/// Instances are allocated on demand. A pool of them makes a call 8 us cheaper (29 instead of 37),
/// but reserves hundreds of gigabytes of addresses, which hosts with a limit refuse, and is one
/// more thing that plugins would have to share.
pub(crate) fn engine() -> Result<Engine, PluginError> {
    let failed = |error: wasmtime::Error| PluginError::Engine(format!("{error:#}"));
    let mut config = Config::new();
    config.target(TARGET).map_err(failed)?;
    config
        .strategy(Strategy::Cranelift)
        .epoch_interruption(true)
        .concurrency_support(false)
        .wasm_component_model(true)
        .wasm_memory64(false)
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false)
        .native_unwind_info(false)
        .memory_init_cow(true);
    Engine::new(&config).map_err(failed)
}

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
const TARGET: &str = "x86_64-unknown-linux-gnu";
#[cfg(all(target_arch = "aarch64", target_os = "linux"))]
const TARGET: &str = "aarch64-unknown-linux-gnu";

/// Names everything that compiled code depends on besides the component: wasmtime's version, the
/// target and the settings above.
pub(crate) fn fingerprint(engine: &Engine) -> String {
    let mut hasher = Sha(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    let mut text = hex::encode(hasher.0.finalize());
    text.truncate(32);
    text
}

/// Lets `Hash` write into SHA-256: the standard hasher may change between two Rust releases.
struct Sha(Sha256);

impl Hasher for Sha {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = self.0.clone().finalize();
        digest
            .first_chunk()
            .map_or(0, |first| u64::from_le_bytes(*first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A core module whose only section is a memory with these flags and limits.
    fn module_with_memory(limits: &[u8]) -> Vec<u8> {
        let mut module = b"\0asm\x01\0\0\0".to_vec();
        module.extend([5, limits.len() as u8 + 1, 1]);
        module.extend(limits);
        module
    }

    #[test]
    fn threads_and_large_memories_are_off() {
        let engine = engine().unwrap();
        let valid = |limits: &[u8]| {
            wasmtime::Module::validate(&engine, &module_with_memory(limits)).is_ok()
        };
        assert!(valid(&[0x00, 1]), "a plain memory");
        assert!(!valid(&[0x03, 1, 1]), "a shared memory");
        assert!(!valid(&[0x04, 1]), "a 64-bit memory");
    }

    #[test]
    fn the_fingerprint_is_the_same_for_every_engine_of_this_program() {
        let (one, two) = (engine().unwrap(), engine().unwrap());
        assert_eq!(fingerprint(&one), fingerprint(&two));
    }
}
