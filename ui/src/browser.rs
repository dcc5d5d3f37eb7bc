//! The few things of the browser that the page uses beside fetch: clock, timer, address bar, clipboard.

use js_sys::{Date, Function, Promise};
use steading_types::Millis;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};
use wasm_bindgen_futures::JsFuture;
use web_sys::HtmlElement;

/// The browser's clock.
pub(crate) fn now() -> Millis {
    Millis(Date::now() as u64)
}

/// The time of day where the reader sits: `12:03:11`.
pub(crate) fn clock(at: Millis) -> String {
    let date = Date::new(&JsValue::from_f64(at.get() as f64));
    format!(
        "{:02}:{:02}:{:02}",
        date.get_hours(),
        date.get_minutes(),
        date.get_seconds()
    )
}

/// Date and time of day where the reader sits: `2026-11-25 12:03:11`.
pub(crate) fn date_and_clock(at: Millis) -> String {
    let date = Date::new(&JsValue::from_f64(at.get() as f64));
    format!(
        "{}-{:02}-{:02} {}",
        date.get_full_year(),
        date.get_month() + 1,
        date.get_date(),
        clock(at)
    )
}

/// Settles after a while, with `undefined`.
pub(crate) fn timer(after: Millis) -> Promise {
    let after = i32::try_from(after.get()).unwrap_or(i32::MAX);
    Promise::new(&mut |resolve: Function, _| {
        if let Some(window) = web_sys::window() {
            let _ = window.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, after);
        }
    })
}

/// Waits for a while.
pub(crate) async fn sleep(span: Millis) {
    // A timer never fails.
    let _ = JsFuture::from(timer(span)).await;
}

/// The fragment of the address, with its `#`.
pub(crate) fn fragment() -> String {
    web_sys::window()
        .and_then(|window| window.location().hash().ok())
        .unwrap_or_default()
}

/// How an address enters the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// A new entry: "back" returns to where the reader was.
    New,
    /// In place of the present one.
    Replace,
}

/// Changes the fragment without an event.
pub(crate) fn set_fragment(fragment: &str, step: Step) {
    let Some(history) = web_sys::window().and_then(|window| window.history().ok()) else {
        return;
    };
    // Browsers refuse only when a page writes hundreds of addresses a second: the view is right all the same.
    let _ = match step {
        Step::New => history.push_state_with_url(&JsValue::NULL, "", Some(fragment)),
        Step::Replace => history.replace_state_with_url(&JsValue::NULL, "", Some(fragment)),
    };
}

/// The title of the tab.
pub(crate) fn set_title(title: &str) {
    if let Some(document) = web_sys::window().and_then(|window| window.document()) {
        document.set_title(title);
    }
}

/// Removes what index.html shows until the page has started.
pub(crate) fn remove_boot_notice() {
    let document = web_sys::window().and_then(|window| window.document());
    if let Some(boot) = document.and_then(|document| document.get_element_by_id("boot")) {
        boot.remove();
    }
}

#[wasm_bindgen]
extern "C" {
    // Typed by hand: it is absent where the page is not served securely.
    #[wasm_bindgen(js_namespace = ["navigator", "clipboard"], js_name = writeText, catch)]
    fn write_text(text: &str) -> Result<Promise, JsValue>;
}

/// Copies a text; nothing happens where the browser does not allow it.
pub(crate) fn copy(text: &str) {
    if let Ok(promise) = write_text(text) {
        wasm_bindgen_futures::spawn_local(async move {
            let _ = JsFuture::from(promise).await;
        });
    }
}

/// Puts the focus on an element, found by a CSS selector.
pub(crate) fn focus(selector: &str) {
    if let Some(element) = find(selector) {
        let _ = element.focus();
    }
}

fn find(selector: &str) -> Option<HtmlElement> {
    let document = web_sys::window()?.document()?;
    document.query_selector(selector).ok()??.dyn_into().ok()
}

/// True while the reader writes into a field: letters are no commands then.
pub(crate) fn writing() -> bool {
    let active = web_sys::window()
        .and_then(|window| window.document())
        .and_then(|document| document.active_element());
    active.is_some_and(|element| {
        let tag = element.tag_name();
        matches!(tag.as_str(), "INPUT" | "TEXTAREA" | "SELECT")
            || element
                .closest("dialog")
                .is_ok_and(|dialog| dialog.is_some())
    })
}

/// Moves the focus among the elements of a selector, and to the first one from elsewhere. True when there is one.
pub(crate) fn focus_neighbour(selector: &str, by: i32) -> bool {
    let Some(document) = web_sys::window().and_then(|window| window.document()) else {
        return false;
    };
    let Ok(all) = document.query_selector_all(selector) else {
        return false;
    };
    let active = document.active_element();
    let length = i32::try_from(all.length()).unwrap_or(i32::MAX);
    let same = |place: &i32| {
        let node = u32::try_from(*place).ok().and_then(|place| all.item(place));
        active.as_ref().is_some_and(|active| {
            node.as_ref()
                .is_some_and(|node| active.is_same_node(Some(node)))
        })
    };
    let goal = (0..length).find(same).map_or(0, |place| {
        place.saturating_add(by).clamp(0, length.saturating_sub(1))
    });
    let element = u32::try_from(goal).ok().and_then(|place| all.item(place));
    // Boxes of a drawing are no HTML elements, and yet have the same `focus`.
    element.is_some_and(|element| element.unchecked_into::<HtmlElement>().focus().is_ok())
}

/// Takes the focus from a field; a dialog closes by itself.
pub(crate) fn leave_field() {
    let active = web_sys::window()
        .and_then(|window| window.document())
        .and_then(|document| document.active_element());
    let field = active.filter(|element| {
        element
            .closest("dialog")
            .is_ok_and(|dialog| dialog.is_none())
    });
    if let Some(field) = field.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        let _ = field.blur();
    }
}
