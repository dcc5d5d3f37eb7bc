//! Turns components into native code. A compiler fed with hostile input may take for ever or eat
//! all memory, so foreign components are compiled in a child process under resource limits. The
//! child is not confined otherwise: it is our own code, and what it makes is run as native code
//! anyway.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::process::{Resource, Rlimit, setrlimit};
use wasmtime::Engine;

use crate::engine::engine;
use crate::error::PluginError;

/// What a compiling child may use. Components from JavaScript need 350 MB and 10 s.
const MEMORY: u64 = 2 * 1024 * 1024 * 1024;
const CPU_SECONDS: u64 = 120;
/// Bytes taken from it.
const CODE_LIMIT: u64 = 256 * 1024 * 1024;
const COMPLAINT_LIMIT: u64 = 4096;

/// Where foreign components are compiled.
#[derive(Debug, Clone)]
pub enum Compiler {
    /// In a child: this program with these arguments, which runs [`child_main`].
    Child {
        /// The program, usually `/proc/self/exe`.
        program: PathBuf,
        /// What makes it a compiler.
        arguments: Vec<OsString>,
    },
    /// In this process, without limits: for trusted components and tools.
    InProcess,
}

impl Compiler {
    pub(crate) fn compile(&self, engine: &Engine, wasm: &[u8]) -> Result<Vec<u8>, PluginError> {
        match self {
            Self::InProcess => compile(engine, wasm),
            Self::Child { program, arguments } => {
                let child = Command::new(program)
                    .args(arguments)
                    .env_clear()
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .spawn()
                    .map_err(|error| {
                        PluginError::Compile(format!("no compiler process: {error}"))
                    })?;
                exchange(child, wasm)
            }
        }
    }
}

/// Compiles for this program's own engine; what the build tool embeds.
pub fn precompile(wasm: &[u8]) -> Result<Vec<u8>, PluginError> {
    compile(&engine()?, wasm)
}

fn compile(engine: &Engine, wasm: &[u8]) -> Result<Vec<u8>, PluginError> {
    engine
        .precompile_component(wasm)
        .map_err(|error| PluginError::Compile(format!("{error:#}")))
}

/// The child's whole life: limits itself, reads a component from standard input, writes its code
/// to standard output. Answers the exit code; the reason of a failure is on standard error.
pub fn child_main() -> u8 {
    match child() {
        Ok(()) => 0,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            1
        }
    }
}

fn child() -> Result<(), PluginError> {
    let failed = |error: std::io::Error| PluginError::Compile(error.to_string());
    for (resource, limit) in [
        (Resource::As, MEMORY),
        (Resource::Cpu, CPU_SECONDS),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
        (Resource::Nofile, 16),
    ] {
        let limits = Rlimit {
            current: Some(limit),
            maximum: Some(limit),
        };
        setrlimit(resource, limits).map_err(|error| failed(error.into()))?;
    }
    let mut wasm = Vec::new();
    std::io::stdin().read_to_end(&mut wasm).map_err(failed)?;
    let code = precompile(&wasm)?;
    std::io::stdout().write_all(&code).map_err(failed)
}

/// Feeds the child and reads it at the same time: it may fail before it has read everything.
fn exchange(mut child: Child, wasm: &[u8]) -> Result<Vec<u8>, PluginError> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (code, complaint) = std::thread::scope(|scope| {
        scope.spawn(move || stdin.map(|mut pipe| pipe.write_all(wasm)));
        let complaint = scope.spawn(move || take(stderr, COMPLAINT_LIMIT));
        let code = take(stdout, CODE_LIMIT);
        (code, complaint.join().unwrap_or_default())
    });
    let status = child
        .wait()
        .map_err(|error| PluginError::Compile(error.to_string()))?;
    if !status.success() {
        let complaint = String::from_utf8_lossy(&complaint);
        return Err(PluginError::Compile(match complaint.trim() {
            "" => format!("the compiler ended with {status}"),
            reason => reason.to_owned(),
        }));
    }
    Ok(code)
}

/// At most `limit` bytes of a pipe; the rest is read and dropped, so that the writer can end.
fn take(pipe: Option<impl Read>, limit: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        let _ = pipe.by_ref().take(limit).read_to_end(&mut bytes);
        let _ = std::io::copy(&mut pipe, &mut std::io::sink());
    }
    bytes
}
