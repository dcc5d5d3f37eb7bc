//! What wasmtime makes of the contract. Nothing outside this crate sees it but the records, which
//! are re-exported under [`crate::compute`] and [`crate::exec`].
#![allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::restriction,
    clippy::pedantic,
    clippy::all,
    clippy::allow_attributes_without_reason,
    reason = "generated from plugin.wit, where the documentation is"
)]

wasmtime::component::bindgen!({
    path: "../../plugin-sdk/wit/v0.1",
    world: "compute-backend-local",
    imports: {
        "steading:plugin/exec.start": async | trappable,
        "steading:plugin/exec.inspect": async | trappable,
        "steading:plugin/exec.read-log": async | trappable,
        "steading:plugin/exec.kill": async | trappable,
        "steading:plugin/exec.remove": async | trappable,
        "steading:plugin/kv.get": async | trappable,
        "steading:plugin/kv.put": async | trappable,
        "steading:plugin/kv.delete": async | trappable,
        "steading:plugin/kv.scan": async | trappable,
        default: trappable,
    },
    exports: { default: async },
});
