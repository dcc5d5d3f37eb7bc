//! Spans as Go writes and reads them: `1h30m0s`, `250ms`, in nanoseconds.

/// Reads Go's spans, negative ones too, to nanoseconds.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut total = 0f64;
    let mut any = false;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let (number, tail) = rest.split_at_checked(end)?;
        let end = tail.find(|c: char| c.is_ascii_digit() || c == '.');
        let (unit, tail) = tail.split_at_checked(end.unwrap_or(tail.len()))?;
        let nanos = match unit {
            "ns" => 1.0,
            "us" | "µs" | "μs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 6e10,
            "h" => 3.6e12,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * nanos;
        rest = tail;
        any = true;
    }
    let total = if negative { -total } else { total };
    (any && total.abs() < 9.2e18).then_some(total as i64)
}

/// A span as Go prints it: `1h30m0s`, `1.5s`, `250ms`, `0s`.
pub(crate) fn text(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let size = nanos.unsigned_abs();
    let part = |unit: u64, name: &str| {
        let whole = size / unit;
        let fraction = size % unit;
        let width = unit.to_string().len().saturating_sub(1);
        let digits = format!("{fraction:0width$}");
        match digits.trim_end_matches('0') {
            "" => format!("{sign}{whole}{name}"),
            digits => format!("{sign}{whole}.{digits}{name}"),
        }
    };
    match size {
        0 => "0s".into(),
        1..1_000 => format!("{sign}{size}ns"),
        1_000..1_000_000 => part(1_000, "µs"),
        1_000_000..1_000_000_000 => part(1_000_000, "ms"),
        _ => {
            let minutes = size / 60_000_000_000;
            let seconds = size % 60_000_000_000;
            let digits = format!("{:09}", seconds % 1_000_000_000);
            let fraction = match digits.trim_end_matches('0') {
                "" => String::new(),
                digits => format!(".{digits}"),
            };
            let seconds = format!("{}{fraction}s", seconds / 1_000_000_000);
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{sign}{seconds}"),
                (0, minutes) => format!("{sign}{minutes}m{seconds}"),
                (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}"),
            }
        }
    }
}
