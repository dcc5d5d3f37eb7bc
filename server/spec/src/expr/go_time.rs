//! Times as Go writes and reads them: layouts such as `2006-01-02 15:04`, and spans such as `1h30m0s`.

use jiff::civil::{DateTime, Weekday};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, Zoned};
use steading_types::Millis;

/// RFC 3339 to the second.
pub(crate) const RFC3339: &str = "2006-01-02T15:04:05Z07:00";

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

/// A point in time, in UTC.
pub(crate) fn from_millis(at: Millis) -> Zoned {
    let millis = i64::try_from(at.get()).unwrap_or(i64::MAX);
    let timestamp = Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX);
    timestamp.to_zoned(TimeZone::UTC)
}

/// The zone of an IANA name, from the tables inside the program: no file is read.
pub(crate) fn zone(name: &str) -> Option<TimeZone> {
    match name {
        "" | "UTC" | "Local" => Some(TimeZone::UTC),
        _ => jiff::tz::TimeZoneDatabase::bundled().get(name).ok(),
    }
}

/// RFC 3339 with as many digits of a second as there are.
pub(crate) fn rfc3339(time: &Zoned) -> String {
    format(time, "2006-01-02T15:04:05.999999999Z07:00")
}

/// The English name of a month (1 to 12).
pub(crate) fn month_name(month: i8) -> &'static str {
    let at = usize::try_from(month).unwrap_or(1).saturating_sub(1);
    MONTHS.get(at).copied().unwrap_or_default()
}

/// The English name of a day of the week.
pub(crate) fn day_name(day: Weekday) -> &'static str {
    let at = usize::try_from(day.to_monday_zero_offset()).unwrap_or(0);
    DAYS.get(at).copied().unwrap_or_default()
}

/// One piece of a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'l> {
    Text(&'l str),
    Field(&'static str),
    /// A fraction of a second: the sign before it, its digits, whether ending zeros are left out.
    Fraction(char, usize, bool),
}

/// Longer ones first. `_2` is a day filled with a blank.
const FIELDS: &[&str] = &[
    "January", "Monday", "2006", "Z07:00", "-07:00", "Z0700", "-0700", "Jan", "Mon", "MST", "002",
    "Z07", "-07", "01", "02", "03", "04", "05", "06", "15", "PM", "pm", "_2", "1", "2", "3", "4",
    "5",
];

fn pieces(layout: &str) -> Vec<Piece<'_>> {
    let mut out = Vec::new();
    let mut rest = layout;
    let mut text_from = layout;
    let mut text_length = 0usize;
    while let Some(first) = rest.chars().next() {
        let found = FIELDS.iter().find(|field| rest.starts_with(**field));
        let piece = match found {
            Some(field) => Some((Piece::Field(field), field.len())),
            None => fraction(rest, text_length > 0 || !out.is_empty()),
        };
        let Some((piece, length)) = piece else {
            text_length = text_length.saturating_add(first.len_utf8());
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
            continue;
        };
        if let Some(text) = text_from.get(..text_length).filter(|t| !t.is_empty()) {
            out.push(Piece::Text(text));
        }
        out.push(piece);
        rest = rest.get(length..).unwrap_or_default();
        text_from = rest;
        text_length = 0;
    }
    if !text_from.is_empty() {
        out.push(Piece::Text(text_from));
    }
    out
}

/// `.000` or `,999` behind a second.
fn fraction(rest: &str, inside: bool) -> Option<(Piece<'static>, usize)> {
    let mut chars = rest.chars();
    let sign = chars.next().filter(|c| inside && matches!(c, '.' | ','))?;
    let digit = chars.next().filter(|c| matches!(c, '0' | '9'))?;
    let tail = rest.get(1..)?;
    let digits = tail.chars().take_while(|c| *c == digit).count();
    let after = tail.chars().nth(digits);
    if after.is_some_and(|c| c.is_ascii_digit()) || digits > 9 {
        return None;
    }
    let piece = Piece::Fraction(sign, digits, digit == '9');
    Some((piece, digits.saturating_add(1)))
}

/// The time in a layout.
pub(crate) fn format(time: &Zoned, layout: &str) -> String {
    let mut out = String::new();
    for piece in pieces(layout) {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Field(field) => out.push_str(&field_text(time, field)),
            Piece::Fraction(sign, digits, short) => {
                let all = format!("{:09}", time.subsec_nanosecond());
                let shown = all.get(..digits).unwrap_or(&all);
                let shown = if short {
                    shown.trim_end_matches('0')
                } else {
                    shown
                };
                if !shown.is_empty() {
                    out.push(sign);
                    out.push_str(shown);
                }
            }
        }
    }
    out
}

