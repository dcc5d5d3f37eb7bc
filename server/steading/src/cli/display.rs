//! Text for people: tables, times, phases in words and colours.

use std::io::{IsTerminal, Write};

use serde::Serialize;
use steading_types::{Millis, NodePhase, WorkflowPhase};

use super::Format;
use super::exit::Failure;

/// Prints a document as JSON or YAML.
///
/// # Errors
/// When standard output is gone.
pub(crate) fn document(value: &impl Serialize, format: Format) -> Result<(), Failure> {
    let text = if format == Format::Yaml {
        serde_norway::to_string(value).map_err(Failure::internal)?
    } else {
        let mut text = serde_json::to_string_pretty(value).map_err(Failure::internal)?;
        text.push('\n');
        text
    };
    print(&text)
}

/// Prints text; a reader that went away is no failure.
///
/// # Errors
/// Other failures of standard output.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// Prints one line, as [`print`] does.
///
/// # Errors
/// Failures of standard output other than a reader that went away.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    print(&format!("{text}\n"))
}

/// Rows in columns.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = header.iter().map(|text| text.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(visible(cell));
        }
    }
    let line = |cells: &mut dyn Iterator<Item = String>| {
        let mut text = String::new();
        for (cell, width) in cells.zip(&widths) {
            let pad = width.saturating_sub(visible(&cell)).saturating_add(3);
            text.push_str(&cell);
            text.push_str(&" ".repeat(pad));
        }
        format!("{}\n", text.trim_end())
    };
    let mut text = line(&mut header.iter().map(|cell| (*cell).to_owned()));
    for row in rows {
        text.push_str(&line(&mut row.iter().cloned()));
    }
    text
}

/// Characters that take room: colour codes do not.
fn visible(text: &str) -> usize {
    let mut count = 0usize;
    let mut in_code = false;
    for c in text.chars() {
        match (in_code, c) {
            (false, '\x1b') => in_code = true,
            (true, 'm') => in_code = false,
            (true, _) => {}
            (false, _) => count = count.saturating_add(1),
        }
    }
    count
}

/// Text of others without what would steer the terminal.
pub(crate) fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\t' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

/// A span in people's words: `3s`, `2m5s`, `1h4m`, `3d2h`.
pub(crate) fn span(millis: Millis) -> String {
    let seconds = millis.get() / 1000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h{}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d{}h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// Bytes in people's units.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", bytes / 1024),
        1_048_576..1_073_741_824 => format!("{} MiB", bytes / 1_048_576),
        _ => format!("{:.1} GiB", bytes as f64 / 1_073_741_824.0),
    }
}

/// A point in time, UTC.
pub(crate) fn instant(at: Millis) -> String {
    let time = i64::try_from(at.get())
        .ok()
        .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    time.map(|t| t.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
        .unwrap_or_default()
}

fn colour(text: &str, code: &str) -> String {
    let wanted = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    if wanted {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

/// A run's phase.
pub(crate) fn phase(phase: WorkflowPhase) -> String {
    let code = match phase {
        WorkflowPhase::Succeeded => "32",
        WorkflowPhase::Failed | WorkflowPhase::Error => "31",
        WorkflowPhase::Running => "36",
        WorkflowPhase::Pending => "33",
    };
    colour(phase.as_str(), code)
}

/// A node's phase as a sign, as Argo's client shows it.
pub(crate) fn sign(phase: NodePhase) -> String {
    match phase {
        NodePhase::Succeeded => colour("✔", "32"),
        NodePhase::Failed => colour("✖", "31"),
        NodePhase::Error => colour("⚠", "31"),
        NodePhase::Running => colour("●", "36"),
        NodePhase::Pending => colour("◷", "33"),
        NodePhase::Skipped | NodePhase::Omitted => colour("○", "90"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_whatever_their_colour() {
        let rows = vec![
            vec!["\x1b[32mok\x1b[0m".to_owned(), "b".to_owned()],
            vec!["longer".to_owned(), "c".to_owned()],
        ];
        assert_eq!(
            table(&["A", "B"], &rows),
            "A        B\n\x1b[32mok\x1b[0m       b\nlonger   c\n"
        );
    }

    #[test]
    fn spans_read_as_people_say_them_and_foreign_text_can_not_steer() {
        assert_eq!(
            [500, 65_000, 3_840_000, 266_400_000].map(|ms| span(Millis(ms))),
            ["0s", "1m5s", "1h4m", "3d2h"]
        );
        assert_eq!(harmless("a\x1b[2Jb\r\n"), "a\u{fffd}[2Jb\u{fffd}\u{fffd}");
    }
}
