//! What every plugin gets: log, clock, random.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::bindings::steading::plugin::log::Level;
use crate::bindings::steading::plugin::{clock, log, random, types};
use crate::call::{CallState, Halt};

/// Random bytes of one host call.
const RANDOM_LIMIT: u32 = 64 * 1024;
/// Fields of one log line, and bytes of one of them.
const FIELDS: usize = 32;
const FIELD_BYTES: usize = 4096;

impl types::Host for CallState {}

impl log::Host for CallState {
    /// Lines beyond the budget are dropped, once with a mark: a talkative plugin still works.
    fn emit(
        &mut self,
        level: Level,
        message: String,
        mut fields: Vec<(String, String)>,
    ) -> wasmtime::Result<()> {
        self.spend()?;
        fields.truncate(FIELDS);
        for (name, value) in &mut fields {
            cut(name, FIELD_BYTES);
            cut(value, FIELD_BYTES);
        }
        let bytes = fields
            .iter()
            .fold(message.len(), |sum, (name, value)| {
                sum.saturating_add(name.len()).saturating_add(value.len())
            })
            .saturating_add(1);
        self.log(level, one_line(message), &fields, bytes);
        Ok(())
    }
}

impl clock::Host for CallState {
    fn now(&mut self) -> wasmtime::Result<u64> {
        self.spend()?;
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Ok(since.map_or(0, |span| {
            u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
        }))
    }

    fn monotonic_ms(&mut self) -> wasmtime::Result<u64> {
        self.spend()?;
        Ok(u64::try_from(self.age().as_millis()).unwrap_or(u64::MAX))
    }
}

impl random::Host for CallState {
    fn get_bytes(&mut self, n: u32) -> wasmtime::Result<Vec<u8>> {
        self.spend()?;
        if n > RANDOM_LIMIT {
            return Err(Halt::Budget(format!("more than {RANDOM_LIMIT} random bytes")).into());
        }
        let mut bytes = vec![0; n as usize];
        getrandom::fill(&mut bytes).map_err(|error| Halt::Host(error.to_string()))?;
        Ok(bytes)
    }
}

/// A guest's text can neither begin a line of the operator's log nor colour it.
fn one_line(text: String) -> String {
    if text.contains(char::is_control) {
        return text.replace(char::is_control, " ");
    }
    text
}

/// Cuts a text to at most `limit` bytes, at a character.
fn cut(text: &mut String, limit: usize) {
    if text.len() > limit {
        text.truncate(text.floor_char_boundary(limit));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_can_not_forge_lines_of_the_log() {
        let forged = "ok\n2026-01-01 INFO all is well \u{1b}[2J".to_owned();
        let shown = one_line(forged);
        assert_eq!(shown, "ok 2026-01-01 INFO all is well  [2J");
    }

    #[test]
    fn a_cut_never_divides_a_character() {
        let mut text = "äö".to_owned();
        cut(&mut text, 3);
        assert_eq!(text, "ä");
    }
}