fn field_text(time: &Zoned, field: &str) -> String {
    let hour12 = match time.hour() % 12 {
        0 => 12,
        hour => hour,
    };
    match field {
        "2006" => format!("{:04}", time.year()),
        "06" => format!("{:02}", time.year().rem_euclid(100)),
        "January" => month_name(time.month()).into(),
        "Jan" => month_name(time.month()).chars().take(3).collect(),
        "01" => format!("{:02}", time.month()),
        "1" => time.month().to_string(),
        "Monday" => day_name(time.weekday()).into(),
        "Mon" => day_name(time.weekday()).chars().take(3).collect(),
        "02" => format!("{:02}", time.day()),
        "_2" => format!("{:>2}", time.day()),
        "2" => time.day().to_string(),
        "002" => format!("{:03}", time.day_of_year()),
        "15" => format!("{:02}", time.hour()),
        "03" => format!("{hour12:02}"),
        "3" => hour12.to_string(),
        "04" => format!("{:02}", time.minute()),
        "4" => time.minute().to_string(),
        "05" => format!("{:02}", time.second()),
        "5" => time.second().to_string(),
        "PM" => if time.hour() < 12 { "AM" } else { "PM" }.into(),
        "pm" => if time.hour() < 12 { "am" } else { "pm" }.into(),
        "MST" => time.strftime("%Z").to_string(),
        zone => offset_text(time.offset(), zone),
    }
}

fn offset_text(offset: Offset, field: &str) -> String {
    let seconds = offset.seconds();
    if field.starts_with('Z') && seconds == 0 {
        return "Z".into();
    }
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.unsigned_abs() / 60;
    let (hours, minutes) = (minutes / 60, minutes % 60);
    match field.trim_start_matches(['Z', '-']) {
        "07:00" => format!("{sign}{hours:02}:{minutes:02}"),
        "0700" => format!("{sign}{hours:02}{minutes:02}"),
        _ => format!("{sign}{hours:02}"),
    }
}

/// Reads a time in a layout. Without a zone in the text, `zone` is meant.
pub(crate) fn parse(text: &str, layout: &str, zone: &TimeZone) -> Option<Zoned> {
    let mut parsed = Parsed::default();
    let mut rest = text;
    let mut pieces = pieces(layout).into_iter().peekable();
    while let Some(piece) = pieces.next() {
        rest = match piece {
            Piece::Text(wanted) => rest.strip_prefix(wanted)?,
            Piece::Field(field) => parsed.field(field, rest)?,
            Piece::Fraction(sign, _, short) => match rest.strip_prefix(sign) {
                Some(after) => parsed.fraction(after)?,
                None if short => rest,
                None => return None,
            },
        };
        // A second may have a fraction that the layout does not mention.
        let is_second = matches!(piece, Piece::Field("05" | "5"));
        if is_second && !matches!(pieces.peek(), Some(Piece::Fraction(..))) {
            let fraction = rest
                .strip_prefix('.')
                .and_then(|after| parsed.fraction(after));
            rest = fraction.unwrap_or(rest);
        }
    }
    if !rest.is_empty() {
        return None;
    }
    parsed.finish(zone)
}

struct Parsed {
    year: i16,
    month: i8,
    day: i8,
    hour: i8,
    minute: i8,
    second: i8,
    nanosecond: i32,
    afternoon: Option<bool>,
    offset: Option<Offset>,
}

impl Default for Parsed {
    fn default() -> Self {
        Self {
            year: 0,
            month: 1,
            day: 1,
            hour: 0,
            minute: 0,
            second: 0,
            nanosecond: 0,
            afternoon: None,
            offset: None,
        }
    }
}

fn digits(text: &str, least: usize, most: usize) -> Option<(i32, &str)> {
    let count = text
        .bytes()
        .take(most)
        .take_while(u8::is_ascii_digit)
        .count();
    if count < least {
        return None;
    }
    let (number, rest) = text.split_at_checked(count)?;
    Some((number.parse().ok()?, rest))
}

fn name<'t>(text: &'t str, names: &[&str], letters: usize) -> Option<(i8, &'t str)> {
    names.iter().zip(0i8..).find_map(|(name, index)| {
        let wanted = name.get(..letters.min(name.len()))?;
        let (found, rest) = text.split_at_checked(wanted.len())?;
        found.eq_ignore_ascii_case(wanted).then_some((index, rest))
    })
}

