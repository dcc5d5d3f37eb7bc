//! A panic in a guest is a trap without words; this hook says them first.

use crate::log;

/// Sends the text and place of a panic to the operator's log. Called at the start of each call:
/// an instance lives for one.
pub(crate) fn report_to_the_log() {
    std::panic::set_hook(Box::new(|info| {
        let place = info
            .location()
            .map(|l| ("at".to_owned(), format!("{}:{}", l.file(), l.line())));
        let text = info.payload_as_str().unwrap_or("a panic without text");
        log::emit(log::Level::Error, text, place.as_slice());
    }));
}
