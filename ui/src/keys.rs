//! Single keys as commands, for as long as their view lives.

use leptos::ev;
use leptos::prelude::*;

use crate::browser;

/// Calls `command` with each key that is meant as one: no modifier held and no field being written.
/// A command that answers true has used the key up.
pub(crate) fn on_key(command: impl Fn(&str) -> bool + 'static) {
    let handle = window_event_listener(ev::keydown, move |event| {
        let modified = event.ctrl_key() || event.meta_key() || event.alt_key();
        if modified || event.default_prevented() || browser::writing() {
            return;
        }
        if command(&event.key()) {
            event.prevent_default();
        }
    });
    on_cleanup(move || handle.remove());
}

/// Lets Escape leave a field, so that letters are commands again.
pub(crate) fn leave_fields_by_escape() {
    let handle = window_event_listener(ev::keydown, move |event| {
        if event.key() == "Escape" && browser::writing() {
            browser::leave_field();
        }
    });
    on_cleanup(move || handle.remove());
}
