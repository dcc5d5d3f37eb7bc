//! Running other programs, with errors that say which and why.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Runs to the end with the terminal's own output; anything but success is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("can not start {}", shown(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", shown(command));
    }
    Ok(())
}

/// Runs to the end and returns standard output; the error holds what was written to standard error.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>> {
    let output = command
        .stdin(Stdio::null())
        // What is read by a program must not be translated.
        .env("LC_ALL", "C")
        .output()
        .with_context(|| format!("can not start {}", shown(command)))?;
    if !output.status.success() {
        bail!(
            "{} ended with {}: {}",
            shown(command),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(output.stdout)
}

/// The same, as text.
pub(crate) fn text(command: &mut Command) -> Result<String> {
    String::from_utf8(output(command)?)
        .with_context(|| format!("{} did not print UTF-8", shown(command)))
}

fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy()];
    words.extend(command.get_args().map(|word| word.to_string_lossy()));
    words.join(" ")
}
