//! What wit-bindgen makes of the contract. Imports that a plugin does not call leave no trace in
//! its component, so one world serves every compute backend.
#![allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::restriction,
    clippy::allow_attributes_without_reason,
    reason = "generated from plugin.wit, where the documentation is"
)]

wit_bindgen::generate!({
    path: "../wit/v0.1",
    world: "compute-backend-local",
    pub_export_macro: true,
    default_bindings_module: "steading_plugin::bindings",
    export_macro_name: "export_world",
});
