//! Times as texts.

use jiff::Timestamp;
use steading_types::Millis;

fn timestamp(at: Millis) -> Timestamp {
    let millis = i64::try_from(at.get()).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
}

/// RFC 3339 with seconds, UTC: the form of every time in Argo's objects.
pub fn rfc3339(at: Millis) -> String {
    timestamp(at).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `creationTimestamp.<c>`: one conversion of strftime.
pub(crate) fn strftime(at: Millis, conversion: &str) -> Option<String> {
    let mut letters = conversion.chars();
    let letter = letters.next().filter(char::is_ascii_alphabetic)?;
    if letters.next().is_some() {
        return None;
    }
    jiff::fmt::strtime::format(format!("%{letter}"), timestamp(at)).ok()
}

/// A span for people: `1 minute 30 seconds`.
pub(crate) fn humanised(span: Millis) -> String {
    let seconds = span.get().div_ceil(1000);
    let parts = [
        (seconds / 86_400, "day"),
        (seconds / 3_600 % 24, "hour"),
        (seconds / 60 % 60, "minute"),
        (seconds % 60, "second"),
    ];
    let largest = parts.iter().position(|(count, _)| *count > 0).unwrap_or(3);
    parts
        .iter()
        .skip(largest)
        .take(2)
        .map(|(count, unit)| format!("{count} {unit}{}", if *count == 1 { "" } else { "s" }))
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_argo_writes_them() {
        let at = Millis(1_700_000_000_999);
        assert_eq!(rfc3339(at), "2023-11-14T22:13:20Z");
        assert_eq!(strftime(at, "Y").as_deref(), Some("2023"));
        assert_eq!(strftime(at, "H").as_deref(), Some("22"));
        assert_eq!(strftime(at, "Hx"), None);
        assert_eq!(strftime(at, "%"), None);
    }

    #[test]
    fn spans_are_told_in_their_two_largest_units() {
        for (millis, text) in [
            (500, "1 second"),
            (10_000, "10 seconds"),
            (90_000, "1 minute 30 seconds"),
            (7_200_000, "2 hours 0 minutes"),
        ] {
            assert_eq!(humanised(Millis(millis)), text);
        }
    }
}
