//! `logs`: what tasks printed.

use std::time::Duration;

use clap::Args;
use steading_api::log::{LogLine, LogQuery};
use steading_api::node::NodeBody;
use steading_api::operations::{FollowLogs, GetLogs};
use steading_types::Millis;

use super::client::Client;
use super::display::{self, instant};
use super::exit::{Code, Failure};
use super::get::{nodes, now};

/// Arguments of `logs`.
#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// The run: its name, its id or @latest
    run: String,
    /// Only this node: its display name, full name, id or pod name
    node: Option<String>,
    /// Go on until the run is over
    #[arg(short, long)]
    follow: bool,
    /// Only this container
    #[arg(short, long)]
    container: Option<String>,
    /// Only lines that this regular expression matches
    #[arg(long)]
    grep: Option<String>,
    /// Only lines younger than this, e.g. 10m
    #[arg(long)]
    since: Option<String>,
    /// Only the last so many lines
    #[arg(long)]
    tail: Option<u32>,
    /// Print times
    #[arg(long)]
    timestamps: bool,
    /// Print no pod names
    #[arg(long)]
    no_prefix: bool,
}

/// What stands before a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prefix {
    /// Nothing.
    None,
    /// The pod's name.
    Pod,
    /// Pod and time.
    PodAndTime,
    /// The time.
    Time,
}

impl Logs {
    pub(crate) async fn run(self, client: &Client) -> Result<(), Failure> {
        let since =
            match self.since.as_deref() {
                Some(text) => Some(now().since(steading_types::parse_duration(text).ok_or_else(
                    || Failure::new(Code::Usage, format!("'{text}' is no duration")),
                )?)),
                None => None,
            };
        let node = match &self.node {
            Some(wanted) => Some(node(client, &self.run, wanted).await?.ix),
            None => None,
        };
        let query = LogQuery {
            node,
            container: self.container.clone(),
            grep: self.grep.clone(),
            since,
            tail: self.tail,
            ..LogQuery::default()
        };
        let prefix = match (self.no_prefix || node.is_some(), self.timestamps) {
            (true, false) => Prefix::None,
            (true, true) => Prefix::Time,
            (false, false) => Prefix::Pod,
            (false, true) => Prefix::PodAndTime,
        };
        if self.follow {
            follow(client, &self.run, &query, prefix).await
        } else {
            page(client, &self.run, query, prefix).await
        }
    }
}

/// A node that people name in one of many ways.
pub(super) async fn node(client: &Client, run: &str, wanted: &str) -> Result<NodeBody, Failure> {
    let hash = |text: &str| text.rsplit_once('-').map(|(_, hash)| hash.to_owned());
    let nodes = nodes(client, run).await?;
    let exact = nodes
        .iter()
        .find(|node| node.id == wanted || node.name == wanted || node.display_name == wanted);
    let found = exact.or_else(|| {
        nodes
            .iter()
            .find(|node| hash(&node.id).is_some_and(|h| Some(h) == hash(wanted)))
    });
    found
        .cloned()
        .ok_or_else(|| Failure::new(Code::NotFound, format!("{run} has no node '{wanted}'")))
}

async fn page(
    client: &Client,
    run: &str,
    mut query: LogQuery,
    prefix: Prefix,
) -> Result<(), Failure> {
    query.limit = Some(10_000);
    loop {
        let page = client.tenant_call::<GetLogs>(&[run], &query, &()).await?;
        for one in &page.lines {
            display::print(&line(one, prefix))?;
        }
        match page.next {
            Some(next) if query.tail.is_none() => query.offset = Some(next),
            _ => return Ok(()),
        }
    }
}

/// Prints a run's lines until it is over.
pub(crate) async fn follow(
    client: &Client,
    run: &str,
    query: &LogQuery,
    prefix: Prefix,
) -> Result<(), Failure> {
    let mut lines = client.follow::<FollowLogs>(&[run], query).await?;
    loop {
        match lines.next().await {
            Ok(Some(one)) => display::print(&line(&one, prefix))?,
            Ok(None) => return Ok(()),
            Err(error) => {
                // A server that restarts loses nothing: begin again after what was seen is the server's part.
                tokio::time::sleep(Duration::from_millis(200)).await;
                return Err(error.into());
            }
        }
    }
}

fn line(line: &LogLine, prefix: Prefix) -> String {
    // Output of tasks may steer the terminal only as far as colours go.
    let text: String = line
        .text
        .chars()
        .map(|c| {
            if c.is_control() && c != '\t' && c != '\x1b' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect();
    let text = if text.contains('\x1b') {
        only_colours(&text)
    } else {
        text
    };
    match prefix {
        Prefix::None => format!("{text}\n"),
        Prefix::Pod => format!("{}: {text}\n", line.pod),
        Prefix::Time => format!("{} {text}\n", time(line.time)),
        Prefix::PodAndTime => format!("{}: {} {text}\n", line.pod, time(line.time)),
    }
}

/// Keeps `ESC [ digits ; … m`; drops every other use of the escape character.
fn only_colours(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\x1b') {
        kept.push_str(before);
        let colour = after
            .strip_prefix('[')
            .and_then(|code| code.split_once('m'))
            .filter(|(code, _)| code.chars().all(|c| c.is_ascii_digit() || c == ';'));
        rest = match colour {
            Some((code, tail)) => {
                kept.push_str(&format!("\x1b[{code}m"));
                tail
            }
            None => {
                kept.push('\u{fffd}');
                after
            }
        };
    }
    kept.push_str(rest);
    kept
}

fn time(at: Millis) -> String {
    instant(at)
}

#[cfg(test)]
mod tests {
    #[test]
    fn output_of_a_task_may_colour_a_terminal_but_not_steer_it() {
        assert_eq!(
            super::only_colours("\x1b[31mred\x1b[0m"),
            "\x1b[31mred\x1b[0m"
        );
        assert_eq!(
            super::only_colours("\x1b]0;title\x07 \x1b[2J"),
            "\u{fffd}]0;title\x07 \u{fffd}[2J"
        );
    }
}
