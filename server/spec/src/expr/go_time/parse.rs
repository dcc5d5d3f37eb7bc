//! Text to a time, by a layout.

use jiff::Zoned;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

use super::{DAYS, MONTHS, Piece, pieces};

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
