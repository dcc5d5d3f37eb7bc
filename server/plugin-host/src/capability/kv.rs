//! The `kv` capability: from the guest's call to the server's implementation.

use std::sync::Arc;

use crate::bindings::steading::plugin::kv::{Entry, Expect, Host};
use crate::call::{CallState, Halt};
use crate::capability::KvHost;

/// Bytes of a key and of a value, and entries of one scan.
const KEY_LIMIT: usize = 1024;
const VALUE_LIMIT: usize = 64 * 1024;
const SCAN_LIMIT: u32 = 1000;

impl Host for CallState {
    async fn get(&mut self, key: String) -> wasmtime::Result<Option<Entry>> {
        let host = kv(self)?;
        Ok(host.get(self.scope(), key).await)
    }

    async fn put(
        &mut self,
        key: String,
        value: Vec<u8>,
        expect: Expect,
        ttl_ms: Option<u64>,
    ) -> wasmtime::Result<Result<u64, String>> {
        let host = kv(self)?;
        if key.len() > KEY_LIMIT || value.len() > VALUE_LIMIT {
            return Ok(Err(format!(
                "a key has at most {KEY_LIMIT} bytes and a value {VALUE_LIMIT}"
            )));
        }
        Ok(host.put(self.scope(), key, value, expect, ttl_ms).await)
    }

    async fn delete(
        &mut self,
        key: String,
        expect: Expect,
    ) -> wasmtime::Result<Result<(), String>> {
        let host = kv(self)?;
        Ok(host.delete(self.scope(), key, expect).await)
    }

    async fn scan(
        &mut self,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> wasmtime::Result<Vec<Entry>> {
        let host = kv(self)?;
        let limit = limit.min(SCAN_LIMIT);
        Ok(host.scan(self.scope(), prefix, after, limit).await)
    }
}

/// Linked only when there is one; the error is for a mistake of ours.
fn kv(state: &mut CallState) -> wasmtime::Result<Arc<dyn KvHost>> {
    state.spend()?;
    let kv = state.services().kv.clone();
    kv.ok_or_else(|| Halt::Host("kv is not offered".to_owned()).into())
}
