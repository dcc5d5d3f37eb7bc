//! Times and durations. The clock is the caller's: pure code gets `now` as a parameter.

use serde::{Deserialize, Serialize};

/// A point in time or a span, in milliseconds; as a point since the Unix epoch, UTC.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Millis(pub u64);

impl Millis {
    /// The number of milliseconds.
    pub fn get(self) -> u64 {
        self.0
    }

    /// A span in seconds.
    #[allow(
        clippy::cast_precision_loss,
        reason = "a span of less than centuries is exact"
    )]
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// This point, later by a span; stays at the end of time instead of wrapping.
    pub fn plus(self, span: Self) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// The span since an earlier point; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }
}

/// Reads Argo's durations: Go's (`1h30m`, `500ms`, `1.5s`, also `2d`) or a bare number of seconds.
/// Nothing for anything else, for negative spans and for spans beyond 2^63 nanoseconds.
pub fn parse_duration(text: &str) -> Option<Millis> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Millis(u64::from(seconds).saturating_mul(1000)));
    }
    let mut total = 0f64;
    let mut rest = text;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let (number, tail) = rest.split_at_checked(number_end)?;
        let unit_end = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(unit_end)?;
        let millis = match unit {
            "ns" => 1e-6,
            "us" | "µs" => 1e-3,
            "ms" => 1.0,
            "s" => 1e3,
            "m" => 6e4,
            "h" => 3.6e6,
            "d" => 8.64e7,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * millis;
        rest = tail;
    }
    (total < 9.2e12).then_some(Millis(total as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_argo_reads_them() {
        for (text, millis) in [
            ("20", 20_000),
            ("1h30m", 5_400_000),
            ("500ms", 500),
            ("1.5s", 1_500),
            ("2d", 172_800_000),
            ("0", 0),
        ] {
            assert_eq!(parse_duration(text), Some(Millis(millis)), "{text}");
        }
        for text in ["", "s", "1x", "-1s", "1h30", "1..5s", "99999999999999h"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
