//! Texts from outside in our messages.

/// How much of a foreign text is shown.
const SHOWN: usize = 300;

/// A foreign text as one short line: no control characters, so that it can not paint over a log.
pub(crate) fn line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(SHOWN)
        .collect()
}