impl Parsed {
    fn field<'t>(&mut self, field: &str, text: &'t str) -> Option<&'t str> {
        let mut small = |least, text: &'t str, slot: fn(&mut Self) -> &mut i8| {
            let (number, rest) = digits(text, least, 2)?;
            *slot(self) = i8::try_from(number).ok()?;
            Some(rest)
        };
        match field {
            "2006" => {
                let (year, rest) = digits(text, 4, 4)?;
                self.year = i16::try_from(year).ok()?;
                Some(rest)
            }
            "06" => {
                let (year, rest) = digits(text, 2, 2)?;
                let century = if year >= 69 { 1900 } else { 2000 };
                self.year = i16::try_from(year.saturating_add(century)).ok()?;
                Some(rest)
            }
            "January" | "Jan" => {
                let letters = if field == "Jan" { 3 } else { usize::MAX };
                let (index, rest) = name(text, &MONTHS, letters)?;
                self.month = index.saturating_add(1);
                Some(rest)
            }
            "Monday" => name(text, &DAYS, usize::MAX).map(|(_, rest)| rest),
            "Mon" => name(text, &DAYS, 3).map(|(_, rest)| rest),
            "01" => small(2, text, |p| &mut p.month),
            "1" => small(1, text, |p| &mut p.month),
            "02" => small(2, text, |p| &mut p.day),
            "2" | "_2" => small(1, text.trim_start_matches(' '), |p| &mut p.day),
            "15" | "03" => small(2, text, |p| &mut p.hour),
            "3" => small(1, text, |p| &mut p.hour),
            "04" => small(2, text, |p| &mut p.minute),
            "4" => small(1, text, |p| &mut p.minute),
            "05" => small(2, text, |p| &mut p.second),
            "5" => small(1, text, |p| &mut p.second),
            "PM" | "pm" => {
                let (half, rest) = text.split_at_checked(2)?;
                self.afternoon = Some(half.eq_ignore_ascii_case("pm"));
                (self.afternoon == Some(true) || half.eq_ignore_ascii_case("am")).then_some(rest)
            }
            "MST" => {
                let rest = text.trim_start_matches(|c: char| c.is_ascii_uppercase());
                let zone = text.strip_suffix(rest)?;
                // Go takes an unknown abbreviation as one without an offset.
                self.offset = Some(Offset::UTC);
                (3..=5).contains(&zone.len()).then_some(rest)
            }
            zone => self.zone(zone, text),
        }
    }

    fn zone<'t>(&mut self, field: &str, text: &'t str) -> Option<&'t str> {
        if let Some(rest) = text.strip_prefix('Z').filter(|_| field.starts_with('Z')) {
            self.offset = Some(Offset::UTC);
            return Some(rest);
        }
        let negative = text.starts_with('-');
        let (hours, rest) = digits(text.strip_prefix(['+', '-'])?, 2, 2)?;
        let (minutes, rest) = match field.trim_start_matches(['Z', '-']) {
            "07:00" => digits(rest.strip_prefix(':')?, 2, 2)?,
            "0700" => digits(rest, 2, 2)?,
            _ => (0, rest),
        };
        let seconds = hours
            .checked_mul(3600)?
            .checked_add(minutes.checked_mul(60)?)?;
        let seconds = if negative {
            seconds.checked_neg()?
        } else {
            seconds
        };
        self.offset = Some(Offset::from_seconds(seconds).ok()?);
        Some(rest)
    }

    fn fraction<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        let count = text.bytes().take_while(u8::is_ascii_digit).count();
        let (shown, rest) = text.split_at_checked(count)?;
        let nine: String = shown.chars().chain("000000000".chars()).take(9).collect();
        self.nanosecond = nine.parse().ok()?;
        (count > 0).then_some(rest)
    }

    fn finish(self, zone: &TimeZone) -> Option<Zoned> {
        let hour = match self.afternoon {
            Some(true) if self.hour < 12 => self.hour.checked_add(12)?,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let civil = DateTime::new(
            self.year,
            self.month,
            self.day,
            hour,
            self.minute,
            self.second,
            self.nanosecond,
        )
        .ok()?;
        let zone = match self.offset {
            Some(offset) if offset == Offset::UTC => TimeZone::UTC,
            Some(offset) => TimeZone::fixed(offset),
            None => zone.clone(),
        };
        civil.to_zoned(zone).ok()
    }
}

/// Reads Go's spans, negative ones too, to nanoseconds.
pub(crate) fn parse_duration(text: &str) -> Option<i64> {
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
pub(crate) fn duration_text(nanos: i64) -> String {
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

/// A time later by a span.
pub(crate) fn plus(time: &Zoned, nanos: i64) -> Option<Zoned> {
    time.checked_add(SignedDuration::from_nanos(nanos)).ok()
}

/// The span from one time to another; the longest possible one when it does not fit, as in Go.
pub(crate) fn between(from: &Zoned, to: &Zoned) -> i64 {
    let nanos = to.timestamp().as_nanosecond() - from.timestamp().as_nanosecond();
    let clamped = nanos.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
    i64::try_from(clamped).unwrap_or(i64::MAX)
}
