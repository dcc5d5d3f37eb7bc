//! The `exec` capability: from the guest's call to the server's implementation.

use std::sync::Arc;

use crate::bindings::steading::plugin::exec::{Host, Spec, Status};
use crate::call::{CallState, Halt};
use crate::capability::ExecHost;
use crate::exec::LogStream;

/// Bytes of one log read.
const LOG_LIMIT: u32 = 1024 * 1024;

impl Host for CallState {
    async fn start(&mut self, spec: Spec) -> wasmtime::Result<Result<String, String>> {
        let host = exec(self)?;
        Ok(host.start(self.scope(), spec).await)
    }

    async fn inspect(&mut self, ids: Vec<String>) -> wasmtime::Result<Vec<Status>> {
        let host = exec(self)?;
        Ok(host.inspect(self.scope(), ids).await)
    }

    async fn read_log(
        &mut self,
        id: String,
        stream: u8,
        offset: u64,
        max: u32,
    ) -> wasmtime::Result<Result<(Vec<u8>, bool), String>> {
        let host = exec(self)?;
        let stream = match stream {
            0 => LogStream::Both,
            1 => LogStream::Stdout,
            2 => LogStream::Stderr,
            other => return Ok(Err(format!("there is no stream {other}"))),
        };
        let max = max.min(LOG_LIMIT);
        Ok(host.read_log(self.scope(), id, stream, offset, max).await)
    }

    async fn kill(&mut self, id: String, signal: u8) -> wasmtime::Result<Result<(), String>> {
        let host = exec(self)?;
        Ok(host.kill(self.scope(), id, signal).await)
    }

    async fn remove(&mut self, id: String) -> wasmtime::Result<Result<(), String>> {
        let host = exec(self)?;
        Ok(host.remove(self.scope(), id).await)
    }
}

/// Linked only when there is one; the error is for a mistake of ours.
fn exec(state: &mut CallState) -> wasmtime::Result<Arc<dyn ExecHost>> {
    state.spend()?;
    let exec = state.services().exec.clone();
    exec.ok_or_else(|| Halt::Host("exec is not offered".to_owned()).into())
}
