//! Times as Go writes and reads them, in layouts such as `2006-01-02 15:04`.

mod parse;

use jiff::civil::Weekday;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, Zoned};
use steading_types::Millis;

pub(crate) use parse::parse;

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
