//! What the program carries: the page's files and the built-in plugins, listed by the build script.

use steading_http::page::Asset;

/// A plugin that was compiled with the program.
pub(crate) struct BuiltIn {
    /// Its id, e.g. `compute-local`.
    pub(crate) id: &'static str,
    /// Its manifest, as JSON.
    pub(crate) manifest: &'static str,
    /// Its component, compiled ahead of time by the engine of this program.
    pub(crate) cwasm: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
